"""What a conversation is about, from one message to the next."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from faq import Decision, FaqEntry, FaqManager, Outcome
from faq.followup import FRESH_SECONDS
from faq.parts import Part
from optfm_bot.domain import understanding
from optfm_bot.domain.conversation import EMPTY, Conversation, Topic
from optfm_bot.domain.understanding import (
    REMEMBERED,
    REMEMBERED_LENGTH,
    Understanding,
    topic_after,
    understand,
)

FAQ = FaqManager(
    [
        FaqEntry(id="cost", question="Сколько стоит доставка?", category="delivery", answer="300 ₽."),
        FaqEntry(id="time", question="Какие сроки доставки?", category="delivery", answer="3 дня."),
        FaqEntry(id="pay", question="Как оплатить заказ?", answer="Картой."),
    ]
)
TOPIC = Conversation(topic="cost", topic_text="почём доставка", topic_at=1000)


def answered(text: str, entry_id: str) -> Part:
    return Part(text, Decision(outcome=Outcome.ANSWER, entry_id=entry_id))


def unknown(text: str) -> Part:
    return Part(text, Decision(outcome=Outcome.ADMIT))


def entries(parts: tuple[Part, ...]) -> list[str | None]:
    return [part.decision.entry_id for part in parts]


def test_the_last_answer_is_the_topic() -> None:
    parts = (answered("как оплатить", "pay"), answered("когда", "time"), unknown("борщ"))

    assert topic_after(EMPTY, parts, 5) == Topic("time", "", 5)
    assert topic_after(EMPTY, (answered("как оплатить заказ", "pay"),), 5).text == "как оплатить заказ"


def test_a_follow_up_keeps_the_question_that_it_continues() -> None:
    same = topic_after(TOPIC, (answered("а в казань?", "cost"),), 2000)
    other = topic_after(TOPIC, (answered("а когда?", "time"),), 2000)

    assert same == Topic("cost", "почём доставка", 2000)
    assert other == Topic("time", "", 2000)


def test_an_unknown_question_ends_a_topic_and_an_unknown_follow_up_does_not() -> None:
    assert topic_after(TOPIC, (unknown("как приготовить борщ"),), 2000) == Topic()
    assert topic_after(TOPIC, (unknown("а пельмени?"),), 2000) == Topic("cost", "почём доставка", 1000)


def test_the_topic_speaks_for_a_message_that_says_too_little() -> None:
    asked = Understanding(FAQ)

    assert entries(asked.parts("а в казань?", TOPIC, 2000)) == ["cost"]
    assert entries(asked.parts("а в казань?", EMPTY, 2000)) == [None]
    assert entries(asked.parts("как оплатить заказ", TOPIC, 2000)) == ["pay"]
    assert understand("а в казань?", FAQ) == asked.parts("а в казань?", EMPTY, 2000)


def test_a_topic_goes_stale_and_dies_with_its_entry() -> None:
    asked, fresh = Understanding(FAQ), TOPIC.topic_at + int(FRESH_SECONDS * 1000)

    assert entries(asked.parts("а в казань?", TOPIC, fresh)) == ["cost"]
    assert entries(asked.parts("а в казань?", TOPIC, fresh + 1)) == [None]
    assert entries(asked.parts("а в казань?", TOPIC, TOPIC.topic_at - 1)) == [None]
    assert entries(asked.parts("а в казань?", Conversation(topic="gone", topic_at=1000), 1000)) == [None]


# -- the memory ------------------------------------------------------------------------------------------


@pytest.fixture
def understood(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each text had to be thought about."""
    counted: Counter[str] = Counter()

    def counting(text: str, faq: FaqManager, last: object = None) -> tuple[Part, ...]:
        del last
        counted[text] += 1
        return (answered(text, next(iter(faq.entries)).id),)

    monkeypatch.setattr(understanding, "understand", counting)
    return counted


def test_a_message_is_thought_about_once_for_each_topic(understood: Counter[str]) -> None:
    asked = Understanding(FAQ)
    others = (
        EMPTY,
        TOPIC,
        Conversation(topic="pay", topic_text="почём доставка", topic_at=1000),
        Conversation(topic="cost", topic_text="а сколько", topic_at=1000),
    )
    for _ in range(2):
        for talk in others:
            asked.parts("когда?", talk, 2000)
        asked.parts("когда?", TOPIC, 3000)  # as fresh as before
        asked.parts("когда?", TOPIC, 10**9)  # as good as none

    assert understood == {"когда?": len(others)}


def test_the_memory_is_bounded_in_number_and_length(understood: Counter[str]) -> None:
    asked = Understanding(FAQ)
    for number in range(REMEMBERED + 1):
        asked.parts(f"текст {number}", EMPTY, 0)
    for text in (f"текст {REMEMBERED}", "текст 0"):
        asked.parts(text, EMPTY, 0)
    for length in (REMEMBERED_LENGTH, REMEMBERED_LENGTH + 1):
        for _ in range(2):
            asked.parts("я" * length, EMPTY, 0)

    assert (understood[f"текст {REMEMBERED}"], understood["текст 0"]) == (1, 2)
    assert (understood["я" * REMEMBERED_LENGTH], understood["я" * (REMEMBERED_LENGTH + 1)]) == (1, 2)


def test_other_live_entries_are_thought_about_anew(understood: Counter[str]) -> None:
    day = [date(2026, 5, 1)]
    old = FaqEntry(id="old", question="Какие скидки?", valid_to=date(2026, 5, 1))
    asked = Understanding(
        FaqManager([old, FaqEntry(id="pay", question="Как оплатить?")], today=lambda: day[0])
    )

    before = entries(asked.parts("скидки", EMPTY, 0))
    day[0] = date(2026, 5, 2)

    assert (before, entries(asked.parts("скидки", EMPTY, 0))) == (["old"], ["pay"])
    assert understood == {"скидки": 2}
