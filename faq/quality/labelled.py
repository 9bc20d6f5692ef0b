"""Labelled questions: what people ask, with the entries that should answer, read from JSONL, YAML or CSV."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from faq.base import KnowledgeBase, Problem, ProblemCode
from faq.entry import FaqEntry, Origin

MAX_BYTES = 32 * 1024 * 1024
"""The size of one file of questions, at most."""

FOREIGN = "foreign"
"""The key of questions that nobody should answer, where questions are written under the ids of entries."""

JSONL_SUFFIXES = (".jsonl", ".ndjson", ".json")
YAML_SUFFIXES = (".yaml", ".yml")
CSV_SUFFIXES = (".csv", ".tsv")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledQuestion:
    """A question with the ids of all entries that answer it; no ids: nobody should answer.

    `tag` names the kind of question. `derived` marks one that a program made out of another. `origin` is
    where it is written; it is not part of equality.
    """

    text: str
    ids: frozenset[str] = frozenset()
    tag: str = ""
    derived: bool = False
    origin: Origin | None = field(default=None, compare=False, repr=False)

    @property
    def foreign(self) -> bool:
        """Whether nobody should answer."""
        return not self.ids


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledFile:
    """What a file of questions holds. With entries it is a whole base of its own."""

    name: str
    questions: tuple[LabelledQuestion, ...] = ()
    entries: tuple[FaqEntry, ...] = ()

    @property
    def base(self) -> KnowledgeBase | None:
        """The base out of the entries of the file; None if it has none."""
        if not self.entries:
            return None
        return KnowledgeBase(entries=self.entries, language=self.entries[0].language, files=(self.name,))


class LabelledError(ValueError):
    """The questions could not be read, or do not fit the base; `problems` has every row that is wrong."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def read_labelled(path: Path) -> LabelledFile:
    """Read a file of questions. Raises `LabelledError` with all that is wrong in it."""
    name = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"cannot be read: {(error.strerror or type(error).__name__).lower()}"
        raise LabelledError([Problem(code=ProblemCode.UNREADABLE, file=name, message=message)]) from error
    return parse_labelled(name, content)


def entries_of(path: Path) -> tuple[FaqEntry, ...]:
    """The entries that a file of questions brings with it. Raises `LabelledError`."""
    return read_labelled(path).entries


def parse_labelled(name: str, content: bytes) -> LabelledFile:
    """Make questions out of the bytes of a file; the ending of its name says how it is written. Pure.

    Raises `LabelledError` with every row that is wrong, and for a file without a single question.
    """
    questions: list[LabelledQuestion] = []
    entries: list[FaqEntry] = []
    problems: list[Problem] = []
    text = _decoded(name, content, problems)
    if text is not None:
        suffix = Path(name).suffix.lower()
        # The readers import this module, and of the three only one is needed.
        if suffix in JSONL_SUFFIXES:
            from faq.quality.labelled_jsonl import read_jsonl  # noqa: PLC0415

            questions, entries, problems = read_jsonl(name, text)
        elif suffix in YAML_SUFFIXES:
            from faq.quality.labelled_yaml import read_yaml  # noqa: PLC0415

            questions, problems = read_yaml(name, text)
        elif suffix in CSV_SUFFIXES:
            from faq.quality.labelled_csv import read_csv  # noqa: PLC0415

            questions, problems = read_csv(name, text)
        else:
            message = f"a file of questions cannot end in `{suffix}`"
            hint = f"known: {', '.join((*YAML_SUFFIXES, *CSV_SUFFIXES, *JSONL_SUFFIXES))}"
            problems.append(Problem(code=ProblemCode.VALUE, file=name, message=message, hint=hint))
    if not questions and not problems:
        message, hint = (
            "there is not a single question",
            "write at least one question with the id of its entry",
        )
        problems.append(Problem(code=ProblemCode.EMPTY, file=name, message=message, hint=hint))
    if entries:
        problems += unknown_ids(questions, [entry.id for entry in entries])
    if problems:
        raise LabelledError(sorted(problems, key=lambda problem: problem.line))
    return LabelledFile(name=name, questions=tuple(questions), entries=tuple(entries))


def unknown_ids(questions: Iterable[LabelledQuestion], known: Collection[str]) -> list[Problem]:
    """Every id in the questions that no entry has, with the nearest one that there is. Pure."""
    names = set(known)
    problems = []
    for question in questions:
        for wrong in sorted(question.ids - names):
            near = difflib.get_close_matches(wrong[:80], names, n=1)
            hint = f"did you mean `{near[0]}`?" if near else "look at the list of entries"
            problems.append(
                Problem(
                    code=ProblemCode.REFERENCE,
                    file=question.origin.file if question.origin else "",
                    line=question.origin.line if question.origin else 0,
                    message=f"there is no entry `{wrong[:80]}`",
                    hint=hint,
                )
            )
    return problems


def is_text(value: str) -> bool:
    """Whether a text can be written down: half of a surrogate pair cannot."""
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _decoded(name: str, content: bytes, problems: list[Problem]) -> str | None:
    if len(content) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB"
        hint = "split it and measure the parts"
        problems.append(Problem(code=ProblemCode.TOO_LARGE, file=name, message=message, hint=hint))
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message, hint = "the file is not in UTF-8", "save it again with the encoding UTF-8"
        problems.append(Problem(code=ProblemCode.ENCODING, file=name, line=line, message=message, hint=hint))
        return None
