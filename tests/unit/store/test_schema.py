"""The schema: two ways to make it, one result; what is not ours is left alone."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, create_engine, inspect, text

from optfm_bot.errors import SchemaMismatch, StartRefused
from optfm_bot.store.engine import database_url, sqlite_path
from optfm_bot.store.schema import HEAD, MIGRATIONS, current_revision, migrate_sync, upgrade
from optfm_bot.store.sql import SqlStore


def address(path: Path) -> URL:
    return database_url(f"sqlite:///{path}")


def described(connection: Connection) -> dict[str, Any]:
    """Everything the database says of its tables."""
    inspector = inspect(connection)
    tables: dict[str, Any] = {}
    for name in sorted(inspector.get_table_names()):
        if name == "alembic_version":
            continue
        tables[name] = {
            "columns": [
                (c["name"], repr(c["type"]), c["nullable"], c["default"], c["primary_key"])
                for c in inspector.get_columns(name)
            ],
            "primary": inspector.get_pk_constraint(name)["constrained_columns"],
            "unique": sorted(tuple(u["column_names"]) for u in inspector.get_unique_constraints(name)),
            "indexes": sorted(
                (
                    str(index["name"]),
                    tuple(index["column_names"]),
                    bool(index["unique"]),
                    *(f"{name}={value}" for name, value in index.get("dialect_options", {}).items()),
                )
                for index in inspector.get_indexes(name)
            ),
        }
    return tables


def read(path: Path) -> tuple[dict[str, Any], str | None]:
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            return described(connection), current_revision(connection)
    finally:
        engine.dispose()


async def test_migrations_lead_to_exactly_the_tables_that_a_new_database_gets(tmp_path: Path) -> None:
    await upgrade(address(tmp_path / "new.db"))
    migrate_sync(f"sqlite:///{tmp_path / 'migrated.db'}")

    new, migrated = read(tmp_path / "new.db"), read(tmp_path / "migrated.db")
    assert new == migrated
    assert new[0].keys() >= {"inbox", "outbox", "conversations", "people", "turns", "cursors"}
    assert "sqlite_where=state = 0" in str(new[0]["inbox"]["indexes"])


def test_the_revision_that_the_program_needs_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))

    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


async def test_upgrading_twice_changes_nothing(tmp_path: Path) -> None:
    url = address(tmp_path / "a.db")

    assert await upgrade(url) == (None, HEAD)
    before = read(tmp_path / "a.db")
    assert await upgrade(url) == (HEAD, HEAD)
    assert read(tmp_path / "a.db") == before


async def test_several_processes_may_upgrade_at_once(tmp_path: Path) -> None:
    url = address(tmp_path / "a.db")
    results = await asyncio.gather(*(upgrade(url) for _ in range(5)))

    assert sorted(results, key=str) == sorted([(None, HEAD), *[(HEAD, HEAD)] * 4], key=str)
    assert read(tmp_path / "a.db")[1] == HEAD


async def test_the_folder_of_the_database_is_made(tmp_path: Path) -> None:
    await upgrade(address(tmp_path / "deep" / "er" / "a.db"))

    assert (tmp_path / "deep" / "er" / "a.db").exists()


async def test_a_schema_of_a_newer_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    url = address(tmp_path / "a.db")
    await upgrade(url)
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(SchemaMismatch, match="newer version"):
        await upgrade(url)
    store = SqlStore(str(url))
    with pytest.raises(SchemaMismatch, match="9999"):
        await store.open()
    await store.close()

    assert read(tmp_path / "a.db")[1] == "9999"


async def test_a_database_without_tables_says_what_to_run(tmp_path: Path) -> None:
    store = SqlStore(str(address(tmp_path / "empty.db")))
    with pytest.raises(SchemaMismatch, match="optfm-bot db upgrade"):
        await store.open()
    await store.close()


async def test_tables_of_somebody_else_are_not_touched(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE theirs (x TEXT)")
        connection.execute("INSERT INTO theirs VALUES ('kept')")
    connection.close()
    await upgrade(address(tmp_path / "a.db"))
    engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT x FROM theirs")).scalars().all()
    engine.dispose()

    assert rows == ["kept"]


async def test_finished_rows_cost_the_search_for_work_nothing(tmp_path: Path) -> None:
    """The question for work is answered from the index of the hot set."""
    from optfm_bot.store.statements import claimable  # noqa: PLC0415 - used once

    await upgrade(address(tmp_path / "a.db"))
    engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with engine.connect() as connection:
        asked = claimable(0, 10, owner="me").compile(engine, compile_kwargs={"literal_binds": True})
        # What is compared by IS NOT stays a parameter.
        plan = "\n".join(
            row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", ("me",))
        )
    engine.dispose()

    assert "ix_inbox_waiting" in plan


@pytest.mark.parametrize(
    ("address", "driver"),
    [
        ("sqlite:///a.db", "sqlite+aiosqlite"),
        ("postgresql://h/d", "postgresql+asyncpg"),
        ("postgresql+asyncpg://h/d", "postgresql+asyncpg"),
    ],
)
def test_plain_addresses_get_our_drivers(address: str, driver: str) -> None:
    assert database_url(address).drivername == driver


@pytest.mark.parametrize("address", ["postgresql://bot:canary@h:port/d", "canary"])
def test_an_address_that_cannot_be_read_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(StartRefused, match=r"database\.url cannot be read") as caught:
        database_url(address)

    assert "canary" not in str(caught.value)


def test_only_a_file_of_sqlite_has_a_path() -> None:
    assert sqlite_path(database_url("sqlite:///a/b.db")) == Path("a/b.db")
    assert sqlite_path(database_url("sqlite:///:memory:")) is None
    assert sqlite_path(database_url("sqlite://")) is None
    assert sqlite_path(database_url("postgresql://h/d")) is None


async def test_commits_survive_a_power_cut(tmp_path: Path) -> None:
    """The pragmas that promise it are set on the connection that writes."""
    await upgrade(address(tmp_path / "a.db"))
    store = SqlStore(str(address(tmp_path / "a.db")))
    await store.open()
    async with store._write() as transaction:
        found = {
            name: (await transaction.execute(text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "trusted_schema")
        }
    await store.close()

    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "trusted_schema": 0}
