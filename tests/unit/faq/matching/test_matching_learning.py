"""Learning from labelled questions; what is tested was never seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from faq import FaqEntry
from faq.matching.features import FEATURES
from faq.matching.index import Index
from faq.matching.judgement import DOUBT, judged_names
from faq.matching.learning import Example, cross_validated, examples, learn, verdict
from faq.matching.matcher import FusionMatcher
from faq.matching.model import Model
from faq.normalize import Normalizer

BASE = [
    FaqEntry(id="pay", question="Как оплатить заказ?", answer="Картой или наличными"),
    FaqEntry(id="ship", question="Сколько стоит доставка?", answer="Курьер привезёт за 300 рублей"),
    FaqEntry(id="back", question="Как вернуть товар?", answer="Напишите нам за 14 дней"),
    FaqEntry(id="hours", question="Когда вы работаете?", answer="С девяти до шести"),
]
QUESTIONS = [
    ("как заплатить за заказ", {"pay"}),
    ("можно картой", {"pay"}),
    ("оплата", {"pay"}),
    ("цена доставки", {"ship"}),
    ("сколько за курьера", {"ship"}),
    ("доставка почём", {"ship"}),
    ("возврат товара", {"back"}),
    ("хочу вернуть", {"back"}),
    ("вернуть покупку", {"back"}),
    ("часы работы", {"hours"}),
    ("во сколько открываетесь, когда работаете", {"hours"}),
    ("график", {"hours"}),
    ("как сварить борщ", set()),
    ("кто президент франции", set()),
    ("столица австралии", set()),
    ("расскажи анекдот", set()),
    ("🙂", set()),
]


@pytest.fixture(scope="module")
def known() -> list[Example]:
    untrained = Model(FEATURES, np.zeros(len(FEATURES), np.float32), np.zeros(0, np.float32), 0.0)
    matcher = FusionMatcher(Index(BASE, Normalizer()), untrained)
    return examples(matcher, [(text, frozenset(ids)) for text, ids in QUESTIONS], weight=2.0)


def test_examples_know_what_is_right(known: Sequence[Example]) -> None:
    assert [one.text for one in known] == [text for text, _ in QUESTIONS]
    assert [one.foreign for one in known] == [not ids for _, ids in QUESTIONS]
    for one, (_, ids) in zip(known, QUESTIONS, strict=True):
        assert {entry for entry, right in zip(one.entries, one.right, strict=True) if right} == ids
    assert sum(one.weight for one in known) == pytest.approx(2.0)
    assert known[-1].measured is None


def test_a_learned_model_ranks_what_it_learned_and_is_surer_of_it_than_of_the_foreign(
    known: Sequence[Example],
) -> None:
    model = learn(known, FEATURES)
    verdicts = [verdict(one, model) for one in known]
    own = [one for one, asked in zip(verdicts, known, strict=True) if not asked.foreign]
    foreign = [one for one, asked in zip(verdicts, known, strict=True) if asked.foreign]
    assert sum(one.right for one in own) >= len(own) - 1
    assert sum(one.confidence for one in own) / len(own) > sum(one.confidence for one in foreign) / len(
        foreign
    )
    assert not any(one.right for one in foreign)


def test_a_question_without_words_is_answered_by_nothing(known: Sequence[Example]) -> None:
    found = verdict(known[-1], learn(known, FEATURES))
    assert (found.entry, found.right, found.confidence) == (None, False, 0.0)


def test_a_strong_pull_keeps_a_model_and_a_weak_one_lets_it_go(known: Sequence[Example]) -> None:
    dice = np.random.default_rng(1)
    shape = len(judged_names(FEATURES))
    start = Model(
        FEATURES,
        dice.normal(size=len(FEATURES)).astype(np.float32),
        dice.normal(size=shape).astype(np.float32),
        0.5,
    )
    kept = learn(known, FEATURES, towards=start, pull=1e6)
    free = learn(known, FEATURES, towards=start, pull=1.0)
    assert kept.ranking == pytest.approx(start.ranking, abs=0.01)
    assert np.abs(free.ranking - start.ranking).max() > np.abs(kept.ranking - start.ranking).max()


def test_foreign_questions_alone_teach_nothing(known: Sequence[Example]) -> None:
    with pytest.raises(ValueError, match="right entry"):
        learn([one for one in known if one.foreign], FEATURES)


@pytest.mark.parametrize("folds", [2, 5, len(QUESTIONS)])
def test_cross_validation_never_tests_on_what_it_saw(known: Sequence[Example], folds: int) -> None:
    """Every model names the examples that it was fitted on in its bias; a verdict tells which model it came from."""
    seen: list[set[str]] = []

    def fit(given: Sequence[Example]) -> Model:
        seen.append({one.text for one in given})
        shape = len(judged_names(FEATURES))
        bias = float(len(seen) - 3)
        return Model(FEATURES, np.ones(len(FEATURES), np.float32), np.zeros(shape, np.float32), bias)

    verdicts = cross_validated(known, fit, folds=folds)
    assert len(verdicts) == len(known)
    assert len(seen) == folds
    models = {1 / (1 + np.exp(-(fold - 2.0))): texts for fold, texts in enumerate(seen)}
    for one, found in zip(known, verdicts, strict=True):
        if one.measured is None:
            continue
        own = [
            texts
            for chance, texts in models.items()
            if found.confidence == pytest.approx(chance, abs=1e-6)
            or found.confidence == pytest.approx(DOUBT * chance, abs=1e-6)
        ]
        assert any(one.text not in texts for texts in own)
        assert all(len(texts) >= len(known) - -(-len(known) // folds) for texts in own)


def test_a_cross_validated_model_is_honest_but_useful(known: Sequence[Example]) -> None:
    verdicts = cross_validated(known, lambda given: learn(given, FEATURES), folds=4)
    own = [found for one, found in zip(known, verdicts, strict=True) if not one.foreign]
    assert sum(found.right for found in own) >= 0.6 * len(own)
