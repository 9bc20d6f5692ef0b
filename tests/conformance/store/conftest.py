"""Every store of the house passes the same suite."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from optfm_bot.store.contract import Store
from optfm_bot.store.engine import database_url
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.schema import upgrade
from optfm_bot.store.sql import SqlStore


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "memory":
        made: Store = MemoryStore()
        await made.open()
        yield made
        await made.close()
    elif request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
        await upgrade(database_url(url))
        made = SqlStore(url)
        await made.open()
        yield made
        await made.close()
    else:
        address = request.getfixturevalue("postgresql_address")
        async for made in _postgresql(address):
            yield made


async def _postgresql(address: str) -> AsyncIterator[Store]:
    name = f"optfm_{uuid.uuid4().hex[:12]}"
    admin = create_async_engine(address, isolation_level="AUTOCOMMIT")
    async with admin.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        url = database_url(address).set(database=name)
        await upgrade(url)
        made = SqlStore(url.render_as_string(hide_password=False))
        await made.open()
        yield made
        await made.close()
    finally:
        async with admin.connect() as connection:
            await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        await admin.dispose()
