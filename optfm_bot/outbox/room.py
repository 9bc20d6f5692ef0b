"""Room in an outbox: how much may wait in all, and of one chat, before whoever promises more is held back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection


class Room:
    """Counts the messages that wait, and holds back who asks for room.

    `total` bounds all of them, `per_chat` those of one lane: a chat whose messages come faster than they may leave
    waits for itself and takes nobody else's room. Messages are counted whether or not there was room for them.
    """

    def __init__(self, *, total: int, per_chat: int) -> None:
        self._total = total
        self._per_chat = per_chat
        self._taken = 0
        self._waiting: Counter[str] = Counter()
        self._some = asyncio.Event()
        self._some.set()
        self._shorter: dict[str, asyncio.Event] = {}
        self._open = False

    @property
    def full(self) -> bool:
        """Whether nobody is let in."""
        return self._taken >= self._total

    @property
    def crowded(self) -> Collection[str]:
        """The lanes that have all the room that one may have."""
        return [lane for lane, waiting in self._waiting.items() if waiting >= self._per_chat]

    def take(self, lane: str) -> None:
        """A message of that lane waits."""
        self._taken += 1
        self._waiting[lane] += 1
        if self.full and not self._open:
            self._some.clear()

    def leave(self, lane: str) -> None:
        """A message of that lane does not wait any more."""
        self._taken -= 1
        self._waiting[lane] -= 1
        if not self._waiting[lane]:
            del self._waiting[lane]
        if not self.full:
            self._some.set()
        if self._waiting[lane] < self._per_chat and lane in self._shorter:
            self._shorter.pop(lane).set()

    async def wait(self, lane: str) -> None:
        """Wait until there is room for a message of that lane."""
        while not self._open and self._waiting[lane] >= self._per_chat:
            await self._shorter.setdefault(lane, asyncio.Event()).wait()
        await self._some.wait()

    def open(self) -> None:
        """Hold nobody back any more: nothing new is promised."""
        self._open = True
        self._some.set()
        for event in self._shorter.values():
            event.set()
        self._shorter.clear()
