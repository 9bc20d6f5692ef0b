"""A message on its way out, and what its channel says about sending."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from channels.capabilities import Capabilities
from channels.codec import decode_outbound
from channels.model import Outbound, Receipt, Rendered
from optfm_bot.outbox.plan import LONGEST_DELAY, Policy
from optfm_bot.store.records import OutboxRow


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """How one channel sends: policy, pacing, patience, calls under way at once, the longest wait between tries (s)."""

    policy: Policy = Policy.AT_MOST_ONCE
    per_chat: float = 1.0
    per_bot: float = 30.0
    burst: int = 3
    max_attempts: int = 8
    concurrency: int = 32
    longest_delay: float = LONGEST_DELAY
    file_attempts: int | None = None
    """How often a file is asked for that cannot be had now; None: as often as the message may fail."""


@dataclass(slots=True, kw_only=True)
class Outgoing:
    """A message in hand: its row and its decoded form. `update_id` is the update that it answers."""

    id: int
    lane: str
    message: Outbound
    created_at: int
    update_id: int | None = None
    attempts: int = 0
    not_before: int = 0
    begun: bool = False
    """Its row says already that it is being sent, and it holds one of the places for calls under way."""
    tenure: int | None = None
    """The tenure under which it was taken up; once that is over, somebody else sends it."""
    unreached: bool = False
    """It waits for nothing but a platform that does not answer."""
    answers: int | None = None
    """How many calls of anybody had got through when its last one failed."""
    fetches: int = 0
    """How often a file of it could not be had."""
    left_out: tuple[tuple[str, str], ...] = ()
    """The names of files that it goes without, each with the reason."""


class Carrier(Protocol):
    """Where messages leave: a channel, a helpdesk, whatever brings notices to our own people."""

    @property
    def instance(self) -> str:
        """The name that rows of the outbox have."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can carry."""

    async def deliver(self, message: Rendered) -> Receipt:
        """Bring one message there. Raises by reaction."""


class DeliveryObserver(Protocol):
    """Hears what became of messages. `result` is sent, uncertain, failed, dropped or gone."""

    def resolved(self, result: str, seconds: float) -> None:
        """A message left the outbox, so many seconds after it was promised."""

    def retried(self, reason: str) -> None:
        """A message will be tried again."""

    def unauthorized(self, hint: str) -> None:
        """The platform refused our credentials."""


Guard = Callable[[Outbound, str], Awaitable[str | None]]
"""Says why a message must not be sent any more (to its lane), or None."""


def taken(row: OutboxRow) -> Outgoing:
    """Decode a row of the outbox. Raises `ValueError` if it is not readable."""
    return Outgoing(
        id=row.id,
        lane=row.lane,
        message=decode_outbound(row.message),
        created_at=row.created_at,
        update_id=row.inbox_id,
        attempts=row.attempts,
        not_before=row.not_before,
    )
