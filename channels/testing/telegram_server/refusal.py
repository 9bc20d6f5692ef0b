"""How the fake says no: one exception that becomes the JSON error a real server answers with."""

from __future__ import annotations

from collections.abc import Mapping


class ApiError(Exception):
    """A call is refused.

    `code` is the HTTP status and `error_code`; `parameters` may carry `retry_after` or `migrate_to_chat_id`.
    """

    def __init__(self, code: int, description: str, *, parameters: Mapping[str, int] | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = dict(parameters) if parameters else None

    def answer(self) -> dict[str, object]:
        """The body of the answer."""
        body: dict[str, object] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return body


def bad_request(what: str) -> ApiError:
    """A 400 with the prefix that Telegram puts before every one of them."""
    return ApiError(400, f"Bad Request: {what}")


def too_many_requests(retry_after: int) -> ApiError:
    """A 429 that names its delay both in words and in `parameters`."""
    return ApiError(
        429, f"Too Many Requests: retry after {retry_after}", parameters={"retry_after": retry_after}
    )
