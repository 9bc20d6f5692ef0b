"""Keeps calls apart in time without blocking anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Pace:
    """Lets a call begin no sooner than `interval` seconds after the one before began.

    `now` is a clock that never goes back and `sleep` waits; the defaults are those of the running loop.
    """

    def __init__(
        self,
        interval: float,
        *,
        now: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._interval = interval
        self._now = now
        self._sleep = sleep
        self._last: float | None = None

    def time(self) -> float:
        """Give the time by this pace's clock."""
        return asyncio.get_running_loop().time() if self._now is None else self._now()

    async def turn(self) -> float:
        """Wait until the next call may begin; gives the moment at which it does."""
        if self._last is not None:
            wait = self._last + self._interval - self.time()
            if wait > 0:
                await self._sleep(wait)
        self._last = self.time()
        return self._last
