"""Several processes, one bot: whoever a message reaches, it is answered once and in order, also when processes die."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from channels.model import Body, Paragraph, Text
from faq import FaqManager
from optfm_bot.cluster.registry import GONE_SECONDS, LEASE_SECONDS
from optfm_bot.dispatch.notice import Notice
from optfm_bot.errors import StoreUnavailable
from optfm_bot.outbox.outgoing import DeliverySettings
from optfm_bot.receive.status import ChannelState
from optfm_bot.shards import shard_of
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import OutboxState, StoredUpdate
from optfm_bot.store.unit import UnitOfWork
from optfm_bot.testing.platform import WITHOUT_BUTTONS
from optfm_bot.testing.stage import Person
from optfm_bot.testing.stages import Stages

ANSWERS = {
    "сколько стоит доставка": "300 ₽",
    "какие сроки доставки": "2–7 дней",
    "как оплатить заказ": "По счёту",
    "как вернуть товар": "14 дней",
    "как вернуть деньги": "10 дней",
}
TAKEN_OVER = LEASE_SECONDS + 2
SEEDS = range(4)


@pytest.fixture
def stages(faq: FaqManager) -> Callable[..., Any]:
    """A maker of houses that share everything, for an `async with` block."""

    @asynccontextmanager
    async def make(count: int = 2, **options: Any) -> AsyncIterator[Stages]:
        async with Stages(faq, count=count, **options) as made:
            yield made

    return make


def dice(seed: int) -> random.Random:
    """The same luck every time."""
    return random.Random(seed)  # noqa: S311 - keeps no secret


def sees_answers(person: Person, questions: Sequence[str]) -> None:
    """The person sees exactly the answers to these questions, in order."""
    seen = [one.message.text for one in person.inbox]
    assert len(seen) == len(questions), seen
    for text, question in zip(seen, questions, strict=True):
        assert ANSWERS[question] in text, (seen, questions)


async def converse(on: Stages, rng: random.Random, people: int, rounds: int) -> dict[str, list[str]]:
    """Many people ask through any of the houses, without waiting; gives who asked what."""
    asked: dict[str, list[str]] = {f"П{number}": [] for number in range(people)}
    for _ in range(rounds):
        for name, questions in asked.items():
            question = rng.choice(list(ANSWERS))
            questions.append(question)
            through = rng.randrange(len(on.houses))
            speaker(on, name, through, len(questions)).writes(question)
            await asyncio.sleep(0)
        await on.clock.advance(rng.choice([0, 0.05, 0.3]))
    return asked


def speaker(on: Stages, name: str, through: int, number: int) -> Person:
    """The same person, whose next update comes through another house; each update has its own number."""
    person = on.person(name, through=through)
    person._wrote = number
    return person


def all_see_their_answers(on: Stages, asked: dict[str, list[str]]) -> None:
    for name, questions in asked.items():
        sees_answers(on.person(name), questions)


def all_see_answers_in_the_order_of_storing(on: Stages, asked: dict[str, list[str]]) -> None:
    """Where updates were brought again and again, the order in which they were stored is the conversation's."""
    for name, questions in asked.items():
        person = on.person(name)
        stored = on.stored(person)
        assert Counter(stored) == Counter(questions), "stored once each"
        sees_answers(person, stored)


# -- every day -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_whichever_house_a_message_reaches_it_is_answered_once_and_in_order(
    stages: Any, count: int
) -> None:
    async with stages(count) as on:
        asked = await converse(on, dice(count), people=12, rounds=6)
        await on.settle()

        all_see_their_answers(on, asked)
        assert all(on.door(stage).own for stage in on.houses), "every house has its part of the work"
        assert await on.states() == dict.fromkeys(OutboxState, 0)


async def test_a_push_that_is_repeated_at_another_house_is_answered_once(stages: Any) -> None:
    async with stages() as on:
        anna = on.person()
        anna.writes("как оплатить заказ")
        raw = on.door(on.houses[0]).posts._queue[0]
        on.door(on.houses[1]).repeat(raw)
        on.door(on.houses[0]).repeat(raw)
        await on.settle()

        sees_answers(anna, ["как оплатить заказ"])


async def test_one_house_polls_and_all_answer(stages: Any) -> None:
    async with stages(3, pushed=False) as on:
        states = [stage.house.runners["stage"].status.now.state for stage in on.houses]
        assert Counter(states) == {ChannelState.CONNECTED: 1, ChannelState.STANDBY: 2}
        asked = await converse(on, dice(7), people=12, rounds=4)
        await on.settle()

        all_see_their_answers(on, asked)
        assert all(on.door(stage).own for stage in on.houses)


async def test_an_answer_does_not_wait_for_a_sweep(stages: Any) -> None:
    """The house that was brought an update tells the one that answers."""
    async with stages() as on:
        bella = on.person_of(on.houses[1], through=0)
        began = on.clock.monotonic()
        await bella.says("как оплатить заказ")

        bella.sees("По счёту")
        assert on.clock.monotonic() - began < 0.5


async def test_houses_that_come_and_go_in_peace_lose_and_double_nothing(stages: Any) -> None:
    async with stages(1) as on:
        rng = dice(11)
        asked: dict[str, list[str]] = {}
        for step in range(6):
            if step in {1, 2, 4}:
                await on.another()
            elif step in {3, 5}:
                await on.stop(on.houses[0])
            for name, questions in (await converse(on, rng, people=8, rounds=3)).items():
                asked.setdefault(f"{name}", [])
                asked[name] += questions
            # The people of the next step go on with other numbers, as a platform counts.
            await on.settle()
            all_see_their_answers(on, asked)
            _renumber(on, asked)


def _renumber(on: Stages, asked: dict[str, list[str]]) -> None:
    """What is over is forgotten on both sides, so that the next step begins anew."""
    on.platform.delivered.clear()
    for questions in asked.values():
        questions.clear()


# -- conversations that change hands -------------------------------------------------------------------


async def test_a_language_that_was_chosen_at_one_house_is_spoken_by_the_next(stages: Any) -> None:
    async with stages() as on:
        first, second = on.houses
        anna = on.person_of(first, through=1)
        await anna.says("/language")
        anna.sees()
        await anna.presses("English")
        anna.sees()
        await on.kill(first)
        await on.divided()
        assert on.owner(anna.chat) is second
        await anna.says("сколько стоит доставка")

        anna.sees("from 300 ₽")


async def test_a_button_of_one_house_is_understood_by_the_next(stages: Any) -> None:
    async with stages() as on:
        first, second = on.houses
        anna = on.person_of(first, through=1)
        await anna.says("сколько стоит доставка")
        answer = anna.sees("300 ₽")
        await on.stop(first)
        await on.divided()
        assert on.owner(anna.chat) is second
        await anna.presses("Сроки", on=answer)

        anna.sees("2–7 дней")


async def test_a_number_that_one_house_has_offered_is_understood_by_the_next(stages: Any) -> None:
    async with stages(capabilities=WITHOUT_BUTTONS) as on:
        first, second = on.houses
        anna = on.person_of(first, through=1)
        await anna.says("сколько стоит доставка")
        anna.sees("300 ₽")
        await on.kill(first)
        await on.divided()
        assert on.owner(anna.chat) is second
        await anna.says("1")

        anna.sees("2–7 дней")


async def test_what_a_house_remembers_of_a_conversation_is_not_used_when_it_comes_back(stages: Any) -> None:
    """It had the conversation, another one went on with it, and now it is here again."""
    async with stages(1) as on:
        (first,) = on.houses
        anna = on.person(through=0)
        await anna.says("сколько стоит доставка")
        anna.sees("300 ₽")
        second = await on.another()
        await on.divided()
        while on.owner(anna.chat) is first:  # let it be the other's
            await on.another()
            await on.divided()
        owner = on.owner(anna.chat)
        await anna.says("/language")
        anna.sees()
        await anna.presses("English")
        anna.sees()
        for stage in [stage for stage in on.houses if stage is not first]:
            await on.stop(stage)
        await on.divided()
        assert on.owner(anna.chat) is first
        await anna.says("сколько стоит доставка")

        anna.sees("from 300 ₽")
        assert owner is not first
        assert second is not first


async def test_one_call_that_hangs_holds_up_no_shard_but_its_own(
    stages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stages(1) as on:
        (first,) = on.houses
        people = [on.person(f"П{number}") for number in range(40)]
        hanging, deliver = asyncio.Event(), first.platform.deliver

        async def slow(message: Any) -> Any:
            if message.chat == people[0].chat:
                await hanging.wait()
            return await deliver(message)

        monkeypatch.setattr(first.platform, "deliver", slow)
        people[0].writes("как оплатить заказ")
        await on.clock.advance(0.1)
        while on.is_owned(people[0]):  # until its shard is among those that are being given away
            await on.another()
            await on.clock.advance(2)
        for person in people[1:]:
            person.writes("как оплатить заказ")
        await on.clock.advance(10)
        answered = [bool(person.inbox) for person in people]
        hanging.set()
        await on.settle()

        held_up = shard_of(str(people[0].chat))
        assert answered == [shard_of(str(person.chat)) != held_up for person in people]
        assert sum(answered) > 30


# -- houses that die -----------------------------------------------------------------------------------


async def test_what_a_killed_house_had_not_handled_is_handled_by_another(
    stages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stages() as on:
        first, second = on.houses

        async def stuck(_group: Any) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(first.house.dispatcher._lanes._handler, "handle", stuck)
        people = [on.person_of(first, f"Анна{number}x", through=number % 2) for number in range(6)]
        for person in people:
            for question in ANSWERS:
                person.writes(question)
        await on.clock.advance(2)
        assert on.platform.delivered == []
        assert first.house.dispatcher.held > 0
        killed = on.clock.monotonic()
        await on.kill(first)
        await on.settle()

        assert on.clock.monotonic() - killed < GONE_SECONDS + 2
        for person in people:
            sees_answers(person, list(ANSWERS))
        assert not on.door(first).own
        assert on.houses == [second]


async def test_what_a_killed_house_had_not_sent_is_sent_by_another(stages: Any) -> None:
    async with stages(delivery=DeliverySettings(per_chat=0, per_bot=0, concurrency=1)) as on:
        first, _ = on.houses
        on.door(first).gate.clear()
        people = [on.person_of(first, f"Анна{number}x", through=number % 2) for number in range(6)]
        for person in people:
            for question in ANSWERS:
                person.writes(question)
        await on.clock.advance(2)
        assert (on.door(first).calling, on.platform.delivered) == (1, [])
        assert (await on.states())[OutboxState.READY] == 29
        await on.kill(first)
        await on.settle()

        assert await on.states() == {**dict.fromkeys(OutboxState, 0), OutboxState.UNCERTAIN: 1}
        in_doubt = [person for person in people if len(person.inbox) != 5]
        for person in people:
            questions = list(ANSWERS) if person not in in_doubt else list(ANSWERS)[1:]
            sees_answers(person, questions)
        assert len(in_doubt) == 1, "the one message whose call was under way, and which may have arrived"


async def test_when_the_house_that_polls_is_killed_another_one_polls(stages: Any) -> None:
    async with stages(3, pushed=False) as on:
        (poller,) = (
            stage
            for stage in on.houses
            if stage.house.runners["stage"].status.now.state is ChannelState.CONNECTED
        )
        asked = await converse(on, dice(3), people=10, rounds=2)
        await on.settle()
        await on.kill(poller)
        began = on.clock.monotonic()
        for name, questions in asked.items():
            questions.append("как оплатить заказ")
            speaker(on, name, 0, len(questions)).writes(questions[-1])
        await on.settle()

        all_see_their_answers(on, asked)
        assert on.clock.monotonic() - began < GONE_SECONDS + 2


@pytest.mark.parametrize("pushed", [True, False], ids=["pushed", "polled"])
@pytest.mark.parametrize("seed", SEEDS)
async def test_houses_killed_at_any_moment_lose_nothing_and_double_nothing(
    stages: Any,
    seed: int,
    pushed: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """A message whose call was under way may be in doubt; everything else is answered once and in order."""
    async with stages(3, pushed=pushed) as on:
        rng = dice(seed)
        asked: dict[str, list[str]] = {f"П{number}": [] for number in range(12)}
        for _ in range(3):
            for name, questions in asked.items():
                for _ in range(2):
                    questions.append(rng.choice(list(ANSWERS)))
                    through = rng.randrange(len(on.houses))
                    speaker(on, name, through, len(questions)).writes(questions[-1])
                    for _ in range(rng.randrange(4)):
                        await asyncio.sleep(0)
            for _ in range(rng.randrange(60)):
                await asyncio.sleep(0)
            await on.kill(rng.choice(on.houses))
            await on.another()
            await on.clock.advance(rng.choice([0, 1, 5]))
        await on.settle()

        states = await on.states()
        lost = 0
        for name, written in asked.items():
            texts = [one.message.text for one in on.person(name).inbox]
            questions = on.stored(on.person(name))
            assert Counter(questions) == Counter(written), "stored once each"
            place = 0
            for text in texts:  # a subsequence, in order: nothing twice
                while place < len(questions) and ANSWERS[questions[place]] not in text:
                    place, lost = place + 1, lost + 1
                assert place < len(questions), (texts, questions)
                place += 1
            lost += len(questions) - place
        assert lost <= states[OutboxState.UNCERTAIN]
        assert states[OutboxState.FAILED] == states[OutboxState.DROPPED] == 0


# -- houses that are cut off or stand still ------------------------------------------------------------


@pytest.mark.parametrize("late", [False, True], ids=["not arrived yet", "arrived already"])
async def test_a_call_that_outlives_its_lease_is_not_made_twice(stages: Any, late: bool) -> None:  # noqa: FBT001 - a case of the table
    async with stages() as on:
        first, second = on.houses
        await on.clock.advance(LEASE_SECONDS + 1)
        anna = on.person_of(first, through=1)
        on.door(first).gate.clear()
        on.door(first).late = late
        anna.writes("как оплатить заказ")
        anna.writes("как вернуть товар")
        await on.clock.advance(1)
        assert on.door(first).calling == 1
        first.door.reachable = False
        await on.clock.advance(TAKEN_OVER)
        on.door(first).gate.set()
        await on.clock.advance(5)
        first.door.reachable = True
        await on.clock.advance(10)
        await on.settle()

        texts = [one.message.text for one in anna.inbox]
        assert len([text for text in texts if "По счёту" in text]) == 1
        assert len([text for text in texts if "14 дней" in text]) == 1
        assert "14 дней" in "".join(on.door(second).own), "the next answer is the new owner's"
        assert len(on.door(first).own) == 1
        await on.divided()


async def test_a_house_past_its_lease_cannot_answer_what_another_has_answered(
    stages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stood still in the middle of handling, and wakes up when all is done: its commit is refused."""
    async with stages() as on:
        first, second = on.houses
        await on.clock.advance(LEASE_SECONDS + 1)
        anna = on.person_of(first, through=1)
        asleep = asyncio.Event()
        commit = first.store._commit

        async def slow(unit: UnitOfWork) -> None:
            await asleep.wait()
            await commit(unit)

        monkeypatch.setattr(first.store, "_commit", slow)
        anna.writes("как оплатить заказ")
        await on.clock.advance(0.2)
        first.door.reachable = False
        await on.clock.advance(TAKEN_OVER)
        sees_answers(anna, ["как оплатить заказ"])
        assert on.door(second).own
        asleep.set()
        first.door.reachable = True
        await on.clock.advance(30)
        await on.settle()

        sees_answers(anna, ["как оплатить заказ"])
        assert on.door(first).own == []
        assert len(await on.store.turns(str(anna.chat))) == 2, "nor does the history have it twice"


async def test_a_message_that_waits_past_the_lease_is_sent_by_the_new_owner_alone(stages: Any) -> None:
    """A pace held it back; the house that had it cannot be reached, though the platform can."""
    async with stages(delivery=DeliverySettings(per_chat=0.1, per_bot=0, burst=1)) as on:
        first, second = on.houses
        await on.clock.advance(LEASE_SECONDS + 1)
        anna = on.person_of(first, through=1)
        anna.writes("как оплатить заказ")
        anna.writes("как вернуть товар")
        await on.clock.advance(1)
        sees_answers(anna, ["как оплатить заказ"])
        first.door.reachable = False
        await on.clock.advance(20)
        sees_answers(anna, ["как оплатить заказ", "как вернуть товар"])
        assert len(on.door(second).own) == 1
        first.door.reachable = True
        await on.clock.advance(30)
        await on.settle()

        sees_answers(anna, ["как оплатить заказ", "как вернуть товар"])


async def test_a_house_that_is_alone_and_cut_off_goes_on_when_it_is_back(stages: Any) -> None:
    async with stages(1) as on:
        (first,) = on.houses
        anna = on.person()
        first.door.reachable = False
        await on.clock.advance(30)
        anna.writes("как оплатить заказ")
        await on.clock.advance(10)
        first.door.reachable = True
        await on.settle()

        sees_answers(anna, ["как оплатить заказ"])
        assert first.house.neighbours.membership.tenure == 1, "nobody was there to take over"


async def test_a_house_that_was_removed_while_it_gave_shards_away_is_back_soon(stages: Any) -> None:
    async with stages(1) as on:
        (first,) = on.houses
        on.door(first).gate.clear()
        anna = on.person()
        anna.writes("как оплатить заказ")
        await on.clock.advance(1)
        await on.another()
        await on.clock.advance(3)
        on.cluster.remove(first.house.neighbours.membership.tenure)
        await on.clock.advance(5)
        await on.divided()
        on.door(first).gate.set()
        await on.settle()

        assert len(anna.inbox) == 1


async def test_a_house_that_cannot_say_goodbye_stops_in_time(
    stages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that does not answer holds up nobody who ends; the others find the dead by themselves."""
    async with stages(1) as on:
        (first,) = on.houses
        neighbours = first.house.neighbours

        async def never(tenure: int) -> None:
            del tenure
            await asyncio.get_running_loop().create_future()

        with monkeypatch.context() as patched:
            patched.setattr(first.door, "leave", never)
            stopping = asyncio.create_task(neighbours.stop(1))
            await on.clock.advance(4)
            ended = stopping.done()
        stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)

        assert ended


# -- notices -------------------------------------------------------------------------------------------


def notice(person: Person, words: str) -> Notice:
    return Notice(chat=person.chat, body=Body((Paragraph((Text(words),)),)))


async def test_a_notice_is_sent_by_the_house_whose_conversation_it_is(stages: Any) -> None:
    async with stages() as on:
        first, second = on.houses
        anna, boris = on.person_of(first), on.person_of(second, "Борис")
        began = on.clock.monotonic()
        for person in (anna, boris):
            await first.house.notices.send(notice(person, f"Заказ {person.chat.chat_id} готов"))
        await on.settle()

        anna.sees("готов")
        boris.sees("готов")
        assert (len(on.door(first).own), len(on.door(second).own)) == (1, 1)
        assert on.clock.monotonic() - began < 0.5, "the other one was told"


async def test_a_notice_that_nobody_was_told_of_is_found(
    stages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stages() as on:
        first, second = on.houses
        boris = on.person_of(second)
        monkeypatch.setattr(first.door, "tell", lambda _topic, _text: None)
        await first.house.notices.send(notice(boris, "Заказ готов"))
        began = on.clock.monotonic()
        await on.settle()

        boris.sees("готов")
        assert len(boris.inbox) == 1
        assert on.clock.monotonic() - began < 10


async def test_a_notice_that_nobody_was_told_of_is_found_though_others_come_all_the_time(
    stages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stages() as on:
        first, second = on.houses
        boris, vera = on.person_of(second, "Борис"), on.person_of(second, "Вера")
        tell = first.door.tell
        monkeypatch.setattr(first.door, "tell", lambda _topic, _text: None)
        await first.house.notices.send(notice(boris, "Заказ готов"))
        monkeypatch.setattr(first.door, "tell", tell)
        for _ in range(20):
            await first.house.notices.send(notice(vera, "Скидка"))
            await on.clock.advance(1)

        assert [one.message.text for one in boris.inbox] == ["Заказ готов"]
        assert len(vera.inbox) == 20


# -- pace ----------------------------------------------------------------------------------------------


async def test_houses_keep_the_pace_of_the_bot_together(stages: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    per_bot = 10
    async with stages(delivery=DeliverySettings(per_chat=0, per_bot=per_bot)) as on:
        moments: list[float] = []
        for stage in on.houses:
            deliver = stage.platform.deliver

            async def timed(message: Any, deliver: Any = deliver) -> Any:
                moments.append(on.clock.monotonic())
                return await deliver(message)

            monkeypatch.setattr(stage.platform, "deliver", timed)
        began = on.clock.monotonic()
        for number in range(60):
            on.person(f"П{number}", through=number % 2).writes("как оплатить заказ")
        await on.settle()

        assert len(moments) == 60
        seconds = Counter(int(moment - began) for moment in moments)
        assert seconds[0] <= 2 * per_bot + 2, "a burst, and the second's own"
        assert all(count <= per_bot + 2 for second, count in seconds.items() if second > 0), seconds
        assert 4 <= max(moments) - began <= 7
        assert all(on.door(stage).own for stage in on.houses)


# -- answers of the store that get lost ----------------------------------------------------------------


class LossyStore(MemoryStore):
    """Refuses, or stores and does not say so, as luck has it. Its doors share what is stored; each has its own luck."""

    def __init__(self) -> None:
        super().__init__()
        self.luck: Callable[[], bool] = lambda: True

    async def _commit(self, unit: UnitOfWork) -> None:
        if not self.luck():
            raise StoreUnavailable
        await super()._commit(unit)
        if not self.luck():
            unit.added = ()
            raise StoreUnavailable

    async def claim(self, **options: Any) -> Sequence[StoredUpdate]:
        rows = await super().claim(**options)
        if not self.luck():
            raise StoreUnavailable
        return rows


@pytest.mark.parametrize("pushed", [True, False], ids=["pushed", "polled"])
@pytest.mark.parametrize("seed", SEEDS)
async def test_lost_answers_of_the_store_lose_nothing_and_double_nothing(
    stages: Any,
    seed: int,
    pushed: bool,  # noqa: FBT001 - a case of the table
) -> None:
    async with stages(store=LossyStore(), pushed=pushed) as on:
        rng = dice(seed)
        for stage in on.houses:
            stage.store.luck = lambda: rng.random() > 0.15
        asked = await converse(on, rng, people=8, rounds=4)
        await on.settle()
        for stage in on.houses:
            stage.store.luck = lambda: True
        await on.settle()

        all_see_answers_in_the_order_of_storing(on, asked)
        assert await on.states() == dict.fromkeys(OutboxState, 0)
