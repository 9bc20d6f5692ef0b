"""Workbooks as people make them, and files that only pretend to be one."""

from __future__ import annotations

import io
import re
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from faq.transfer import Fault, TransferError, read_incoming
from faq.transfer.notes import NoteCode
from faq.transfer.xlsx_format import escape, read_xlsx, unescape

Sheet = Callable[..., bytes]
HEAD = ("Вопрос", "Ответ")


def changed(content: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """A workbook with one part of its archive changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            part = old.read(entry)
            new.writestr(entry.filename, change(part) if entry.filename == name else part)
    return out.getvalue()


def test_numbers_dates_and_per_cents_read_as_people_see_them(make_xlsx: Sheet) -> None:
    def formats(book: Workbook) -> None:
        sheet: Any = book.active
        sheet["C1"].number_format = "0%"
        sheet["I1"].number_format = '#,##0 "₽"'

    values = (
        300,
        19.99,
        0.15,
        date(2026, 3, 1),
        datetime(2026, 3, 1, 9, 30),  # noqa: DTZ001 - spreadsheets know no zones
        time(9, 5),
        True,
        79001234567.0,
        300,
    )
    (table,) = read_xlsx(make_xlsx(values, more=formats))

    assert (
        "300",
        "19.99",
        "15%",
        "2026-03-01",
        "2026-03-01 09:30",
        "09:05",
        "TRUE",
        "79001234567",
        "300",
    ) == table.rows[0].cells
    assert {8: NoteCode.FORMAT} == dict(table.rows[0].flaws)


def test_merged_answers_and_categories_reach_over_their_rows(make_xlsx: Sheet) -> None:
    content = make_xlsx(
        ("Раздел", *HEAD),
        ("Доставка", "Сколько стоит доставка?", "Зависит от города, считаем на странице заказа."),
        (None, "Почём доставка?", None),
        (None, "Когда привезут?", "Завтра."),
        (None, None, None),
        ("Оплата", "Как оплатить?", "Картой."),
        merged=["A2:A5", "C2:C3"],
    )
    found = read_incoming("a.xlsx", content)

    first, second, third = found.entries
    assert ("Сколько стоит доставка?", ("Почём доставка?",)) == (first.question, first.aliases)
    assert ["Доставка", "Доставка", "Оплата"] == [first.category, second.category, third.category]
    assert ["Лист1, row 3: joined with row 2: the same answer"] == [str(note) for note in found.notes]


def test_a_row_merged_from_edge_to_edge_is_a_category(make_xlsx: Sheet) -> None:
    content = make_xlsx(
        HEAD, ("Доставка", None), ("Когда привезут?", "Завтра."), ("Оплата", None), ("Как оплатить?", "Картой."),
        merged=["A2:B2", "A4:B4"],
    )  # fmt: skip

    assert ["Доставка", "Оплата"] == [entry.category for entry in read_incoming("a.xlsx", content).entries]


def test_formulas_give_results_and_without_them_the_row_is_reported(make_xlsx: Sheet) -> None:
    content = make_xlsx(HEAD, ("Сколько?", '="от "&300'), ("Почём?", "=1/0"), ("Где?", "Тут"))
    content = changed(
        content,
        "xl/worksheets/sheet1.xml",
        lambda part: re.sub(
            rb'<c r="B3"><f>1/0</f><v ?/?>(</v>)?</c>', b'<c r="B3" t="e"><f>1/0</f><v>#DIV/0!</v></c>', part
        ),
    )
    found = read_incoming("a.xlsx", content)

    assert ["Где?"] == [entry.question for entry in found.entries]
    assert [(2, NoteCode.FORMULA), (3, NoteCode.ERROR_VALUE)] == [
        (note.row, note.code) for note in found.left_out
    ]
    assert "column B" in str(found.left_out[0])

    saved = changed(
        content,
        "xl/worksheets/sheet1.xml",
        lambda part: re.sub(
            rb'<c r="B2"><f>(.*?)</f><v ?/?>(</v>)?</c>',
            r'<c r="B2" t="str"><f>\1</f><v>от 300</v></c>'.encode(),
            part,
        ),
    )
    assert "от 300" == read_incoming("a.xlsx", saved).entries[0].answer


def test_the_sheet_with_questions_is_taken_and_another_can_be_named(make_xlsx: Sheet) -> None:
    def more(book: Workbook) -> None:
        book.create_sheet("Пустой")
        sheet = book.create_sheet("База ")
        for row in (HEAD, ("Как?", "Так.")):
            sheet.append(row)
        other = book.create_sheet("Ещё")
        for row in (("question", "answer"), ("Где?", "Тут.")):
            other.append(row)

    content = make_xlsx(*[("Заметки", number) for number in range(9)], more=more)
    found = read_incoming("a.xlsx", content)

    assert ("База ", ("Лист1", "Ещё"), "Как?") == (found.sheet, found.other_sheets, found.entries[0].question)
    assert "Где?" == read_incoming("a.xlsx", content, sheet="ещё").entries[0].question
    with pytest.raises(TransferError, match=r"no sheet `Нет`\. There are: Лист1, База , Ещё"):
        read_incoming("a.xlsx", content, sheet="Нет")


def test_a_cell_that_is_too_long_costs_only_its_row(
    make_xlsx: Sheet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faq.transfer.xlsx_format.MAX_CELL", 100)
    found = read_incoming("a.xlsx", make_xlsx(HEAD, ("Как?", "а" * 101), ("Где?", "Тут.")))

    assert (["Где?"], [(2, NoteCode.LONG_CELL)]) == (
        [entry.question for entry in found.entries], [(note.row, note.code) for note in found.left_out],
    )  # fmt: skip


@given(
    st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(["_x0041_", "_x005F_x0041_", "_x_", "a_xD83D_b"])
)
def test_characters_that_xml_cannot_hold_survive(text: str) -> None:
    assert text == unescape(escape(text))


# -- what is no workbook ---------------------------------------------------------------------------------------------


def test_an_old_workbook_is_told_from_a_broken_one() -> None:
    with pytest.raises(TransferError, match=r"save it as \.xlsx"):
        read_xlsx(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)


def test_a_zip_that_is_no_workbook_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")

    with pytest.raises(TransferError, match="no workbook in it"):
        read_xlsx(out.getvalue())


def test_a_file_that_unpacks_to_too_much_is_not_unpacked(
    make_xlsx: Sheet, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = changed(make_xlsx(HEAD), "xl/styles.xml", lambda part: part + b" " * 3_000_000)
    monkeypatch.setattr("faq.transfer.xlsx_format.MAX_UNPACKED", 2_000_000)

    with pytest.raises(TransferError) as caught:
        read_xlsx(content)

    assert (Fault.BOMB, True) == (caught.value.fault, len(content) < 100_000)


def test_entities_are_not_expanded(make_xlsx: Sheet) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
    content = changed(
        make_xlsx(HEAD), "xl/workbook.xml", lambda part: part.replace(b"<workbook", bomb + b"<workbook", 1)
    )

    with pytest.raises(TransferError, match="entities"):
        read_xlsx(content)


@settings(deadline=None, max_examples=40)
@given(place=st.floats(0, 1), junk=st.binary(min_size=1, max_size=40), cut=st.booleans())
def test_a_damaged_workbook_is_read_or_refused(place: float, junk: bytes, cut: bool) -> None:  # noqa: FBT001 - drawn
    out = io.BytesIO()
    book = Workbook()
    sheet: Any = book.active
    sheet.append(HEAD)
    sheet.append(("Как?", "Так."))
    book.save(out)
    content = out.getvalue()
    at = int(place * len(content))

    with suppress(TransferError):
        read_incoming("a.xlsx", content[:at] if cut else content[:at] + junk + content[at + len(junk) :])


@pytest.mark.parametrize(
    ("pattern", "instead"),
    [(rb"<sheetData>.*</sheetData>", b"<sheetData><row r='x'/></sheetData>"), (rb"</worksheet>", b"")],
)  # fmt: skip
def test_nonsense_inside_of_the_archive_is_refused_in_a_sentence(
    make_xlsx: Sheet, pattern: bytes, instead: bytes
) -> None:
    content = changed(
        make_xlsx(HEAD, ("Как?", "Так.")), "xl/worksheets/sheet1.xml",
        lambda part: re.sub(pattern, instead, part),
    )  # fmt: skip

    with pytest.raises(TransferError) as caught:
        read_xlsx(content)

    assert Fault.BAD_XLSX == caught.value.fault


def test_without_the_library_a_sentence_says_what_to_install(
    make_xlsx: Sheet, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = make_xlsx(HEAD, ("Как?", "Так."))
    monkeypatch.setitem(sys.modules, "openpyxl", None)

    with pytest.raises(TransferError, match=r"optfm-bot\[xlsx\]"):
        read_incoming("a.xlsx", content)
