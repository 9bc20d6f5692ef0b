"""Short follow-ups: read in the light of the last topic, and only where the message alone says too little."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faq import FaqManager, Outcome
from faq.contract import Reason
from faq.followup import FRESH_SECONDS, LastTopic, is_follow_up, resolve

Make = Callable[..., Any]

COST = LastTopic(
    entry_id="cost",
    question_text="Сколько стоит доставка?",
    asked_text="почём доставка",
    category="delivery",
    age=30,
)
CATEGORIES = {"cost": "delivery", "time": "delivery", "pay": "payment"}


def found(base: Any, text: str, last: LastTopic = COST) -> str | None:
    decision = resolve(text, last, base.decide, base.rank)
    if decision is None:
        return None
    assert (decision.outcome, decision.reason) == (Outcome.ANSWER, Reason.FOLLOW_UP)
    return str(decision.entry_id)


# -- what looks like one -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "а в казань?", "А в Казань???", "ну а в казань", "и в выходные?", "тогда самовывоз", "а если картой?",
        "а сколько стоит?", "сколько?", "сколько стоит", "когда вернут", "спасибо, а в казань?", "понятно, а когда?",
        "what about refunds?", "and on weekends?", "how much?", "or by card?",
    ],
)  # fmt: skip
def test_a_continuation_is_short_and_begins_or_asks_like_one(text: str) -> None:
    assert is_follow_up(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "?", "а", "и?", "а вы?", "казань", "доставка в казань", "почему?", "а 5?",
        "how are you", "what do i have to do", "кто это", "как дела", "ну что там",
        "это что такое?", "как сделать канал?", "а какие настройки есть для встраиваемых видео?",
        "а как мне оплатить заказ на сайте картой другого банка", "спасибо", "andorra", "актуальные цены",
        "сколько стоит доставка в казань",
        "а " + "очень " * 5000 + "долго",
    ],
)  # fmt: skip
def test_anything_else_is_a_message_of_its_own(text: str) -> None:
    assert not is_follow_up(text)


# -- scripted ------------------------------------------------------------------------------------------


def test_a_circumstance_that_nobody_knows_leads_back_to_the_last_answer(scripted: Make) -> None:
    base = scripted({"сколько стоит доставка в казань": "cost 0.8 доставка"}, **CATEGORIES)

    assert found(base, "а в казань?") == "cost"


def test_another_thing_needs_a_word_of_its_own(scripted: Make) -> None:
    """Otherwise the last question alone would answer whatever is named."""
    lines = {
        "сколько стоит доставка пельмени": "cost 0.8 доставка",
        "сколько стоит доставка самовывоз": "pickup 0.8 самовывоз",
    }
    base = scripted(lines, **CATEGORIES)

    assert found(base, "а пельмени?") is None
    assert found(base, "а самовывоз?") == "pickup"


def test_a_word_of_the_last_question_speaks_for_nothing(scripted: Make) -> None:
    lines = {"сколько стоит доставка доставка пельменей": "cost 0.9 доставка"}
    base = scripted(lines, **CATEGORIES)

    assert found(base, "а доставка пельменей?") is None
    lines["сколько стоит доставка доставка пельменей"] = "food 0.9 доставка пельменей"
    assert found(base, "а доставка пельменей?") == "food"


def test_without_a_beginning_it_leads_to_another_entry_of_the_category(scripted: Make) -> None:
    text = "сколько стоит доставка сколько ждать"
    bases = {name: scripted({text: f"{name} 0.9 ждать"}, **CATEGORIES) for name in CATEGORIES}
    answers = {name: found(base, "сколько ждать?") for name, base in bases.items()}

    assert answers == {"cost": None, "time": "time", "pay": None}


def test_all_that_is_named_has_to_speak(scripted: Make) -> None:
    lines = {"сколько стоит доставка почтой австралии": "post 0.9 почтой"}

    assert found(scripted(lines, **CATEGORIES), "а почтой австралии?") is None


def test_a_question_about_the_same_thing_stays_in_its_category(scripted: Make) -> None:
    lines = {"когда доставка": "time 0.9 когда доставка", "сколько доставка": "pay 0.9 сколько доставка"}
    base = scripted(lines, **CATEGORIES)

    assert found(base, "а когда?") == "time"
    assert found(base, "сколько?") is None


def test_a_question_about_the_same_thing_must_be_answered_as_it_is_asked(scripted: Make) -> None:
    base = scripted({"когда доставка": "cost 0.9 доставка"}, **CATEGORIES)

    assert found(base, "а когда?") is None


def test_without_categories_the_subject_decides(scripted: Make) -> None:
    loose = replace(COST, category=None)
    lines = {"когда доставка": "time 0.9 когда доставка", "сколько доставка": "pay 0.9 сколько"}
    base = scripted(lines)

    assert found(base, "а когда?", loose) == "time"
    assert found(base, "сколько?", loose) is None


def test_a_supported_reading_is_better_than_a_surer_one(scripted: Make) -> None:
    lines = {
        "сколько стоит доставка в казань": "cost 0.95 доставка",
        "почем доставка в казань": "kazan 0.6 доставка казань",
    }
    assert found(scripted(lines, kazan="delivery", **CATEGORIES), "а в казань?") == "kazan"


@pytest.mark.parametrize("score", ["0.75", "0.9", "1"])
def test_a_good_answer_to_the_message_alone_is_never_replaced(scripted: Make, score: str) -> None:
    lines = {
        "а в казань?": f"pay {score} казань",
        "сколько стоит доставка в казань": "cost 0.999 доставка казань",
    }
    base = scripted(lines, **CATEGORIES)

    assert found(base, "а в казань?") is None
    assert base.asked == ["а в казань?"]


def test_an_unsure_answer_from_elsewhere_gives_way_to_a_surer_one(scripted: Make) -> None:
    lines = {"а в казань?": "pay 0.6", "сколько стоит доставка в казань": "cost 0.7 доставка"}

    assert found(scripted(lines, **CATEGORIES), "а в казань?") == "cost"
    lines["сколько стоит доставка в казань"] = "cost 0.5 доставка"
    assert found(scripted(lines, **CATEGORIES), "а в казань?") is None


def test_an_unsure_answer_about_the_topic_stands(scripted: Make) -> None:
    lines = {"а в казань?": "time 0.6", "сколько стоит доставка в казань": "cost 0.9 доставка"}

    assert found(scripted(lines, **CATEGORIES), "а в казань?") is None


def test_what_is_only_offered_is_no_answer(scripted: Make) -> None:
    assert found(scripted({"сколько стоит доставка в казань": "cost"}, **CATEGORIES), "а в казань?") is None


@pytest.mark.parametrize(("age", "expected"), [(0, "cost"), (FRESH_SECONDS, "cost"), (601, None), (-1, None)])
def test_a_topic_is_fresh_for_ten_minutes(scripted: Make, age: float, expected: str | None) -> None:
    base = scripted({"сколько стоит доставка в казань": "cost 0.8"}, **CATEGORIES)

    assert found(base, "а в казань?", replace(COST, age=age)) == expected


def test_an_old_topic_and_a_message_of_its_own_cost_nothing(scripted: Make) -> None:
    base = scripted({}, **CATEGORIES)
    found(base, "а в казань?", replace(COST, age=3600))
    found(base, "доставка в казань")

    assert base.asked == []


def test_a_sentence_with_a_verb_is_no_circumstance(scripted: Make) -> None:
    base = scripted({"сколько стоит доставка в футбол играете": "cost 0.8 доставка"}, **CATEGORIES)

    assert found(base, "а в футбол играете?") is None


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_any_words_are_met_without_an_error(demo: FaqManager, text: str, asked: str, question: str) -> None:
    last = LastTopic(entry_id="delivery-cost", question_text=question, asked_text=asked, category="delivery")

    assert found(demo, text, last) in {None, *(entry.id for entry in demo.entries)}


# -- the real matcher ----------------------------------------------------------------------------------


def about(demo: FaqManager, entry_id: str, asked: str = "") -> LastTopic:
    entry = demo.entry(entry_id)
    assert entry is not None
    return LastTopic(
        entry_id=entry_id, question_text=entry.question, asked_text=asked, category=entry.category, age=20
    )


@pytest.mark.parametrize(
    ("topic", "asked", "text", "expected"),
    [
        ("delivery-cost", "сколько стоит доставка в москву", "а в казань?", "delivery-cost"),
        ("delivery-cost", "", "а на камчатку?", "delivery-cost"),
        ("delivery-time", "когда привезут", "а сколько стоит?", "delivery-cost"),
        ("delivery-time", "когда привезут", "сколько стоит?", "delivery-cost"),
        ("delivery-cost", "почём доставка", "а когда?", "delivery-time"),
        ("delivery-cost", "how much is delivery", "and to kazan?", "delivery-cost"),
    ],
)
def test_people_go_on_where_they_were(
    demo: FaqManager, topic: str, asked: str, text: str, expected: str
) -> None:
    assert demo.decide(text).outcome is not Outcome.ANSWER, "it would need no context"
    assert found(demo, text, about(demo, topic, asked)) == expected


@pytest.mark.parametrize(
    "text", ["а пельмени?", "и борщ?", "а в футбол играете?", "почему?", "what about pizza?"]
)
@pytest.mark.parametrize("topic", ["delivery-cost", "payment-methods", "return-goods", "working-hours"])
def test_what_the_base_does_not_know_is_not_answered_with_the_topic(
    demo: FaqManager, topic: str, text: str
) -> None:
    assert found(demo, text, about(demo, topic)) is None


def test_questions_and_aliases_of_the_base_stand_alone(demo: FaqManager) -> None:
    for entry in demo.entries:
        for phrase in (entry.question, *entry.aliases):
            assert found(demo, phrase, about(demo, "delivery-cost")) is None, phrase
