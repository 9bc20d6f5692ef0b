"""The state of a channel as people see it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import (
    BadPayload,
    ChannelError,
    Conflict,
    Gone,
    Misconfigured,
    RetryLater,
    Unauthorized,
    Unreachable,
)
from optfm_bot.clock import ManualClock
from optfm_bot.receive.status import ChannelState, ChannelStatus, pause


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Unauthorized(), ChannelState.BAD_CREDENTIALS),
        (Conflict(), ChannelState.CONFLICT),
        (RetryLater(), ChannelState.WAITING),
        (Unreachable(maybe_sent=True), ChannelState.WAITING),
        (Misconfigured(), ChannelState.WAITING),
    ],
)
def test_each_reaction_has_its_state(error: ChannelError, state: ChannelState) -> None:
    status = ChannelStatus(ManualClock().now)
    status.failed(error)

    assert (status.now.state, status.now.why, status.now.healthy) == (state, str(error), False)


async def test_since_is_the_moment_of_the_change_and_failures_count_on() -> None:
    clock = ManualClock()
    status = ChannelStatus(clock.now)
    began = clock.now()
    status.failed(Conflict())
    await clock.advance(10)
    status.failed(Conflict())
    assert (status.now.since, status.now.failures) == (began, 2)
    status.connected()

    assert (status.now.since, status.now.failures) == (began + timedelta(seconds=10), 0)


def test_a_stopped_channel_is_not_healthy() -> None:
    status = ChannelStatus(ManualClock().now)
    assert status.now.healthy
    status.stopped()

    assert (status.now.state, status.now.healthy) == (ChannelState.STOPPED, False)


@given(
    error=st.sampled_from(
        [Unauthorized(), Conflict(), Gone(), BadPayload(), RetryLater(), Unreachable(maybe_sent=False)]
    ),
    failures=st.integers(1, 10**6),
)
def test_pauses_are_bounded_and_never_shrink(error: ChannelError, failures: int) -> None:
    assert 0.5 <= pause(error, failures, 1.0) <= pause(error, failures + 1, 1.0) <= 300.0
