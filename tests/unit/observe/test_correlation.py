"""Names for people that only this installation knows."""

from __future__ import annotations

import re

import pytest

from optfm_bot.observe.correlation import pseudonym
from optfm_bot.observe.repeats import RepeatGate

KEY = b"k" * 16


def test_a_pseudonym_is_short_and_always_the_same() -> None:
    assert re.fullmatch(r"c_[0-9a-f]{8}", pseudonym("12345", KEY))
    assert pseudonym("12345", KEY) == pseudonym("12345", KEY)


def test_another_person_or_another_key_gives_another_pseudonym() -> None:
    names = {pseudonym("1", KEY), pseudonym("2", KEY), pseudonym("1", b"x" * 16), pseudonym("1", b"y" * 100)}

    assert len(names) == 4


def test_a_key_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 bytes"):
        pseudonym("1", b"short")


def test_a_repeated_thing_is_admitted_when_its_number_doubles() -> None:
    gate = RepeatGate()

    assert [count for _ in range(20) if (count := gate.admit("a", 0.0))] == [1, 2, 4, 8, 16]


def test_silence_makes_the_next_one_the_first() -> None:
    gate = RepeatGate(quiet=60)
    gate.admit("a", 0.0)
    gate.admit("a", 1.0)

    assert gate.admit("a", 100.0) == 1


def test_the_longest_silent_thing_is_forgotten_first() -> None:
    gate = RepeatGate(capacity=2)
    for key in ("a", "b", "a", "c"):
        gate.admit(key, 0.0)

    assert gate.admit("a", 0.0) is None, "a third time, so it was remembered"
    assert gate.admit("b", 0.0) == 1, "forgotten"
