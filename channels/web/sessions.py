"""Talks of the web chat in memory, and the streams that pages follow them by.

What is here is a small window of what was said lately, within bounds, and who looks on. The record is the house's:
`recall` reads it whenever a page connects.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from channels.errors import RetryLater
from channels.web.bubbles import ChatMessage, arranged

HEARTBEAT = 15.0
"""Seconds of silence after which a stream says that it is alive."""
RECALL_AGAIN = 2.0
"""Seconds after which a record that could not be read is asked for again; doubled each time, up to a heartbeat."""

_SIGNALS_KEPT = 8
_CHARACTERS = 8_000_000
"""What all talks together may hold, in characters of text: about 30 MB at worst."""

Recall: TypeAlias = Callable[[str], Awaitable[Sequence[ChatMessage] | None]]
"""Reads the record of a talk; None when it cannot be read now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    """One event for the page. The first is `history`; `rest` is the last of a stream that nobody uses."""

    kind: Literal["history", "message", "typing", "notice", "ping", "rest"]
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)


class _Session:
    """One talk. `changed` is replaced by a fresh event at every change, so no follower misses one."""

    __slots__ = ("active", "changed", "dropped", "messages", "seqs", "signals", "streams", "used")

    def __init__(self, now: datetime) -> None:
        self.messages: list[ChatMessage] = []
        self.seqs: dict[tuple[bool, str], int] = {}
        """When each message last changed, by its name."""
        self.signals: deque[tuple[int, StreamEvent]] = deque(maxlen=_SIGNALS_KEPT)
        self.changed = asyncio.Event()
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


class Sessions:
    """All talks of one channel instance, the most recently used last.

    Bounds: `max_sessions` talks, `window` messages in each, a total of characters, and silence of `idle`. A stream ends
    after `rest` in which nobody said anything.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        recall: Recall,
        window: int,
        max_sessions: int,
        idle: timedelta,
        rest: timedelta,
    ) -> None:
        self._clock = clock
        self._recall = recall
        self._window = window
        self._max_sessions = max_sessions
        self._idle = idle
        self._rest = rest
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._seq = 0
        self._size = 0
        self._closed = False

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def streams(self) -> int:
        """How many pages follow now."""
        return sum(session.streams for session in self._sessions.values())

    @property
    def size(self) -> int:
        """How many characters all talks hold."""
        return self._size

    # -- what is said -------------------------------------------------------------------------------------

    def put(self, session_id: str, message: ChatMessage) -> ChatMessage:
        """Add a message; one that is there already gets the new words and keeps its time."""
        session = self._use(session_id)
        session.active = self._clock()
        place = session.place(message.name)
        if place is not None:
            known = session.messages[place]
            if message.author == "visitor" or message == replace(known, at=message.at):
                return known  # said once, told twice
            message = replace(message, at=known.at)
            session.messages[place] = message
            self._grow(session, message, message.size - known.size)
            return message
        session.messages.append(message)
        self._grow(session, message, message.size)
        return message

    def signal(self, session_id: str, event: StreamEvent) -> None:
        """Tell those who follow now; nothing is kept for those who come later."""
        session = self._sessions.get(session_id)
        if session is not None and session.streams:
            session.signals.append((self._next(), event))
            session.wake()

    # -- who looks on -------------------------------------------------------------------------------------

    def follow(
        self, session_id: str, *, heartbeat: float = HEARTBEAT, again: float = RECALL_AGAIN
    ) -> AsyncGenerator[StreamEvent]:
        """Follow a talk: first a `history`, then events as they happen.

        A `history` that is not `complete` has only what is in memory; another comes once the record can be read. Ends
        when the talk is dropped, the channel closes, or nobody says anything for long. Raises `RetryLater` if closed.
        """
        if self._closed:
            raise RetryLater("the web chat is closed", after=timedelta(seconds=5))
        return self._events(session_id, heartbeat, again)

    def close(self) -> None:
        """End every stream and refuse new ones until `reopen`."""
        self._closed = True
        for session in self._sessions.values():
            session.wake()

    def reopen(self) -> None:
        """Accept streams again."""
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether streams are refused."""
        return self._closed

    async def _events(self, session_id: str, heartbeat: float, again: float) -> AsyncGenerator[StreamEvent]:
        now = asyncio.get_running_loop().time
        # Attached before the record is read: what is said meanwhile waits in the window and is not missed.
        session = self._use(session_id)
        session.streams += 1
        began = self._clock()
        try:
            past = await self._recall(session_id)
            seen, ask_at = self._seq, now() + again
            yield self._history(session, past)
            while not (self._closed or session.dropped):
                changed, fresh, seen = session.changed, list(self._after(session, seen)), self._seq
                for event in fresh:
                    yield event
                pause = heartbeat if past is not None else min(heartbeat, max(0.0, ask_at - now()))
                try:
                    async with asyncio.timeout(pause):
                        await changed.wait()
                except TimeoutError:
                    if past is not None and self._clock() - max(began, session.active) > self._rest:
                        yield StreamEvent(kind="rest")
                        return
                    if not session.dropped:
                        self._use(session_id)
                    yield StreamEvent(kind="ping")
                if past is None and now() >= ask_at:
                    past = await self._recall(session_id)
                    again = min(again * 2, heartbeat)
                    ask_at = now() + again
                    if past is not None:
                        seen = self._seq
                        yield self._history(session, past)
        finally:
            session.streams -= 1

    def _history(self, session: _Session, past: Sequence[ChatMessage] | None) -> StreamEvent:
        talk = arranged(past or (), session.messages)
        return StreamEvent(
            kind="history",
            data={"messages": [message.as_json() for message in talk], "complete": past is not None},
        )

    def _after(self, session: _Session, seen: int) -> Iterator[StreamEvent]:
        numbered = [(seq, event) for seq, event in session.signals if seq > seen]
        for message in session.messages:
            seq = session.seqs[message.name]
            if seq > seen:
                numbered.append((seq, StreamEvent(kind="message", data=message.as_json())))
        yield from (event for _, event in sorted(numbered, key=lambda pair: pair[0]))

    # -- bounds -------------------------------------------------------------------------------------------

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

    def _grow(self, session: _Session, message: ChatMessage, characters: int) -> None:
        session.seqs[message.name] = self._next()
        self._size += characters
        while len(session.messages) > self._window:
            gone = session.messages.pop(0)
            del session.seqs[gone.name]
            self._size -= gone.size
        while self._size > _CHARACTERS and len(self._sessions) > 1:
            self._drop_oldest()
        session.wake()
