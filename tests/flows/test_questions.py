"""Questions and answers, as a customer lives through them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from channels.model import Purpose
from optfm_bot.blueprint import HouseSettings
from optfm_bot.store.records import Direction, MissKind
from optfm_bot.testing.platform import WITHOUT_BUTTONS
from optfm_bot.testing.stage import Person, Stage


async def test_a_question_is_answered_with_its_buttons(anna: Person) -> None:
    await anna.says("Сколько стоит доставка?")

    answer = anna.sees("Доставка по России — от 300 ₽.")
    assert answer.labels == ["Сроки", "Тарифы", "👍 Помогло", "👎 Не помогло"]
    assert answer.message.purpose is Purpose.ANSWER
    anna.sees_nothing()


async def test_a_button_leads_to_another_entry_and_an_address_stays_an_address(
    stage: Stage, anna: Person
) -> None:
    await anna.says("почём доставка")
    first = anna.sees("300 ₽")
    await anna.presses("Сроки")

    anna.sees("2–7 дней")
    assert stage.platform.acknowledged == ["c2"]
    tariffs = next(a for row in first.message.actions for a in row if a.label == "Тарифы")
    assert (tariffs.url, tariffs.token) == ("https://example.ru/delivery", None)


async def test_a_greeting_never_hides_the_question_in_the_same_message(anna: Person) -> None:
    await anna.says("Здравствуйте! Подскажите, пожалуйста, сколько стоит доставка?")

    anna.sees("300 ₽")
    anna.sees_nothing()


async def test_small_talk_gets_small_talk(anna: Person) -> None:
    for words, reply in (
        ("Здравствуйте!", "Здравствуйте"),
        ("спасибо большое 🙏", "Пожалуйста"),
        ("до свидания", "Всего доброго"),
        ("Спасибо, до свидания!", "Всего доброго"),
    ):
        await anna.says(words)
        anna.sees(reply)


async def test_an_unclear_question_is_asked_back_with_at_most_three_and_none_of_these(anna: Person) -> None:
    await anna.says("как вернуть")

    asked = anna.sees("Уточните")
    assert "Как вернуть товар?" in asked.labels
    assert asked.labels[-1] == "Ничего из этого"
    assert 2 <= len(asked.labels) <= 4
    await anna.presses("Как вернуть деньги?")
    anna.sees("за 10 дней")


async def test_none_of_these_is_kept_for_the_owner_of_the_base(stage: Stage, anna: Person) -> None:
    await anna.says("как вернуть")
    await anna.presses("Ничего из этого")

    anna.sees("Уточните")
    anna.sees("другими словами")
    (miss,) = await stage.store.misses()
    assert (miss.kind, miss.text) == (MissKind.NONE_OF_THESE, "как вернуть")


async def test_what_the_base_does_not_know_is_admitted_and_kept(stage: Stage, anna: Person) -> None:
    await anna.says("как приготовить борщ")
    await anna.says("а пельмени")

    first, second = anna.sees("Пока не знаю"), anna.sees("И на это")
    assert (first.labels, second.labels) == (["Все темы"], ["Оставить заявку", "Все темы"])
    assert [(miss.kind, miss.text) for miss in await stage.store.misses()] == [
        (MissKind.ADMITTED, "а пельмени"),
        (MissKind.ADMITTED, "как приготовить борщ"),
    ]


async def test_an_answer_in_between_ends_the_row_of_admissions(anna: Person) -> None:
    for words in ("как приготовить борщ", "как оплатить заказ", "а пельмени"):
        await anna.says(words)

    anna.sees("Пока не знаю")
    anna.sees("По счёту")
    anna.sees("Пока не знаю")


async def test_an_opinion_is_kept_with_the_version_of_the_answer(stage: Stage, anna: Person) -> None:
    await anna.says("как оплатить заказ")
    answer = anna.sees("По счёту")
    await anna.presses("👍 Помогло", on=answer)
    await anna.presses("👍 Помогло", on=answer)
    await anna.presses("👎 Не помогло", on=answer)

    anna.sees("Рад, что помогло")
    anna.sees("уже оценили")
    anna.sees("Спасибо, передам")
    turn = next(row for row in await stage.store.turns(str(anna.chat)) if row.kind == "answer")
    (opinion,) = await stage.store.feedback(turn_id=turn.id)
    version = next(entry.version for entry in stage.house.voice.talk.faq.entries if entry.id == "payment")
    assert (opinion.value, opinion.entry_id, opinion.entry_version) == (-1, "payment", version)


async def test_feedback_can_be_switched_off(stage_with: Callable[..., Stage]) -> None:
    from optfm_bot.domain.talk import TalkSettings  # noqa: PLC0415 - used once

    settings = HouseSettings(join_window=0, talk=TalkSettings(feedback=False))
    async with stage_with(settings=settings) as stage:
        anna = stage.person()
        await anna.says("как оплатить заказ")
        assert anna.sees("По счёту").labels == []


async def test_the_history_holds_both_sides(stage: Stage, anna: Person) -> None:
    await anna.says("как оплатить заказ")

    turns = await stage.store.turns(str(anna.chat))
    assert [(turn.direction, turn.kind, turn.text) for turn in turns] == [
        (Direction.IN, "text", "как оплатить заказ"),
        (Direction.OUT, "answer", "По счёту или картой."),
    ]
    assert (turns[1].entry_id, turns[1].score is not None) == ("payment", True)


async def test_buttons_become_numbers_where_there_are_none(stage_with: Callable[..., Stage]) -> None:
    async with stage_with(capabilities=WITHOUT_BUTTONS) as stage:
        anna = stage.person()
        await anna.says("сколько стоит доставка")
        answer = anna.sees("1. Сроки")
        assert answer.labels == []
        await anna.says("1")
        anna.sees("2–7 дней")


async def test_a_number_means_nothing_an_hour_later(stage_with: Callable[..., Stage]) -> None:
    async with stage_with(capabilities=WITHOUT_BUTTONS) as stage:
        anna = stage.person()
        await anna.says("сколько стоит доставка")
        anna.sees("1. Сроки")
        await stage.clock.advance(3601)
        await anna.says("1")
        anna.sees("Пока не знаю")


async def test_the_label_of_a_button_may_be_typed(anna: Person) -> None:
    await anna.says("как вернуть")
    anna.sees("Уточните")
    await anna.says("ничего из этого")

    anna.sees("другими словами")


async def test_a_forged_a_foreign_and_an_old_button_do_no_harm(stage: Stage) -> None:
    anna, boris = stage.person("Анна"), stage.person("Борис")
    await anna.says("как оплатить заказ")
    anna.sees("По счёту")
    stolen = anna.inbox[0].message.actions[0][0].token or ""
    for token in (stolen, "0-0", "zzzzzzzzzzz-1", "garbage", "", "1-999", "-", "👍"):
        await boris.presses_token(token)
        boris.sees("Эта кнопка уже не действует")


async def test_empty_and_invisible_texts_are_met_politely(anna: Person) -> None:
    for words in ("", "   \n", "\u200b\u202e", "\x00\x07"):
        await anna.says(words)
        anna.sees("Сообщение пришло пустым")


async def test_a_message_without_words_is_no_question(stage: Stage, anna: Person) -> None:
    await anna.says("как приготовить борщ")
    anna.sees("Пока не знаю")
    for words in ("👍", "🙏❤️", "???", "—"):
        await anna.says(words)
        anna.sees("напишите его, пожалуйста, словами")

    assert [miss.text for miss in await stage.store.misses()] == ["как приготовить борщ"]


async def test_control_characters_do_not_hide_a_question(anna: Person) -> None:
    await anna.says("сколько\x00 стоит\u200b доставка\x07?")

    anna.sees("300 ₽")


async def test_64_kib_of_text_are_kept_and_answered_as_one_message(stage: Stage, anna: Person) -> None:
    await anna.says("быть или не быть " * 4000)

    anna.sees("Пока не знаю")
    anna.sees_nothing()
    assert len((await stage.store.turns(str(anna.chat)))[0].text) > 60_000


async def test_what_is_not_text_gets_a_helpful_answer(anna: Person) -> None:
    for kind, words in (
        ("photo", "Фото получил"),
        ("voice", "Голосовые пока не понимаю"),
        ("sticker", "Стикер получил"),
        ("video", "Видео получил"),
        ("document", "Файл получил"),
        ("location", "Место получил"),
        ("dice", "Такие сообщения пока не понимаю"),
    ):
        await anna.sends(kind)
        anna.sees(words)


async def test_a_caption_is_a_question(anna: Person) -> None:
    await anna.sends("photo", caption="сколько стоит доставка")

    anna.sees("300 ₽")


async def test_an_album_gets_one_reply(anna: Person) -> None:
    for _ in range(3):
        await anna.sends("photo", group_id="album-1")

    anna.sees("Фото получил")
    anna.sees_nothing()


async def test_a_call_for_a_person_is_answered_honestly(anna: Person) -> None:
    await anna.says("позовите оператора")

    anna.sees("Позвать человека сюда я не могу")


async def test_nobody_answers_another_bot(stage: Stage) -> None:
    from dataclasses import replace  # noqa: PLC0415 - used once

    robot = stage.person("Robot")
    robot.sender = replace(robot.sender, is_bot=True)
    await robot.says("сколько стоит доставка")

    robot.sees_nothing()
    assert stage.metric("optfm_updates_dropped_total", channel="stage", reason="bot") == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Спасибо, а сколько стоит доставка?", "300 ₽"),
        ("Спасибо, всё понятно, а оплата картой?", "По счёту или картой"),
        ("Ок, спасибо, понятно. А когда привезут?", "2–7 дней"),
        ("Ясно, понятно, спасибо! деньги вернуть", "за 10 дней"),
        ("ок понятно спасибо за помощь, а деньги", "за 10 дней"),
        ("Хорошо, понятно, спасибо. Почём доставка", "300 ₽"),
        ("Привет, ну хорошо. А сроки?", "2–7 дней"),
    ],
)
async def test_a_question_behind_thanks_is_answered_as_if_it_came_alone(
    anna: Person, text: str, words: str
) -> None:
    await anna.says(text)
    anna.sees(words)
    anna.sees_nothing()
