"""Which column of a table holds what: said by a person, by the headings, or guessed from what stands in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from faq.transfer.content import SAMPLE, Stats
from faq.transfer.headings import FIELDS, ORDINAL, fold_heading, heading_field, is_exact, known_headings
from faq.transfer.notes import Fault, TransferError
from faq.transfer.table import Row, Table, column_number, letters

HEAD = 10
"""A heading stands in one of the first rows that are not empty."""
IGNORED = "-"
"""`--column category=-` takes a field from every column."""

_OURS = frozenset({"id", "question", "aliases", "buttons", "valid_from"})
_MANY = frozenset({"aliases", "keywords"})
_SHORT = 40


class Why(StrEnum):
    """What a guess rests on."""

    CHOSEN = "chosen"
    HEADING = "heading"
    ASKS = "asks"
    LONGEST = "longest"
    OTHER_TEXT = "other_text"
    LISTS = "lists"
    CODES = "codes"
    FEW = "few"
    COUNTS = "counts"
    SECOND = "second"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Column:
    """A column that has something in it. `field` is `None` where it is not used."""

    number: int
    heading: str
    field: str | None
    why: Why

    @property
    def name(self) -> str:
        """The letters of the column and its heading."""
        return f"{letters(self.number)} ({self.heading})" if self.heading else letters(self.number)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table is to be read. `heading_row` is the number of the heading's row, `None` without one.

    `ours` says that the table has the columns of our own export: its cells are taken word for word.
    """

    columns: tuple[Column, ...]
    heading_row: int | None
    rows: tuple[Row, ...]
    ours: bool = False

    def of(self, field: str) -> list[int]:
        """The columns of a field."""
        return [column.number for column in self.columns if column.field == field]

    @property
    def fields(self) -> frozenset[str]:
        """The fields that the table speaks of."""
        return frozenset(one.field for one in self.columns if one.field is not None) - {ORDINAL}


def parse_choices(choices: Iterable[str]) -> dict[str, str]:
    """Columns by field from texts such as `question=B`, `ответ=Что отвечать` or `category=-`.

    Raises `TransferError` for a field that is not known or a column that is named twice.
    """
    found: dict[str, str] = {}
    for choice in choices:
        name, mark, column = (part.strip() for part in choice.partition("="))
        field = name if name in FIELDS else heading_field(name)
        if not mark or not column or field is None or field == ORDINAL:
            raise TransferError(Fault.NO_FIELD, name=choice, known=", ".join((*FIELDS, "answer.telegram")))
        if column != IGNORED and column in found.values():
            raise TransferError(Fault.COLUMN_TWICE, name=column)
        found[field] = column
    return found


def guess(table: Table, chosen: Mapping[str, str] | None = None) -> Layout:
    """Find out what each column holds; what was chosen by a person stands.

    Raises `TransferError` where questions or answers cannot be told, or a chosen column is not there.
    """
    chosen = chosen or {}
    head = _heading_index(table.rows, chosen)
    headings = table.rows[head].cells if head is not None else ()
    rows = table.rows[head + 1 :] if head is not None else table.rows
    stats = {number: Stats.of(number, rows) for number in range(table.width)}
    known = ", ".join(
        letters(number) + (f" ({headings[number].strip()})" if number < len(headings) else "")
        for number, one in stats.items()
        if one.filled or (number < len(headings) and headings[number].strip())
    )
    fields: dict[int, tuple[str | None, Why]] = {}
    for field, column in chosen.items():
        if column != IGNORED:
            number = _column(column, headings, table.width, known)
            if number in fields:
                raise TransferError(Fault.COLUMN_TWICE, name=column)
            fields[number] = (field, Why.CHOSEN)
    ours = head is not None and _is_ours(headings)
    _by_heading(headings, chosen, fields)
    if not table.verbatim:  # the names of a program's fields say what they are, or this is no knowledge
        _by_content(stats, chosen, fields, headless=head is None)
    if head is None and _unknown_heading(rows, fields):
        headings, rows, head = rows[0].cells, rows[1:], 0
    held = {field for field, _ in fields.values()}
    if "question" not in held:
        raise TransferError(Fault.NO_QUESTIONS, known=known)
    if not any(field == "answer" or (field or "").startswith("answer.") for field in held):
        raise TransferError(Fault.NO_ANSWERS, known=known)
    columns = tuple(
        Column(number, headings[number].strip() if number < len(headings) else "", *found)
        for number, one in stats.items()
        if (found := fields.get(number, (None, Why.UNKNOWN)))[0] or one.filled
    )
    return Layout(columns, table.rows[head].number if head is not None else None, rows, ours)


# -- headings --------------------------------------------------------------------------------------------------------


def _heading_index(rows: Sequence[Row], chosen: Mapping[str, str]) -> int | None:
    """The place of the row of headings among the first ones."""
    wanted = {fold_heading(name) for name in chosen.values()} - {""}
    first = rows[:HEAD]
    named = [
        (
            sum(fold_heading(cell) in wanted for cell in row.cells),
            len(row.cells) > 0 and known_headings(row.cells),
        )
        for row in first
    ]
    best = max(range(len(first)), key=lambda index: (*named[index], -index), default=None)
    return best if best is not None and any(named[best]) else None


def _is_ours(headings: Sequence[str]) -> bool:
    names = {heading.strip() for heading in headings if heading.strip()}
    return names >= _OURS and all(name in FIELDS or name.startswith("answer.") for name in names)


def _column(name: str, headings: Sequence[str], width: int, known: str) -> int:
    folded = fold_heading(name)
    for number, heading in enumerate(headings):
        if folded and fold_heading(heading) == folded:
            return number
    found = int(name) - 1 if re.fullmatch(r"[0-9]{1,5}", name) else column_number(name)
    if found is None or not 0 <= found < width:
        raise TransferError(Fault.NO_COLUMN, name=name, known=known)
    return found


def _by_heading(
    headings: Sequence[str], chosen: Mapping[str, str], fields: dict[int, tuple[str | None, Why]]
) -> None:
    """Give fields by headings. Whole headings go before such as only hold the word; the first one wins."""
    taken = set(chosen)
    order = sorted(range(len(headings)), key=lambda number: (not is_exact(headings[number]), number))
    for number in order:
        field = heading_field(headings[number])
        if number in fields or field is None:
            continue
        if field not in taken or (field in _MANY and chosen.get(field) is None):
            fields[number] = (field, Why.HEADING)
            taken.add(field)
        elif field == "question" and "aliases" not in chosen:
            fields[number] = ("aliases", Why.SECOND)
        else:
            fields[number] = (None, Why.SECOND)


# -- content ---------------------------------------------------------------------------------------------------------


_ASKING_SHARE = 0.3
_MOST = 0.9
_HALF = 0.5
_ENOUGH = 4
_LONGER = 1.5
"""An answer is so much longer than its question: else any two columns of words would pass for knowledge."""


def _by_content(
    stats: Mapping[int, Stats],
    chosen: Mapping[str, str],
    fields: dict[int, tuple[str | None, Why]],
    *,
    headless: bool,
) -> None:
    """Find questions and answers where they are missing; without headings the other fields too."""
    held = {field for field, _ in fields.values()} | set(chosen)
    free = [one for number, one in stats.items() if number not in fields and one.filled]
    if headless and ORDINAL not in held:
        for one in [one for one in free if one.numbers >= _MOST]:
            fields[one.number] = (ORDINAL, Why.COUNTS)
            free.remove(one)
    if "question" not in held:
        asking = [one for one in free if one.asks >= _ASKING_SHARE and one.filled >= _ASKING_SHARE]
        if asking:
            one = max(asking, key=lambda one: (round(one.asks, 1), round(one.filled, 1), -one.number))
            fields[one.number] = ("question", Why.ASKS)
            free.remove(one)
            held.add("question")
    if "answer" not in held:
        texts = [one for one in free if one.filled >= _HALF and one.numbers < _MOST]
        if texts and ("question" in held or len(texts) > 1):
            one = max(texts, key=lambda one: (one.length, -one.number))
            fields[one.number] = ("answer", Why.LONGEST)
            free.remove(one)
            held.add("answer")
    if "question" not in held:
        texts = [one for one in free if one.filled >= _HALF and one.unique >= _MOST and one.numbers < _MOST]
        texts = [one for one in texts if one.codes < _MOST] or texts
        answer = max(
            (stats[number].length for number, (field, _) in fields.items() if field == "answer"), default=0
        )
        texts = [one for one in texts if one.length * _LONGER <= answer]
        if texts:
            fields[texts[0].number] = ("question", Why.OTHER_TEXT)
            free.remove(texts[0])
    if headless:
        _extras(free, held, fields)


def _extras(free: Sequence[Stats], held: set[str | None], fields: dict[int, tuple[str | None, Why]]) -> None:
    for one in free:
        rules = (
            ("aliases", Why.ASKS, one.asks >= _HALF),
            ("id", Why.CODES, one.codes >= _MOST and one.unique == 1 and one.filled >= _MOST),
            ("keywords", Why.LISTS, one.lists >= _HALF),
            (
                "category",
                Why.FEW,
                one.unique <= _HALF and one.length <= _SHORT and one.count >= _ENOUGH and one.filled >= _HALF,
            ),
        )
        for field, why, fits in rules:
            if fits and (field not in held or field in _MANY):
                fields[one.number] = (field, why)
                held.add(field)
                break


def _unknown_heading(rows: Sequence[Row], fields: Mapping[int, tuple[str | None, Why]]) -> bool:
    """Whether the first row of a table without known headings is one all the same: short, and asks nothing."""
    if len(rows) < 3:  # noqa: PLR2004 - two rows cannot outvote a first one
        return False
    number = next((number for number, (field, _) in fields.items() if field == "question"), None)
    if number is None:
        return False
    first = [cell.strip() for cell in rows[0].cells if cell.strip()]
    if any(len(cell) > _SHORT or cell.endswith(("?", ".", "!")) or cell[0].isdigit() for cell in first):
        return False
    after = [text for row in rows[1:SAMPLE] if (text := row.cell(number).strip())]
    return bool(after) and sum(text.endswith("?") for text in after) >= len(after) * _MOST
