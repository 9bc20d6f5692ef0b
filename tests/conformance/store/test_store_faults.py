"""What every store does with values that do not fit, and what it tells of updates that nobody holds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from optfm_bot.errors import StoreRefused
from optfm_bot.store.contract import Store
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import ConversationRow, Direction, MissKind, MissRow, NewUpdate, TurnRow

NOW = 1_760_000_000_000


async def save(store: Store, lane: str, state: Any = "{}", at: int = NOW) -> None:
    async with store.unit() as unit:
        unit.history.save_conversation(ConversationRow(lane=lane, channel="t", state=state, updated_at=at))


@pytest.mark.parametrize(
    "bad", [{"state": "\ud800"}, {"at": 1 << 70}, {"state": None}], ids=["no text", "too large", "nothing"]
)
async def test_a_value_that_does_not_fit_fails_its_own_unit_only(store: Store, bad: dict[str, Any]) -> None:
    if isinstance(store, MemoryStore):
        pytest.skip("memory takes any value")
    results = await asyncio.gather(
        save(store, "a"), save(store, "b", **bad), save(store, "c"), return_exceptions=True
    )

    assert [type(result) for result in results] == [type(None), StoreRefused, type(None)]
    assert (await store.conversations(["a", "b", "c"])).keys() == {"a", "c"}
    await store.check()


async def test_a_lane_longer_than_its_column_harms_no_other(store: Store) -> None:
    results = await asyncio.gather(save(store, "x" * 300), save(store, "a"), return_exceptions=True)

    assert type(results[0]) in {type(None), StoreRefused}  # SQLite does not count
    assert "a" in await store.conversations(["a"])


async def test_people_may_write_what_databases_do_not_like(store: Store) -> None:
    async with store.unit() as unit:
        unit.history.add_turn(
            TurnRow(id=1, lane="a", direction=Direction.IN, kind="text", text="a\x00b\ud800", at=NOW)
        )
        unit.history.add_miss(MissRow(id=1, lane="a", text="\x00", kind=MissKind.ADMITTED, at=NOW))

    assert (await store.turns("a"))[0].text == "ab?"
    assert (await store.misses())[0].text == ""


async def test_updates_that_nobody_holds_are_told_from_those_in_hand_and_those_done(store: Store) -> None:
    async with store.unit() as unit:
        for key in "123":
            mine = key == "3"
            unit.inbox.add(
                NewUpdate(channel="t", key=key, lane="a", payload=b"{}"),
                received_at=NOW,
                owner="me" if mine else None,
                lease_until=NOW + 10 if mine else 0,
            )
    first, second, third = (row.id for row in unit.added)
    async with store.unit() as unit:
        unit.inbox.done(first, at=NOW)
    assert set(await store.unfinished([first, second, third, 99])) == {second, third}
    assert set(await store.unfinished([])) == set()
    assert await store.unclaimed(now=NOW)
    async with store.unit() as unit:
        unit.inbox.park(second, error="x", at=NOW)

    assert not await store.unclaimed(now=NOW)
    assert await store.unclaimed(now=NOW + 10)


async def test_an_update_that_waits_for_its_retry_is_held_by_nobody(store: Store) -> None:
    async with store.unit() as unit:
        unit.inbox.add(
            NewUpdate(channel="t", key="1", lane="a", payload=b"{}"),
            received_at=NOW,
            owner=None,
            lease_until=0,
        )
    (row,) = unit.added
    async with store.unit() as unit:
        unit.inbox.retry(row.id, attempts=1, not_before=NOW + 99, error="x")

    assert await store.unclaimed(now=NOW)


async def test_only_the_named_leases_are_prolonged(store: Store) -> None:
    async with store.unit() as unit:
        for number in range(1200):
            unit.inbox.add(
                NewUpdate(channel="t", key=str(number), lane=str(number), payload=b"{}"),
                received_at=NOW,
                owner="me",
                lease_until=NOW + 10,
            )
    ids = [row.id for row in unit.added]
    await store.renew(owner="me", lease_until=NOW + 100, ids=ids[1:])
    await store.renew(owner="somebody", lease_until=NOW + 100, ids=ids)
    await store.renew(owner="me", lease_until=NOW + 100, ids=[])

    claimed = await store.claim(owner="x", now=NOW + 50, lease_until=NOW + 60, limit=2000)
    assert [row.id for row in claimed] == ids[:1]
