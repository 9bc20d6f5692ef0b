"""Who has a database for itself: a bot its SQLite file, a change of the schema any database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from channels.phrase import phrase
from optfm_bot.cluster.registry import LEASE_SECONDS
from optfm_bot.errors import StartRefused, StoreUnavailable
from optfm_bot.store.engine import server_engine, sqlite_path

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_ADVISORY_KEY = 0x6F7074666D  # "optfm", so that nobody else's advisory lock is meant


class StoreLock:
    """Held by who must be alone with a database; ends with the process, however that ends.

    SQLite: a lock on a file beside the database. A bot holds it, too: two on one file would answer everybody twice.
    PostgreSQL: an advisory lock of a session of its own, and no bot that works with the database. Bots do not hold it,
    they know of each other. A database in memory needs none.
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
        try:
            # A link to a file is the same database, whose lock lies beside the file.
            file = path.resolve() if path.is_symlink() else path
            lock = FileLock(f"{file}.lock", timeout=0)
            file.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            raise _refused(str(path)) from None
        except OSError as error:
            raise StartRefused(
                phrase(
                    "store.cannot_lock",
                    "Cannot write beside the database {path}: {why}",
                    path=path,
                    why=error.strerror or error,
                )
            ) from error
        self._file = lock

    async def _lock_session(self) -> None:
        name = self._url.render_as_string(hide_password=True)
        self._engine = server_engine(
            self._url, connections=1, name="optfm-bot lock", isolation_level="AUTOCOMMIT"
        )
        try:
            self._session = await self._engine.connect()
            asked = text("SELECT pg_try_advisory_lock(:key)")
            taken = (await self._session.execute(asked, {"key": _ADVISORY_KEY})).scalar()
            alone = taken and not await _working(self._session)
        except (SQLAlchemyError, OSError) as error:
            await self.release()
            cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
            raise StoreUnavailable(
                phrase(
                    "store.not_reached", "The database {name} cannot be reached: {why}", name=name, why=cause
                )
            ) from error
        if not alone:
            await self.release()
            raise _refused(name)


async def _working(session: AsyncConnection) -> bool:
    """Whether a bot has shown a sign of life as long ago as one that works does."""
    if (await session.execute(text("SELECT to_regclass('members')"))).scalar() is None:
        return False
    seen = text("SELECT 1 FROM members WHERE seen_at > clock_timestamp() - :s * interval '1 second' LIMIT 1")
    return (await session.execute(seen, {"s": LEASE_SECONDS})).scalar() is not None


def _refused(database: str) -> StartRefused:
    return StartRefused(
        phrase(
            "store.taken",
            "Another optfm-bot already works with {database}. Stop it, or give this one its own database.url",
            database=database,
        )
    )
