"""Time that passes when a check says so: the clock of the running loop is put forward instead of waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

T = TypeVar("T")

_STEP: Final = 5.0
_BREATH: Final = 0.02
"""Seconds in which what has become due happens."""


def put_forward(seconds: float) -> None:
    """Let the running loop believe that so much time has passed: whoever waits for it wakes up.

    It works for the loop of the standard library, and for whatever asks that loop for the time; the time of day goes on
    as it was.
    """
    loop = asyncio.get_running_loop()
    clock = loop.time
    vars(loop)["time"] = lambda: clock() + seconds


async def hurried(task: asyncio.Future[T], within: float) -> T:
    """Let time pass until a task ends, at most `within` seconds; gives its result.

    Raises `AssertionError` if it still waits then, else what the task raises.
    """
    passed = 0.0
    while not task.done() and passed < within:
        put_forward(_STEP)
        passed += _STEP
        await asyncio.wait({task}, timeout=_BREATH)
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise AssertionError(f"still waiting after {within:g} seconds")
    return await task


async def unhindered(call: Awaitable[T], *, within: float = 600.0) -> T:
    """Make a call that may wait for time to pass, without waiting for it."""
    task = asyncio.ensure_future(call)
    await asyncio.wait({task}, timeout=_BREATH * 5)
    return await hurried(task, within)
