"""Forwarding: what was promised to a helpdesk that the settings do not name any more goes to the one they name now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import structlog

from channels.codec import encode_outbound
from channels.model import ChatRef, Purpose
from optfm_bot.clock import Clock
from optfm_bot.errors import StoreFenced, StoreUnavailable
from optfm_bot.outbox.outgoing import taken
from optfm_bot.store.contract import Store
from optfm_bot.store.records import OutboxRow, OutboxState

log = structlog.get_logger("optfm_bot.outbox")

_FOR_HELPDESKS = frozenset(one.value for one in (Purpose.CUSTOMER, Purpose.NOTE, Purpose.CLOSE))
_STORE_RETRY_SECONDS = 0.5
_AT_ONCE = 100
"""Messages of one transaction."""


class Forwarding:
    """Finds messages for helpdesks among those that nobody carries.

    `carriers` are the names of those who send, `desk` is the helpdesk among them, None if there is none.
    """

    def __init__(self, store: Store, clock: Clock, *, carriers: Collection[str], desk: str | None) -> None:
        self._store = store
        self._clock = clock
        self._carriers = carriers
        self._desk = desk

    async def forward(self, shards: Collection[int] | None = None) -> None:
        """Readdress what waits in these shards for a former helpdesk, or close it as failed if there is none now.

        Call it before what waits is taken up. It waits for a store that is away, and ends when others have taken over.
        """
        while True:
            try:
                await self._forward(shards)
            except StoreFenced:
                return  # what is left is the next owner's
            except StoreUnavailable as error:
                log.error("outbox.store_unavailable", channel=self._desk, error=str(error))
                await self._clock.sleep(_STORE_RETRY_SECONDS)
            else:
                return

    async def _forward(self, shards: Collection[int] | None) -> None:
        waiting = (await self._store.counts(shards=shards)).outbox_open
        for name in sorted(waiting.keys() - set(self._carriers)):
            rows = [
                row for row in await self._store.unsent(name, shards=shards) if row.purpose in _FOR_HELPDESKS
            ]
            for begin in range(0, len(rows), _AT_ONCE):
                await self._settle(rows[begin : begin + _AT_ONCE])
            if rows:
                event = "outbox.not_forwarded" if self._desk is None else "outbox.forwarded"
                log.warning(event, before=name, channel=self._desk, messages=len(rows))

    async def _settle(self, rows: Sequence[OutboxRow]) -> None:
        now = self._clock.ms()
        async with self._store.unit() as unit:
            for row in rows:
                message = None if self._desk is None else _readdressed(row, self._desk)
                if self._desk is None or message is None:
                    reason = f"{row.channel} is no helpdesk any more, and there is no other one"
                    unit.outbox.close(row.id, state=OutboxState.FAILED, error=reason, at=now)
                    continue
                # What the former one may have got is no doubt about the present one.
                unit.desk.withdraw_message(row.id)
                unit.outbox.forward(row.id, channel=self._desk, message=message)


def _readdressed(row: OutboxRow, desk: str) -> str | None:
    """The message of a row for another helpdesk; None if it cannot be read."""
    try:
        message = taken(row).message
    except ValueError:
        return None
    chat = ChatRef(channel=desk, chat_id=message.chat.chat_id)
    return encode_outbound(replace(message, chat=chat))
