"""What the house tells the watch: its own work, and nobody else's."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from faq import FaqEntry
from optfm_bot.shards import SHARDS, shard_of
from optfm_bot.store.records import NewUpdate
from optfm_bot.testing.stage import Stage
from optfm_bot.vitals import HouseVitals

PAY = FaqEntry(id="pay", question="Как оплатить заказ?", answer="Картой.")


def vitals(on: Stage, membership: Any = None) -> HouseVitals:
    house = on.house
    return HouseVitals(
        store=on.store,
        clock=on.clock,
        dispatcher=house.dispatcher,
        runners=house.runners,
        deliveries=house.deliveries,
        membership=membership,
        stopping=house.supervisor.stopping,
        entries=lambda: 1,
    )


async def waits(on: Stage, *lanes: str) -> None:
    """Let updates wait that this process does not take up."""
    await on.house.dispatcher.stop(0)
    async with on.store.unit() as unit:
        for number, lane in enumerate(lanes):
            new = NewUpdate(channel="stage", key=str(number), lane=lane, payload=b"{}")
            unit.inbox.add(new, received_at=on.clock.ms(), owner=None, lease_until=0)


async def test_of_several_processes_each_answers_for_its_own_conversations() -> None:
    async with Stage([PAY]) as on:
        await waits(on, "a", "b", "b")
        await on.clock.advance(70)
        counts, now = await on.store.counts(), on.clock.ms()
        owners = [
            vitals(on, SimpleNamespace(members=2, shards=shards, missing=()))
            for shards in ({shard_of("a")}, {shard_of("b")}, set(range(SHARDS)), ())
        ]
        found = [(await one.backlogs(counts, now))["stage"] for one in owners]

        assert [(one.waiting, one.oldest) for one in found] == [(1, 70), (2, 70), (3, 70), (0, 0)]
        assert counts.inbox_new == {"stage": 3}, "the metrics show everything, whoever is to do it"
        alone = await vitals(on).backlogs(counts, now)
        assert alone["stage"].waiting == 3
        shares = [one.share() for one in owners]
        assert [(one.members, one.shards, one.owned) for one in shares if one] == [
            (2, SHARDS, 1),
            (2, SHARDS, 1),
            (2, SHARDS, SHARDS),
            (2, SHARDS, 0),
        ]
        assert vitals(on).share() is None


async def test_a_database_that_does_not_answer_is_said_after_three_seconds(monkeypatch: Any) -> None:
    async with Stage([PAY]) as on:
        monkeypatch.setattr(on.store, "check", lambda: on.clock.sleep(3600))

        task = asyncio.create_task(on.house.watch.verdict())
        await on.clock.advance(2.9)
        assert not task.done()
        await on.clock.advance(0.2)

        assert [problem.text for problem in (await task).problems] == ["the database does not answer"]
