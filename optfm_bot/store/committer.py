"""Group commit: whatever was submitted while one transaction ran goes into the next one.

No timer is needed: an idle store commits at once, a busy one shares each flush among many units, so that durability
costs little. The committer owns its task and ends it in `close`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from channels.phrase import phrase
from optfm_bot.errors import StoreConflict, StoreContended, StoreFenced, StoreRefused, StoreUnavailable
from optfm_bot.store.unit import UnitOfWork

_MAX_UNITS = 512


class CommitObserver(Protocol):
    """Hears of every transaction: how many units it had, how long it took, whether it failed."""

    def committed(self, units: int, seconds: float) -> None:
        """A transaction is durable."""

    def failed(self) -> None:
        """A transaction could not be written."""


class NoObserver:
    """Hears nothing."""

    def committed(self, units: int, seconds: float) -> None:
        """Ignore it."""

    def failed(self) -> None:
        """Ignore it."""


class GroupCommitter:
    """Applies units in the order of their submission, many per transaction.

    `apply` writes a sequence of units in one transaction, all or nothing; it raises `StoreConflict` or
    `StoreRefused` when a unit cannot be applied, `StoreFenced` when its tenure is over, `StoreContended` when it got
    into the way of another process, and `StoreUnavailable` when nothing can be applied. All but the last fail their own
    unit only: the batch is then applied one unit at a time.
    """

    def __init__(
        self, apply: Callable[[Sequence[UnitOfWork]], Awaitable[None]], observer: CommitObserver | None = None
    ) -> None:
        self._apply = apply
        self._observer = observer or NoObserver()
        self._queue: list[tuple[UnitOfWork, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    def open(self) -> None:
        """Begin to work."""
        self._closing = False
        self._task = asyncio.create_task(self._run(), name="store-committer")

    async def close(self) -> None:
        """Commit what was submitted and end."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
            self._task = None

    async def commit(self, unit: UnitOfWork) -> None:
        """Return when the unit is durable.

        A caller that is cancelled stops waiting; its unit is still applied: a half-known outcome would be worse.
        """
        if self._task is None or self._closing:
            raise StoreUnavailable(
                phrase("store.closed_nothing_stored", "The store is closed; nothing was stored")
            )
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((unit, future))
        self._wake.set()
        await future

    async def _run(self) -> None:
        while True:
            if not self._queue:
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            batch, self._queue = self._queue[:_MAX_UNITS], self._queue[_MAX_UNITS:]
            await self._commit(batch)

    async def _commit(self, batch: list[tuple[UnitOfWork, asyncio.Future[None]]]) -> None:
        started = time.perf_counter()
        try:
            await self._apply([unit for unit, _ in batch])
        except (StoreConflict, StoreRefused, StoreFenced, StoreContended) as refusal:
            if len(batch) == 1:
                _fail(batch, refusal)
                return
            for pair in batch:
                await self._commit([pair])
        except Exception as error:  # noqa: BLE001 - whatever a driver raises, the waiting callers must hear of it
            self._observer.failed()
            _fail(batch, error)
        else:
            self._observer.committed(len(batch), time.perf_counter() - started)
            for _, future in batch:
                if not future.done():
                    future.set_result(None)


def _fail(batch: list[tuple[UnitOfWork, asyncio.Future[None]]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            if isinstance(error, StoreUnavailable | StoreConflict | StoreRefused):
                future.set_exception(error)
            else:
                unavailable = StoreUnavailable(
                    phrase(
                        "store.failed",
                        "The store failed: {kind}: {why}",
                        kind=type(error).__name__,
                        why=error,
                    )
                )
                unavailable.__cause__ = error
                future.set_exception(unavailable)
