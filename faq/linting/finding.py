"""A finding about a base, and the codes of all kinds of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from faq.entry import FaqEntry, Origin

Facts: TypeAlias = Mapping[str, str | int | float]
_NONE: Facts = MappingProxyType({})


class Code(StrEnum):
    """The kinds of findings. A value never changes its meaning; a new kind gets a new number."""

    DUPLICATE = "FAQ001"
    NEAR_DUPLICATE = "FAQ002"
    QUESTION_OF_ANOTHER = "FAQ003"
    ALIAS_OF_ANOTHER = "FAQ004"
    UNDECLARED_CATEGORY = "FAQ005"
    UNUSED_CATEGORY = "FAQ006"
    LONG_ANSWER = "FAQ007"
    WORDLESS = "FAQ008"
    ENDED = "FAQ009"
    UNFINDABLE = "FAQ010"
    EMPTY_ANSWER = "FAQ011"
    BROKEN_LINK = "FAQ012"
    COMMON_KEYWORD = "FAQ013"
    NO_DEFAULT_ANSWER = "FAQ014"
    NEVER_FIRST = "FAQ015"
    UNREACHABLE = "FAQ016"
    MUTUAL_THEFT = "FAQ017"


class Severity(StrEnum):
    """Whether a finding keeps a person from an answer or only may."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding: `code` is stable, `field` names what to change, `line` is 0 for entries made by hand.

    `facts` are the parts of the message by name, for programs and translations: `text` is the phrasing that is meant,
    `other` the id of another entry, `closeness` how near that comes (0…1).
    """

    code: Code
    severity: Severity
    entry_id: str
    field: str
    message: str
    hint: str
    file: str = ""
    line: int = 0
    facts: Facts = dataclasses.field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.file else ""
        return (
            f"{place}{self.code} {self.severity}: {self.entry_id}.{self.field}: {self.message} ({self.hint})"
        )


def finding(
    code: Code,
    entry: FaqEntry,
    field: str,
    message: str,
    hint: str,
    *,
    error: bool = False,
    facts: Facts = _NONE,
) -> Finding:
    """A finding about an entry, with the place where the entry is written."""
    return at(code, entry.id, entry.origin, field, message, hint, error=error, facts=facts)


def at(
    code: Code,
    name: str,
    origin: Origin | None,
    field: str,
    message: str,
    hint: str,
    *,
    error: bool = False,
    facts: Facts = _NONE,
) -> Finding:
    """A finding about anything that has a name and, if it was read, a place."""
    return Finding(
        code=code,
        severity=Severity.ERROR if error else Severity.WARNING,
        entry_id=name,
        field=field,
        message=message,
        hint=hint,
        file=origin.file if origin else "",
        line=origin.line if origin else 0,
        facts=facts,
    )
