"""Commands, links and menus."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from faq import Category, FaqEntry, FaqManager
from optfm_bot.testing.platform import WITHOUT_BUTTONS
from optfm_bot.testing.stage import Person, Stage


async def test_start_greets_by_name_and_says_what_to_do(anna: Person) -> None:
    await anna.starts()

    greeting = anna.sees("Анна")
    assert "OptFM" in greeting.message.text
    assert "/faq" in greeting.message.text
    assert greeting.labels == ["Все темы"]


async def test_a_name_with_markup_is_only_a_name(stage: Stage) -> None:
    joker = stage.person("<b>*Вася*</b> [x](http://evil)")
    await joker.starts()

    joker.sees("<b>*Вася*</b> [x](http://evil)")


async def test_a_deep_link_opens_its_entry(anna: Person) -> None:
    await anna.starts("delivery-cost")

    assert "Сроки" in anna.sees("300 ₽").labels


async def test_a_deep_link_to_nothing_says_so(anna: Person) -> None:
    await anna.starts("no-such-entry")

    anna.sees("ведёт на ответ, которого больше нет")


async def test_help_and_unknown_commands(anna: Person) -> None:
    for words, reply in (("/help", "/faq"), ("/HELP", "/faq"), ("/nonsense now", "/nonsense")):
        await anna.says(words)
        anna.sees(reply)


async def test_topics_lead_to_questions_and_answers_and_back(anna: Person) -> None:
    await anna.says("/faq")

    topics = anna.sees("Выберите тему")
    assert topics.labels == ["Доставка", "Оплата", "Возврат"]
    await anna.presses("Возврат")
    (menu,) = anna.inbox  # the menu turns its own page
    assert menu.labels == ["Как вернуть товар?", "Как вернуть деньги?", "К разделам"]
    await anna.presses("Как вернуть товар?")
    anna.sees("14 дней")
    await anna.presses("К разделам", on=anna.inbox[0])
    assert anna.inbox[0].labels == ["Доставка", "Оплата", "Возврат"]


@pytest.fixture
def many() -> FaqManager:
    """Twelve categories, the first with 23 questions, and one question without a category."""
    categories = [Category(id=f"c{n}", title=f"Раздел {n}") for n in range(12)]
    entries = [
        FaqEntry(id=f"e{n}", question=f"Вопрос номер {n}?", answer=f"Ответ {n}.", category="c0")
        for n in range(23)
    ]
    entries += [
        FaqEntry(id=f"x{n}", question=f"Другое {n}?", answer="…", category=f"c{n}") for n in range(1, 12)
    ]
    entries.append(FaqEntry(id="loose", question="Ничей вопрос?", answer="Ничей ответ."))
    return FaqManager(entries, categories=categories)


async def test_ten_to_a_page(stage_with: Callable[..., Stage], many: FaqManager) -> None:
    async with stage_with(faq=many) as stage:
        anna = stage.person()
        await anna.says("/faq")
        assert [len(anna.inbox[0].labels), anna.inbox[0].labels[-1]] == [11, "Показать ещё"]
        await anna.presses("Показать ещё")
        assert anna.inbox[0].labels == ["Раздел 10", "Раздел 11", "Другое"]
        await anna.presses("Другое")
        assert anna.inbox[0].labels == ["Ничей вопрос?", "К разделам"]

        await anna.presses("К разделам")
        await anna.presses("Раздел 0")
        seen = []
        for expected in (10, 10, 3):
            questions = [label for label in anna.inbox[0].labels if label.startswith("Вопрос")]
            assert len(questions) == expected
            seen += questions
            if "Показать ещё" in anna.inbox[0].labels:
                await anna.presses("Показать ещё")
        assert seen == [f"Вопрос номер {n}?" for n in range(23)]


async def test_a_menu_without_buttons_is_walked_by_numbers(stage_with: Callable[..., Stage]) -> None:
    async with stage_with(capabilities=WITHOUT_BUTTONS) as stage:
        anna = stage.person()
        await anna.says("/faq")
        anna.sees("3. Возврат")
        await anna.says("3")
        anna.sees("2. Как вернуть деньги?")
        await anna.says("2")
        anna.sees("за 10 дней")


async def test_a_button_of_an_entry_that_is_gone(stage: Stage, anna: Person, faq: FaqManager) -> None:
    await anna.says("сколько стоит доставка")
    anna.sees("300 ₽")
    stage.house.voice.serve(FaqManager([entry for entry in faq.entries if entry.id != "delivery-time"]))
    await anna.presses("Сроки")

    anna.sees("больше не действует")


async def test_a_reload_changes_the_next_answer(stage: Stage, anna: Person) -> None:
    stage.house.voice.serve(
        FaqManager([FaqEntry(id="x", question="Сколько стоит доставка?", answer="Теперь даром.")])
    )
    await anna.says("сколько стоит доставка")

    anna.sees("Теперь даром")


async def test_each_person_has_a_language(stage: Stage) -> None:
    anna, john = stage.person("Анна"), stage.person("John", locale="en-GB")
    await john.says("/help")
    john.sees("How to ask")
    await anna.says("/language")
    anna.sees("На каком языке")
    await anna.presses("English")
    anna.sees("English")
    await anna.says("сколько стоит доставка")
    anna.sees("from 300 ₽")
    await john.says("/language ru")
    john.sees("по-русски")
    await john.says("сколько стоит доставка")
    john.sees("от 300 ₽")


async def test_a_chosen_language_is_kept_in_the_store(stage: Stage, anna: Person) -> None:
    await anna.says("/language en")

    people = await stage.store.people(["stage:id-Анна"])
    assert people["stage:id-Анна"].language == "en"


async def test_a_person_of_another_language_gets_the_bots_own(stage: Stage) -> None:
    hans = stage.person("Hans", locale="de")
    await hans.says("/help")

    hans.sees("Как спросить")
