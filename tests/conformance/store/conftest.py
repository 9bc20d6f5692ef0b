"""Every store of the house passes the same suite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from optfm_bot.store.contract import Store
from optfm_bot.store.engine import database_url
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.schema import upgrade
from optfm_bot.store.sql import SqlStore


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store
    if request.param == "memory":
        made = MemoryStore()
    else:
        url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
        await upgrade(database_url(url))
        made = SqlStore(url)
    await made.open()
    yield made
    await made.close()
