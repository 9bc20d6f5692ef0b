"""A life: everything that one process of a test has begun, so that it can be ended as `kill -9` ends a process."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

_LIVES: Final[ContextVar[Life | None]] = ContextVar("lives", default=None)


class Life:
    """Knows every task that was begun inside it, and every task that those have begun."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[Any]] = set()

    @contextmanager
    def lived(self) -> Iterator[None]:
        """Whatever is begun in this block belongs to this life."""
        loop = asyncio.get_running_loop()
        if loop.get_task_factory() is not _remembering:
            loop.set_task_factory(_remembering)
        token = _LIVES.set(self)
        try:
            yield
        finally:
            _LIVES.reset(token)

    async def end(self) -> None:
        """End it: no task is given the time to finish anything, but for what its `finally` does at once."""
        while alive := [task for task in self.tasks if not task.done()]:
            for task in alive:
                task.cancel()
            await asyncio.wait(alive, timeout=1)


def _remembering(
    loop: asyncio.AbstractEventLoop,
    coro: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
    **options: Any,
) -> asyncio.Task[Any]:
    """Make a task; one that is made by a life, or by what that life has made, belongs to it and dies with it."""
    task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **options)
    life = _LIVES.get()
    if life is not None:
        life.tasks.add(task)
        task.add_done_callback(life.tasks.discard)
    return task
