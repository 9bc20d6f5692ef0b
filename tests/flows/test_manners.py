"""Groups, quick messages, corrections, floods and people who leave."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from channels.errors import Gone, RetryLater
from faq import FaqManager
from optfm_bot.blueprint import HouseSettings
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import Direction
from optfm_bot.testing.stage import Person, Stage

JOINING = HouseSettings(join_window=1.2, person_per_minute=0)


async def test_in_a_group_only_who_speaks_to_the_bot_is_answered(stage: Stage) -> None:
    anna = stage.person("Анна", chat="group")
    await anna.says("сколько стоит доставка", addressed=False)
    anna.sees_nothing()
    await anna.says("сколько стоит доставка")

    assert anna.sees("300 ₽").message.reply_to == "id-Анна-2"
    assert [turn.kind for turn in await stage.store.turns(str(anna.chat))] == ["text", "answer"]


async def test_people_in_one_group_keep_their_own_language(stage: Stage) -> None:
    anna, john = stage.person("Анна", chat="group"), stage.person("John", chat="group", locale="en")
    await anna.says("/language ru")
    await john.says("сколько стоит доставка")
    john.sees("по-русски")
    john.sees("from 300 ₽")


async def test_quick_messages_are_one_question(stage_with: Callable[..., Stage]) -> None:
    async with stage_with(settings=JOINING) as stage:
        anna = stage.person()
        for words in ("Здравствуйте", "подскажите", "сколько стоит", "доставка"):
            anna.writes(words)
        await stage.settle()

        anna.sees("300 ₽")
        anna.sees_nothing()
        turns = await stage.store.turns(str(anna.chat))
        said = [turn.text for turn in turns if turn.direction is Direction.IN]
        assert said == ["Здравствуйте", "подскажите", "сколько стоит", "доставка"]


@pytest.mark.parametrize("trouble", [None, RetryLater("slow down"), RuntimeError("a bug of the channel")])
async def test_while_the_bot_waits_for_more_it_is_seen_typing_and_losing_that_costs_nothing(
    stage_with: Callable[..., Stage], trouble: Exception | None
) -> None:
    async with stage_with(settings=JOINING) as stage:
        stage.platform.typing_fails = trouble
        anna, boris = stage.person("Анна"), stage.person("Борис")
        await boris.says("сколько стоит доставка")
        boris.sees("300 ₽")
        assert stage.platform.typed == [], "a clear question is answered at once"

        await anna.says("подскажите пожалуйста")
        assert stage.platform.typed == ([] if trouble else [anna.chat])
        anna.sees()


async def test_nobody_is_seen_typing_while_one_of_us_talks(stage_with: Callable[..., Stage]) -> None:
    async with stage_with(settings=JOINING) as stage:
        anna = stage.person()
        await anna.hears_from_us("Сейчас отвечу")
        await anna.says("подскажите пожалуйста")
        assert stage.platform.typed == []


async def test_messages_that_come_while_the_bot_waits_are_joined_too(
    stage_with: Callable[..., Stage],
) -> None:
    async with stage_with(settings=JOINING) as stage:
        anna = stage.person()
        for words in ("как", "вернуть", "деньги?"):
            anna.writes(words)
            await stage.clock.advance(0.6)
        await stage.settle()

        anna.sees("за 10 дней")
        anna.sees_nothing()


async def test_a_clear_question_does_not_wait(stage_with: Callable[..., Stage]) -> None:
    async with stage_with(settings=JOINING) as stage:
        anna = stage.person()
        before = stage.clock.now()
        await anna.says("сколько стоит доставка?")

        anna.sees("300 ₽")
        assert (stage.clock.now() - before).total_seconds() < 0.2


async def test_slow_messages_are_separate(stage_with: Callable[..., Stage]) -> None:
    async with stage_with(settings=JOINING) as stage:
        anna = stage.person()
        await anna.says("здравствуйте")
        anna.sees("Какой у вас вопрос")
        await stage.clock.advance(2)
        await anna.says("спасибо")
        anna.sees("Пожалуйста")


async def test_a_correction_inside_the_window_replaces_the_words(stage_with: Callable[..., Stage]) -> None:
    async with stage_with(settings=JOINING) as stage:
        anna = stage.person()
        message_id = anna.writes("сколька сто")
        await anna.edits(message_id, "Сколько стоит доставка?")

        anna.sees("300 ₽")
        anna.sees_nothing()


async def test_an_edited_question_is_answered_anew(anna: Person) -> None:
    await anna.says("как вернуть товар")
    anna.sees("14 дней")
    await anna.edits("id-Анна-1", "как вернуть деньги")

    answer = anna.sees("за 10 дней")
    assert answer.message.reply_to == "id-Анна-1"


async def test_an_edit_that_asks_the_same_changes_nothing(stage: Stage, anna: Person) -> None:
    await anna.says("как вернуть товар")
    anna.sees("14 дней")
    await anna.edits("id-Анна-1", "Как вернуть товар???")
    await anna.edits("id-Анна-1", "👍")
    await anna.edits("id-Анна-99", "как вернуть деньги")
    await stage.clock.advance(301)
    await anna.edits("id-Анна-1", "как вернуть деньги")

    anna.sees_nothing()


async def test_a_flood_gets_one_notice_and_others_none_of_it(stage_with: Callable[..., Stage]) -> None:
    async with stage_with(settings=HouseSettings(join_window=0, person_per_minute=3)) as stage:
        anna, boris = stage.person("Анна"), stage.person("Борис")
        for _ in range(6):
            await anna.says("как оплатить заказ")
        await boris.says("как оплатить заказ")

        for _ in range(3):
            anna.sees("По счёту")
        anna.sees("Сообщений слишком много")
        anna.sees_nothing()
        boris.sees("По счёту")
        await stage.clock.advance(61)
        await anna.says("как оплатить заказ")
        anna.sees("По счёту")


async def test_who_has_blocked_the_bot_is_left_alone_until_they_return(stage: Stage, anna: Person) -> None:
    await anna.says("как оплатить заказ")
    anna.sees("По счёту")
    stage.platform.refuse.append(Gone())
    await anna.says("как вернуть товар")
    anna.sees_nothing()
    people = await stage.store.people(["stage:id-Анна"])
    assert people["stage:id-Анна"].gone_at is not None

    await anna.starts()
    anna.sees("Анна")
    people = await stage.store.people(["stage:id-Анна"])
    assert people["stage:id-Анна"].gone_at is None


async def test_leaving_is_remembered(stage: Stage, anna: Person) -> None:
    await anna.says("как оплатить заказ")
    anna.sees("По счёту")
    await anna.leaves()

    people = await stage.store.people(["stage:id-Анна"])
    assert people["stage:id-Анна"].gone_at is not None
    anna.sees_nothing()


async def test_a_shared_phone_has_one_home(stage: Stage, anna: Person) -> None:
    await anna.shares_phone("+79991234567")

    anna.sees("Контакт получил")
    people = await stage.store.people(["stage:id-Анна"])
    assert people["stage:id-Анна"].phone == "+79991234567"
    assert all("+7999" not in turn.text for turn in await stage.store.turns(str(anna.chat)))


async def test_the_same_update_twice_is_answered_once(stage: Stage, anna: Person) -> None:
    anna.writes("как оплатить заказ")
    await stage.settle()
    anna.sees("По счёту")
    raw = stage.platform.push()  # the key of a new update, to be sure that only the key decides
    await stage.settle()
    stage.platform.repeat(raw)
    await stage.settle()

    anna.sees_nothing()
    assert len(await stage.store.parked()) == 1


async def test_an_update_that_nobody_can_read_blocks_nobody(stage: Stage, anna: Person) -> None:
    stage.platform.push(lane=str(anna.chat))
    await anna.says("как оплатить заказ")

    anna.sees("По счёту")
    (parked,) = await stage.store.parked()
    assert "nobody can read this" in (parked.error or "")
    assert stage.metric("optfm_updates_parked_total", channel="stage") == 1


async def test_a_restart_forgets_nothing_that_matters(faq: FaqManager) -> None:
    store = MemoryStore()
    async with Stage(faq, store=store) as stage:
        anna = stage.person("Анна")
        await anna.says("/language en")
        await anna.says("как вернуть")
        asked = anna.inbox[-1]
    async with Stage(faq, store=store, first_update=100) as stage:
        anna = stage.person("Анна")
        (goods,) = (one for row in asked.message.actions for one in row if "товар" in one.label)
        await anna.presses_token(goods.token or "")
        anna.sees("14 дней")
        await anna.says("сколько стоит доставка")
        anna.sees("from 300 ₽")
