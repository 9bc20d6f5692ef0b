"""The watch on a house: what it looks at, what it says, and what it does when it cannot look."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from optfm_bot.clock import ManualClock
from optfm_bot.errors import StoreUnavailable
from optfm_bot.observe.metrics import Metrics
from optfm_bot.observe.observer import MetricsObserver
from optfm_bot.observe.readiness import Backlog, Essentials, Level
from optfm_bot.observe.storage import StorageUse, storage_use
from optfm_bot.observe.watch import Held, Share, Watch
from optfm_bot.store.records import StoreCounts

MB = 1024 * 1024


class House:
    """A house in name only: it tells what a test lets it tell."""

    def __init__(self) -> None:
        self.waiting = 0
        self.oldest = 0.0
        self.room = 0.0
        self.broken: str | None = None
        self.others: Share | None = None

    async def counts(self) -> StoreCounts:
        if self.broken:
            raise StoreUnavailable(self.broken)
        return StoreCounts(
            inbox_new={"web": self.waiting},
            inbox_parked={},
            outbox_open={},
            outbox_uncertain={},
            outbox_failed={},
            inbox_oldest={},
            outbox_oldest={},
        )

    async def essentials(self) -> Essentials:
        return Essentials(store=self.broken)

    async def backlogs(self, counts: StoreCounts, now: int) -> Mapping[str, Backlog]:
        return {"web": Backlog(waiting=counts.inbox_new["web"], oldest=self.oldest)}

    def held(self) -> Held:
        return Held(updates=int(self.room * 100), size=int(self.room * 1000), used=self.room)

    def share(self) -> Share | None:
        return self.others


class Scene:
    """A watch over such a house, with its clock and its metrics."""

    def __init__(self, database: Path | None = None, **options: object) -> None:
        self.house = House()
        self.clock = ManualClock()
        self.metrics = Metrics(version="1")
        self.metrics.channel("web")
        observer = MetricsObserver(self.metrics)
        self.watch = Watch(self.house, clock=self.clock, observer=observer, database=database, **options)  # type: ignore[arg-type] # the test names the option

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        task = asyncio.create_task(self.watch.run(stop))
        yield
        stop.set()
        async with asyncio.timeout(5):
            await task

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"optfm_{name}", labels)


async def test_it_looks_by_itself_and_tells_the_metrics() -> None:
    scene = Scene()
    async with scene.running():
        await scene.clock.advance(0.1)
        assert (scene.value("ready"), scene.value("update_queue_depth", channel="web")) == (1, 0)

        scene.house.waiting, scene.house.room = 7, 1.0
        await scene.clock.advance(16)
        assert scene.value("update_queue_depth", channel="web") == 7
        assert scene.value("problem", problem="memory") == Level.DEGRADED


async def test_what_is_in_memory_and_who_shares_the_database_is_told_even_while_it_cannot_be_asked() -> None:
    scene = Scene()
    scene.house.room, scene.house.others = 0.5, Share(members=3, shards=64, owned=21)
    scene.house.broken = "the server is away"
    await scene.watch.look()

    assert (scene.value("updates_held"), scene.value("updates_held_bytes")) == (50, 500)
    shown = [scene.value(f"cluster_{name}") for name in ("members", "shards", "shards_owned")]
    assert shown == [3, 64, 21]


async def test_a_role_that_nobody_has_is_told_by_every_process() -> None:
    scene = Scene()
    scene.house.others = Share(members=1, shards=64, owned=0, missing={"worker"})
    async with scene.running():
        await scene.clock.advance(16)
        verdict = await scene.watch.verdict()

    assert (verdict.status, verdict.ready) == ("degraded", True)
    assert scene.value("problem", problem="roles") == Level.DEGRADED


async def test_a_stuck_queue_becomes_red() -> None:
    scene = Scene()
    async with scene.running():
        for _ in range(30):
            scene.house.waiting, scene.house.oldest = 1, scene.house.oldest + 5
            await scene.clock.advance(5)
        verdict = await scene.watch.verdict()

    assert verdict.status == "unavailable"
    assert scene.value("ready") == 0


async def test_a_database_that_cannot_be_asked_is_said_and_the_watch_goes_on() -> None:
    scene = Scene()
    async with scene.running():
        await scene.clock.advance(0.1)
        scene.house.broken = "the database file was replaced"
        await scene.clock.advance(5)
        assert (scene.value("ready"), scene.value("problem", problem="store")) == (0, 2)

        scene.house.broken = None
        await scene.clock.advance(5)
        assert (scene.value("ready"), scene.value("problem", problem="store")) == (1, 0)


async def test_it_looks_at_the_file_of_the_database(tmp_path: Path) -> None:
    database = tmp_path / "optfm.db"
    database.write_bytes(b"x" * 1000)
    (tmp_path / "optfm.db-wal").write_bytes(b"x" * 300)
    scene = Scene(database)
    await scene.watch.look()

    assert (scene.value("db_size_bytes"), scene.value("db_wal_bytes")) == (1000, 300)
    assert (scene.value("disk_free_bytes") or 0) > 0


def test_a_database_that_is_not_there_yet_has_no_bytes(tmp_path: Path) -> None:
    use = storage_use(tmp_path / "optfm.db")
    assert (use.size, use.wal) == (0, 0)
    with pytest.raises(FileNotFoundError):
        storage_use(tmp_path / "nowhere" / "optfm.db")


async def test_a_disk_without_room_makes_it_red_at_the_first_look() -> None:
    scene = Scene(Path("optfm.db"), use=lambda _: StorageUse(size=1, wal=1, free=MB))
    await scene.watch.look()
    assert not (await scene.watch.verdict()).ready


async def test_a_disk_that_cannot_be_asked_is_left_out() -> None:
    def refuse(_: Path) -> StorageUse:
        raise PermissionError("not yours")

    scene = Scene(Path("optfm.db"), use=refuse)
    await scene.watch.look()
    assert (await scene.watch.verdict()).problems == []


async def test_a_disk_that_hangs_holds_one_thread_and_nothing_else() -> None:
    released, asked = threading.Event(), list[Path]()

    def hang(path: Path) -> StorageUse:
        asked.append(path)
        released.wait(20)
        return StorageUse(size=1, wal=0, free=10**12)

    scene = Scene(Path("optfm.db"), use=hang)
    try:
        async with scene.running():
            await scene.clock.advance(31)
            assert len(asked) == 1
            assert scene.value("ready") == 1  # the rest was looked at
            released.set()
            async with asyncio.timeout(10):
                while scene.value("db_size_bytes") != 1:
                    await scene.clock.advance(1)
                while len(asked) == 1:  # and it is asked again
                    await scene.clock.advance(1)
    finally:
        released.set()
