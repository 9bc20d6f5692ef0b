"""The one writing connection of a store, shaped for its database.

SQLite statements cost microseconds and no waiting: what waits is the commit, which flushes to the disk. So statements
run where the caller is, and only the commit runs in a thread. Sending every statement through a thread, as an
asynchronous driver does, costs several times more than the work itself (docs/decisions records the measurement).
A database behind a socket is written through SQLAlchemy's asynchronous engine instead.
"""

from __future__ import annotations

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import CursorResult, Executable, Insert, Update
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from optfm_bot.errors import StoreOutdated
from optfm_bot.store.engine import local_engine, server_engine, sqlite_path
from optfm_bot.store.records import Params

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

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


def open_writer(url: URL, *, name: str = "optfm-bot") -> Writer:
    """Give the writer for a database address; a server is told the `name` of whose connection it is."""
    if url.get_backend_name() == "sqlite":
        return SqliteWriter(url)
    return EngineWriter(server_engine(url, connections=1, name=name))


class EngineWriter(Writer):
    """Writes through an asynchronous engine."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Begin a transaction on the engine."""
        async with self._engine.connect() as connection:
            try:
                async with connection.begin():
                    yield connection
            except (IntegrityError, DataError, StoreOutdated):
                raise  # the server is well; it only did not take a row
            except BaseException:
                # A server that died in the middle of a statement leaves a connection that nobody can trust.
                await connection.invalidate()
                raise

    async def close(self) -> None:
        """Disconnect."""
        await self._engine.dispose()


class _Prepared:
    """Statements as text, with the order of their parameters: writing many rows then costs little more than SQLite."""

    def __init__(self, engine: Engine) -> None:
        self._dialect = engine.dialect
        self._known: dict[tuple[Executable, tuple[str, ...]], tuple[str, Callable[[Params], Any]] | None] = {}

    def find(self, statement: Executable, row: Params) -> tuple[str, Callable[[Params], Any]] | None:
        """The text, and what orders a row's values; None for a statement that must go the long way."""
        key = (statement, tuple(row))
        if key not in self._known:
            self._known[key] = self._prepare(statement, list(row))
        return self._known[key]

    def _prepare(self, statement: Executable, names: list[str]) -> tuple[str, Callable[[Params], Any]] | None:
        if not isinstance(statement, Insert | Update) or statement.exported_columns:
            return None  # only plain writes: whatever gives rows back needs SQLAlchemy's reading of them
        compiled = statement.compile(dialect=self._dialect, column_keys=names)
        order = getattr(compiled, "positiontup", None) or []
        if not order or set(order) != set(names):
            return None
        return str(compiled), _ordering(order)


def _ordering(names: Sequence[str]) -> Callable[[Params], tuple[Any, ...]]:
    """What gives the values of a row in the order of these names."""
    if len(names) == 1:  # of one name, itemgetter makes no tuple
        name = names[0]
        return lambda row: (row[name],)
    return itemgetter(*names)


class _Local:
    """A synchronous connection behind the asynchronous door."""

    __slots__ = ("_connection", "_prepared")

    def __init__(self, connection: Connection, prepared: _Prepared) -> None:
        self._connection = connection
        self._prepared = prepared

    async def execute(
        self, statement: Executable, parameters: Sequence[Params] | None = None, /
    ) -> CursorResult[Any]:
        if parameters:
            prepared = self._prepared.find(statement, parameters[0])
            if prepared is not None:
                sql, ordered = prepared
                return self._connection.exec_driver_sql(sql, [ordered(row) for row in parameters])
        return self._connection.execute(statement, parameters)


class SqliteWriter(Writer):
    """Writes to a SQLite file: statements here, commits in a thread.

    Another process that holds the file's lock is waited for, up to five seconds, without holding up the loop.
    """

    def __init__(self, url: URL) -> None:
        self._engine = local_engine(url, begin="BEGIN IMMEDIATE", busy_timeout_ms=0)
        self._prepared = _Prepared(self._engine)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-commit")
        self._connection: Connection | None = None
        self._path = sqlite_path(url)
        self._file: tuple[int, int] | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Begin with the write lock taken."""
        connection = await self._begin()
        try:
            yield _Local(connection, self._prepared)
            commit = asyncio.get_running_loop().run_in_executor(self._thread, connection.commit)
            try:
                await asyncio.shield(commit)
            finally:
                if not commit.done():  # cancelled: the connection must not be taken from under the thread
                    await asyncio.wait({commit})
        except BaseException:
            self._drop(connection)
            raise

    async def _begin(self) -> Connection:
        waited = 0.0
        while True:
            self._require_file()
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

    def _require_file(self) -> None:
        """Raise `OSError` if the file was deleted or replaced.

        SQLite would go on writing to a file that has no name any more, or make an empty one in its place.
        """
        if self._path is None:
            return
        found = os.stat(self._path)  # noqa: PTH116 - on the way of every commit, and pathlib costs as much again
        before, self._file = self._file, (found.st_dev, found.st_ino)
        if before not in {None, self._file}:
            if self._connection is not None:
                self._drop(self._connection)
            raise OSError(f"the database file {self._path} was replaced")

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
