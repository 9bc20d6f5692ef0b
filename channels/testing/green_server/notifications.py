"""The queue of notifications of one instance: first in, first out, the same head until it is deleted, 24 hours long."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

KEPT_SECONDS: Final = 24 * 3600.0
JUST_NOW: Final = 2.0

SETTING_OF: Final[Mapping[str, str]] = {
    "incomingMessageReceived": "incomingWebhook",
    "outgoingMessageReceived": "outgoingMessageWebhook",
    "outgoingAPIMessageReceived": "outgoingAPIMessageWebhook",
    "outgoingMessageStatus": "outgoingWebhook",
    "stateInstanceChanged": "stateWebhook",
    "incomingCall": "incomingCallWebhook",
}
"""The setting that must be "yes" for a kind of notification; a kind that is not here always comes."""

SETTING_OF_MESSAGE: Final = {
    "editedMessage": "editedMessageWebhook",
    "deletedMessage": "deletedMessageWebhook",
}
"""Edits and deletions have a setting of their own besides the one of the direction."""

ALWAYS: Final = frozenset({"failed", "noAccount"})
"""Statuses that come even when statuses are switched off."""


@dataclass(slots=True)
class Entry:
    """One waiting notification. `copies` above one makes it come again after it was deleted."""

    receipt_id: int
    body: bytes
    created: float
    copies: int = 1


class NotificationQueue:
    """What was not deleted yet, oldest first. `settings` are the instance's own, as they are at the moment."""

    def __init__(self, settings: Mapping[str, Any], clock: Callable[[], float]) -> None:
        self.settings = settings
        self.clock = clock
        self.entries: OrderedDict[int, Entry] = OrderedDict()
        self.next_id = 1_000_001
        self.confirmed = 0
        self.filtered = 0
        self.duplicates_left = 0
        self.held: list[Entry] = []
        self.reorder_left = 0
        self.asked_at = float("-inf")
        self._waiting: set[asyncio.Future[None]] = set()
        self.on_put: Callable[[], None] = lambda: None

    def __len__(self) -> int:
        return len(self.entries) + len(self.held)

    @property
    def switched_off(self) -> bool:
        """Whether no kind of notification is switched on."""
        return not any(value == "yes" for name, value in self.settings.items() if name.endswith("Webhook"))

    def wanted(self, body: Mapping[str, Any]) -> bool:
        """Whether the settings let a notification through."""
        kind = str(body.get("typeWebhook"))
        if kind == "outgoingMessageStatus" and body.get("status") in ALWAYS:
            return True
        names = [SETTING_OF[kind]] if kind in SETTING_OF else []
        data = body.get("messageData")
        if isinstance(data, Mapping) and data.get("typeMessage") in SETTING_OF_MESSAGE:
            names.append(SETTING_OF_MESSAGE[str(data["typeMessage"])])
        return all(self.settings.get(name) == "yes" for name in names)

    def put(self, body: Mapping[str, Any]) -> int | None:
        """Add a notification; gives its receipt id, or None when the settings filter it."""
        if not self.wanted(body):
            self.filtered += 1
            return None
        return self.put_raw(orjson.dumps(body))

    def put_raw(self, body: bytes) -> int:
        """Add these bytes as a notification, unfiltered."""
        receipt = self._take_id()
        entry = Entry(receipt, body, self.clock())
        if self.duplicates_left:
            self.duplicates_left -= 1
            entry.copies = 2
        if self.reorder_left:
            self.held.append(entry)
            self.reorder_left -= 1
            if not self.reorder_left:
                for one in reversed(self.held):
                    self.entries[one.receipt_id] = one
                self.held.clear()
        else:
            self.entries[receipt] = entry
        self.wake()
        self.on_put()
        return receipt

    def _take_id(self) -> int:
        self.next_id += 1
        return self.next_id - 1

    def head(self) -> Entry | None:
        """The oldest one, or None."""
        limit = self.clock() - KEPT_SECONDS
        while self.entries:
            entry = next(iter(self.entries.values()))
            if entry.created > limit:
                return entry
            self.entries.popitem(last=False)
        return None

    def delete(self, receipt_id: int) -> bool:
        """Take one out; false when it is gone already. One that was to come twice comes again as the head."""
        entry = self.entries.pop(receipt_id, None)
        if entry is None:
            return False
        self.confirmed += 1
        if entry.copies > 1:
            again = Entry(self._take_id(), entry.body, entry.created, entry.copies - 1)
            self.entries[again.receipt_id] = again
            self.entries.move_to_end(again.receipt_id, last=False)
            self.on_put()
        return True

    def clear(self) -> None:
        """Forget every waiting one, and what was to become of the next ones."""
        self.entries.clear()
        self.held.clear()
        self.duplicates_left = self.reorder_left = 0

    @property
    def polling(self) -> bool:
        """Whether somebody waits in receiveNotification, or has asked a moment ago: a full queue lets nobody wait."""
        return bool(self._waiting) or self.clock() - self.asked_at < JUST_NOW

    async def wait(self, seconds: float) -> None:
        """Return when something is added, when everybody is woken, or after this time."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            await asyncio.wait((waiter,), timeout=seconds)
        finally:
            self._waiting.discard(waiter)

    def wake(self) -> None:
        """End the waits of all pollers."""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
