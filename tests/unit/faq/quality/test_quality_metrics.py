"""Measures: cases small enough to be counted by hand, and what must hold for any numbers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faq.quality.labelled import LabelledQuestion
from faq.quality.metrics import (
    Point,
    auroc,
    confusions,
    correct_at_false_answers,
    coverage_curve,
    grouped,
    measure,
)
from faq.quality.row import Ranked, Row, Verdict
from faq.quality.shares import Share

Make = Callable[..., Row]

SCORES = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]), max_size=30)


def plain(ids: str, *scores: float) -> list[Row]:
    """Rows whose first entry is `a`."""
    return [
        Row(question=LabelledQuestion(text="q", ids=frozenset(ids.split())), ranked=(Ranked("a", score),))
        for score in scores
    ]


@pytest.fixture(scope="session")
def rows(row: Make) -> list[Row]:
    return [
        row("a", [("a", 0.9), ("b", 0.1)], answer="a", tag="x"),
        row("a b", [("c", 0.8), ("b", 0.2)], answer="c", tag="x"),
        row("a", [("b", 0.4), ("c", 0.3), ("d", 0.3), ("a", 0.2)], offered=("b", "c"), tag="y"),
        row("b", [("a", 0.4), ("c", 0.3), ("b", 0.2)], offered=("a", "b"), tag="y", derived=True),
        row("a", [], tag="y"),
        row("", [("a", 0.6)], answer="a", tag="far"),
        row("", [("a", 0.3)], offered=("a",), tag="far"),
        row("", [], tag="far"),
    ]


def test_verdicts(rows: list[Row]) -> None:
    assert ["correct", "wrong", "misoffered", "offered", "silent", "wrong", "misoffered", "silent"] == [
        one.verdict.value for one in rows
    ]


def test_all_measures_by_hand(rows: list[Row]) -> None:
    found = measure(rows)

    assert (5, 3) == (found.in_scope, found.foreign)
    assert (Share(1, 5), Share(3, 5)) == (found.top1, found.recall3)
    assert (1 + 1 / 2 + 1 / 4 + 1 / 3) / 5 == pytest.approx(found.mrr5)
    for verdict in Verdict:
        assert Share(1, 5) == getattr(found, verdict.value)
    assert (Share(1, 3), Share(1, 3)) == (found.false_answers, found.foreign_offered)
    assert Share(1, 3) == found.precision
    # own .9 .8 .4 .4 0 against foreign .6 .3 0: wins 3 + 3 + 2 + 2 + half of one
    assert 10.5 / 15 == found.auroc
    assert found.at_false_answers is not None
    assert (0.6, Share(1, 5), Share(0, 3)) == (
        found.at_false_answers.above,
        found.at_false_answers.correct,
        found.at_false_answers.foreign,
    )


def test_calibration_by_hand(rows: list[Row]) -> None:
    found = measure(rows)

    filled = {one.low: (one.certainty, one.right) for one in found.reliability if one.right.total}
    assert {0.9: (0.9, Share(1, 1)), 0.8: (0.8, Share(0, 1)), 0.6: (0.6, Share(0, 1))} == filled
    assert 10 == len(found.reliability)
    assert (0.1 + 0.8 + 0.6) / 3 == pytest.approx(found.calibration_error)
    squares = 0.1**2 + 0.8**2 + 0.4**2 + 0.4**2 + 0 + 0.6**2 + 0.3**2 + 0
    assert squares / 8 == pytest.approx(found.brier)


def test_a_certainty_of_one_falls_into_the_last_bin(row: Make) -> None:
    bins = measure([row("a", [("a", 1.0)], answer="a"), row("a", [("a", 0.95)], answer="a")]).reliability
    assert (2, pytest.approx(0.975)) == (bins[9].right.total, bins[9].certainty)


def test_what_answered_is_judged_and_not_what_came_first(row: Make) -> None:
    bins = measure([row("a", [("b", 0.95), ("a", 0.85)], answer="a")]).reliability
    assert (Share(1, 1), Share(0, 0)) == (bins[8].right, bins[9].right)


def test_nothing_to_measure_is_none_and_not_zero(row: Make) -> None:
    empty = measure([])
    assert [None] * 6 == [
        empty.mrr5, empty.auroc, empty.at_false_answers, empty.calibration_error, empty.brier, empty.top1.value,
    ]  # fmt: skip
    assert empty.top1.interval is None
    assert measure([row("", [("a", 0.9)])]).auroc is None
    assert measure([row("a", [("a", 0.9)])]).at_false_answers is None


def test_wilson_by_the_book() -> None:
    # Newcombe 1998, table I, method 3: 81/263, 15/148, 0/20, 1/29
    for hits, total, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert (low, high) == pytest.approx(Share(hits, total).interval, abs=5e-5)


@given(st.integers(0, 200), st.integers(0, 200))
def test_an_interval_holds_its_share_and_stays_within_bounds(hits: int, more: int) -> None:
    share = Share(hits, hits + more)
    if share.interval is not None:
        low, high = share.interval
        assert 0 <= low <= share.value <= high <= 1
        mirrored = Share(more, hits + more).interval
        assert mirrored is not None
        assert (1 - high, 1 - low) == pytest.approx(mirrored)


@given(SCORES, SCORES)
def test_auroc_is_symmetric_and_counts_pairs(own: list[float], foreign: list[float]) -> None:
    found, turned = auroc(own, foreign), auroc(foreign, own)
    if found is None or turned is None:
        assert not own or not foreign
        return
    assert 1 == pytest.approx(found + turned)
    wins = sum((a > b) + (a == b) / 2 for a, b in product(own, foreign))
    assert wins / (len(own) * len(foreign)) == pytest.approx(found)


@pytest.mark.parametrize(
    ("foreign", "own", "expected"),
    [
        ([0.5] + [0.1] * 19, [0.6, 0.5, 0.2, 0.1], (0.1, 3, 1)),  # one of twenty may pass
        (
            [0.5, 0.5] + [0.1] * 18,
            [0.6, 0.5, 0.2, 0.1],
            (0.5, 1, 0),
        ),  # a tie of two may not, nor what ties with it
        ([0.5] + [0.1] * 18, [0.6, 0.5, 0.2, 0.1], (0.5, 1, 0)),  # one of nineteen is over 5 %
        ([0.0], [0.6, 0.0], (0.0, 1, 0)),
    ],
)
def test_correct_at_five_percent_by_hand(
    foreign: list[float], own: list[float], expected: tuple[float, int, int]
) -> None:
    found = correct_at_false_answers(plain("a", *own) + plain("", *foreign))
    assert found is not None
    assert expected == (found.above, found.correct.hits, found.foreign.hits)


def test_a_foreign_question_without_any_entry_passes_nowhere(row: Make) -> None:
    found = correct_at_false_answers([row("a", [("a", 0.0)]), row("", [])])
    assert found is not None
    assert (None, 1, 0) == (found.above, found.correct.hits, found.foreign.hits)


@given(SCORES, SCORES.filter(bool), st.sampled_from([0.0, 0.05, 0.1, 0.29, 0.5, 1.0]))
def test_the_threshold_is_the_lowest_that_keeps_the_limit(
    own: list[float], foreign: list[float], allowed: float
) -> None:
    found = correct_at_false_answers(plain("a", *own) + plain("", *foreign), allowed)
    assert found is not None
    assert found.foreign.value is not None
    assert found.foreign.value <= allowed + 1e-12
    passing = [score for score in own if found.above is None or score > found.above]
    assert len(passing) == found.correct.hits
    if found.above is not None:  # one step lower would let too many in
        assert sum(score >= found.above for score in foreign) / len(foreign) > allowed


def test_the_curve_makes_one_point_of_a_tie(row: Make) -> None:
    rows = [row("a", [("a", 0.9)]), row("a", [("b", 0.5)]), row("", [("a", 0.5)]), row("a", [])]
    assert (Point(0.9, 0.25, 1.0), Point(0.5, 0.75, 1 / 3)) == coverage_curve(rows)
    assert () == coverage_curve([])


def test_confusions_are_counted_the_most_frequent_first(row: Make) -> None:
    rows = [
        row("a", [("c", 0.3)], text="one"),
        *(row("b a", [("c", 0.6)], answer="c", text=f"q{n}") for n in range(4)),
        row("a b", [("c", 0.2)], text="late"),
        row("a", [("a", 0.9)], text="right"),
        row("", [("c", 0.9)], answer="c", text="foreign"),
    ]
    first, second = confusions(rows)
    assert (("a", "b"), "c", 5, 4, ("q0", "q1", "q2")) == (
        first.asked, first.got, first.times, first.answered, first.examples,
    )  # fmt: skip
    assert (("a",), "c", 1, 0, ("one",)) == (
        second.asked, second.got, second.times, second.answered, second.examples,
    )  # fmt: skip


def test_groups_keep_their_order_and_their_own_numbers(rows: list[Row]) -> None:
    found = grouped(rows, lambda one: one.question.tag)
    assert ["x", "y", "far"] == list(found)
    assert [(2, 0), (3, 0), (0, 3)] == [(one.in_scope, one.foreign) for one in found.values()]
    assert Share(1, 2) == found["x"].correct
