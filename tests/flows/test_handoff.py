"""The bot calls a person, is silent while they talk, and comes back."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from channels.capabilities import Capabilities
from channels.errors import RetryLater
from optfm_bot.testing.platform import WITH_BUTTONS, WITHOUT_BUTTONS
from optfm_bot.testing.stage import Stage
from tests.flows.desk import StageWith, at_the_desk


async def test_from_a_question_to_a_person_and_back(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await anna.says("какая у вас гарантия на насосы")
        anna.sees("Пока не знаю точного ответа")
        await anna.says("позовите человека")
        anna.sees("Передал разговор человеку")

        ticket = desk.ticket(anna)
        assert desk.words(anna) == ["какая у вас гарантия на насосы"]
        (note,) = desk.notes(anna)
        assert "Пока не знаю точного ответа" in note
        assert ticket.subject.endswith("какая у вас гарантия на насосы")

        await anna.says("насос купили в мае")
        assert desk.words(anna) == ["какая у вас гарантия на насосы", "насос купили в мае"]
        anna.sees_nothing()

        desk.helpdesk.agent_replies(ticket.id, "Гарантия два года.", name="Ольга")
        await desk.news()
        told = anna.sees("Гарантия два года.")
        assert "Ольга" in told.message.text

        await anna.says("сколько стоит доставка")
        anna.sees_nothing()
        assert desk.words(anna)[-1] == "сколько стоит доставка"

        desk.helpdesk.close_by_agent(ticket.id)
        await desk.news()
        anna.sees("Разговор с человеком закончен")
        await anna.says("сколько стоит доставка")
        anna.sees("300 ₽")


async def test_a_reply_in_a_row_of_news_is_passed_on_once(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await anna.says("/operator")
        anna.sees("Передал разговор человеку")
        ticket = desk.ticket(anna)
        desk.helpdesk.agent_replies(ticket.id, "Добрый день")
        for _ in range(3):
            await desk.news()
        desk.helpdesk.agent_replies(ticket.id, "Чем помочь?")
        await desk.news()
        anna.sees("Добрый день")
        anna.sees("Чем помочь?")
        anna.sees_nothing()


async def test_what_the_bot_had_promised_is_not_said_once_a_person_talks(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await anna.says("/operator")
        anna.sees("Передал")
        ticket = desk.ticket(anna)
        await anna.says("/cancel")
        anna.sees("человека больше не ждём")
        stage.platform.refuse = [RetryLater("busy", after=timedelta(minutes=2))]
        anna.writes("сколько стоит доставка")
        while stage.platform.refuse:  # noqa: ASYNC110 - the clock stands still until we move it
            await asyncio.sleep(0)
        desk.helpdesk.reopen(ticket.id)
        desk.helpdesk.agent_replies(ticket.id, "Я здесь")
        await desk.news()
        anna.sees("Я здесь")
        anna.sees_nothing()


@pytest.mark.parametrize("words", ["позовите оператора", "хочу поговорить с человеком", "/operator"])
async def test_a_person_is_called_in_plain_words(stage_with: StageWith, words: str) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await anna.says(words)
        anna.sees("Передал разговор человеку")
        assert desk.words(anna)


async def test_two_failures_in_a_row_offer_a_person(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await anna.says("какая у вас гарантия на насосы")
        anna.sees("Пока не знаю")
        await anna.says("а чертежи есть")
        offer = anna.sees("Могу позвать человека")
        assert "Позвать человека" in [a.label for row in offer.message.actions for a in row]
        await anna.presses("Не нужно")
        anna.sees("другими словами")
        await anna.says("ещё раз про чертежи насосов")
        anna.sees("Могу позвать человека")
        await anna.presses("Позвать человека")
        anna.sees("Передал разговор человеку")
        assert desk.words(anna) == ["ещё раз про чертежи насосов"]


async def test_requests_are_filled_in_step_by_step(stage: Stage) -> None:
    anna = stage.person()
    await anna.says("/request")
    anna.sees("Как к вам обращаться")
    await anna.says("Анна")
    anna.sees("По какому телефону")
    await anna.says("12")
    anna.sees("Такого номера нет")
    await anna.says("8 900 123-45-67")
    anna.sees("На какую почту")
    await anna.says("пропустить")
    anna.sees("Что вам нужно")
    await anna.says("Нужен счёт")
    anna.sees("+7")
    await anna.presses("Отправить")
    anna.sees("принята")
    (row,) = await stage.store.requests()
    assert row.fields == {"name": "Анна", "phone": "+79001234567", "description": "Нужен счёт"}
    await anna.says("/my_requests")
    anna.sees(row.number)
    await anna.presses(f"Отменить {row.number}")
    anna.sees("отменил")
    await anna.says("сколько стоит доставка")
    anna.sees("300 ₽")


@pytest.mark.parametrize("capabilities", [WITH_BUTTONS, WITHOUT_BUTTONS])
async def test_an_agent_reads_what_was_chosen_before_the_call(
    stage_with: StageWith, capabilities: Capabilities
) -> None:
    async with at_the_desk(stage_with, capabilities=capabilities) as (_, desk):
        anna = desk.stage.person()
        await anna.says("как вернуть")
        asked = anna.sees("Уточните")
        if capabilities is WITH_BUTTONS:
            await anna.presses("Как вернуть деньги?", on=asked)
            told = "Клиент: Нажата кнопка: Как вернуть деньги?"
        else:
            number = next(line for line in asked.message.text.splitlines() if "вернуть деньги" in line)[0]
            await anna.says(number)
            told = f"Клиент: {number} (выбран вариант «Как вернуть деньги?»)"
        anna.sees("Деньги придут за 10 дней")
        await anna.says("/operator")
        (note,) = desk.notes(anna)
        assert told in note
