"""Where the lines of the policy should be for one base: the most right answers under limits of wrong ones. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from faq.contract import Candidate
from faq.policy import CHOICES, ThresholdPolicy, Thresholds
from faq.quality.labelled import LabelledQuestion
from faq.quality.row import Row, Verdict, row_of

_Bools: TypeAlias = npt.NDArray[np.bool_]

ANSWERS = tuple(round(0.3 + step / 100, 2) for step in range(68))
"""The values of `answer` that are tried, 0.30 to 0.97: fine enough, and a person can read them."""
MARGINS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
LEAST_CLARIFY = 0.05
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What may go wrong: the share of foreign questions that are answered, of own ones that are answered wrongly.

    Raises `ValueError` for a share outside 0…1.
    """

    foreign: float = 0.05
    wrong: float = 0.04

    def __post_init__(self) -> None:
        if not (0.0 <= self.foreign <= 1.0 and 0.0 <= self.wrong <= 1.0):
            raise ValueError(f"a limit is a share from 0 to 1: foreign={self.foreign}, wrong={self.wrong}")

    def excess(self, *, foreign: int, of_foreign: int, wrong: int, of_own: int) -> float:
        """How far these counts lie over the limits, 0 if they keep them."""
        shares = (foreign / max(of_foreign, 1) - self.foreign, wrong / max(of_own, 1) - self.wrong)
        return sum(share for share in shares if share > _ROUNDING)

    def over(self, rows: Sequence[Row], *, slack: int = 0) -> float:
        """How far these rows lie over the limits, 0 if they keep them; `slack` questions of each kind are let off."""
        wrong = [row.question.foreign for row in rows if row.verdict is Verdict.WRONG]
        of_foreign = sum(row.question.foreign for row in rows)
        return self.excess(
            foreign=max(sum(wrong) - slack, 0),
            of_foreign=of_foreign,
            wrong=max(len(wrong) - sum(wrong) - slack, 0),
            of_own=len(rows) - of_foreign,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """What a matcher said to a question: the entries that own the very phrasing, and the best ones; maybe none."""

    question: LabelledQuestion
    whole: tuple[Candidate, ...]
    ranked: tuple[Candidate, ...]

    @property
    def first_is_right(self) -> bool:
        """Whether the best entry is one of those that answer."""
        return bool(self.ranked) and self.ranked[0].entry_id in self.question.ids

    @property
    def confidence(self) -> float:
        """The score of the best entry; 0 without one."""
        return self.ranked[0].score if self.ranked else 0.0

    def row(self, thresholds: Thresholds) -> Row:
        """What people would get under these thresholds."""
        decision = ThresholdPolicy(thresholds).decide(self.whole or self.ranked)
        return row_of(self.question, decision, self.ranked)


def choose_thresholds(rankings: Sequence[Ranking], limits: Limits, shipped: Thresholds) -> Thresholds:
    """`answer` and `margin` with the most right answers under the limits, `clarify` with the most useful offers.

    Of equally good ones those nearest to `shipped`, and `shipped` itself where the gain could be chance: where it is
    not more than the square root of the number of questions that change. Where no thresholds keep the limits, those
    that miss them least.
    """
    search = _Search(rankings, limits, shipped)
    answer, margin = search.answering()
    found = replace(shipped, answer=answer, margin=margin, clarify=min(shipped.clarify, answer))
    return replace(found, clarify=_offering(rankings, found))


@dataclass(frozen=True, slots=True)
class _Tried:
    """A pair of thresholds with what it brings."""

    answer: float
    margin: float
    right: _Bools
    excess: float


class _Search:
    """Counts what thresholds bring without deciding every question anew."""

    def __init__(self, rankings: Sequence[Ranking], limits: Limits, shipped: Thresholds) -> None:
        self.limits, self.shipped = limits, shipped
        # What owns the very phrasing is answered (or not) whatever the thresholds are.
        self.fixed = [one.row(shipped).verdict for one in rankings if one.whole]
        self.fixed_foreign = [one.question.foreign for one in rankings if one.whole]
        open_ = [one for one in rankings if not one.whole]
        self.score = np.array([one.confidence for one in open_])
        # The policy itself says who answers at this margin if only the confidence is enough.
        self.founded = {margin: self._founded(open_, margin) for margin in {*MARGINS, shipped.margin}}
        self.right = np.array([one.first_is_right for one in open_], bool)
        self.foreign = np.array([one.question.foreign for one in open_], bool)
        self.of_foreign = sum(one.question.foreign for one in rankings)
        self.of_own = len(rankings) - self.of_foreign

    def answering(self) -> tuple[float, float]:
        """The best `answer` and `margin`."""
        now = self._tried(self.shipped.answer, self.shipped.margin)
        tried = [self._tried(answer, margin) for margin in MARGINS for answer in ANSWERS]
        best = min(tried, key=self._rank)
        won, lost = int((best.right & ~now.right).sum()), int((now.right & ~best.right).sum())
        if best.excess >= now.excess and won - lost <= sqrt(won + lost):
            best = now
        return best.answer, best.margin

    def _founded(self, rankings: Sequence[Ranking], margin: float) -> _Bools:
        policy = ThresholdPolicy(replace(self.shipped, answer=0.0, clarify=0.0, margin=margin))
        return np.array([policy.decide(one.ranked).entry_id is not None for one in rankings], bool)

    def _rank(self, one: _Tried) -> tuple[float, int, float, float]:
        moved = abs(one.answer - self.shipped.answer) + abs(one.margin - self.shipped.margin)
        return one.excess, -int(one.right.sum()), round(moved, 6), -one.answer

    def _tried(self, answer: float, margin: float) -> _Tried:
        answered = self.founded[margin] & (self.score >= answer)
        wrong = answered & ~self.right
        fixed = [
            foreign
            for verdict, foreign in zip(self.fixed, self.fixed_foreign, strict=True)
            if verdict is Verdict.WRONG
        ]
        foreign = int((wrong & self.foreign).sum())
        excess = self.limits.excess(
            foreign=foreign + sum(fixed),
            of_foreign=self.of_foreign,
            wrong=int(wrong.sum()) - foreign + len(fixed) - sum(fixed),
            of_own=self.of_own,
        )
        return _Tried(answer, margin, answered & self.right, excess)


def _offering(rankings: Sequence[Ranking], thresholds: Thresholds) -> float:
    """The best `clarify`: an offer with the right entry is worth what one without it costs."""
    policy = ThresholdPolicy(replace(thresholds, clarify=0.0))
    offers: list[tuple[float, int]] = []
    for one in rankings:
        decision = policy.decide(one.whole or one.ranked)
        if decision.entry_id is None and one.ranked:
            shown = {candidate.entry_id for candidate in decision.candidates[:CHOICES]}
            offers.append((one.confidence, -1 if one.question.ids.isdisjoint(shown) else 1))

    def worth(clarify: float) -> int:
        return sum(value for score, value in offers if score >= clarify)

    def between(clarify: float) -> int:
        low, high = sorted((clarify, thresholds.clarify))
        return sum(low <= score < high for score, _ in offers)

    grid = np.arange(round(LEAST_CLARIFY * 100), round(thresholds.answer * 100) + 1) / 100
    best = min(grid.tolist(), key=lambda at: (-worth(at), abs(at - thresholds.clarify)))
    gain = worth(best) - worth(thresholds.clarify)
    return float(best) if gain > sqrt(between(best)) else thresholds.clarify
