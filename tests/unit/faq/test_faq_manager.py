from __future__ import annotations

import subprocess
import sys
import time
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import faq
from faq import FaqEntry, FaqManager, KnowledgeBase, Outcome, Status, load_knowledge

SMALL = FaqManager([FaqEntry(id="x", question="Сколько стоит доставка?", answer="300 ₽")])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Сколько стоит доставка?", "delivery-cost"),
        ("Здравствуйте, подскажите, сколько стоит доставка?", "delivery-cost"),
        ("почем доставка", "delivery-cost"),
        ("стоимость доставки", "delivery-cost"),
        ("трек номер", "track"),
        ("самовывоз", "pickup"),
        ("не прохадит оплата", "pay-failed"),
        ("отменить заказ", "order-cancel"),
        ("хочу вернуть товары", "return"),
        ("как оформить на веб-сайте", "order-make"),
    ],
)
def test_a_question_that_is_in_the_base_is_answered(manager: FaqManager, text: str, expected: str) -> None:
    decision = manager.decide(text)
    assert (Outcome.ANSWER, expected) == (decision.outcome, decision.entry_id)
    assert expected == decision.candidates[0].entry_id


@pytest.mark.parametrize(
    "text",
    [
        "как приготовить борщ",
        "сколько стоит",
        "сколько стоит борщ",
        "сколько стоит доллар",
        "возврат налога",
        "доставка пиццы на дом в праздники",
        "как отменить подписку на кино",
        "где мой заказ",
        "оплата жкх",
        "как дела",
        "спасибо",
    ],
)
def test_a_foreign_or_incomplete_question_is_never_answered(manager: FaqManager, text: str) -> None:
    decision = manager.decide(text)
    assert decision.outcome is not Outcome.ANSWER, decision
    assert decision.entry_id is None
    assert len(decision.candidates) <= 3


@pytest.mark.parametrize(
    "text", ["", " ", "а", "🙂", "👍🏽", "12345", "https://example.ru/x", "???", "\x00\x1b", "привет"]
)
def test_what_asks_nothing_is_admitted_without_candidates(manager: FaqManager, text: str) -> None:
    decision = manager.decide(text)
    assert (decision.outcome, decision.candidates) == (Outcome.ADMIT, ())


def test_a_fragment_is_not_answered_even_by_the_only_entry() -> None:
    assert Outcome.CLARIFY is SMALL.decide("сколько стоит").outcome
    assert Outcome.ADMIT is SMALL.decide("как приготовить борщ").outcome


def test_a_phrasing_of_two_entries_asks_which_is_meant() -> None:
    both = [
        FaqEntry(id=name, question=f"Вопрос {name}", answer="a", aliases=("возврат",))
        for name in ("one", "two")
    ]
    decision = FaqManager(both).decide("Возврат!")
    assert Outcome.CLARIFY is decision.outcome
    assert [candidate.entry_id for candidate in decision.candidates] == ["one", "two"]


def test_ranks_are_sorted_limited_and_repeatable(manager: FaqManager) -> None:
    ranked = manager.rank("доставка заказа", limit=3)
    values = [candidate.score for candidate in ranked]
    assert len(values) == 3
    assert sorted(values, reverse=True) == values
    assert all(0 < value <= 1 for value in values)
    assert ranked == manager.rank("доставка заказа", limit=3)
    assert tuple(manager.rank("доставка заказа", limit=0)) == ()


def test_only_live_entries_are_matched_and_listed(shop: KnowledgeBase) -> None:
    manager = FaqManager.from_base(shop, today=lambda: date(2026, 1, 15))
    assert {"old-club", "sale-2025"}.isdisjoint(item.id for item in manager.entries)
    assert manager.entry("old-club") is None
    assert manager.entry("nobody") is None
    assert Outcome.ANSWER is not manager.decide("Как вступить в клуб?").outcome


def test_entries_with_dates_come_and_go_by_the_day(shop: KnowledgeBase) -> None:
    day = [date(2025, 11, 19)]
    manager = FaqManager.from_base(shop, today=lambda: day[0])
    seen = []
    for day[0] in (date(2025, 11, 19), date(2025, 11, 20), date(2025, 11, 30), date(2025, 12, 1)):
        seen.append(manager.decide("когда начнется распродажа").entry_id == "sale-2025")
        assert seen[-1] is (manager.entry("sale-2025") is not None)
    assert seen == [False, True, True, False]


def test_categories_are_in_file_order_and_have_live_entries(manager: FaqManager) -> None:
    assert [category.id for category in manager.categories] == ["delivery", "payment", "orders"]
    assert [item.id for item in manager.entries_in("payment")] == ["pay-methods", "pay-failed"]
    made = FaqManager(
        [
            FaqEntry(id="a", question="q", answer="a", category="loose"),
            FaqEntry(id="b", question="q2", answer="a", category="gone", status=Status.RETIRED),
        ]
    )
    assert [(category.id, category.title) for category in made.categories] == [("loose", "loose")]


def test_two_entries_with_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="'x'"):
        FaqManager([FaqEntry(id="x", question="a"), FaqEntry(id="x", question="b")])


def test_an_empty_manager_admits() -> None:
    assert Outcome.ADMIT is FaqManager([]).decide("доставка").outcome


@pytest.mark.parametrize(
    "text", ["Сколько стоит доставка?", "", "борщ", "сколько стоит", "где мой заказ", "доставка"]
)
def test_every_explanation_can_be_read(manager: FaqManager, text: str) -> None:
    for language in ("ru", "en"):
        lines = manager.explain(text).lines(language)
        assert len(lines) >= 3
        assert not [line for line in lines if "{" in line]


@given(st.text(max_size=300) | st.text(alphabet="абвг дежз.@/-:😀\x00\ud800ё1 ", max_size=300))
@settings(max_examples=200, deadline=None)
def test_no_text_raises(text: str) -> None:
    decision = SMALL.decide(text)
    assert (decision.outcome is Outcome.ANSWER) is (decision.entry_id is not None)
    assert all(0 <= candidate.score <= 1 for candidate in SMALL.rank(text))
    assert SMALL.explain(text).lines("ru")


@pytest.mark.parametrize(
    "text",
    [
        "слово " * 11_000,
        "а" * 65_536,
        "." * 65_536,
        "a." * 32_768,
        "a@" * 32_768,
        "\u0301" * 65_536,
        "ﷺ" * 65_536,
    ],
    ids=["words", "one word", "dots", "domains", "mailboxes", "accents", "ligatures"],
)
def test_a_text_of_64_kib_holds_nobody_up(manager: FaqManager, text: str) -> None:
    """A bound against growth with the length, a hundred times above what it takes; speed is measured elsewhere."""
    start = time.thread_time()
    assert Outcome.ANSWER is not manager.decide(text).outcome
    assert time.thread_time() - start < 1.0


def test_the_package_loads_neither_yaml_nor_asyncio_nor_the_rest_of_the_house() -> None:
    code = (
        "import sys, faq\n"
        "faq.FaqManager, faq.FaqEntry, faq.Outcome\n"
        "heavy = {'yaml', 'asyncio', 'watchfiles', 'numpy', 'rapidfuzz'}\n"
        "heavy |= {'optfm_bot', 'channels', 'config'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(  # our own interpreter, our own text
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there() -> None:
    assert load_knowledge is faq.load_knowledge
    assert [name for name in faq.__all__ if not hasattr(faq, name)] == []
    with pytest.raises(AttributeError, match="nonsense"):
        _ = faq.nonsense
