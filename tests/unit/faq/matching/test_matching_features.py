"""The features of a candidate: bounded and finite for anything, and about the entry alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rapidfuzz import fuzz

from faq import FaqEntry
from faq.matching import features
from faq.matching.features import FEATURES, Comparison, compare
from faq.matching.index import Index, sorted_words
from faq.matching.message import look_at
from faq.matching.reading import Reader
from faq.normalize import Normalizer

MakeEntry = Callable[..., FaqEntry]
MakeIndex = Callable[..., Index]

COSINES = {"meaning", "answer_meaning", "entry_meaning", "head"}
TINY = Index(
    [
        FaqEntry(id="a", question="Как оплатить заказ?", answer="Картой", keywords=("оплата",)),
        FaqEntry(id="b", question="Сколько стоит доставка?", aliases=("цена доставки", "delivery cost") * 4),
        FaqEntry(id="c", question="1", answer="🙂"),
        FaqEntry(id="d", question="???"),
    ],
    Normalizer(),
    [["оплата", "оплатить деньги"]],
)
WORDS = ["как", "оплата", "деньги", "доставки", "цена", "order", "аплотить", "1", "2024", "ё", "rfr", "b"]
ANYTHING = st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join)


def compared(index: Index, text: str, entries: list[int] | None = None) -> Comparison | None:
    reader = Reader(index.vocabulary, index.normalizer)
    message = look_at(reader.readings(text)[0], reader)
    if message is None:
        return None
    if entries is None:
        return compare(index, message, index.candidates(message, 24))
    return compare(index, message, np.array(entries, np.int32))


def named(index: Index, text: str, number: int) -> dict[str, float]:
    found = compared(index, text, [number])
    assert found is not None
    return dict(zip(FEATURES, found.values[0].tolist(), strict=True))


@given(ANYTHING)
@example("00:ПЛАТ:0:1")  # two phrasings that are the same, and differ by rounding
def test_a_large_base_is_compared_as_a_small_one(text: str) -> None:
    small = compared(TINY, text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "_SMALL", 0)
        large = compared(TINY, text)
    if small is None or large is None:
        assert small is large
        return
    assert np.allclose(small.values, large.values, atol=1e-5)
    assert np.array_equal(small.phrases, large.phrases)
    assert np.allclose(small.meaning, large.meaning, atol=1e-5)


@given(ANYTHING, ANYTHING)
def test_the_ratio_of_sorted_words_is_the_token_sort_ratio(one: str, other: str) -> None:
    one, other = (Normalizer().fold(text) for text in (one, other))

    assert fuzz.ratio(sorted_words(one), sorted_words(other)) == fuzz.token_sort_ratio(one, other)


@given(ANYTHING)
def test_features_are_finite_and_bounded_for_any_text(text: str) -> None:
    found = compared(TINY, text)
    if found is None:
        return
    assert found.values.shape == (len(found.entries), len(FEATURES))
    assert len(found.phrases) == len(found.entries)
    assert np.all(np.isfinite(found.values))
    for name, column in zip(FEATURES, found.values.T, strict=True):
        assert column.max() <= 1.2, name
        assert column.min() >= (-1.0 if name in COSINES else -1e-6), name


@given(ANYTHING)
def test_a_candidate_is_measured_alike_whoever_stands_beside_it(text: str) -> None:
    together = compared(TINY, text, [0, 1, 2])
    if together is None:
        return
    for place, number in enumerate((0, 1, 2)):
        alone = compared(TINY, text, [number])
        assert alone is not None
        assert alone.values[0] == pytest.approx(together.values[place], abs=1e-5)


def test_a_phrasing_of_other_forms_and_order_is_fully_covered(index: MakeIndex) -> None:
    made = index("Как отменить заказ?", "Где посылка?")
    found = named(made, "заказы отменить как", 0)
    for name in ("cover", "cover_message", "cover_phrase", "entry_cover", "phrase"):
        assert found[name] == pytest.approx(1.0, abs=1e-5), name
    assert found["gap"] == found["hard_gap"] == pytest.approx(0.0, abs=1e-6)
    assert named(made, "заказы отменить как", 1)["cover"] == 0.0


def test_what_nothing_supports_is_the_gap(index: MakeIndex) -> None:
    made = index("Как отменить заказ?")
    clean, foreign = named(made, "отменить заказ", 0), named(made, "отменить заказ абонемента", 0)
    assert clean["hard_gap"] == pytest.approx(0.0, abs=1e-6)
    assert foreign["hard_gap"] > 0.4
    assert foreign["cover_message"] < clean["cover_message"]
    assert foreign["cover_phrase"] == pytest.approx(clean["cover_phrase"], abs=1e-5)


def test_a_rare_word_covers_more_than_a_common_one(index: MakeIndex) -> None:
    made = index("Как отменить заказ мебели?")
    assert named(made, "мебель", 0)["cover_phrase"] > named(made, "как", 0)["cover_phrase"]


def test_words_of_like_meaning_count_softly(index: MakeIndex) -> None:
    made = index("Когда приедет курьер?", "Как испечь пирог?")
    near, far = named(made, "доставка", 0), named(made, "доставка", 1)
    assert near["cover_message"] == 0.0
    assert near["soft_cover_message"] > far["soft_cover_message"]
    assert near["meaning"] > far["meaning"]


def test_the_answer_is_evidence_of_its_own(entry: MakeEntry, index: MakeIndex) -> None:
    made = index(
        entry("Как вернуть товар?", answer="Сохраните чек"), entry("Как вернуть деньги?", answer="Да")
    )
    told, silent = named(made, "вернуть чек", 0), named(made, "вернуть чек", 1)
    assert told["answer_cover"] > 0.3 > silent["answer_cover"]
    assert told["entry_answer_cover"] > told["entry_cover"] == pytest.approx(silent["entry_cover"], abs=1e-5)


def test_a_named_keyword_is_seen_in_a_longer_message(entry: MakeEntry, index: MakeIndex) -> None:
    made = index(entry("Как забрать заказ самому?", keywords=("самовывоз",)), "Где посылка?")
    assert named(made, "есть ли у вас самовывоз в субботу", 0)["keyword"] > 0.5
    assert named(made, "есть ли у вас самовывоз в субботу", 1)["keyword"] == 0.0


def test_many_phrasings_are_pruned_but_the_best_is_kept(entry: MakeEntry, index: MakeIndex) -> None:
    junk = tuple(
        f"{word} и {word}ы" for word in ("диван", "шкаф", "лампа", "ковёр", "стол", "стул", "кресло")
    )
    made = index(entry("Комната", aliases=(*junk, "как отменить заказ")), "Другое")
    found = named(made, "отменить заказ", 0)
    assert found["cover_message"] == pytest.approx(1.0, abs=1e-5)
    assert found["cover"] > 0.8


def test_the_columns_of_the_classifier_are_taken_as_they_come(index: MakeIndex) -> None:
    made = index("Как отменить заказ?", "Где посылка?")
    reader = Reader(made.vocabulary, made.normalizer)
    message = look_at(reader.readings("отменить")[0], reader)
    assert message is not None
    head = np.array([[0.7, 0.9], [0.1, 0.1]], np.float32)
    found = compare(made, message, np.array([0, 1], np.int32), head)
    columns = [FEATURES.index("head"), FEATURES.index("head_share")]
    assert found.values[:, columns] == pytest.approx(head)
    without = compare(made, message, np.array([0, 1], np.int32))
    assert without.values[:, columns] == pytest.approx(np.zeros((2, 2)))
