"""Looking at the database and bringing it up to date: revision, sizes, can it be written, is it whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from optfm_bot.cli.mask import without_password
from optfm_bot.clock import SystemClock
from optfm_bot.housekeeping.backups import back_up_before_upgrade
from optfm_bot.store.engine import reader_engine, sqlite_path
from optfm_bot.store.faults import translated
from optfm_bot.store.lock import StoreLock
from optfm_bot.store.schema import HEAD, PROOF_OF_WRITING, current_revision, upgrade

CONNECT_SECONDS = 10.0
CHECK_SECONDS = 600.0
"""A whole check reads every page of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseState:
    """What there is. `revision` is None without tables, `exists` false for a file yet to be made."""

    address: str
    exists: bool
    revision: str | None
    bytes: int | None = None
    journal_bytes: int | None = None

    @property
    def is_current(self) -> bool:
        """Whether the schema is the one this program needs."""
        return self.revision == HEAD

    @property
    def is_newer(self) -> bool:
        """Whether a newer program has made it."""
        return self.revision is not None and self.revision > HEAD


async def look(url: URL) -> DatabaseState:
    """Read revision and sizes; changes nothing and makes no file. Raises `StoreUnavailable`."""
    path = sqlite_path(url)
    address = without_password(url.render_as_string(hide_password=True))
    if path is not None and not path.exists():
        return DatabaseState(address=address, exists=False, revision=None)
    async with _reading(url) as connection:
        revision = await connection.run_sync(current_revision)
    return DatabaseState(
        address=address,
        exists=True,
        revision=revision,
        bytes=_size(path),
        journal_bytes=_size(Path(f"{path}-wal")) if path is not None else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgraded:
    """The revision before (None: no tables) and after, and the copy that was made in between."""

    before: str | None
    after: str
    backup: Path | None = None


async def bring_up_to_date(url: URL, *, backups: Path | None = None) -> Upgraded:
    """Bring the schema to what this program needs; a SQLite file with rows is copied to the folder `backups` before.

    Raises `StoreUnavailable`, `SchemaMismatch` for a newer schema, `BackupUnfit` if no copy could be made, and
    `StartRefused` while a bot works with the file.
    """
    state = await look(url)
    if state.is_current:
        return Upgraded(before=state.revision, after=HEAD)
    lock = StoreLock(url)  # as a running bot holds it: nobody works with a schema that changes under him
    await lock.acquire()
    try:
        copy = None
        if backups is not None:
            copy = await back_up_before_upgrade(url, backups, now=SystemClock().now())
        with translated(url):
            before, after = await upgrade(url)
        return Upgraded(before=before, after=after, backup=copy)
    finally:
        await lock.release()


async def prove_writable(url: URL) -> None:
    """Take the write lock and give it back. Raises `StoreUnavailable`."""
    with translated(url):
        engine = reader_engine(url, connections=1)
        try:
            async with asyncio.timeout(CONNECT_SECONDS), engine.begin() as connection:
                for statement in PROOF_OF_WRITING:
                    await connection.execute(statement)
        finally:
            await engine.dispose()


async def complaints(url: URL) -> list[str]:
    """What SQLite finds wrong with its file; nothing for other databases. Raises `StoreUnavailable`."""
    if url.get_backend_name() != "sqlite":
        return []
    async with _reading(url, seconds=CHECK_SECONDS) as connection:
        return await connection.run_sync(_quick_check)


def _quick_check(connection: Connection) -> list[str]:
    rows = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check")]
    return [] if rows == ["ok"] else rows


@asynccontextmanager
async def _reading(url: URL, *, seconds: float = CONNECT_SECONDS) -> AsyncIterator[AsyncConnection]:
    with translated(url):
        engine = reader_engine(url, connections=1)
        try:
            async with asyncio.timeout(seconds), engine.connect() as connection:
                yield connection
        finally:
            await engine.dispose()


def _size(path: Path | None) -> int | None:
    if path is None:
        return None
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None
