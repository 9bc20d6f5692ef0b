"""The one writing connection of a store, shaped for its database.

SQLite statements cost microseconds and no waiting: what waits is the commit, which flushes to the disk. So statements run
where the caller is, and only the commit runs in a thread. Sending every statement through a thread, as an asynchronous
driver does, costs several times more than the work itself (docs/decisions records the measurement).
A database behind a socket is written through SQLAlchemy's asynchronous engine instead.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

from sqlalchemy import CursorResult, Executable, create_engine
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from optfm_bot.store.engine import prepare_sqlite
from optfm_bot.store.records import Params

_LOCKED_SECONDS = 5.0
_LOCKED_PAUSE = 0.02


class Transaction(Protocol):
    """Runs statements inside one transaction."""

    async def execute(self, statement: Executable, parameters: Sequence[Params] | None = None, /) -> Any:
        """Run a statement, once for each set of parameters."""


class Writer(ABC):
    """Gives transactions one after another; the caller never asks for two at once."""

    @abstractmethod
    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Begin; leaving the block commits durably, an error rolls everything back."""

    @abstractmethod
    async def close(self) -> None:
        """Disconnect."""


def open_writer(url: URL) -> Writer:
    """Give the writer for a database address."""
    if url.get_backend_name() == "sqlite":
        return SqliteWriter(url)
    return EngineWriter(create_async_engine(url, pool_size=1, max_overflow=0))


class EngineWriter(Writer):
    """Writes through an asynchronous engine."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Begin a transaction on the engine."""
        async with self._engine.begin() as connection:
            yield connection

    async def close(self) -> None:
        """Disconnect."""
        await self._engine.dispose()


class _Local:
    """A synchronous connection behind the asynchronous door."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def execute(
        self, statement: Executable, parameters: Sequence[Params] | None = None, /
    ) -> CursorResult[Any]:
        return self._connection.execute(statement, parameters)


class SqliteWriter(Writer):
    """Writes to a SQLite file: statements here, commits in a thread.

    Another process that holds the file's lock is waited for, up to five seconds, without holding up the loop.
    """

    def __init__(self, url: URL) -> None:
        self._engine: Engine = create_engine(
            url.set(drivername="sqlite"), poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
        prepare_sqlite(self._engine, begin="BEGIN IMMEDIATE", busy_timeout_ms=0)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-commit")
        self._connection: Connection | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Begin with the write lock taken."""
        connection = await self._begin()
        try:
            yield _Local(connection)
            await asyncio.get_running_loop().run_in_executor(self._thread, connection.commit)
        except BaseException:
            self._drop(connection)
            raise

    async def _begin(self) -> Connection:
        waited = 0.0
        while True:
            connection = self._connection = self._connection or self._engine.connect()
            try:
                connection.begin()
            except OperationalError as error:
                self._drop(connection)
                if "locked" not in str(error.orig) or waited >= _LOCKED_SECONDS:
                    raise
                waited += _LOCKED_PAUSE
                await asyncio.sleep(_LOCKED_PAUSE)
            else:
                return connection

    def _drop(self, connection: Connection) -> None:
        """Roll back and begin anew next time: after a full disk or a lost file the old connection proves nothing."""
        self._connection = None
        connection.invalidate()
        connection.close()

    async def close(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._engine.dispose()
        self._thread.shutdown()
