"""How the fake says no: one exception that becomes the answer a real gateway gives, in JSON, HTML or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

JSON: Final = "application/json; charset=utf-8"
HTML: Final = "text/html"

NOT_READY: Final = "instance is starting or not authorized"
STARTING: Final = "instance in starting process try later"


def page(status: int, title: str) -> bytes:
    """An HTML page as the servers in front of the gateway show it."""
    return (
        f"<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{status} {title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    ).encode()


class Refusal(Exception):
    """A call is refused.

    One of three shapes: a `message` in the gateway's own JSON (with the path of the call, which has the token in
    it), a `body` of its own, or an HTML page with this `title`; none of them is an empty body.
    """

    def __init__(
        self,
        status: int,
        message: str = "",
        *,
        body: Mapping[str, Any] | None = None,
        title: str = "",
    ) -> None:
        super().__init__(message or title or str(status))
        self.status = status
        self.message = message
        self.body = body
        self.title = title

    def answer(self, path: str, now: float) -> tuple[bytes, str]:
        """The body of the answer to a call of `path`, and its content type."""
        if self.body is not None:
            return orjson.dumps(self.body), JSON
        if self.title:
            return page(self.status, self.title), HTML
        if not self.message:
            return b"", HTML
        told = {
            "statusCode": self.status,
            "timestamp": datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"),
            "path": path,
            "message": self.message,
        }
        return orjson.dumps(told), JSON


def invalid(detail: str) -> Refusal:
    """A 400 about one field of the body."""
    return Refusal(400, f"Validation failed. Details: {detail}")


def wrong_token() -> Refusal:
    """A 401: empty, whatever was called."""
    return Refusal(401)


def wrong_instance() -> Refusal:
    """A 403 page: no such instance on this host."""
    return Refusal(403, title="Forbidden")


def wrong_method() -> Refusal:
    """A 404 page: no such method, or not with this verb."""
    return Refusal(404, title="Not Found")


def too_many_requests() -> Refusal:
    """A 429."""
    return Refusal(429, "Too Many Requests")


def suspended() -> Refusal:
    """A 403 in JSON: a suspended account writes to its saved contacts only."""
    return Refusal(403, "Your account is suspended")


def contact_limit() -> Refusal:
    """A 469: too many look-ups of people; it passes after about two hours."""
    return Refusal(469, "User get contact info limit reached")


def invoke_quota(method: str, used: int, total: int) -> Refusal:
    """A 466: this method was called as often as the tariff allows in a month."""
    status = _quota(method, used, total, "QUOTE_EXCEEDED")
    return Refusal(466, f"quota of {method}", body={"invokeStatus": status})


def correspondents_quota(method: str, chats: list[str], total: int) -> Refusal:
    """A 466 whose first half says that all is well: the number of partners is what ran out."""
    invoke = _quota(method, len(chats), 0, "QUOTE_ALLOWED")
    partners = _quota("correspondents", len(chats), total, "CORRESPONDENTS_QUOTE_EXCEEDED")
    partners["description"] = f"Correspondents quota has been exceeded. Allowed chats: {', '.join(chats)}"
    return Refusal(
        466, "quota of correspondents", body={"invokeStatus": invoke, "correspondentsStatus": partners}
    )


def _quota(method: str, used: int, total: int, status: str) -> dict[str, Any]:
    return {
        "method": method.lower(),
        "used": used,
        "total": total,
        "status": status,
        "description": "Monthly quota of the tariff; it begins anew on the first of the month",
    }
