"""How late the event loop is: the one number that says that something blocks, or that the processor is too small."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from optfm_bot.clock import Clock

_EVERY = 0.5
_TICKS = 16
_IGNORED = 2


class LagMonitor:
    """Asks the loop for a wake-up twice a second and measures how late it comes. `observe` hears of every tick.

    `lag` is made for decisions: it is what the third-latest of the last 16 ticks was late by. A process that was
    stopped (SIGSTOP), a machine that was asleep or one long pause make one late tick each, which is counted but decides
    nothing; a loop that is late again and again shows within two or three ticks.
    """

    def __init__(self, clock: Clock, observe: Callable[[float], None]) -> None:
        self._clock = clock
        self._observe = observe
        self._late: deque[float] = deque(maxlen=_TICKS)

    @property
    def lag(self) -> float:
        """Seconds by which the loop is late at present, single pauses left out; 0 before there is enough to tell."""
        worst = sorted(self._late, reverse=True)
        return worst[_IGNORED] if len(worst) > _IGNORED else 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Measure until `stop` is set. What an earlier run measured is forgotten."""
        self._late.clear()
        while True:
            asked = self._clock.monotonic()
            if await self._clock.wait(stop, _EVERY):
                return
            late = max(0.0, self._clock.monotonic() - asked - _EVERY)
            self._late.append(late)
            self._observe(late)
