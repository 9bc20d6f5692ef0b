"""Waiting for a person: hours, nobody who answers, somebody who stops, coming back, and ending."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from optfm_bot.dispatch.inner import STAFF, staff_update
from optfm_bot.domain.handoff import Cue
from optfm_bot.domain.hours import Hours, Interval
from tests.flows.desk import StageWith, at_the_desk
from tests.flows.waiting import called, later

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
WEEK = (*[(Interval(9 * 60, 18 * 60),)] * 5, (), ())
OFFICE = Hours(zone=ZoneInfo("Europe/Moscow"), week=WEEK)
"""Monday to Friday, nine to six."""

THURSDAY_NOON = datetime(2026, 1, 15, 9, tzinfo=UTC)
FRIDAY_NIGHT = datetime(2026, 1, 16, 20, tzinfo=UTC)


# -- hours -----------------------------------------------------------------------------------------------


async def test_out_of_hours_the_next_opening_is_named(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with, hours=OFFICE, at=FRIDAY_NIGHT) as (stage, desk):
        anna = stage.person()
        await anna.says("/operator")
        anna.sees("в понедельник, 19 января, в 09:00")
        assert desk.ticket(anna).open
        await later(stage, 2 * DAY)
        anna.sees_nothing()  # nobody was to answer yet
        await later(stage, 12 * HOUR)  # Monday, 11 in the morning
        anna.sees("Пока никто не освободился")
        await later(stage, 7 * HOUR)
        await anna.says("/operator")
        anna.sees("завтра в 09:00")


async def test_in_hours_nothing_is_said_of_them(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with, hours=OFFICE, at=THURSDAY_NOON) as (stage, _):
        anna = stage.person()
        await anna.says("/operator")
        assert "рабочее время" not in anna.sees("Передал разговор человеку").message.text


async def test_who_is_never_there_promises_no_time(stage_with: StageWith) -> None:
    closed = Hours(zone=OFFICE.zone, week=((),) * 7)
    async with at_the_desk(stage_with, hours=closed) as (stage, _):
        anna = stage.person()
        await anna.says("/operator")
        anna.sees("когда ответят, сказать не могу")


# -- waiting ---------------------------------------------------------------------------------------------


async def test_nobody_answers_in_time_and_that_is_said_once(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await called(stage, anna)
        await later(stage, 29 * MINUTE)
        anna.sees_nothing()
        await later(stage, 2 * MINUTE)
        late = anna.sees("Пока никто не освободился")
        assert "Оставить заявку" in late.labels
        await later(stage, 3 * HOUR)
        anna.sees_nothing()
        desk.helpdesk.agent_replies(desk.ticket(anna).id, "Простите за ожидание")
        await desk.news()
        anna.sees("Простите за ожидание")
        await later(stage, DAY)
        anna.sees_nothing()


async def test_who_is_answered_in_time_hears_no_apology(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await called(stage, anna)
        await later(stage, 20 * MINUTE)
        desk.helpdesk.agent_replies(desk.ticket(anna).id, "Слушаю вас")
        await desk.news()
        anna.sees("Слушаю вас")
        await later(stage, 3 * HOUR)
        anna.sees_nothing()


async def test_a_person_who_stops_answering_is_apologised_for_and_can_be_called_again(
    stage_with: StageWith,
) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await called(stage, anna)
        desk.helpdesk.agent_replies(desk.ticket(anna).id, "Сейчас узнаю")
        await desk.news()
        anna.sees("Сейчас узнаю")
        await anna.says("хорошо, жду")
        await later(stage, 3 * HOUR)
        await anna.says("вы здесь?")
        anna.sees_nothing()
        await later(stage, HOUR + MINUTE)
        away = anna.sees("человеку пришлось отойти")
        assert away.labels == ["Позвать человека", "Не нужно"]
        await anna.presses("Позвать человека")
        anna.sees("Передал разговор человеку")
        assert len(desk.helpdesk.tickets_here) == 1
        assert desk.notes(anna)[-1] == "Клиент просит ответить человека."
        desk.helpdesk.agent_replies(desk.ticket(anna).id, "Я вернулась")
        await desk.news()
        anna.sees("Я вернулась")


async def test_after_the_apology_the_bot_may_be_asked(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await called(stage, anna)
        desk.helpdesk.agent_replies(desk.ticket(anna).id, "Минуту")
        await desk.news()
        anna.sees("Минуту")
        await anna.says("жду")
        await later(stage, 5 * HOUR)
        anna.sees("человеку пришлось отойти")
        await anna.says("сколько стоит доставка")
        anna.sees("300 ₽")


# -- coming back -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "tickets"), [(3, 1), (8, 2)])
async def test_who_comes_back_goes_on_in_the_old_ticket_for_a_week(
    stage_with: StageWith, days: int, tickets: int
) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await called(stage, anna)
        desk.helpdesk.agent_replies(desk.ticket(anna).id, "Гарантия два года")
        desk.helpdesk.close_by_agent(desk.ticket(anna).id)
        await desk.news()
        anna.sees("Гарантия два года")
        anna.sees("Разговор с человеком закончен")
        await later(stage, days * DAY)
        await anna.says("сколько стоит доставка")
        anna.sees("300 ₽")
        await anna.says("/operator")
        anna.sees("Передал разговор человеку")
        assert len(desk.helpdesk.tickets_here) == tickets
        assert desk.ticket(anna).open
        assert any("сколько стоит доставка" in note for note in desk.notes(anna)[-1:])


async def test_calling_twice_makes_one_ticket(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await anna.says("/operator")
        anna.sees("Передал разговор человеку")
        await anna.says("/operator")
        anna.sees("Человек уже позван")
        assert len(desk.helpdesk.tickets_here) == 1
        assert desk.words(anna) == ["Клиент просит позвать человека."] * 2


async def test_who_needs_nobody_any_more_closes_the_ticket(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await called(stage, anna)
        ticket = desk.ticket(anna)
        await anna.says("/cancel")
        anna.sees("человека больше не ждём")
        assert not ticket.open
        assert ticket.threads[-1].text == "Клиент больше не ждёт ответа человека, дальше отвечает бот."
        await later(stage, HOUR)
        anna.sees_nothing()
        await anna.says("/cancel")
        anna.sees("Отменять сейчас нечего")
        await anna.says("сколько стоит доставка")
        anna.sees("300 ₽")


async def test_a_ticket_that_is_closed_without_an_answer_ends_the_waiting(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await called(stage, anna)
        desk.helpdesk.close_by_agent(desk.ticket(anna).id)
        await desk.news()
        anna.sees("Разговор с человеком закончен")
        await later(stage, DAY)
        anna.sees_nothing()


# -- others of us ----------------------------------------------------------------------------------------


async def test_the_owner_on_the_phone_silences_the_bot_while_a_ticket_is_open(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await called(stage, anna)
        await anna.hears_from_us("Анна, это Ольга, звоню вам")
        await later(stage, 35 * MINUTE)
        anna.sees_nothing()  # somebody has answered, if not from the helpdesk
        await anna.says("сколько стоит доставка")
        anna.sees_nothing()
        assert desk.words(anna)[-1] == "сколько стоит доставка"
        desk.helpdesk.agent_replies(desk.ticket(anna).id, "Созвонились, всё решили")
        await desk.news()
        anna.sees("Созвонились, всё решили")
        desk.helpdesk.close_by_agent(desk.ticket(anna).id)
        await desk.news()
        anna.sees("Разговор с человеком закончен")
        await anna.says("сколько стоит доставка")
        anna.sees("300 ₽")


async def test_the_admin_pauses_the_bot_and_lets_it_speak_again(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna, lane = stage.person(), "stage:chat-Анна"

        async def admin(number: int, cue: Cue) -> None:
            await stage.house.intake.receive(STAFF, [staff_update(f"admin {number}", lane, cue, by="olga")])
            await stage.settle()

        await anna.says("сколько стоит доставка")
        anna.sees("300 ₽")
        await admin(1, Cue.HELD)
        await admin(1, Cue.HELD)
        await anna.says("сколько стоит доставка")
        await anna.says("/operator")
        anna.sees_nothing()
        await later(stage, 3 * DAY)
        await anna.says("сколько стоит доставка")
        anna.sees_nothing()
        await admin(2, Cue.RELEASED)
        await anna.says("сколько стоит доставка")
        anna.sees("300 ₽")

        await called(stage, anna)
        await admin(3, Cue.TAKEN_OVER)
        await anna.says("сколько стоит доставка")
        assert desk.words(anna)[-1] == "сколько стоит доставка"
        anna.sees_nothing()
        await admin(4, Cue.RELEASED)
        await anna.says("какие сроки доставки")
        anna.sees("2–7 дней")
        await later(stage, DAY)
        anna.sees_nothing()
