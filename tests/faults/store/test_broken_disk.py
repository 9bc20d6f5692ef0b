"""A disk that is full, locked, gone or read-only: said as unavailable, nothing half written, over when it is over."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from optfm_bot.errors import StoreUnavailable
from optfm_bot.store import writer
from optfm_bot.store.engine import database_url
from optfm_bot.store.records import ConversationRow, NewUpdate
from optfm_bot.store.schema import upgrade
from optfm_bot.store.sql import SqlStore

pytestmark = pytest.mark.faults

NOW = 1_760_000_000_000


async def opened(path: Path) -> SqlStore:
    url = f"sqlite+aiosqlite:///{path}"
    await upgrade(database_url(url))
    store = SqlStore(url)
    await store.open()
    return store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqlStore]:
    made = await opened(path)
    yield made
    await made.close()


async def add(store: SqlStore, key: str, size: int = 10) -> int:
    """Store an update with its cursor and a conversation; gives how many were new."""
    async with store.unit() as unit:
        unit.inbox.add(
            NewUpdate(channel="t", key=key, lane="t:1", payload=b"x" * size),
            received_at=NOW,
            owner=None,
            lease_until=0,
        )
        unit.cursors.save("t", key, at=NOW)
        unit.history.save_conversation(
            ConversationRow(lane="t:1", channel="t", state=f'"{key}"', updated_at=NOW)
        )
    return len(unit.added)


async def kept(store: SqlStore) -> tuple[list[str], str | None]:
    rows = await store._all(text("SELECT key FROM inbox ORDER BY id"))
    return [row["key"] for row in rows], await store.cursor("t")


def files(path: Path) -> list[Path]:
    """The files of a database that exist."""
    return [found for suffix in ("", "-wal", "-shm") if (found := Path(f"{path}{suffix}")).exists()]


def move(path: Path, to: Path) -> None:
    """Move a database with everything that belongs to it."""
    for found in files(path):
        found.rename(f"{to}{found.name.removeprefix(path.name)}")


def spoil(path: Path) -> None:
    path.write_bytes(b"this is a letter, not a database" * 100)


async def test_a_lock_of_another_process_is_waited_for_without_holding_up_the_loop(
    store: SqlStore, path: Path
) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    task = asyncio.create_task(add(store, "1"))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not task.done()
    other.execute("COMMIT")
    other.close()

    async with asyncio.timeout(5):
        assert await task == 1


async def test_a_lock_that_stays_is_told_and_over_when_it_is_over(
    store: SqlStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_LOCKED_SECONDS", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await add(store, "1")
    with pytest.raises(StoreUnavailable):
        await store.check()
    assert await kept(store) == ([], None)  # reading goes on
    other.execute("ROLLBACK")
    other.close()

    assert await add(store, "1") == 1
    await store.check()


async def test_a_full_database_stores_nothing_of_a_unit_and_recovers(store: SqlStore) -> None:
    await add(store, "1")
    async with store._write() as transaction:
        pages = (await transaction.execute(text("PRAGMA page_count"))).scalar()
        await transaction.execute(text(f"PRAGMA max_page_count={pages}"))
    with pytest.raises(StoreUnavailable, match="full"):
        await add(store, "2", size=200_000)
    assert await kept(store) == (["1"], "1")

    # The connection was dropped with its limit: as if somebody had made room.
    assert await add(store, "2", size=200_000) == 1
    assert await kept(store) == (["1", "2"], "2")


async def test_many_units_on_a_full_database_all_hear_of_it(store: SqlStore) -> None:
    async with store._write() as transaction:
        pages = (await transaction.execute(text("PRAGMA page_count"))).scalar()
        await transaction.execute(text(f"PRAGMA max_page_count={pages}"))
    results = await asyncio.gather(
        *(add(store, str(number), size=50_000) for number in range(5)), return_exceptions=True
    )

    assert [type(result) for result in results] == [StoreUnavailable] * 5
    assert await kept(store) == ([], None)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    mount, where = shutil.which("mount"), tmp_path / "disk"
    where.mkdir()
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(where)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {made.stderr.decode().strip()}")
    yield where
    subprocess.run([shutil.which("umount") or "umount", str(where)], check=True)


async def test_a_full_disk_loses_nothing_that_was_acknowledged(small_disk: Path) -> None:
    store = await opened(small_disk / "store.db")
    stored: list[str] = []
    try:
        for number in range(200):
            try:
                await add(store, str(number), size=20_000)
            except StoreUnavailable:
                break
            stored.append(str(number))
        assert 0 < len(stored) < 100
        with pytest.raises(StoreUnavailable):
            await add(store, "more", size=200_000)
        assert (await kept(store))[0] == stored
    finally:
        await store.close()
    again = await opened(small_disk / "store.db")
    assert await kept(again) == (stored, stored[-1])
    await again.close()


async def test_room_on_the_disk_is_used_without_opening_anything_again(small_disk: Path) -> None:
    store = await opened(small_disk / "store.db")
    ballast = small_disk / "ballast"
    with ballast.open("wb") as file:
        free = shutil.disk_usage(small_disk).free
        file.write(b"x" * (free - 4096))
    with pytest.raises(StoreUnavailable):
        await add(store, "1", size=100_000)
    ballast.unlink()

    assert await add(store, "1", size=100_000) == 1
    await store.check()
    await store.close()


async def test_a_file_that_was_deleted_is_not_written_to_any_more(store: SqlStore, path: Path) -> None:
    """The system would let us go on writing to a file without a name: every message would be lost at the next start."""
    await add(store, "1")
    away = path.with_suffix(".away")
    move(path, away)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await add(store, "2")
    with pytest.raises(StoreUnavailable):
        await store.check()
    assert not files(path)  # nothing empty was made in its place
    move(away, path)

    assert await add(store, "2") == 1
    assert await kept(store) == (["1", "2"], "2")


async def test_a_file_that_was_replaced_is_noticed(store: SqlStore, path: Path, tmp_path: Path) -> None:
    await add(store, "old")
    other = await opened(tmp_path / "other.db")
    await add(other, "restored")
    await other.close()
    move(path, path.with_suffix(".away"))
    move(tmp_path / "other.db", path)
    with pytest.raises(StoreUnavailable, match="replaced"):
        await add(store, "new")

    assert await add(store, "new") == 1
    assert await kept(store) == (["restored", "new"], "new")


async def test_a_database_that_is_not_one_is_told_as_unavailable(path: Path) -> None:
    spoil(path)
    store = SqlStore(f"sqlite+aiosqlite:///{path}")
    with pytest.raises(StoreUnavailable, match="not a database"):
        await store.open()
    await store.close()


async def test_a_read_only_database_is_told_and_can_still_be_read(path: Path) -> None:
    store = await opened(path)
    await add(store, "1")
    async with store._write() as transaction:
        await transaction.execute(text("PRAGMA query_only=ON"))
    with pytest.raises(StoreUnavailable, match="readonly"):
        await add(store, "2")

    assert await kept(store) == (["1"], "1")
    assert await add(store, "2") == 1
    await store.close()


async def test_a_caller_cancelled_during_a_commit_leaves_a_store_that_works(store: SqlStore) -> None:
    await add(store, "1")
    claiming = [
        asyncio.create_task(store.claim(owner="x", now=NOW, lease_until=NOW, limit=1)) for _ in range(5)
    ]
    await asyncio.sleep(0)
    for task in claiming:
        task.cancel()
    await asyncio.gather(*claiming, return_exceptions=True)

    assert await add(store, "2") == 1
    assert (await kept(store))[0] == ["1", "2"]


async def test_closing_finishes_what_was_submitted(path: Path) -> None:
    store = await opened(path)
    tasks = [asyncio.create_task(add(store, str(number))) for number in range(50)]
    await asyncio.sleep(0)
    await store.close()
    assert await asyncio.gather(*tasks) == [1] * 50
    with pytest.raises(StoreUnavailable):
        await add(store, "late")
    again = await opened(path)

    assert len((await kept(again))[0]) == 50
    await again.close()
