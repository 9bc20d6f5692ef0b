"""Trouble on request: which call goes wrong, how, and how often. Seeded, so a run can be repeated."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from channels.testing.telegram_server.refusal import ApiError, too_many_requests


class FaultKind(StrEnum):
    """What goes wrong. The first six are answers of the platform, the others happen to the connection.

    `slow` waits and then handles the call; `drop` closes the connection before handling it, `drop_after`
    handles it and closes without an answer; `hang` never answers and never handles; `cut_body` handles it
    and sends half of the answer.
    """

    TOO_MANY_REQUESTS = "429"
    SERVER_ERROR = "500"
    BAD_GATEWAY = "502"
    UNAUTHORIZED = "401"
    CONFLICT = "409"
    FORBIDDEN = "403"
    SLOW = "slow"
    DROP = "drop"
    DROP_AFTER = "drop_after"
    HANG = "hang"
    CUT_BODY = "cut_body"


_ROUNDING: Final = 1e-6
"""A wait this short is an error of floating point, not a limit."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """One rule: `times` calls (None: all) of `method` (a name or a pattern) in `chat_id` (None: any)."""

    kind: FaultKind
    method: str = "*"
    chat_id: int | None = None
    times: int | None = 1
    probability: float = 1.0
    retry_after: int = 1
    seconds: float = 1.0

    def as_json(self) -> dict[str, Any]:
        """The rule as plain JSON."""
        return asdict(self)

    def answer(self) -> ApiError | None:
        """The refusal that this fault means, if it is an answer in JSON."""
        match self.kind:
            case FaultKind.TOO_MANY_REQUESTS:
                return too_many_requests(self.retry_after)
            case FaultKind.SERVER_ERROR:
                return ApiError(500, "Internal Server Error: sent for a test")
            case FaultKind.UNAUTHORIZED:
                return ApiError(401, "Unauthorized")
            case FaultKind.CONFLICT:
                return ApiError(
                    409,
                    "Conflict: terminated by other getUpdates request;"
                    " make sure that only one bot instance is running",
                )
            case FaultKind.FORBIDDEN:
                return ApiError(403, "Forbidden: bot was blocked by the user")
            case _:
                return None


class RateLimits:
    """The flood limits: a bucket per chat and one for the bot; 0 is no limit."""

    def __init__(self) -> None:
        self.set()

    def set(self, *, per_chat: float = 0.0, per_bot: float = 0.0, burst: int = 1) -> None:
        """Start to limit sends per second; `burst` may pass at once in one chat."""
        self.per_chat = per_chat
        self.per_bot = per_bot
        self.burst = burst
        self._ready_at: dict[object, float] = {}

    def check(self, chat_id: object, now: float) -> None:
        """Count one send. Raises a 429 with the time to wait; a refused send is not counted."""
        waits = [
            self._wait(chat_id, self.per_chat, self.burst, now),
            self._wait(None, self.per_bot, max(1, round(self.per_bot)), now),
        ]
        if (wait := max(waits)) > _ROUNDING:
            raise too_many_requests(max(1, math.ceil(wait)))
        for key, rate in ((chat_id, self.per_chat), (None, self.per_bot)):
            if rate:
                self._ready_at[key] = max(now, self._ready_at.get(key, 0.0)) + 1 / rate

    def _wait(self, key: object, rate: float, burst: int, now: float) -> float:
        if not rate:
            return 0.0
        return self._ready_at.get(key, 0.0) - now - (burst - 1) / rate
