"""The door for updates: stored first, acknowledged by the caller afterwards, handled from then on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

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
                        payload=encoded(update.payload),
                    )
                    unit.inbox.add(new, received_at=now, owner=lease.owner, lease_until=lease.until)
                if cursor is not None:
                    unit.cursors.save(channel, cursor, at=now)
        finally:
            self._dispatcher.accept(lease, unit.added)
        return len(unit.added)


def encoded(payload: Mapping[str, Any]) -> bytes:
    """The payload as JSON.

    What is no JSON is stored as text that cannot be read back: its turn parks it where an operator sees it. Refusing it
    here would refuse its whole batch, which the platform would bring again for ever.
    """
    try:
        return orjson.dumps(payload, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    except orjson.JSONEncodeError:
        return f"not JSON: {payload!r}".encode("utf-8", "backslashreplace")


def fitting(text: str) -> str:
    """A key or lane that fits its column: long or unprintable ones become their hash, the same one every time."""
    if len(text) <= _COLUMN and text.isprintable():
        return text
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()
