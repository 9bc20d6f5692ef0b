"""Doubt: what is done about a message of which nobody can know whether it arrived, decided by policy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from channels.contract import Verifiable
from channels.errors import ChannelError
from channels.model import Receipt, Rendered
from optfm_bot.clock import Clock
from optfm_bot.outbox.ledger import Ledger
from optfm_bot.outbox.outgoing import Carrier, Outgoing
from optfm_bot.outbox.plan import Policy
from optfm_bot.store.records import OutboxState

log = structlog.get_logger("optfm_bot.outbox")

_ASK_SECONDS = 90.0
_EARLIER = timedelta(minutes=1)
"""Clocks differ: the history is read from a little before the message was promised."""


class Close(Protocol):
    """Ends a message, and tells whoever has to know of it."""

    async def __call__(self, outgoing: Outgoing, state: OutboxState, reason: str) -> object:
        """The message is not tried any more."""


class Doubt:
    """Settles messages that were under way when a call broke off or a process died.

    `close` ends one of which nobody can know.
    """

    def __init__(
        self, channel: Carrier, policy: Policy, *, ledger: Ledger, clock: Clock, close: Close
    ) -> None:
        self._channel = channel
        self._policy = policy
        self._ledger = ledger
        self._clock = clock
        self._close = close

    async def may_resend(self, outgoing: Outgoing, rendered: Callable[[Outgoing], Rendered]) -> bool:
        """Whether it shall be sent again; false when it is settled: found in the chat, or uncertain for good."""
        if self._policy is Policy.AT_LEAST_ONCE:
            return True
        if self._policy is Policy.VERIFY and isinstance(self._channel, Verifiable):
            try:
                receipt = await self._find(self._channel, outgoing, rendered(outgoing))
            except (ChannelError, TimeoutError) as error:
                log.warning(
                    "outbox.unverified",
                    channel=self._channel.instance,
                    outbox_id=outgoing.id,
                    error=str(error) or type(error).__name__,
                )
            else:
                if receipt is not None:
                    await self._ledger.sent(outgoing, receipt)
                return receipt is None
        reason = "it was being sent, and nobody can know whether it arrived"
        await self._close(outgoing, OutboxState.UNCERTAIN, reason)
        return False

    async def _find(self, channel: Verifiable, outgoing: Outgoing, rendered: Rendered) -> Receipt | None:
        since = datetime.fromtimestamp(outgoing.created_at / 1000, UTC) - _EARLIER
        async with self._clock.limit(_ASK_SECONDS):
            return await channel.find(rendered, since=since)
