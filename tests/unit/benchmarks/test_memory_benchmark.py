"""The benchmark of memory: what it asks, and what it reads of a process."""

from __future__ import annotations

import os
import sys
from itertools import islice

import pytest

from benchmarks.memory import look, questions
from benchmarks.suite import TEXTS


def test_half_of_the_questions_repeat_and_the_others_are_asked_once() -> None:
    asked = list(islice(questions(1), 400))
    known, new = asked[::2], asked[1::2]
    assert set(known) == set(TEXTS)
    assert len(set(new)) == len(new)
    assert not set(new) & set(TEXTS)
    assert asked == list(islice(questions(1), 400)) != list(islice(questions(2), 400))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_memory_of_a_process_is_told_by_its_parts() -> None:
    point = look(os.getpid(), 7, 1.25)
    assert (point.messages, point.seconds) == (7, 1.2)
    assert point.rss == pytest.approx(point.anon + point.file, abs=1.0)
    assert point.peak >= point.rss > 5
    assert point.threads >= 1
