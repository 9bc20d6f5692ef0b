"""XLSX: bytes to tables, one for each sheet, and rows to a sheet that is pleasant to edit. Needs openpyxl."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from types import ModuleType
from typing import Any
from xml.etree import ElementTree as ET

from faq.transfer.cells import is_broken
from faq.transfer.notes import Fault, NoteCode, TransferError
from faq.transfer.table import MAX_CELL, MAX_COLUMNS, MAX_ROWS, Row, Table, column_number, units

MAX_UNPACKED = 200 * 1024 * 1024

MAX_CELLS = 30_000_000
"""Empty ones too: a file may have a cell in the last column of every row."""

_OLE = b"\xd0\xcf\x11\xe0"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*\bref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_GENERAL = re.compile(r"General|@|0(?:\.0+)?%?")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What the file says about a sheet outside of its cells."""

    has_formulas: bool = False
    merged: Sequence[tuple[int, int, int, int]] = ()
    """First column, first row, last column, last row; columns from zero, rows from one."""


def read_xlsx(content: bytes) -> list[Table]:
    """The sheets of a workbook that hold something, those that are shown first.

    Formulas give their saved results, cells of a merged range the value of their first one, dates ISO texts.
    Raises `TransferError`: the library is missing, the file is broken, too large or no workbook.
    """
    if content.startswith(_OLE):
        raise TransferError(Fault.OLD_EXCEL)
    openpyxl = library()
    try:
        sheets = _inspect(content)
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # remarks on styles and dates are of no use to the reader of a FAQ
            tables = list(_tables(openpyxl, content, sheets))
    except TransferError:
        raise
    except Exception as error:
        # The library answers damage with whatever error it runs into; each of them means the same to a person.
        raise TransferError(Fault.BAD_XLSX, reason=_reason(error)) from error
    if not tables:
        raise TransferError(Fault.EMPTY)
    return tables


def write_xlsx(rows: Sequence[Sequence[str]], widths: Sequence[int], title: str = "FAQ") -> bytes:
    """Rows as a workbook with one sheet; the first row is its heading. Every cell is a text, none a formula.

    A cell must not be longer than `MAX_CELL`. Raises `TransferError` if the library is missing.
    """
    library()
    from openpyxl import Workbook  # noqa: PLC0415 - only with the extra
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - the same
    from openpyxl.styles import Alignment, Font  # noqa: PLC0415 - the same
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 - the same

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for number, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    wrapped, bold = Alignment(wrap_text=True, vertical="top"), Font(bold=True)
    for number, row in enumerate(rows):
        cells = []
        for text in row:
            cell = WriteOnlyCell(sheet, value=escape(text) or None)
            if text:
                cell.data_type = "s"  # or `=1` would be a formula and `#N/A` an error
                cell.number_format = "@"
                cell.quotePrefix = True
            cell.alignment = wrapped
            if number == 0:
                cell.font = bold
            cells.append(cell)
        sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def library() -> ModuleType:
    """The library for workbooks. Raises `TransferError` with what to install if it is missing."""
    try:
        import openpyxl  # noqa: PLC0415 - an extra, and a third of a second
    except ImportError:
        raise TransferError(Fault.NO_LIBRARY) from None
    module: ModuleType = openpyxl
    return module


def escape(text: str) -> str:
    """A text as the format writes it: what XML cannot hold as `_x000D_`, and what looks like that so too."""
    text = re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text)
    return _FORBIDDEN.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def unescape(text: str) -> str:
    """The text that `escape` was given."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


# -- the file --------------------------------------------------------------------------------------------------------


def _inspect(content: bytes) -> dict[str, _Sheet]:
    """Look at the archive before anything is unpacked into memory. By name of sheet."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED:
            raise TransferError(Fault.BOMB, limit=MAX_UNPACKED // 1024 // 1024)
        names = set(archive.namelist())
        if "xl/workbook.xml" not in names:
            raise TransferError(Fault.BAD_XLSX, reason="no workbook in it")
        targets = _targets(archive)
        return {name: _look(archive, path) for name, path in targets.items() if path in names}


def _targets(archive: zipfile.ZipFile) -> dict[str, str]:
    """The part of the archive that holds each sheet."""
    parts: dict[str, str] = {}
    for relation in _tree(archive, "xl/_rels/workbook.xml.rels"):
        target = relation.get("Target", "")
        parts[relation.get("Id", "")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return {
        sheet.get("name", ""): parts.get(sheet.get(_RELATION, ""), "")
        for sheet in _tree(archive, "xl/workbook.xml").iter(f"{_MAIN}sheet")
    }


def _tree(archive: zipfile.ZipFile, name: str) -> ET.Element:
    content = archive.read(name)
    if b"<!DOCTYPE" in content:
        raise TransferError(Fault.BAD_XLSX, reason="it declares entities")
    return ET.fromstring(content)  # noqa: S314 - without a document type there are no entities to expand


def _look(archive: zipfile.ZipFile, path: str) -> _Sheet:
    formulas, merged, rest = False, [], b""
    with archive.open(path) as part:
        while chunk := part.read(_CHUNK):
            text = rest + chunk
            formulas = formulas or bool(_FORMULA.search(text))
            end = 0
            for found in _MERGED.finditer(text):
                first, last = column_number(found[1].decode()), column_number(found[3].decode())
                if first is not None and last is not None:
                    merged.append((first, int(found[2]), last, int(found[4])))
                end = found.end()
            rest = text[max(end, len(text) - 200) :]
    return _Sheet(formulas, merged)


def _reason(error: Exception) -> str:
    """A few words on what the library ran into."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:80] if str(error) else type(error).__name__


# -- cells -----------------------------------------------------------------------------------------------------------


def _tables(openpyxl: ModuleType, content: bytes, sheets: Mapping[str, _Sheet]) -> Iterator[Table]:
    values = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    formulas = None
    found: list[tuple[bool, Table]] = []
    total = 0
    for sheet in values.worksheets:
        about = sheets.get(sheet.title, _Sheet())
        written: Any = None
        if about.has_formulas:
            formulas = formulas or openpyxl.load_workbook(
                io.BytesIO(content), read_only=True, keep_links=False
            )
            written = formulas[sheet.title]
        rows = _Reader(about, MAX_ROWS - total).rows(sheet, written)
        total += len(rows)
        if rows:
            found.append((sheet.sheet_state != "visible", Table(sheet.title, tuple(rows))))
    yield from (table for _, table in sorted(found, key=lambda item: item[0]))


@dataclass(slots=True)
class _Reader:
    """Reads the rows of one sheet."""

    about: _Sheet
    allowed: int
    _merged: dict[int, list[tuple[int, int, int, int]]] = field(default_factory=dict)
    _open: list[tuple[tuple[int, int, int, int], str, NoteCode | None]] = field(default_factory=list)

    def rows(self, sheet: Any, formulas: Any) -> list[Row]:
        """The rows that hold something. Raises `TransferError` if there are too many or they are too wide."""
        for area in self.about.merged:
            self._merged.setdefault(area[1], []).append(area)
        found: list[Row] = []
        sheet.reset_dimensions()  # what a file says of its size is not always true
        if formulas is not None:
            formulas.reset_dimensions()
        other = iter(formulas.iter_rows()) if formulas is not None else None
        budget = MAX_CELLS
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            written = next(other, ()) if other is not None else ()
            budget -= len(cells)
            if budget < 0:
                raise TransferError(Fault.TOO_MANY_COLUMNS, row=number, limit=MAX_COLUMNS)
            row = self._row(number, cells, written)
            if row.is_empty:
                continue
            if len(row.cells) > MAX_COLUMNS:
                raise TransferError(Fault.TOO_MANY_COLUMNS, row=number, limit=MAX_COLUMNS)
            found.append(row)
            if len(found) > self.allowed:
                raise TransferError(Fault.TOO_MANY_ROWS, limit=MAX_ROWS)
        return found

    def _row(self, number: int, cells: Sequence[Any], written: Sequence[Any]) -> Row:
        texts: list[str] = []
        flaws: dict[int, NoteCode] = {}
        for column, cell in enumerate(cells):
            text, flaw = cell_text(cell)
            if flaw is None and not text and column < len(written) and written[column].data_type == "f":
                flaw = NoteCode.FORMULA
            if flaw is not None:
                flaws[column] = flaw
            texts.append(text)
        banner = self._spread(number, texts, flaws)
        while texts and not texts[-1] and len(texts) - 1 not in flaws:
            texts.pop()
        return Row(number, tuple(texts), flaws, banner)

    def _spread(self, number: int, texts: list[str], flaws: dict[int, NoteCode]) -> bool:
        """Give the cells of merged ranges the value of the first; whether one of them is all there is in the row."""
        filled = [column for column, text in enumerate(texts) if text or column in flaws]
        banner = False
        for area in self._merged.pop(number, ()):
            left = area[0]
            text = texts[left] if left < len(texts) else ""
            if area[3] > number:
                self._open.append((area, text, flaws.get(left)))
            banner = banner or (area[2] > left and filled == [left])
        self._open = [item for item in self._open if item[0][3] >= number]
        for (left, top, _, _), text, flaw in self._open if filled else ():
            # Only a row with something of its own: a range may reach over rows that are empty otherwise.
            if top < number and left < MAX_COLUMNS:
                texts += [""] * (left + 1 - len(texts))
                texts[left] = texts[left] or text
                if flaw is not None:
                    flaws.setdefault(left, flaw)
        return banner


def cell_text(cell: Any) -> tuple[str, NoteCode | None]:
    """What a person sees in a cell, as far as that can be told, and what is wrong with it."""
    value = cell.value
    if value is None:
        return "", None
    if cell.data_type == "e":
        return "", NoteCode.ERROR_VALUE
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value, str(cell.number_format))
    text = value if isinstance(value, str) else _moment(value)
    text = unescape(text)
    if is_broken(text):
        return "", NoteCode.BAD_TEXT
    return text, NoteCode.LONG_CELL if units(text) > MAX_CELL else None


def _moment(value: Any) -> str:
    """Dates and times without what is nought in them, truth values as the format writes them."""
    if isinstance(value, datetime):
        if value.time() == time():
            return value.date().isoformat()
        return value.replace(microsecond=0).isoformat(" ", "minutes")
    if isinstance(value, time):
        return value.isoformat("minutes")
    return str(value).upper() if isinstance(value, bool) else str(value)


def _number(value: float, shown: str) -> tuple[str, NoteCode | None]:
    """A number without the noise of its binary form; per cents as they are seen."""
    percent = "%" in shown
    scaled = value * 100 if percent else value
    text = f"{scaled:.15g}" if isinstance(scaled, float) else str(scaled)
    if re.fullmatch(r"-?\d+(?:\.\d+)?e\+\d+", text):
        text = f"{scaled:.0f}"
    flaw = None if _GENERAL.fullmatch(shown) else NoteCode.FORMAT
    return (f"{text}%" if percent else text), flaw
