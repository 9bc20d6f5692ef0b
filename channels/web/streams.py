"""How pages follow their talks: over a socket, which also carries what they send, or over server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import WSCloseCode, WSMsgType, web

from channels.errors import BadPayload, RetryLater
from channels.phrase import phrase
from channels.web.door import Door, Verdict, answer
from channels.web.frames import FRAME_LIMIT, Hello, Ping, Send, read_frame, streamed, written
from channels.web.limits import Places
from channels.web.page import common_headers
from channels.web.window import StreamEvent

if TYPE_CHECKING:
    from channels.web.channel import WebChatChannel

HELLO_SECONDS = 10.0
"""How long a socket may be open without saying whose it is."""
_WRITE_SECONDS = 30.0
_GOODBYE_SECONDS = 3.0
_HEARTBEAT = 25.0
_RETRY_MS = 2000
_CROWDED = 4429
"""The close code of a socket for which there was no place: an application's own number."""


class Streams:
    """Every open stream of one web chat, of both kinds, within the limits of the settings."""

    def __init__(self, channel: WebChatChannel, door: Door) -> None:
        settings = channel.settings
        self._channel = channel
        self._door = door
        self._by_address = Places(total=settings.max_streams, each=settings.streams_per_address)
        self._by_session = Places(total=settings.max_streams, each=settings.streams_per_session)

    # -- a socket -----------------------------------------------------------------------------------------

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """Answer `GET …/socket`. Browsers always name the origin of a socket, so a stranger's page gets none."""
        if not self._door.allowed(request):
            return answer(Verdict(status=HTTPStatus.UNAUTHORIZED), {})
        wait = self._door.may_come(request)
        if wait is not None:
            return answer(Verdict(status=HTTPStatus.TOO_MANY_REQUESTS, wait=wait), {})
        try:
            with self._by_address.taken(self._door.address(request)):
                socket = web.WebSocketResponse(
                    heartbeat=_HEARTBEAT, max_msg_size=FRAME_LIMIT, compress=False, timeout=_GOODBYE_SECONDS
                )
                await socket.prepare(request)
                await self._converse(request, socket)
                return socket
        except RetryLater as error:
            return answer(Verdict(status=HTTPStatus.SERVICE_UNAVAILABLE, wait=error.after), {})

    async def _converse(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                hello = await _next_frame(socket)
            if not isinstance(hello, Hello):
                raise BadPayload(phrase("web.no_hello", "a socket begins with a hello"))  # noqa: TRY301 - the same end as an unreadable one
            with self._by_session.taken(hello.session):
                await self._both_ways(request, socket, hello.session)
        except BadPayload as error:
            await _closed(socket, WSCloseCode.POLICY_VIOLATION, str(error))
        except TimeoutError:
            await _closed(socket, WSCloseCode.POLICY_VIOLATION, "too slow")
        except RetryLater:
            await _closed(socket, _CROWDED, "too many tabs")
        except ConnectionResetError:
            pass  # the browser went away; it comes back and is told everything again

    async def _both_ways(self, request: web.Request, socket: web.WebSocketResponse, session: str) -> None:
        events, ending = self._channel.stream(session), asyncio.Event()
        telling = asyncio.create_task(_tell(socket, events, ending))
        try:
            while (frame := await _next_frame(socket)) is not None:
                match frame:
                    case Send(event_id, given):
                        verdict = await self._door.take_frame(request, session, given)
                        await _send(socket, "accepted", _verdict(event_id, verdict))
                    case Ping():
                        await _send(socket, "pong", {})
                    case Hello():
                        raise BadPayload(phrase("web.second_hello", "a socket has one hello"))
        finally:
            if ending.is_set():  # it is saying goodbye, which has a limit of its own
                await asyncio.wait([telling], timeout=_GOODBYE_SECONDS + 1)
            telling.cancel()
            await asyncio.wait([telling])
            await events.aclose()
        if not telling.cancelled() and (error := telling.exception()) is not None:
            raise error

    # -- server-sent events -------------------------------------------------------------------------------

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Answer `GET …/events?session=…`."""
        if not self._door.allowed_to_read(request):
            return answer(Verdict(status=HTTPStatus.UNAUTHORIZED), {})
        sharing = self._door.sharing(request)
        wait = self._door.may_come(request)
        if wait is not None:
            return answer(Verdict(status=HTTPStatus.TOO_MANY_REQUESTS, wait=wait), sharing)
        session = request.query.get("session", "")
        try:
            events = self._channel.stream(session)
            with self._by_address.taken(self._door.address(request)), self._by_session.taken(session):
                return await self._stream(request, events, sharing)
        except BadPayload:
            return answer(Verdict(status=HTTPStatus.BAD_REQUEST), sharing)
        except RetryLater as error:
            return answer(Verdict(status=HTTPStatus.SERVICE_UNAVAILABLE, wait=error.after), sharing)

    async def _stream(
        self, request: web.Request, events: AsyncGenerator[StreamEvent], sharing: dict[str, str]
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
                **common_headers(),
                **sharing,
            }
        )
        await response.prepare(request)
        async with aclosing(events):
            try:
                await _write(response, f"retry: {_RETRY_MS}\n\n")
                async for event in events:
                    await _write(response, streamed(event))
            except (ConnectionResetError, TimeoutError):
                pass  # the browser went away or reads nothing; it comes back and resumes
        return response


async def _tell(
    socket: web.WebSocketResponse, events: AsyncGenerator[StreamEvent], ending: asyncio.Event
) -> None:
    """Send every event; then end the socket, which ends whoever reads from it."""
    code: WSCloseCode | None = WSCloseCode.INTERNAL_ERROR
    resting = False
    try:
        async for event in events:
            await _send(socket, event.kind, event.data)
            resting = event.kind == "rest"
        code = WSCloseCode.OK if resting else WSCloseCode.SERVICE_RESTART
    except (ConnectionResetError, TimeoutError):
        code = WSCloseCode.GOING_AWAY  # the browser is gone or reads nothing
    except asyncio.CancelledError:
        code = None  # whoever reads from the socket closes it, and says why
        raise
    finally:
        if code is not None:
            ending.set()
            await _closed(socket, code, "")


async def _next_frame(socket: web.WebSocketResponse) -> Hello | Send | Ping | None:
    """Read a frame; None when the socket is closed. Raises `BadPayload` for what no page of ours sends."""
    message = await socket.receive()
    if message.type is WSMsgType.TEXT:
        return read_frame(message.data)
    if message.type is WSMsgType.BINARY:
        raise BadPayload(phrase("web.frame_no_text", "frames are text"))
    return None


async def _send(socket: web.WebSocketResponse, kind: str, data: Any) -> None:
    async with asyncio.timeout(_WRITE_SECONDS):
        await socket.send_str(written(kind, data))


async def _closed(socket: web.WebSocketResponse, code: int, message: str) -> None:
    try:
        async with asyncio.timeout(_WRITE_SECONDS):
            await socket.close(code=code, message=message.encode()[:120])
    except (ConnectionResetError, TimeoutError):
        pass  # it is closed, if not politely


async def _write(response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(_WRITE_SECONDS):
        await response.write(text.encode("utf-8"))


def _verdict(event_id: str, verdict: Verdict) -> dict[str, Any]:
    return {"id": event_id, "status": verdict.status, **verdict.as_json()}
