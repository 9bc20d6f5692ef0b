"""Labelled questions in JSONL: one object a line, of the type `entry` or `query`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from faq.base import Problem, ProblemCode
from faq.entry import FaqEntry, Origin
from faq.quality.labelled import LabelledQuestion, is_text


def read_jsonl(file: str, text: str) -> tuple[list[LabelledQuestion], list[FaqEntry], list[Problem]]:
    """Questions, entries and everything that is wrong, in file order. A row without a type is a question."""
    reader = _Rows(file)
    for line, row in enumerate(text.split("\n"), start=1):  # not splitlines: U+2028 may stand inside a text
        if row.strip():
            reader.row(line, row)
    return reader.questions, list(reader.entries.values()), reader.problems


class _Rows:
    """Collects what the rows of one file hold."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.questions: list[LabelledQuestion] = []
        self.entries: dict[str, FaqEntry] = {}
        self.problems: list[Problem] = []

    def row(self, line: int, text: str) -> None:
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            what = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
            self._problem(ProblemCode.SYNTAX, line, f"this is not valid JSON: {what}", "one object a line")
            return
        if not isinstance(row, dict):
            self._problem(ProblemCode.TYPE, line, "a row must be an object", "one object a line")
            return
        kind = row.get("type", "query")
        if kind == "query":
            self._question(line, row)
        elif kind == "entry":
            self._entry(line, row)
        else:
            hint = "write `entry` or `query`"
            self._problem(ProblemCode.VALUE, line, f"unknown type `{str(kind)[:40]}`", hint)

    def _question(self, line: int, row: Mapping[str, Any]) -> None:
        text = self._text(line, row, "q")
        ids = self._ids(line, row)
        tag = self._optional(line, row, "tag")
        derived = row.get("derived", False)
        if not isinstance(derived, bool):
            self._problem(ProblemCode.TYPE, line, "`derived` must be true or false")
        elif text is not None and ids is not None and tag is not None:
            self.questions.append(
                LabelledQuestion(text=text, ids=ids, tag=tag, derived=derived, origin=Origin(self.file, line))
            )

    def _ids(self, line: int, row: Mapping[str, Any]) -> frozenset[str] | None:
        if "ids" not in row and "id" not in row:
            # Taken for foreign, a misspelt key would turn a question into its opposite.
            hint = "write `ids: []` for a question that nobody should answer"
            self._problem(ProblemCode.MISSING, line, "`ids` is missing", hint)
            return None
        given = row["ids"] if "ids" in row else [row["id"]]
        if not isinstance(given, list) or not all(isinstance(name, str) and name for name in given):
            self._problem(ProblemCode.TYPE, line, "`ids` must be a list of ids of entries")
            return None
        return frozenset(given)

    def _entry(self, line: int, row: Mapping[str, Any]) -> None:
        before = len(self.problems)
        name, question = self._text(line, row, "id"), self._text(line, row, "question")
        answer = self._optional(line, row, "answer")
        language = self._optional(line, row, "lang")
        aliases, keywords = self._texts(line, row, "aliases"), self._texts(line, row, "keywords")
        if len(self.problems) > before or name is None or question is None:
            return
        if name in self.entries:
            message = f"the id `{name}` is used twice: here and at {self.entries[name].origin}"
            self._problem(ProblemCode.DUPLICATE, line, message, "give one of them another id")
            return
        self.entries[name] = FaqEntry(
            id=name,
            question=question,
            answer=answer or "",
            aliases=aliases,
            keywords=keywords,
            language=language or "ru",
            origin=Origin(self.file, line),
        )

    def _text(self, line: int, row: Mapping[str, Any], key: str) -> str | None:
        value = row.get(key)
        if isinstance(value, str) and value.strip() and is_text(value):
            return value
        if value is None or value == "":
            self._problem(ProblemCode.MISSING, line, f"`{key}` is missing", "write a text")
        else:
            self._problem(ProblemCode.TYPE, line, f"`{key}` must be a text with at least one word")
        return None

    def _optional(self, line: int, row: Mapping[str, Any], key: str) -> str | None:
        """The text of a key that may be absent; None for a problem."""
        value = row.get(key)
        if value is None:
            return ""
        if isinstance(value, str) and is_text(value):
            return value
        self._problem(ProblemCode.TYPE, line, f"`{key}` must be a text")
        return None

    def _texts(self, line: int, row: Mapping[str, Any], key: str) -> tuple[str, ...]:
        value = row.get(key)
        if value is None:
            return ()
        if isinstance(value, list) and all(isinstance(text, str) and is_text(text) for text in value):
            return tuple(text for text in value if text.strip())
        self._problem(ProblemCode.TYPE, line, f"`{key}` must be a list of texts")
        return ()

    def _problem(self, code: ProblemCode, line: int, message: str, hint: str = "") -> None:
        self.problems.append(Problem(code=code, file=self.file, line=line, message=message, hint=hint))
