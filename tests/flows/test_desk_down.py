"""The helpdesk cannot be reached for a while: customers are told once, and nothing is lost, mixed up or doubled."""

from __future__ import annotations

import asyncio

import pytest

from channels.errors import Unreachable
from optfm_bot.receive.status import ChannelState
from optfm_bot.testing.memory_desk import MemoryHelpdesk
from optfm_bot.testing.stage import Person, Stage
from tests.flows.desk import Desk, StageWith, at_the_desk

CUSTOMERS = 50
MESSAGES = 10
HOUR = 3600.0


def all_words(helpdesk: MemoryHelpdesk) -> dict[str, list[str]]:
    """What every customer has said there, over all tickets, by name."""
    found: dict[str, list[str]] = {}
    for ticket in helpdesk.tickets_here.values():
        assert ticket.customer is not None
        found.setdefault(ticket.customer.name, []).extend(
            thread.text for thread in ticket.threads if thread.kind == "customer"
        )
    return found


async def handled(stage: Stage) -> None:
    """Wait until what has arrived is committed; what is for the helpdesk may wait on."""
    while stage.platform.waiting or stage.house.dispatcher.held:
        await asyncio.sleep(0)
        await stage.clock.advance(0.01)


async def test_an_hour_without_the_helpdesk_loses_nothing(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        people = [stage.person(f"Клиент {number:02}") for number in range(CUSTOMERS)]
        desk.helpdesk.down = True
        for person in people:
            person.writes("позовите человека")
        await handled(stage)
        await stage.clock.advance(60)
        for number in range(1, MESSAGES):
            for person in people:
                person.writes(f"{number}: {person.sender.display_name}")
            await handled(stage)
            await stage.clock.advance(40)
            stage.clock.jump(HOUR / MESSAGES - 40)
        assert desk.helpdesk.tickets_here == {}

        desk.helpdesk.down = False
        back = stage.clock.now()
        await stage.settle()
        # Whoever tries first wakes the others: no ticket waits out a minute of its own.
        assert (stage.clock.now() - back).total_seconds() < 20
        assert all_words(desk.helpdesk) == {
            (name := person.sender.display_name): [
                "позовите человека",
                *(f"{number}: {name}" for number in range(1, MESSAGES)),
            ]
            for person in people
        }
        assert len(desk.helpdesk.tickets_here) == CUSTOMERS
        for person in people:
            texts = [one.message.text for one in person.inbox]
            about = [text for text in texts if "оддержк" in text and "сохранены" in text]
            assert len(about) == 1, texts
            late = [text for text in texts if "никто не освободился" in text]
            assert len(texts) == len(about) + len(late) + sum("Передал" in text for text in texts)
        await stage.clock.advance(31)  # the next poll
        assert stage.house.report.states()["desk"]["state"] == ChannelState.CONNECTED.value


async def test_a_helpdesk_that_does_it_and_does_not_say_so_gets_nothing_twice(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        people = [stage.person(f"Клиент {number:02}") for number in range(10)]
        for person in people:
            person.writes("позовите человека")
        await handled(stage)
        for number in range(5):
            desk.helpdesk.lose = 3
            desk.helpdesk.refuse = [Unreachable(maybe_sent=True), Unreachable(maybe_sent=False)]
            for person in people:
                person.writes(str(number))
            await stage.settle()
        for person in people:
            assert desk.words(person) == ["позовите человека", *map(str, range(5))]
        assert len(desk.helpdesk.tickets_here) == 10


async def test_who_calls_while_the_helpdesk_is_down_is_told_at_once(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna, boris = stage.person("Анна"), stage.person("Борис")
        desk.helpdesk.down = True
        anna.writes("позовите человека")
        await handled(stage)
        await stage.clock.advance(5)
        anna.sees("Передал разговор человеку")
        anna.sees("Связь с поддержкой прервалась")
        boris.writes("позовите человека")
        await handled(stage)
        await stage.clock.advance(300)
        boris.sees("Связь с поддержкой сейчас прервана")
        desk.helpdesk.down = False
        await stage.settle()
        assert desk.words(boris) == ["позовите человека"]
        anna.sees_nothing()
        boris.sees_nothing()


async def test_a_wrong_key_makes_everything_wait_until_it_is_mended(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await anna.says("/operator")
        anna.sees("Передал разговор человеку")
        desk.helpdesk.revoked = True
        for number in range(5):
            anna.writes(str(number))
        await handled(stage)
        stage.clock.jump(HOUR)
        await stage.clock.advance(61)
        assert stage.house.report.states()["desk"]["state"] == ChannelState.BAD_CREDENTIALS.value
        await asked_and_answered(stage)  # nobody else waits for it

        desk.helpdesk.revoked = False
        await stage.clock.advance(61)  # it is looked after each minute
        await stage.settle()
        assert desk.words(anna)[1:] == ["0", "1", "2", "3", "4"]
        assert stage.house.report.states()["desk"]["state"] == ChannelState.CONNECTED.value


async def asked_and_answered(stage: Stage) -> Person:
    boris = stage.person("Борис")
    boris.writes("сколько стоит доставка")
    await handled(stage)
    await stage.clock.advance(1)
    boris.sees("300 ₽")
    return boris


async def test_what_agents_say_meanwhile_is_heard_afterwards(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await anna.says("/operator")
        anna.sees("Передал разговор человеку")
        ticket = desk.ticket(anna)
        desk.helpdesk.down = True
        desk.helpdesk.agent_replies(ticket.id, "Добрый день")
        desk.helpdesk.agent_replies(ticket.id, "Вы здесь?")
        await stage.clock.advance(600)
        anna.sees_nothing()
        desk.helpdesk.down = False
        await desk.news()
        anna.sees("Добрый день")
        anna.sees("Вы здесь?")
        anna.sees_nothing()


@pytest.mark.parametrize("way", ["down", "revoked"])
async def test_a_house_that_stops_meanwhile_goes_on_where_it_was(stage_with: StageWith, way: str) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await anna.says("/operator")
        setattr(desk.helpdesk, way, True)
        for number in range(3):
            anna.writes(str(number))
        await handled(stage)
        await stage.clock.advance(90)
        ticket = desk.ticket(anna)
        helpdesk, store = desk.helpdesk, stage.store
    moment = stage.clock.now()
    setattr(helpdesk, way, False)
    async with at_the_desk(stage_with, helpdesk=helpdesk, store=store, first_update=100, at=moment) as (
        again,
        _,
    ):
        await again.settle()
        again.platform.delivered.clear()
        assert [one.text for one in ticket.threads if one.kind == "customer"][1:] == ["0", "1", "2"]
        helpdesk.agent_replies(ticket.id, "Слушаю")
        await Desk(again, helpdesk).news()
        again.person().sees("Слушаю")
