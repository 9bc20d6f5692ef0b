"""Limits: a burst and then an even pace, a place for each stream, and an address that only a proxy of ours may tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import RetryLater
from channels.web.limits import Buckets, Places, visitor_address

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


class Time:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def test_a_burst_passes_and_then_one_after_another() -> None:
    time = Time()
    buckets = Buckets(per_minute=30, burst=3, clock=time)
    assert [buckets.take("a") for _ in range(3)] == [None, None, None]
    wait = buckets.take("a")
    assert wait == timedelta(seconds=2)
    time.now += timedelta(seconds=2)
    assert buckets.take("a") is None
    assert buckets.take("a") is not None
    assert buckets.take("b") is None


def test_waiting_long_saves_no_more_than_a_burst() -> None:
    time = Time()
    buckets = Buckets(per_minute=60, burst=2, clock=time)
    buckets.take("a")
    time.now += timedelta(days=1)
    assert [buckets.take("a") is None for _ in range(3)] == [True, True, False]


def test_zero_is_no_limit_and_a_clock_set_back_does_no_harm() -> None:
    time = Time()
    free = Buckets(per_minute=0, burst=1, clock=time)
    assert all(free.take("a") is None for _ in range(100))
    buckets = Buckets(per_minute=60, burst=2, clock=time)
    buckets.take("a")
    time.now -= timedelta(days=1)
    assert buckets.take("a") is None
    assert buckets.take("a") is not None


def test_only_so_many_visitors_are_remembered() -> None:
    buckets = Buckets(per_minute=1, burst=1, clock=Time(), most=2)
    for name in "abc":
        buckets.take(name)
    assert len(buckets._levels) == 2
    assert buckets.take("c") is not None
    assert buckets.take("a") is None


@given(st.lists(st.floats(0, 120), min_size=1, max_size=60))
def test_in_any_minute_no_more_than_the_burst_and_the_rate_pass(pauses: list[float]) -> None:
    time = Time()
    buckets = Buckets(per_minute=30, burst=5, clock=time)
    passed = []
    for pause in pauses:
        time.now += timedelta(seconds=pause)
        if buckets.take("a") is None:
            passed.append(time.now)
    for first in passed:
        assert sum(first <= moment <= first + timedelta(minutes=1) for moment in passed) <= 5 + 30 + 1


def test_places_are_taken_and_given_back_whatever_happens() -> None:
    places = Places(total=3, each=2)
    with places.taken("a"), places.taken("a"):
        with pytest.raises(RetryLater), places.taken("a"):
            pass
        with places.taken(None), pytest.raises(RetryLater), places.taken("b"):
            pass
        with pytest.raises(KeyError), places.taken("b"):
            raise KeyError
        with places.taken("b"):
            pass
    assert places._taken == {}
    assert places._all == 0


@pytest.mark.parametrize(
    ("remote", "forwarded", "proxies", "expected"),
    [
        ("203.0.113.5", "", 0, "203.0.113.5"),
        ("203.0.113.5", "198.51.100.1", 0, "203.0.113.5"),
        ("127.0.0.1", "198.51.100.1", 0, None),
        ("10.0.0.7", "198.51.100.1", 0, None),
        ("127.0.0.1", "", 0, "127.0.0.1"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.1", 1, "198.51.100.1"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.2", 2, "198.51.100.1"),
        ("203.0.113.5", "", 1, "203.0.113.5"),
        ("127.0.0.1", "nonsense", 1, None),
        ("2001:db8:1:2:3:4:5:6", "", 0, "2001:db8:1:2::"),
        ("::ffff:203.0.113.5", "", 0, "203.0.113.5"),
        ("", "", 0, None),
    ],
)
def test_where_a_visitor_is(remote: str, forwarded: str, proxies: int, expected: str | None) -> None:
    assert visitor_address(remote, forwarded, proxies=proxies) == expected
