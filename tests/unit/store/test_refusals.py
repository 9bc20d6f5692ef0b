"""What a database does not take fails its own unit, is told from what can be tried again, and harms nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from optfm_bot.errors import StoreConflict, StoreContended, StoreRefused
from optfm_bot.store.engine import database_url
from optfm_bot.store.records import (
    ConversationRow,
    Direction,
    MissKind,
    MissRow,
    NewUpdate,
    OutboxState,
    PersonRow,
    TurnRow,
)
from optfm_bot.store.schema import upgrade
from optfm_bot.store.sql import SqlStore, _translated
from optfm_bot.store.unit import UnitOfWork, storable

NOW = 1_760_000_000_000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    await upgrade(database_url(url))
    made = SqlStore(url)
    await made.open()
    yield made
    await made.close()


async def save(store: SqlStore, lane: str, state: Any = "{}", at: int = NOW) -> None:
    async with store.unit() as unit:
        unit.history.save_conversation(ConversationRow(lane=lane, channel="t", state=state, updated_at=at))


@pytest.mark.parametrize("bad", [{"state": "\ud800"}, {"at": 1 << 70}, {"state": None}])
async def test_a_value_that_does_not_fit_fails_its_own_unit_only(
    store: SqlStore, bad: dict[str, Any]
) -> None:
    results = await asyncio.gather(
        save(store, "a"), save(store, "b", **bad), save(store, "c"), return_exceptions=True
    )

    assert [type(result) for result in results] == [type(None), StoreRefused, type(None)]
    assert (await store.conversations(["a", "b", "c"])).keys() == {"a", "c"}


async def test_a_row_that_is_there_already_is_a_conflict_and_not_a_refusal(store: SqlStore) -> None:
    row = TurnRow(id=1, lane="a", direction=Direction.IN, kind="text", text="x", at=NOW)
    async with store.unit() as unit:
        unit.history.add_turn(row)
    with pytest.raises(StoreConflict):
        async with store.unit() as unit:
            unit.history.add_turn(row)


async def test_the_store_works_on_after_a_refusal(store: SqlStore) -> None:
    with pytest.raises(StoreRefused):
        await save(store, "a", state="\udfff")
    await save(store, "a")
    await store.check()


async def test_people_may_write_what_databases_do_not_like(store: SqlStore) -> None:
    text = "a\x00b\ud800"
    async with store.unit() as unit:
        unit.history.add_turn(TurnRow(id=1, lane="a", direction=Direction.IN, kind="text", text=text, at=NOW))
        unit.history.add_miss(MissRow(id=1, lane="a", text=text, kind=MissKind.ADMITTED, at=NOW))
        unit.history.save_person(
            PersonRow(
                ref="t:1",
                channel="t",
                external_id="1",
                display_name=text,
                first_seen_at=NOW,
                last_seen_at=NOW,
            )
        )
        unit.inbox.add(
            NewUpdate(channel="t", key="1", lane="a", payload=b"\x00\xff"),
            received_at=NOW,
            owner=None,
            lease_until=0,
        )
    async with store.unit() as unit:
        unit.inbox.park(1, error=text, at=NOW)
        unit.outbox.close(1, state=OutboxState.FAILED, error=text, at=NOW)

    assert (await store.turns("a"))[0].text == "ab?"
    assert (await store.misses())[0].text == "ab?"
    assert (await store.people(["t:1"]))["t:1"].display_name == "ab?"
    assert (await store.parked())[0].error == "ab?"
    assert (await store.parked())[0].payload == b"\x00\xff"


@pytest.mark.parametrize(
    ("text", "kept"),
    [("", ""), ("abc", "abc"), ("ёж 👍🏽", "ёж 👍🏽"), ("\x00", ""), ("\ud83d", "?"), ("\n\t", "\n\t")],
)
def test_storable_changes_nothing_but_what_no_database_takes(text: str, kept: str) -> None:
    assert storable(text) == kept


async def test_an_empty_unit_asks_the_database_nothing() -> None:
    async def never(unit: UnitOfWork) -> None:
        raise AssertionError

    async with UnitOfWork(never):
        pass


async def test_updates_that_are_new_are_told_from_those_that_are_done(store: SqlStore) -> None:
    async with store.unit() as unit:
        for key in "123":
            unit.inbox.add(
                NewUpdate(channel="t", key=key, lane="a", payload=b"{}"),
                received_at=NOW,
                owner="me" if key == "3" else None,
                lease_until=NOW + 10 if key == "3" else 0,
            )
    first, second, third = (row.id for row in unit.added)
    async with store.unit() as unit:
        unit.inbox.done(first, at=NOW)
    assert set(await store.unfinished([first, second, third, 99])) == {second, third}
    assert await store.unclaimed(now=NOW)
    async with store.unit() as unit:
        unit.inbox.park(second, error="x", at=NOW)

    assert not await store.unclaimed(now=NOW)
    assert await store.unclaimed(now=NOW + 10)
    await store.renew(owner="me", lease_until=NOW + 100, ids=[second])
    assert await store.unclaimed(now=NOW + 10)
    await store.renew(owner="me", lease_until=NOW + 100, ids=[third])
    assert not await store.unclaimed(now=NOW + 10)


@pytest.mark.parametrize("sqlstate", ["40P01", "40001"])
def test_who_gave_way_to_another_process_tries_again(sqlstate: str) -> None:
    cause = RuntimeError("deadlock detected")
    cause.sqlstate = sqlstate  # type: ignore[attr-defined]  # as the driver's errors have it
    error = _translated(DBAPIError("UPDATE people", None, cause))

    assert isinstance(error, StoreContended)
    assert "deadlock detected" in str(error)
