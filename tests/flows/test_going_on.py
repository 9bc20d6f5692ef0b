"""Short follow-ups, and two questions in one message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from faq import FaqManager
from optfm_bot.blueprint import HouseSettings
from optfm_bot.domain.conversation import EMPTY, load
from optfm_bot.domain.talk import Around, Said
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import Direction, MissKind
from optfm_bot.testing.platform import WITHOUT_BUTTONS
from optfm_bot.testing.stage import Person, Stage

# -- follow-ups ----------------------------------------------------------------------------------------


async def test_a_follow_up_is_read_with_the_last_question(stage: Stage, anna: Person) -> None:
    await anna.says("какие сроки доставки?")
    anna.sees("2–7 дней")
    await anna.says("а сколько стоит?")
    anna.sees("300 ₽")
    await anna.says("а в казань?")
    anna.sees("300 ₽")
    anna.sees_nothing()

    turns = await stage.store.turns(str(anna.chat))
    assert [turn.entry_id for turn in turns if turn.direction is Direction.OUT] == [
        "delivery-time", "delivery-cost", "delivery-cost",
    ]  # fmt: skip
    assert await stage.store.misses() == []


async def test_without_a_topic_a_follow_up_is_a_question_like_any_other(anna: Person) -> None:
    await anna.says("а в казань?")

    anna.sees("Пока не знаю")


async def test_a_follow_up_that_stands_alone_is_answered_alone(anna: Person) -> None:
    await anna.says("сколько стоит доставка")
    anna.sees("300 ₽")
    await anna.says("а как оплатить заказ?")

    anna.sees("По счёту")


async def test_an_old_topic_is_over(stage: Stage, anna: Person) -> None:
    await anna.says("сколько стоит доставка")
    anna.sees("300 ₽")
    await stage.clock.advance(601)
    await anna.says("а в казань?")

    anna.sees("Пока не знаю")


async def test_a_button_is_a_topic_too(anna: Person) -> None:
    await anna.says("сколько стоит доставка")
    anna.sees("300 ₽")
    await anna.presses("Сроки")
    anna.sees("2–7 дней")
    await anna.says("а сколько стоит?")

    anna.sees("300 ₽")


async def test_thanks_do_not_end_a_topic_and_another_question_does(anna: Person) -> None:
    await anna.says("сколько стоит доставка")
    anna.sees("300 ₽")
    await anna.says("спасибо")
    anna.sees("Пожалуйста")
    await anna.says("а пельмени?")
    anna.sees("Пока не знаю")
    await anna.says("а в казань?")
    anna.sees("300 ₽")
    await anna.says("как приготовить борщ")
    anna.sees("Пока не знаю")
    await anna.says("а в казань?")
    anna.sees("И на это")


async def test_a_topic_survives_a_restart(faq: FaqManager) -> None:
    store = MemoryStore()
    async with Stage(faq, store=store) as first:
        anna = first.person()
        await anna.says("какие сроки доставки")
        anna.sees("2–7 дней")
    async with Stage(faq, store=store, first_update=100) as second:
        anna = second.person()
        await anna.says("а сколько стоит?")
        anna.sees("300 ₽")


async def test_a_topic_that_left_the_base_is_over(stage: Stage, anna: Person, faq: FaqManager) -> None:
    await anna.says("сколько стоит доставка")
    anna.sees("300 ₽")
    stage.house.voice.serve(FaqManager([entry for entry in faq.entries if entry.id != "delivery-cost"]))
    await anna.says("а в казань?")

    anna.sees("Пока не знаю")


async def test_a_number_and_a_command_are_no_follow_ups(stage_with: Callable[..., Stage]) -> None:
    async with stage_with(capabilities=WITHOUT_BUTTONS) as stage:
        anna = stage.person()
        await anna.says("сколько стоит доставка")
        anna.sees("1. Сроки")
        await anna.says("1")
        anna.sees("2–7 дней")
        await anna.says("/help")
        anna.sees("Как спросить")
        await anna.says("а сколько стоит?")
        anna.sees("300 ₽")


async def test_a_corrected_follow_up_is_answered_anew(anna: Person) -> None:
    await anna.says("какие сроки доставки")
    anna.sees("2–7 дней")
    await anna.says("а пельмени?")
    anna.sees("Пока не знаю")
    await anna.edits("id-Анна-2", "а сколько стоит?")

    assert anna.sees("300 ₽").message.reply_to == "id-Анна-2"


async def test_everybody_has_a_topic_of_their_own(stage: Stage) -> None:
    anna, boris = stage.person("Анна"), stage.person("Борис")
    await anna.says("сколько стоит доставка?")
    anna.sees("300 ₽")
    await boris.says("а в казань?")

    boris.sees("Пока не знаю")


async def test_a_long_question_is_not_kept_whole(stage: Stage, anna: Person) -> None:
    await anna.says("Сколько стоит доставка, сколько стоит, " * 20)
    anna.sees("300 ₽")

    (row,) = (await stage.store.conversations([str(anna.chat)])).values()
    state = load(row.state)
    assert (state.topic, len(state.topic_text)) == ("delivery-cost", 200)


# -- two questions -------------------------------------------------------------------------------------


async def test_two_questions_are_answered_both_in_their_order(stage: Stage, anna: Person) -> None:
    await anna.says("Здравствуйте! Сколько стоит доставка? И как оплатить заказ?")

    first, second = anna.sees("300 ₽"), anna.sees("По счёту")
    anna.sees_nothing()
    assert first.labels == ["Сроки", "Тарифы", "👍 Помогло", "👎 Не помогло"]
    assert second.labels == ["👍 Помогло", "👎 Не помогло"]
    turns = await stage.store.turns(str(anna.chat))
    assert [(turn.kind, turn.entry_id) for turn in turns] == [
        ("text", None), ("answer", "delivery-cost"), ("answer", "payment"),
    ]  # fmt: skip


async def test_each_of_two_answers_has_opinions_of_its_own(stage: Stage, anna: Person) -> None:
    await anna.says("сколько стоит доставка и как оплатить заказ")
    first, second = anna.sees("300 ₽"), anna.sees("По счёту")
    await anna.presses("👎 Не помогло", on=first)
    await anna.presses("👍 Помогло", on=second)

    answers = [turn for turn in await stage.store.turns(str(anna.chat)) if turn.kind == "answer"]
    kept = [
        (row.entry_id, row.value) for turn in answers for row in await stage.store.feedback(turn_id=turn.id)
    ]
    assert kept == [("delivery-cost", -1), ("payment", 1)]


async def test_one_of_two_questions_is_unknown(stage: Stage, anna: Person) -> None:
    await anna.says("Добрый день! Сколько стоит доставка? Как приготовить борщ?")

    anna.sees("300 ₽")
    unknown = anna.sees("На вопрос «Как приготовить борщ» точного ответа пока не знаю")
    assert unknown.labels == ["Все темы"]
    anna.sees_nothing()
    (miss,) = await stage.store.misses()
    assert (miss.kind, miss.text) == (MissKind.ADMITTED, "Как приготовить борщ?")


async def test_one_of_two_questions_is_unclear(stage_with: Callable[..., Stage], faq: FaqManager) -> None:
    both = {"return-goods", "return-money"}
    entries = [replace(one, aliases=("как вернуть",)) if one.id in both else one for one in faq.entries]
    async with stage_with(faq=FaqManager(entries)) as stage:
        anna = stage.person()
        await anna.says("как вернуть? и сколько стоит доставка?")

        anna.sees("300 ₽")
        offer = anna.sees("Ещё вы спросили: «как вернуть»")
        assert offer.labels == ["Как вернуть товар?", "Как вернуть деньги?", "Ничего из этого"]
        anna.sees_nothing()
        await anna.presses("Как вернуть деньги?", on=offer)
        anna.sees("за 10 дней")


async def test_a_follow_up_continues_the_second_answer(anna: Person) -> None:
    await anna.says("как оплатить заказ и какие сроки доставки?")
    anna.sees("По счёту")
    anna.sees("2–7 дней")
    await anna.says("а сколько стоит?")

    anna.sees("300 ₽")


async def test_two_clear_questions_do_not_wait_for_more(stage_with: Callable[..., Stage]) -> None:
    async with stage_with(settings=HouseSettings(join_window=1.2, person_per_minute=0)) as stage:
        anna = stage.person()
        before = stage.clock.now()
        await anna.says("как вернуть деньги? и сколько стоит доставка?")

        anna.sees("за 10 дней")
        anna.sees("300 ₽")
        assert (stage.clock.now() - before).total_seconds() < 0.2


async def test_a_story_is_one_question(anna: Person) -> None:
    await anna.says("Здравствуйте. Оформил у вас заказ. Всё нравится. Сколько стоит доставка?")

    anna.sees("300 ₽")
    anna.sees_nothing()


async def test_in_a_group_both_answers_are_replies(stage: Stage) -> None:
    anna = stage.person("Анна", chat="group")
    await anna.says("сколько стоит доставка и как оплатить заказ")

    assert {one.message.reply_to for one in (anna.sees("300 ₽"), anna.sees("По счёту"))} == {"id-Анна-1"}


async def test_a_response_says_why(stage: Stage) -> None:
    talk, around = stage.house.voice.talk, Around(language="ru", now=1000)
    first = talk.hear(Said(text="сколько стоит доставка"), EMPTY, around)
    second = talk.hear(Said(text="а в казань?"), first.conversation, around)
    both = talk.hear(Said(text="сколько стоит доставка и как оплатить заказ"), EMPTY, around)

    assert [one.reason for one in (first, second, both)] == ["exact", "follow-up", "exact, exact"]
    assert not talk.hear(Said(text="спасибо"), EMPTY, around).reason
