"""Who of us is told of a new request: in turn, again if need be, and never twice."""

from __future__ import annotations

from datetime import timedelta

from channels.capabilities import Capabilities
from channels.errors import Rejected, RetryLater, Unreachable
from channels.model import Receipt, Rendered
from optfm_bot.blueprint import HouseSettings
from optfm_bot.clock import ManualClock
from optfm_bot.dispatch.requests import Office
from optfm_bot.domain.requests import Assign, Manager
from optfm_bot.people import PeoplePlan, PeopleSettings
from tests.flows.desk import StageWith
from tests.flows.requesting import answers, filled


class Pigeons:
    """A carrier of notices that a test reads."""

    instance = "notify"
    capabilities = Capabilities(text_limit=100_000)

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.told: list[tuple[str, str]] = []
        self.tries = 0
        self.before: list[Exception] = []
        """Raised, one for each try, with nothing told."""
        self.after: list[Exception] = []
        """Raised once it is told."""

    async def deliver(self, message: Rendered) -> Receipt:
        self.tries += 1
        if self.before:
            raise self.before.pop(0)
        self.told.append((message.chat.chat_id, message.plain))
        if self.after:
            raise self.after.pop(0)
        return Receipt(external_ids=(), sent_at=self.clock.now())


def with_managers(*names: str) -> HouseSettings:
    office = Office(
        managers=[Manager(name=name) for name in names],
        rule=Assign.ROUND_ROBIN,
        hearers=lambda name: (name,) if name else ("everybody",),
    )
    return HouseSettings(join_window=0, person_per_minute=0, people=PeopleSettings(office=office))


async def test_managers_are_told_in_turn(stage_with: StageWith) -> None:
    pigeons = Pigeons()
    settings = with_managers("Ольга", "Павел", "Рита")
    async with stage_with(settings=settings, people=PeoplePlan(notify=pigeons)) as stage:
        for number in range(5):
            await filled(stage.person(f"Клиент {number}"), "Анна")
            stage.clock.jump(60)
        assert [hearer for hearer, _ in pigeons.told] == ["Ольга", "Павел", "Рита", "Ольга", "Павел"]
        newest = (await stage.store.requests())[0]
        assert newest.assignee == "Павел"
        subject, _, body = pigeons.told[-1][1].partition("\n")
        assert subject == f"Заявка {newest.number}: Заявка"
        for words in ("Имя: Анна", "Телефон: +79001234567", "Описание: Нужен счёт", "Ответственный: Павел"):
            assert words in body


async def test_a_notice_is_tried_again_until_it_is_told(stage_with: StageWith) -> None:
    pigeons = Pigeons()
    pigeons.before = [
        RetryLater("busy", after=timedelta(minutes=3)),
        Unreachable(maybe_sent=False),
        RetryLater("busy"),
    ]
    async with stage_with(settings=with_managers("Ольга"), people=PeoplePlan(notify=pigeons)) as stage:
        anna = stage.person()
        await filled(anna)
        assert (pigeons.tries, len(pigeons.told)) == (4, 1)
        await anna.says("сколько стоит доставка")
        anna.sees("300 ₽")


async def test_a_notice_of_which_nobody_knows_is_not_told_twice(stage_with: StageWith) -> None:
    pigeons = Pigeons()
    pigeons.after = [Unreachable(maybe_sent=True)]
    async with stage_with(settings=with_managers("Ольга"), people=PeoplePlan(notify=pigeons)) as stage:
        anna = stage.person()
        await filled(anna)
        store = stage.store
    async with stage_with(
        settings=with_managers("Ольга"), people=PeoplePlan(notify=pigeons), store=store, first_update=100
    ) as stage:
        await stage.settle()
    assert len(pigeons.told) == 1


async def test_a_notice_that_nobody_takes_does_not_harm_the_request(stage_with: StageWith) -> None:
    pigeons = Pigeons()
    pigeons.before = [Rejected("no such target")]
    async with stage_with(settings=with_managers("Ольга"), people=PeoplePlan(notify=pigeons)) as stage:
        anna = stage.person()
        await filled(anna)
        assert pigeons.told == []
        assert len(await stage.store.requests()) == 1


async def test_a_notice_that_waits_is_told_after_a_restart(stage_with: StageWith) -> None:
    pigeons = Pigeons()
    pigeons.before = [RetryLater("closed", after=timedelta(hours=2))]
    plan = PeoplePlan(notify=pigeons)
    async with stage_with(settings=with_managers("Ольга"), people=plan) as stage:
        anna = stage.person()
        await anna.says("/request")
        anna.sees()
        await answers(anna, "Анна", "+7 900 123-45-67", "пропустить", "Нужен счёт")
        anna.writes("да")
        while not pigeons.tries:
            await stage.clock.advance(0.01)
        store, moment = stage.store, stage.clock.now()
    assert pigeons.told == []
    async with stage_with(
        settings=with_managers("Ольга"), people=plan, store=store, first_update=100
    ) as stage:
        stage.clock.jump((moment - stage.clock.now()).total_seconds() + 7200)
        await stage.settle()
        assert [hearer for hearer, _ in pigeons.told] == ["Ольга"]
