"""The door for updates: stored first, acknowledged by the caller afterwards, handled from then on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from channels.model import RawUpdate
from optfm_bot.clock import Clock
from optfm_bot.dispatch.dispatcher import Dispatcher
from optfm_bot.store.contract import Store
from optfm_bot.store.records import NewUpdate

_COLUMN = 255


class Intake:
    """Takes raw updates of any channel into the inbox.

    `elsewhere` is told of lanes that another process handles, `dropped` of an update that was there already: of its
    channel and the word `duplicate`.
    """

    def __init__(
        self,
        store: Store,
        dispatcher: Dispatcher,
        clock: Clock,
        elsewhere: Callable[[Sequence[str]], None] = lambda _: None,
        *,
        dropped: Callable[[str, str], None] = lambda *_: None,
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._clock = clock
        self._elsewhere = elsewhere
        self._dropped = dropped

    async def receive(
        self,
        channel: str,
        updates: Sequence[RawUpdate],
        *,
        cursor: str | None = None,
        only_here: bool = False,
    ) -> int:
        """Store updates, and the polling cursor that covers them, in one transaction; gives how many were new.

        When this returns they survive a crash and may be acknowledged. Raises `StoreUnavailable` with nothing stored:
        then they must not be acknowledged. `only_here`: no other process receives for this channel at the moment.
        """
        lanes = [fitting(update.lane) for update in updates]
        lease = self._dispatcher.lease(lanes, only_here=only_here)
        now = self._clock.ms()
        # What nobody holds may be stored by anybody: by a process, too, that is no member yet or not any more.
        held = cursor is not None or any(owner is not None for owner in lease.owners)
        unit = self._store.unit(fenced=held)
        unsure = True
        try:
            async with unit:
                for update, lane, owner in zip(updates, lanes, lease.owners, strict=True):
                    new = NewUpdate(
                        channel=channel, key=fitting(update.key), lane=lane, payload=encoded(update.payload)
                    )
                    until = 0 if owner is None else lease.until
                    unit.inbox.add(new, received_at=now, owner=owner, lease_until=until)
                if cursor is not None:
                    unit.cursors.save(channel, cursor, at=now)
            unsure = False
        finally:
            elsewhere = self._dispatcher.accept(lease, unit.added, unsure=unsure)
        if elsewhere:
            self._elsewhere(elsewhere)
        for _ in range(len(updates) - len(unit.added)):
            self._dropped(channel, "duplicate")
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
