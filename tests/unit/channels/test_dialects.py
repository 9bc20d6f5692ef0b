"""Each dialect says the same words, and words never turn into markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from channels.body import parse_body, text_body
from channels.dialects import PLAIN, Writer, dialect_named, register_dialect
from channels.dialects.writer import words
from channels.model import Body, Bold, Break, Code, Italic, Link, ListBlock, Paragraph, Quote, Text

TELEGRAM = dialect_named("telegram-html")
MAX = dialect_named("max-markdown")
MAX_HTML = dialect_named("max-html")
WHATSAPP = dialect_named("whatsapp")
SHIPPED = [PLAIN, TELEGRAM, MAX, MAX_HTML, WHATSAPP]


class Reader(HTMLParser):
    """Reads Telegram's HTML as strictly as Telegram: known tags, closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen = ""
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"b", "i", "code", "a", "blockquote"}
        assert [name for name, _ in attrs] == (["href"] if tag == "a" else [])
        self.open.append(tag)
        self.links += [value or "" for _, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.seen += data


def read_html(text: str) -> Reader:
    """The text as Telegram understands it."""
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert not reader.open
    return reader


def read_markdown(text: str) -> tuple[str, set[str]]:
    """The visible text and the kinds of markup that a CommonMark reader with MAX's marks finds."""
    markdown = MarkdownIt("zero").enable(
        ["emphasis", "backticks", "link", "escape", "entity", "autolink", "html_inline", "strikethrough"]
    )
    markdown = markdown.enable(["heading", "blockquote", "newline", "strikethrough"])
    kinds: set[str] = set()
    seen = []
    for token in markdown.parse(text):
        if token.type in {"heading_open", "blockquote_open"}:
            kinds.add(token.type)
        for child in token.children or ():
            if child.type in {"softbreak", "hardbreak"}:
                seen.append("\n")
            elif child.content and child.nesting == 0:
                seen.append(child.content)
                kinds |= {child.type} - {"text", "text_special"}
            elif child.nesting == 1:
                kinds.add(child.type)
    return "".join(seen), kinds


def squeezed(text: str) -> str:
    """Without white space and the invisible joiner."""
    return re.sub(r"[\s\u2060]+", "", text)


BODY = parse_body(
    "Цена **от 300 ₽** за _заказ_ <5 кг & `код`:\n"
    '- [Тарифы](https://x.ru/?a=1&b="2")\n- [Почта](mailto:a_b@x.ru)\n\n2. два\n\n> цитата\n> дальше'
)


def test_plain_shows_addresses_bullets_numbers_and_quotes() -> None:
    assert PLAIN.write(BODY) == (
        "Цена от 300 ₽ за заказ <5 кг & код:\n\n"
        '• Тарифы (https://x.ru/?a=1&b="2")\n• Почта (a_b@x.ru)\n\n2. два\n\n> цитата\n> дальше'
    )


def test_telegram_gets_its_tags_and_escapes() -> None:
    assert TELEGRAM.write(BODY) == (
        "Цена <b>от 300 ₽</b> за <i>заказ</i> &lt;5 кг &amp; <code>код</code>:\n\n"
        '• <a href="https://x.ru/?a=1&amp;b=&quot;2&quot;">Тарифы</a>\n• Почта (a_b@x.ru)\n\n'
        "2. два\n\n<blockquote>цитата\nдальше</blockquote>"
    )


def test_max_gets_its_marks() -> None:
    assert MAX.write(BODY) == (
        "Цена **от 300 ₽** за _заказ_ <5 кг & `код`:\n\n"
        "• [Тарифы](https://x.ru/?a=1&b=%222%22)\n• Почта (a\\_b@x.ru)\n\n2. два\n\n> цитата\n> дальше"
    )


def test_whatsapp_gets_its_marks_and_links_as_text() -> None:
    assert WHATSAPP.write(BODY) == (
        "Цена *от 300 ₽* за _заказ_ <5 кг & `код`:\n\n"
        '• Тарифы (https://x.ru/?a=1&b="2")\n• Почта (a_b@x.ru)\n\n2. два\n\n> цитата\n> дальше'
    )


@pytest.mark.parametrize("dialect", SHIPPED, ids=lambda dialect: dialect.name)
def test_a_label_that_is_the_address_is_shown_once(dialect: Writer) -> None:
    body = Body((Paragraph((Link("mailto:a@x.ru", (Text("a@x.ru"),)),)),))

    assert dialect.write(body) == "a@x.ru"


@pytest.mark.parametrize("dialect", SHIPPED, ids=lambda dialect: dialect.name)
def test_a_link_without_a_label_shows_its_address(dialect: Writer) -> None:
    body = Body((Paragraph((Link("https://x.ru", ()),)),))

    assert dialect.visible(body) == "https://x.ru"


@given(st.data())
def test_telegram_html_is_well_formed_and_shows_what_it_says_it_shows(
    bodies: st.SearchStrategy[Body], data: st.DataObject
) -> None:
    body = data.draw(bodies)

    reader = read_html(TELEGRAM.write(body))

    assert TELEGRAM.visible(body) == reader.seen


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc"))))
def test_telegram_never_reads_user_text_as_markup(text: str) -> None:
    reader = read_html(TELEGRAM.write(text_body(text)))

    assert text == reader.seen
    assert reader.links == []


@given(st.text(alphabet="аб*_`[]()<>&;#~^\\!ampltx:/h \n", max_size=40))
def test_max_never_reads_user_text_as_markup(text: str) -> None:
    written = MAX.write(text_body(text))

    seen, kinds = read_markdown(written)

    assert kinds == set()
    assert squeezed(text) == squeezed(seen)


@pytest.mark.parametrize("mark", ["++а++", "~~а~~", "^^а^^", "# а", "б\n > а", "[а](max://user/1)", "__а__"])
def test_max_marks_beyond_common_markdown_are_escaped_too(mark: str) -> None:
    assert "\\" in MAX.write(text_body(mark))


def test_max_leaves_a_single_plus_alone() -> None:
    assert MAX.write(text_body("+7 900 1~2 3^4 < 5")) == "+7 900 1~2 3^4 < 5"


def test_max_address_cannot_end_early() -> None:
    body = Body((Paragraph((Link("https://x.ru/a(b) c", (Text("x]"),)),)),))

    assert MAX.write(body) == "[x\\]](https://x.ru/a%28b%29%20c)"


@pytest.mark.parametrize(("dialect", "bold"), [(MAX, "**а** \n**б**"), (WHATSAPP, "*а* \n*б*")])
def test_marks_touch_words_and_do_not_span_lines(dialect: Writer, bold: str) -> None:
    body = Body((Paragraph((Bold((Text("а "), Break(), Bold((Text("б"),)))),)),))

    assert bold == dialect.write(body)


@pytest.mark.parametrize("dialect", [MAX, WHATSAPP], ids=lambda dialect: dialect.name)
def test_code_that_a_backtick_would_end_is_written_as_text(dialect: Writer) -> None:
    body = Body((Paragraph((Code("a`b"),)),))

    assert dialect.write(body).replace("\\", "") == "a`b"


def test_whatsapp_keeps_user_marks_apart_from_words_but_not_addresses() -> None:
    written = WHATSAPP.write(text_body("*а* a_b https://x.ru/_a_"))

    assert written == "*\u2060а\u2060* a_b https://x.ru/_a_"


@pytest.mark.parametrize("dialect", SHIPPED, ids=lambda dialect: dialect.name)
@given(st.data())
def test_no_dialect_loses_a_letter(
    dialect: Writer, bodies: st.SearchStrategy[Body], data: st.DataObject
) -> None:
    body = data.draw(bodies)

    seen = dialect.visible(body)

    for block in body.blocks:
        for item in block.items if isinstance(block, ListBlock) else (block.children,):
            for child in item:
                if isinstance(child, Text | Code | Bold | Italic):
                    letters = [char for char in words((child,)) if char.isalnum()]
                    rest = iter(seen)
                    assert all(char in rest for char in letters)


def test_an_unknown_dialect_is_named_with_the_known_ones() -> None:
    with pytest.raises(LookupError, match=r"'klingon'.*max-markdown, plain, telegram-html, .*whatsapp"):
        dialect_named("klingon")


def test_a_channel_brings_its_own_dialect_but_not_under_a_taken_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.dialects._DIALECTS", {})

    class Shouting(Writer):
        name = "shouting"

        def text(self, value: str) -> str:
            return value.upper()

    dialect = Shouting()
    register_dialect(dialect)
    register_dialect(dialect)

    assert dialect_named("shouting").write(Body((Quote((Text("а"),)),))).removeprefix("> ") == "А"
    with pytest.raises(ValueError, match="'shouting'"):
        register_dialect(Shouting())
