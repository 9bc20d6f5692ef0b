"""Browsing the base: pages of ten, a way on and a way back."""

from __future__ import annotations

from channels.body import plain_text
from channels.model import Purpose
from faq import Category, FaqEntry, FaqManager
from optfm_bot.domain import menu
from optfm_bot.domain.choices import OpenCategory, OpenEntry, OpenTopics
from optfm_bot.domain.say import Say
from optfm_bot.i18n.catalogue import Catalogue

WORDS = Catalogue.load()


def entries(number: int, category: str | None = None) -> list[FaqEntry]:
    return [
        FaqEntry(id=f"{category}-{index}", question=f"Вопрос {index}?", answer="Ответ.", category=category)
        for index in range(number)
    ]


def base(*found: FaqEntry, shelves: int = 0) -> FaqManager:
    return FaqManager(found, categories=[Category(id=f"c{n}", title=f"Полка {n}") for n in range(shelves)])


def topics(faq: FaqManager, page: int = 0, size: int = 10) -> Say:
    return menu.topics(faq, WORDS, "ru", page=page, size=size, replaces=None)


def category(faq: FaqManager, name: str | None, page: int = 0) -> Say:
    return menu.category(faq, WORDS, "ru", name, page=page, size=10, replaces="m7")


def labels(say: Say) -> list[str]:
    return [choice.label for row in say.choices for choice in row]


def test_a_page_holds_ten_questions_and_the_way_to_the_next() -> None:
    faq = base(*entries(25))

    first, last = category(faq, None), category(faq, None, page=2)
    assert labels(first) == [*(f"Вопрос {n}?" for n in range(10)), "Показать ещё"]
    assert first.choices[-1][0].meaning == OpenCategory(None, 1)
    assert labels(last) == [f"Вопрос {n}?" for n in range(20, 25)]


def test_a_full_last_page_has_no_way_on() -> None:
    assert "Показать ещё" not in labels(category(base(*entries(10)), None))
    assert "Показать ещё" not in labels(category(base(*entries(20)), None, page=1))


def test_every_question_is_on_exactly_one_page() -> None:
    faq = base(*entries(37))
    seen = [label for page in range(4) for label in labels(category(faq, None, page=page)) if "?" in label]

    assert seen == [f"Вопрос {n}?" for n in range(37)]


def test_a_category_leads_back_where_there_are_categories() -> None:
    say = category(base(*entries(3, "c0"), shelves=1), "c0")

    assert say.choices[-1][0].label == "К разделам"
    assert say.choices[-1][0].meaning == OpenTopics()
    assert say.choices[0][0].meaning == OpenEntry("c0-0")
    assert (plain_text(say.body), say.replaces, say.purpose) == ("Полка 0", "m7", Purpose.NOTICE)


def test_topics_are_the_categories_and_the_rest() -> None:
    faq = base(*entries(1, "c0"), *entries(1, "c1"), *entries(1), shelves=2)

    assert labels(topics(faq)) == ["Полка 0", "Полка 1", "Другое"]
    assert topics(faq).choices[-1][0].meaning == OpenCategory(None)


def test_topics_have_pages_too() -> None:
    faq = base(*(one for n in range(12) for one in entries(1, f"c{n}")), shelves=12)

    assert labels(topics(faq))[-1] == "Показать ещё"
    assert topics(faq).choices[-1][0].meaning == OpenTopics(1)
    assert labels(topics(faq, page=1)) == ["Полка 10", "Полка 11"]


def test_a_base_without_categories_lists_its_questions_at_once() -> None:
    assert labels(topics(base(*entries(2)))) == ["Вопрос 0?", "Вопрос 1?"]


def test_an_empty_shelf_and_an_unknown_one_say_so() -> None:
    faq = base(*entries(1, "c0"), shelves=1)
    for say in (category(faq, "gone"), category(base(), None), topics(base())):
        assert "нет вопросов" in plain_text(say.body)
        assert labels(say) == []


def test_a_page_that_the_base_does_not_have_any_more_still_leads_back() -> None:
    faq = base(*entries(3, "c0"), shelves=1)

    assert labels(category(faq, "c0", page=9)) == ["К разделам"]
