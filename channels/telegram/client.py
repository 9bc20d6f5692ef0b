"""The Bot API as one function: call a method, get its result, or an error by reaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from channels.download import DOWNLOAD_TIMEOUT, content_of
from channels.http import JSON_HEADERS, HttpClient, json_body
from channels.telegram.answers import read_answer
from channels.telegram.spec import TelegramSettings
from config.secret import Secret

CALL_TIMEOUT = 30.0
KEEP_ALIVE = 10.0
"""Seconds an idle connection is kept: well below what servers before the Bot API allow (a minute and more).
Were it longer than theirs, a message could meet a connection that is just being closed: "maybe sent"."""


class BotApi(Protocol):
    """Something that can call the Bot API."""

    async def call(self, method: str, params: Mapping[str, Any], *, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - passed to the client
        """Call `method` and give its `result` as plain JSON data. Raises by reaction only."""

    async def close(self) -> None:
        """Free what this client holds; may be called twice."""


class DirectApi:
    """The thin client: one JSON post per call over kept connections, nothing between us and the wire."""

    def __init__(self, http: HttpClient, *, api_base: str, token: Secret) -> None:
        self._http = http
        self._prefix = f"{api_base}/bot{token.reveal()}/"
        self._files = f"{api_base}/file/bot{token.reveal()}/"
        self._host = urlsplit(api_base).hostname or "?"

    async def call(self, method: str, params: Mapping[str, Any], *, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - passed to the client
        """Call `method` and give its `result`. Raises by reaction."""
        answer = await self._http.request(
            "POST", self._prefix + method, data=json_body(params), headers=JSON_HEADERS, timeout=timeout
        )
        return read_answer(answer, self._http.redact)

    async def file(self, path: str, *, limit: int) -> bytes:
        """Get a file by the path that `getFile` gave. Raises `TooLarge`, `Gone`, else by reaction."""
        answer = await self._http.request(
            "GET", self._files + quote(path), timeout=DOWNLOAD_TIMEOUT, limit=limit
        )
        return content_of(answer, self._host)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def http_client(settings: TelegramSettings) -> HttpClient:
    """Make the HTTP client for both. Raises `Misconfigured` if the library for the proxy is missing."""
    return HttpClient(
        timeout=CALL_TIMEOUT,
        keep_alive=KEEP_ALIVE,
        proxy=settings.proxy,
        secrets=[
            settings.token,
            Secret(settings.token.reveal().partition(":")[2]),
            *([settings.webhook_secret] if settings.webhook_secret else []),
        ],
    )
