"""Supervision: a part that fails is shown, counted and started again; it never takes the others with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from optfm_bot.clock import Clock, cut_off

log = structlog.get_logger("optfm_bot.supervise")

_LONGEST_PAUSE = 60.0


class Supervisor:
    """Owns the long-lived tasks of the house. `failed` hears the name of each part that broke."""

    def __init__(self, clock: Clock, failed: Callable[[str], None]) -> None:
        self._clock = clock
        self._failed = failed
        self._stopping = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def stopping(self) -> asyncio.Event:
        """Set when everything shall end."""
        return self._stopping

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` until it returns; run it again, with growing pauses, when it raises."""
        self._tasks[name] = asyncio.create_task(self._keep(name, work), name=name)

    async def stop(self, seconds: float) -> None:
        """Give the parts `seconds` to return after their own stop signals, then cancel what is left."""
        self._stopping.set()
        late = await cut_off(self._tasks.values(), self._clock, seconds)
        if late:
            log.warning("supervise.cut_off", parts=sorted(task.get_name() for task in late))

    async def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                await work()
            except Exception:
                failures += 1
                log.exception("supervise.failed", part=name, failures=failures)
                self._failed(name)
                await self._clock.wait(self._stopping, min(_LONGEST_PAUSE, 2.0 ** min(failures - 1, 10)))
            else:
                return
