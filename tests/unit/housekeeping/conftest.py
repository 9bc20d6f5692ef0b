"""Databases with rows in them, for copies to be made of."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from optfm_bot.store.engine import database_url
from optfm_bot.store.schema import migrate_sync, upgrade

NOW = 1_760_000_000_000

Make = Callable[..., URL]


def filled(path: Path, *, revision: str | None = None, turns: int = 50) -> URL:
    """A database with waiting and finished work, of the newest revision or an older one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    url = database_url(f"sqlite:///{path}")
    if revision is None:
        asyncio.run(upgrade(url))
    else:
        migrate_sync(f"sqlite:///{path}", revision)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executemany(
            "INSERT INTO inbox (channel, key, lane, payload, received_at, state) VALUES ('t', ?, 't:1', '{}', ?, ?)",
            [("done", NOW, 1), ("waiting", NOW, 0), ("parked", NOW, 9)],
        )
        connection.executemany(
            "INSERT INTO outbox (id, inbox_id, channel, lane, purpose, message, created_at, state)"
            " VALUES (?, ?, 't', 't:1', 'answer', '{}', ?, ?)",
            [(1, 11, NOW, 2), (2, 12, NOW, 0), (3, 13, NOW, 1), (4, 14, NOW, 9), (5, 15, NOW, 3)],
        )
        connection.executemany(
            "INSERT INTO turns (id, lane, direction, kind, text, at) VALUES (?, 't:1', 0, 'text', ?, ?)",
            [(number, f"message {number} " * 20, NOW) for number in range(1, turns + 1)],
        )
    return url


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a database in the folder of the test: `make("bot.db", revision="0001")`."""

    def one(name: str = "bot.db", **facts: Any) -> URL:
        return filled(tmp_path / name, **facts)

    return one
