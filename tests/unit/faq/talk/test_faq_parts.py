"""Two questions in one message: cut where both can stand alone, and only if that answers more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faq import Decision, FaqManager, Outcome
from faq.contract import Reason
from faq.parts import MOST, Part, decide_parts, split

Make = Callable[..., Any]


def told(base: Any, text: str) -> list[tuple[str, str]]:
    """The parts as (text, answered entry or outcome)."""
    parts = decide_parts(text, base.decide)
    return [(part.text, part.decision.entry_id or part.decision.outcome.value) for part in parts]


# -- cutting -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Сколько стоит доставка? Как оплатить?", ("Сколько стоит доставка?", "Как оплатить?")),
        ("сколько стоит доставка?как оплатить?", ("сколько стоит доставка?", "как оплатить?")),
        ("Где вы находитесь?\nКак оплатить?", ("Где вы находитесь?", "Как оплатить?")),
        ("где вы находитесь\nкак оплатить", ("где вы находитесь", "как оплатить")),
        ("сколько стоит доставка и как оплатить", ("сколько стоит доставка", "как оплатить")),
        ("сколько стоит доставка, а также есть ли скидки", ("сколько стоит доставка", "есть ли скидки")),
        ("сколько стоит доставка и ещё где вы находитесь?", ("сколько стоит доставка", "где вы находитесь?")),
        ("сколько стоит доставка, а когда привезут", ("сколько стоит доставка", "когда привезут")),
        ("до скольки работаете и в какие регионы возите", ("до скольки работаете", "в какие регионы возите")),
        ("как вернуть товар и нужен ли чек", ("как вернуть товар", "нужен ли чек")),
        ("How do I pay and where are you located?", ("How do I pay", "where are you located?")),
        ("How do I pay? Also, can I return goods?", ("How do I pay?", "can I return goods?")),
        ("Здравствуйте! Как оплатить? А где вы находитесь? Спасибо!", ("Как оплатить?", "где вы находитесь?")),
        ("Как оплатить? Где вы находитесь? Есть скидки?", ("Как оплатить?", "Где вы находитесь?", "Есть скидки?")),
        ("Почём доставка? Мне в Казань. Как оплатить?", ("Почём доставка? Мне в Казань.", "Как оплатить?")),
        ("Как оплатить? Коробка помята. Что делать?", ("Как оплатить?", "Коробка помята. Что делать?")),
    ],
)  # fmt: skip
def test_questions_are_told_apart(text: str, parts: tuple[str, ...]) -> None:
    assert split(text) == parts


@pytest.mark.parametrize(
    "text",
    [
        "", "?", "   ", "сколько стоит доставка", "как и где купить чехол", "когда и куда привезут заказ",
        "сколько стоит и как оплатить доставку", "есть чехлы и стёкла", "сколько стоит доставка и когда?",
        "как\nвернуть\nденьги?", "подскажите\nсколько стоит\nдоставка", "Сколько стоит доставка? Спасибо!",
        "Здравствуйте. Сколько стоит доставка?", "сроки доставки и способы оплаты",
        "Пропала карта. Можно её вернуть? Сколько это стоит?", "сколько стоит доставка и как это оплатить",
        "How do I pay? I can not see it. Is there a fee for that?",
        "Можно поменять порядок видео? Или только через полное удаление?",
        "Заказал наушники на прошлой неделе. Пришла коробка, вся мятая. Что мне делать?",
        "я не понимаю как оформить заказ. вчера всё работало", "сломался экран и не знаю как вернуть",
        "Как оплатить? Где офис? Когда привезут? Есть ли скидки?", "https://example.ru/a?b=1 и как это",
    ],
)  # fmt: skip
def test_one_question_a_story_and_an_interview_stay_whole(text: str) -> None:
    assert split(text) == (text,)


def test_a_flood_of_places_to_cut_is_not_looked_at() -> None:
    two = "как оплатить заказ? где офис?"
    for flood in ("слово и как " * 60, "? " * 400, "\n" * 50 + "да\n" * 50, "а" * 2000):
        assert split(two + flood) == (two + flood,)


@given(st.text(st.sampled_from("асьюд ?!.\n,и как где"), max_size=120))
def test_parts_are_pieces_of_the_message_in_their_order(text: str) -> None:
    parts = split(text)
    assert 1 <= len(parts) <= MOST
    place = 0
    for part in parts:
        place = text.index(part, place) + len(part)


# -- deciding ------------------------------------------------------------------------------------------

BOTH = "сколько стоит доставка и как оплатить"


def test_two_questions_have_two_answers_in_their_order(scripted: Make) -> None:
    base = scripted({BOTH: "cost 0.6", "сколько стоит доставка": "cost 0.9", "как оплатить": "pay 0.8"})

    assert told(base, BOTH) == [("сколько стоит доставка", "cost"), ("как оплатить", "pay")]


def test_a_phrasing_with_and_in_it_stays_whole(scripted: Make) -> None:
    parts = {"сколько стоит доставка": "cost 0.9", "как оплатить": "pay 0.8"}

    assert told(scripted({BOTH: "both 1", **parts}), BOTH) == [(BOTH, "both")]
    assert told(scripted({BOTH: "both 0.95", **parts}), BOTH) == [(BOTH, "both")]
    assert told(scripted({BOTH: "cost 0.95", **parts}), BOTH) == [(BOTH, "cost")], (
        "nearly a phrasing of the first"
    )


def test_a_phrasing_word_for_word_is_not_taken_apart(scripted: Make) -> None:
    base = scripted({BOTH: "both 1"})
    told(base, BOTH)

    assert base.asked == [BOTH]


def test_parts_of_one_entry_are_one_question(scripted: Make) -> None:
    base = scripted({BOTH: "pay 0.5", "сколько стоит доставка": "pay 0.9", "как оплатить": "pay 0.8"})
    assert told(base, BOTH) == [(BOTH, "pay")]

    clearer = scripted({BOTH: "other", "сколько стоит доставка": "pay 0.9", "как оплатить": "pay 0.8"})
    assert told(clearer, BOTH) == [(BOTH, "pay")]


def test_the_surer_part_is_answered_first_and_the_other_is_offered(scripted: Make) -> None:
    base = scripted({"сколько стоит доставка": "cost", "как оплатить": "pay 0.8"})

    assert told(base, BOTH) == [("как оплатить", "pay"), ("сколько стоит доставка", "clarify")]


def test_nothing_is_offered_that_is_answered_already(scripted: Make) -> None:
    base = scripted({"сколько стоит доставка": "pay", "как оплатить": "pay 0.8"})

    assert told(base, BOTH) == [(BOTH, "pay")]


def test_an_unknown_part_is_told_if_it_says_something(scripted: Make) -> None:
    base = scripted({"Как оплатить?": "pay 0.8"})

    soup = told(base, "Как оплатить? Как приготовить борщ?")
    assert soup == [("Как оплатить?", "pay"), ("Как приготовить борщ?", "admit")]
    assert told(base, "Вы серьёзно? Как оплатить?") == [("Вы серьёзно? Как оплатить?", "pay")]


def test_a_message_of_which_no_part_is_clear_stays_whole(scripted: Make) -> None:
    assert told(scripted({BOTH: "cost"}), BOTH) == [(BOTH, "clarify")]
    assert told(scripted({}), BOTH) == [(BOTH, "admit")]


def test_an_unclear_part_may_go_on_from_the_one_before(scripted: Make) -> None:
    def after(text: str, before: Part) -> Decision | None:
        seen.append((text, before.decision.entry_id))
        return Decision(outcome=Outcome.ANSWER, entry_id="time", reason=Reason.FOLLOW_UP)

    seen: list[tuple[str, str | None]] = []
    base = scripted({"сколько стоит доставка": "cost 0.9"})
    parts = decide_parts("сколько стоит доставка и сколько ждать", base.decide, after=after)

    assert [part.decision.entry_id for part in parts] == ["cost", "time"]
    assert seen == [("сколько ждать", "cost")]


# -- the real matcher ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("Здравствуйте! Сколько стоит доставка? Можно ли вернуть товар?", ["delivery-cost", "return-goods"]),
        ("какой минимальный заказ, а также есть ли скидки", ["min-order", "discounts"]),
        ("до скольки работаете и в какие регионы доставляете", ["working-hours", "delivery-regions"]),
        ("как вернуть товар, и ещё когда вернут деньги", ["return-goods", "refund-time"]),
        ("сколько стоит доставка и сколько ждать?", ["delivery-cost", "delivery-time"]),
    ],
)
def test_the_demo_answers_both(demo: FaqManager, text: str, entries: list[str]) -> None:
    assert [entry for _, entry in told(demo, text)] == entries


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("где вы находитесь и есть ли у вас шоурум", "address"),
        ("Где вы находитесь и есть ли шоурум?", "address"),
        ("как и где забрать заказ", "pickup"),
        ("Вы серьёзно? Где мой заказ???", "tracking"),
    ],
)
def test_the_demo_answers_once(demo: FaqManager, text: str, entry: str) -> None:
    assert told(demo, text) == [(text, entry)]


def test_every_phrasing_of_the_demo_stays_whole(demo: FaqManager) -> None:
    for entry in demo.entries:
        for phrase in (entry.question, *entry.aliases):
            assert told(demo, phrase) == [(phrase, entry.id)]


@given(st.text(max_size=300))
def test_any_text_is_decided(demo: FaqManager, text: str) -> None:
    parts = decide_parts(text, demo.decide)

    assert 1 <= len(parts) <= MOST
    answered = [part.decision.entry_id for part in parts if part.decision.entry_id]
    assert len(answered) == len(set(answered))
