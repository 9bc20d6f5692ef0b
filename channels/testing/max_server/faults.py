"""Trouble on request: which call goes wrong, how, and how often. Seeded, so a run can be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from channels.testing.max_server.refusal import ApiError, too_many_requests


class FaultKind(StrEnum):
    """What goes wrong. The first eight are answers of the platform, the others happen to the connection.

    `slow` waits and then handles the call; `drop` closes the connection before handling it and `reset` resets
    it; `drop_after` handles it and closes without an answer; `hang` never answers and never handles;
    `cut_body` handles it and sends half of the answer.
    """

    TOO_MANY_REQUESTS = "429"
    SERVER_ERROR = "500"
    BAD_GATEWAY = "502"
    UNAVAILABLE = "503"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    NOT_FOUND = "404"
    NOT_READY = "not_ready"
    SLOW = "slow"
    DROP = "drop"
    RESET = "reset"
    DROP_AFTER = "drop_after"
    HANG = "hang"
    CUT_BODY = "cut_body"


NOT_READY: Final = (400, "attachment.not.ready", "Key: errors.process.attachment.file.not.processed")
"""What MAX says while it still works on an upload."""

_REFUSALS: Final[Mapping[FaultKind, tuple[int, str, str]]] = {
    FaultKind.SERVER_ERROR: (500, "internal.error", "Internal server error, made for a test"),
    FaultKind.UNAVAILABLE: (503, "service.unavailable", "Service unavailable, made for a test"),
    FaultKind.UNAUTHORIZED: (401, "verify.token", "Invalid access_token"),
    FaultKind.FORBIDDEN: (403, "chat.denied", "error.dialog.suspended"),
    FaultKind.NOT_FOUND: (404, "dialog.not.found", "Dialog not found"),
    FaultKind.NOT_READY: NOT_READY,
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One rule: `times` calls (None: all) of `method` (a name or a pattern) in `chat_id` (None: any).

    A 429 carries `Retry-After` only if `retry_after` is given.
    """

    kind: FaultKind
    method: str = "*"
    chat_id: int | None = None
    times: int | None = 1
    probability: float = 1.0
    retry_after: float | None = None
    seconds: float = 1.0

    def as_json(self) -> dict[str, Any]:
        """The rule as plain JSON."""
        return asdict(self)

    def answer(self) -> ApiError | None:
        """The refusal that this fault means, if it is an answer in JSON."""
        if self.kind is FaultKind.TOO_MANY_REQUESTS:
            return too_many_requests(self.retry_after)
        found = _REFUSALS.get(self.kind)
        return None if found is None else ApiError(*found)
