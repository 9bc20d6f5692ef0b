"""MAX's Bot API as a few typed calls: each gives what it promises or raises by reaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from channels.errors import BadPayload, Conflict, RetryLater, Unreachable
from channels.fields import Json, children, required_number, text
from channels.http import JSON_HEADERS, HttpAnswer, HttpClient, json_body
from channels.max.answers import WEBHOOK_AND_POLLER, read_answer
from channels.max.chats import Recipient
from channels.max.requests import BATCH_LIMIT, POLL_LIMIT, UPDATE_TYPES
from channels.max.spec import MaxSettings
from channels.model import MediaKind
from channels.phrase import phrase
from config.secret import Secret

CALL_TIMEOUT = 30.0
KEEP_ALIVE = 10.0
"""Seconds an idle connection is kept: below what servers before an API allow (a minute and more). Were it longer than
theirs, a message could meet a connection that is just being closed: "maybe sent"."""

MOST_DOWNLOADED = 64 * 1024 * 1024
"""Bytes of a file that we fetch from an address in order to pass it on; it is held in memory."""

_POLL_MARGIN = 15.0
HISTORY_LIMIT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """Who we are: `commands` is the menu as MAX shows it."""

    id: int
    username: str | None = None
    name: str = ""
    commands: Sequence[Json] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One address that MAX pushes to; `update_types` is None where it pushes everything."""

    url: str = field(repr=False)
    update_types: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPlace:
    """Where to put the bytes of one file; videos and sounds have their token before that."""

    url: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


class MaxApi:
    """The client. The token goes to the API's own host and to no other."""

    def __init__(self, http: HttpClient, *, api_base: str, token: Secret) -> None:
        self.http = http
        self._base = api_base
        # The bare token: MAX answers 401 to "Bearer".
        self._headers = {**JSON_HEADERS, "Authorization": token.reveal()}

    # -- who we are ---------------------------------------------------------------------------------------

    async def me(self, *, timeout: float | None = None) -> Bot:  # noqa: ASYNC109 - passed to the client
        """Give who we are; the check of a token."""
        content = await self._call("GET", "/me", timeout=timeout)
        try:
            names = [text(content, name) for name in ("first_name", "last_name")]
            return Bot(
                id=required_number(content, "user_id"),
                username=text(content, "username") or None,
                name=" ".join(name for name in names if name) or text(content, "name") or "",
                commands=children(content, "commands"),
            )
        except BadPayload as error:
            reason = str(error)
        raise RetryLater(
            phrase("max.nameless", "MAX does not say who we are: {reason}; check api_base", reason=reason)
        )

    async def set_commands(self, commands: Sequence[Mapping[str, str]]) -> None:
        """Show this menu."""
        await self._call("PATCH", "/me/commands", body={"commands": list(commands)})

    # -- in -----------------------------------------------------------------------------------------------

    async def updates(self, marker: int | None, wait: float) -> tuple[list[Any], int | None]:
        """Wait up to `wait` seconds for updates; gives them and the marker after them, None if MAX names none.

        Sending a marker commits everything before it. Raises `Conflict` when MAX does not allow the question.
        """
        query = {
            "limit": str(BATCH_LIMIT),
            "timeout": str(min(int(wait), POLL_LIMIT)),
            "types": ",".join(UPDATE_TYPES),
        }
        if marker is not None:
            query["marker"] = str(marker)
        answer = await self._request("GET", "/updates", query=query, timeout=wait + _POLL_MARGIN)
        if answer.status in {405, 409}:
            raise Conflict(WEBHOOK_AND_POLLER)
        content = read_answer(answer, self.http.redact)
        updates = content.get("updates")
        if not isinstance(updates, list):
            raise RetryLater(
                phrase("max.no_updates", "MAX's answer to the request for updates has no list of them")
            )
        following = content.get("marker")
        return updates, following if type(following) is int else None

    async def subscriptions(self, *, timeout: float | None = None) -> Sequence[Subscription]:  # noqa: ASYNC109 - as above
        """Give where MAX pushes our updates."""
        content = await self._call("GET", "/subscriptions", timeout=timeout)
        found = content.get("subscriptions")
        if not isinstance(found, list):
            raise RetryLater(
                phrase(
                    "max.no_subscriptions",
                    "MAX's answer to the question for subscriptions has no list of them",
                )
            )
        return [
            Subscription(url=item["url"], update_types=_types(item.get("update_types")))
            for item in found
            if isinstance(item, dict) and isinstance(item.get("url"), str)
        ]

    async def subscribe(self, url: str, secret: Secret) -> None:
        """Make MAX push our kinds of updates to `url`, with the secret in a header."""
        body = {"url": url, "secret": secret.reveal(), "update_types": list(UPDATE_TYPES)}
        await self._call("POST", "/subscriptions", body=body)

    async def unsubscribe(self, url: str) -> None:
        """Stop pushing to `url`."""
        await self._call("DELETE", "/subscriptions", query={"url": url})

    # -- out ----------------------------------------------------------------------------------------------

    async def send(self, to: Recipient, body: Mapping[str, Any]) -> str | None:
        """Send a message; gives its id, None if MAX has accepted it without saying so."""
        # Addresses in an answer are references; the picture of a page would push the words off a small screen.
        query = {**to.query(), "disable_link_preview": "true"}
        content = await self._call("POST", "/messages", query=query, body=body, once=True)
        message = content.get("message")
        if not isinstance(message, dict):
            raise Unreachable(
                phrase("max.no_message", "MAX's answer to a message does not tell of a message"),
                maybe_sent=True,
            )
        inner = message.get("body")
        mid = inner.get("mid") if isinstance(inner, dict) else None
        return mid if isinstance(mid, str) and mid else None

    async def edit(self, mid: str, body: Mapping[str, Any]) -> None:
        """Put other content in the place of a message of ours."""
        await self._call("PUT", "/messages", query={"message_id": mid}, body=body)

    async def answer(self, callback_id: str, notification: str) -> None:
        """Tell that a press was seen."""
        body = {"notification": notification}
        await self._call("POST", "/answers", query={"callback_id": callback_id}, body=body)

    async def act(self, chat_id: int, action: str) -> None:
        """Show what we are doing: `typing_on`, `mark_seen`."""
        await self._call("POST", f"/chats/{quote(str(chat_id))}/actions", body={"action": action})

    # -- history ------------------------------------------------------------------------------------------

    async def messages(self, chat_id: int, *, after: int, before: int | None = None) -> Sequence[Json]:
        """Give up to a hundred messages of a chat between two moments in milliseconds, newest first."""
        query = {"chat_id": str(chat_id), "after": str(after), "count": str(HISTORY_LIMIT)}
        if before is not None:
            query["before"] = str(before)
        return await self._messages(query)

    async def message(self, mid: str) -> Json | None:
        """Give one message, None if it is not there."""
        found = await self._messages({"message_ids": mid})
        return found[0] if found else None

    async def _messages(self, query: Mapping[str, str]) -> Sequence[Json]:
        content = await self._call("GET", "/messages", query=query)
        if not isinstance(content.get("messages"), list):
            raise RetryLater(
                phrase("max.no_messages", "MAX's answer to the question for messages has no list of them")
            )
        return children(content, "messages")

    # -- files --------------------------------------------------------------------------------------------

    async def upload_place(self, kind: MediaKind) -> UploadPlace:
        """Ask where to put a file."""
        content = await self._call("POST", "/uploads", query={"type": kind.value})
        url, token = content.get("url"), content.get("token")
        if not isinstance(url, str) or urlsplit(url).scheme not in {"http", "https"}:
            raise RetryLater(phrase("max.no_upload_place", "MAX does not say where to put the file"))
        return UploadPlace(url=url, token=token if isinstance(token, str) and token else None)

    # -- calls --------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Close the connections."""
        await self.http.close()

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - passed to the client
        once: bool = False,
    ) -> Json:
        answer = await self._request(method, path, query=query, body=body, timeout=timeout)
        return read_answer(answer, self.http.redact, once=once)

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - passed to the client
    ) -> HttpAnswer:
        # Lists are one parameter with commas; repeating the parameter is an error for MAX.
        url = f"{self._base}{path}?{urlencode(query, safe=',')}" if query else self._base + path
        data = None if body is None else json_body(body)
        try:
            return await self.http.request(method, url, data=data, headers=self._headers, timeout=timeout)
        except Unreachable as error:
            failure = _explained(error, self._base)
        raise failure


def http_client(settings: MaxSettings) -> HttpClient:
    """Make the HTTP client. Raises `Misconfigured` if the CA file or the library for the proxy is missing."""
    return HttpClient(
        timeout=CALL_TIMEOUT,
        keep_alive=KEEP_ALIVE,
        max_answer=MOST_DOWNLOADED,
        ca_file=settings.ca_file,
        proxy=settings.proxy,
        secrets=[settings.token, *([settings.webhook_secret] if settings.webhook_secret else [])],
    )


def _explained(error: Unreachable, base: str) -> Unreachable:
    if "CERTIFICATE_VERIFY_FAILED" not in str(error):
        return error
    return Unreachable(
        phrase(
            "max.certificate",
            "The certificate of {hostname} is not trusted on this machine. MAX's certificates go back "
            "to the Russian Trusted Root CA, which most systems do not have: download it from the site "
            "of Gosuslugi and name the PEM file as `ca_file`. ({why})",
            hostname=urlsplit(base).hostname,
            why=error,
        ),
        maybe_sent=error.maybe_sent,
    )


def _types(value: Any) -> frozenset[str] | None:
    if not isinstance(value, list):
        return None
    return frozenset(item for item in value if isinstance(item, str))
