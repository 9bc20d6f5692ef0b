"""How a test waits for something to become true in a fake, and the clock that every fake goes by."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

_LOOK_SECONDS: Final = 0.05
"""Not everything announces itself (a load that ended, say): a waiting one looks this often."""


def steady_clock() -> Callable[[], float]:
    """The time of day that never steps back while the server lives."""
    start = time.time() - time.perf_counter()
    return lambda: start + time.perf_counter()


class Watch:
    """Wakes those who wait for a condition. `state` is told to those who waited in vain."""

    def __init__(self, clock: Callable[[], float], state: Callable[[], object]) -> None:
        self._clock = clock
        self._state = state
        self._watchers: list[asyncio.Future[None]] = []

    async def wait(self, condition: Callable[[], bool], *, timeout: float) -> None:  # noqa: ASYNC109 - callers read better so
        """Return as soon as the condition holds. Raises `TimeoutError` with the state if it does not."""
        deadline = self._clock() + timeout
        while not condition():
            left = deadline - self._clock()
            if left <= 0:
                raise TimeoutError(f"not within {timeout} s; the fake's state: {self._state()}")
            changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._watchers.append(changed)
            await asyncio.wait((changed,), timeout=min(left, _LOOK_SECONDS))

    def changed(self) -> None:
        """Let those who wait look again."""
        if not self._watchers:
            return
        watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            if not watcher.done():
                watcher.set_result(None)
