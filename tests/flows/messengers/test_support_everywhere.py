"""From a question to a person and back, through every messenger, with FreeScout behind the bot."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.flows.messengers.support import CUSTOMERS, PHOTO, TRACK, RunApp, Support, with_support
from tests.flows.messengers.town import eventually

TITLES = {"telegram": "Telegram", "max": "MAX", "whatsapp": "WhatsApp", "green": "MAX"}
CLOCK = re.compile(r"\d\d\.\d\d \d\d:\d\d")
ASKED = "какая у вас гарантия на насосы"
ADMITTED = "Пока не знаю точного ответа. Попробуйте написать иначе, короче или подробнее."


async def the_way_there_and_back(support: Support, *, hooked: bool) -> None:
    async def news() -> None:
        if hooked:
            await support.hooks()

    anna = support.customer
    await anna.says(ASKED)
    await anna.sees("Пока не знаю точного ответа")
    await anna.says("позовите человека")
    await anna.sees("Передал разговор человеку")
    await support.called()
    await news()  # of what we brought there ourselves
    ticket = support.ticket.id

    support.agents.note(ticket, "<p>Спрошу на складе</p>")
    support.agents.reply(
        ticket,
        "<p>Добрый день.<br>Гарантия — <b>два года</b>.</p>",
        [("track.pdf", "application/pdf", TRACK)],
    )
    await news()
    told = await anna.sees("Гарантия")  # her name says that a person has come
    assert told.replace("*", "") == "Ольга:\nДобрый день.\nГарантия — два года."
    await eventually(lambda: len(anna.files()) == 1, "the file is there")
    name, content = anna.files()[0]
    assert name.endswith("track.pdf")
    assert content == TRACK

    await anna.says("спасибо, а такой подойдёт?")
    await support.hears("customer", "спасибо, а такой подойдёт?")
    await anna.sends_photo("сколько стоит доставка")  # the bot knows that, and is silent
    await support.hears("customer", "сколько стоит доставка")
    await news()

    support.agents.close(ticket)
    await news()
    await eventually(lambda: "Разговор с человеком закончен" in anna.texts()[-1], "the end is told")
    await anna.says("сколько стоит доставка")
    await eventually(lambda: "от 300 ₽" in anna.texts()[-1], "the bot answers again")
    await support.calm()


def stands_there(support: Support, messenger: str) -> None:
    """The ticket, word for word."""
    assert support.ticket.subject == f"{TITLES[messenger]}: {ASKED}"
    *said, (kind, text, files) = support.threads()
    assert [(kind, CLOCK.sub("01.01 09:00", text), files) for kind, text, files in said] == [
        ("customer", ASKED, []),
        (
            "note",
            f"Разговор до обращения:\n01.01 09:00 Клиент: {ASKED}\n01.01 09:00 Бот: {ADMITTED}",
            [],
        ),
        ("note", "Спрошу на складе", []),
        ("message", "Добрый день.\nГарантия — два года.", [("track.pdf", TRACK)]),
        ("customer", "спасибо, а такой подойдёт?", []),
    ]
    assert (kind, text) == ("customer", "сколько стоит доставка")
    ((name, content),) = files
    assert content == PHOTO
    assert name.endswith((".jpg", ".jpeg"))
    assert support.ticket.status == "closed"


@pytest.mark.parametrize("messenger", CUSTOMERS)
async def test_a_talk_goes_to_a_person_and_back_by_webhooks(
    messenger: str, tmp_path: Path, run_app: RunApp
) -> None:
    async with with_support(messenger, tmp_path, run_app) as support:
        await the_way_there_and_back(support, hooked=True)
        # Everything once more, and the news of then: nothing follows from it.
        seen = list(support.customer.texts())
        assert all(200 <= status < 300 for status in await support.desk.webhooks.repeat())
        await support.calm()
        assert support.customer.texts() == seen
        stands_there(support, messenger)
        assert support.desk.world.doubles() == {"conversations": 0, "threads": 0, "customers": 0}


@pytest.mark.parametrize("messenger", CUSTOMERS)
async def test_a_talk_goes_to_a_person_and_back_by_asking(
    messenger: str, tmp_path: Path, run_app: RunApp
) -> None:
    async with with_support(messenger, tmp_path, run_app, hooked=False) as support:
        await the_way_there_and_back(support, hooked=False)
        stands_there(support, messenger)
        assert support.desk.world.doubles() == {"conversations": 0, "threads": 0, "customers": 0}
