"""More than can be said at once: what waits is bounded, nobody waits for another one's flood, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from channels.errors import Unreachable
from channels.model import Receipt, Rendered
from optfm_bot.blueprint import HouseSettings
from optfm_bot.outbox.outgoing import DeliverySettings
from optfm_bot.testing.stage import Person, Stage

QUESTIONS = {
    "Сколько стоит доставка?": "300 ₽",
    "Какие сроки доставки?": "2–7 дней",
    "Как оплатить заказ?": "По счёту",
    "Как вернуть товар?": "14 дней",
    "Как вернуть деньги?": "10 дней",
}
HELD = 5000
"""How many updates a process holds in memory."""

ROOM = 1000
"""How many messages may wait in an outbox before handling is held back."""


class StandingPlatform:
    """Takes the calls of a stage's platform and answers none of them until `gate` is set."""

    def __init__(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.gate = asyncio.Event()
        self.said: dict[str, list[str]] = defaultdict(list)
        self._stage = stage
        monkeypatch.setattr(stage.platform, "deliver", self._deliver)

    async def _deliver(self, message: Rendered) -> Receipt:
        await self.gate.wait()
        texts = self.said[message.chat.chat_id]
        texts.append(message.text)
        return Receipt(external_ids=(str(len(texts)),), sent_at=self._stage.clock.now())


class Gauge:
    """Looks at what waits at every turn of the loop and remembers the most."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.held = self.unsent = 0

    async def advance(self, seconds: float, turns: int = 60) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
            self._look()
        await self._stage.clock.advance(seconds)
        self._look()

    def _look(self) -> None:
        self.held = max(self.held, self._stage.house.dispatcher.held)
        self.unsent = max(self.unsent, self._stage.house.deliveries["stage"].depth)


@pytest.mark.parametrize(("people", "each"), [(6000, 1), (60, 100)], ids=["many people", "few people"])
async def test_while_the_platform_stands_still_memory_and_outbox_are_bounded_and_then_all_are_answered(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, people: int, each: int
) -> None:
    platform, gauge = StandingPlatform(stage, monkeypatch), Gauge(stage)
    everybody = [stage.person(str(number)) for number in range(people)]
    asked = list(QUESTIONS) * (each // len(QUESTIONS) + 1)
    for turn in range(each):
        for person in everybody:
            person.writes(asked[turn])
    for _ in range(60):
        await gauge.advance(1)

    assert gauge.held <= HELD
    # Whoever was let in before the outbox was full still adds the one answer that is being made.
    assert ROOM <= gauge.unsent <= ROOM + min(people, HELD)
    assert stage.metric("optfm_updates_held") == stage.house.dispatcher.held > 0
    assert stage.metric("optfm_updates_held_bytes") > stage.house.dispatcher.held
    assert (await stage.house.watch.verdict()).ready, (
        "the platform is the reason, and another process would not help"
    )

    platform.gate.set()
    async with asyncio.timeout(120):
        while not stage.quiet:
            await gauge.advance(0.1)

    assert gauge.held <= HELD
    assert gauge.unsent <= ROOM + min(people, HELD)
    expected = [QUESTIONS[question] for question in asked[:each]]
    assert len(platform.said) == people
    for person in everybody:
        said = platform.said[person.chat.chat_id]
        assert len(said) == each
        assert all(words in text for words, text in zip(expected, said, strict=True)), said


async def seconds_until_answered(stage: Stage, person: Person) -> float:
    """Let somebody ask, and measure how long they wait by the clock of the stage."""
    person.writes("как вернуть товар")
    asked = stage.clock.monotonic()
    while not person.inbox:
        assert stage.clock.monotonic() - asked < 60, "nobody answers"
        await stage.clock.advance(0.05)
    return stage.clock.monotonic() - asked


@pytest.mark.parametrize("guard", [30, 0], ids=["guarded", "unguarded"])
@pytest.mark.parametrize("flood", [400, 6000], ids=["in memory", "beyond memory"])
async def test_who_floods_is_slowed_and_nobody_else(
    stage_with: Callable[..., Stage], guard: int, flood: int
) -> None:
    paced = DeliverySettings(per_chat=1, per_bot=30)
    settings = HouseSettings(join_window=0, person_per_minute=guard)
    async with stage_with(settings=settings, delivery=paced) as stage:
        anna = stage.person("Анна")
        for _ in range(flood):
            anna.writes("как оплатить заказ")
        await stage.clock.advance(1)
        waits = []
        for number in range(10):
            waits.append(await seconds_until_answered(stage, stage.person(f"Борис {number}")))
            await stage.clock.advance(0.37)

        assert max(waits) < 0.2, waits
        slowed = len(anna.inbox)
        assert 4 <= slowed <= 15, "one a second, and what may come at once"
        await stage.clock.advance(120)
        assert (await stage.house.watch.verdict()).ready, (
            "one person cannot take the bot away from the others"
        )
        notices = [one for one in anna.inbox if "слишком много" in one.message.text]
        if guard:
            assert (len(anna.inbox), len(notices)) == (guard + 1, 1)
        else:
            assert notices == []
            assert len(anna.inbox) > slowed + 100


async def test_a_full_outbox_does_not_hold_up_the_end(stage: Stage) -> None:
    stage.platform.refuse = [Unreachable("no route", maybe_sent=False)] * 100_000
    people = [stage.person(str(number)) for number in range(1500)]
    for person in people * 2:
        person.writes("как оплатить заказ")
    await stage.clock.advance(2)
    assert stage.house.deliveries["stage"].full
    assert stage.house.dispatcher.held > 0

    began = stage.clock.monotonic()
    stopping: asyncio.Task[Any] = asyncio.create_task(stage.house.stop())
    while not stopping.done():
        await stage.clock.advance(0.1)
    await stopping

    assert stage.clock.monotonic() - began < 1
