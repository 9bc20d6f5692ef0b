"""What is to happen later, whatever the database."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from optfm_bot.shards import shard_of
from optfm_bot.store.contract import Store
from optfm_bot.store.request_records import AlarmRow

NOW = 1_760_000_000_000


def alarm(lane: str = "tg:7", name: str = "waiting", after: int = 0) -> AlarmRow:
    return AlarmRow(lane=lane, name=name, due_at=NOW + after)


async def put(store: Store, *rows: AlarmRow) -> None:
    async with store.unit() as unit:
        for row in rows:
            unit.alarms.set(row)


async def due(store: Store, *, now: int = NOW, limit: int = 10) -> Sequence[AlarmRow]:
    return await store.alarms_due(now=now, limit=limit)


async def test_alarms_are_due_when_their_moment_has_come(store: Store) -> None:
    rows = [alarm("a", after=2), alarm("b", after=-1), alarm("c"), alarm("d", after=1)]
    await put(store, *rows)

    assert await due(store) == [rows[1], rows[2]]
    assert await due(store, now=NOW - 2) == []
    assert await due(store, now=NOW + 2, limit=3) == [rows[1], rows[2], rows[3]]


async def test_each_process_is_given_the_alarms_of_its_shards(store: Store) -> None:
    rows = [alarm(f"tg:{number}") for number in range(30)]
    await put(store, *rows)
    mine = range(20)

    found = await store.alarms_due(now=NOW, limit=100, shards=mine)

    assert sorted(row.lane for row in found) == sorted(row.lane for row in rows if shard_of(row.lane) in mine)
    assert 0 < len(found) < len(rows)
    assert await store.alarms_due(now=NOW, limit=100, shards=[]) == []


async def test_an_alarm_that_is_set_again_is_moved(store: Store) -> None:
    await put(store, alarm(after=5), alarm(name="other", after=9))
    await put(store, alarm(after=20))

    assert await store.alarms("tg:7") == [alarm(name="other", after=9), alarm(after=20)]
    assert await store.alarms("tg:8") == []


async def test_an_alarm_is_taken_away_by_its_name(store: Store) -> None:
    await put(store, alarm(), alarm(name="other"), alarm("tg:8"))
    async with store.unit() as unit:
        unit.alarms.clear("tg:7", "waiting")
        unit.alarms.clear("tg:7", "never set")

    assert await store.alarms("tg:7") == [alarm(name="other")]
    assert await store.alarms("tg:8") == [alarm("tg:8")]


@pytest.mark.parametrize("moved", [[], [alarm(after=60)]], ids=["left alone", "moved"])
async def test_an_alarm_that_went_off_goes_unless_it_was_moved_meanwhile(
    store: Store, moved: list[AlarmRow]
) -> None:
    await put(store, alarm())
    (seen,) = await due(store)
    await put(store, *moved)
    async with store.unit() as unit:
        unit.alarms.clear_due(seen.lane, seen.name, seen.due_at)

    assert await store.alarms("tg:7") == moved


async def test_of_what_a_unit_says_of_an_alarm_the_last_counts(store: Store) -> None:
    await put(store, alarm("a"), alarm("b"), alarm("c"), alarm("d"))
    async with store.unit() as unit:
        unit.alarms.set(alarm("a", after=1))
        unit.alarms.clear("a", "waiting")
        unit.alarms.clear("b", "waiting")
        unit.alarms.set(alarm("b", after=2))
        unit.alarms.set(alarm("c", after=3))
        unit.alarms.clear_due("c", "waiting", NOW)
        unit.alarms.clear_due("d", "waiting", NOW)
        unit.alarms.set(alarm("d", after=4))

    assert await due(store, now=NOW + 9) == [alarm("b", after=2), alarm("c", after=3), alarm("d", after=4)]
