"""The watch: every few seconds it looks at what the house has to carry, feeds the metrics, and judges."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from optfm_bot.clock import Clock, unfinished
from optfm_bot.errors import StoreUnavailable
from optfm_bot.observe.lag import LagMonitor
from optfm_bot.observe.readiness import Backlog, Essentials, Readiness, ReadinessLimits, Verdict, Vitals
from optfm_bot.observe.storage import StorageUse, storage_use
from optfm_bot.store.records import StoreCounts

log = structlog.get_logger("optfm_bot.watch")

_EVERY = 5.0
_SLOW = 10.0
"""How long a disk may take to be asked; a network disk that hangs must not hang the watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a process has in its memory: updates, their bytes, and the used share (0 to 1) of the room for them."""

    updates: int
    size: int
    used: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a process is among those that share a database: live members, all shards, and those that are its own.

    `missing` are the roles that nobody has although there is work for them.
    """

    members: int
    shards: int
    owned: int
    missing: Collection[str] = ()


class WatchObserver(Protocol):
    """Hears of what the watch sees."""

    def counted(self, counts: StoreCounts, now: int) -> None:
        """How much work waits."""

    def stored(self, use: StorageUse) -> None:
        """How large the database is."""

    def held(self, updates: int, size: int) -> None:
        """How many updates are in memory, and how many bytes they take there."""

    def clustered(self, *, members: int, shards: int, owned: int) -> None:
        """Who shares the database."""

    def lagged(self, seconds: float) -> None:
        """How late the loop was."""

    def judged(self, verdict: Verdict) -> None:
        """Whether the house can work."""


class Watched(Protocol):
    """What the watch asks of the house."""

    async def counts(self) -> StoreCounts:
        """How much work waits, whoever is to do it. Raises `StoreUnavailable`."""

    async def essentials(self) -> Essentials:
        """What must be so at this moment."""

    async def backlogs(self, counts: StoreCounts, now: int) -> Mapping[str, Backlog]:
        """What waits in each channel for this process, and whether its platform is the reason; `now` in ms.

        What waits for others is theirs to answer for: one process that is stuck must not make all of them unready.
        Raises `StoreUnavailable`.
        """

    def held(self) -> Held:
        """What is in memory."""

    def share(self) -> Share | None:
        """What this process is among others; None if it has its store for itself."""


class Watch:
    """Looks at a house. `run` and `lag.run` are parts to supervise, `verdict` is for `/readyz`.

    `database` is the SQLite file, None for any other database. `use` looks at it, in a thread, and raises `OSError`.
    """

    def __init__(
        self,
        house: Watched,
        *,
        clock: Clock,
        observer: WatchObserver,
        limits: ReadinessLimits | None = None,
        database: Path | None = None,
        use: Callable[[Path], StorageUse] = storage_use,
    ) -> None:
        self._house = house
        self._clock = clock
        self._observer = observer
        self._database = database
        self._use = use
        self._asking: asyncio.Task[StorageUse] | None = None
        self._readiness = Readiness(limits)
        self.lag = LagMonitor(clock, observer.lagged)

    async def run(self, stop: asyncio.Event) -> None:
        """Look every five seconds until `stop` is set."""
        while True:
            await self.look()
            if await self._clock.wait(stop, _EVERY):
                return

    async def look(self) -> None:
        """Look once. What cannot be looked at now is left out and logged."""
        use = await self._storage()
        held, share = self._house.held(), self._house.share()
        self._observer.held(held.updates, held.size)
        if share is not None:
            self._observer.clustered(members=share.members, shards=share.shards, owned=share.owned)
        try:
            counts = await self._house.counts()
            now = self._clock.ms()
            backlogs = await self._house.backlogs(counts, now)
        except StoreUnavailable as error:
            log.error("store.unavailable", error=str(error))
        else:
            self._observer.counted(counts, now)
            vitals = Vitals(
                channels=backlogs,
                disk_free=use.free if use else None,
                wal=use.wal if use else None,
                loop_lag=self.lag.lag,
                memory=held.used,
                missing=share.missing if share is not None else (),
            )
            self._readiness.observe(vitals, self._clock.monotonic())
        await self.verdict()

    async def verdict(self) -> Verdict:
        """Judge now, for a probe. The metrics hear of it too."""
        verdict = self._readiness.verdict(await self._house.essentials(), self._clock.monotonic())
        self._observer.judged(verdict)
        return verdict

    async def _storage(self) -> StorageUse | None:
        if self._database is None:
            return None
        if self._asking is None:  # a disk that hangs holds one thread, not one more at every look
            self._asking = asyncio.create_task(
                asyncio.to_thread(self._use, self._database), name="watch disk"
            )
        if await unfinished({self._asking}, self._clock, _SLOW):
            log.warning("watch.disk_unknown", error="the disk does not answer")
            return None
        asked, self._asking = self._asking, None
        try:
            use = asked.result()
        except OSError as error:
            log.warning("watch.disk_unknown", error=str(error))
            return None
        self._observer.stored(use)
        return use
