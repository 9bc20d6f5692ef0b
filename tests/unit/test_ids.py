"""Identifiers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optfm_bot.ids import IdSource, from_short, short

EPOCH_MS = 1_735_689_600_000


@given(moments=st.lists(st.integers(0, 2 * EPOCH_MS), min_size=2, max_size=60))
def test_ids_grow_whatever_the_clock_does(moments: list[int]) -> None:
    clock = iter(moments)
    source = IdSource(lambda: next(clock), 7)
    ids = [source.next() for _ in moments]

    assert ids == sorted(set(ids))


def test_a_busy_millisecond_runs_over_into_the_next() -> None:
    source = IdSource(lambda: EPOCH_MS + 1, 0)
    ids = [source.next() for _ in range(10_000)]

    assert ids == sorted(set(ids))


def test_two_workers_never_give_the_same_id() -> None:
    one, two = IdSource(lambda: EPOCH_MS + 5, 1), IdSource(lambda: EPOCH_MS + 5, 2)

    assert not {one.next() for _ in range(9000)} & {two.next() for _ in range(9000)}


def test_ids_fit_63_bits_until_2094() -> None:
    source = IdSource(lambda: EPOCH_MS + (1 << 41) - 1, 1023)

    assert 0 < source.next() < 1 << 63


@pytest.mark.parametrize("worker", [-1, 1024])
def test_a_worker_number_out_of_range_is_refused(worker: int) -> None:
    with pytest.raises(ValueError, match="worker"):
        IdSource(lambda: EPOCH_MS, worker)


@given(number=st.integers(0, (1 << 63) - 1))
def test_a_short_id_is_read_back(number: int) -> None:
    assert from_short(short(number)) == number
    assert len(short(number)) <= 11


@pytest.mark.parametrize("text", ["", "-", "a b", "абв", "é", "000000000000", "²", "zzzzzzzzzzz"])
def test_what_is_not_a_short_id_is_refused(text: str) -> None:
    """The last one would be more than 63 bits, which no database takes as a number."""
    with pytest.raises(ValueError, match="not a short id"):
        from_short(text)


@pytest.mark.parametrize(("first", "then"), [(1, 2), (7, 3), (1023, 1024), (5, 5), (0, 1_000_003)])
def test_a_member_that_is_numbered_anew_goes_on_growing(first: int, then: int) -> None:
    """Also within the millisecond, and where the number of the member begins again from zero."""
    source = IdSource(lambda: EPOCH_MS + 1, first)
    ids = [source.next() for _ in range(5)]
    source.renumber(then)
    ids += [source.next() for _ in range(5000)]

    assert ids == sorted(set(ids))
    assert {number >> 12 & 1023 for number in ids[5:]} == {then % 1024}
