"""The door for updates: stored first, acknowledged by the caller afterwards, handled from then on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import orjson

from channels.model import RawUpdate
from optfm_bot.clock import Clock
from optfm_bot.dispatch.dispatcher import Dispatcher
from optfm_bot.store.contract import Store
from optfm_bot.store.records import NewUpdate

_COLUMN = 255


class Intake:
    """Takes raw updates of any channel into the inbox."""

    def __init__(self, store: Store, dispatcher: Dispatcher, clock: Clock) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._clock = clock

    async def receive(self, channel: str, updates: Sequence[RawUpdate], *, cursor: str | None = None) -> int:
        """Store updates, and the polling cursor that covers them, in one transaction; gives how many were new.

        When this returns they survive a crash and may be acknowledged. Raises `StoreUnavailable` with nothing stored:
        then they must not be acknowledged.
        """
        lease = self._dispatcher.lease(len(updates))
        now = self._clock.ms()
        try:
            async with self._store.unit() as unit:
                for update in updates:
                    new = NewUpdate(
                        channel=channel,
                        key=fitting(update.key),
                        lane=fitting(update.lane),
                        payload=orjson.dumps(update.payload, option=orjson.OPT_PASSTHROUGH_DATACLASS),
                    )
                    unit.inbox.add(new, received_at=now, owner=lease.owner, lease_until=lease.until)
                if cursor is not None:
                    unit.cursors.save(channel, cursor, at=now)
        finally:
            self._dispatcher.accept(lease, unit.added)
        return len(unit.added)


def fitting(text: str) -> str:
    """A key or lane that fits its column: long ones are replaced by their hash, the same one every time."""
    if len(text) <= _COLUMN:
        return text
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()
