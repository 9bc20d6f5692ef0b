"""Database addresses and the engines behind them, with the pragmas that durability needs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from optfm_bot.errors import StartRefused

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # FULL: a commit survives a power cut, not only a killed process. Group commit pays for it.
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA trusted_schema=OFF",
)


def database_url(text: str) -> URL:
    """Read a database address; plain `sqlite:///` and `postgresql://` get the drivers that this program uses.

    Raises `StartRefused` with an install command if the driver is not there.
    """
    url = make_url(text)
    driver = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}.get(url.drivername)
    url = url.set(drivername=driver) if driver else url
    if url.get_driver_name() == "asyncpg" and find_spec("asyncpg") is None:
        raise StartRefused(
            'PostgreSQL needs a driver that is not installed: pip install "optfm-bot[postgres]"'
        )
    return url


def sqlite_path(url: URL) -> Path | None:
    """The file of a SQLite address, or None for memory and for other databases."""
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        return None
    return Path(str(url.database))


def reader_engine(url: URL, *, connections: int = 2, begin: str = "BEGIN") -> AsyncEngine:
    """An engine for short reads beside the writer; `begin` is how SQLite opens its transactions."""
    engine = create_async_engine(url, pool_size=connections, max_overflow=0, pool_timeout=10)
    if url.get_backend_name() == "sqlite":
        prepare_sqlite(engine.sync_engine, begin=begin, busy_timeout_ms=5000)
    return engine


def prepare_sqlite(engine: Engine, *, begin: str, busy_timeout_ms: int) -> None:
    """Set what every connection needs, and begin transactions as we say."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: Any) -> None:
        del record
        # The driver would open transactions by its own rules; from here on we say BEGIN ourselves.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (*_SQLITE_PRAGMAS, f"PRAGMA busy_timeout={busy_timeout_ms}"):
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)
