"""Visitors of the web chat: sockets to the bot's own server, as the widget has them, and no fake between."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import aiohttp

from optfm_bot.bench.codes import code_in, texts
from optfm_bot.bench.judge import Answer, Offer
from optfm_bot.bench.load import Load
from optfm_bot.bench.processes import BenchFailed
from optfm_bot.bench.side import Counts

INSTANCE = "web"
_CONNECT_SECONDS = 60.0
_ANSWER_SECONDS = 30.0
_AGAIN = 0.2
"""Seconds until a visitor whose connection broke, or whose message was refused, tries again."""
_BOUNDLESS = {"messages_per_minute": 0, "address_per_minute": 0, "streams_per_address": 100_000}
_KEPT = 500
"""Messages of a talk that a page is shown when it connects again; as many as the settings allow."""


class Visitor:
    """One visitor with one page open. Writes a message when the one before it was taken, as the widget does.

    `saw` is called with each new message of the bot: its words and the moment.
    """

    def __init__(
        self,
        session: str,
        *,
        addresses: Callable[[], Sequence[str]],
        number: int,
        clock: Callable[[], float],
        saw: Callable[[str, str, float], None],
    ) -> None:
        self.session = session
        self.connected = asyncio.Event()
        self._addresses = addresses
        self._turn = number
        self._clock = clock
        self._saw = saw
        self._waiting: deque[tuple[str, str]] = deque()
        self._asked = 0
        self._known: set[str] = set()
        self._changed = asyncio.Event()

    def ask(self, words: str) -> None:
        """Write this, after everything that was written before."""
        self._asked += 1
        self._waiting.append((f"m{self._asked:06d}", words))
        self._changed.set()

    def hush(self) -> None:
        """Forget what was not sent yet."""
        self._waiting.clear()

    async def live(self, http: aiohttp.ClientSession) -> None:
        """Be there until cancelled; a connection that breaks is made anew, to the next process."""
        while True:
            addresses = self._addresses()
            address = addresses[self._turn % len(addresses)]
            self._turn += 1
            # The process is gone or not there yet: a browser tries again, and so do we.
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                await self._talk(http, address)
            self.connected.clear()
            await asyncio.sleep(_AGAIN)

    async def _talk(self, http: aiohttp.ClientSession, address: str) -> None:
        url = f"{address}/chat/{INSTANCE}/socket"
        async with http.ws_connect(url, origin=address, max_msg_size=0) as socket:
            await socket.send_json({"type": "hello", "session": self.session})
            accepted: asyncio.Queue[bool] = asyncio.Queue()
            writing = asyncio.create_task(self._write(socket, accepted))
            try:
                async for message in socket:
                    if message.type is aiohttp.WSMsgType.TEXT:
                        self._read(json.loads(message.data), accepted)
            finally:
                writing.cancel()
                with contextlib.suppress(asyncio.CancelledError, aiohttp.ClientError, OSError, TimeoutError):
                    await writing

    async def _write(self, socket: aiohttp.ClientWebSocketResponse, accepted: asyncio.Queue[bool]) -> None:
        await self.connected.wait()
        while True:
            while not self._waiting:
                self._changed.clear()
                await self._changed.wait()
            name, words = self._waiting[0]
            await socket.send_json({"type": "send", "id": name, "text": words})
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    taken = await accepted.get()
            except TimeoutError:
                await socket.close()
                return
            if not taken:
                await asyncio.sleep(_AGAIN)
            elif self._waiting and self._waiting[0][0] == name:
                self._waiting.popleft()

    def _read(self, event: Mapping[str, Any], accepted: asyncio.Queue[bool]) -> None:
        now = self._clock()
        match event.get("type"):
            case "history":
                for one in event["messages"]:
                    self._note(one, now)
                self.connected.set()
            case "message":
                self._note(event, now)
            case "accepted":
                accepted.put_nowait(bool(event.get("ok")))

    def _note(self, bubble: Mapping[str, Any], now: float) -> None:
        if bubble["author"] == "visitor" or bubble["id"] in self._known:
            return
        self._known.add(bubble["id"])
        self._saw(self.session, bubble["html"], now)


class VisitorSide:
    """All visitors. See `Side`. They live in this process, so on a small machine they compete with the bot."""

    keeps_order = True

    def __init__(self, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._addresses: tuple[str, ...] = ()
        self._http: aiohttp.ClientSession | None = None
        self._visitors: list[Visitor] = []
        self._lives: list[asyncio.Task[None]] = []
        self._writing: asyncio.Task[None] | None = None
        self._offers: list[Offer] = []
        self._answers: list[Answer] = []

    async def open(self) -> None:
        """Be ready to connect."""
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def close(self) -> None:
        """Leave the pages."""
        await self.end()
        await self._leave()
        http, self._http = self._http, None
        if http is not None:
            await http.close()

    def channels(self) -> Mapping[str, Any]:
        """A web chat without limits: all visitors come from one address."""
        limits = {**_BOUNDLESS, "max_sessions": 100_000, "max_streams": 100_000, "history": _KEPT}
        return {INSTANCE: {"type": "webchat", **limits}}

    async def reach(self, addresses: Sequence[str]) -> None:
        """Visitors come to these processes in turn."""
        self._addresses = tuple(addresses)

    async def begin(self, load: Load, first_chat: int) -> None:
        """Open a page for each visitor; when all are there they begin to write."""
        if self._http is None:
            raise BenchFailed("The visitors were not called")
        await self._leave()
        self._offers, self._answers = [], []
        self._visitors = [
            Visitor(
                f"bench-visitor-{first_chat + number:08d}",
                addresses=lambda: self._addresses,
                number=number,
                clock=self._clock,
                saw=lambda chat, words, at: self._answers.append(Answer(chat, code_in(words), at)),
            )
            for number in range(load.chats)
        ]
        self._lives = [asyncio.create_task(one.live(self._http)) for one in self._visitors]
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                for one in self._visitors:
                    await one.connected.wait()
        except TimeoutError:
            raise BenchFailed("Not all visitors could connect to the web chat") from None
        self._writing = asyncio.create_task(self._write(load))

    async def _write(self, load: Load) -> None:
        words = texts(load.period)
        begun = self._clock()
        for number in range(load.messages):
            pause = begun + load.due(number) - self._clock()
            if pause > 0:
                await asyncio.sleep(pause)
            visitor = self._visitors[load.chat(number)]
            self._offers.append(Offer(visitor.session, load.code(number), self._clock()))
            visitor.ask(words[number % len(words)])

    async def end(self) -> None:
        """Let nobody write any more."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.cancel()
            await asyncio.wait([writing])
        for one in self._visitors:
            one.hush()

    async def _leave(self) -> None:
        lives, self._lives = self._lives, []
        for life in lives:
            life.cancel()
        if lives:
            await asyncio.wait(lives)

    async def counts(self) -> Counts:
        """How far it is. Raises what broke a visitor: that is a mistake of this side."""
        for task in (*self._lives, *([self._writing] if self._writing else [])):
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error
        return Counts(
            offered=len(self._offers),
            seen=len(self._answers),
            running=self._writing is not None and not self._writing.done(),
        )

    async def log(self) -> tuple[Sequence[Offer], Sequence[Answer]]:
        """What was written and seen."""
        return list(self._offers), list(self._answers)
