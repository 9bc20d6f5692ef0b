"""Small talk as a class of its own."""

from __future__ import annotations

from faq.language.spoken import chat_phrases
from faq.matching.chat import ASKS_FOR_SOMETHING, Likeness, load_chat
from faq.matching.index import Index
from faq.matching.message import look_at
from faq.matching.reading import Reader


def likeness(index: Index, text: str) -> Likeness:
    reader = Reader(index.vocabulary, index.normalizer)
    message = look_at(reader.readings(text)[0], reader)
    assert message is not None
    return load_chat().likeness(message)


def test_small_talk_is_more_like_small_talk_than_a_question_is(shop_index: Index) -> None:
    chat = ["как дела", "ты дурак", "расскажи анекдот", "how are you", "спокойной ночи"]
    asked = [
        "как отменить заказ",
        "сколько стоит доставка в казань",
        "не проходит оплата картой",
        "вернуть товар",
    ]
    assert min(likeness(shop_index, text).cover for text in chat) > max(
        likeness(shop_index, text).cover for text in asked
    )


def test_a_phrase_of_small_talk_is_recognised_and_named(shop_index: Index) -> None:
    found = likeness(shop_index, "как твои дела?")
    assert found.meaning > 0.8
    assert "дела" in found.phrase


def test_likeness_lies_between_nothing_and_the_same(shop_index: Index) -> None:
    strange = []
    phrases = [phrase for kind, phrase in chat_phrases() if kind not in ASKS_FOR_SOMETHING][::11]
    for phrase in phrases:
        found = likeness(shop_index, phrase)
        assert -1.0 <= found.meaning <= 1.0001
        assert 0.0 <= found.cover <= 1.0001
        if found.meaning < 0.9:
            strange.append(phrase)
    assert len(strange) <= 0.2 * len(phrases), strange


def test_a_wish_to_talk_to_a_person_is_no_small_talk(shop_index: Index) -> None:
    assert {kind for kind, _ in chat_phrases()} >= ASKS_FOR_SOMETHING
    assert likeness(shop_index, "позовите оператора").cover < 0.8


def test_it_is_read_once() -> None:
    assert load_chat() is load_chat()
