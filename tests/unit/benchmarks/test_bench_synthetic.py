"""Synthetic bases and noise: reproducible, of the asked size, and never twice the same question."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.noise import HABITS, in_latin, other_layout, with_slips
from benchmarks.synthetic import MIX, NAMED, Vocabulary, make_base

SUBJECTS = [
    "доставка", "курьер", "заказ", "оплата", "карта", "возврат", "деньги", "размер", "обувь",
    "платье", "скидка", "купон", "бонусы", "профиль", "пароль", "адрес", "магазин", "отзыв",
    "подарок", "упаковка", "гарантия", "ремонт", "примерка", "посылка", "квитанция", "рассрочка",
    "самовывоз", "рассылка",
]  # fmt: skip
SHAPES = ("как {} и {}", "где {}", "можно ли {} если {}", "сколько стоит {}", "а {} когда будет")
TEXTS = [
    shape.format(one, other) for one, other in zip(SUBJECTS, SUBJECTS[7:], strict=False) for shape in SHAPES
] + ["как где можно ли если сколько стоит а когда будет и"] * 200
FOREIGN = ("как сварить борщ", "сколько лететь до луны")


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary(TEXTS, FOREIGN, shape_words=11)


def test_frequent_words_are_shape_and_the_rest_are_subjects(vocabulary: Vocabulary) -> None:
    assert ("как", None, "и", None) in vocabulary.shapes
    forms = {form for family in vocabulary.families for form in family}
    assert forms == set(SUBJECTS)


@pytest.mark.parametrize(("entries", "each"), [(1, 1), (25, 3), (200, 5)])
def test_a_base_has_the_asked_size_and_no_phrasing_twice(
    vocabulary: Vocabulary, entries: int, each: int
) -> None:
    base = make_base(vocabulary, entries, each, 100)

    phrasings = [text.lower().rstrip("?") for entry in base.entries for text in entry.phrasings]
    messages = [message.text for message in base.messages]
    assert len(base.entries) == len({entry.id for entry in base.entries}) == entries
    assert len(phrasings) == len(set(phrasings)) == entries * each
    assert len(messages) == len(set(messages)) == 100
    assert set(messages).isdisjoint(phrasings)
    assert all(entry.answer for entry in base.entries)


def test_the_same_seed_makes_the_same_base_and_another_one_another(vocabulary: Vocabulary) -> None:
    base = make_base(vocabulary, 40, 3, 60, seed=7)

    assert make_base(vocabulary, 40, 3, 60, seed=7) == base
    assert make_base(vocabulary, 40, 3, 60, seed=8) != base


def test_messages_come_in_their_shares_and_know_their_entries(vocabulary: Vocabulary) -> None:
    base = make_base(vocabulary, 50, 3, 400)

    kinds = Counter(message.kind for message in base.messages)
    assert kinds == {kind: round(share * 400) for kind, share in MIX.items()}
    ids = {entry.id for entry in base.entries}
    assert all((message.entry_id in ids) != (message.kind == "foreign") for message in base.messages)
    assert set(FOREIGN) <= {message.text for message in base.messages}


def test_most_entries_have_a_word_of_their_own(vocabulary: Vocabulary) -> None:
    base = make_base(vocabulary, 400, 3, 1)

    words = [
        frozenset(word for text in entry.phrasings for word in text.lower().rstrip("?").split())
        for entry in base.entries
    ]
    owners = Counter(word for held in words for word in held)
    named = sum(any(owners[word] == 1 and word not in SUBJECTS for word in held) for held in words)
    assert abs(named / 400 - NAMED) < 0.1


def test_frequent_subjects_return_more_often_than_rare_ones(vocabulary: Vocabulary) -> None:
    base = make_base(vocabulary, 400, 3, 1)

    told = (
        " ".join(text.lower() for entry in base.entries for text in entry.phrasings).replace("?", "").split()
    )
    counted = Counter(told)
    first, last = vocabulary.families[0][0], vocabulary.families[-1][0]
    assert counted[first] > 3 * counted[last] > 0


@pytest.mark.parametrize("size", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_a_base_of_nothing_is_refused(vocabulary: Vocabulary, size: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        make_base(vocabulary, *size)


def test_too_few_texts_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        Vocabulary(["как быть"])


# -- noise -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clean", "typed"),
    [("как оплатить", "rfr jgkfnbnm"), ("Жду, хорошо", ":le? [jhjij"), ("подъезд 5", "gjl]tpl 5")],
)
def test_the_other_layout_is_that_of_the_keyboard(clean: str, typed: str) -> None:
    assert other_layout(clean).replace(",", "?") == typed.replace(",", "?")


def test_every_habit_leaves_latin_letters_only() -> None:
    text = "Щука, объезд и ещё хлеб: жуй чаще, юла! Цена 40 ₽ — это мышь"

    for habit in range(len(HABITS)):
        assert not any("а" <= letter <= "ё" for letter in in_latin(text, habit).lower())
    assert in_latin("Ещё щука и Объезд", 0) == "Esche schuka i Obezd"


@settings(max_examples=100)
@given(st.text(max_size=60), st.integers(0, 1_000))
def test_slips_are_reproducible_and_small(text: str, seed: int) -> None:
    noisy, again = (with_slips(text, random.Random(seed)) for _ in range(2))  # noqa: S311 - keeps no secret

    assert noisy == again
    assert abs(len(noisy) - len(text)) <= len(text.split(" "))
    assert noisy.count(" ") == text.count(" ") or not any(len(word) >= 4 for word in text.split(" "))
