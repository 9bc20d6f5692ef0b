"""The flood guard."""

from __future__ import annotations

from optfm_bot.dispatch import flood
from optfm_bot.dispatch.flood import FloodGuard, Passage


def test_the_first_over_the_limit_hears_so_and_the_rest_nothing() -> None:
    guard = FloodGuard(2)

    assert [guard.check("a", 0) for _ in range(5)] == [
        Passage.PASS,
        Passage.PASS,
        Passage.NOTICE,
        Passage.SILENT,
        Passage.SILENT,
    ]
    assert guard.check("b", 0) is Passage.PASS


def test_a_minute_later_everything_is_forgiven() -> None:
    guard = FloodGuard(1)
    for _ in range(5):
        guard.check("a", 0)

    assert guard.check("a", 59_999) is Passage.SILENT
    assert guard.check("a", 60_000) is Passage.PASS


def test_zero_switches_it_off() -> None:
    guard = FloodGuard(0)

    assert {guard.check("a", 0) for _ in range(1000)} == {Passage.PASS}


def test_what_is_taken_back_was_never_counted() -> None:
    guard = FloodGuard(1)
    for _ in range(50):
        assert guard.check("a", 0) is Passage.PASS
        guard.take_back("a")
    guard.take_back("nobody")

    assert guard.check("a", 0) is Passage.PASS
    assert guard.check("a", 0) is Passage.NOTICE


def test_memory_is_bounded() -> None:
    guard = FloodGuard(1)
    for number in range(flood._REMEMBERED + 100):
        guard.check(str(number), 0)

    assert len(guard._windows) == flood._REMEMBERED
