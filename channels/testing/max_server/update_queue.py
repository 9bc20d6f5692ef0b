"""The updates and their marker. No I/O and no clock: the time is passed in.

Kept facts: `marker=M` commits everything before M and asks for what is from M on, even if that was committed
earlier and is still kept; without a marker everything since the last commit comes, again and again; a batch
that is empty still says where to go on. Updates carry no id of their own and are kept for 24 hours.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

KEPT_SECONDS: Final = 24 * 3600.0
COMMITTED_KEPT: Final = 10_000
"""How many committed updates an old marker can still bring back; the real number is not known."""


@dataclass(slots=True)
class Entry:
    """One update. `number` is its place in the order, `deliveries` how many webhooks still try to hand it over."""

    number: int
    kind: str
    body: bytes
    created: float
    deliveries: int = 0
    accepted: bool = False


class UpdateQueue:
    """Updates in their order; `duplicates_left` of the next ones are put in twice."""

    def __init__(self, *, first: int = 1_000_001) -> None:
        self.next_number = first
        self.committed = first
        self.waiting: OrderedDict[int, Entry] = OrderedDict()
        self.history: OrderedDict[int, Entry] = OrderedDict()
        self.duplicates_left = 0
        self.confirmed = 0
        self.on_put: Callable[[Entry], None] = lambda _: None
        self._held: list[Entry] = []
        self._hold_left = 0

    def __len__(self) -> int:
        return len(self.waiting) + len(self._held)

    @property
    def end(self) -> int:
        """The place behind the last update that can be read."""
        return self._held[0].number if self._held else self.next_number

    def put(self, update: Mapping[str, Any], *, now: float) -> int:
        """Add an update; gives its number."""
        body = orjson.dumps(update)
        kind = str(update.get("update_type", ""))
        number = self._add(kind, body, now)
        if self.duplicates_left:
            self.duplicates_left -= 1
            self._add(kind, body, now)
        return number

    def reorder_next(self, count: int) -> None:
        """Hold the next updates back until so many are there, then hand them out last one first."""
        self._hold_left = count

    def _add(self, kind: str, body: bytes, now: float) -> int:
        entry = Entry(self.next_number, kind, body, now)
        self.next_number += 1
        if self._hold_left:
            self._hold_left -= 1
            self._held.append(entry)
            if not self._hold_left:
                self._release()
        else:
            self.waiting[entry.number] = entry
            self.on_put(entry)
        return entry.number

    def _release(self) -> None:
        held, self._held = self._held, []
        contents = [(one.kind, one.body) for one in reversed(held)]
        for entry, (kind, body) in zip(held, contents, strict=True):
            entry.kind, entry.body = kind, body
            self.waiting[entry.number] = entry
        for entry in held:
            self.on_put(entry)

    def read(
        self, *, marker: int | None, limit: int, types: frozenset[str] | None, now: float
    ) -> tuple[list[Entry], int]:
        """Commit what `marker` commits; gives the next updates of these types and the marker behind them."""
        self.expire(now)
        if marker is not None:
            self._commit(min(marker, self.end))
        chosen: list[Entry] = []
        for entry in self._from(self.committed if marker is None else marker):
            if types is not None and entry.kind not in types:
                continue
            chosen.append(entry)
            if len(chosen) == limit:
                return chosen, entry.number + 1
        return chosen, self.end

    def _from(self, number: int) -> Iterator[Entry]:
        if number < self.committed:
            yield from (one for one in self.history.values() if one.number >= number)
        yield from (one for one in self.waiting.values() if one.number >= number)

    def _commit(self, bound: int) -> None:
        while self.waiting and (number := next(iter(self.waiting))) < bound:
            self._file(self.waiting.pop(number))
        self.committed = max(self.committed, bound)

    def take(self, entry: Entry) -> None:
        """A webhook accepted this update, or MAX gave it up."""
        if self.waiting.pop(entry.number, None) is not None:
            self._file(entry)

    def _file(self, entry: Entry) -> None:
        self.confirmed += 1
        self.history[entry.number] = entry
        if len(self.history) > COMMITTED_KEPT:
            self.history.popitem(last=False)

    def clear(self) -> None:
        """Forget every update and every trick; numbers go on growing."""
        self.waiting.clear()
        self.history.clear()
        self._held.clear()
        self._hold_left = self.duplicates_left = self.confirmed = 0
        self.committed = self.next_number

    def expire(self, now: float) -> None:
        """Forget updates that are older than MAX keeps them."""
        for entries in (self.waiting, self.history):
            while entries and next(iter(entries.values())).created + KEPT_SECONDS <= now:
                entries.popitem(last=False)
