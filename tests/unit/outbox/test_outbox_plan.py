"""What follows from each reaction of a platform: the whole table, and that trying always ends."""

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
    MarkupRejected,
    Misconfigured,
    Moved,
    Rejected,
    RetryLater,
    TooLarge,
    Unauthorized,
    Unreachable,
)
from optfm_bot.outbox.plan import (
    Close,
    Pause,
    Policy,
    Retry,
    SendPlain,
    SendTo,
    Verify,
    backoff,
    verdict,
)
from optfm_bot.store.records import OutboxState

FAILED = Close(OutboxState.FAILED)
UNCERTAIN = Close(OutboxState.UNCERTAIN)
AGAIN = Retry(delay=1.0, unreached=True)
SOON = timedelta(seconds=7)

# reaction, then the verdict under at_most_once, at_least_once, verify: first try, and after the last one
TABLE = {
    "unauthorized": (Unauthorized(), (Pause(),) * 3, (Pause(),) * 3),
    "gone": (
        Gone(),
        (Close(OutboxState.DROPPED, gone=True),) * 3,
        (Close(OutboxState.DROPPED, gone=True),) * 3,
    ),
    "moved": (Moved(chat_id="9"), (SendTo("9"),) * 3, (FAILED,) * 3),
    "markup": (MarkupRejected(), (SendPlain(),) * 3, (SendPlain(),) * 3),
    "rejected": (Rejected(), (FAILED,) * 3, (FAILED,) * 3),
    "too_large": (TooLarge(), (FAILED,) * 3, (FAILED,) * 3),
    "bad_payload": (BadPayload(), (FAILED,) * 3, (FAILED,) * 3),
    "misconfigured": (Misconfigured(), (FAILED,) * 3, (FAILED,) * 3),
    "conflict": (Conflict(), (FAILED,) * 3, (FAILED,) * 3),
    "retry": (RetryLater(), (AGAIN,) * 3, (FAILED,) * 3),
    "retry_bot": (RetryLater(whole_bot=True), (Retry(delay=1.0, whole_bot=True),) * 3, (FAILED,) * 3),
    "retry_after": (
        RetryLater(after=SOON),
        (Retry(delay=7.0, counts=False),) * 3,
        (Retry(delay=7.0, counts=False),) * 3,
    ),
    "retry_after_bot": (
        RetryLater(after=SOON, whole_bot=True),
        (Retry(delay=7.0, whole_bot=True, counts=False),) * 3,
        (Retry(delay=7.0, whole_bot=True, counts=False),) * 3,
    ),
    "not_sent": (Unreachable(maybe_sent=False), (AGAIN,) * 3, (FAILED,) * 3),
    "maybe_sent": (
        Unreachable(maybe_sent=True),
        (UNCERTAIN, AGAIN, Verify(AGAIN)),
        (UNCERTAIN, FAILED, Verify(FAILED)),
    ),
}
POLICIES = (Policy.AT_MOST_ONCE, Policy.AT_LEAST_ONCE, Policy.VERIFY)


@pytest.mark.parametrize("column", range(3), ids=[policy.value for policy in POLICIES])
@pytest.mark.parametrize("row", TABLE)
def test_each_reaction_has_its_verdict_under_each_policy(row: str, column: int) -> None:
    error, first, last = TABLE[row]
    policy = POLICIES[column]

    assert first[column] == verdict(error, attempts=0, max_attempts=8, policy=policy)
    # The delay of the last verdict does not matter to its kind: only waits that a platform asked for go on.
    assert last[column] == verdict(error, attempts=7, max_attempts=8, policy=policy)


def test_plain_text_that_is_rejected_as_markup_fails_instead_of_going_round() -> None:
    assert (
        verdict(MarkupRejected(), attempts=0, max_attempts=8, policy=Policy.AT_MOST_ONCE, plain=True)
        == FAILED
    )


@pytest.mark.parametrize("seconds", [0, -5, 0.01])
def test_a_platform_that_says_at_once_is_still_given_a_breath(seconds: float) -> None:
    error = RetryLater(after=timedelta(seconds=seconds))

    assert Retry(delay=1.0, counts=False) == verdict(
        error, attempts=0, max_attempts=8, policy=Policy.AT_MOST_ONCE
    )


def test_one_allowed_attempt_means_no_second_one() -> None:
    for error in (RetryLater(), Unreachable(maybe_sent=False), Moved(chat_id="9")):
        assert verdict(error, attempts=0, max_attempts=1, policy=Policy.AT_MOST_ONCE) == FAILED


def test_backoff_grows_from_a_second_to_five_minutes_and_stays_there() -> None:
    delays = [backoff(attempt, 1.0) for attempt in range(10_000)]

    assert delays[:4] == [1.0, 2.0, 4.0, 8.0]
    assert delays == sorted(delays)
    assert max(delays) == 300.0


def test_backoff_stays_within_the_longest_wait_that_is_wanted() -> None:
    assert max(backoff(attempt, 1.0, 60.0) for attempt in range(100)) == 60.0


@given(attempt=st.integers(0, 10**9), spread=st.floats(0.8, 1.2))
def test_backoff_is_bounded_for_any_attempt_and_spread(attempt: int, spread: float) -> None:
    assert 0.8 <= backoff(attempt, spread) <= 360.0


ERRORS = st.one_of(
    st.sampled_from(
        [Unauthorized(), Gone(), Rejected(), TooLarge(), Conflict(), BadPayload(), MarkupRejected()]
    ),
    st.builds(lambda chat: Moved(chat_id=chat), st.text(max_size=5)),
    st.builds(
        lambda after, bot: RetryLater(after=after, whole_bot=bot),
        st.none() | st.timedeltas(timedelta(days=-1), timedelta(days=400)),
        st.booleans(),
    ),
    st.builds(lambda maybe: Unreachable(maybe_sent=maybe), st.booleans()),
)


@given(
    errors=st.lists(ERRORS, min_size=30, max_size=60),
    limit=st.integers(1, 12),
    policy=st.sampled_from(POLICIES),
    spread=st.floats(0.8, 1.2),
)
def test_whatever_happens_nothing_is_raised_and_counted_attempts_end(
    errors: list[ChannelError], limit: int, policy: Policy, spread: float
) -> None:
    """Only waits that the platform asked for, and credentials that a person mends, may go on without an end."""
    attempts, plain = 0, False
    for error in errors:
        assert attempts < limit
        decision = verdict(
            error, attempts=attempts, max_attempts=limit, policy=policy, spread=spread, plain=plain
        )
        if isinstance(decision, Verify):
            decision = decision.absent
        match decision:
            case Close():
                return
            case SendPlain():
                assert not plain
                plain = True
            case Retry(delay=delay, counts=counts):
                assert delay > 0
                attempts += counts
                plain = False
            case SendTo():
                attempts += 1
