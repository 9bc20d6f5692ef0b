"""The schema of the database: made, compared, upgraded. Alembic is loaded only when there is something to migrate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import (
    URL,
    Column,
    Connection,
    MetaData,
    String,
    Table,
    create_engine,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from channels.phrase import phrase
from optfm_bot.errors import SchemaMismatch, StoreUnavailable
from optfm_bot.shards import SHARDS, shard_lease
from optfm_bot.store.engine import local_engine, server_engine, sqlite_path
from optfm_bot.store.tables import leases, metadata

HEAD = "0005"
"""The revision that this program needs. A test keeps it equal to the newest migration."""

PROOF_OF_WRITING = (
    text("UPDATE alembic_version SET version_num = version_num || '+'"),
    text("UPDATE alembic_version SET version_num = substr(version_num, 1, length(version_num) - 1)"),
)
"""Statements that write and change nothing.

Two, because SQLite does not write a row that stays as it is: on a full disk such an update succeeds.
"""

MIGRATIONS = Path(__file__).with_name("migrations")

_LOCK = 0x6F70_7466
"""The number under which processes wait for each other in PostgreSQL while the schema changes."""

T = TypeVar("T")

_version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


def current_revision(connection: Connection) -> str | None:
    """The revision of the database, or None if it has no tables of ours."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(select(_version.c.version_num)).scalar()


def require_current(connection: Connection) -> None:
    """Raise `SchemaMismatch` with what to do unless the schema is the one this program needs."""
    found = current_revision(connection)
    if found == HEAD:
        return
    if found is None:
        raise SchemaMismatch(
            phrase("store.no_tables", "The database has no tables yet. Run: optfm-bot db upgrade")
        )
    if found > HEAD:
        raise SchemaMismatch(
            phrase(
                "store.newer",
                "The database has schema {found}, this program knows {head}. Install the newer version of "
                "optfm-bot",
                found=found,
                head=HEAD,
            )
        )
    raise SchemaMismatch(
        phrase(
            "store.older",
            "The database has schema {revision}, this program needs {head}. Run: optfm-bot db upgrade",
            revision=found,
            head=HEAD,
        )
    )


async def is_current(url: URL) -> bool:
    """Whether the database has the schema that this program needs; makes no file. Raises `StoreUnavailable`."""
    if await asyncio.to_thread(_is_empty, url):
        return False
    try:
        return await _in_transaction(url, current_revision) == HEAD
    except (SQLAlchemyError, OSError) as error:
        raise _unusable(error) from error


async def upgrade(url: URL) -> tuple[str | None, str]:
    """Bring the database to `HEAD`; gives the revision before and after. Safe to repeat and to run from two processes.

    An empty database gets all tables in one transaction without loading Alembic: the first start stays quick.
    Raises `SchemaMismatch` for a newer schema, and `StoreUnavailable` if the database cannot be used.
    """
    try:
        return await _upgrade(url)
    except (SQLAlchemyError, OSError) as error:
        raise _unusable(error) from error


def _unusable(error: Exception) -> StoreUnavailable:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return StoreUnavailable(phrase("store.unusable", "The database cannot be used: {why}", why=cause))


async def _upgrade(url: URL) -> tuple[str | None, str]:
    path = sqlite_path(url)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    before = await _in_transaction(url, _begin)
    if before not in {None, HEAD}:
        await _in_transaction(url, _migrate)
    return before, HEAD


async def _in_transaction(url: URL, act: Callable[[Connection], T]) -> T:
    """Do something in one transaction, with SQLite's write lock from the first look on.

    So of two processes that find nothing, only one makes the tables; and what is killed half-way leaves nothing, which
    SQLite's driver by itself does not promise: it would commit each change of a table apart.
    """
    if url.get_backend_name() == "sqlite":
        return await asyncio.to_thread(_in_local_transaction, url, act)
    engine = server_engine(url, connections=1, name="optfm-bot schema")
    try:
        async with engine.begin() as connection:
            await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            return await connection.run_sync(act)
    finally:
        await engine.dispose()


def _is_empty(url: URL) -> bool:
    """Whether it is a file that has nothing in it, or is still to be made."""
    path = sqlite_path(url)
    return path is not None and not (path.exists() and path.stat().st_size)


def _in_local_transaction(url: URL, act: Callable[[Connection], T]) -> T:
    engine = local_engine(url, begin="BEGIN IMMEDIATE", busy_timeout_ms=5000, empty=_is_empty(url))
    try:
        with engine.begin() as connection:
            return act(connection)
    finally:
        engine.dispose()


def _begin(connection: Connection) -> str | None:
    """Make all tables if there are none; gives the revision that was found."""
    before = current_revision(connection)
    if before is None:
        _create(connection)
    elif before > HEAD:
        require_current(connection)
    return before


def _create(connection: Connection) -> None:
    _version.create(connection, checkfirst=True)
    metadata.create_all(connection)
    connection.execute(insert(leases), [{"name": shard_lease(number)} for number in range(SHARDS)])
    connection.execute(insert(_version).values(version_num=HEAD))


def _migrate(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - a quarter of a second that a start without migrations does not pay
    from alembic.config import Config  # noqa: PLC0415 - the same

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def migrate_sync(url: str, revision: str = "head") -> None:
    """Run migrations over a plain synchronous address, from nothing to `revision`."""
    from alembic import command  # noqa: PLC0415 - as above
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    finally:
        engine.dispose()
