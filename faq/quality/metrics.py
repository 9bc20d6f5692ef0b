"""Measures over rows: is the right entry found, is it answered, and is a foreign question left alone. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from faq.quality.calibration import Bin, brier, calibration_error, reliability
from faq.quality.row import Row, Verdict
from faq.quality.shares import Share

FALSE_ANSWERS = 0.05
"""The share of foreign questions that may be answered in `correct_at_false_answers`."""
_RECALL, _RECIPROCAL = 3, 5
_EXAMPLES = 3
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class AtFalseAnswers:
    """What is right when so few foreign questions are answered: only confidences above `above` answer.

    `above` is None where everything may answer. `correct` is a share of the questions in scope, `foreign` of
    the others.
    """

    above: float | None
    correct: Share
    foreign: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """All measures of a set of rows. A measure without the questions that it needs is None.

    `top1`, `recall3` and `mrr5` judge the ranking of questions in scope; `auroc` and `at_false_answers` the
    confidence against foreign ones. The rest is what people get: `correct`, `wrong`, `offered`, `misoffered`
    and `silent` are shares of the questions in scope and add up to all of them, `false_answers` and
    `foreign_offered` are shares of the foreign ones, `precision` is correct out of everything answered.
    """

    in_scope: int
    foreign: int
    top1: Share
    recall3: Share
    mrr5: float | None
    auroc: float | None
    at_false_answers: AtFalseAnswers | None
    correct: Share
    wrong: Share
    offered: Share
    misoffered: Share
    silent: Share
    false_answers: Share
    foreign_offered: Share
    precision: Share
    reliability: tuple[Bin, ...]
    calibration_error: float | None
    brier: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Questions of the entries `asked` for which `got` came first: how often, and how often it answered."""

    asked: tuple[str, ...]
    got: str
    times: int
    answered: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """What would be if all confidences from `threshold` on answered: which share, and how much of it right."""

    threshold: float
    answered: float
    precision: float


def measure(rows: Sequence[Row]) -> Metrics:
    """All measures of these rows."""
    own = [row for row in rows if not row.question.foreign]
    foreign = [row for row in rows if row.question.foreign]

    def share(verdict: Verdict, of: Sequence[Row]) -> Share:
        return Share(sum(row.verdict is verdict for row in of), len(of))

    correct, answered = share(Verdict.CORRECT, own), sum(row.answer is not None for row in rows)
    places = [row.place for row in own]
    bins = reliability(rows)
    return Metrics(
        in_scope=len(own),
        foreign=len(foreign),
        top1=Share(places.count(1), len(own)),
        recall3=Share(sum(place is not None and place <= _RECALL for place in places), len(own)),
        mrr5=sum(1 / place for place in places if place and place <= _RECIPROCAL) / len(own) if own else None,
        auroc=auroc([row.confidence for row in own], [row.confidence for row in foreign]),
        at_false_answers=correct_at_false_answers(rows),
        correct=correct,
        wrong=share(Verdict.WRONG, own),
        offered=share(Verdict.OFFERED, own),
        misoffered=share(Verdict.MISOFFERED, own),
        silent=share(Verdict.SILENT, own),
        false_answers=share(Verdict.WRONG, foreign),
        foreign_offered=share(Verdict.MISOFFERED, foreign),
        precision=Share(correct.hits, answered),
        reliability=bins,
        calibration_error=calibration_error(bins),
        brier=brier(rows),
    )


def auroc(own: Sequence[float], foreign: Sequence[float]) -> float | None:
    """How often a question in scope has more confidence than a foreign one; equal ones count half.

    None if either is missing.
    """
    if not own or not foreign:
        return None
    below = sorted(foreign)
    # Twice the number of wins, in whole numbers: exact however many ties there are.
    wins = sum(bisect_left(below, score) + bisect_right(below, score) for score in own)
    return wins / (2 * len(own) * len(foreign))


def correct_at_false_answers(rows: Sequence[Row], allowed: float = FALSE_ANSWERS) -> AtFalseAnswers | None:
    """How many questions in scope are right at the lowest threshold that lets this share of foreign ones in.

    Rows of equal confidence are answered together or not at all, so where a tie of foreign rows would go over
    the limit, nothing of that confidence is answered. There is no interpolation between rows. A row without
    any entry is never answered. None without foreign rows.
    """
    foreign = [row for row in rows if row.question.foreign]
    if not foreign:
        return None
    scores = sorted((row.confidence for row in foreign if row.ranked), reverse=True)
    budget = int(allowed * len(foreign) + _ROUNDING)
    above = scores[budget] if budget < len(scores) else None

    def passing(of: Iterable[Row]) -> list[Row]:
        return [row for row in of if row.ranked and (above is None or row.confidence > above)]

    own = [row for row in rows if not row.question.foreign]
    return AtFalseAnswers(
        above=above,
        correct=Share(sum(row.first_is_right for row in passing(own)), len(own)),
        foreign=Share(len(passing(foreign)), len(foreign)),
    )


def coverage_curve(rows: Sequence[Row]) -> tuple[Point, ...]:
    """The points from the surest answers only to all of them; rows of equal confidence make one point."""
    ranked = sorted((row for row in rows if row.ranked), key=lambda row: -row.confidence)
    points: list[Point] = []
    answered = right = 0
    for threshold, tied in groupby(ranked, key=lambda row: row.confidence):
        group = list(tied)
        answered += len(group)
        right += sum(row.first_is_right for row in group)
        points.append(Point(threshold, answered / len(rows), right / answered))
    return tuple(points)


def confusions(rows: Iterable[Row]) -> tuple[Confusion, ...]:
    """Which entries are taken for which others, the most frequent first; up to three examples each."""
    pairs: dict[tuple[tuple[str, ...], str], list[Row]] = defaultdict(list)
    for row in rows:
        if not row.question.foreign and row.ranked and not row.first_is_right:
            pairs[tuple(sorted(row.question.ids)), row.ranked[0].entry_id].append(row)
    found = [
        Confusion(
            asked=asked,
            got=got,
            times=len(missed),
            answered=sum(row.verdict is Verdict.WRONG for row in missed),
            examples=tuple(row.question.text for row in missed[:_EXAMPLES]),
        )
        for (asked, got), missed in pairs.items()
    ]
    return tuple(sorted(found, key=lambda pair: (-pair.times, -pair.answered)))


def grouped(rows: Iterable[Row], key: Callable[[Row], str]) -> dict[str, Metrics]:
    """The measures of each group of rows, in the order in which the groups appear."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return {name: measure(members) for name, members in groups.items()}
