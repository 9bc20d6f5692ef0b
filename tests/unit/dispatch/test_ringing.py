"""Alarms: each rings once, in its own process, and not after it was moved."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

import orjson
import pytest

from channels.model import RawUpdate
from optfm_bot.clock import ManualClock
from optfm_bot.dispatch.alarms import Alarms
from optfm_bot.dispatch.inner import CLOCK, AlarmIn, read_inner
from optfm_bot.dispatch.intake import encoded
from optfm_bot.errors import StoreUnavailable
from optfm_bot.shards import shard_of
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import NewUpdate
from optfm_bot.store.request_records import AlarmRow
from optfm_bot.store.unit import Op, UnitOfWork

ANNA, BORIS = "stage:anna", "stage:boris"


class ShakyStore(MemoryStore):
    """A store that can refuse to take alarms away, or to say which are due."""

    def __init__(self) -> None:
        super().__init__()
        self.keeps_alarms = False
        self.down = False

    async def _commit(self, unit: UnitOfWork) -> None:
        if self.keeps_alarms and any(op is Op.ALARM_CLEAR_DUE for op, _ in unit.changes):
            raise StoreUnavailable
        await super()._commit(unit)

    async def alarms_due(self, **options: Any) -> Sequence[AlarmRow]:
        if self.down:
            raise StoreUnavailable
        return await super().alarms_due(**options)


class Scene:
    """Alarms over a store in memory; `shards` are those of this process."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = ShakyStore()
        self.shards: Collection[int] | None = None
        intake: Any = self
        self.alarms = Alarms(self.store, intake, self.clock, lambda: self.shards)
        self.on_receive: AlarmRow | None = None

    async def receive(self, channel: str, updates: Sequence[RawUpdate]) -> int:
        async with self.store.unit() as unit:
            for one in updates:
                new = NewUpdate(channel=channel, key=one.key, lane=one.lane, payload=encoded(one.payload))
                unit.inbox.add(new, received_at=self.clock.ms(), owner=None, lease_until=0)
        if self.on_receive is not None:
            await self.set(self.on_receive)
        return len(unit.added)

    async def set(self, *rows: AlarmRow) -> None:
        async with self.store.unit() as unit:
            for row in rows:
                unit.alarms.set(row)

    def alarm(self, seconds: float, name: str = "late", lane: str = ANNA) -> AlarmRow:
        return AlarmRow(lane=lane, name=name, due_at=self.clock.ms() + int(seconds * 1000))

    async def rung(self, lane: str = ANNA) -> list[AlarmIn]:
        """What has reached a conversation."""
        found = []
        for row in await self.store.waiting(lane):
            inner = read_inner(row.channel, orjson.loads(row.payload))
            assert isinstance(inner, AlarmIn)
            assert row.channel == CLOCK
            found.append(inner)
        return found


@pytest.fixture
async def scene() -> Scene:
    made = Scene()
    await made.store.open()
    return made


async def test_what_is_due_rings_once_and_what_is_not_waits(scene: Scene) -> None:
    late, silent, other = scene.alarm(10), scene.alarm(20, "silent"), scene.alarm(10, lane=BORIS)
    await scene.set(late, silent, other)
    await scene.clock.advance(9.999)
    await scene.alarms.ring()
    assert await scene.rung() == []

    await scene.clock.advance(0.001)
    assert not await scene.alarms.ring(), "there is no more"
    await scene.alarms.ring()
    assert await scene.rung() == [AlarmIn(name="late", due_at=late.due_at)]
    assert await scene.rung(BORIS) == [AlarmIn(name="late", due_at=other.due_at)]
    assert await scene.store.alarms(ANNA) == [silent]


async def test_what_was_rung_and_could_not_be_taken_away_counts_once(scene: Scene) -> None:
    await scene.set(scene.alarm(0))
    scene.store.keeps_alarms = True
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await scene.alarms.ring()
    scene.store.keeps_alarms = False
    await scene.alarms.ring()

    assert len(await scene.rung()) == 1
    assert await scene.store.alarms(ANNA) == []


async def test_an_alarm_that_is_set_anew_while_it_rings_rings_again(scene: Scene) -> None:
    await scene.set(scene.alarm(0))
    later = scene.on_receive = scene.alarm(60)
    await scene.alarms.ring()
    assert await scene.store.alarms(ANNA) == [later], "the new one is not taken away with the old"

    scene.on_receive = None
    await scene.clock.advance(60)
    await scene.alarms.ring()
    assert [one.due_at for one in await scene.rung()] == [later.due_at - 60_000, later.due_at]


async def test_a_process_rings_in_its_own_conversations_only(scene: Scene) -> None:
    assert shard_of(ANNA) != shard_of(BORIS)
    await scene.set(scene.alarm(0), scene.alarm(0, lane=BORIS))
    scene.shards = ()
    await scene.alarms.ring()
    assert (await scene.rung(ANNA), await scene.rung(BORIS)) == ([], [])

    scene.shards = {shard_of(BORIS)}
    await scene.alarms.ring()
    assert (len(await scene.rung(ANNA)), len(await scene.rung(BORIS))) == (0, 1)
    assert len(await scene.store.alarms(ANNA)) == 1


async def test_many_ring_without_waiting_and_a_store_that_is_down_ends_nothing(scene: Scene) -> None:
    await scene.set(*(scene.alarm(0, lane=f"stage:{number}") for number in range(450)))
    scene.store.down = True
    stop = asyncio.Event()
    task = asyncio.create_task(scene.alarms.run(stop))
    await scene.clock.advance(5)
    scene.store.down = False
    assert [await scene.rung(f"stage:{number}") for number in (0, 449)] == [[], []]
    await scene.clock.advance(5)
    assert not any([await scene.store.alarms(f"stage:{number}") for number in range(450)])

    await scene.set(scene.alarm(3))
    await scene.clock.advance(5)
    assert len(await scene.rung()) == 1
    stop.set()
    await task
