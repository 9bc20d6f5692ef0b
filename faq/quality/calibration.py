"""Whether a confidence is worth its number: of answers given at 0.8, about 80 % should be right. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faq.quality.row import Row, Verdict
from faq.quality.shares import Share

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers whose certainty lies from `low` up to `high`: how sure they were, how many were right.

    `certainty` is None where there is no answer. The last bin has its upper limit in it.
    """

    low: float
    high: float
    certainty: float | None
    right: Share


def reliability(rows: Sequence[Row]) -> tuple[Bin, ...]:
    """Ten bins of equal width over everything that was answered; an answer to a foreign question is wrong."""
    filled: list[list[Row]] = [[] for _ in range(BINS)]
    for row in rows:
        if row.answer is not None:
            filled[bin_of(row.certainty, BINS)].append(row)
    return tuple(
        Bin(
            low=number / BINS,
            high=(number + 1) / BINS,
            certainty=sum(row.certainty for row in inside) / len(inside) if inside else None,
            right=Share(sum(row.verdict is Verdict.CORRECT for row in inside), len(inside)),
        )
        for number, inside in enumerate(filled)
    )


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """The expected calibration error: how far certainty and share of right answers lie apart, on average.

    Each bin weighs as much as it holds. None if nothing was answered.
    """
    total = sum(one.right.total for one in bins)
    if not total:
        return None
    return (
        sum(
            abs(one.certainty * one.right.total - one.right.hits) for one in bins if one.certainty is not None
        )
        / total
    )


def brier(rows: Sequence[Row]) -> float | None:
    """The mean square between the confidence of the first entry and whether it is right; 0 is best.

    Over all rows, answered or not: a foreign question has no right entry. None without rows.
    """
    if not rows:
        return None
    return sum((row.confidence - row.first_is_right) ** 2 for row in rows) / len(rows)


def bin_of(value: float, bins: int) -> int:
    """In which of so many bins between 0 and 1 a value falls; what lies outside falls in the outermost."""
    return min(max(int(value * bins), 0), bins - 1)
