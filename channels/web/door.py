"""What visitors send: limited, given to the house, and acknowledged only when the house has stored it."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aiohttp import web

from channels.contract import Receive, WebhookRequest
from channels.errors import BadPayload, Rejected, RetryLater, TooLarge, Unauthorized
from channels.phrase import phrase
from channels.web.bubbles import SentFile
from channels.web.frames import event_name, talk_name
from channels.web.limits import Buckets, visitor_address
from channels.web.origin import origin_allowed
from channels.web.page import common_headers

if TYPE_CHECKING:
    from channels.web.channel import WebChatChannel

_BODY_LIMIT = 128 * 1024
_BODY_SECONDS = 10.0
_FILE_SECONDS = 300.0
_CHUNK = 64 * 1024
_REFUSALS: Mapping[type[Exception], HTTPStatus] = {
    BadPayload: HTTPStatus.BAD_REQUEST,
    Unauthorized: HTTPStatus.UNAUTHORIZED,
    TimeoutError: HTTPStatus.REQUEST_TIMEOUT,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Rejected: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a message: an HTTP status, the time it arrived (ms), and when to come again."""

    status: int
    at: int | None = None
    wait: timedelta | None = None

    @property
    def taken(self) -> bool:
        """Whether the house has it."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def as_json(self) -> dict[str, Any]:
        """Give the verdict as the page reads it."""
        given: dict[str, Any] = {"ok": self.taken}
        if self.at is not None:
            given["at"] = self.at
        if self.wait is not None:
            given["wait"] = math.ceil(self.wait.total_seconds())
        return given


class Door:
    """Takes messages and files of visitors, whichever way they come."""

    def __init__(self, channel: WebChatChannel, receive: Receive) -> None:
        settings = channel.settings
        self._channel = channel
        self._receive = receive
        self._allowed = frozenset(settings.allowed_origins)
        self._proxies = settings.trusted_proxies
        self._visitors = Buckets(
            per_minute=settings.messages_per_minute, burst=settings.burst, clock=channel.clock
        )
        self._addresses = self._by_address()
        self._comers = self._by_address()

    def _by_address(self) -> Buckets:
        per_minute = self._channel.settings.address_per_minute
        return Buckets(per_minute=per_minute, burst=max(1, per_minute // 4), clock=self._channel.clock)

    # -- who is there -------------------------------------------------------------------------------------

    def address(self, request: web.Request) -> str | None:
        """Where the visitor is, if anybody can tell."""
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", []))
        return visitor_address(request.remote or "", forwarded, proxies=self._proxies)

    def may_come(self, request: web.Request) -> timedelta | None:
        """Count a connection; None if it may stay, else how long to stay away."""
        address = self.address(request)
        return self._comers.take(address) if address is not None else None

    def allowed(self, request: web.Request) -> bool:
        """Whether the page that asks may use the chat."""
        origin = request.headers.get("Origin")
        return origin_allowed(origin, request.host, self._allowed, remote=request.remote or "")

    def sharing(self, request: web.Request) -> dict[str, str]:
        """The headers that let a page of an allowed site read the answer."""
        origin = request.headers.get("Origin")
        headers = common_headers() | {"Vary": "Origin"}
        if origin is not None and self.allowed(request):
            headers["Access-Control-Allow-Origin"] = origin
        return headers

    # -- messages -----------------------------------------------------------------------------------------

    async def take(self, request: web.Request, session: str | None, body: bytes) -> Verdict:
        """Give a message to the house. It is shown in all tabs once the house has it."""
        if not self.allowed(request):
            # The house refuses it too, and counts it; but strangers may not fill the buckets of visitors.
            return Verdict(status=await self._receive(_incoming(request, body)))
        wait = self._wait(request, session)
        if wait is not None:
            return Verdict(status=HTTPStatus.TOO_MANY_REQUESTS, wait=wait)
        incoming = _incoming(request, body)
        try:
            arrived = self._channel.split(incoming)
        except BadPayload:
            arrived = ()  # the house reads the same bytes, and refuses them with its own words and counters
        status = await self._receive(incoming)
        verdict = Verdict(status=status)
        if not verdict.taken:
            return verdict
        for raw in arrived:
            self._channel.remember(raw)
            verdict = Verdict(status=status, at=raw.payload["received_at"])
        return verdict

    async def take_frame(self, request: web.Request, session: str, given: Mapping[str, Any]) -> Verdict:
        """Give what came over a socket to the house."""
        return await self.take(request, session, json.dumps({"session": session, **given}).encode())

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Answer `POST …/messages`."""
        headers = self.sharing(request)
        # Another site's form can post anything but JSON without asking first.
        if request.content_type != "application/json":
            return answer(Verdict(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE), headers)
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await _read_body(request)
        except TimeoutError:
            return answer(Verdict(status=HTTPStatus.REQUEST_TIMEOUT), headers)
        if body is None:
            return answer(Verdict(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE), headers)
        return answer(await self.take(request, _session_of(body), body), headers)

    async def preflight(self, request: web.Request) -> web.StreamResponse:
        """Answer `OPTIONS`: what a page of an allowed site may send."""
        headers = self.sharing(request)
        if "Access-Control-Allow-Origin" in headers:
            headers |= {
                "Access-Control-Allow-Methods": "GET, POST",
                "Access-Control-Allow-Headers": "content-type, x-chat-session, x-chat-id, x-chat-name",
                "Access-Control-Max-Age": "600",
            }
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)

    # -- files --------------------------------------------------------------------------------------------

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """Answer `POST …/files`: the body is the file, the headers say whose it is and what it is called."""
        headers = self.sharing(request)
        try:
            session = talk_name(request.headers.get("X-Chat-Session"))
            event_id = event_name(request.headers.get("X-Chat-Id"))
            sent = await self._stored(request, session, event_id)
        except RetryLater as error:
            return answer(Verdict(status=HTTPStatus.TOO_MANY_REQUESTS, wait=error.after), headers)
        except (BadPayload, Unauthorized, Rejected, TimeoutError) as error:
            return answer(Verdict(status=_REFUSALS[type(error)]), headers)
        self._channel.uploaded(session, event_id, sent)
        try:
            body = json.dumps({"session": session, "id": event_id, "file": sent.name}).encode()
            return answer(await self.take(request, None, body), headers)
        finally:
            self._channel.uploading_ended(session, event_id)

    async def _stored(self, request: web.Request, session: str, event_id: str) -> SentFile:
        folder = self._channel.files
        if folder is None or not self.allowed(request):
            raise Unauthorized(phrase("web.no_files_from_page", "no files are taken from this page"))
        if (request.content_length or 0) > folder.rules.max_bytes:
            raise TooLarge(phrase("web.file_too_large", "the file is larger than is taken here"))
        wait = self._wait(request, session)
        if wait is not None:
            raise RetryLater(phrase("web.too_many_files", "too many files"), after=wait)
        title = unquote(request.headers.get("X-Chat-Name", ""), errors="replace")
        async with asyncio.timeout(_FILE_SECONDS):
            chunks = request.content.iter_chunked(_CHUNK)
            return await folder.take(session, event_id, title, aiter(chunks), self._channel.clock())

    async def download(self, request: web.Request) -> web.StreamResponse:
        """Answer `GET …/files/<name>`: to the talk that sent it, to be saved and never to be shown in place."""
        folder = self._channel.files
        try:
            session = talk_name(request.headers.get("X-Chat-Session"))
        except BadPayload:
            return answer(Verdict(status=HTTPStatus.BAD_REQUEST), self.sharing(request))
        path = None
        if folder is not None and self.allowed_to_read(request):
            path = await asyncio.to_thread(folder.find, session, request.match_info["file"])
        if path is None:
            return answer(Verdict(status=HTTPStatus.NOT_FOUND), self.sharing(request))
        headers = {
            **self.sharing(request),
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f'attachment; filename="{path.name}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, no-store",
        }
        return web.FileResponse(path, headers=headers)

    def allowed_to_read(self, request: web.Request) -> bool:
        """Whether the page may read: a browser names no origin when a page reads its own host."""
        return "Origin" not in request.headers or self.allowed(request)

    def _wait(self, request: web.Request, session: str | None) -> timedelta | None:
        """Count a message against its visitor and their address; how long to wait if that was too many."""
        wait = self._visitors.take(session) if session is not None else None
        if wait is not None:
            return wait
        address = self.address(request)
        return self._addresses.take(address) if address is not None else None


def answer(verdict: Verdict, headers: Mapping[str, str]) -> web.Response:
    """Say what became of a message."""
    all_headers = {**common_headers(), **headers, "Cache-Control": "no-store"}
    if verdict.wait is not None:
        all_headers["Retry-After"] = str(math.ceil(verdict.wait.total_seconds()))
    return web.json_response(verdict.as_json(), status=verdict.status, headers=all_headers)


def _incoming(request: web.Request, body: bytes) -> WebhookRequest:
    return WebhookRequest(
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        remote=request.remote or "",
        query=dict(request.query),
    )


def _session_of(body: bytes) -> str | None:
    """Whose bucket a body counts against; nonsense counts against its address only, and is refused later."""
    try:
        return talk_name(json.loads(body)["session"])
    except (ValueError, RecursionError, LookupError, TypeError, BadPayload):
        return None


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
