"""Rows of texts, the same whether they came from CSV, XLSX or a list in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from faq.transfer.notes import NoteCode

MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 100_000
MAX_COLUMNS = 256
MAX_CELL = 32_767
"""Characters of a cell in UTF-16 units: the limit of spreadsheet programs."""

_FLAWLESS: Mapping[int, NoteCode] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `flaws` says by column what is wrong with a cell; `banner` marks one cell over several columns."""

    number: int
    cells: tuple[str, ...]
    flaws: Mapping[int, NoteCode] = field(default_factory=lambda: _FLAWLESS)
    banner: bool = False

    def cell(self, column: int) -> str:
        """The text of a column, empty where the row is shorter."""
        return self.cells[column] if column < len(self.cells) else ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in the row."""
        return not self.flaws and not any(cell.strip() for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet. `name` is empty where there are no sheets.

    `verbatim` says that the cells were written by a program: a cell is one text, whatever it looks like.
    """

    name: str
    rows: tuple[Row, ...]
    verbatim: bool = False

    @property
    def width(self) -> int:
        """The number of columns."""
        return max((len(row.cells) for row in self.rows), default=0)


def units(text: str) -> int:
    """The length of a text as spreadsheet programs count it."""
    return len(text) + sum(letter > "\uffff" for letter in text)


def letters(column: int) -> str:
    """The name of a column, counted from zero: `A`, `Z`, `AA`."""
    name, rest = "", column + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        name = chr(ord("A") + digit) + name
    return name


def column_number(name: str) -> int | None:
    """The number of a column from zero by its letters; `None` if the text is no such name."""
    if not (name.isascii() and name.isalpha() and len(name) <= len("XFD")):
        return None
    number = 0
    for letter in name.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
