"""The server between a channel and its platform: it passes requests on, or lets them go wrong as a check says."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import Final, Self

from aiohttp import web

from channels.testing.conformance.platform import Answered, Asked, Platform
from channels.testing.trouble import cut_off

_HTML: Final = {"Content-Type": "text/html; charset=utf-8"}
_JSON: Final = {"Content-Type": "application/json"}
_PAGE: Final = b"<html>\r\n<head><title>%b</title></head>\r\n<body><h1>%b</h1><hr>nginx</body>\r\n</html>\r\n"
_KEPT: Final = 10_000
_TURNS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way in which a request goes wrong.

    `refused` is a status that the platform itself refuses with, in its own words, asking to wait `delay` seconds if
    that is given. `answer` is what somebody else answers in its place. `end` is what happens to the connection:
    `silence` never answers, `reset` closes it unanswered, `cut` promises a body and sends half of it; `handled` says
    that the platform has done what was asked before that.
    """

    refused: int | None = None
    delay: int | None = None
    answer: Answered | None = None
    end: str = ""
    handled: bool = False


def _page(status: int, title: bytes, **headers: str) -> Fault:
    return Fault(answer=Answered(status=status, body=_PAGE % (title, title), headers={**_HTML, **headers}))


FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "400": Fault(refused=400),
        "401": Fault(refused=401),
        "403": Fault(refused=403),
        "404": Fault(refused=404),
        "409": Fault(refused=409),
        "413": Fault(refused=413),
        "429": Fault(refused=429),
        "429 with a delay": Fault(refused=429, delay=7),
        "500": Fault(refused=500),
        "500 without a word": Fault(answer=Answered(status=500)),
        "502 as a page": _page(502, b"502 Bad Gateway"),
        "503 with a delay": _page(503, b"503 Service Unavailable", **{"Retry-After": "7"}),
        "silence": Fault(end="silence"),
        "reset": Fault(end="reset"),
        "reset after it was handled": Fault(end="reset", handled=True),
        "cut body": Fault(end="cut", handled=True),
        "200 as a page": _page(200, b"Welcome"),
        "200 with half a JSON": Fault(answer=Answered(body=b'{"ok":true,"result":[{"a', headers=_JSON)),
    }
)
"""The faults that are played, by the names that reports show."""


class _Server(web.Server):
    """A server that tells when connections are opened and closed."""

    count: Callable[[int], None]

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self.count(1)

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self.count(-1)


class FaultServer:
    """A local address in front of a platform; an async context manager.

    While `strike` is set every request goes wrong that way, so a channel that tries again by itself is found out by
    `struck`, the number of requests that did.
    """

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.asked: deque[Asked] = deque(maxlen=_KEPT)
        self.struck = 0
        self.connections = 0
        """How many connections are open."""
        self._fault: Fault | None = None
        self._changed = asyncio.Event()
        self._closing = asyncio.Event()
        self._runner: web.ServerRunner | None = None
        self._site: web.TCPSite | None = None
        self._port = 0

    async def __aenter__(self) -> Self:
        server = _Server(self._handle, access_log=None, keepalive_timeout=3600.0, handler_cancellation=True)
        server.count = self.connection
        self._runner = web.ServerRunner(server, shutdown_timeout=0.5)
        await self._runner.setup()
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def address(self) -> str:
        """Where the platform seems to be, without a slash at the end."""
        return f"http://127.0.0.1:{self._port}"

    async def listen(self) -> None:
        """Accept connections, again at the same address after `deaf`."""
        if self._runner is None:
            raise RuntimeError("the server is closed")
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await self._site.start()
        self._port = int(self._runner.addresses[0][1])

    async def deaf(self) -> None:
        """Refuse new connections and close those that are open, until `listen`."""
        if self._site is not None:
            await self._site.stop()
            self._site = None
        if self._runner is not None and self._runner.server is not None:
            for protocol in self._runner.server.connections:
                protocol.force_close()
        await self.until(lambda: self.connections == 0)
        for _ in range(_TURNS):  # the other ends hear of it
            await asyncio.sleep(0)

    def strike(self, fault: Fault | None) -> None:
        """Let every request go wrong this way, or none any more; `struck` begins anew."""
        self._fault = fault
        self.struck = 0

    async def until(self, condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
        """Return as soon as the condition holds; it is looked at whenever a request or a connection comes or goes.

        Raises `TimeoutError` after so many seconds.
        """
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def connection(self, change: int) -> None:
        """A connection was opened (1) or closed (-1)."""
        self.connections += change
        self._changed.set()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = await _read(request)
        self.asked.append(asked)
        fault = self._fault
        self.struck += fault is not None
        self._changed.set()
        try:
            if fault is None:
                return _response(await self.platform.answer(asked))
            return await self._strike(request, asked, fault)
        finally:
            self._changed.set()

    async def _strike(self, request: web.BaseRequest, asked: Asked, fault: Fault) -> web.StreamResponse:
        if fault.refused is not None:
            return _response(self.platform.refusal(fault.refused, fault.delay))
        if fault.answer is not None:
            return _response(fault.answer)
        if fault.end == "silence":
            await self._closing.wait()
            return cut_off(request)
        whole = await self._handled(asked) if fault.handled else Answered()
        if fault.end == "cut":
            body = whole.body or b'{"ok":true}'
            cut = web.StreamResponse(
                status=whole.status, headers={**whole.headers, "Content-Length": str(len(body) + 1)}
            )
            await cut.prepare(request)
            await cut.write(body[: max(1, len(body) // 2)])
        return cut_off(request)

    async def _handled(self, asked: Asked) -> Answered:
        """What the platform says; a long poll of which nothing comes is cut off without an answer."""
        try:
            async with asyncio.timeout(0.2):
                return await self.platform.answer(asked)
        except TimeoutError:
            return Answered()


async def _read(request: web.BaseRequest) -> Asked:
    body = await request.content.read() if request.body_exists else b""
    path, _, _ = request.raw_path.partition("?")
    return Asked(
        method=request.method,
        path=path,
        query=dict(request.query),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        target=request.raw_path,
    )


def _response(answered: Answered) -> web.Response:
    return web.Response(status=answered.status, body=answered.body, headers=answered.headers)
