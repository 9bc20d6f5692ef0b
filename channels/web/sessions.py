"""Talks of the web chat, kept in memory within bounds, and the streams that browsers follow them by.

What is here is a window for the page, not the record: the house keeps the record in its database. A restart
empties the window; the page then still shows its own copy.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from channels.errors import RetryLater

HEARTBEAT = 15.0
"""Seconds of silence after which a stream says that it is alive."""

_SIGNALS_KEPT = 8
_STREAMS_PER_SESSION = 6
_STREAMS = 500
_CHARACTERS = 8_000_000
"""What all talks together may hold, in characters of text: about 30 MB at worst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button under a message: it sends `token` back, or opens `url`."""

    label: str
    token: str | None = None
    url: str | None = None

    def as_json(self) -> dict[str, str]:
        """Give the button as the page reads it."""
        return {"label": self.label} | ({"url": self.url} if self.url else {"token": self.token or ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """One bubble. Bot messages carry safe HTML of our own writer, a visitor's words are plain text."""

    message_id: str
    author: Literal["bot", "visitor"]
    at: datetime
    text: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    buttons: tuple[tuple[Button, ...], ...] = ()
    edited: bool = False
    seq: int = 0

    def as_json(self) -> dict[str, Any]:
        """Give the message as the page reads it."""
        return {
            "id": self.message_id,
            "author": self.author,
            "at": int(self.at.timestamp() * 1000),
            "buttons": [[button.as_json() for button in row] for row in self.buttons],
            "edited": self.edited,
            **({"html": self.html} if self.author == "bot" else {"text": self.text}),
        }

    @property
    def size(self) -> int:
        """How much memory it takes, in characters."""
        buttons = sum(len(button.label) + len(button.url or "") for row in self.buttons for button in row)
        return len(self.text) + len(self.html) + buttons


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    """One event for the page; `event_id` is what it resumes from (None: nothing to resume by)."""

    kind: Literal["history", "message", "typing", "notice", "ping"]
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    event_id: str | None = None


class _Session:
    """One talk. `changed` is replaced by a fresh event at every change, so no follower misses one."""

    __slots__ = ("changed", "dropped", "messages", "signals", "streams", "used")

    def __init__(self, used: datetime) -> None:
        self.messages: list[ChatMessage] = []
        self.signals: deque[tuple[int, StreamEvent]] = deque(maxlen=_SIGNALS_KEPT)
        self.changed = asyncio.Event()
        self.streams = 0
        self.used = used
        self.dropped = False

    def wake(self) -> None:
        """Let every follower look again."""
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()


class Sessions:
    """All talks of one channel instance, the most recently used last.

    Bounds: `max_sessions` talks, `history` messages in each, a total of characters, and silence of `idle`.
    `epoch` tells this run of the program from others in the ids of messages and events.
    """

    def __init__(
        self, *, epoch: str, clock: Callable[[], datetime], history: int, max_sessions: int, idle: timedelta
    ) -> None:
        self._epoch = epoch
        self._clock = clock
        self._history = history
        self._max_sessions = max_sessions
        self._idle = idle
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._seq = 0
        self._size = 0
        self._closed = False

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def streams(self) -> int:
        """How many browsers follow now."""
        return sum(session.streams for session in self._sessions.values())

    @property
    def size(self) -> int:
        """How many characters all talks hold."""
        return self._size

    def say(self, session_id: str, html: str, buttons: tuple[tuple[Button, ...], ...] = ()) -> ChatMessage:
        """Add a message of the bot at the end."""
        session = self._use(session_id)
        seq = self._next()
        message = ChatMessage(
            message_id=f"{self._epoch}.{seq}",
            author="bot",
            at=self._clock(),
            html=html,
            buttons=buttons,
            seq=seq,
        )
        session.messages.append(message)
        self._grow(session, message.size)
        return message

    def hear(self, session_id: str, message_id: str, text: str, at: datetime) -> None:
        """Add a visitor's message at its time; the same id again changes nothing."""
        session = self._use(session_id)
        if any(known.message_id == message_id for known in session.messages):
            return
        message = ChatMessage(message_id=message_id, author="visitor", at=at, text=text, seq=self._next())
        # The answer may already be here: a commit wakes the bot before the question's own request is done.
        session.messages.insert(bisect_right(session.messages, at, key=lambda known: known.at), message)
        self._grow(session, message.size)

    def rewrite(
        self, session_id: str, message_id: str, html: str, buttons: tuple[tuple[Button, ...], ...] = ()
    ) -> ChatMessage | None:
        """Put new words into a message of the bot; None if it is no longer kept."""
        session = self._use(session_id)
        for place, known in enumerate(session.messages):
            if known.message_id == message_id and known.author == "bot":
                message = replace(known, html=html, buttons=buttons, edited=True, seq=self._next())
                session.messages[place] = message
                self._grow(session, message.size - known.size)
                return message
        return None

    def signal(self, session_id: str, event: StreamEvent) -> None:
        """Tell those who follow now; nothing is kept for those who come later."""
        session = self._sessions.get(session_id)
        if session is not None and session.streams:
            session.signals.append((self._next(), event))
            session.wake()

    def follow(
        self, session_id: str, last_id: str | None = None, *, heartbeat: float = HEARTBEAT
    ) -> AsyncGenerator[StreamEvent]:
        """Follow a talk: first a `history` of what came after `last_id`, then events as they happen.

        Ends when the talk is dropped or the channel closes. Raises `RetryLater` when too many follow already.
        """
        session = self._sessions.get(session_id)
        crowded = session is not None and session.streams >= _STREAMS_PER_SESSION
        if crowded or self._closed or self.streams >= _STREAMS:
            raise RetryLater("too many open streams", after=timedelta(seconds=5))
        return self._events(session_id, last_id, heartbeat)

    def close(self) -> None:
        """End every stream and refuse new ones until `reopen`."""
        self._closed = True
        for session in self._sessions.values():
            session.wake()

    def reopen(self) -> None:
        """Accept streams again."""
        self._closed = False

    async def _events(
        self, session_id: str, last_id: str | None, heartbeat: float
    ) -> AsyncGenerator[StreamEvent]:
        session = self._use(session_id)
        session.streams += 1
        try:
            seen, history = self._seq, self._history_after(session, last_id)
            yield history
            while not (self._closed or session.dropped):
                changed, fresh, seen = session.changed, list(self._after(session, seen)), self._seq
                for event in fresh:
                    yield event
                try:
                    async with asyncio.timeout(heartbeat):
                        await changed.wait()
                except TimeoutError:
                    if not session.dropped:
                        self._use(session_id)
                    yield StreamEvent(kind="ping")
        finally:
            session.streams -= 1

    def _history_after(self, session: _Session, last_id: str | None) -> StreamEvent:
        epoch, _, number = (last_id or "").rpartition("-")
        position = int(number) if epoch == self._epoch and number.isdecimal() else 0
        missed = [message.as_json() for message in session.messages if message.seq > position]
        return StreamEvent(
            kind="history",
            data={"messages": missed, "resumed": position > 0},
            event_id=self._event_id(self._seq),
        )

    def _after(self, session: _Session, seen: int) -> Iterator[StreamEvent]:
        numbered = [(seq, event) for seq, event in session.signals if seq > seen]
        for message in session.messages:
            if message.seq > seen:
                event_id = self._event_id(message.seq)
                data = message.as_json()
                numbered.append((message.seq, StreamEvent(kind="message", data=data, event_id=event_id)))
        yield from (event for _, event in sorted(numbered, key=lambda pair: pair[0]))

    def _event_id(self, seq: int) -> str:
        return f"{self._epoch}-{seq}"

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    def _use(self, session_id: str) -> _Session:
        now = self._clock()
        session = self._sessions.get(session_id)
        if session is None:
            session = self._sessions[session_id] = _Session(now)
        session.used = now
        self._sessions.move_to_end(session_id)
        while len(self._sessions) > self._max_sessions or self._oldest_is_idle(now):
            self._drop_oldest()
        return session

    def _oldest_is_idle(self, now: datetime) -> bool:
        oldest = next(iter(self._sessions.values()))
        return not oldest.streams and now - oldest.used > self._idle

    def _drop_oldest(self) -> None:
        _, session = self._sessions.popitem(last=False)
        self._size -= sum(message.size for message in session.messages)
        session.dropped = True
        session.wake()

    def _grow(self, session: _Session, characters: int) -> None:
        self._size += characters
        while len(session.messages) > self._history:
            self._size -= session.messages.pop(0).size
        while self._size > _CHARACTERS and len(self._sessions) > 1:
            self._drop_oldest()
        session.wake()
