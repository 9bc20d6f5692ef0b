"""What a person is told about a transfer: rows that were left out or changed, and files that cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from faq.base import Problem

_NOTHING: Mapping[str, str] = MappingProxyType({})


class NoteCode(StrEnum):
    """What can be said of a row."""

    NO_QUESTION = "no_question"
    NO_ANSWER = "no_answer"
    LONG_CELL = "long_cell"
    FORMULA = "formula"
    ERROR_VALUE = "error_value"
    BAD_TEXT = "bad_text"
    INVALID = "invalid"
    SAME_ID = "same_id"
    SAME_QUESTION = "same_question"
    JOINED = "joined"
    NEW_ID = "new_id"
    SECTION = "section"
    MARKUP = "markup"
    FORMAT = "format"


LEFT_OUT = frozenset(
    {
        NoteCode.NO_QUESTION,
        NoteCode.NO_ANSWER,
        NoteCode.LONG_CELL,
        NoteCode.FORMULA,
        NoteCode.ERROR_VALUE,
        NoteCode.BAD_TEXT,
        NoteCode.INVALID,
        NoteCode.SAME_ID,
        NoteCode.SAME_QUESTION,
    }
)
"""After these the row is not used."""

SENTENCES: Mapping[NoteCode, str] = {
    NoteCode.NO_QUESTION: "there is no question: write one",
    NoteCode.NO_ANSWER: "there is no answer: write one",
    NoteCode.LONG_CELL: "a cell is longer than {limit} characters: shorten it (column {column})",
    NoteCode.FORMULA: "a formula without a saved result: open the file, save it and import again (column {column})",
    NoteCode.ERROR_VALUE: "the cell shows an error instead of a text: mend it (column {column})",
    NoteCode.BAD_TEXT: "the text holds broken characters: type it anew",
    NoteCode.INVALID: "{problem}",
    NoteCode.SAME_ID: "the id `{id}` is in row {other} already, with another answer: keep one of them",
    NoteCode.SAME_QUESTION: "the question is in row {other} already, with another answer: keep one of them",
    NoteCode.JOINED: "joined with row {other}: the same answer",
    NoteCode.NEW_ID: "`{id}` cannot be an id, the new one is `{new}`",
    NoteCode.SECTION: "taken as the category of the rows below: {title}",
    NoteCode.MARKUP: "HTML became plain text",
    NoteCode.FORMAT: "the file shows this number in a format of its own: check `{text}` (column {column})",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One thing about one row. `row` counts as the file does (items of a JSON list from one).

    `problem` is what the knowledge format has against the row, for programs that translate it.
    """

    code: NoteCode
    row: int
    sheet: str = ""
    values: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    problem: Problem | None = None

    @property
    def left_out(self) -> bool:
        """Whether the row is not used."""
        return self.code in LEFT_OUT

    def __str__(self) -> str:
        place = f"{self.sheet}, row {self.row}" if self.sheet else f"row {self.row}"
        values = {**self.values, "problem": described(self.problem)}
        return f"{place}: {SENTENCES[self.code].format(**values)}"


def described(problem: Problem | None) -> str:
    """What the knowledge format has against a row, without the place."""
    if problem is None:
        return ""
    return f"{problem.field}: {problem.message}" + (f" ({problem.hint})" if problem.hint else "")


class Fault(StrEnum):
    """Why a file as a whole cannot be read or written. What a person typed comes first."""

    SUFFIX = "suffix"
    NO_SHEET = "no_sheet"
    NO_COLUMN = "no_column"
    NO_FIELD = "no_field"
    COLUMN_TWICE = "column_twice"
    NO_PLACE = "no_place"
    SIMPLE_YAML = "simple_yaml"
    EXISTS = "exists"
    UNREADABLE = "unreadable"
    UNWRITABLE = "unwritable"
    TOO_LARGE = "too_large"
    TOO_MANY_ROWS = "too_many_rows"
    TOO_MANY_COLUMNS = "too_many_columns"
    NO_LIBRARY = "no_library"
    OLD_EXCEL = "old_excel"
    BAD_XLSX = "bad_xlsx"
    BOMB = "bomb"
    BAD_JSON = "bad_json"
    JSON_SHAPE = "json_shape"
    ENCODING = "encoding"
    BAD_CSV = "bad_csv"
    EMPTY = "empty"
    NO_QUESTIONS = "no_questions"
    NO_ANSWERS = "no_answers"
    CANNOT_HOLD = "cannot_hold"
    NOT_EDITABLE = "not_editable"
    CHANGED_MEANWHILE = "changed_meanwhile"


USAGE_FAULTS = frozenset(
    {
        Fault.SUFFIX,
        Fault.NO_SHEET,
        Fault.NO_COLUMN,
        Fault.NO_FIELD,
        Fault.COLUMN_TWICE,
        Fault.NO_PLACE,
        Fault.SIMPLE_YAML,
        Fault.EXISTS,
    }
)
"""Faults of the call, not of the file."""

FAULTS: Mapping[Fault, str] = {
    Fault.SUFFIX: "`{name}`: the name of the file has to end in one of {known}",
    Fault.NO_SHEET: "there is no sheet `{name}`. There are: {known}",
    Fault.NO_COLUMN: "there is no column `{name}`. There are: {known}",
    Fault.NO_FIELD: "`{name}` is not `field=column`. Fields: {known}",
    Fault.COLUMN_TWICE: "the column `{name}` is named for two fields",
    Fault.NO_PLACE: "there is no knowledge base to import into: name a file or a folder with --to",
    Fault.SIMPLE_YAML: "YAML is always whole: leave out --simple, or name a .json, .csv or .xlsx file",
    Fault.EXISTS: "{name} exists already: name another file or add --overwrite",
    Fault.UNREADABLE: "{name} cannot be read: {reason}",
    Fault.UNWRITABLE: "{name} cannot be written: {reason}",
    Fault.TOO_LARGE: "the file is larger than {limit} MB: split it",
    Fault.TOO_MANY_ROWS: "there are more than {limit} rows: split the file",
    Fault.TOO_MANY_COLUMNS: "row {row} has more than {limit} columns: is this a table of questions?",
    Fault.NO_LIBRARY: (
        "for .xlsx the library openpyxl is needed: pip install 'optfm-bot[xlsx]'; or save the table as CSV"
    ),
    Fault.OLD_EXCEL: "this is an old or a protected Excel file: save it as .xlsx without a password",
    Fault.BAD_XLSX: "this is not a sound .xlsx file ({reason}): open it in a spreadsheet program and save it anew",
    Fault.BOMB: "the file unpacks to more than {limit} MB: remove what is not needed",
    Fault.BAD_JSON: "this is not valid JSON: {reason}",
    Fault.JSON_SHAPE: "there is neither a list of questions nor `entries` in this JSON",
    Fault.ENCODING: "this is not a text in an encoding that is known: save it as UTF-8",
    Fault.BAD_CSV: "row {row}: a quotation mark is out of place or a cell has no end: double the marks inside a cell",
    Fault.EMPTY: "there is nothing in the file",
    Fault.NO_QUESTIONS: (
        "it is not clear which column holds the questions: name it, such as --column question=A. "
        "There are: {known}"
    ),
    Fault.NO_ANSWERS: (
        "it is not clear which column holds the answers: name it, such as --column answer=B. There are: {known}"
    ),
    Fault.CANNOT_HOLD: "`{id}`.{field} does not fit into {format} ({reason}): use {instead}",
    Fault.NOT_EDITABLE: "{name} is written in a way that cannot be added to safely: name another file with --to",
    Fault.CHANGED_MEANWHILE: "{name} was changed by somebody else in the meantime: nothing was written, import again",
}


class TransferError(ValueError):
    """A file cannot be read or written; nothing was changed. `str(error)` is one sentence for a person."""

    def __init__(self, fault: Fault, **values: object) -> None:
        self.fault = fault
        self.values = {name: str(value) for name, value in values.items()}
        super().__init__(FAULTS[fault].format(**self.values))
