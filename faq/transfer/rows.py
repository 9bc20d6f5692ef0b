"""Rows of a table to drafts of entries."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from faq.base import Problem, ProblemCode
from faq.transfer.cells import has_markup, plain_text, read_list, split_commas, split_lines
from faq.transfer.columns import Layout
from faq.transfer.drafts import Draft, different, join_drafts, name_drafts
from faq.transfer.notes import LEFT_OUT, Note, NoteCode
from faq.transfer.phrases import split_phrases, split_questions, split_words
from faq.transfer.table import MAX_CELL, Row, Table, letters

_DATA = ("buttons", "attachments", "connections")
_WORDS = ("status", "valid_from", "valid_to", "language")
_DAY = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_STATUSES = {
    "черновик": "draft", "на проверке": "review", "проверка": "review", "опубликовано": "live", "активен": "live",
    "активно": "live", "действует": "live", "архив": "retired", "снято": "retired", "active": "live",
    "published": "live", "archived": "retired",
}  # fmt: skip


class RowReader:
    """Reads the rows of one table; `notes` holds what was said about them. Nothing is left out without a note."""

    def __init__(self, table: Table, layout: Layout, file: str) -> None:
        self.notes: list[Note] = []
        self._table = table
        self._layout = layout
        self._file = file
        self._columns = {name: layout.of(name) for name in layout.fields}
        self._section = ""

    def drafts(self) -> list[Draft]:
        """All that can be used, in the order of the table."""
        found = (self._draft(row) for row in self._layout.rows)
        drafts = join_drafts([draft for draft in found if draft is not None], self._note)
        name_drafts(drafts, self._note)
        return drafts

    def _note(self, code: NoteCode, row: int, /, **values: str) -> None:
        self.notes.append(Note(code=code, row=row, sheet=self._table.name, values=values))

    def _problem(self, row: int, problem: Problem) -> None:
        self.notes.append(Note(code=NoteCode.INVALID, row=row, sheet=self._table.name, problem=problem))

    def _draft(self, row: Row) -> Draft | None:
        if row.banner and "category" not in self._columns:
            title = next((cell.strip() for cell in row.cells if cell.strip()), "")
            if title and not title.endswith("?") and len(title) <= 80 and "\n" not in title:  # noqa: PLR2004 - a title is short
                self._section = title
                self._note(NoteCode.SECTION, row.number, title=title)
                return None
        if not self._is_sound(row):
            return None
        texts = self._word_for_word(row) if self._layout.ours else self._guessed(row)
        if texts is None:
            return None
        if not texts.question and not texts.id:
            if any(self._cells(row, name) for name in self._columns):
                self._note(NoteCode.NO_QUESTION, row.number)
            return None
        return texts

    def _is_sound(self, row: Row) -> bool:
        """Whether the cells that matter can be read; the rest of the row is of no use otherwise."""
        used = {number for numbers in self._columns.values() for number in numbers}
        sound = True
        for number in sorted(row.flaws.keys() & used):
            code = row.flaws[number]
            values = {"column": letters(number), "limit": str(MAX_CELL), "text": row.cell(number)}
            self._note(code, row.number, **values)
            sound = sound and code not in LEFT_OUT
        return sound

    def _cells(self, row: Row, name: str) -> list[str]:
        return [text for number in self._columns.get(name, ()) if (text := row.cell(number).strip())]

    def _items(
        self, row: Row, name: str, split: Callable[[str], list[str]], clean: Callable[[str], str]
    ) -> list[str]:
        """The items of the lists in a field: those of a list in JSON as they are, others where they are parted."""
        found: list[str] = []
        for text in self._cells(row, name):
            listed = read_list(text)
            found += split(clean(text)) if listed is None else map(clean, listed)
        return [item for one in found if (item := one.strip())]

    def _cell(self, row: Row, name: str) -> str:
        return next(iter(self._cells(row, name)), "")

    # -- our own columns ----------------------------------------------------------------------------------------

    def _word_for_word(self, row: Row) -> Draft | None:
        draft = Draft(
            row.number, self._cell(row, "id"), self._cell(row, "question"), self._cell(row, "answer")
        )
        draft.aliases = [item for text in self._cells(row, "aliases") for item in split_lines(text)]
        draft.keywords = [item for text in self._cells(row, "keywords") for item in split_commas(text)]
        draft.category = self._cell(row, "category")
        return self._rest(row, draft, str)

    def _rest(self, row: Row, draft: Draft, clean: Callable[[str], str]) -> Draft | None:
        for name in self._columns:
            if name.startswith("answer.") and (text := clean(self._cell(row, name))):
                draft.answers[name.removeprefix("answer.")] = text
        for name in _WORDS:
            if text := self._cell(row, name):
                draft.more[name] = _word(name, text)
        for name in _DATA:
            text = self._cell(row, name)
            if not text:
                continue
            try:
                draft.more[name] = json.loads(text, parse_constant=_no_constant)
            except (ValueError, RecursionError):
                problem = Problem(
                    code=ProblemCode.SYNTAX, file=self._file, line=row.number, field=name,
                    message="the cell does not hold valid JSON", hint="write it as the export does",
                )  # fmt: skip
                self._problem(row.number, problem)
                return None
        return draft

    # -- columns of others --------------------------------------------------------------------------------------

    def _guessed(self, row: Row) -> Draft | None:
        tidied = [False]

        def clean(text: str) -> str:
            tidied[0] = tidied[0] or has_markup(text)
            text = plain_text(text)
            return text if self._table.verbatim else "\n".join(line.rstrip() for line in text.splitlines())

        questions = [clean(text) for text in self._cells(row, "question")]
        if not self._table.verbatim:
            questions = [item for text in questions for item in split_questions(text)]
        aliases = self._items(row, "aliases", split_phrases, clean)
        keywords = self._items(row, "keywords", split_words, clean)
        question = questions[0] if questions else ""
        draft = Draft(row.number, self._cell(row, "id"), question, clean(self._cell(row, "answer")).strip())
        draft.aliases = different([*questions[1:], *aliases], question)
        draft.keywords = keywords if self._table.verbatim else different(keywords)
        draft.category = " ".join(clean(self._cell(row, "category")).split()) or self._section
        found = self._rest(row, draft, clean)
        if found is not None and tidied[0]:
            self._note(NoteCode.MARKUP, row.number)
        return found


def _word(name: str, text: str) -> str:
    if name == "status":
        return _STATUSES.get(text.casefold(), text.casefold())
    if name == "language":
        return text.strip()
    found = _DAY.fullmatch(text)
    return f"{found[3]}-{int(found[2]):02}-{int(found[1]):02}" if found else text


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
