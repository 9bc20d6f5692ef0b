"""An endpoint of the API as data: who may use it, what it takes and gives, and how it may fail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from optfm_bot.api.refusals import STATUSES
from optfm_bot.api.tokens import Scope

IDEMPOTENCY_KEY = "Idempotency-Key"
_PLACE = re.compile(r"\{(\w+)\}")

_EVERYWHERE = ("bad_token", "wrong_scope", "too_many_failures", "internal", "store_unavailable")
_BODY = ("bad_json", "bad_request", "wrong_type", "too_large", "too_slow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address and method: which tokens may use it, what it takes, what it gives, how it may fail.

    `name` is the operation id and the name of its handler. Any of `scopes` lets in; none means that no token is needed.
    `asks` describes what may stand behind the `?`, `refuses` has the bodies of refusals that tell more than the usual
    one, by HTTP status.
    """

    name: str
    method: str
    path: str
    summary: str
    scopes: frozenset[Scope]
    asks: type[BaseModel] | None = None
    takes: type[BaseModel] | None = None
    body_needed: bool = True
    gives: type[BaseModel] | None = None
    status: int = 200
    answers: str = ""
    codes: tuple[str, ...] = ()
    refuses: Mapping[int, type[BaseModel]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def places(self) -> tuple[str, ...]:
        """The names in the path that stand for something."""
        return tuple(_PLACE.findall(self.path))

    @property
    def refusals(self) -> Mapping[int, tuple[str, ...]]:
        """The codes that may come instead, by HTTP status."""
        found: dict[int, list[str]] = {}
        body = _BODY if self.takes is not None else ()
        query = ("bad_request",) if self.asks is not None else ()
        guarded = _EVERYWHERE if self.scopes else ("internal",)
        for code in (*guarded, *body, *query, *self.codes):
            found.setdefault(STATUSES[code], []).append(code)
        return {status: tuple(codes) for status, codes in sorted(found.items())}
