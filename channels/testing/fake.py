"""A fake platform of one bot, as those see it who look on: what has reached people, and what the bot has called."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from channels.testing.watching import Watch


class Reached(Protocol):
    """A message that has reached a person; `outcome` is what the bot heard of it: pending, answered or lost."""

    chat_id: int
    outcome: str


class Called(Protocol):
    """A call of the bot."""

    @property
    def method(self) -> str:
        """Which one."""


SentT = TypeVar("SentT", bound=Reached)
CallT = TypeVar("CallT", bound=Called)


class Log(Protocol[SentT]):
    """What a world keeps of the messages of its bot."""

    sent: deque[SentT]
    edits: deque[SentT]
    sent_count: int


class FakeBotPlatform(ABC, Generic[SentT, CallT]):
    """An async context manager. Whoever derives from it makes the three attributes before anybody looks."""

    call_log: deque[CallT]
    _log: Log[SentT]
    _watch: Watch

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @abstractmethod
    async def start(self) -> None:
        """Listen."""

    @abstractmethod
    async def stop(self) -> None:
        """End whatever waits, and close every connection."""

    @property
    def sent(self) -> deque[SentT]:
        """The messages that reached people, in order."""
        return self._log.sent

    @property
    def edits(self) -> deque[SentT]:
        """The edits that reached people, in order."""
        return self._log.edits

    def sent_to(self, chat: int) -> list[SentT]:
        """The messages that reached this chat, in order."""
        return [one for one in self._log.sent if one.chat_id == chat]

    @property
    def sent_count(self) -> int:
        """How many messages reached people since the last reset."""
        return self._log.sent_count

    @property
    def outcomes(self) -> dict[str, int]:
        """How many of them there are of each outcome."""
        found = {"pending": 0, "answered": 0, "lost": 0}
        for one in self._log.sent:
            found[one.outcome] += 1
        return found

    def calls(self, method: str) -> list[CallT]:
        """The calls of one method, in order, refused ones included."""
        return [one for one in self.call_log if one.method == method]

    async def wait(self, condition: Callable[[], bool], *, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - callers read better so
        """Return as soon as the condition holds. Raises `TimeoutError` with the state if it does not."""
        await self._watch.wait(condition, timeout=timeout)

    async def wait_sent(self, count: int, *, timeout: float = 10.0) -> list[SentT]:  # noqa: ASYNC109 - as above
        """Wait until this many messages reached people since the last reset; returns all that are kept."""
        await self.wait(lambda: self._log.sent_count >= count, timeout=timeout)
        return list(self._log.sent)
