"""The house: its parts joined, started, seen from outside, and stopped."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from channels.contract import ChannelContext
from channels.errors import Unauthorized
from faq import FaqEntry, FaqManager
from optfm_bot.blueprint import ChannelPlan, HouseSettings
from optfm_bot.clock import ManualClock
from optfm_bot.errors import StoreUnavailable
from optfm_bot.house import House
from optfm_bot.observe.metrics import Metrics
from optfm_bot.observe.observer import MetricsObserver
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import StoreCounts
from optfm_bot.testing.platform import MemoryPlatform
from optfm_bot.testing.stage import Stage
from optfm_bot.voice import COMMANDS

PAY = FaqEntry(id="pay", question="Как оплатить заказ?", answer="Картой.")


async def test_a_question_that_waited_in_the_store_is_answered_after_a_restart() -> None:
    store = MemoryStore()
    async with Stage([PAY], store=store) as on:
        await on.house.dispatcher.stop(0)
        on.person().writes("как оплатить заказ")
        await on.clock.advance(1)
        assert on.platform.delivered == []
        update = on.platform._events
    async with Stage([PAY], store=store, first_update=100) as again:
        again.platform._events.update(update)
        await again.settle()

        again.person().sees("Картой")


async def test_an_answer_that_could_not_leave_leaves_after_a_restart() -> None:
    store = MemoryStore()
    async with Stage([PAY], store=store) as on:
        on.platform.refuse = [Unauthorized()] * 1000
        on.person().writes("как оплатить заказ")
        await on.clock.advance(60)
        assert on.platform.delivered == []
    async with Stage([PAY], store=store, first_update=100) as again:
        await again.settle()

        again.person().sees("Картой")


async def test_what_two_runs_of_the_house_write_never_collides() -> None:
    store = MemoryStore()
    for run in range(3):
        async with Stage([PAY], store=store, first_update=1 + run * 100) as on:
            anna = on.person()
            await anna.says("как оплатить заказ")
            anna.sees("Картой")

    assert len(await store.turns("stage:chat-Анна")) == 6


async def test_a_new_base_answers_from_the_next_message_on() -> None:
    async with Stage([PAY]) as on:
        anna = on.person()
        await anna.says("как оплатить заказ")
        on.house.voice.serve(
            FaqManager([FaqEntry(id="pay", question="Как оплатить заказ?", answer="Наличными.")])
        )
        await anna.says("как оплатить заказ")

        anna.sees("Картой")
        anna.sees("Наличными")


async def test_the_status_says_what_runs_and_nothing_secret() -> None:
    async with Stage([PAY]) as on:
        await on.clock.advance(0)
        status = on.house.report.status()
        began = on.clock.now().isoformat(timespec="seconds")
        assert (status["service"], status["status"], status["channels"]) == (
            "OptFM",
            "running",
            {"stage": {"state": "connected", "since": began}},
        )
        await on.clock.advance(60)
        on.house.runners["stage"].status.failed(Unauthorized("revoked"))

        status = on.house.report.status()
        assert status["status"] == "degraded"
        assert status["channels"]["stage"] == {
            "state": "bad_credentials",
            "since": on.clock.now().isoformat(timespec="seconds"),
            "why": "revoked",
            "to_do": "Проверьте токен в настройках канала и перезапустите бота. Исходящие ждут.",
        }


async def test_a_house_that_can_work_has_no_problems() -> None:
    async with Stage([PAY]) as on:
        assert (await on.house.watch.verdict()).status == "ok"


async def test_problems_name_an_empty_base_a_broken_store_and_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def down() -> None:
        raise StoreUnavailable("the disk is full")

    async with Stage([]) as on:
        monkeypatch.setattr(on.store, "check", down)
        found = await on.house.watch.verdict()
        assert [problem.text for problem in found.problems] == [
            "the disk is full",
            "the knowledge base is empty",
        ]
        assert not found.ready
        on.house.supervisor.stopping.set()

        assert (await on.house.watch.verdict()).problems[0].text == "stopping"


async def test_waiting_work_is_counted_and_a_broken_store_does_not_end_the_counting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Stage([PAY]) as on:
        counts, broken = on.store.counts, [StoreUnavailable()]

        async def shaky() -> StoreCounts:
            if broken:
                raise broken.pop()
            return await counts()

        monkeypatch.setattr(on.store, "counts", shaky)
        on.platform.refuse = [Unauthorized()] * 1000
        on.person().writes("как оплатить заказ")
        await on.clock.advance(11)

        assert on.metric("optfm_outbox_depth", channel="stage") == 1


async def test_a_supervised_part_hears_of_the_end() -> None:
    heard = asyncio.Event()

    async def part(stopping: asyncio.Event) -> None:
        await stopping.wait()
        heard.set()

    async with Stage([PAY]) as on:
        on.house.supervise("part", part)

    assert heard.is_set()


async def test_stopping_ends_every_task() -> None:
    before = asyncio.all_tasks()
    async with Stage([PAY]) as on:
        people = [on.person(str(number)) for number in range(20)]
        for person in people:
            person.writes("как оплатить заказ")
        await on.clock.advance(0)

    assert asyncio.all_tasks() == before


class Platform(MemoryPlatform):
    """A platform under another name, which remembers the commands that were shown."""

    def __init__(self, instance: str, clock: ManualClock) -> None:
        super().__init__(ChannelContext(instance=instance, clock=clock.now))
        self.commands: Any = None
        self.closed = 0

    async def publish_commands(self, commands: Any) -> None:
        self.commands = commands

    async def close(self) -> None:
        self.closed += 1


async def test_every_channel_gets_its_commands_in_every_language_and_is_closed() -> None:
    clock, store = ManualClock(), MemoryStore()
    platforms = [Platform(name, clock) for name in ("one", "two")]
    house = House(
        [ChannelPlan(channel=platform) for platform in platforms],
        FaqManager([PAY]),
        store=store,
        clock=clock,
        observer=MetricsObserver(Metrics(version="test")),
        settings=HouseSettings(join_window=0),
        rng=random.Random(1),  # noqa: S311 - keeps no secret
    )
    await store.open()
    await house.start()
    await clock.advance(1)
    await house.stop()

    for platform in platforms:
        assert {code: [c.name for c in found] for code, found in platform.commands.items()} == {
            "ru": list(COMMANDS),
            "en": list(COMMANDS),
        }
        assert platform.closed == 1
