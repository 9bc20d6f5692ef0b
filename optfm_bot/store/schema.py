"""The schema of the database: made, compared, upgraded. Alembic is loaded only when there is something to migrate."""

from __future__ import annotations

from pathlib import Path

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
from sqlalchemy.ext.asyncio import create_async_engine

from optfm_bot.errors import SchemaMismatch, StoreUnavailable
from optfm_bot.store.engine import reader_engine, sqlite_path
from optfm_bot.store.tables import metadata

HEAD = "0002"
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
        raise SchemaMismatch("The database has no tables yet. Run: optfm-bot db upgrade")
    if found > HEAD:
        raise SchemaMismatch(
            f"The database has schema {found}, this program knows {HEAD}. Install the newer version of optfm-bot"
        )
    raise SchemaMismatch(
        f"The database has schema {found}, this program needs {HEAD}. Run: optfm-bot db upgrade"
    )


async def upgrade(url: URL) -> tuple[str | None, str]:
    """Bring the database to `HEAD`; gives the revision before and after. Safe to repeat and to run from two processes.

    An empty database gets all tables in one transaction without loading Alembic: the first start stays quick.
    Raises `SchemaMismatch` for a newer schema, and `StoreUnavailable` if the database cannot be used.
    """
    try:
        return await _upgrade(url)
    except (SQLAlchemyError, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        raise StoreUnavailable(f"The database cannot be used: {cause}") from error


async def _upgrade(url: URL) -> tuple[str | None, str]:
    path = sqlite_path(url)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    # With the write lock from the first look on: of two processes that find nothing, only one makes the tables.
    engine = reader_engine(url, connections=1, begin="BEGIN IMMEDIATE")
    try:
        async with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            before = await connection.run_sync(current_revision)
            if before is None:
                await connection.run_sync(_create)
                return None, HEAD
            if before == HEAD:
                return before, HEAD
            if before > HEAD:
                await connection.run_sync(require_current)
    finally:
        await engine.dispose()
    await _migrate(url)
    return before, HEAD


def _create(connection: Connection) -> None:
    _version.create(connection, checkfirst=True)
    metadata.create_all(connection)
    connection.execute(insert(_version).values(version_num=HEAD))


async def _migrate(url: URL) -> None:
    from alembic import command  # noqa: PLC0415 - a quarter of a second that a start without migrations does not pay
    from alembic.config import Config  # noqa: PLC0415 - the same

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_async_engine(url)

    def run(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    try:
        async with engine.begin() as connection:
            await connection.run_sync(run)
    finally:
        await engine.dispose()


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
