"""What a conversation is about, from one message to the next."""

from __future__ import annotations

from faq import Decision, FaqEntry, FaqManager, Outcome
from faq.parts import Part
from optfm_bot.domain.conversation import EMPTY, Conversation
from optfm_bot.domain.understanding import last_topic, remembered, understand

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


def test_the_last_answer_is_the_topic() -> None:
    talk = remembered(EMPTY, (answered("как оплатить", "pay"), answered("когда", "time"), unknown("борщ")), 5)

    assert talk == Conversation(topic="time", topic_text="", topic_at=5)
    assert remembered(EMPTY, (answered("как оплатить заказ", "pay"),), 5).topic_text == "как оплатить заказ"


def test_a_follow_up_keeps_the_question_that_it_continues() -> None:
    same = remembered(TOPIC, (answered("а в казань?", "cost"),), 2000)
    other = remembered(TOPIC, (answered("а когда?", "time"),), 2000)

    assert (same.topic_text, same.topic_at) == ("почём доставка", 2000)
    assert (other.topic, other.topic_text) == ("time", "")


def test_an_unknown_question_ends_a_topic_and_an_unknown_follow_up_does_not() -> None:
    assert remembered(TOPIC, (unknown("как приготовить борщ"),), 2000) == EMPTY
    assert remembered(TOPIC, (unknown("а пельмени?"),), 2000) == TOPIC


def test_a_topic_has_its_age_in_seconds_and_the_words_of_its_entry() -> None:
    last = last_topic(TOPIC, FAQ, 31_000)

    assert last is not None
    assert (last.entry_id, last.question_text, last.category, last.age) == (
        "cost", "Сколько стоит доставка?", "delivery", 30.0,
    )  # fmt: skip
    assert last_topic(EMPTY, FAQ, 31_000) is None
    assert last_topic(Conversation(topic="gone", topic_at=1000), FAQ, 1000) is None


def test_the_topic_speaks_for_a_message_that_says_too_little() -> None:
    last = last_topic(TOPIC, FAQ, 2000)

    assert [part.decision.entry_id for part in understand("а в казань?", FAQ, last)] == ["cost"]
    assert [part.decision.entry_id for part in understand("а в казань?", FAQ)] == [None]
    assert [part.decision.entry_id for part in understand("как оплатить заказ", FAQ, last)] == ["pay"]
