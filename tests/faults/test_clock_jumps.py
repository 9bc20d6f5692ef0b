"""Somebody sets the clock of the machine while two houses share the work: nobody waits, nothing is lost or repeated.

In one process and in memory, so that the clock is a test's own. Intervals are measured by a clock that nobody sets.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from channels.contract import ChannelContext
from channels.errors import RetryLater, Unreachable
from channels.model import ChatRef, SenderRef, TextIn
from faq import FaqEntry, FaqManager
from optfm_bot.blueprint import ChannelPlan, HouseSettings
from optfm_bot.clock import ManualClock
from optfm_bot.cluster.membership import Membership
from optfm_bot.cluster.plan import ROLES, Role
from optfm_bot.cluster.registry import LEASE_SECONDS
from optfm_bot.cluster.sharing import Cluster, receiving
from optfm_bot.house import House
from optfm_bot.observe.metrics import Metrics
from optfm_bot.observe.observer import MetricsObserver
from optfm_bot.outbox.outgoing import DeliverySettings
from optfm_bot.shards import SHARDS
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import OutboxState
from optfm_bot.testing.cluster import MemoryCluster, MemoryRegistry
from optfm_bot.testing.platform import MemoryPlatform

pytestmark = pytest.mark.faults

HOUR = 3600.0
CHATS = 12
CODES = 40


@dataclass
class Process:
    """One house of two, its door to the others, and its side of the platform."""

    house: House
    registry: MemoryRegistry
    platform: MemoryPlatform
    store: MemoryStore


@dataclass
class Town:
    """Two houses over one store, and people who ask for codes."""

    clock: ManualClock
    store: MemoryStore
    processes: list[Process] = field(default_factory=list)
    asked: dict[str, list[str]] = field(default_factory=dict)

    def asks(self, chat: int) -> None:
        """Let somebody ask for the next code; whoever receives gets the question."""
        asked = self.asked.setdefault(str(chat), [])
        code = f"{len(asked):02d}"
        asked.append(f"Это номер {code} из каталога.")
        event = TextIn(
            text=f"Артикул {code} — что это?",
            addressed=True,
            event_id=f"{chat}-{code}",
            message_id=f"{chat}-{code}",
            chat=ChatRef(channel="stage", chat_id=str(chat)),
            sender=SenderRef(external_id=str(chat), display_name="Анна", locale="ru"),
            at=self.clock.now(),
            is_group=False,
        )
        self.processes[0].platform.push(event)

    @property
    def seen(self) -> dict[str, list[str]]:
        """What people have seen, by chat, in order."""
        found: dict[str, list[str]] = {}
        for one in self.processes[0].platform.delivered:
            found.setdefault(one.message.chat.chat_id, []).append(one.message.text)
        return found

    async def answers_within(self, seconds: float) -> None:
        """Let so much time pass; then everybody has been answered once, in order."""
        for _ in range(int(seconds * 10)):
            await self.clock.advance(0.1)
            if self.seen == self.asked:
                break
        assert self.seen == self.asked


@asynccontextmanager
async def town(delivery: DeliverySettings | None = None) -> AsyncIterator[Town]:
    """Two houses that share the work evenly."""
    made = Town(ManualClock(), MemoryStore())
    cluster = MemoryCluster(made.store, made.clock)
    faq = FaqManager(
        [
            FaqEntry(
                id=f"code-{number}",
                question=f"Артикул {number:02d} — что это?",
                answer=f"Это номер {number:02d} из каталога.",
            )
            for number in range(CODES)
        ]
    )
    for number in range(2):
        made.processes.append(_process(made, cluster, faq, number, delivery))
    for one in made.processes:
        await one.store.open()
        await one.house.start()
    for _ in range(100):
        await made.clock.advance(0.1)
    assert [len(one.house.neighbours.membership.shards or ()) for one in made.processes] == [SHARDS // 2] * 2
    try:
        yield made
    finally:
        stopping = asyncio.gather(*(one.house.stop() for one in made.processes))
        while not stopping.done():
            await made.clock.advance(1)
        await stopping


def _process(
    made: Town, cluster: MemoryCluster, faq: FaqManager, number: int, delivery: DeliverySettings | None
) -> Process:
    registry, store = cluster.door(), made.store.beside()
    platform = MemoryPlatform(ChannelContext(instance="stage", clock=made.clock.now))
    if made.processes:  # two processes, one platform
        first = made.processes[0].platform
        platform._queue, platform._events = first._queue, first._events
        platform.delivered, platform.refuse = first.delivered, first.refuse
    membership = Membership(
        registry, made.clock, roles=ROLES["all"], duties={receiving("stage"): Role.POLLER}
    )
    plan = ChannelPlan(channel=platform, delivery=delivery or DeliverySettings(per_chat=0, per_bot=0))
    house = House(
        [plan],
        faq,
        store=store,
        clock=made.clock,
        observer=MetricsObserver(Metrics(version="test")),
        settings=HouseSettings(join_window=0, person_per_minute=0),
        rng=random.Random(number),  # noqa: S311 - keeps no secret
        cluster=Cluster(membership=membership, registry=registry),
    )
    return Process(house, registry, platform, store)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_a_clock_that_jumps_keeps_nobody_waiting_and_no_lease_ends_by_it(jump: float) -> None:
    async with town() as t:
        tenures = [one.house.neighbours.membership.tenure for one in t.processes]
        for _ in range(3):
            for chat in range(CHATS):
                t.asks(chat)
            t.clock.jump(jump)
            for chat in range(CHATS):
                t.asks(chat)
            await t.answers_within(5)
        await t.clock.advance(2 * LEASE_SECONDS)

        assert [one.house.neighbours.membership.tenure for one in t.processes] == tenures, (
            "nobody was taken for dead"
        )
        assert [len(one.house.neighbours.membership.shards or ()) for one in t.processes] == [SHARDS // 2] * 2


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_ids_stay_apart_and_in_order_when_the_clock_jumps(jump: float) -> None:
    async with town() as t:
        for _ in range(4):
            for chat in range(CHATS):
                t.asks(chat)
            await t.answers_within(5)
            t.clock.jump(jump)
        rows = list(t.store._outbox.values())
        by_lane: dict[str, list[int]] = {}
        for row in sorted(rows, key=lambda row: row["inbox_id"]):
            by_lane.setdefault(row["lane"], []).append(row["id"])
        assert all(ids == sorted(ids) for ids in by_lane.values()), "the order of a chat is that of its ids"
        assert max(Counter(row["id"] for row in rows).values()) == 1


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_a_retry_is_made_when_it_is_due_by_the_clock_that_nobody_sets(jump: float) -> None:
    async with town() as t:
        t.processes[0].platform.refuse.extend(
            [
                RetryLater(after=timedelta(seconds=10)),
                Unreachable("refused", maybe_sent=False),
            ]
        )
        t.asks(0)
        t.asks(1)
        await t.clock.advance(0.5)
        assert t.seen == {}
        t.clock.jump(jump)
        await t.answers_within(30)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_a_pace_is_kept_when_the_clock_jumps(jump: float) -> None:
    async with town(DeliverySettings(per_chat=0, per_bot=5)) as t:
        for chat in range(CHATS * 3):
            t.asks(chat)
        await t.clock.advance(1)
        before = len(t.processes[0].platform.delivered)
        t.clock.jump(jump)
        await t.clock.advance(2)
        sent = len(t.processes[0].platform.delivered) - before
        assert 5 <= sent <= 2 * 5 + 2, "neither a flood nor a standstill"
        await t.answers_within(20)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_what_a_dead_process_held_is_taken_over_when_the_clock_jumps(jump: float) -> None:
    async with town() as t:
        receiving_one = next(
            one for one in t.processes if one.house.neighbours.membership.duties[receiving("stage")].held
        )
        dead = next(one for one in t.processes if one is not receiving_one)
        dead.registry.alive = dead.registry.reachable = False
        dead.store._open = False  # it can write nothing any more
        for chat in range(CHATS):
            t.asks(chat)
        t.clock.jump(jump)
        await t.answers_within(2 * LEASE_SECONDS)
        states = Counter(row["state"] for row in t.store._outbox.values())
        assert states == {OutboxState.SENT: CHATS}
