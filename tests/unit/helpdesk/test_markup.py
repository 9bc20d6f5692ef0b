"""An agent's HTML becomes a tree of ours, whatever it is, and our words become HTML that shows the same."""

from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.model import Body, Bold, Break, Code, Italic, Link, ListBlock, Paragraph, Quote, Text
from optfm_bot.helpdesk.markup import fingerprint, read_html, read_plain, write_html


def body(*blocks: Paragraph | ListBlock | Quote) -> Body:
    return Body(blocks)


def lines(*texts: str) -> Paragraph:
    children: list[Text | Break] = []
    for text in texts:
        children += [Break(), Text(text)] if children else [Text(text)]
    return Paragraph(tuple(children))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", body()),
        ("<p></p><p>&nbsp;</p><div><br></div>", body()),
        ("просто текст", body(lines("просто текст"))),
        ("<p>Hello!<br>On its way.</p>", body(lines("Hello!", "On its way."))),
        ("<p>a</p><p>b</p>", body(lines("a"), lines("b"))),
        ("<div>a</div><div>b</div>", body(lines("a", "b"))),
        ("<div>a</div><div><br></div><div>b</div>", body(lines("a"), lines("b"))),
        ("<div>a</div><div>&nbsp;</div><div>b</div>", body(lines("a"), lines("b"))),
        ("a<br><br><br><br>b", body(lines("a"), lines("b"))),
        ("  a \n\t b&nbsp; c ", body(lines("a b  c"))),
        ("a &lt;b&gt; &amp;amp; &laquo;в&raquo; &#128077;", body(lines("a <b> &amp; «в» 👍"))),
        ("<style>p{}</style><script>x</script>да<!-- нет -->", body(lines("да"))),
        ("<div style='display: none'>нет</div>да", body(lines("да"))),
        ("<o:p>да</o:p>", body(lines("да"))),
        ("<h2>Тема</h2>слова", body(Paragraph((Bold((Text("Тема"),)),)), lines("слова"))),
        ("<code>a  b</code>", body(Paragraph((Code("a b"),)))),
        ("<pre>a  b\nc</pre>", body(Paragraph((Code("a  b"), Break(), Code("c"))))),
        ("<blockquote>q<br>w</blockquote>да", body(Quote((Text("q"), Break(), Text("w"))), lines("да"))),
        ("<ul><li>a<li>b</ul>", body(ListBlock(((Text("a"),), (Text("b"),))))),
        ("<ol start='3'><li><p>a</p></li></ol>", body(ListBlock(((Text("a"),),), ordered=True, start=3))),
        ("<ul><li>a<ul><li>b</li></ul></li></ul>", body(ListBlock(((Text("a"), Break(), Text("– b")),)))),
        ("<li>a</li>", body(lines("• a"))),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", body(lines("a | b", "c"))),
        ("</p></div></b>a</ul>", body(lines("a"))),
        ("<p>a<p>b", body(lines("a"), lines("b"))),
        ("<![if !mso]>a<![endif]>", body(lines("a"))),
        ("a < b", body(lines("a < b"))),
    ],
)
def test_html_is_read(source: str, expected: Body) -> None:
    assert expected == read_html(source).body


def test_emphasis_is_nested_as_it_was() -> None:
    found = read_html("<b>a <em>b</em></b> <strong><b>c</b></strong>").body
    expected = Paragraph((Bold((Text("a "), Italic((Text("b"),)))), Text(" "), Bold((Text("c"),))))
    assert body(expected) == found


@pytest.mark.parametrize(
    ("href", "linked"),
    [
        ("https://x.ru/?a=1&amp;b=2", "https://x.ru/?a=1&b=2"),
        (" mailto:a@x.ru ", "mailto:a@x.ru"),
        ("javascript:alert(1)", None),
        ("/relative", None),
        ("", None),
    ],
)
def test_only_whole_addresses_are_links(href: str, linked: str | None) -> None:
    found = read_html(f'<a href="{href}">сюда</a>').body
    expected = Text("сюда") if linked is None else Link(linked, (Text("сюда"),))
    assert body(Paragraph((expected,))) == found


def test_pictures_are_told_apart_from_words() -> None:
    found = read_html(
        '<p>вот <img src="https://desk.test/1.png" alt="чек"><img src="x" alt="😊">'
        '<img src="https://t.test/pixel" width="1" height="1"></p>'
    )
    assert [image.src for image in found.images] == ["https://desk.test/1.png"]
    assert body(lines("вот 😊")) == found.body


@pytest.mark.parametrize(
    "history",
    [
        '<div class="gmail_quote"><div class="gmail_attr">пн, 2 нояб.:</div><blockquote>old</blockquote></div>',
        "<div>On Mon, 2 Nov 2026, Maria &lt;m@x.test&gt; wrote:</div><blockquote>old</blockquote>",
        "пн, 2 нояб. 2026 г. в 10:00, Мария &lt;m@x.test&gt;:<br><blockquote>old</blockquote>",
        "<div>02.11.2026 Мария написала:</div><blockquote>old</blockquote>",
        "<div>On Mon, 2 Nov 2026 at 10:00</div><div>Maria wrote:</div><blockquote>old</blockquote>",
        '<blockquote type="cite">old</blockquote>',
        "<div>-----Original Message-----</div><p>old</p>",
        "<p>-------- Исходное сообщение --------</p><p>old</p>",
        '<div id="divRplyFwdMsg">From: x</div><div>old</div>',
        '<div id="appendonsend"></div><hr><div>old</div>',
        "<p><b>From:</b> Maria<br><b>Sent:</b> Monday<br><b>To:</b> us</p><p>old</p>",
        "<p><b>От:</b> Мария<br><b>Отправлено:</b> понедельник</p><p>old</p>",
    ],
)
def test_quoted_mails_are_cut_from_mails_alone(history: str) -> None:
    assert body(lines("Да")) == read_html(f"<p>Да</p>{history}", history=True).body
    assert "old" in repr(read_html(f"<p>Да</p>{history}").body)


def test_what_stands_under_a_quotation_is_kept() -> None:
    source = "<div>Мария написал(а):</div><blockquote>old</blockquote><div>вот ответ</div>"
    assert body(lines("вот ответ")) == read_html(source, history=True).body


def test_a_quotation_of_the_agents_own_is_kept() -> None:
    assert read_html("смотрите<blockquote>правило</blockquote>", history=True).body.blocks[1] == Quote(
        (Text("правило"),)
    )


_PIECES = st.sampled_from(
    [
        "<p>", "</p>", "<div>", "</div>", "<ul>", "<ol>", "<li>", "</li>", "</ul>", "<b>", "</b>", "<i", ">", "<",
        "&", "&#xffffffff;", "&nbsp;", "<![", "<![CDATA[", "]]>", "<!--", "-->", "<!", "<?", "<blockquote>",
        "</blockquote>", "<a href='https://x.ru'>", "</a>", "<img src=x>", "<script>", "<pre>", "\n", "wrote:", "да ",
        '<div class="gmail_quote">', "<td>", "\x00", "\ud800", '"', "<br/>", "<p/>", "&#0;", "<table>", "</table>",
    ]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=40).map("".join))
def test_broken_html_never_raises(source: str) -> None:
    read_html(source)
    read_html(source, history=True)


@given(st.text())
def test_any_text_is_read(source: str) -> None:
    read_html(source)


@pytest.mark.parametrize(
    "piece",
    [
        "<div>",
        "<blockquote>",
        "<ul><li>",
        "<b>",
        "<",
        "<!--",
        "<!",
        "<![",
        "<?",
        "</",
        "<a ",
        "<a x='",
        "&#",
        "<p a=b ",
    ],
)
def test_a_flood_is_read_in_time(piece: str) -> None:
    for end in ("", ">", "-->"):
        began = perf_counter()
        read_html(piece * (200_000 // len(piece)) + end, history=True)
        assert perf_counter() - began < 20


@given(st.text(alphabet="аb <>&\"'\n\t#;/p1\u00a0👍é"))
def test_our_words_as_html_say_the_same(text: str) -> None:
    written = write_html(text)
    assert "".join(text.split()) == fingerprint(written)
    assert "<" not in written.replace("<br>", "")


@given(st.lists(st.text(alphabet="аb<>&;1 ", min_size=1).map(str.strip).filter(bool), min_size=1, max_size=4))
def test_our_lines_as_html_are_read_as_lines(texts: list[str]) -> None:
    assert body(lines(*texts)) == read_html(write_html("\n".join(texts))).body


def test_runs_of_spaces_and_control_signs() -> None:
    assert write_html("a  b\x00\x1b") == "a&nbsp; b"
    assert write_html(" a") == "&nbsp;a"


def test_the_fingerprint_does_not_see_how_it_is_stored() -> None:
    assert fingerprint("а &amp; b<br>\nc&nbsp;d") == fingerprint("<p>а & b<br/>c d</p>")
    assert fingerprint("e\u0301") == fingerprint("é")
    assert fingerprint("a") != fingerprint("b")


def test_plain_text_is_read() -> None:
    assert body(lines("a", "b"), lines("c")) == read_plain("a\r\nb\n \nc\n")
    assert body() == read_plain(" \n ")


def test_words_stay_out_of_repr() -> None:
    assert "секрет" not in repr(read_html("<p>секрет<img src='https://секрет/1.png'></p>"))
