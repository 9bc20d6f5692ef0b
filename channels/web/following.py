"""How one page follows its talk: the record first, then what happens here, and what happens in other processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from channels.web.bubbles import ChatMessage, arranged
from channels.web.seen import Seen, in_order
from channels.web.window import StreamEvent, Window

LATEST = 8
"""Messages that are read first when another process has said something: mostly it said one or two."""

Recall: TypeAlias = Callable[[str, int | None], Awaitable[Sequence[ChatMessage] | None]]
"""Reads the record of a talk: its last so many messages, or all that a page shows. None when it cannot be read now."""


class Following:
    """One stream of one page.

    Where other processes have the same talks (`shared`), the record is right about everything that was in memory before
    it was read, for somebody else may have gone on with the talk. It is read again when another process says so, and
    now and then while an answer is awaited, since what others say may get lost.
    """

    def __init__(
        self,
        session_id: str,
        window: Window,
        *,
        recall: Recall,
        clock: Callable[[], datetime],
        shared: bool,
        heartbeat: float,
        again: float,
    ) -> None:
        self._session_id = session_id
        self._window = window
        self._recall = recall
        self._clock = clock
        self._shared = shared
        self._heartbeat = heartbeat
        self._again = again
        self._page = Seen()
        self._told: frozenset[tuple[bool, str]] = frozenset()
        """Messages of ours, never changed, that the record had when it was read last."""
        self._complete = False
        self._at = 0
        """Up to which change of the window the page knows it."""
        self._elsewhere = window.elsewhere
        self._expected = window.expected
        self._awaiting = False
        self._pause = again
        self._look_at = 0.0

    async def events(
        self, *, ended: Callable[[], bool], use: Callable[[], object], rest: timedelta
    ) -> AsyncGenerator[StreamEvent]:
        """Give the events until `ended`, or until nobody says anything for `rest`; `use` is called in silence."""
        began = self._clock()
        self._at = self._window.seq
        yield self._history(await self._read(None))
        self._look_later(self._again)
        while not ended():
            changed = self._window.changed
            for event in self._happened():
                yield event
            if self._behind():
                for event in await self._news():
                    yield event
                continue
            try:
                async with asyncio.timeout(self._patience()):
                    await changed.wait()
            except TimeoutError:
                if self._complete and self._clock() - max(began, self._window.active) > rest:
                    yield StreamEvent(kind="rest")
                    return
                if not ended():
                    use()
                yield StreamEvent(kind="ping")
            if not self._complete and _now() >= self._look_at:
                past = await self._read(None)
                self._look_later(self._again if past is not None else self._pause * 2)
                if past is not None:
                    yield self._history(past)

    # -- what is here -------------------------------------------------------------------------------------

    def _happened(self) -> list[StreamEvent]:
        """What happened here that the page does not know."""
        window, at, self._at = self._window, self._at, self._window.seq
        fresh: Sequence[ChatMessage] = window.since(at)
        if self._shared:
            fresh = self._page.news(fresh)
            self._hope(fresh)
        numbered = [(window.seqs[message.name], _shown(message)) for message in fresh]
        numbered += window.signals_since(at)
        return [event for _, event in sorted(numbered, key=lambda pair: pair[0])]

    # -- what the record has ------------------------------------------------------------------------------

    async def _read(self, most: int | None) -> Sequence[ChatMessage] | None:
        self._elsewhere = self._window.elsewhere
        past = await self._recall(self._session_id, most)
        if past is None:
            return None
        # Answers are only added at the end. What visitors say may still change its place among them, and a message that
        # was changed may stand where it was changed.
        ours = [message.name for message in past if message.author != "visitor" and not message.edited]
        if most is not None and not (ours and ours[0] in self._told):
            return await self._read(None)  # there may be more before these
        self._told = frozenset(ours)
        return past

    def _history(self, past: Sequence[ChatMessage] | None) -> StreamEvent:
        self._complete = past is not None
        talk = self._merged(past)
        if self._shared:
            self._page.news(talk)
            self._awaiting = _unanswered(talk)
        return StreamEvent(
            kind="history",
            data={"messages": [message.as_json() for message in talk], "complete": self._complete},
        )

    async def _news(self) -> Sequence[StreamEvent]:
        """What the record and the window have that the page does not know, in the order of the record."""
        past = await self._read(LATEST)
        if past is None:
            self._complete = False
            self._look_later(self._again)
            return ()
        signals = [event for _, event in self._window.signals_since(self._at)]
        talk = in_order(self._merged(past))
        self._awaiting = _unanswered(talk)
        self._look_later(self._pause * 2)
        return [*signals, *map(_shown, self._page.news(talk))]

    def _merged(self, past: Sequence[ChatMessage] | None) -> list[ChatMessage]:
        """The talk as it is now: what was read, and what was said here meanwhile."""
        at, self._at = self._at, self._window.seq
        if past is None or not self._shared:
            return arranged(past or (), self._window.messages)
        return arranged(past, self._window.since(at))

    # -- when to look -------------------------------------------------------------------------------------

    def _behind(self) -> bool:
        """Whether the record may have something that is not here."""
        if not self._complete:
            return False  # it will be read whole
        return self._window.elsewhere != self._elsewhere or (self._awaiting and _now() >= self._look_at)

    def _hope(self, fresh: Sequence[ChatMessage]) -> None:
        """Await an answer from when the visitor does something here until there is one."""
        if self._window.expected != self._expected or _unanswered(fresh):
            self._expected = self._window.expected
            self._awaiting = True
            self._look_later(self._again)
        elif fresh:
            self._awaiting = False

    def _look_later(self, pause: float) -> None:
        self._pause = min(pause, self._heartbeat)
        self._look_at = _now() + self._pause

    def _patience(self) -> float:
        if self._complete and not self._awaiting:
            return self._heartbeat
        return min(self._heartbeat, max(0.0, self._look_at - _now()))


def _unanswered(talk: Sequence[ChatMessage]) -> bool:
    return bool(talk) and talk[-1].author == "visitor"


def _shown(message: ChatMessage) -> StreamEvent:
    return StreamEvent(kind="message", data=message.as_json())


def _now() -> float:
    return asyncio.get_running_loop().time()
