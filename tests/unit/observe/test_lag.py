"""The loop's lateness: every tick is counted, single pauses decide nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from optfm_bot.clock import ManualClock
from optfm_bot.observe.lag import LagMonitor


class LateClock(ManualClock):
    """Wakes whoever waits on a bounded wait late by as much as a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.late = 0.0
        self._lost = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self._lost

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        came = await super().wait(event, seconds)
        self._lost += self.late
        return came


@asynccontextmanager
async def running(monitor: LagMonitor) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    task = asyncio.create_task(monitor.run(stop))
    yield stop
    stop.set()
    async with asyncio.timeout(5):
        await task


async def test_a_loop_in_time_has_no_lag() -> None:
    clock, seen = LateClock(), list[float]()
    monitor = LagMonitor(clock, seen.append)
    async with running(monitor):
        await clock.advance(5)

    assert seen == pytest.approx([0.0] * 10, abs=1e-6)
    assert monitor.lag == pytest.approx(0, abs=1e-6)


async def test_a_loop_that_is_late_again_and_again_shows() -> None:
    clock, seen = LateClock(), list[float]()
    monitor = LagMonitor(clock, seen.append)
    async with running(monitor):
        clock.late = 0.4
        await clock.advance(1)
        assert monitor.lag == 0  # two ticks are not enough to tell
        await clock.advance(0.5)
        assert monitor.lag == pytest.approx(0.4)
        clock.late = 0.0
        await clock.advance(8)
        assert monitor.lag == pytest.approx(0, abs=1e-6)

    assert seen[:4] == pytest.approx([0.4, 0.4, 0.4, 0.0], abs=1e-6)


@pytest.mark.parametrize("pauses", [1, 2])
async def test_a_process_that_was_stopped_is_counted_and_decides_nothing(pauses: int) -> None:
    clock, seen = LateClock(), list[float]()
    monitor = LagMonitor(clock, seen.append)
    async with running(monitor):
        await clock.advance(5)
        for _ in range(pauses):
            clock.late = 3600.0
            await clock.advance(0.5)
            clock.late = 0.0
            await clock.advance(1)
            assert monitor.lag == pytest.approx(0, abs=1e-6)

    assert sum(late > 3000 for late in seen) == pauses


async def test_the_clock_on_the_wall_does_not_matter() -> None:
    clock, seen = LateClock(), list[float]()
    monitor = LagMonitor(clock, seen.append)
    async with running(monitor):
        clock.jump(7200)
        await clock.advance(5)
        clock.jump(-7200)
        await clock.advance(5)

    assert max(seen) == pytest.approx(0, abs=1e-6)


async def test_a_new_run_forgets_what_the_last_one_saw() -> None:
    clock = LateClock()
    monitor = LagMonitor(clock, lambda _: None)
    clock.late = 1.0
    async with running(monitor):
        await clock.advance(5)
        assert monitor.lag > 0.9
    clock.late = 0.0
    async with running(monitor):
        await clock.advance(0.5)
        assert monitor.lag == 0
