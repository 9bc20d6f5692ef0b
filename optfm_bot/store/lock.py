"""One process per database: two would answer everybody twice. A second start is refused with a sentence."""

from __future__ import annotations

from filelock import FileLock, Timeout
from sqlalchemy import URL, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from optfm_bot.errors import StartRefused, StoreUnavailable
from optfm_bot.store.engine import sqlite_path

_ADVISORY_KEY = 0x6F7074666D  # "optfm", so that nobody else's advisory lock is meant


class StoreLock:
    """Held by the process that works with a database; ends with the process, however that ends.

    SQLite: a lock on a file beside the database. PostgreSQL: an advisory lock of a session of its own.
    A database in memory needs none.
    """

    def __init__(self, url: URL) -> None:
        self._url = url
        self._file: FileLock | None = None
        self._engine: AsyncEngine | None = None
        self._session: AsyncConnection | None = None

    async def acquire(self) -> None:
        """Take the lock. Raises `StartRefused` if another process has it, `StoreUnavailable` if nobody answers."""
        if self._url.get_backend_name() == "sqlite":
            self._lock_file()
        else:
            await self._lock_session()

    async def release(self) -> None:
        """Let go; idempotent."""
        if self._file is not None:
            self._file.release()
            self._file = None
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    def _lock_file(self) -> None:
        path = sqlite_path(self._url)
        if path is None:
            return
        lock = FileLock(f"{path}.lock", timeout=0)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            raise _refused(str(path)) from None
        except OSError as error:
            raise StartRefused(
                f"Cannot write beside the database {path}: {error.strerror or error}"
            ) from error
        self._file = lock

    async def _lock_session(self) -> None:
        name = self._url.render_as_string(hide_password=True)
        self._engine = create_async_engine(self._url, isolation_level="AUTOCOMMIT")
        try:
            self._session = await self._engine.connect()
            asked = text("SELECT pg_try_advisory_lock(:key)")
            taken = (await self._session.execute(asked, {"key": _ADVISORY_KEY})).scalar()
        except (SQLAlchemyError, OSError) as error:
            await self.release()
            raise StoreUnavailable(f"The database {name} cannot be reached: {error}") from error
        if not taken:
            await self.release()
            raise _refused(name)


def _refused(database: str) -> StartRefused:
    return StartRefused(
        f"Another optfm-bot already works with {database}. Stop it, or give this one its own database.url"
    )
