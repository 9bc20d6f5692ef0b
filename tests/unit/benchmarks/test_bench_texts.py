"""The questions of a benchmark that are all different."""

from __future__ import annotations

from benchmarks.texts import different


def test_no_two_questions_are_the_same_however_many_are_asked_for() -> None:
    asked = different(5000)

    assert len(set(asked)) == len(asked) == 5000


def test_phases_that_follow_each_other_share_no_question() -> None:
    first, second = different(700), different(700, start=700)

    assert not set(first) & set(second)
    assert (*first, *second) == different(1400)
