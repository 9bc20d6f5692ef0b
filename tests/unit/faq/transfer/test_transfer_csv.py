"""CSV of many habits: encodings, delimiters, quotes, garbage."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faq import KnowledgeError
from faq.transfer import Fault, TransferError, read_incoming
from faq.transfer.cells import guard, plain_text, unguard
from faq.transfer.csv_format import read_csv

ROWS = [
    ["Вопрос", "Ответ"],
    ["Сколько стоит доставка?", "От 300 рублей"],
    ["Как вернуть?", "За 14 дней;\nс чеком"],
]


def written(delimiter: str) -> str:
    return "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in ROWS)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1251", "cp866", "koi8-r", "mac-cyrillic", "utf-16"]
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_every_encoding_and_delimiter_gives_the_same_rows(encoding: str, delimiter: str) -> None:
    found = read_csv(written(delimiter).encode(encoding))

    assert ROWS == [list(row.cells) for row in found.table.rows]
    assert (encoding, delimiter) == (found.encoding, found.delimiter)


def test_the_delimiter_is_found_although_the_cells_are_full_of_the_others() -> None:
    text = "Вопрос;Ответ;Ключевые слова\nКак, где, когда?;Так, тут, тогда;а, б, в\nСколько, почём?;100, 200;г, д\n"

    assert ";" == read_csv(text.encode()).delimiter


def test_a_line_that_names_the_delimiter_is_no_row() -> None:
    found = read_csv("sep=|\nвопрос|ответ\nКак?|Так, да; нет\n".encode())

    assert (1, ("вопрос", "ответ")) == (found.table.rows[0].number, found.table.rows[0].cells)


def test_rows_count_as_in_a_spreadsheet() -> None:
    found = read_csv('вопрос;ответ\n\n"Как\nэто?";Так\nГде?;Тут\n'.encode())

    assert [1, 3, 4] == [row.number for row in found.table.rows]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", Fault.EMPTY),
        (b" \n \n", Fault.EMPTY),
        (b"\xef\xbb\xbf", Fault.EMPTY),
        (b"\x89PNG\r\n\x1a\n\x00\x00", Fault.ENCODING),
        (bytes(range(1, 256)), Fault.ENCODING),
        (b"\xff\xfe\x00", Fault.ENCODING),
        ('вопрос;ответ\nКак?;"Так\nГде?;Тут\n'.encode(), Fault.BAD_CSV),
        ('вопрос;ответ\n"Как" это?;Так\n'.encode(), Fault.BAD_CSV),
        (b"a" * 200_000 + b";b\n", Fault.BAD_CSV),
        (b"a;" * 300 + b"\n", Fault.TOO_MANY_COLUMNS),
        ("одна колонка\nслова\nслова\n".encode(), Fault.NO_QUESTIONS),
        ("Вопрос\nКак?\n".encode(), Fault.NO_ANSWERS),
        (b"x" * (20 * 1024 * 1024 + 1), Fault.TOO_LARGE),
    ],
)  # fmt: skip
def test_garbage_is_refused_in_a_sentence(content: bytes, fault: Fault) -> None:
    with pytest.raises(TransferError) as caught:
        read_incoming("a.csv", content)

    assert fault == caught.value.fault
    assert "{" not in str(caught.value)


@given(st.binary(max_size=300), st.sampled_from(["csv", "json", "xlsx", "yaml"]))
def test_no_bytes_whatever_raise_anything_else(content: bytes, suffix: str) -> None:
    with suppress(TransferError, KnowledgeError):
        read_incoming(f"a.{suffix}", content)


def test_an_open_quote_is_told_by_its_row() -> None:
    with pytest.raises(TransferError, match="row 3"):
        read_incoming("a.csv", 'вопрос;ответ\nГде?;Тут\nКак?;"Так\nКогда?;Завтра\n'.encode())


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faq.transfer.csv_format.MAX_ROWS", 2)

    with pytest.raises(TransferError, match="more than 2 rows"):
        read_csv(b"a;b\nc;d\ne;f\n")


@given(st.text())
def test_a_guarded_text_comes_back_and_is_no_formula(text: str) -> None:
    assert text == unguard(guard(text))
    assert guard(text)[:1] not in set("=+-@\t\r")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<p>Раз</p><p>Два &amp; <b>три</b></p>", "Раз\n\nДва & три"),
        ("Раз<br/>два<BR>три", "Раз\nдва\nтри"),
        ("<ul><li>раз</li><li>два</li></ul>", "- раз\n- два"),
        ('<a href="https://x.ru/?a=1&copy=2">тут</a>', "тут (https://x.ru/?a=1&copy=2)"),
        ('<a href="tel:+7495">+7495</a>', "+7495"),
        ("до 5&nbsp;кг", "до 5 кг"),
        ("если <5 кг и a<b", "если <5 кг и a<b"),
        ("<b>если</b> <5 кг, см. http://x/?a=1&copy=2", "если <5 кг, см. http://x/?a=1&copy=2"),
        ("<имя> и <user@example.ru>", "<имя> и <user@example.ru>"),
    ],
)
def test_html_becomes_plain_text_and_other_brackets_stay(text: str, plain: str) -> None:
    assert plain == plain_text(text)
