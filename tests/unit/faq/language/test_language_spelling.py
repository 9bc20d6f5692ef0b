"""Misspelled words: by ear, and one edit away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from faq.language.spelling import deletions, edits, shared_prefix, sound

RUSSIAN = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
WORDS = st.text(alphabet=RUSSIAN, min_size=1, max_size=9)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("рассрочка", "расрочка"),
        ("россрочка", "рассрочка"),
        ("проходит", "прахадит"),
        ("коллега", "колега"),
        ("девочка", "дивочка"),
        ("жизнь", "жызнь"),
        ("подъезд", "подьезд"),
    ],
)
def test_words_that_are_heard_alike_have_one_sound(one: str, other: str) -> None:
    assert sound(one) == sound(other)


@pytest.mark.parametrize(
    ("one", "other"), [("дом", "том"), ("счет", "чет"), ("вход", "выход"), ("кот", "код")]
)
def test_words_that_are_heard_apart_sound_apart(one: str, other: str) -> None:
    assert sound(one) != sound(other)


@given(WORDS)
def test_a_sound_sounds_like_itself(word: str) -> None:
    heard = sound(word)
    assert sound(heard) == heard
    assert len(heard) <= len(word)


def test_deletions_are_the_word_and_every_letter_less() -> None:
    assert deletions("дом") == ["дом", "ом", "дм", "до"]
    assert deletions("") == [""]


@given(WORDS)
def test_everything_an_edit_away_is_an_edit_away_and_shares_a_deletion(word: str) -> None:
    """The promise that typo repair stands on: neighbours are found by equal keys, never by a scan."""
    near, keys = edits(word), set(deletions(word))
    assert word not in near
    for other in near:
        assert OSA.distance(word, other) == 1
        assert keys & set(deletions(other))


@given(WORDS, st.data())
def test_edits_go_both_ways(word: str, data: st.DataObject) -> None:
    other = data.draw(st.sampled_from(sorted(edits(word))))
    assert not other or word in edits(other)


def test_words_are_edited_with_the_letters_of_their_script() -> None:
    assert {"odrer", "ordr", "orderr", "irder"} <= edits("order")
    assert all(word.isascii() for word in edits("order"))
    assert {"заказы", "закза", "зака"} <= edits("заказ")


@given(WORDS, WORDS, WORDS)
def test_a_shared_prefix_is_as_long_as_it_is_shared(head: str, one: str, other: str) -> None:
    size = shared_prefix(head + one, head + other)
    assert size >= len(head)
    assert (head + one)[:size] == (head + other)[:size]
    assert (head + one)[size : size + 1] != (head + other)[size : size + 1] or head + one == head + other
