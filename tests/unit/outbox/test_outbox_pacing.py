"""How fast messages may leave."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optfm_bot.outbox import pacing
from optfm_bot.outbox.pacing import Bucket, ChatPacer, OwnPace


def test_a_burst_passes_at_once_and_the_rest_waits_its_turn() -> None:
    bucket = Bucket(rate=2.0, burst=3)

    assert [bucket.reserve(0.0) for _ in range(5)] == [0.0, 0.0, 0.0, 0.5, 1.0]


def test_a_quiet_time_earns_a_burst_and_not_more() -> None:
    bucket = Bucket(rate=1.0, burst=2)
    for _ in range(5):
        bucket.reserve(0.0)

    assert [bucket.reserve(1000.0) for _ in range(3)] == [0.0, 0.0, 1.0]


def test_no_rate_means_no_waiting() -> None:
    bucket = Bucket(rate=0.0)

    assert {bucket.reserve(0.0) for _ in range(1000)} == {0.0}
    assert bucket.ready(0.0)
    assert bucket.full(0.0)


def test_a_clock_that_stands_still_earns_nothing() -> None:
    bucket = Bucket(rate=1.0, burst=1)
    bucket.reserve(5.0)

    assert not bucket.ready(5.0)
    assert [bucket.reserve(5.0), bucket.reserve(5.0)] == [1.0, 2.0]


def test_ready_tells_what_reserve_would_say_and_takes_nothing() -> None:
    bucket = Bucket(rate=1.0, burst=2)
    assert [bucket.ready(0.0) for _ in range(5)] == [True] * 5
    bucket.reserve(0.0)
    bucket.reserve(0.0)

    assert (bucket.ready(0.9), bucket.ready(1.0)) == (False, True)


STEPS = st.lists(st.floats(0, 5, allow_nan=False), min_size=1, max_size=80)


@given(steps=STEPS, rate=st.floats(0.05, 50), burst=st.integers(1, 10))
def test_in_no_span_of_time_more_than_burst_and_rate_pass(
    steps: list[float], rate: float, burst: int
) -> None:
    bucket, now, passed = Bucket(rate, burst), 0.0, []
    for step in steps:
        now += step
        passed.append(now + bucket.reserve(now))

    assert passed == sorted(passed)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            assert last - first + 1 <= burst + rate * (passed[last] - passed[first]) + 1e-6


@given(steps=STEPS, rate=st.floats(0.05, 50), burst=st.integers(1, 10))
def test_ready_and_reserve_agree(steps: list[float], rate: float, burst: int) -> None:
    bucket, now = Bucket(rate, burst), 0.0
    for step in steps:
        now += step
        assert bucket.ready(now) == (bucket.reserve(now) <= 1e-9)


def test_each_chat_has_its_own_pace() -> None:
    pacer = ChatPacer(per_chat=1.0, burst=1)

    assert [pacer.reserve("a", 0.0), pacer.reserve("a", 0.0)] == [0.0, 1.0]
    assert pacer.reserve("b", 0.0) == 0.0


def test_a_chat_that_was_written_to_is_ready_again_after_its_pace() -> None:
    pacer = ChatPacer(per_chat=1.0, burst=1)
    assert pacer.ready("a", 0.0)
    pacer.reserve("a", 0.0)

    assert not pacer.ready("a", 0.5)
    assert pacer.ready("a", 1.0)


async def test_the_bot_may_send_a_second_of_its_rate_at_once() -> None:
    pace = OwnPace(30.0)
    waits = [await pace.reserve(0.0) for _ in range(60)]

    assert waits[:30] == [0.0] * 30
    assert waits[59] == pytest.approx(1.0)
    assert not pace.ready(0.5)


def test_chats_that_have_recovered_are_forgotten() -> None:
    pacer = ChatPacer(per_chat=1.0, burst=1)
    for number in range(3 * pacing._REMEMBERED_CHATS):
        pacer.reserve(str(number), float(number))

    assert len(pacer._chats) <= pacing._REMEMBERED_CHATS + 1


def test_a_chat_in_debt_is_never_forgotten() -> None:
    pacer = ChatPacer(per_chat=0.001, burst=1)
    pacer.reserve("debtor", 0.0)
    for number in range(pacing._REMEMBERED_CHATS + 10):
        pacer.reserve(str(number), 0.0)

    assert pacer.reserve("debtor", 1.0) == pytest.approx(999.0)


def test_without_a_pace_per_chat_nothing_is_remembered() -> None:
    pacer = ChatPacer(per_chat=0.0, burst=1)
    pacer.reserve("a", 0.0)

    assert not pacer._chats
