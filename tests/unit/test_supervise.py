"""Supervision: a part that fails is counted and started again; stopping ends everything."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from optfm_bot.clock import ManualClock
from optfm_bot.supervise import Supervisor


class Part:
    """Work that fails so many times, then runs until it is told to stop."""

    def __init__(self, fails: int = 0) -> None:
        self.fails = fails
        self.began: list[float] = []
        self.clock = ManualClock()
        self.failed: list[str] = []
        self.supervisor = Supervisor(self.clock, self.failed.append)

    async def run(self) -> None:
        self.began.append(self.clock.monotonic())
        if len(self.began) <= self.fails:
            raise RuntimeError("broken")
        await self.supervisor.stopping.wait()

    def pauses(self) -> list[float]:
        return [b - a for a, b in itertools.pairwise(self.began)]

    async def stop(self, seconds: float = 10) -> None:
        stopping = asyncio.create_task(self.supervisor.stop(seconds))
        await self.clock.advance(2 * seconds)
        await stopping


async def test_a_part_that_fails_is_started_again_after_growing_pauses() -> None:
    part = Part(fails=9)
    part.supervisor.start("part", part.run)
    await part.clock.advance(600)

    assert part.pauses() == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert part.failed == ["part"] * 9
    await part.stop()


async def test_a_part_that_fails_for_ever_is_tried_for_ever() -> None:
    part = Part(fails=10**9)
    part.supervisor.start("part", part.run)
    await part.clock.advance(60 * 20)

    assert len(part.began) >= 20
    await part.stop()


async def test_a_part_that_returns_is_finished() -> None:
    part = Part()

    async def once() -> None:
        part.began.append(0)

    part.supervisor.start("once", once)
    await part.clock.advance(100)

    assert (part.began, part.failed) == ([0], [])
    await part.stop()


async def test_one_part_never_takes_another_with_it() -> None:
    part, healthy = Part(fails=3), asyncio.Event()

    async def other() -> None:
        await part.supervisor.stopping.wait()
        healthy.set()

    part.supervisor.start("part", part.run)
    part.supervisor.start("other", other)
    await part.clock.advance(100)
    await part.stop()

    assert healthy.is_set()


async def test_stopping_does_not_wait_for_a_pause_to_end() -> None:
    part = Part(fails=10**9)
    part.supervisor.start("part", part.run)
    await part.clock.advance(100)
    before = part.clock.monotonic()
    await part.supervisor.stop(10)

    assert part.clock.monotonic() == before


async def test_a_part_that_does_not_listen_is_cut_off() -> None:
    part, cut = Part(), asyncio.Event()

    async def deaf() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cut.set()
            raise

    part.supervisor.start("deaf", deaf)
    await part.clock.advance(0)
    await part.stop(10)

    assert cut.is_set()


async def test_a_part_that_does_not_even_end_when_it_is_cut_off_is_left_behind() -> None:
    """As behind a connection that nobody answers: a stop must not take twice the time it was given."""
    part, released = Part(), asyncio.Event()

    async def stuck() -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    part.supervisor.start("stuck", stuck)
    await part.clock.advance(0)
    stopping = asyncio.create_task(part.supervisor.stop(10))
    await part.clock.advance(11)
    ended = stopping.done()
    released.set()
    await part.clock.advance(10)
    await stopping

    assert ended


async def test_stopping_with_nothing_to_stop_returns() -> None:
    await Supervisor(ManualClock(), pytest.fail).stop(10)
