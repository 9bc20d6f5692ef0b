"""Reading beside the writer: short look-ups where the caller is, everything else without holding up the loop.

A look-up by key in a SQLite file takes microseconds; sending it through a thread costs a hundred times as much
(docs/decisions/0003-sqlite-writer.md). What may read many rows goes through a thread, or, to a server, its socket.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Executable, RowMapping
from sqlalchemy.engine import URL, Connection

from optfm_bot.store.engine import local_engine, server_engine

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

T = TypeVar("T")

_THREADS = 2


class Reader(ABC):
    """Reads committed data. Raises what the driver raises."""

    @abstractmethod
    async def read(self, ask: Callable[[Connection], T]) -> T:
        """Ask something, all of it of one moment."""

    async def rows(self, statement: Executable) -> Sequence[RowMapping]:
        """Read what may be many rows."""
        return await self.read(lambda connection: connection.execute(statement).mappings().all())

    async def look_up(self, statement: Executable) -> Sequence[RowMapping]:
        """Read a few rows that an index finds."""
        return await self.rows(statement)

    @abstractmethod
    async def dispose(self) -> None:
        """Disconnect; the next read connects again."""


def open_reader(url: URL, *, name: str = "optfm-bot") -> Reader:
    """Give the reader for a database address; a server is told the `name` of whose connection it is."""
    if url.get_backend_name() == "sqlite":
        return SqliteReader(url)
    return ServerReader(server_engine(url, connections=2, name=name))


class ServerReader(Reader):
    """Reads through an asynchronous engine."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read(self, ask: Callable[[Connection], T]) -> T:
        """Ask something, all of it in one transaction."""
        async with self._engine.begin() as connection:
            return await connection.run_sync(ask)

    async def dispose(self) -> None:
        """Disconnect."""
        await self._engine.dispose()


class SqliteReader(Reader):
    """Reads a SQLite file: look-ups here, the rest in a thread."""

    def __init__(self, url: URL) -> None:
        self._here = local_engine(url, begin=None, busy_timeout_ms=0)
        self._engine = local_engine(url, begin="BEGIN", busy_timeout_ms=5000, connections=_THREADS)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="sqlite-read")

    async def read(self, ask: Callable[[Connection], T]) -> T:
        """Ask something, all of it in one transaction."""

        def asked() -> T:
            with self._engine.begin() as connection:
                return ask(connection)

        return await asyncio.get_running_loop().run_in_executor(self._threads, asked)

    async def look_up(self, statement: Executable) -> Sequence[RowMapping]:
        """Read a few rows that an index finds."""
        with self._here.connect() as connection:
            return connection.execute(statement).mappings().all()

    async def dispose(self) -> None:
        """Disconnect."""
        self._here.dispose()
        self._engine.dispose()
