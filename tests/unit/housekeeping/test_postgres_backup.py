"""A backup of PostgreSQL by its own tools: one moment, no password where others see it, restored all or nothing."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from optfm_bot.errors import StartRefused, StoreUnavailable
from optfm_bot.housekeeping import postgres
from optfm_bot.housekeeping.backups import back_up
from optfm_bot.housekeeping.holding import REASON, Held
from optfm_bot.housekeeping.manifest import BackupUnfit, read_manifest
from optfm_bot.housekeeping.postgres import connection_of, restore_into_empty, rows_of
from optfm_bot.housekeeping.restoring import verify
from optfm_bot.store.engine import database_url
from optfm_bot.store.schema import HEAD, upgrade

AT = datetime(2026, 8, 15, 9, 0, tzinfo=UTC)


@pytest.fixture
async def admin(postgresql_address: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(postgresql_address, isolation_level="AUTOCOMMIT")
    yield engine
    await engine.dispose()


async def empty(admin: AsyncEngine, address: str) -> AsyncIterator[URL]:
    name = f"optfm_{uuid.uuid4().hex[:12]}"
    async with admin.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    yield database_url(address).set(database=name)
    async with admin.connect() as connection:
        await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def source(admin: AsyncEngine, postgresql_address: str) -> AsyncIterator[URL]:
    """A database with one of everything that waits."""
    async for url in empty(admin, postgresql_address):
        await upgrade(url)
        await told(
            url,
            "INSERT INTO inbox (channel, key, lane, payload, received_at) VALUES ('t', '1', 'a', '{}', 1)",
            "INSERT INTO outbox (id, channel, lane, purpose, message, created_at) VALUES (1, 't', 'a', 'x', '{}', 1)",
            "INSERT INTO turns (id, lane, direction, kind, text, at) VALUES (1, 'a', 0, 'text', 'привет', 1)",
        )
        yield url


@pytest.fixture
async def target(admin: AsyncEngine, postgresql_address: str) -> AsyncIterator[URL]:
    """A database without tables."""
    async for url in empty(admin, postgresql_address):
        yield url


async def told(url: URL, *statements: str) -> list[list[tuple[object, ...]]]:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        results = [await connection.execute(text(statement)) for statement in statements]
        found = [[tuple(row) for row in one] if one.returns_rows else [] for one in results]
    await engine.dispose()
    return found


async def test_a_dump_comes_back_as_it_was_and_sends_nothing(
    source: URL, target: URL, tmp_path: Path
) -> None:
    file = tmp_path / "a.dump"
    manifest = await back_up(source, file, now=AT)
    assert (manifest.engine, manifest.revision, manifest.rows["turns"]) == ("postgresql", HEAD, 1)
    verify(file, read_manifest(file))
    held = await restore_into_empty(target, file, send=False, now=AT)

    assert held == Held(updates=1, messages=1)
    assert await rows_of(target) == manifest.rows
    assert await upgrade(target) == (HEAD, HEAD)
    inbox, outbox, turns = await told(
        target, "SELECT state, error FROM inbox", "SELECT state, error FROM outbox", "SELECT text FROM turns"
    )
    assert (inbox, outbox, turns) == ([(9, REASON)], [(3, REASON)], [("привет",)])
    await told(
        target, "INSERT INTO inbox (channel, key, lane, payload, received_at) VALUES ('t', '2', 'a', '{}', 1)"
    )
    assert (await told(target, "SELECT max(id) FROM inbox"))[0] == [(2,)]  # numbers go on where they were


async def test_what_waited_goes_on_if_that_is_wished(source: URL, target: URL, tmp_path: Path) -> None:
    await back_up(source, tmp_path / "a.dump", now=AT)

    assert await restore_into_empty(target, tmp_path / "a.dump", send=True, now=AT) == Held(
        updates=0, messages=0
    )
    assert await told(target, "SELECT state FROM inbox", "SELECT state FROM outbox") == [[(0,)], [(0,)]]


async def test_a_database_that_has_tables_is_left_alone(source: URL, target: URL, tmp_path: Path) -> None:
    await back_up(source, tmp_path / "a.dump", now=AT)
    await told(target, "CREATE TABLE theirs (x int)")

    with pytest.raises(StartRefused, match="is not empty"):
        await restore_into_empty(target, tmp_path / "a.dump", send=False, now=AT)


async def test_a_broken_dump_leaves_an_empty_database(source: URL, target: URL, tmp_path: Path) -> None:
    file = tmp_path / "a.dump"
    await back_up(source, file, now=AT)
    await asyncio.to_thread(cut, file)

    with pytest.raises(BackupUnfit, match="pg_restore failed"):
        await restore_into_empty(target, file, send=False, now=AT)
    assert await rows_of(target) == {}


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-200])


async def test_a_database_without_our_tables_gives_no_backup(target: URL, tmp_path: Path) -> None:
    with pytest.raises(BackupUnfit, match="no tables of this program"):
        await back_up(target, tmp_path / "copies" / "a.dump", now=AT)
    assert await asyncio.to_thread(left_in, tmp_path / "copies") == []


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if not path.name.startswith(".")]


async def test_a_server_that_is_away_is_told_without_its_password(tmp_path: Path) -> None:
    url = database_url("postgresql://me:canary@127.0.0.1:1/db")

    with pytest.raises(StoreUnavailable) as caught:
        await back_up(url, tmp_path / "a.dump", now=AT)
    assert "canary" not in str(caught.value)


async def test_without_the_tools_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BackupUnfit, match="postgresql-client"):
        await back_up(database_url("postgresql://h/d"), tmp_path / "a.dump", now=AT)


def test_the_password_is_in_no_argument() -> None:
    arguments, environment = connection_of(
        database_url("postgresql://me:canary@db.example:6432/shop?ssl=require")
    )

    assert arguments == [
        "--host", "db.example", "--port", "6432", "--username", "me", "--no-password", "--dbname", "shop"
    ]  # fmt: skip
    assert environment == {"PGPASSWORD": "canary", "PGSSLMODE": "require"}
    sockets, nothing = connection_of(database_url("postgresql:///shop?host=/run/postgresql"))
    assert sockets == ["--host", "/run/postgresql", "--no-password", "--dbname", "shop"]
    assert nothing == {}


async def test_what_a_tool_complains_of_has_no_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tool = tmp_path / "pg_dump"
    tool.write_text('#!/bin/sh\necho "connection of me:$PGPASSWORD refused" >&2\nexit 1\n')
    tool.chmod(0o700)
    monkeypatch.setattr(postgres.shutil, "which", lambda name: str(tmp_path / name))

    with pytest.raises(BackupUnfit) as caught:
        await postgres._run(database_url("postgresql://me:canary@h/d"), "pg_dump")
    assert str(caught.value) == "pg_dump failed: connection of me:•••• refused"
