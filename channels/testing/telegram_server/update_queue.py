"""The update queue with Telegram's own offset semantics. No I/O and no clock: the time is passed in.

Kept facts: an update stays until an offset above its id is asked for (or a webhook took it), at most 24
hours; a negative offset keeps only the last updates; an offset far above the newest id is ignored; one
answer is cut at about 4 MB; `allowed_updates` filters when an update is created, not when it is read.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import orjson

UPDATE_TYPES: Final = (
    "message", "edited_message", "channel_post", "edited_channel_post", "business_connection",
    "business_message", "edited_business_message", "deleted_business_messages", "guest_message",
    "message_reaction", "message_reaction_count", "inline_query", "chosen_inline_result",
    "callback_query", "shipping_query", "pre_checkout_query", "purchased_paid_media", "poll",
    "poll_answer", "my_chat_member", "chat_member", "chat_join_request", "chat_boost",
    "removed_chat_boost", "managed_bot", "subscription", "stopped_message_generation",
)  # fmt: skip
OFF_BY_DEFAULT: Final = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
DEFAULT_TYPES: Final = frozenset(UPDATE_TYPES) - OFF_BY_DEFAULT
KEPT_SECONDS: Final = 24 * 3600.0
ANSWER_BYTES: Final = 4 * 1024 * 1024
FUTURE_SLACK: Final = 10
"""An offset this far above the next id is "in the future": it confirms nothing."""


@dataclass(slots=True)
class Entry:
    """One waiting update. `copies` above one makes it come again after it was confirmed."""

    update_id: int
    lane: str
    body: bytes
    created: float
    copies: int = 1


class UpdateQueue:
    """Updates that the bot has not confirmed yet, oldest first."""

    def __init__(self, *, first_id: int = 100_000_001) -> None:
        self.next_id = first_id
        # Linked, because a plain dict walks over every hole that confirmed updates left at its head.
        self.entries: OrderedDict[int, Entry] = OrderedDict()
        self.allowed: frozenset[str] = DEFAULT_TYPES
        self.duplicates_left = 0
        self.filtered = 0
        self.confirmed = 0
        self.on_put: Callable[[Entry], None] = lambda _: None

    def __len__(self) -> int:
        return len(self.entries)

    def allow(self, types: Iterable[str]) -> None:
        """Remember which updates are created from now on; an empty list means Telegram's default."""
        self.allowed = frozenset(types) or DEFAULT_TYPES

    def put(self, kind: str, payload: Any, *, lane: str, now: float) -> int | None:
        """Create an update and return its id, or None when its kind is filtered.

        A kind that this release does not know passes the filter: that is how tests ask "what if Telegram
        invents one".
        """
        if kind not in self.allowed and kind in UPDATE_TYPES:
            self.filtered += 1
            return None
        return self.put_raw({kind: payload}, lane=lane, now=now)

    def put_raw(self, update: Mapping[str, Any], *, lane: str, now: float) -> int:
        """Create an update with these fields, unfiltered; only `update_id` is added."""
        update_id = self.next_id
        self.next_id += 1
        body = orjson.dumps({"update_id": update_id, **update})
        entry = Entry(update_id, lane, body, now)
        if self.duplicates_left:
            self.duplicates_left -= 1
            entry.copies = 2
        self.entries[update_id] = entry
        self.on_put(entry)
        return update_id

    def read(self, *, offset: int, limit: int, now: float) -> list[Entry]:
        """Confirm what `offset` confirms and return the oldest updates that are left."""
        self.expire(now)
        if offset < 0:
            self._confirm_below(self.next_id + offset)
        elif 0 < offset <= self.next_id + FUTURE_SLACK:
            self._confirm_below(offset)
        chosen: list[Entry] = []
        size = 0
        for entry in islice(self.entries.values(), limit):
            size += len(entry.body)
            if chosen and size > ANSWER_BYTES:
                break
            chosen.append(entry)
        return chosen

    def take(self, update_id: int) -> bool:
        """A webhook accepted this update. True when it is gone now, false when it comes once more."""
        entry = self.entries.get(update_id)
        if entry is not None and entry.copies > 1:
            entry.copies -= 1
            return False
        if self.entries.pop(update_id, None) is not None:
            self.confirmed += 1
        return True

    def clear(self) -> int:
        """Forget every waiting update and return how many there were."""
        dropped = len(self.entries)
        self.entries.clear()
        return dropped

    def expire(self, now: float) -> None:
        """Forget updates that waited longer than Telegram keeps them."""
        while self.entries and next(iter(self.entries.values())).created + KEPT_SECONDS <= now:
            self.entries.popitem(last=False)

    def _confirm_below(self, bound: int) -> None:
        below: list[Entry] = []
        for entry in self.entries.values():
            if entry.update_id >= bound:
                break
            below.append(entry)
        for entry in below:
            if entry.copies > 1:
                entry.copies -= 1
            else:
                del self.entries[entry.update_id]
                self.confirmed += 1
