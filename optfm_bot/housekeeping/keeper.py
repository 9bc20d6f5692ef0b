"""The part of the house that keeps it in order: old rows go, the file is cared for, backups are made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

import structlog

from optfm_bot.clock import Clock
from optfm_bot.errors import OptfmError
from optfm_bot.housekeeping.backups import DailyBackups
from optfm_bot.housekeeping.manifest import Manifest
from optfm_bot.housekeeping.plan import Chore, Diary, Keep, cutoffs, due
from optfm_bot.store.retention import Cutoff, Retention
from optfm_bot.store.upkeep import SqliteUpkeep

log = structlog.get_logger("optfm_bot.housekeeping")

FIRST_SECONDS = 60.0
"""A bot that has just started has better things to do."""
LOOK_SECONDS = 60.0
BATCH = 500
_SHARE = 0.1
"""The part of the time that may be spent on removing: the rest belongs to those who wait for answers."""
_LEAST_PAUSE = 0.05
_RELEASE_PAGES = 256
_RELEASE_ABOVE = 4_096
"""Free pages that a file keeps for what will be written next: 16 MB."""
_LOG_BYTES = 16 << 20


class HousekeepingObserver(Protocol):
    """Hears what was done, for metrics. Moments are milliseconds since 1970."""

    def backed_up(self, at: int) -> None:
        """The newest good backup is of that moment."""

    def task_done(self, task: str, at: int) -> None:
        """A chore was done."""

    def task_failed(self, task: str) -> None:
        """A chore could not be done and will be tried again."""


class NoObserver:
    """For those who count nothing."""

    def backed_up(self, at: int) -> None:
        """Not counted."""

    def task_done(self, task: str, at: int) -> None:
        """Not counted."""

    def task_failed(self, task: str) -> None:
        """Not counted."""


class Housekeeping:
    """Does what is due, every minute one look. A chore that fails is told and tried again; the others are done.

    `mine` says whether this process is the one that keeps house just now; it is asked before every step. `upkeep` and
    `backups` are None where there is nothing of the kind to do.
    """

    def __init__(
        self,
        retention: Retention,
        keep: Keep,
        *,
        clock: Clock,
        upkeep: SqliteUpkeep | None = None,
        backups: DailyBackups | None = None,
        mine: Callable[[], bool] = lambda: True,
        observer: HousekeepingObserver | None = None,
    ) -> None:
        self._retention = retention
        self._keep = keep
        self._clock = clock
        self._upkeep = upkeep
        self._backups = backups
        self._mine = mine
        self._observer = observer or NoObserver()
        self._diary = Diary()

    async def run(self, stop: asyncio.Event) -> None:
        """Keep house until `stop`. A step that has begun is finished, a backup that has begun is given up."""
        try:
            wait = FIRST_SECONDS
            while not await self._clock.wait(stop, wait):
                if self._mine():
                    await self.round(stop)
                await self._try(Chore.BACKUP, self._tell_of_backups, stop)
                wait = LOOK_SECONDS
        finally:
            await self._retention.close()

    async def round(self, stop: asyncio.Event) -> None:
        """Do what is due now, until `stop`."""
        for chore in due(self._diary, self._clock.monotonic()):
            if stop.is_set():
                return
            if chore is Chore.SWEEP:
                self._diary = replace(self._diary, swept=self._clock.monotonic())
                await self._try(chore, self._sweep, stop)
            elif chore is Chore.TEND:
                self._diary = replace(self._diary, tended=self._clock.monotonic())
                await self._try(chore, self._tend, stop)
            elif self._mine() and not await self._try(chore, self._back_up, stop):
                self._diary = replace(self._diary, not_backed_up=self._clock.monotonic())

    async def _try(
        self, chore: Chore, work: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event
    ) -> bool:
        try:
            await work(stop)
        except (OptfmError, OSError) as error:
            log.error("housekeeping.failed", chore=chore.value, error=str(error))
            self._observer.task_failed(chore.value)
            return False
        return True

    # -- old rows -----------------------------------------------------------------------------------------

    async def _sweep(self, stop: asyncio.Event) -> None:
        removed: dict[str, int] = {}
        for cutoff in cutoffs(self._keep, self._clock.ms()):
            number = await self._remove(cutoff, stop)
            if number:
                removed[cutoff.kind.value] = number
        if removed:
            log.info("housekeeping.removed", **removed)
        if not stop.is_set():
            self._done(Chore.SWEEP)
        if self._upkeep is not None and not stop.is_set():
            await self._shrink(self._upkeep, stop)

    async def _remove(self, cutoff: Cutoff, stop: asyncio.Event) -> int:
        """Walk through everything of a kind; gives how many rows went."""
        removed, after = 0, 0
        while not stop.is_set() and self._mine():
            began = self._clock.monotonic()
            step = await self._retention.step(cutoff, after=after, limit=BATCH)
            removed += step.removed
            if step.after is None:
                break
            after = step.after
            await self._pause(self._clock.monotonic() - began, stop)
        return removed

    async def _pause(self, worked: float, stop: asyncio.Event) -> None:
        await self._clock.wait(stop, max(_LEAST_PAUSE, worked * (1 - _SHARE) / _SHARE))

    # -- the file -----------------------------------------------------------------------------------------

    async def _shrink(self, upkeep: SqliteUpkeep, stop: asyncio.Event) -> None:
        space = await upkeep.space()
        while space.shrinks and space.free > _RELEASE_ABOVE and not stop.is_set() and self._mine():
            began, before = self._clock.monotonic(), space.free
            await upkeep.release(_RELEASE_PAGES)
            space = await upkeep.space()
            if space.free >= before:
                break
            await self._pause(self._clock.monotonic() - began, stop)
        await upkeep.checkpoint(above=_LOG_BYTES)

    async def _tend(self, stop: asyncio.Event) -> None:
        if self._upkeep is not None and not stop.is_set():
            await self._upkeep.optimize()
            self._done(Chore.TEND)

    # -- copies -------------------------------------------------------------------------------------------

    async def _back_up(self, stop: asyncio.Event) -> None:
        now = self._clock.now()
        if self._backups is None or not await self._backups.due(now):
            return
        manifest = await self._unless_stopped(self._backups, stop)
        if manifest is not None:
            log.info("housekeeping.backed_up", bytes=manifest.size, revision=manifest.revision)
            self._done(Chore.BACKUP)

    async def _tell_of_backups(self, stop: asyncio.Event) -> None:
        """Tell of the newest one, whoever made it and whenever: a restart must not look like a day without."""
        del stop
        last = await self._backups.last() if self._backups is not None else None
        if last is not None:
            self._observer.backed_up(int(last.timestamp() * 1000))

    def _done(self, chore: Chore) -> None:
        self._observer.task_done(chore.value, self._clock.ms())

    async def _unless_stopped(self, backups: DailyBackups, stop: asyncio.Event) -> Manifest | None:
        work = asyncio.create_task(backups.make(self._clock.now()), name="daily backup")
        stopped = asyncio.create_task(stop.wait(), name="stop of the daily backup")
        try:
            await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            if not work.done():
                work.cancel()
                await asyncio.wait({work})
        return None if work.cancelled() else work.result()
