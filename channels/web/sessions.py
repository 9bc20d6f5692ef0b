"""Talks of the web chat in memory, and the streams that pages follow them by.

What is here is a small window of what was said lately, within bounds, and who looks on. The record is the house's:
`recall` reads it whenever a page connects, and when another process may have said something in a talk.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta

from channels.errors import RetryLater
from channels.phrase import phrase
from channels.web.bubbles import ChatMessage
from channels.web.following import Following, Recall
from channels.web.window import StreamEvent, Window

HEARTBEAT = 15.0
"""Seconds of silence after which a stream says that it is alive."""
RECALL_AGAIN = 2.0
"""Seconds after which a record that could not be read is asked for again; doubled each time, up to a heartbeat.

So is one that may have an answer which another process gave, and of which we did not hear.
"""

_CHARACTERS = 8_000_000
"""What all talks together may hold, in characters of text: about 30 MB at worst."""


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
        self._sessions: OrderedDict[str, Window] = OrderedDict()
        self._size = 0
        self._closed = False
        self.shared = False
        """Whether other processes have the same talks. What is not followed here is then left to the record."""

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
        if self.shared and not self._followed(session_id):
            return message
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
        if self._followed(session_id):
            self._sessions[session_id].signal(event)

    def expect(self, session_id: str) -> None:
        """The visitor did something that is no message. An answer may come here or elsewhere."""
        if self.shared and self._followed(session_id):
            session = self._use(session_id)
            session.active = self._clock()
            session.expected += 1
            session.wake()

    def changed_elsewhere(self, session_id: str) -> None:
        """Another process has said something in this talk: those who follow it here look into the record."""
        if self._followed(session_id):
            session = self._use(session_id)
            session.active = self._clock()
            session.elsewhere += 1
            session.wake()

    def missed(self) -> None:
        """Another process may have said something in any talk."""
        for session in self._sessions.values():
            session.elsewhere += 1
            session.wake()

    def _followed(self, session_id: str) -> bool:
        session = self._sessions.get(session_id)
        return session is not None and session.streams > 0

    # -- who looks on -------------------------------------------------------------------------------------

    def follow(
        self, session_id: str, *, heartbeat: float = HEARTBEAT, again: float = RECALL_AGAIN
    ) -> AsyncGenerator[StreamEvent]:
        """Follow a talk: first a `history`, then events as they happen.

        A `history` that is not `complete` has only what is in memory; another comes once the record can be read. Ends
        when the talk is dropped, the channel closes, or nobody says anything for long. Raises `RetryLater` if closed.
        """
        if self._closed:
            raise RetryLater(phrase("web.closed", "the web chat is closed"), after=timedelta(seconds=5))
        return self._events(session_id, heartbeat=heartbeat, again=again)

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

    async def _events(
        self, session_id: str, *, heartbeat: float, again: float
    ) -> AsyncGenerator[StreamEvent]:
        # Attached before the record is read: what is said meanwhile waits in the window and is not missed.
        window = self._use(session_id)
        window.streams += 1
        following = Following(
            session_id,
            window,
            recall=self._recall,
            clock=self._clock,
            shared=self.shared,
            heartbeat=heartbeat,
            again=again,
        )
        events = following.events(
            ended=lambda: self._closed or window.dropped,
            use=lambda: self._use(session_id),
            rest=self._rest,
        )
        try:
            async with aclosing(events):
                async for event in events:
                    yield event
        finally:
            window.streams -= 1

    # -- bounds -------------------------------------------------------------------------------------------

    def _use(self, session_id: str) -> Window:
        now = self._clock()
        session = self._sessions.get(session_id)
        if session is None:
            session = self._sessions[session_id] = Window(now)
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

    def _grow(self, session: Window, message: ChatMessage, characters: int) -> None:
        session.note(message)
        self._size += characters
        while len(session.messages) > self._window:
            gone = session.messages.pop(0)
            del session.seqs[gone.name]
            self._size -= gone.size
        while self._size > _CHARACTERS and len(self._sessions) > 1:
            self._drop_oldest()
        session.wake()
