"""The index: lists in one array, candidates that never miss the owner of a phrasing, bases of any size and shape."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faq import FaqEntry
from faq.contract import Via
from faq.matching.index import MAX_ANSWER, MAX_PHRASE, Index, Ragged, phrasings
from faq.matching.message import Message, look_at
from faq.matching.reading import Reader
from faq.normalize import Normalizer

MakeEntry = Callable[..., FaqEntry]
MakeIndex = Callable[..., Index]
LISTS = st.lists(st.lists(st.integers(0, 1_000), max_size=6), max_size=12)


def message_for(index: Index, text: str) -> Message:
    reader = Reader(index.vocabulary, index.normalizer)
    message = look_at(reader.readings(text)[0], reader)
    assert message is not None
    return message


@given(LISTS, st.data())
def test_lists_are_gathered_as_they_were_given(lists: list[list[int]], data: st.DataObject) -> None:
    ragged = Ragged(lists)
    chosen = data.draw(st.lists(st.sampled_from(range(len(lists))), max_size=20)) if lists else []
    values, begins = ragged.gather(np.array(chosen, np.int64))
    assert values.tolist() == [value for place in chosen for value in lists[place]]
    assert [part.tolist() for part in np.split(values, begins[1:])][: len(chosen)] == [
        lists[place] for place in chosen
    ]
    assert [ragged.of(place).tolist() for place in range(len(lists))] == lists


def test_phrasings_have_their_kinds_in_order(entry: MakeEntry) -> None:
    one = entry("Вопрос?", aliases=("иначе",), keywords=("слово",))
    assert list(phrasings(one)) == [(Via.QUESTION, "Вопрос?"), (Via.ALIAS, "иначе"), (Via.KEYWORD, "слово")]


def test_every_phrasing_has_its_owner_among_the_candidates(shop_index: Index) -> None:
    for number, one in enumerate(shop_index.entries):
        for _, text in phrasings(one):
            found = shop_index.candidates(message_for(shop_index, text), 3).tolist()
            assert number in found, text
            assert found == sorted(set(found))


def test_owners_are_found_in_a_large_base_by_any_two_of_their_words() -> None:
    rand = random.Random(3)  # noqa: S311 - words, not secrets
    words = ["".join(rand.choices("абвгдежзиклмнопрст", k=7)) for _ in range(900)]
    base = [
        FaqEntry(id=f"e{number}", question=" ".join(rand.sample(words, 4)), answer=rand.choice(words))
        for number in range(400)
    ]
    index = Index(base, Normalizer())
    for number in range(0, 400, 20):
        asked = " ".join(rand.sample(base[number].question.split(), 2))
        found = index.candidates(message_for(index, asked), 24).tolist()
        assert len(found) == 24
        assert number in found


def test_only_what_is_allowed_is_a_candidate(shop_index: Index) -> None:
    message = message_for(shop_index, "как отменить заказ")
    allowed = np.zeros(len(shop_index.entries), bool)
    assert shop_index.candidates(message, 24, allowed).tolist() == []
    allowed[[2, 5]] = True
    assert shop_index.candidates(message, 24, allowed).tolist() == [2, 5]
    assert shop_index.candidates(message, 1, allowed).tolist() in ([2], [5])


def test_a_hint_brings_an_entry_that_shares_no_word(shop_index: Index) -> None:
    message = message_for(shop_index, "как отменить заказ")
    hint = np.zeros(len(shop_index.entries), np.float32)
    hint[4] = 9.0
    assert shop_index.candidates(message, 1, None, hint).tolist() == [4]


@pytest.mark.parametrize("questions", [[], ["???"], ["🙂", "!"], ["https://example.ru"]])
def test_a_base_without_words_has_no_candidates(index: MakeIndex, questions: list[str]) -> None:
    made = index(*questions)
    assert len(made.entries) == len(questions)
    assert made.candidates(message_for(made, "как оплатить"), 24).tolist() == []


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_entry_without_words_is_passed_over_wherever_it_stands(index: MakeIndex, place: int) -> None:
    questions = ["Как оплатить заказ?", "Где посылка?"]
    made = index(*questions[:place], "???", *questions[place:])
    assert place not in made.candidates(message_for(made, "оплатить посылку"), 24).tolist()
    assert len(made.candidates(message_for(made, "оплатить посылку"), 24)) == 2


def test_a_base_of_one_entry(index: MakeIndex) -> None:
    made = index("Как оплатить заказ?")
    assert made.candidates(message_for(made, "борщ"), 24).tolist() == [0]


def test_whole_phrasings_lead_to_their_owners_by_kind(entry: MakeEntry, index: MakeIndex) -> None:
    made = index(
        entry("Здравствуйте, где Мой заказ?", id="a", keywords=("возврат", "Где мой заказ")),
        entry("Возврат!", id="b", aliases=("возврат", "ВОЗВРАТ.")),
    )
    assert made.exact["где мой заказ"] == ((0, Via.QUESTION, "Здравствуйте, где Мой заказ?"),)
    assert made.exact["возврат"] == ((1, Via.QUESTION, "Возврат!"),)
    assert [owner[:2] for owner in made.exact_keywords["возврат"]] == [(0, Via.KEYWORD)]
    assert "" not in made.exact


def test_long_texts_are_indexed_by_their_beginning(entry: MakeEntry, index: MakeIndex) -> None:
    long = " ".join(f"слово{number}а" for number in range(200))
    made = index(entry("Вопрос", id="a", answer=long, aliases=(long,)))
    assert len(made.tokens.of(1)) == MAX_PHRASE
    assert len(made.answers.of(0)) == MAX_ANSWER


def test_meanings_and_weights_are_finite_and_bounded(shop_index: Index) -> None:
    for meanings in (shop_index.phrase_meanings, shop_index.answer_meanings, shop_index.entry_meanings):
        lengths = np.linalg.norm(meanings, axis=1)
        assert np.all((np.abs(lengths - 1) < 1e-4) | (lengths == 0))
    assert np.all(np.isfinite(shop_index.phrase_weights))
    assert np.all(shop_index.phrase_weights > 0)
    assert len(shop_index.phrases) == len(shop_index.owner) == int(shop_index.spans[-1])
