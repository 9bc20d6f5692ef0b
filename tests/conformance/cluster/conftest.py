"""Every registry passes the same suite."""

from __future__ import annotations

import asyncio
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg  # type: ignore[import-untyped]  # it has no types
import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import create_async_engine

from optfm_bot.clock import ManualClock
from optfm_bot.cluster.postgres import _LOCKS, PostgresRegistry
from optfm_bot.cluster.registry import Hear, Registry
from optfm_bot.store.contract import Store
from optfm_bot.store.engine import database_url
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.schema import upgrade
from optfm_bot.store.sql import SqlStore
from optfm_bot.testing.cluster import MemoryCluster, MemoryRegistry

PATIENCE = 10.0


class Ears:
    """Hears what is told, and lets a test wait for it."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.missed = 0
        self._came = asyncio.Event()

    def hear(self, topic: str, said: str) -> None:
        if topic:
            self.heard.append((topic, said))
        else:
            self.missed += 1
        self._came.set()

    async def until(self, notice: tuple[str, str]) -> None:
        async with asyncio.timeout(PATIENCE):
            while notice not in self.heard:
                self._came.clear()
                await self._came.wait()

    async def until_missed(self, times: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.missed < times:
                self._came.clear()
                await self._came.wait()


class Ground(ABC):
    """Where processes meet: gives them doors, and does to them what happens to processes."""

    def __init__(self) -> None:
        self._doors: list[Registry] = []

    async def door(self, hear: Hear = lambda _topic, _said: None) -> Registry:
        """Another process's registry, open."""
        made = self._make()
        self._doors.append(made)
        await made.open(hear)
        return made

    @abstractmethod
    def _make(self) -> Registry: ...

    @abstractmethod
    async def store(self) -> Store:
        """The store that the processes share, without a fence."""

    @abstractmethod
    async def silent(self, tenure: int, seconds: float) -> None:
        """Let a member have been silent for so long."""

    @abstractmethod
    async def passes(self, seconds: float) -> None:
        """Let so much time pass for the paces."""

    @abstractmethod
    async def die(self, door: Registry, tenure: int) -> None:
        """End a process: its connections are gone when this returns."""

    async def end(self) -> None:
        for door in self._doors:
            await door.close()


class InMemory(Ground):
    """The twin that tests of the house use."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = MemoryCluster(MemoryStore(), ManualClock())

    def _make(self) -> Registry:
        return self.cluster.door()

    async def store(self) -> Store:
        await self.cluster.store.open()
        return self.cluster.store

    async def silent(self, tenure: int, seconds: float) -> None:
        self.cluster.members[tenure].seen -= seconds

    async def passes(self, seconds: float) -> None:
        await self.cluster.clock.advance(seconds)

    async def die(self, door: Registry, tenure: int) -> None:
        assert isinstance(door, MemoryRegistry)
        door.alive = False


class InPostgres(Ground):
    """A database of its own."""

    def __init__(self, url: URL, admin: asyncpg.Connection) -> None:
        super().__init__()
        self.url = url
        self.admin = admin
        self._stores: list[Store] = []

    def _make(self) -> Registry:
        return PostgresRegistry(self.url, name=f"process {uuid.uuid4().hex[:12]}")

    async def store(self) -> Store:
        made = SqlStore(self.url.render_as_string(hide_password=False))
        self._stores.append(made)
        await made.open()
        return made

    async def silent(self, tenure: int, seconds: float) -> None:
        await self.admin.execute(
            "UPDATE members SET seen_at = seen_at - $2 * interval '1 second' WHERE id = $1",
            tenure,
            float(seconds),
        )

    async def passes(self, seconds: float) -> None:
        await self.admin.execute(
            "UPDATE rates SET counted_at = counted_at - $1, paused_until = paused_until - $1", float(seconds)
        )

    async def die(self, door: Registry, tenure: int) -> None:
        assert isinstance(door, PostgresRegistry)
        await door.close()
        # The server frees the lock when it has seen the end of the session: waiting for the lock waits for that.
        await self.admin.execute("SELECT pg_advisory_lock($1)", _LOCKS | tenure)
        await self.admin.execute("SELECT pg_advisory_unlock($1)", _LOCKS | tenure)

    async def end(self) -> None:
        await super().end()
        for store in self._stores:
            await store.close()


@asynccontextmanager
async def _database(address: str) -> AsyncIterator[URL]:
    name = f"optfm_{uuid.uuid4().hex[:12]}"
    server = create_async_engine(address, isolation_level="AUTOCOMMIT")
    try:
        async with server.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {name}"))
        url = database_url(address).set(database=name)
        await upgrade(url)
        yield url
    finally:
        async with server.connect() as connection:
            await connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        await server.dispose()


@asynccontextmanager
async def _in_postgres(address: str) -> AsyncIterator[InPostgres]:
    async with _database(address) as url:
        _, options = url.get_dialect()().create_connect_args(url)
        admin = await asyncpg.connect(**options, timeout=PATIENCE, command_timeout=PATIENCE)
        made = InPostgres(url, admin)
        try:
            yield made
        finally:
            await made.end()
            await admin.close()


@pytest.fixture(params=["memory", "postgresql"])
async def ground(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    if request.param == "memory":
        made = InMemory()
        yield made
        await made.end()
    else:
        async with _in_postgres(request.getfixturevalue("postgresql_address")) as there:
            yield there


@pytest.fixture
async def postgres(postgresql_address: str) -> AsyncIterator[InPostgres]:
    async with _in_postgres(postgresql_address) as there:
        yield there
