"""What agents do in FreeScout, and how webhooks come, seen from MAX: nothing of it says too much or too little."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.flows.messengers.support import GreenCustomer, RunApp, Support, with_support
from tests.flows.messengers.town import eventually

At = Callable[..., AbstractAsyncContextManager[Support]]


@pytest.fixture
def at_the_desk(tmp_path: Path, run_app: RunApp) -> At:
    """Anna in MAX, for whom a person was called already."""

    @asynccontextmanager
    async def make(*, messenger: str = "max", **settings: Any) -> AsyncIterator[Support]:
        async with with_support(messenger, tmp_path, run_app, **settings) as support:
            anna = support.customer
            await anna.says("/operator")
            await anna.sees("Передал разговор человеку")
            await support.called()
            assert support.said() == [("customer", "Клиент просит позвать человека.")]
            await support.hooks()
            await support.calm()
            anna.sees_nothing()  # what we have brought there ourselves is no news
            yield support

    return make


async def news(support: Support, **how: Any) -> None:
    await support.hooks(**how)
    await support.calm()


async def comes(support: Support) -> None:
    """An agent takes the ticket."""
    support.agents.assign(support.ticket.id, 9)
    await news(support)
    await support.customer.sees("К разговору подключился человек")


# -- what is said to the customer, and what is not -------------------------------------------------------


async def test_notes_drafts_and_replies_taken_back_never_reach_the_customer(at_the_desk: At) -> None:
    async with at_the_desk(desk={"undo_seconds": 15}) as support:
        anna, ticket, world = support.customer, support.ticket.id, support.desk.world
        await comes(support)
        support.agents.note(ticket, "<p>Она уже писала вчера</p>")
        support.agents.draft(ticket, "<p>Черновик</p>")
        await news(support)
        anna.sees_nothing()

        taken_back = support.agents.reply(ticket, "<p>Это не вам</p>")
        await news(support)  # a webhook that is too early
        anna.sees_nothing()
        support.agents.undo(ticket, taken_back)
        support.agents.note(ticket, "<p>Ошиблась окном</p>")
        world.ahead += timedelta(seconds=16)
        await news(support)
        anna.sees_nothing()

        support.agents.reply(ticket, "<p>Насос есть на складе</p>")
        world.ahead += timedelta(seconds=16)
        await news(support)
        await anna.sees("Насос есть на складе")
        support.agents.note(ticket, "<p>Ответила</p>")
        await news(support)
        anna.sees_nothing()


async def test_what_comes_back_of_our_own_is_no_reply(at_the_desk: At) -> None:
    async with at_the_desk() as support:
        anna = support.customer
        await anna.says("насос для скважины")
        await support.hears("customer", "насос для скважины")
        support.desk.api.add(
            support.ticket.id,
            {"type": "message", "user": 9, "text": "Бот за сотрудника", "state": "published"},
        )
        await news(support)
        await news(support, times=2)
        anna.sees_nothing()
        assert support.desk.world.doubles()["threads"] == 0


async def test_webhooks_that_are_late_repeated_in_any_order_and_of_old_states_say_it_once_in_order(
    at_the_desk: At,
) -> None:
    async with at_the_desk() as support:
        anna, ticket = support.customer, support.ticket.id
        await comes(support)
        for number in range(1, 4):
            support.agents.reply(ticket, f"<p>Ответ {number}</p>")
            support.desk.webhooks.freeze()  # each is the state of its moment from now on
        await news(support, backwards=True, times=3)
        for number in range(1, 4):
            await anna.sees(f"Ответ {number}")

        support.agents.close(ticket)
        await news(support)
        await anna.sees("Разговор с человеком закончен")
        assert all(200 <= status < 300 for status in await support.desk.webhooks.repeat())
        await support.calm()
        anna.sees_nothing()
        await anna.says("сколько стоит доставка")  # an old state does not call the person back
        await anna.sees("от 300 ₽")


# -- what becomes of the ticket --------------------------------------------------------------------------


async def test_who_takes_a_ticket_is_told_once(at_the_desk: At) -> None:
    async with at_the_desk() as support:
        anna, ticket = support.customer, support.ticket.id
        support.agents.assign(ticket, 9)
        await news(support, times=2)
        await anna.sees("К разговору подключился человек")
        support.agents.assign(ticket, 10)
        support.agents.assign(ticket, None)
        await news(support)
        await anna.says("сколько стоит доставка")
        await support.hears("customer", "сколько стоит доставка")
        anna.sees_nothing()


async def test_who_answers_at_once_needs_no_announcement_but_a_name(at_the_desk: At) -> None:
    async with at_the_desk() as support:  # FreeScout gives the ticket to whoever answers
        anna = support.customer
        support.agents.reply(support.ticket.id, "<p>Добрый день</p>")
        await news(support)
        assert support.ticket.assignee_id is not None
        await anna.sees("Добрый день")
        assert not any("подключился" in text for text in anna.texts())


async def test_who_is_not_named_is_announced_before_the_first_words(tmp_path: Path, run_app: RunApp) -> None:
    desk = {"agent_name": False, "mode": "mirror"}
    async with with_support("max", tmp_path, run_app, desk=desk) as support:
        anna = support.customer
        await anna.says("/operator")
        await anna.sees("Передал разговор человеку")
        await support.called()
        await support.hooks()
        await support.calm()
        support.agents.reply(support.ticket.id, "<p>Добрый день</p>")
        await news(support)
        await anna.sees("К разговору подключился человек")
        await anna.sees("Добрый день")
        assert sum("подключился" in text for text in anna.texts()) == 1
        await support.hears("note", "Бот: К разговору подключился человек.")


async def test_a_ticket_that_an_agent_opens_again_takes_the_word_from_the_bot(at_the_desk: At) -> None:
    async with at_the_desk() as support:
        anna, ticket = support.customer, support.ticket.id
        support.agents.close(ticket)
        await news(support)
        await anna.sees("Разговор с человеком закончен")
        support.agents.reopen(ticket)
        await news(support)
        await anna.says("сколько стоит доставка")
        await support.hears("customer", "сколько стоит доставка")
        anna.sees_nothing()
        support.agents.reply(ticket, "<p>Для вас бесплатно</p>")
        await news(support)
        await eventually(lambda: "Для вас бесплатно" in anna.texts()[-1], "the agent is heard")


@pytest.mark.parametrize("way", ["delete", "delete_forever"])
async def test_a_deleted_ticket_is_the_end_of_the_talk_and_the_next_one_is_new(
    at_the_desk: At, way: str
) -> None:
    async with at_the_desk() as support:
        anna, first = support.customer, support.ticket.id
        await comes(support)
        getattr(support.agents, way)(first)
        await news(support)
        await anna.sees("Разговор с человеком закончен")
        await anna.says("сколько стоит доставка")
        await anna.sees("от 300 ₽")

        await anna.says("/operator")
        await anna.sees("Передал разговор человеку")
        shown = support.desk.world.conversations
        await eventually(lambda: len(set(shown) - {first}) == 1, "there is a new ticket")
        (second,) = set(shown) - {first}
        await support.calm()
        support.agents.reply(second, "<p>Я снова здесь</p>")
        await news(support)
        await eventually(lambda: "Я снова здесь" in anna.texts()[-1], "the agent is heard")


async def test_spam_ends_the_talk_without_a_word(at_the_desk: At) -> None:
    async with at_the_desk() as support:
        anna = support.customer
        support.agents.spam(support.ticket.id)
        await news(support)
        anna.sees_nothing()
        await anna.says("сколько стоит доставка")
        await anna.sees("от 300 ₽")


async def test_a_merged_ticket_goes_on_where_it_is_now(at_the_desk: At) -> None:
    async with at_the_desk() as support:
        anna, first = support.customer, support.ticket
        await comes(support)
        other = support.agents.start(first.customer_id, "<p>Звонили вам вчера</p>", subject="Звонок")
        await news(support)
        anna.sees_nothing()  # she has an open ticket, and that one is none of the bot's
        support.agents.merge(first.id, into=other)

        await anna.says("я на связи")  # nobody has told of the merger
        await support.hears("customer", "я на связи")
        assert support.ticket.id == other
        support.agents.reply(other, "<p>Нашли ваш заказ</p>")
        await news(support)
        await eventually(lambda: "Нашли ваш заказ" in anna.texts()[-1], "the agent is heard")
        assert sum("Нашли ваш заказ" in text for text in anna.texts()) == 1


# -- everything in the ticket ----------------------------------------------------------------------------


async def test_in_the_mirror_every_message_is_in_the_ticket(tmp_path: Path, run_app: RunApp) -> None:
    async with with_support("max", tmp_path, run_app, desk={"mode": "mirror"}) as support:
        anna = support.customer
        await anna.says("сколько стоит доставка")
        await anna.sees("от 300 ₽")
        await support.hears("note", "Бот: Доставка по России — от 300 ₽.")
        await anna.chooses("Сроки")
        await anna.sees("2–7 дней")
        await support.hears("note", "Бот: Обычно 2–7 дней.")
        await anna.says("позовите человека")
        await anna.sees("Передал разговор человеку")
        await eventually(lambda: support.said()[-1][1].startswith("Бот: Передал разговор"), "it is mirrored")
        await support.calm()

        ticket = support.ticket.id
        support.agents.reply(ticket, "<p>Слушаю</p>")
        await news(support)
        await eventually(lambda: "Слушаю" in anna.texts()[-1], "the agent is heard")
        await anna.says("есть ли скидка")
        await support.hears("customer", "есть ли скидка")
        support.agents.close(ticket)
        await news(support)
        await eventually(lambda: "закончен" in anna.texts()[-1], "the end is told")
        await anna.says("какие сроки доставки")
        await eventually(lambda: "2–7 дней" in anna.texts()[-1], "the bot answers again")
        await support.hears("note", "Бот: Обычно 2–7 дней.")
        await news(support)

        said = [(kind, re.sub(r"\. .*", ".", text)) for kind, text in support.said()]
        customers = [text for kind, text in said if kind == "customer"]
        assert customers == [
            "сколько стоит доставка",
            "Нажата кнопка: Сроки",
            "позовите человека",
            "есть ли скидка",
            "какие сроки доставки",
        ]
        assert [text for kind, text in said if kind == "message"] == ["Слушаю"]
        bots = [text for kind, text in said if kind == "note" and text.startswith("Бот: ")]
        assert [text.removeprefix("Бот: ").split(",")[0] for text in bots] == [
            "Доставка по России — от 300 ₽.",
            "Обычно 2–7 дней.",
            "Передал разговор человеку",
            "Разговор с человеком закончен.",
            "Обычно 2–7 дней.",
        ]
        assert support.desk.world.doubles()["conversations"] == 0
        assert support.ticket.status == "active"  # who writes on in a closed ticket opens it again


# -- what does not arrive --------------------------------------------------------------------------------


@pytest.mark.parametrize("messenger", ["telegram", "max"])
async def test_what_an_agent_says_to_somebody_who_has_blocked_the_bot_becomes_a_note(
    at_the_desk: At, messenger: str
) -> None:
    async with at_the_desk(messenger=messenger) as support:
        anna, ticket = support.customer, support.ticket.id
        await comes(support)
        await anna.leaves()
        support.agents.reply(ticket, "<p>Нашли ваш насос.</p><p>Забирайте.</p>")
        await news(support)
        await eventually(lambda: support.said()[-1][0] == "note", "the agent is told")
        kind, text = support.said()[-1]
        assert kind == "note"
        assert text.startswith("Сообщение клиенту не доставлено:")
        assert "Нашли ваш насос.\n\nЗабирайте." in text
        await news(support, times=2)
        assert [kind for kind, _ in support.said()].count("note") == 1
        anna.sees_nothing()


async def test_what_an_agent_says_to_somebody_without_an_account_becomes_a_note(at_the_desk: At) -> None:
    async with at_the_desk(messenger="whatsapp") as support:
        anna, ticket = support.customer, support.ticket.id
        assert isinstance(anna, GreenCustomer)
        await comes(support)
        support.agents.reply(ticket, "<p>Нашли ваш насос.</p>")
        await news(support)
        await anna.sees("Нашли ваш насос.")
        anna.is_told_of_late("noAccount")  # the gateway took it, and says so afterwards
        await eventually(lambda: support.said()[-1][0] == "note", "the agent is told")
        assert support.said()[-1][1].startswith("Сообщение клиенту не доставлено:")
