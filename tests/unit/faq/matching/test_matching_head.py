"""The classifier over phrasings: learns where there is something to learn from, and is silent elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from faq import FaqEntry
from faq.matching.features import FEATURES
from faq.matching.head import ENOUGH, FEWEST, _hashed, _rows, shares, train
from faq.matching.index import Index
from faq.matching.matcher import FusionMatcher
from faq.matching.model import Model

MakeEntry = Callable[..., FaqEntry]
MakeIndex = Callable[..., Index]

CARDS = (
    "карта не пришла",
    "жду карту",
    "когда будет карта",
    "где моя карта",
    "карту не привезли",
    "нет карты",
)
LIMITS = (
    "лимит перевода",
    "сколько можно перевести",
    "максимальный перевод",
    "предел переводов",
    "поднять лимит",
)


def scores(index: Index, text: str) -> list[float]:
    """The classifier's column for all the entries."""
    untrained = Model(FEATURES, np.zeros(len(FEATURES), np.float32), np.zeros(0, np.float32), 0.0)
    measured = FusionMatcher(index, untrained).measure(text)
    assert measured is not None
    assert len(measured.comparison.entries) == len(index.entries)
    found: list[float] = measured.comparison.values[:, FEATURES.index("head")].tolist()
    return found


def test_entries_with_few_phrasings_have_no_classifier(entry: MakeEntry, index: MakeIndex) -> None:
    assert train(index("Где карта?", "Какой лимит?")) is None
    assert train(index()) is None
    assert FEWEST < ENOUGH
    assert scores(index("Где карта?", "Какой лимит?"), "лимит карты") == [0.0, 0.0]


def test_it_counts_the_more_the_more_phrasings_there_are(entry: MakeEntry, index: MakeIndex) -> None:
    gates = []
    for count in (3, 4, 5):
        head = train(index(entry("Карта", aliases=CARDS[:count]), entry("Лимит", aliases=LIMITS[:count])))
        assert head is not None
        gates.append(head.gate)
    assert sorted(gates) == gates
    assert 0 < gates[0] < gates[-1] <= 1


@pytest.mark.parametrize(("text", "number"), [("карты все еще нет", 0), ("какой у вас лимит", 1)])
def test_it_tells_entries_apart(entry: MakeEntry, index: MakeIndex, text: str, number: int) -> None:
    made = index(entry("Карта", aliases=CARDS), entry("Лимит", aliases=LIMITS))
    found = scores(made, text)
    assert int(np.argmax(found)) == number
    for place, one in enumerate(made.entries):
        for phrasing in one.phrasings:
            assert int(np.argmax(scores(made, phrasing))) == place, phrasing


def test_a_message_without_a_known_word_is_measured_too(entry: MakeEntry, index: MakeIndex) -> None:
    found = scores(index(entry("Карта", aliases=CARDS), entry("Лимит", aliases=LIMITS)), "щжбр вкфц")
    assert np.all(np.isfinite(found))
    assert max(map(abs, found)) < 0.5


def test_shares_are_of_one_whole() -> None:
    found = shares(np.array([0.9, 0.1, -0.2], np.float32))
    assert found.sum() == pytest.approx(1.0)
    assert found[0] > found[1] > found[2] > 0


def test_all_phrasings_at_once_are_hashed_like_one_message() -> None:
    texts = ["сколько стоит доставка", "доставка доставка доставка", "return policy", "ааа", ""]
    rarity, unseen, sparse = _rows(texts)
    whole = np.concatenate(list(sparse.blocks()), axis=1)
    for row, text in zip(whole, texts, strict=True):
        places, values = _hashed(text, rarity, unseen)
        expected = np.zeros_like(row)
        expected[list(places)] = values
        assert row == pytest.approx(expected, abs=1e-6)
    assert rarity["=доставк"] < rarity["=polici"] < unseen
