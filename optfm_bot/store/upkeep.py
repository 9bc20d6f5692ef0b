"""Care for a SQLite file: its free pages, its write-ahead log, what its planner knows. Each call is short.

A database behind a socket cares for itself: PostgreSQL has autovacuum, which a migration makes eager on the hot tables.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy.engine import URL

from optfm_bot.store.engine import sqlite_path
from optfm_bot.store.faults import translated

T = TypeVar("T")

_BUSY_SECONDS = 5.0
_TRUNCATE_MS = 200
"""How long a truncation waits for readers. Nobody can write meanwhile, and it can be done another time."""
_ANALYSED_ROWS = 400
"""Rows of each index that `PRAGMA optimize` looks at: enough for the planner, a moment for the file."""
_INCREMENTAL = 2
_SQLITE = URL.create("sqlite")


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Pages of a file. `shrinks` says whether free ones can be given back without writing the whole file anew."""

    pages: int
    free: int
    page_bytes: int
    shrinks: bool


class SqliteUpkeep:
    """Works on a file beside the bot that uses it, by a connection that is opened for each call.

    Every method raises `StoreUnavailable`, without any harm done, if the file cannot be used now.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def of(cls, url: URL) -> SqliteUpkeep | None:
        """The upkeep of a database, or None where there is nothing to do: in memory and on a server."""
        path = sqlite_path(url)
        return cls(path) if path is not None else None

    async def space(self) -> Space:
        """Count the pages."""
        return await self._do(_space)

    async def release(self, pages: int) -> None:
        """Give at most so many free pages back to the file system; nothing happens to a file that does not shrink."""
        # This pragma takes a step for each page and gives no row: only a script is run to its end.
        script = f"PRAGMA incremental_vacuum({int(pages)})"
        await self._do(lambda connection: connection.executescript(script))

    async def checkpoint(self, *, above: int) -> int:
        """Bring the write-ahead log into the file; cut it off if it has more than `above` bytes. Gives its bytes."""
        await self._do(lambda connection: _all(connection, "PRAGMA wal_checkpoint(PASSIVE)"))
        journal = Path(f"{self._path}-wal")
        if await asyncio.to_thread(_bytes, journal) > above:
            await self._do(_truncate)
        return await asyncio.to_thread(_bytes, journal)

    async def optimize(self) -> None:
        """Let the planner learn how the tables have changed."""
        await self._do(_optimize)

    async def vacuum(self) -> None:
        """Write the whole file anew, without free pages, so that it can shrink by itself from then on.

        Takes as much space again and keeps everybody from writing meanwhile: for a bot that is stopped.
        """
        await self._do(_vacuum)

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with translated(_SQLITE):
            return await asyncio.to_thread(self._work, work)

    def _work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        # Never makes a file: a database that was moved away is not replaced by an empty one.
        address = f"{self._path.resolve().as_uri()}?mode=rw"
        with closing(
            sqlite3.connect(address, uri=True, isolation_level=None, timeout=_BUSY_SECONDS)
        ) as connection:
            return work(connection)


def _space(connection: sqlite3.Connection) -> Space:
    return Space(
        pages=_number(connection, "page_count"),
        free=_number(connection, "freelist_count"),
        page_bytes=_number(connection, "page_size"),
        shrinks=_number(connection, "auto_vacuum") == _INCREMENTAL,
    )


def _truncate(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA busy_timeout={_TRUNCATE_MS}")
    _all(connection, "PRAGMA wal_checkpoint(TRUNCATE)")


def _optimize(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA analysis_limit={_ANALYSED_ROWS}")
    _all(connection, "PRAGMA optimize")


def _vacuum(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA auto_vacuum={_INCREMENTAL}")
    connection.execute("VACUUM")
    _all(connection, "PRAGMA wal_checkpoint(TRUNCATE)")


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _all(connection: sqlite3.Connection, statement: str) -> None:
    connection.execute(statement).fetchall()


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
