"""Time that tests move by hand keeps the promises of the machine's clock."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from optfm_bot.clock import Clock, ManualClock, SystemClock, unfinished


@pytest.fixture(params=[ManualClock, SystemClock])
def clock(request: pytest.FixtureRequest) -> Clock:
    made: Clock = request.param()
    return made


async def test_sleepers_wake_in_the_order_of_their_moments() -> None:
    clock, woken = ManualClock(), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    start = clock.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for seconds in (3, 1, 2):
            tasks.create_task(sleeper(seconds))
        await clock.advance(10)

    assert [(1, start + 1), (2, start + 2), (3, start + 3)] == woken


async def test_a_sleeper_does_not_wake_early() -> None:
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(5))
    await clock.advance(4.999)
    assert not task.done()
    await clock.advance(0.001)

    assert task.done()


async def test_sleepers_that_lie_down_again_on_the_way_are_woken_too() -> None:
    clock, turns = ManualClock(), []

    async def ticker() -> None:
        for number in range(10):
            await clock.sleep(1)
            turns.append(number)

    task = asyncio.create_task(ticker())
    await clock.advance(10)

    assert (task.done(), len(turns)) == (True, 10)


async def test_waiting_ends_with_the_event_or_with_the_time() -> None:
    clock, event = ManualClock(), asyncio.Event()
    early, late = asyncio.create_task(clock.wait(event, 5)), asyncio.create_task(clock.wait(event, 1))
    await clock.advance(2)
    event.set()
    await clock.advance(0)

    assert (early.result(), late.result()) == (True, False)


async def test_an_event_that_has_come_is_not_waited_for(clock: Clock) -> None:
    event = asyncio.Event()
    event.set()

    assert await clock.wait(event, 0)
    assert await clock.wait(event, 60)


async def test_no_time_to_wait_means_no_waiting(clock: Clock) -> None:
    assert not await clock.wait(asyncio.Event(), 0)
    assert not await clock.wait(asyncio.Event(), -1)
    await clock.sleep(0)
    await clock.sleep(-1)


async def test_a_wait_can_be_cancelled() -> None:
    clock = ManualClock()
    task = asyncio.create_task(clock.wait(asyncio.Event(), 5))
    await clock.advance(1)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    await clock.advance(10)


async def test_a_limit_ends_what_takes_too_long() -> None:
    clock = ManualClock()

    async def hanging() -> None:
        async with clock.limit(5):
            await asyncio.Event().wait()

    task = asyncio.create_task(hanging())
    await clock.advance(4.9)
    assert not task.done()
    await clock.advance(0.1)

    with pytest.raises(TimeoutError):
        await task


async def test_a_limit_of_no_time_ends_the_first_wait(clock: Clock) -> None:
    async def hanging() -> None:
        async with clock.limit(0):
            await asyncio.Event().wait()

    task = asyncio.create_task(hanging())
    if isinstance(clock, ManualClock):
        await clock.advance(0)

    with pytest.raises(TimeoutError):
        await task


async def test_a_limit_leaves_alone_what_is_quick_and_what_fails(clock: Clock) -> None:
    async with clock.limit(5):
        pass
    with pytest.raises(KeyError):
        async with clock.limit(5):
            raise KeyError
    if isinstance(clock, ManualClock):
        await clock.advance(10)  # nothing is left that could go off


async def test_cancelling_from_outside_stays_a_cancellation(clock: Clock) -> None:
    async def hanging() -> None:
        async with clock.limit(5):
            await asyncio.Event().wait()

    task = asyncio.create_task(hanging())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_jump_of_the_wall_clock_moves_no_interval() -> None:
    clock = ManualClock()
    before, monotonic = clock.now(), clock.monotonic()
    task = asyncio.create_task(clock.sleep(5))
    await clock.advance(0)
    clock.jump(-3600)

    assert clock.now() == before - timedelta(hours=1)
    assert clock.monotonic() == monotonic
    await clock.advance(5)
    assert task.done()
    assert clock.monotonic() == monotonic + 5


async def test_milliseconds_are_exact() -> None:
    clock = ManualClock()
    start = clock.ms()
    for _ in range(100):
        await clock.advance(0.1)

    assert clock.ms() == start + 10_000


async def test_tasks_that_are_not_done_in_time_are_named_and_left_alone() -> None:
    clock = ManualClock()
    never, soon = asyncio.create_task(clock.sleep(99)), asyncio.create_task(clock.sleep(1))
    asking = asyncio.create_task(unfinished({never, soon}, clock, 10))
    await clock.advance(11)

    assert asking.result() == {never}
    assert not never.cancelled()
    never.cancel()
    assert await unfinished(set(), clock, 10) == set()
