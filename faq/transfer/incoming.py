"""A file of questions and answers from outside, whatever its format: bytes in, entries and remarks out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from types import MappingProxyType

from faq.base import KnowledgeError, Problem, ProblemCode
from faq.entry import Category, FaqEntry
from faq.transfer.columns import Layout, guess
from faq.transfer.csv_format import read_csv
from faq.transfer.document import Placed, read_data, read_entries
from faq.transfer.drafts import Draft
from faq.transfer.headings import known_headings
from faq.transfer.json_format import read_json
from faq.transfer.notes import Fault, Note, NoteCode, TransferError
from faq.transfer.rows import RowReader
from faq.transfer.table import MAX_BYTES, Table
from faq.transfer.xlsx_format import read_xlsx
from faq.yaml_entries import ENTRY_KEYS, FileContent, read_document, resolve

SUFFIXES = (".yaml", ".yml", ".json", ".csv", ".tsv", ".txt", ".xlsx", ".xlsm")
_HEAD = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What a file holds.

    `fields` are those that the file speaks of: about the others it says nothing, not that they are empty.
    The category of an entry is an id or a title, as it is written. `made` are the ids that were made here.
    """

    name: str
    entries: tuple[FaqEntry, ...]
    notes: tuple[Note, ...] = ()
    categories: tuple[Category, ...] = ()
    synonyms: tuple[tuple[str, ...], ...] = ()
    fields: frozenset[str] = frozenset(ENTRY_KEYS)
    made: frozenset[str] = frozenset()
    format: str = "yaml"
    details: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    sheet: str = ""
    other_sheets: tuple[str, ...] = ()
    layout: Layout | None = None

    @property
    def is_ours(self) -> bool:
        """Whether the file has the shape of our own: its categories are ids then, not titles."""
        return self.layout is None or self.layout.ours

    @property
    def left_out(self) -> tuple[Note, ...]:
        """The remarks on rows that are not used."""
        return tuple(note for note in self.notes if note.left_out)


def read_incoming(
    name: str,
    content: bytes,
    *,
    language: str = "ru",
    sheet: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Incoming:
    """Read a file by the ending of its name. Pure.

    `language` is that of entries that name none; `sheet` and `columns` (by field) overrule what would be guessed
    in a table. Raises `TransferError` for a file that cannot be used, and `KnowledgeError` for YAML or JSON of our
    own shape that breaks its rules.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise TransferError(Fault.SUFFIX, name=name, known=", ".join(SUFFIXES))
    if len(content) > MAX_BYTES:
        raise TransferError(Fault.TOO_LARGE, limit=MAX_BYTES // 1024 // 1024)
    if suffix in {".yaml", ".yml"}:
        return _yaml(name, content)
    if suffix == ".json":
        file = read_json(content)
        if file.document is not None:
            return _whole(name, "json", *read_data(name, file.document))
        assert file.table is not None  # noqa: S101 - one of the two is there
        return _table(name, file.table, columns, language, format="json-list")
    if suffix in {".xlsx", ".xlsm"}:
        tables = read_xlsx(content)
        table = _sheet(tables, sheet)
        others = tuple(one.name for one in tables if one is not table)
        found = _table(name, table, columns, language, format="xlsx")
        return replace(found, sheet=table.name, other_sheets=others)
    csv = read_csv(content)
    found = _table(name, csv.table, columns, language, format="csv")
    return replace(found, details={"encoding": csv.encoding, "delimiter": csv.delimiter})


def _yaml(name: str, content: bytes) -> Incoming:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TransferError(Fault.ENCODING) from None
    return _whole(name, "yaml", *read_document(name, text))


def _whole(name: str, format: str, content: FileContent, problems: Sequence[Problem]) -> Incoming:  # noqa: A002 - the field's name
    base, more = resolve([content])
    # What the file refers to may stand in the base that it is imported into.
    problems = [*problems, *(problem for problem in more if problem.code is not ProblemCode.REFERENCE)]
    if problems:
        raise KnowledgeError(problems)
    if not base.entries:
        raise TransferError(Fault.EMPTY)
    return Incoming(
        name=name,
        entries=base.entries,
        categories=base.categories,
        synonyms=base.synonyms,
        format=format,
    )


def _sheet(tables: Sequence[Table], wanted: str | None) -> Table:
    """The sheet that is meant: the named one, else the one with headings of questions, else the longest."""
    if wanted is None:
        scores = [
            (max((known_headings(row.cells) for row in one.rows[:_HEAD]), default=0), len(one.rows))
            for one in tables
        ]
        return tables[max(range(len(tables)), key=lambda number: (*scores[number], -number))]
    found = next((one for one in tables if one.name == wanted), None) or next(
        (one for one in tables if one.name.strip().casefold() == wanted.strip().casefold()), None
    )
    if found is None:
        raise TransferError(Fault.NO_SHEET, name=wanted, known=", ".join(one.name for one in tables))
    return found


def _table(
    name: str,
    table: Table,
    columns: Mapping[str, str] | None,
    language: str,
    *,
    format: str,  # noqa: A002 - the field's name
) -> Incoming:
    layout = guess(table, columns)
    verbatim = table.verbatim or _is_simple(layout)
    reader = RowReader(Table(table.name, table.rows, verbatim), layout, name)
    drafts = reader.drafts()
    entries, notes = _entries(name, drafts, reader.notes, table.name, language)
    fields = {"answers" if field.startswith("answer.") else field for field in layout.fields}
    return Incoming(
        name=name,
        entries=tuple(entries),
        notes=tuple(sorted(notes, key=lambda note: note.row)),
        fields=frozenset(fields),
        made=frozenset(draft.id for draft in drafts if draft.made),
        format=format,
        layout=layout,
    )


def _is_simple(layout: Layout) -> bool:
    """Whether a table has the columns of our simple export: a cell of it is one question."""
    return [column.heading for column in layout.columns] == ["id", "question", "keywords", "answer"]


def _entries(
    name: str, drafts: Sequence[Draft], notes: Sequence[Note], sheet: str, language: str
) -> tuple[list[FaqEntry], list[Note]]:
    placed = [Placed(draft.data(), draft.row) for draft in drafts]
    content, problems = read_entries(name, placed, language=language)
    found = [
        *notes,
        *(
            Note(code=NoteCode.INVALID, row=problem.line, sheet=sheet, problem=problem)
            for problem in problems
        ),
    ]
    names = {draft.id: draft.category for draft in drafts}
    return [replace(entry, category=names[entry.id] or None) for entry in content.entries], found
