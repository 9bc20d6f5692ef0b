"""A knowledge base as it was read, and the problems that kept one from being read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from faq.entry import Category, FaqEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeBase:
    """What a source holds, in file order. `fingerprint` is a hash of the bytes that were read."""

    entries: tuple[FaqEntry, ...]
    categories: tuple[Category, ...] = ()
    synonyms: tuple[tuple[str, ...], ...] = ()
    language: str = "ru"
    files: tuple[str, ...] = ()
    fingerprint: str = field(default="", compare=False)


class ProblemCode(StrEnum):
    """Kinds of problems, for programs that sort or translate them."""

    UNREADABLE = "unreadable"
    TOO_LARGE = "too-large"
    ENCODING = "encoding"
    SYNTAX = "syntax"
    DUPLICATE_KEY = "duplicate-key"
    UNKNOWN_KEY = "unknown-key"
    MISSING = "missing"
    EMPTY = "empty"
    TYPE = "type"
    VALUE = "value"
    DUPLICATE = "duplicate"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong: where (file, line from one, field), what, and what to do about it.

    `line` is 0 where the file as a whole is meant. `str(problem)` is one sentence for a person.
    """

    code: ProblemCode
    file: str
    line: int = 0
    field: str = ""
    message: str
    hint: str = ""
    column: int | None = None
    slip: str = ""
    """What was most likely written wrong, a key of `faq.yaml_slips.HINTS`; empty where that says nothing more."""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        named = f"{self.field}: " if self.field else ""
        return f"{place}: {named}{self.message}" + (f" ({self.hint})" if self.hint else "")


class KnowledgeError(ValueError):
    """The knowledge could not be read; `problems` holds everything that is wrong with it, in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Source(Protocol):
    """Where knowledge comes from."""

    async def load(self) -> KnowledgeBase:
        """Read everything there is now. Raises `KnowledgeError`."""
