"""How the fake says no: one exception that becomes the error body that MAX answers with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

PAYLOAD: Final = "proto.payload"
DESERIALIZE: Final = "Can't deserialize body"


class ApiError(Exception):
    """A call is refused: the HTTP status, the `code` and `message` of the body, and headers if any."""

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def answer(self) -> dict[str, str]:
        """The body of the answer."""
        return {"code": self.code, "message": self.message}


def bad_payload(what: str) -> ApiError:
    """A 400 about the body or the query."""
    return ApiError(400, PAYLOAD, what)


def unreadable(what: str) -> ApiError:
    """A 400 about a body of the wrong shape; `what` says where, which the real server does not."""
    return bad_payload(f"{DESERIALIZE}: {what}")


def unauthorized(what: str) -> ApiError:
    """A 401."""
    return ApiError(401, "verify.token", what)


def denied(what: str) -> ApiError:
    """A 403: the person stopped the bot, or the bot may not do this here."""
    return ApiError(403, "chat.denied", what)


def not_found(code: str, what: str) -> ApiError:
    """A 404 with one of its codes."""
    return ApiError(404, code, what)


def too_many_requests(retry_after: float | None = None) -> ApiError:
    """A 429; `Retry-After` is not documented for MAX, so it comes only when it is asked for."""
    headers = {} if retry_after is None else {"Retry-After": str(max(1, math.ceil(retry_after)))}
    return ApiError(429, "too.many.requests", "Too many requests", headers=headers)
