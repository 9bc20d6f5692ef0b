"""Labelled questions in CSV: a row a question, with the columns `question`, `ids` and `tag`."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

from faq.base import Problem, ProblemCode
from faq.entry import Origin
from faq.quality.labelled import LabelledQuestion

COLUMNS = {
    "question": ("question", "q", "text", "вопрос"),
    "ids": ("ids", "id", "id(s)", "entry", "запись"),
    "tag": ("tag", "метка"),
}
"""The names that a column may have."""

_BETWEEN = re.compile(r"[\s,;|]+")


def read_csv(file: str, text: str) -> tuple[list[LabelledQuestion], list[Problem]]:
    """Questions and everything that is wrong, in file order.

    The first line names the columns; between them stand commas, semicolons or tabs. Several ids are parted
    by spaces, commas, semicolons or bars. An empty cell of ids means that nobody should answer.
    """
    questions: list[LabelledQuestion] = []
    problems: list[Problem] = []

    def problem(code: ProblemCode, line: int, message: str, hint: str = "") -> None:
        problems.append(Problem(code=code, file=file, line=line, message=message, hint=hint))

    source = _Rows(text)
    rows = iter(source)
    try:
        line, head = next(rows, (1, []))
        places = _places(head)
        for name in ("question", "ids"):
            if head and name not in places:
                hint = "the first line names the columns: question,ids,tag"
                problem(ProblemCode.MISSING, line, f"there is no column `{name}`", hint)
        if problems:
            return [], problems
        for line, row in rows:
            if len(row) > len(head) and any(cell.strip() for cell in row[len(head) :]):
                message = f"the row has {len(row)} cells, more than the {len(head)} columns"
                problem(ProblemCode.VALUE, line, message, "put a text that has the separator in it in quotes")
                continue
            cells = {name: row[place].strip() if place < len(row) else "" for name, place in places.items()}
            if not cells["question"]:
                problem(ProblemCode.MISSING, line, "there is no `question`", "write it or remove the row")
                continue
            if len(row) <= places["ids"]:
                hint = "leave an empty cell for a question that nobody should answer"
                problem(ProblemCode.MISSING, line, "there is no cell `ids`", hint)
                continue
            ids = frozenset(filter(None, _BETWEEN.split(cells["ids"])))
            origin = Origin(file, line)
            questions.append(
                LabelledQuestion(text=cells["question"], ids=ids, tag=cells.get("tag", ""), origin=origin)
            )
    except csv.Error as error:
        message = f"from here on this is not valid CSV: {error}"
        problem(ProblemCode.SYNTAX, source.begins, message, "look at the quotes of this row")
    return questions, problems


class _Rows:
    """The rows that are not empty, each with the line where it begins; `begins` is that of the next one.

    Going on raises `csv.Error` for a broken row; then `begins` is where that row is.
    """

    def __init__(self, text: str) -> None:
        self.begins = 1
        self._reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        for row in self._reader:
            line, self.begins = self.begins, self._reader.line_num + 1
            if any(cell.strip() for cell in row):
                yield line, row


def _delimiter(text: str) -> str:
    """The separator of the first line that is not empty: the one that parts it most."""
    head = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t", key=head.count)


def _places(head: Sequence[str]) -> dict[str, int]:
    names = [cell.strip().casefold() for cell in head]
    return {
        column: names.index(known[0])
        for column, spelt in COLUMNS.items()
        if (known := [name for name in spelt if name in names])
    }
