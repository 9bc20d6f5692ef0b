"""Trouble on request: which call goes wrong, how, and how often."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any


class FaultKind(StrEnum):
    """What goes wrong. The first ones are answers; the others happen to the connection.

    `drop` closes the connection before the call is handled, `reset` resets it; `drop_after` handles the call and closes
    without an answer; `hang_after` handles it and never answers; `empty` handles it and answers 200 with one blank.
    """

    UNAUTHORIZED = "401"
    TOO_MANY_REQUESTS = "429"
    SERVER_ERROR = "500"
    BAD_GATEWAY = "502"
    SERVER_ERROR_AFTER = "500_after"
    DROP = "drop"
    RESET = "reset"
    DROP_AFTER = "drop_after"
    HANG_AFTER = "hang_after"
    EMPTY = "empty"


BEFORE = frozenset(
    {
        FaultKind.UNAUTHORIZED,
        FaultKind.TOO_MANY_REQUESTS,
        FaultKind.SERVER_ERROR,
        FaultKind.BAD_GATEWAY,
        FaultKind.DROP,
        FaultKind.RESET,
    }
)
"""Those in which nothing is done."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """One rule: `times` calls (None: all) whose verb and path match, after `skip` ones that do not suffer.

    `verb` is a pattern like `*`, `POST` or `P*`; `path` one like `/conversations*`.
    """

    kind: FaultKind
    verb: str = "*"
    path: str = "*"
    times: int | None = 1
    skip: int = 0
    retry_after: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The rule as plain JSON."""
        return asdict(self)


class FaultPlan:
    """The rules in force, asked once per call; the first one that matches is used."""

    def __init__(self) -> None:
        self.rules: list[Fault] = []
        self.fired: Counter[str] = Counter()

    def take(self, verb: str, path: str) -> Fault | None:
        """The fault that strikes this call, counted down, or None."""
        for fault in self.rules:
            if not (fnmatchcase(verb, fault.verb) and fnmatchcase(path, fault.path)):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.rules.remove(fault)
            self.fired[fault.kind.value] += 1
            return fault
        return None
