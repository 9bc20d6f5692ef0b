"""Transcripts: what a channel may show again of a talk, whenever it asks."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from channels.body import plain_text
from channels.errors import Rejected
from channels.model import Past
from faq import Category, FaqEntry, FaqManager
from faq.entry import EntryButton
from optfm_bot.blueprint import HouseSettings
from optfm_bot.store.memory import MemoryStore
from optfm_bot.testing.stage import Stage
from optfm_bot.transcript import Transcripts

PAY = FaqEntry(
    id="pay",
    question="Как оплатить заказ?",
    answer="Картой.",
    buttons=(EntryButton(text="Сроки", faq="time"),),
)
TIME = FaqEntry(id="time", question="Какие сроки доставки?", answer="Неделя.")


def transcripts(stage: Stage) -> Transcripts:
    made = Transcripts(stage.store)
    made.channels = stage.house.channels
    return made


def said(past: Past) -> str:
    return past.text or plain_text(past.message.body) if past.message is not None else past.text


async def test_it_holds_what_both_sides_said_in_order_with_buttons() -> None:
    async with Stage([PAY, TIME]) as stage:
        anna = stage.person()
        await anna.says("как оплатить заказ")
        await anna.presses("Сроки")

        talk = await transcripts(stage)(anna.chat, 50)
        assert [said(past) for past in talk] == ["как оплатить заказ", "Картой.", "Сроки", "Неделя."]
        assert [past.pressed for past in talk] == [False, False, True, False]
        assert (talk[0].id, talk[2].id) == ("id-Анна-1", "id-Анна-2")
        assert talk[1].message is not None
        assert "Сроки" in [action.label for row in talk[1].message.actions for action in row]


async def test_a_message_that_was_replaced_shows_what_it_says_now_under_its_own_id() -> None:
    faq = FaqManager(
        [replace(PAY, category="a"), replace(TIME, category="b")],
        categories=[Category(id="a", title="Оплата"), Category(id="b", title="Доставка")],
    )
    async with Stage(faq) as stage:
        anna = stage.person()
        await anna.says("/faq")
        before = await transcripts(stage)(anna.chat, 50)
        # The stage names its messages its own way; a channel that shows transcripts names them by their key.
        shown = stage.platform.delivered[0]
        stage.platform.delivered[0] = type(shown)(id=before[-1].id, message=shown.message)
        await anna.presses(shown.labels[0])

        after = await transcripts(stage)(anna.chat, 50)
        assert [past.id for past in after] == [past.id for past in before]
        assert after[-1].message != before[-1].message


async def test_quick_messages_are_shown_one_by_one_even_before_they_are_answered() -> None:
    async with Stage([PAY], settings=HouseSettings(join_window=1.2, person_per_minute=0)) as stage:
        anna = stage.person()
        words = ["подскажите", "вот какое дело", "мне тут надо"]
        for one in words:
            anna.writes(one)
        while stage.platform.waiting:  # noqa: ASYNC110 - the clock stands still until we move it
            await asyncio.sleep(0)
        await stage.clock.advance(0.5)
        early = [said(past) for past in await transcripts(stage)(anna.chat, 50)]
        await stage.settle()
        late = [said(past) for past in await transcripts(stage)(anna.chat, 50)]

        assert early == words
        assert (late[:3], len(late)) == (words, 4)


async def test_what_never_left_is_not_shown_and_a_strangers_talk_neither() -> None:
    async with Stage([PAY]) as stage:
        anna, boris = stage.person("Анна"), stage.person("Борис")
        stage.platform.refuse = [Rejected("no")]
        await anna.says("как оплатить заказ")
        await boris.says("как оплатить заказ")

        assert [said(past) for past in await transcripts(stage)(anna.chat, 50)] == ["как оплатить заказ"]
        assert len(await transcripts(stage)(boris.chat, 50)) == 2


async def test_it_survives_a_restart_and_gives_no_more_than_was_asked_for() -> None:
    store = MemoryStore()
    async with Stage([PAY], store=store) as stage:
        anna = stage.person()
        await anna.says("как оплатить заказ")
    async with Stage([PAY], store=store, first_update=100) as stage:
        talk = await transcripts(stage)(anna.chat, 1)

        assert [said(past) for past in talk] == ["Картой."]
