"""CSV: bytes to a table, whatever program wrote them, and rows to bytes that spreadsheet programs open."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from faq.transfer.cells import guard, unguard
from faq.transfer.headings import known_headings
from faq.transfer.notes import Fault, NoteCode, TransferError
from faq.transfer.table import MAX_CELL, MAX_COLUMNS, MAX_ROWS, Row, Table, units

DELIMITERS = (";", ",", "\t")
SAMPLE = 100
"""Rows by which the delimiter is found out."""

_SINGLE_BYTE = ("cp1251", "cp866", "koi8-r", "mac-cyrillic")
_UTF16 = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_FREQUENT = frozenset("оеаинтсрвлкмдпу")
_ODD = re.compile("[ЂЃѓЉЊЌЋЏђљњќћџЅѕ†‡€‰\u2500-\u259f]")
_BINARY = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_DECLARED = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A table, and how its file was written."""

    table: Table
    encoding: str
    delimiter: str


def read_csv(content: bytes) -> CsvFile:
    """Read a CSV file. Raises `TransferError` for what is no text, has too many rows or a stray quotation mark."""
    text, encoding = decode(content)
    if not text.strip():
        raise TransferError(Fault.EMPTY)
    declared = _DECLARED.match(text)
    if declared:
        text = text[declared.end() :]
    delimiter = declared[1] if declared else _delimiter(text)
    rows = tuple(_rows(text, delimiter))
    if not rows:
        raise TransferError(Fault.EMPTY)
    return CsvFile(Table("", rows), encoding, delimiter)


def write_csv(rows: Sequence[Sequence[str]], delimiter: str = ";") -> bytes:
    """Rows as CSV with a byte order mark; no cell of it becomes a formula when it is opened.

    A semicolon parts the cells: that is what spreadsheet programs in Russian expect.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    for row in rows:
        writer.writerow([guard(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")


def decode(content: bytes) -> tuple[str, str]:
    """The text of a file and the name of its encoding: UTF-8, UTF-16 with a mark, or a Cyrillic one of old."""
    for mark, name in _UTF16:
        if content.startswith(mark):
            try:
                return content.decode(name), name
            except UnicodeDecodeError:
                raise TransferError(Fault.ENCODING) from None
    if b"\0" in content:
        raise TransferError(Fault.ENCODING)
    marked = content.startswith(b"\xef\xbb\xbf")
    try:
        return content.decode("utf-8-sig"), "utf-8-sig" if marked else "utf-8"
    except UnicodeDecodeError:
        if marked:
            raise TransferError(Fault.ENCODING) from None
    found = [(_plausibility(text), text, name) for name in _SINGLE_BYTE if (text := _decoded(content, name))]
    best = max(found, key=lambda item: item[0], default=None)
    if best is None or best[0] < 0 or _BINARY.search(best[1]):
        raise TransferError(Fault.ENCODING)
    return best[1], best[2]


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _plausibility(text: str) -> int:
    """How much a text looks like Russian: by its most frequent letters, against letters that Russian has not."""
    counts = Counter(text[:200_000])
    frequent = sum(counts[letter] for letter in _FREQUENT)
    return frequent - 4 * sum(count for letter, count in counts.items() if _ODD.match(letter))


def _delimiter(text: str) -> str:
    """The sign that gives most of the known headings, then the most even rows."""
    best, first = (-1, -1.0, -1), DELIMITERS[0]
    for delimiter in DELIMITERS:
        rows: list[list[str]] = []
        with suppress(csv.Error):  # the rows before a stray quotation mark tell enough
            rows += islice(_records(text, delimiter), SAMPLE)
        filled = [cells for cells in rows if any(cell.strip() for cell in cells)]
        widths = Counter(len(cells) for cells in filled)
        width, even = widths.most_common(1)[0] if widths else (0, 0)
        headings = max((known_headings(cells) for cells in filled[:10]), default=0)
        share = even / len(filled) if width > 1 else 0.0
        if (score := (headings, share, width)) > best:
            best, first = score, delimiter
    return first


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


def _rows(text: str, delimiter: str) -> Iterator[Row]:
    """The rows that hold something. They count as spreadsheet programs count: a line break in a cell starts none."""
    number = filled = 0
    try:
        for number, cells in enumerate(_records(text, delimiter), start=1):
            if len(cells) > MAX_COLUMNS:
                raise TransferError(Fault.TOO_MANY_COLUMNS, row=number, limit=MAX_COLUMNS)
            flaws = {
                column: NoteCode.LONG_CELL for column, cell in enumerate(cells) if units(cell) > MAX_CELL
            }
            row = Row(number, tuple(unguard(cell) for cell in cells), flaws)
            if row.is_empty:
                continue
            filled += 1
            if filled > MAX_ROWS:
                raise TransferError(Fault.TOO_MANY_ROWS, limit=MAX_ROWS)
            yield row
    except csv.Error:
        raise TransferError(Fault.BAD_CSV, row=number + 1) from None
