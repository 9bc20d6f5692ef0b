"""Database addresses and the engines behind them, with the pragmas that durability needs."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool, StaticPool

from channels.phrase import phrase

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

from optfm_bot.errors import StartRefused

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # FULL: a commit survives a power cut, not only a killed process. Group commit pays for it.
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA trusted_schema=OFF",
)


_CONNECT_SECONDS = 5.0
_COMMAND_SECONDS = 15.0
"""Longer than any statement of ours takes; a server that says nothing for so long is not there."""


def driver_errors(url: URL) -> tuple[type[Exception], ...]:
    """What a driver raises past SQLAlchemy when its server dies in the middle of something."""
    if url.get_driver_name() != "asyncpg":
        return ()
    from asyncpg import (  # type: ignore[import-untyped]  # noqa: PLC0415 - only for who uses it
        InterfaceError,
        InternalClientError,
    )

    return (InterfaceError, InternalClientError)


def database_url(text: str) -> URL:
    """Read a database address; plain `sqlite:///` and `postgresql://` get the drivers that this program uses.

    Raises `StartRefused` if it is no address, and with an install command if the driver is not there.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # what they say may quote the password
        raise StartRefused(
            phrase(
                "store.bad_address",
                "database.url cannot be read: its port must be a number, and special characters of a password"
                " are written as %40 for @, %3A for : and %2F for /",
            )
        ) from None
    driver = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}.get(url.drivername)
    url = url.set(drivername=driver) if driver else url
    if url.get_driver_name() == "asyncpg" and find_spec("asyncpg") is None:
        raise StartRefused(
            phrase(
                "store.no_postgres",
                'PostgreSQL needs a driver that is not installed: pip install "optfm-bot[postgres]"',
            )
        )
    return url


def sqlite_path(url: URL) -> Path | None:
    """The file of a SQLite address, or None for memory and for other databases."""
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        return None
    return Path(str(url.database))


def server_engine(url: URL, *, connections: int, name: str, **options: Any) -> AsyncEngine:
    """An engine for a database behind a socket: connections that say whose they are, and no wait without an end."""
    options["connect_args"] = {
        "timeout": _CONNECT_SECONDS,
        "command_timeout": _COMMAND_SECONDS,
        "server_settings": {"application_name": name},
    }
    return _asynchronous(url, pool_size=connections, max_overflow=0, pool_timeout=10, **options)


def _asynchronous(url: URL, **options: Any) -> AsyncEngine:
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - 6 MB that a bot with SQLite never needs

    return create_async_engine(url, **options)


_SHRINKING = "PRAGMA auto_vacuum=INCREMENTAL"
"""Only before the first table: what retention removes can then be given back to the file system."""


def local_engine(
    url: URL, *, begin: str | None, busy_timeout_ms: int, connections: int = 1, empty: bool = False
) -> Engine:
    """An engine for a SQLite file; `begin` is how its transactions are opened (None: every statement for itself).

    With one connection, whoever asks has to be alone; with several, a pool gives one to each thread. `empty` is for a
    file that is about to get its first tables.
    """
    pool: dict[str, Any] = {"poolclass": StaticPool}
    if connections > 1:
        pool = {"poolclass": QueuePool, "pool_size": connections, "max_overflow": 0, "pool_timeout": 10}
    level = {"isolation_level": "AUTOCOMMIT"} if begin is None else {}
    engine = create_engine(
        url.set(drivername="sqlite"), connect_args={"check_same_thread": False}, **pool, **level
    )
    first = [_SHRINKING] if empty else []
    prepare_sqlite(engine, begin=begin, busy_timeout_ms=busy_timeout_ms, first=first)
    return engine


def reader_engine(
    url: URL, *, connections: int = 2, begin: str = "BEGIN", name: str = "optfm-bot"
) -> AsyncEngine:
    """An engine for short reads beside the writer; `begin` is how SQLite opens its transactions."""
    if url.get_driver_name() == "asyncpg":
        return server_engine(url, connections=connections, name=name)
    engine = _asynchronous(url, pool_size=connections, max_overflow=0, pool_timeout=10)
    if url.get_backend_name() == "sqlite":
        prepare_sqlite(engine.sync_engine, begin=begin, busy_timeout_ms=5000)
    return engine


def prepare_sqlite(
    engine: Engine, *, begin: str | None, busy_timeout_ms: int, first: Sequence[str] = ()
) -> None:
    """Set what every connection needs, after what comes `first`, and begin transactions as we say (None: never)."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: Any) -> None:
        del record
        # The driver would open transactions by its own rules; from here on we say BEGIN ourselves.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (*first, *_SQLITE_PRAGMAS, f"PRAGMA busy_timeout={busy_timeout_ms}"):
            cursor.execute(pragma)
        cursor.close()

    if begin is None:
        return

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)
