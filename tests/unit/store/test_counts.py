"""Counting what waits: cheap however much was done before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from optfm_bot.store.engine import database_url
from optfm_bot.store.schema import upgrade
from optfm_bot.store.sql import SqlStore


@pytest.mark.parametrize("shards", [None, (1, 2)])
async def test_every_question_is_answered_by_the_index_of_what_is_open(
    tmp_path: Path, shards: tuple[int, ...] | None
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    await upgrade(database_url(url))
    store = SqlStore(url)
    await store.open()
    plans: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[3] for row in cursor.fetchall() if row[3].startswith(("SCAN", "SEARCH")))

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        await store.counts(shards=shards)
    finally:
        event.remove(Engine, "before_cursor_execute", explain)
        await store.close()

    used = [plan.partition(" USING INDEX ")[2] for plan in plans]
    assert used == ["ix_inbox_waiting", "ix_inbox_parked", "ix_outbox_unsent", "ix_outbox_troubled"], plans
