"""What authors write becomes the tree they meant, and nothing they write can do harm."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.body import parse_body, plain_text, text_body
from channels.model import Body, Bold, Break, Code, Italic, Link, ListBlock, Paragraph, Quote, Text

LONG = 65536


def inline(markdown: str) -> tuple[object, ...]:
    """The pieces of the only paragraph."""
    (paragraph,) = parse_body(markdown).blocks
    assert isinstance(paragraph, Paragraph)
    return paragraph.children


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("**а**", (Bold((Text("а"),)),)),
        ("*а* и _б_", (Italic((Text("а"),)), Text(" и "), Italic((Text("б"),)))),
        ("`a*b*`", (Code("a*b*"),)),
        ("***а***", (Bold((Italic((Text("а"),)),)),)),
        ("**а *б* в**", (Bold((Text("а "), Italic((Text("б"),)), Text(" в"))),)),
        ("**Важно**й", (Bold((Text("Важно"),)), Text("й"))),
        ("[а](https://x.ru)", (Link("https://x.ru", (Text("а"),)),)),
        ("[**а**](tel:+7900)", (Link("tel:+7900", (Bold((Text("а"),)),)),)),
        ("[а](https://x.ru/(1))", (Link("https://x.ru/(1)", (Text("а"),)),)),
        ("**[а](mailto:a@x.ru)**", (Bold((Link("mailto:a@x.ru", (Text("а"),)),)),)),
        ("а\nб", (Text("а"), Break(), Text("б"))),
        (
            "см. https://x.ru/a_b_c.",
            (Text("см. "), Link("https://x.ru/a_b_c", (Text("https://x.ru/a_b_c"),)), Text(".")),
        ),
        ("(https://x.ru)", (Text("("), Link("https://x.ru", (Text("https://x.ru"),)), Text(")"))),
        ("**https://x.ru**", (Bold((Link("https://x.ru", (Text("https://x.ru"),)),)),)),
        ("[https://x.ru](https://y.ru)", (Link("https://y.ru", (Text("https://x.ru"),)),)),
        (r"\*а\* \[б\]", (Text("*а* [б]"),)),
        (r"1\. а", (Text("1. а"),)),
    ],
)
def test_what_is_written_well_is_read_as_meant(markdown: str, expected: tuple[object, ...]) -> None:
    assert expected == inline(markdown)


@pytest.mark.parametrize(
    "markdown",
    [
        "snake_case_name и __init__",
        "10*20*30 см",
        "10*20* см",
        "а *б*в",
        "2 * 3 * 4",
        "**а",
        "а**",
        "*",
        "****",
        "`а",
        "[а](",
        "[а]()",
        "[](tel:+7900)",
        "[а](javascript:alert(1))",
        "[а](/relative)",
        "[а](ftp://x.ru)",
        "]([а",
        "<b>а</b> &amp;",
        "# заголовок",
        "1) первый",
        "а 1. б",
        "-а",
        ">",
        "httpss и https:// пусто",
        "\\",
        "C:\\папка",
    ],
)
def test_what_is_malformed_or_not_ours_stays_as_typed(markdown: str) -> None:
    assert (Text(markdown),) == inline(markdown)


def test_links_do_not_nest_and_the_inner_one_wins() -> None:
    link = Link("https://b.ru", (Text("b"),))

    assert (Text("[a "), link, Text(" c](tel:+7)")) == inline("[a [b](https://b.ru) c](tel:+7)")


def test_blocks_are_found_without_empty_lines_between_them() -> None:
    body = parse_body("Способы:\n- курьер\n* почта\n  до отделения\n\n> ответ\n> дальше\nконец")

    assert (
        Body(
            (
                Paragraph((Text("Способы:"),)),
                ListBlock(((Text("курьер"),), (Text("почта"), Break(), Text("до отделения")))),
                Quote((Text("ответ"), Break(), Text("дальше"))),
                Paragraph((Text("конец"),)),
            )
        )
        == body
    )


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("1. а\n2. б", "1. а\n2. б"),
        ("1. а\n1. б\n1. в", "1. а\n2. б\n3. в"),
        ("1. а\n\n2. б", "1. а\n2. б"),
        ("3. а\n4. б", "3. а\n4. б"),
        ("1. а\n3. б", "1. а\n\n3. б"),
        ("Было в\n2024. Потом нет", "Было в\n2024. Потом нет"),
    ],
)
def test_numbers_show_what_the_author_counted(markdown: str, expected: str) -> None:
    assert expected == plain_text(parse_body(markdown))


@pytest.mark.parametrize(
    "pattern",
    [
        "*[",
        "[",
        "](",
        "[](",
        "_*",
        "**a ",
        "[]",
        "`",
        "h",
        "http://",
        "https://a)",
        "]((x)",
        "*a_ ",
        "\\",
        "> ",
    ],
)
def test_64_kib_of_hostile_marks_take_no_longer_than_ordinary_text(pattern: str) -> None:
    text = (pattern * LONG)[:LONG]
    nested = ("[" * (LONG // 2) + pattern * LONG)[:LONG]

    begin = time.process_time()
    for markdown in (text, nested, "[" * (LONG // 2) + "]" * (LONG // 2)):
        parse_body(markdown)
    spent = time.process_time() - begin

    assert spent < 3.0  # a quadratic reader needs minutes


@given(st.text())
def test_parsing_never_raises_and_loses_no_word(markdown: str) -> None:
    body = parse_body(markdown)

    assert [char for char in markdown if char.isalpha()] == [
        char for char in plain_text(body) if char.isalpha()
    ]


@given(st.text(alphabet="ab *_`[]()\\\n>-1.h:/t\r\u2028\x00", max_size=60))
def test_parsing_never_raises_on_marks(markdown: str) -> None:
    assert isinstance(parse_body(markdown), Body)


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Cn"))))
def test_plain_text_from_outside_comes_back_unchanged(text: str) -> None:
    assert text == plain_text(text_body(text))


@given(st.text(alphabet="a\n"))
def test_plain_text_keeps_every_newline(text: str) -> None:
    assert text == plain_text(text_body(text))


def test_plain_text_is_not_interpreted() -> None:
    assert Body((Paragraph((Text("**a** [b](https://x.ru)"),)),)) == text_body("**a** [b](https://x.ru)")


@pytest.mark.parametrize("read", [parse_body, text_body])
def test_what_no_platform_accepts_is_taken_out(read: object) -> None:
    assert callable(read)
    body = read("a\x00b\ud83dc\r\nd")

    assert plain_text(body) == "ab\ufffdc\nd"


def test_the_same_answer_is_parsed_once() -> None:
    markdown = "**а** [б](https://x.ru)"

    assert parse_body(markdown) is parse_body(markdown)
