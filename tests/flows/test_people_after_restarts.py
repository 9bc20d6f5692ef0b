"""A house that stops and starts in the middle of a talk with a person: everything goes on, alarms too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from optfm_bot.dispatch.inner import STAFF, staff_update
from optfm_bot.domain.handoff import Cue
from optfm_bot.helpdesk.contract import HelpdeskContext
from optfm_bot.testing.memory_desk import MemoryHelpdesk
from optfm_bot.testing.stage import Person, Stage
from tests.flows.desk import Desk, StageWith, at_the_desk
from tests.flows.waiting import called, later

MINUTE, HOUR = 60.0, 3600.0


class Restarts:
    """A house that stops and starts, over the same store and the same helpdesk."""

    def __init__(self, stage_with: StageWith, **options: Any) -> None:
        self._stage_with = stage_with
        self._options = options
        self._kept: dict[str, Any] = {}
        self._runs = 0

    @asynccontextmanager
    async def run(self) -> AsyncIterator[tuple[Stage, Desk, Person]]:
        """One life of it; the person has seen everything that was before."""
        self._runs += 1
        options = {**self._options, **self._kept, "first_update": 1 + 1000 * self._runs}
        async with at_the_desk(self._stage_with, **options) as (stage, desk):
            person = stage.person()
            await stage.settle()
            yield stage, desk, person
            await stage.settle()
            self._kept = {"store": stage.store, "helpdesk": desk.helpdesk, "at": stage.clock.now()}


async def test_who_waits_is_waited_for_after_a_restart(stage_with: StageWith) -> None:
    house = Restarts(stage_with)
    async with house.run() as (stage, _, anna):
        await called(stage, anna)
        await later(stage, 20 * MINUTE)
    async with house.run() as (stage, desk, anna):
        await later(stage, 11 * MINUTE)
        anna.sees("Пока никто не освободился")
        await anna.says("/operator")
        anna.sees("Человек уже позван")
        assert len(desk.helpdesk.tickets_here) == 1


async def test_who_talks_to_a_person_does_so_after_a_restart(stage_with: StageWith) -> None:
    house = Restarts(stage_with)
    async with house.run() as (stage, desk, anna):
        await called(stage, anna)
        desk.helpdesk.agent_replies(desk.ticket(anna).id, "Сейчас узнаю")
        await desk.news()
        await anna.says("жду")
    async with house.run() as (stage, desk, anna):
        await anna.says("сколько стоит доставка")
        anna.sees_nothing()
        assert desk.words(anna)[-2:] == ["жду", "сколько стоит доставка"]
        await desk.news()
        anna.sees_nothing()  # what was heard before is no news
        await later(stage, 4 * HOUR)
        anna.sees("человеку пришлось отойти")
    async with house.run() as (stage, desk, anna):
        await anna.says("/operator")
        anna.sees("Передал разговор человеку")
        desk.helpdesk.agent_replies(desk.ticket(anna).id, "Нашла")
        await desk.news()
        anna.sees("Нашла")
    async with house.run() as (stage, desk, anna):
        desk.helpdesk.close_by_agent(desk.ticket(anna).id)
        await desk.news()
        anna.sees("Разговор с человеком закончен")
    async with house.run() as (_, desk, anna):
        await anna.says("сколько стоит доставка")
        anna.sees("300 ₽")
        assert len(desk.helpdesk.tickets_here) == 1


async def test_who_is_paused_stays_so_after_a_restart(stage_with: StageWith) -> None:
    house = Restarts(stage_with)
    async with house.run() as (stage, _, anna):
        await anna.says("сколько стоит доставка")
        anna.sees("300 ₽")
        await stage.house.intake.receive(STAFF, [staff_update("a", "stage:chat-Анна", Cue.HELD, by="olga")])
    async with house.run() as (_, _, anna):
        await anna.says("сколько стоит доставка")
        anna.sees_nothing()


async def test_an_offer_stands_after_a_restart(stage_with: StageWith) -> None:
    house = Restarts(stage_with)
    async with house.run() as (_, _, anna):
        await anna.says("какая гарантия на насосы")
        await anna.says("а чертежи есть")
        offer = anna.inbox[-1]
        token = next(action.token for row in offer.message.actions for action in row if action.token)
        assert "Позвать человека" in offer.labels
    async with house.run() as (_, desk, anna):
        await anna.presses_token(token)
        anna.sees("Передал разговор человеку")
        assert desk.ticket(anna).open


async def test_a_talk_goes_on_at_another_helpdesk_and_in_nobody_elses_ticket(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await called(stage, anna)
        desk.helpdesk.agent_replies(desk.ticket(anna).id, "Сейчас узнаю")
        await desk.news()
        kept: dict[str, Any] = {"store": stage.store, "at": stage.clock.now()}
        there = desk.ticket(anna).id
    other = MemoryHelpdesk(HelpdeskContext(instance="mail", clock=lambda: kept["at"]))
    async with at_the_desk(stage_with, helpdesk=other, first_update=1000, **kept) as (stage, desk):
        boris, anna = stage.person("Борис"), stage.person()
        await boris.says("/operator")
        assert desk.ticket(boris).id == there, "two helpdesks give one number to two tickets"
        anna.writes("я уже писала")
        await stage.settle()
        assert desk.words(boris) == ["Клиент просит позвать человека."]
        assert desk.words(anna) == ["я уже писала"]
        (briefing,) = desk.notes(anna)
        assert "Клиент: какая гарантия на насосы" in briefing
        assert "Сотрудник: Ольга: Сейчас узнаю" in briefing
        assert "я уже писала" not in briefing, "that stands in the ticket itself"
        desk.helpdesk.agent_replies(desk.ticket(anna).id, "Вижу")
        await desk.news()
        anna.sees("Вижу")
        await anna.says("спасибо")
        desk.helpdesk.close_by_agent(desk.ticket(anna).id)
        await desk.news()
        anna.sees("Разговор с человеком закончен")
        assert len(desk.helpdesk.tickets_here) == 2


async def test_who_takes_the_call_back_closes_nobody_elses_ticket(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        await called(stage, stage.person())
        kept: dict[str, Any] = {"store": stage.store, "at": stage.clock.now()}
    other = MemoryHelpdesk(HelpdeskContext(instance="mail", clock=lambda: kept["at"]))
    async with at_the_desk(stage_with, helpdesk=other, first_update=1000, **kept) as (stage, desk):
        boris, anna = stage.person("Борис"), stage.person()
        await boris.says("/operator")
        await anna.says("/cancel")
        anna.sees("человека больше не ждём")
        assert desk.ticket(boris).open
        assert desk.notes(boris) == []


async def test_what_waited_for_the_former_helpdesk_reaches_the_present_one(stage_with: StageWith) -> None:
    former = MemoryHelpdesk(HelpdeskContext(instance="freescout", clock=lambda: kept["at"]))
    kept: dict[str, Any] = {}
    async with at_the_desk(stage_with, helpdesk=former) as (stage, desk):
        anna, boris = stage.person(), stage.person("Борис")
        await called(stage, anna)
        former.down = True
        anna.writes("где мой заказ")
        boris.writes("/operator")
        await stage.clock.advance(5)
        kept |= {"store": stage.store, "at": stage.clock.now()}
    other = MemoryHelpdesk(HelpdeskContext(instance="mail", clock=lambda: kept["at"]))
    async with at_the_desk(stage_with, helpdesk=other, first_update=1000, **kept) as (stage, desk):
        anna, boris = stage.person(), stage.person("Борис")
        await stage.settle()
        assert desk.words(anna) == ["где мой заказ"]
        assert len([note for note in desk.notes(anna) if note.startswith("Разговор до обращения:")]) == 1
        assert desk.words(boris) == ["Клиент просит позвать человека."]
        assert (await stage.store.counts()).outbox_open == {}
