"""The addresses of the web chat: the page, its files, what visitors post, and the stream of answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import aclosing
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from channels.contract import Receive, WebhookRequest
from channels.errors import BadPayload, RetryLater
from channels.model import RawUpdate
from channels.web.origin import origin_allowed
from channels.web.page import assets, common_headers, page_headers, render_page
from channels.web.sessions import StreamEvent

if TYPE_CHECKING:
    from channels.web.channel import WebChatChannel

_BODY_LIMIT = 128 * 1024
_BODY_SECONDS = 10.0
_WRITE_SECONDS = 30.0
_RETRY_MS = 2000
_YEAR = "public, max-age=31536000, immutable"


class ChatRoutes:
    """The handlers of one web chat, under `/chat/<instance>/`.

    `GET …/` is the page, `GET …/static/<file>` its files, `POST …/messages` what a visitor sends, and
    `GET …/events?session=…&after=…` the stream; `after` or the `Last-Event-ID` header resumes it.
    """

    def __init__(
        self,
        channel: WebChatChannel,
        receive: Receive,
        *,
        title: str,
        starters: Callable[[], Sequence[str]],
    ) -> None:
        self._channel = channel
        self._receive = receive
        self._title = title
        self._starters = starters
        self._allowed = frozenset(channel.settings.allowed_origins)

    def definitions(self) -> list[web.RouteDef]:
        """Give the routes for `app.add_routes`."""
        base = f"/chat/{self._channel.instance}"
        return [
            web.get(base, self._to_page),
            web.get(f"{base}/", self._page),
            web.get(f"{base}/static/{{name}}", self._asset),
            web.post(f"{base}/messages", self._message),
            web.options(f"{base}/messages", self._preflight),
            web.get(f"{base}/events", self._events),
        ]

    async def _to_page(self, request: web.Request) -> web.StreamResponse:
        query = f"?{request.query_string}" if request.query_string else ""
        # Relative: so it also works behind a proxy that puts us under a path of its own.
        return web.Response(
            status=HTTPStatus.FOUND, headers={"Location": f"{self._channel.instance}/{query}"}
        )

    async def _page(self, _request: web.Request) -> web.StreamResponse:
        html = render_page(
            instance=self._channel.instance,
            title=self._title,
            starters=self._starters(),
            commands=self._channel.commands,
            max_length=self._channel.settings.max_message_length,
        )
        headers = page_headers(self._channel.settings.allowed_origins)
        return web.Response(text=html, content_type="text/html", charset="utf-8", headers=headers)

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        asset = assets().get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        fixed = request.query.get("v") == asset.version
        headers = common_headers() | {"Cache-Control": _YEAR if fixed else "no-cache"}
        response = web.Response(
            body=asset.content, content_type=asset.content_type, charset="utf-8", headers=headers
        )
        response.enable_compression()
        return response

    async def _preflight(self, request: web.Request) -> web.StreamResponse:
        headers = self._sharing(request)
        if "Access-Control-Allow-Origin" in headers:
            headers |= {
                "Access-Control-Allow-Methods": "POST",
                "Access-Control-Allow-Headers": "content-type",
                "Access-Control-Max-Age": "600",
            }
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)

    async def _message(self, request: web.Request) -> web.StreamResponse:
        headers = self._sharing(request)
        # Another site's form can post anything but JSON without asking first.
        if request.content_type != "application/json":
            return _answer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, headers)
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await _read_body(request)
        except TimeoutError:
            return _answer(HTTPStatus.REQUEST_TIMEOUT, headers)
        if body is None:
            return _answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, headers)
        incoming = WebhookRequest(
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            remote=request.remote or "",
            query=dict(request.query),
        )
        arrived = self._updates(incoming)
        status = await self._receive(incoming)
        if _accepted(status):
            for raw in arrived:
                self._channel.remember(raw)
        return _answer(status, headers)

    def _updates(self, incoming: WebhookRequest) -> Sequence[RawUpdate]:
        """Read the updates for the page's own history, with the time before the house saw them."""
        try:
            return self._channel.split(incoming)
        except BadPayload:
            return ()  # the house reads the same bytes, and refuses them with its own words and counters

    async def _events(self, request: web.Request) -> web.StreamResponse:
        # A browser names no origin when a page reads its own host, and always does for another site.
        origin = request.headers.get("Origin")
        if origin is not None and not origin_allowed(origin, request.host, self._allowed):
            return _answer(HTTPStatus.UNAUTHORIZED, {})
        last_id = request.headers.get("Last-Event-ID") or request.query.get("after")
        try:
            events = self._channel.stream(request.query.get("session", ""), last_id)
        except BadPayload:
            return _answer(HTTPStatus.BAD_REQUEST, {})
        except RetryLater:
            return _answer(HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "5"})
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
                **common_headers(),
                **self._sharing(request),
            }
        )
        await response.prepare(request)
        async with aclosing(events):
            try:
                await _write(response, f"retry: {_RETRY_MS}\n\n")
                async for event in events:
                    await _write(response, encode(event))
            except (ConnectionResetError, TimeoutError):
                pass  # the browser went away or reads nothing; it comes back and resumes
        return response

    def _sharing(self, request: web.Request) -> dict[str, str]:
        origin = request.headers.get("Origin")
        headers = common_headers() | {"Vary": "Origin"}
        if origin is not None and origin_allowed(origin, request.host, self._allowed):
            headers["Access-Control-Allow-Origin"] = origin
        return headers


def encode(event: StreamEvent) -> str:
    """Write an event the way `EventSource` reads it; a ping is a comment that nobody sees."""
    if event.kind == "ping":
        return ": ping\n\n"
    data = json.dumps({"type": event.kind, **event.data}, ensure_ascii=False, separators=(",", ":"))
    # JSON leaves no raw line ends in its output, so one data line is always enough.
    identity = f"id: {event.event_id}\n" if event.event_id else ""
    return f"{identity}data: {data}\n\n"


async def _write(response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(_WRITE_SECONDS):
        await response.write(text.encode("utf-8"))


async def _read_body(request: web.Request) -> bytes | None:
    """Give the body, or None when it is over the limit."""
    if (request.content_length or 0) > _BODY_LIMIT:
        return None
    chunks = bytearray()
    async for chunk in request.content.iter_chunked(16 * 1024):
        chunks += chunk
        if len(chunks) > _BODY_LIMIT:
            return None
    return bytes(chunks)


def _accepted(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def _answer(status: int, headers: dict[str, str]) -> web.Response:
    headers = common_headers() | headers | {"Cache-Control": "no-store"}
    return web.json_response({"ok": _accepted(status)}, status=status, headers=headers)
