"""One base, four messengers and a site at once in one process: the same talk, read aloud through each."""

from __future__ import annotations

import asyncio

from tests.flows.messengers.town import Talker, Town


async def the_talk(anna: Talker) -> None:
    await anna.says("сколько стоит доставка")
    await anna.sees("от 300 ₽")
    await anna.chooses("Сроки")
    await anna.sees("2–7 дней")

    await anna.says("возврат")
    await anna.sees("Уточните")
    await anna.chooses("Как вернуть деньги?")
    await anna.sees("за 10 дней")

    await anna.says("а котиков продаёте")
    await anna.sees("Пока не знаю точного ответа")
    await anna.says("спасибо")
    await anna.sees("Пожалуйста")


async def test_the_same_talk_works_everywhere_at_the_same_time(town: Town) -> None:
    async with asyncio.TaskGroup() as everywhere:
        for person in town.people.values():
            everywhere.create_task(the_talk(person))

    for person in town.people.values():
        person.sees_nothing()
    assert {name: shown["state"] for name, shown in town.app.house.report.states().items()} == dict.fromkeys(
        town.people, "connected"
    )


async def test_what_has_markup_somewhere_is_plain_words_elsewhere(town: Town) -> None:
    for name, person in town.people.items():
        await person.says("сколько стоит доставка")
        text = await person.sees("от 300 ₽")
        bold = "*от 300 ₽*" in text
        assert bold == (name == "whatsapp"), (name, text)
        assert "<b>" not in text
