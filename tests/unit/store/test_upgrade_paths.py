"""Upgrades that are broken off, and what a server is told of the tables: the same by both ways to make them."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import alembic.op
import pytest
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine

from optfm_bot.store.engine import database_url
from optfm_bot.store.schema import HEAD, _in_transaction, _migrate, migrate_sync, upgrade


def described(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
        return [tables, connection.execute("SELECT * FROM inbox").fetchall()]


@pytest.mark.parametrize("breaks_at", ["create_table", "create_index", "add_column", "bulk_insert"])
def test_an_upgrade_that_is_broken_off_leaves_the_database_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, breaks_at: str
) -> None:
    """Not even a table that was made already, on which the next try would stumble."""
    path = tmp_path / "a.db"
    migrate_sync(f"sqlite:///{path}", "0001")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO inbox (channel, key, lane, payload, received_at) VALUES ('t', '1', 'a', '{}', 1)"
        )
    before, done = described(path), getattr(alembic.op, breaks_at)

    def breaks(*args: Any, **options: Any) -> Any:
        done(*args, **options)
        raise RuntimeError("the power is gone")

    url = database_url(f"sqlite:///{path}")
    with monkeypatch.context() as broken:
        broken.setattr(alembic.op, breaks_at, breaks)
        with pytest.raises(RuntimeError, match="the power is gone"):
            asyncio.run(upgrade(url))

    assert described(path) == before
    assert asyncio.run(upgrade(url)) == ("0001", HEAD)
    assert described(path)[1][0][:3] == (1, "t", "1")


@pytest.fixture
async def servers(postgresql_address: str) -> AsyncIterator[tuple[URL, URL]]:
    """Two empty databases."""
    names = [f"optfm_{uuid.uuid4().hex[:12]}" for _ in range(2)]
    admin = create_async_engine(postgresql_address, isolation_level="AUTOCOMMIT")
    async with admin.connect() as connection:
        for name in names:
            await connection.execute(text(f"CREATE DATABASE {name}"))
    first, second = (database_url(postgresql_address).set(database=name) for name in names)
    yield first, second
    async with admin.connect() as connection:
        for name in names:
            await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    await admin.dispose()


async def test_postgresql_is_told_to_clean_up_eagerly_whichever_way_the_tables_were_made(
    servers: tuple[URL, URL],
) -> None:
    made, migrated = servers
    await upgrade(made)
    await _in_transaction(migrated, _migrate)

    found = [await storage(url) for url in servers]
    assert found[0] == found[1]
    assert "autovacuum_vacuum_scale_factor=0.01" in found[0]["inbox"]
    assert "autovacuum_vacuum_threshold=1000" in found[0]["outbox"]


async def storage(url: URL) -> dict[str, list[str]]:
    engine = create_async_engine(url)
    asked = text("SELECT relname, reloptions FROM pg_class WHERE reloptions IS NOT NULL AND relkind = 'r'")
    async with engine.connect() as connection:
        found = {name: sorted(options) for name, options in await connection.execute(asked)}
    await engine.dispose()
    return found
