"""Learns a model from labelled questions: measures them, fits both stages, checks itself on what it did not see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from faq.language.lexicon import Floats
from faq.matching.fitting import Doubles, Group, Logistic, fit_logistic, fit_ranking
from faq.matching.judgement import doubted, judged
from faq.matching.matcher import FusionMatcher, Measured
from faq.matching.model import Model

RANKING_PENALTY = 1e-3
JUDGING_PENALTY = 2e-3


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled question as a matcher measured it: its candidates (entry ids), and which of them are right.

    `foreign` is a question that nothing should answer; `measured` is None where nothing can be looked for.
    """

    text: str
    foreign: bool
    entries: tuple[str, ...]
    right: Floats
    measured: Measured | None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a model says of an example: the entry it puts first, whether that is right, how sure it is."""

    entry: str | None
    right: bool
    confidence: float


def examples(
    matcher: FusionMatcher, questions: Iterable[tuple[str, frozenset[str]]], *, weight: float = 1.0
) -> list[Example]:
    """Measure labelled questions: texts with the ids that are right, none for a foreign one.

    `weight` is what all of them count together.
    """
    found = []
    questions = list(questions)
    each = weight / max(len(questions), 1)
    for text, ids in questions:
        measured = matcher.measure(text)
        entries: tuple[str, ...] = ()
        if measured is not None:
            entries = tuple(
                matcher.index.entries[number].id for number in measured.comparison.entries.tolist()
            )
        right = np.array([entry in ids for entry in entries], np.float32)
        found.append(Example(text, not ids, entries, right, measured, each))
    return found


def learn(
    known: Sequence[Example], features: tuple[str, ...], *, towards: Model | None = None, pull: float = 1.0
) -> Model:
    """Fit a model; with `towards` it stays near that model, the more the greater `pull`.

    Raises `ValueError` if no question has its right entry among the candidates.
    """
    groups = [
        Group(one.measured.comparison.values, one.right, one.weight)
        for one in known
        if one.measured is not None and not one.foreign
    ]
    prior: Doubles | None = None if towards is None else towards.ranking.astype(np.float64)
    ranking = fit_ranking(groups, l2=RANKING_PENALTY * pull, towards=prior).astype(np.float32)
    rows, right, shares = [], [], []
    for one in known:
        if one.measured is None:
            continue
        best, row = _row(one.measured, ranking, features)
        rows.append(row)
        right.append(one.right[best])
        shares.append(one.weight)
    near = None if towards is None else Logistic(towards.judging.astype(np.float64), towards.bias)
    judging = fit_logistic(
        np.array(rows), np.array(right), np.array(shares), l2=JUDGING_PENALTY * pull, towards=near
    )
    return Model(features, ranking, judging.weights.astype(np.float32), judging.bias)


def verdict(example: Example, model: Model) -> Verdict:
    """What the model says of an example. Pure."""
    if example.measured is None:
        return Verdict(None, right=False, confidence=0.0)
    best, row = _row(example.measured, model.ranking, model.features)
    measured = example.measured
    confidence = doubted(model.confidence(row), measured.comparison, best, model.features, measured.message)
    return Verdict(example.entries[best], right=bool(example.right[best]), confidence=confidence)


def cross_validated(
    known: Sequence[Example], fit: Callable[[Sequence[Example]], Model], *, folds: int = 5
) -> list[Verdict]:
    """The verdict on each example by a model that did not see it; every `folds`-th example is one fold."""
    verdicts: dict[int, Verdict] = {}
    for fold in range(folds):
        model = fit([one for place, one in enumerate(known) if place % folds != fold])
        verdicts |= {place: verdict(one, model) for place, one in enumerate(known) if place % folds == fold}
    return [verdicts[place] for place in range(len(known))]


def _row(measured: Measured, ranking: Floats, features: tuple[str, ...]) -> tuple[int, Floats]:
    values = measured.comparison.values
    scores: Floats = values @ ranking
    return judged(scores, values, features, measured.message, measured.chat)
