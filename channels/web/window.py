"""One talk in memory: its last messages, when each of them changed, and who has to be told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from channels.web.bubbles import ChatMessage

_SIGNALS_KEPT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    """One event for the page. The first is `history`; `rest` is the last of a stream that nobody uses."""

    kind: Literal["history", "message", "typing", "notice", "ping", "rest"]
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Window:
    """A talk as it was lately. `changed` is replaced by a fresh event at every change, so no follower misses one.

    `active` is when somebody last said something, `used` when anybody last needed the talk.
    """

    __slots__ = (
        *("active", "changed", "dropped", "elsewhere", "expected"),
        *("messages", "seq", "seqs", "signals", "streams", "used"),
    )

    def __init__(self, now: datetime) -> None:
        self.messages: list[ChatMessage] = []
        self.seq = 0
        """Grows with every change that is kept here."""
        self.seqs: dict[tuple[bool, str], int] = {}
        """When each message last changed, by its name."""
        self.signals: deque[tuple[int, StreamEvent]] = deque(maxlen=_SIGNALS_KEPT)
        self.changed = asyncio.Event()
        self.elsewhere = 0
        """How often the talk may have changed in another process."""
        self.expected = 0
        """How often the visitor did here what no message shows and an answer follows."""
        self.streams = 0
        self.used = now
        self.active = now
        self.dropped = False

    def place(self, name: tuple[bool, str]) -> int | None:
        """Where the message with this name is."""
        if name not in self.seqs:
            return None
        return next(place for place, known in enumerate(self.messages) if known.name == name)

    def wake(self) -> None:
        """Let every follower look again."""
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    def note(self, message: ChatMessage) -> None:
        """This message has changed now."""
        self.seq += 1
        self.seqs[message.name] = self.seq

    def signal(self, event: StreamEvent) -> None:
        """Tell those who follow now."""
        self.seq += 1
        self.signals.append((self.seq, event))
        self.wake()

    def since(self, seen: int) -> list[ChatMessage]:
        """The messages that changed after the moment `seen`, in the order of their changes."""
        changed = [message for message in self.messages if self.seqs[message.name] > seen]
        return sorted(changed, key=lambda message: self.seqs[message.name])

    def signals_since(self, seen: int) -> list[tuple[int, StreamEvent]]:
        """What was signalled after the moment `seen`, and when."""
        return [(seq, event) for seq, event in self.signals if seq > seen]
