"""Instruments of the checks: what was logged, what was left over, and a loop whose clock can be put forward."""

from __future__ import annotations

import asyncio
import hmac
import logging
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar
from unittest import mock
from urllib.parse import quote

import structlog

from channels.errors import ChannelError
from channels.testing.conformance.fault_server import FAULTS, FaultServer
from channels.testing.conformance.looptime import hurried

T = TypeVar("T")

_TURNS = 50
_AT_ONCE = 2.0
"""An answer that has arrived is judged at once; this is time for a slow machine."""


@contextmanager
def everything_logged() -> Iterator[list[str]]:
    """Collect every line of structlog and of the standard library's logging, at every level, with all its fields."""
    lines: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
            lines.append(f"{record.getMessage()} {record.__dict__} {trace}")

    def collect(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
        del logger, method
        lines.append(repr(event))
        return event

    root, handler = logging.getLogger(), Collector()
    level, processors = root.level, list(structlog.get_config()["processors"])
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    structlog.get_config()["processors"].insert(0, collect)  # in place: loggers keep the list that they have
    try:
        yield lines
    finally:
        structlog.get_config()["processors"][:] = processors
        root.setLevel(level)
        root.removeHandler(handler)


def told(error: BaseException) -> list[str]:
    """Everything that an error says: its text, its attributes, and the same of all errors that it carries along."""
    found: list[str] = []
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        found += [str(one), repr(one), repr(vars(one)), *map(repr, one.args), *getattr(one, "__notes__", ())]
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
    return found


def forms(secret: str) -> list[str]:
    """A secret as it is, and as an address writes it."""
    return sorted({secret, quote(secret), quote(secret, safe=""), repr(secret)[1:-1]})


def leaks(secret: str, texts: list[str]) -> list[str]:
    """The texts that hold the secret, with the secret itself masked so that a report does not leak it again."""
    return [
        text.replace(form, "<the secret>")[:300] for text in texts for form in forms(secret) if form in text
    ]


@contextmanager
def comparisons() -> Iterator[list[tuple[Any, Any]]]:
    """Count the comparisons in constant time: every call of `hmac.compare_digest`, by whatever name it was imported."""
    original = hmac.compare_digest
    seen: list[tuple[Any, Any]] = []

    def counting(a: Any, b: Any, /) -> bool:
        seen.append((a, b))
        return bool(original(a, b))

    places = [
        (module, name)
        for module in list(sys.modules.values())
        for name, value in list(getattr(module, "__dict__", {}).items())
        if value is original
    ]
    with ExitStack() as patches:
        for module, name in places:
            patches.enter_context(mock.patch.object(module, name, counting))
        yield seen


async def turns(count: int = _TURNS) -> None:
    """Let everything run that can run now."""
    for _ in range(count):
        await asyncio.sleep(0)


async def caught(call: Callable[[], Awaitable[Any]]) -> ChannelError | None:
    """Make a call that may be refused by reaction; None if it succeeds, and anything else is raised."""
    try:
        await call()
    except ChannelError as error:
        return error
    return None


async def struck(
    front: FaultServer, fault: str, call: Callable[[], Awaitable[Any]], *, within: float = 90.0
) -> ChannelError | None:
    """Make a call while every request goes wrong; gives its reaction, None if it succeeds. `front` stays struck.

    A call that waits for an answer finds that time passes: it has to give up `within` so many seconds. One that has its
    answer and waits all the same is an `AssertionError`.
    """
    front.strike(FAULTS[fault])
    waits = FAULTS[fault].end == "silence"
    return await caught(lambda: _given_up(front, call(), within) if waits else _judged(call()))


async def _given_up(front: FaultServer, call: Awaitable[T], within: float) -> T:
    task = asyncio.ensure_future(call)
    asked = asyncio.ensure_future(front.until(lambda: front.struck > 0))
    try:
        await asyncio.wait({task, asked}, return_when=asyncio.FIRST_COMPLETED)
        return await hurried(task, within)
    finally:
        for one in (task, asked):
            one.cancel()
        await asyncio.gather(task, asked, return_exceptions=True)


async def _judged(call: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(_AT_ONCE):
            return await call
    except TimeoutError:
        raise AssertionError(
            "the call has its answer and waits all the same; waiting is the house's work"
        ) from None


def others(before: set[asyncio.Task[Any]]) -> list[str]:
    """The tasks that were not there before, by name and by what they are doing."""
    return [
        f"{task.get_name()}: {task.get_coro()}"
        for task in asyncio.all_tasks() - before
        if not task.done() and task is not asyncio.current_task()
    ]
