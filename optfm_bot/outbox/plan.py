"""What to do after a message was refused or got no answer: pure decisions over reactions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from channels.errors import (
    ChannelError,
    Gone,
    MarkupRejected,
    Moved,
    RetryLater,
    Unauthorized,
    Unreachable,
)
from optfm_bot.store.records import OutboxState

_FIRST_DELAY = 1.0
LONGEST_DELAY = 300.0
"""Seconds between two tries of a message, at most."""


class Policy(StrEnum):
    """What happens to a message of which nobody can know whether it arrived."""

    AT_MOST_ONCE = "at_most_once"
    AT_LEAST_ONCE = "at_least_once"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Send the same message again after `delay` seconds; `whole_bot` holds back everybody, not only this chat."""

    delay: float
    whole_bot: bool = False
    counts: bool = True
    """Whether the attempt counts against the limit; waiting that a platform asked for does not."""
    unreached: bool = False
    """Whether nothing is waited for but a platform that does not answer; then it may be sooner."""


@dataclass(frozen=True, slots=True)
class SendPlain:
    """Send the same words without markup, once, now."""


@dataclass(frozen=True, slots=True)
class SendTo:
    """Send the same message to the new id of the chat, once."""

    chat_id: str


@dataclass(frozen=True, slots=True)
class Close:
    """Stop trying; `gone` says that the person cannot be reached at all."""

    state: OutboxState
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Verify:
    """Ask the platform whether the message is there; if it is not, do what is `absent`."""

    absent: Retry | Close


@dataclass(frozen=True, slots=True)
class Pause:
    """Keep the message and stop sending for this bot until a person has mended the credentials."""


Verdict: TypeAlias = Retry | SendPlain | SendTo | Verify | Close | Pause


def backoff(attempt: int, spread: float, longest: float = LONGEST_DELAY) -> float:
    """Seconds before try number `attempt` + 1: doubling from one second to `longest`, times `spread` (about 1)."""
    return min(longest, _FIRST_DELAY * float(2 ** min(attempt, 16))) * spread


def verdict(  # noqa: PLR0911 - a table of reactions, read row by row
    error: ChannelError,
    *,
    attempts: int,
    max_attempts: int,
    policy: Policy,
    spread: float = 1.0,
    plain: bool = False,
    longest: float = LONGEST_DELAY,
) -> Verdict:
    """Decide what follows from a failed delivery.

    `attempts` is how many failures came before this one, `plain` whether the text already goes without markup,
    `longest` the most seconds to wait.
    A call that was answered, or never reached the wire, is safe to repeat; one without an answer is not.
    """
    last = attempts + 1 >= max_attempts
    match error:
        case Unauthorized():
            return Pause()
        case Gone():
            return Close(OutboxState.DROPPED, gone=True)
        case Moved(chat_id=chat_id) if not last:
            return SendTo(chat_id)
        case MarkupRejected() if not plain:
            return SendPlain()
        case RetryLater(after=after, whole_bot=whole_bot) if after is not None:
            # "At once" would let a confused platform and us shout at each other without a breath.
            delay = max(after.total_seconds(), _FIRST_DELAY)
            return Retry(delay=delay, whole_bot=whole_bot, counts=False)
        case Unreachable(maybe_sent=True) if policy is Policy.AT_MOST_ONCE:
            return Close(OutboxState.UNCERTAIN)
        case Unreachable(maybe_sent=True) if policy is Policy.VERIFY:
            again = Retry(delay=backoff(attempts, spread, longest), unreached=True)
            return Verify(Close(OutboxState.FAILED) if last else again)
        case RetryLater(whole_bot=whole_bot) if not last:
            delay = backoff(attempts, spread, longest)
            return Retry(delay=delay, whole_bot=whole_bot, unreached=not whole_bot)
        case Unreachable() if not last:
            return Retry(delay=backoff(attempts, spread, longest), unreached=True)
    return Close(OutboxState.FAILED)
