"""Time, passed in everywhere: the system's in production, one that tests advance by hand elsewhere."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Protocol

_CANCELLED_SECONDS = 0.5
"""How long who was cancelled may take to put things in order."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """What the house may know of time."""

    def now(self) -> datetime:
        """The moment, aware, in UTC."""

    def ms(self) -> int:
        """The moment in milliseconds since 1970, as the store keeps it."""

    def monotonic(self) -> float:
        """Seconds that only grow, for intervals: nobody sets this clock back."""

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds of this clock."""

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait for the event at most that long; true if it came."""

    def limit(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """Cancel the block after that many seconds of this clock and raise `TimeoutError` from its end."""


async def unfinished(
    tasks: Collection[asyncio.Task[Any]], clock: Clock, seconds: float
) -> set[asyncio.Task[Any]]:
    """Wait for tasks at most that long; gives those that are not done. Neither cancels them nor asks for results."""
    waiting = set(tasks)
    if waiting:
        try:
            async with clock.limit(seconds):
                await asyncio.wait(waiting)
        except TimeoutError:
            pass
    return {task for task in waiting if not task.done()}


async def cut_off(
    tasks: Collection[asyncio.Task[Any]], clock: Clock, seconds: float
) -> set[asyncio.Task[Any]]:
    """Wait for tasks at most that long and cancel those that are not done; gives these.

    One that does not even end by that, as behind a connection that nobody answers, is left behind after a moment.
    """
    late = await unfinished(tasks, clock, seconds)
    for task in late:
        task.cancel()
    await unfinished(late, clock, _CANCELLED_SECONDS)
    return late


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The moment, aware, in UTC."""
        return datetime.now(UTC)

    def ms(self) -> int:
        """The moment in milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        await asyncio.sleep(max(0.0, seconds))

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait for the event at most that long; true if it came."""
        if event.is_set():
            return True
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await event.wait()
        except TimeoutError:
            return False
        return True

    def limit(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """Cancel the block after that many seconds and raise `TimeoutError`."""
        return asyncio.timeout(seconds)


class ManualClock:
    """A clock that stands still until `advance` is called; sleepers wake in the order of their moments."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._tie = count()
        self._jumped = 0.0

    def now(self) -> datetime:
        """The moment that tests have set."""
        return self._now

    def ms(self) -> int:
        """The same moment in milliseconds since 1970."""
        return (self._now - _EPOCH) // timedelta(milliseconds=1)

    def monotonic(self) -> float:
        """The same moment in seconds; tests that jump the wall clock use `jump`."""
        return self._now.timestamp() - self._jumped

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has been advanced that far; zero only gives the others a turn."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._tie), future))
        await future

    @asynccontextmanager
    async def limit(self, seconds: float) -> AsyncIterator[None]:
        """Cancel the block, and raise `TimeoutError`, when the clock has been advanced that far."""
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._tie), over))
        async with asyncio.timeout(None) as block:
            inside = True

            def expire(done: asyncio.Future[None]) -> None:
                if inside and not done.cancelled():
                    block.reschedule(loop.time())

            over.add_done_callback(expire)
            try:
                yield
            finally:
                inside = False
                over.cancel()

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait for the event, or until the clock has been advanced that far; true if the event came."""
        async with asyncio.TaskGroup() as group:
            timer = group.create_task(self.sleep(seconds))
            waiter = group.create_task(event.wait())
            await asyncio.wait({timer, waiter}, return_when=asyncio.FIRST_COMPLETED)
            timer.cancel()
            waiter.cancel()
        return event.is_set()

    def jump(self, seconds: float) -> None:
        """Set the wall clock, forward or back, as an administrator would; intervals are not touched."""
        self._now += timedelta(seconds=seconds)
        self._jumped += seconds
        self._sleepers = [
            (at + timedelta(seconds=seconds), tie, future) for at, tie, future in self._sleepers
        ]

    async def advance(self, seconds: float) -> None:
        """Move time forward, waking sleepers on the way and giving everybody turns to act."""
        target = self._now + timedelta(seconds=seconds)
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            moment, _, future = heapq.heappop(self._sleepers)
            self._now = max(self._now, moment)
            if not future.done():
                future.set_result(None)
                await _settle()
        self._now = target
        await _settle()


async def _settle(turns: int = 20) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)
