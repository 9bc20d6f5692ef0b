"""The part that keeps house: what is due is done, a failure harms nothing else, and a stop is obeyed at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from optfm_bot.clock import ManualClock
from optfm_bot.errors import StoreUnavailable
from optfm_bot.housekeeping.backups import DailyBackups
from optfm_bot.housekeeping.keeper import BATCH, FIRST_SECONDS, LOOK_SECONDS, Housekeeping
from optfm_bot.housekeeping.manifest import BackupUnfit, Manifest
from optfm_bot.housekeeping.plan import AGAIN_SECONDS, SWEEP_SECONDS, Keep, Rotation
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.memory_retention import MemoryRetention
from optfm_bot.store.records import MissKind, MissRow
from optfm_bot.store.retention import Cutoff, Retention, Step

KEEP = Keep(updates=0, parked=0, messages=0, misses=0, idempotency=1, tickets=0)
"""One kind of rows, so one walk each time."""


class Listener:
    """Hears what was done."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.newest: int | None = None

    def backed_up(self, at: int) -> None:
        self.newest = at

    def task_done(self, task: str, at: int) -> None:
        self.heard.append(task)

    def task_failed(self, task: str) -> None:
        self.heard.append(f"no {task}")


class Scripted(Retention):
    """Removes what a test says, or fails."""

    def __init__(self, *steps: Step | Exception) -> None:
        self.steps = list(steps)
        self.asked: list[int] = []
        self.closed = False

    async def step(self, cutoff: Cutoff, *, after: int, limit: int) -> Step:
        self.asked.append(after)
        found = self.steps.pop(0) if self.steps else Step(removed=0, after=None)
        if isinstance(found, Exception):
            raise found
        return found

    async def close(self) -> None:
        self.closed = True


class Backups(DailyBackups):
    """Backups whose making a test scripts."""

    __slots__ = ("failures", "gate", "is_due", "made", "started")

    def __init__(self, folder: Path) -> None:
        super().__init__(
            url=URL.create("sqlite"), folder=folder, at=time(3, 10), zone=UTC, rotation=Rotation()
        )
        for name, value in {
            "failures": [],
            "gate": asyncio.Event(),
            "made": [],
            "started": asyncio.Event(),
            "is_due": [True],
        }.items():
            object.__setattr__(self, name, value)
        self.gate.set()

    async def due(self, now: datetime) -> bool:
        return self.is_due[0]

    async def last(self) -> datetime | None:
        return max(self.made, default=None)

    async def make(self, now: datetime) -> Manifest:
        self.started.set()
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.made.append(now)
        self.is_due[0] = False
        return Manifest(engine="sqlite", revision="1", made_at=now, program="1", size=7, sha256="", rows={})


@asynccontextmanager
async def keeping(
    retention: Retention, clock: ManualClock, *, keep: Keep = KEEP, **options: Any
) -> AsyncIterator[tuple[asyncio.Event, asyncio.Task[None]]]:
    stop = asyncio.Event()
    task = asyncio.create_task(Housekeeping(retention, keep, clock=clock, **options).run(stop))
    try:
        yield stop, task
    finally:
        stop.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, 10)


async def test_old_rows_go_after_a_while_and_then_every_hour() -> None:
    clock, store, listener = ManualClock(), MemoryStore(), Listener()
    await store.open()
    day = 24 * 60 * 60 * 1000

    async def miss(number: int, at: int) -> None:
        async with store.unit() as unit:
            unit.history.add_miss(MissRow(id=number, lane="a", text="x", kind=MissKind.ADMITTED, at=at))

    await miss(1, clock.ms() - day - 1)
    await miss(2, clock.ms())
    keep = replace(KEEP, misses=1)
    async with keeping(MemoryRetention(store), clock, keep=keep, observer=listener):
        await clock.advance(FIRST_SECONDS - 1)
        assert listener.heard == []
        await clock.advance(2)
        assert [row.id for row in await store.misses()] == [2]
        assert listener.heard == ["retention"]
        await miss(3, clock.ms() - day)
        await clock.advance(SWEEP_SECONDS - 2 * LOOK_SECONDS)
        assert len(await store.misses()) == 2
        await clock.advance(3 * LOOK_SECONDS)

    assert listener.heard == ["retention"] * 2
    assert [row.id for row in await store.misses()] == [2]


async def test_between_two_steps_others_have_their_turn() -> None:
    clock = ManualClock()
    retention = Scripted(
        *(Step(removed=BATCH, after=number) for number in (1, 2, 3)), Step(removed=1, after=None)
    )
    async with keeping(retention, clock):
        await clock.advance(FIRST_SECONDS)
        assert retention.asked == [0]
        await clock.advance(0.06)
        assert retention.asked == [0, 1]
        await clock.advance(1)
        assert retention.asked == [0, 1, 2, 3]


async def test_a_database_that_is_away_is_told_and_asked_again() -> None:
    clock, listener = ManualClock(), Listener()
    retention = Scripted(StoreUnavailable("gone"), Step(removed=5, after=None))
    async with keeping(retention, clock, observer=listener):
        await clock.advance(FIRST_SECONDS + 1)
        assert listener.heard == ["no retention"]
        await clock.advance(SWEEP_SECONDS + LOOK_SECONDS)

    assert listener.heard == ["no retention", "retention"]
    assert retention.closed


async def test_who_is_not_to_keep_house_does_nothing_until_it_is(tmp_path: Path) -> None:
    clock, retention, backups, mine = ManualClock(), Scripted(), Backups(tmp_path), [False]
    async with keeping(retention, clock, backups=backups, mine=lambda: mine[0]):
        await clock.advance(SWEEP_SECONDS * 3)
        assert (retention.asked, backups.made) == ([], [])
        mine[0] = True
        await clock.advance(LOOK_SECONDS)

    assert (retention.asked, len(backups.made)) == ([0], 1)


async def test_who_loses_the_office_in_the_middle_stops_there() -> None:
    clock, mine = ManualClock(), [True]
    retention = Scripted(*(Step(removed=1, after=number) for number in range(1, 100)))
    async with keeping(retention, clock, mine=lambda: mine[0]):
        await clock.advance(FIRST_SECONDS)
        mine[0] = False
        await clock.advance(10)

    assert retention.asked == [0]


async def test_a_backup_is_made_when_it_is_due_and_once(tmp_path: Path) -> None:
    clock, listener, backups = ManualClock(), Listener(), Backups(tmp_path)
    async with keeping(Scripted(), clock, backups=backups, observer=listener):
        await clock.advance(SWEEP_SECONDS)

    assert len(backups.made) == 1
    assert listener.heard == ["retention", "backup"]
    assert listener.newest == int(backups.made[0].timestamp() * 1000)


@pytest.mark.parametrize("failure", [BackupUnfit("full"), StoreUnavailable(), OSError("folder")])
async def test_a_backup_that_failed_is_tried_again_but_not_at_once(
    tmp_path: Path, failure: Exception
) -> None:
    clock, listener, backups = ManualClock(), Listener(), Backups(tmp_path)
    backups.failures.append(failure)
    async with keeping(Scripted(), clock, backups=backups, observer=listener):
        await clock.advance(FIRST_SECONDS + AGAIN_SECONDS - LOOK_SECONDS)
        assert listener.heard == ["retention", "no backup"]
        await clock.advance(2 * LOOK_SECONDS)

    assert listener.heard == ["retention", "no backup", "backup"]


async def test_a_stop_gives_a_backup_up(tmp_path: Path) -> None:
    clock, listener, backups = ManualClock(), Listener(), Backups(tmp_path)
    backups.gate.clear()
    async with keeping(Scripted(), clock, backups=backups, observer=listener) as (stop, task):
        await clock.advance(FIRST_SECONDS)
        await backups.started.wait()
        stop.set()
        await asyncio.wait_for(task, 10)

    assert (backups.made, listener.heard) == ([], ["retention"])


async def test_an_error_that_nobody_foresaw_is_not_swallowed() -> None:
    clock = ManualClock()
    task = asyncio.create_task(
        Housekeeping(Scripted(KeyError("a bug")), KEEP, clock=clock).run(asyncio.Event())
    )
    await clock.advance(FIRST_SECONDS)

    with pytest.raises(KeyError):
        await task


async def test_a_stop_ends_the_waiting() -> None:
    clock, retention = ManualClock(), Scripted()
    async with keeping(retention, clock) as (stop, task):
        await clock.advance(1)
        stop.set()
        await asyncio.wait_for(task, 10)

    assert retention.closed
    assert retention.asked == []
