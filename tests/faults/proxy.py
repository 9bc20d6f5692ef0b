"""Doors between the bot and a server: one that can be shut, and one to PostgreSQL that cuts at a chosen moment.

The latter reads what the bot says to the server: messages of the protocol, version 3, each a letter, four bytes of
length and a body (PostgreSQL's documentation, “Message Formats”). The server's answers are passed on unread.
"""

from __future__ import annotations

import asyncio
import struct
import threading
from collections import Counter
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Self, TypeVar

from tests.e2e.processes import PATIENCE, free_port

T = TypeVar("T")

_CHUNK = 65_536
_PARSE, _BIND, _QUERY = b"P", b"B", b"Q"


class Moment(Enum):
    """When a connection is cut: before its COMMIT leaves, after half of it, or after it without the answer."""

    BEFORE = "before"
    HALF = "half"
    AFTER = "after"


@dataclass(slots=True)
class _Order:
    """A cut that has not happened yet: in a transaction that has said all of these words."""

    moment: Moment
    words: tuple[str, ...]
    done: threading.Event = field(default_factory=threading.Event)


class Door:
    """Listens on `port` and passes everything on to a server; runs in a thread of its own. It may be shut."""

    def __init__(self, host: str, port: int) -> None:
        self.port = free_port()
        self._server = host, port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def leads_to(self, host: str, port: int) -> None:
        """Pass new connections on to this server."""
        self._server = host, port

    def shut(self) -> None:
        """End every connection and refuse new ones."""
        self._call(self._close())

    def open(self) -> None:
        """Let everybody in again."""
        self._call(self._listen())

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(PATIENCE)

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._accepted, "127.0.0.1", self.port)

    async def _close(self) -> None:
        if self._listener is not None:
            self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._pass_on(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _ends(self, *streams: Any) -> tuple[Coroutine[Any, Any, None], ...]:
        """What carries one connection, there and back; when one of them returns, it is cut."""
        bot_says, to_bot, server_says, to_server = streams
        return _carried(bot_says, to_server), _carried(server_says, to_bot)

    async def _pass_on(self, bot_says: asyncio.StreamReader, to_bot: asyncio.StreamWriter) -> None:
        try:
            server_says, to_server = await asyncio.open_connection(*self._server)
        except OSError:
            to_bot.transport.abort()
            return
        ends = [asyncio.create_task(end) for end in self._ends(bot_says, to_bot, server_says, to_server)]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
            to_bot.transport.abort()
            to_server.transport.abort()


async def _carried(says: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    try:
        while data := await says.read(_CHUNK):
            to.write(data)
            await to.drain()
    except ConnectionError:
        return


class Proxy(Door):
    """A door to PostgreSQL that listens.

    `cut` orders one cut, and gives an event that is set when it has happened. `cuts` counts them.
    """

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self.cuts: Counter[Moment] = Counter()
        self._orders: list[_Order] = []

    def cut(self, moment: Moment, *words: str) -> threading.Event:
        """Cut the connection of the next transaction that says all of these words, at this moment of its COMMIT."""
        order = _Order(moment, words)
        self._loop.call_soon_threadsafe(self._orders.append, order)
        return order.done

    def _ends(self, *streams: Any) -> tuple[Coroutine[Any, Any, None], ...]:
        session = _Session(self, *streams)
        return session.bot(), session.server()

    def ordered(self, said: str) -> _Order | None:
        """The cut that is meant for a transaction that has said this."""
        for order in self._orders:
            if all(words in said for words in order.words):
                self._orders.remove(order)
                return order
        return None


class _Session:
    """One connection of the bot."""

    def __init__(
        self,
        proxy: Proxy,
        bot_says: asyncio.StreamReader,
        to_bot: asyncio.StreamWriter,
        server_says: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> None:
        self._proxy = proxy
        self._bot_says = bot_says
        self._to_bot = to_bot
        self._server_says = server_says
        self._to_server = to_server
        self._prepared: dict[bytes, str] = {}
        self._said: list[str] = []
        self._deaf = False
        self._answered = asyncio.Event()

    async def bot(self) -> None:
        """Pass on what the bot says, until it is cut or ends."""
        try:
            await self._greeting()
            while True:
                kind = await self._bot_says.readexactly(1)
                length = await self._bot_says.readexactly(4)
                body = await self._bot_says.readexactly(struct.unpack("!I", length)[0] - 4)
                message = kind + length + body
                order = self._hear(kind, body)
                if order is not None:
                    await self._cut(order, message)
                    return
                self._to_server.write(message)
                await self._to_server.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return

    async def _greeting(self) -> None:
        """The first messages have no letter: perhaps a question for encryption, then who is there."""
        while True:
            length = await self._bot_says.readexactly(4)
            body = await self._bot_says.readexactly(struct.unpack("!I", length)[0] - 4)
            self._to_server.write(length + body)
            await self._to_server.drain()
            if len(body) > 4:
                return

    def _hear(self, kind: bytes, body: bytes) -> _Order | None:
        """Remember what a transaction says; at its COMMIT give the cut that is meant for it."""
        if kind == _PARSE:
            name, query, _ = body.split(b"\0", 2)
            self._prepared[name] = query.decode()
        elif kind == _BIND:
            _, name, _ = body.split(b"\0", 2)
            self._said.append(self._prepared.get(name, ""))
        elif kind == _QUERY:
            query_text = body.rstrip(b"\0").decode()
            if query_text.startswith("BEGIN"):
                self._said = []
            elif query_text.startswith("COMMIT"):
                return self._proxy.ordered("\n".join(self._said))
        return None

    async def _cut(self, order: _Order, commit: bytes) -> None:
        if order.moment is Moment.HALF:
            self._to_server.write(commit[: len(commit) // 2])
            await self._to_server.drain()
        elif order.moment is Moment.AFTER:
            self._deaf = True
            self._to_server.write(commit)
            await self._to_server.drain()
            await self._answered.wait()
        self._proxy.cuts[order.moment] += 1
        order.done.set()

    async def server(self) -> None:
        """Pass on what the server says; once deaf, only notice that it has answered."""
        try:
            while data := await self._server_says.read(_CHUNK):
                if self._deaf:
                    self._answered.set()
                    continue
                self._to_bot.write(data)
                await self._to_bot.drain()
        except ConnectionError:
            return
