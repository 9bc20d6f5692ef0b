"""MAX's HTML says the same words as the tree, in tags that MAX was seen to show."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.body import parse_body, text_body
from channels.capabilities import DialectName
from channels.dialects import dialect_named
from channels.model import Body, Bold, Break, Paragraph, Quote, Text

MAX_HTML = dialect_named(DialectName.MAX_HTML)
# A busy machine is no bug, and trees take long to invent.
unhurried = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])


class Reader(HTMLParser):
    """Reads what MAX shows: known tags, closed in order; everything else is a mistake of ours."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen = ""
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"b", "i", "code", "a"}
        assert [name for name, _ in attrs] == (["href"] if tag == "a" else [])
        self.open.append(tag)
        self.links += [value or "" for _, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.seen += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert not reader.open
    return reader


def test_max_gets_its_tags_and_escapes() -> None:
    body = parse_body(
        "Цена **от 300 ₽** за _заказ_ <5 кг & `код`:\n"
        '- [Тарифы](https://x.ru/?a=1&b="2")\n- [Почта](mailto:a_b@x.ru)\n\n2. два\n\n> цитата\n> дальше'
    )

    assert MAX_HTML.write(body) == (
        "Цена <b>от 300 ₽</b> за <i>заказ</i> &lt;5 кг &amp; <code>код</code>:\n\n"
        '• <a href="https://x.ru/?a=1&amp;b=&quot;2&quot;">Тарифы</a>\n• Почта (a_b@x.ru)\n\n'
        "2. два\n\n&gt; цитата\n&gt; дальше"
    )


@unhurried
@given(st.data())
def test_it_is_well_formed_and_shows_what_it_says_it_shows(
    bodies: st.SearchStrategy[Body], data: st.DataObject
) -> None:
    body = data.draw(bodies)

    assert MAX_HTML.visible(body) == read(MAX_HTML.write(body)).seen


@unhurried
@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc"))))
def test_user_text_is_never_markup(text: str) -> None:
    reader = read(MAX_HTML.write(text_body(text)))

    assert text == reader.seen
    assert reader.links == []


def test_every_line_of_a_quotation_is_marked_also_inside_a_tag() -> None:
    body = Body((Quote((Bold((Text("а"), Break(), Text("б"))),)),))

    assert MAX_HTML.write(body) == "&gt; <b>а\n&gt; б</b>"
    assert MAX_HTML.visible(body) == "> а\n> б"


def test_nothing_gives_no_empty_tags() -> None:
    assert MAX_HTML.write(Body((Paragraph((Bold(()),)),))) == ""
