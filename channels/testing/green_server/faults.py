"""Trouble on request: which call goes wrong, how, and how often; quotas and limits. Seeded, to be repeatable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from channels.testing.green_server.refusal import (
    Refusal,
    contact_limit,
    correspondents_quota,
    invoke_quota,
    suspended,
    too_many_requests,
    wrong_token,
)


class FaultKind(StrEnum):
    """What goes wrong. Those named by a number are answers of the gateway, the others happen to the connection.

    `slow` waits and then handles the call; `drop` closes the connection before handling it, `drop_after`
    handles it and closes without an answer; `hang` never answers and never handles; `cut_body` handles it
    and sends half of the answer; `handled_500` handles it and answers with the page of a 500 all the same;
    `unacked` is what deleteNotification sometimes says of a notification that it has deleted.
    """

    TOO_MANY_REQUESTS = "429"
    QUOTA = "466"
    CORRESPONDENTS = "466_correspondents"
    CONTACT_LIMIT = "469"
    UNAUTHORIZED = "401"
    SUSPENDED = "403"
    CLIENT_CLOSED = "499"
    SERVER_ERROR = "500"
    BAD_GATEWAY = "502"
    HANDLED_SERVER_ERROR = "handled_500"
    UNACKED = "unacked"
    SLOW = "slow"
    DROP = "drop"
    DROP_AFTER = "drop_after"
    HANG = "hang"
    CUT_BODY = "cut_body"


HANDLED = frozenset({FaultKind.HANDLED_SERVER_ERROR, FaultKind.UNACKED})
"""Faults that spoil the answer of a call which was handled."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """One rule: `times` calls (None: all) of `method` (a name or a pattern) for `chat_id` (None: any)."""

    kind: FaultKind
    method: str = "*"
    chat_id: str | None = None
    times: int | None = 1
    probability: float = 1.0
    seconds: float = 1.0

    def as_json(self) -> dict[str, Any]:
        """The rule as plain JSON."""
        return asdict(self)

    def refusal(self, method: str) -> Refusal | None:
        """The refusal that this fault means for a call of this method, if it is an answer."""
        if self.kind is FaultKind.QUOTA:
            return invoke_quota(method, 100, 100)
        make = _REFUSALS.get(self.kind)
        return make() if make else None


_REFUSALS: Final[Mapping[FaultKind, Callable[[], Refusal]]] = {
    FaultKind.TOO_MANY_REQUESTS: too_many_requests,
    FaultKind.CORRESPONDENTS: lambda: correspondents_quota("sendMessage", ["10000001", "10000002"], 2),
    FaultKind.CONTACT_LIMIT: contact_limit,
    FaultKind.UNAUTHORIZED: wrong_token,
    FaultKind.SUSPENDED: suspended,
    FaultKind.CLIENT_CLOSED: lambda: Refusal(499),
    FaultKind.SERVER_ERROR: lambda: Refusal(500, title="Internal Server Error"),
    FaultKind.HANDLED_SERVER_ERROR: lambda: Refusal(500, title="Internal Server Error"),
    FaultKind.UNACKED: lambda: Refusal(500, "Cannot read properties of null (reading 'findUnAckedMessage')"),
    FaultKind.BAD_GATEWAY: lambda: Refusal(502, title="Bad Gateway"),
}


class RateLimits:
    """The requests a second that one instance may make, by method; off until it is switched on."""

    def __init__(self, *, on: bool) -> None:
        self.on = on
        self._ready_at: dict[str, float] = {}

    def check(self, method: str, rate: float, now: float) -> None:
        """Count one call. Raises a 429; a refused call is not counted."""
        if not self.on:
            return
        ready = self._ready_at.get(method, 0.0)
        burst = max(1.0, rate)
        if ready - now > (burst - 1) / rate:
            raise too_many_requests()
        self._ready_at[method] = max(now, ready) + 1 / rate


class Tariff:
    """What the tariff allows in a month; None is no limit. `look_ups` is the messenger's own limit, a 469."""

    def __init__(self) -> None:
        self.set()

    def set(
        self, *, correspondents: int | None = None, checks: int | None = None, look_ups: int | None = None
    ) -> None:
        """Begin to count anew under these limits."""
        self.correspondents = correspondents
        self.checks = checks
        self.look_ups = look_ups
        self.chats: list[str] = []
        self.checked = 0
        self.looked_up = 0

    def write(self, method: str, chat: str) -> None:
        """Count a partner. Raises a 466 for one too many."""
        if self.correspondents is None or chat in self.chats:
            return
        if len(self.chats) >= self.correspondents:
            raise correspondents_quota(method, self.chats, self.correspondents)
        self.chats.append(chat)

    def check(self, method: str) -> None:
        """Count a check of a number. Raises a 466 or a 469."""
        if self.checks is not None and self.checked >= self.checks:
            raise invoke_quota(method, self.checked, self.checks)
        self.look_up()
        self.checked += 1

    def look_up(self) -> None:
        """Count a look-up of a person. Raises a 469."""
        if self.look_ups is not None and self.looked_up >= self.look_ups:
            raise contact_limit()
        self.looked_up += 1
