"""A backup is whole or not there, loses no commit, and holds nothing that was deleted."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from sqlalchemy import URL

from optfm_bot.housekeeping import copying
from optfm_bot.housekeeping.backups import DailyBackups, back_up, back_up_before_upgrade, default_folder
from optfm_bot.housekeeping.copying import SqliteCopy, inspect
from optfm_bot.housekeeping.manifest import BackupUnfit, Manifest, manifest_path, read_manifest
from optfm_bot.housekeeping.plan import Rotation
from optfm_bot.housekeeping.restoring import verify
from optfm_bot.store.engine import database_url
from optfm_bot.store.records import Direction, TurnRow
from optfm_bot.store.schema import HEAD
from optfm_bot.store.sql import SqlStore

Make = Callable[..., URL]

AT = datetime(2026, 8, 15, 9, 0, tzinfo=UTC)
SPOILT = {
    "format": 1,
    "engine": "sqlite",
    "revision": "1",
    "made_at": "2026-01-01T00:00:00Z",
    "program": "1",
    "bytes": 1,
    "sha256": "",
    "rows": {},
}
"""A manifest to be spoilt."""


def rows(path: Path, question: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(question).fetchall()


def copied(url: URL, target: Path) -> Manifest:
    return asyncio.run(back_up(url, target, now=AT))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def test_a_backup_says_of_itself_what_it_is(make: Make, tmp_path: Path) -> None:
    target = tmp_path / "copies" / "a.db"
    manifest = copied(make(), target)

    assert read_manifest(target) == manifest
    verify(target, manifest)
    assert (manifest.engine, manifest.revision, manifest.made_at) == ("sqlite", HEAD, AT)
    assert (manifest.rows["turns"], manifest.rows["inbox"], manifest.rows["outbox"]) == (50, 3, 5)
    assert manifest.size == target.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(manifest_path(target).stat().st_mode) == 0o600
    assert names(target.parent) == {"a.db", "a.db.json"}


def test_what_is_written_meanwhile_is_neither_lost_nor_held_up(make: Make, tmp_path: Path) -> None:
    """Every commit that ended before the backup began is in it; those who write go on during it."""
    target = tmp_path / "a.db"
    before, after = asyncio.run(copied_while_others_write(make(turns=20_000), target))

    copied = [number for (number,) in rows(target, "SELECT id FROM turns WHERE id > 1000000 ORDER BY id")]
    assert len(after) > len(before)
    assert set(before) <= set(copied)
    assert copied == list(range(1_000_001, 1_000_001 + len(copied)))  # one moment, no holes


async def copied_while_others_write(url: URL, target: Path) -> tuple[list[int], list[int]]:
    """Gives what was written before the backup, and at its end."""
    store = SqlStore(url.render_as_string(hide_password=False))
    await store.open()
    done: list[int] = []
    twenty, stop = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        number = 1_000_000
        while not stop.is_set():
            number += 1
            async with store.unit() as unit:
                unit.history.add_turn(
                    TurnRow(id=number, lane="a", direction=Direction.IN, kind="text", text="x", at=1)
                )
            done.append(number)
            if len(done) == 20:
                twenty.set()

    writing = asyncio.create_task(write())
    await twenty.wait()
    before = list(done)
    await back_up(url, target, now=AT)
    after = list(done)
    stop.set()
    await writing
    await store.close()
    return before, after


def test_what_was_deleted_is_not_in_the_backup(make: Make, tmp_path: Path) -> None:
    url = make(turns=500)
    with closing(sqlite3.connect(str(url.database))) as connection, connection:
        connection.execute("INSERT INTO misses VALUES (1, 'a', 'canary-of-a-person', 'admitted', 1, '[]')")
    with closing(sqlite3.connect(str(url.database))) as connection, connection:
        connection.execute("DELETE FROM misses")
    copied(url, tmp_path / "a.db")

    assert b"canary-of-a-person" not in (tmp_path / "a.db").read_bytes()


def test_a_backup_overwrites_nothing(make: Make, tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("mine")

    with pytest.raises(BackupUnfit, match="is there already"):
        copied(make(), tmp_path / "a.db")
    assert (tmp_path / "a.db").read_text() == "mine"


def test_one_backup_at_a_time_is_made_in_a_folder(make: Make, tmp_path: Path) -> None:
    with FileLock(tmp_path / ".optfm-backup.lock"), pytest.raises(BackupUnfit, match="is being made"):
        copied(make(), tmp_path / "a.db")


def test_what_a_broken_backup_has_left_goes_and_nothing_else(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    for name in ("old.db.partial", "old.db.json.partial", "thesis.partial"):
        (folder / name).write_text("x")
    copied(make(), folder / "a.db")

    assert names(folder) == {"a.db", "a.db.json", "thesis.partial"}


def test_a_damaged_database_gives_no_backup(make: Make, tmp_path: Path) -> None:
    url = make(turns=2000)
    path = Path(str(url.database))
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = b"\xa5" * (len(content) - len(content) // 2)
    path.write_bytes(content)

    with pytest.raises(BackupUnfit):
        copied(url, tmp_path / "copies" / "a.db")
    assert names(tmp_path / "copies") == set()


def test_a_full_disk_is_told_before_it_is_full(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = type("Usage", (), {"free": 1 << 20})
    monkeypatch.setattr(copying.shutil, "disk_usage", lambda _: free)

    with pytest.raises(BackupUnfit, match="has 1 MB free"):
        copied(make(), tmp_path / "copies" / "a.db")
    assert names(tmp_path / "copies") == set()


@pytest.mark.parametrize("address", ["sqlite://", "sqlite:///nowhere.db"])
def test_what_cannot_be_copied_is_named(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(BackupUnfit, match=r"memory|There is no database nowhere\.db"):
        copied(database_url(address), tmp_path / "a.db")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(make: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(BackupUnfit, match="cannot be written"):
        copied(make(), tmp_path / "file" / "a.db")


def test_a_database_of_somebody_else_is_no_backup_of_ours(tmp_path: Path) -> None:
    rows(tmp_path / "theirs.db", "CREATE TABLE theirs (x)")

    with pytest.raises(BackupUnfit, match="no tables of this program"):
        copied(database_url(f"sqlite:///{tmp_path / 'theirs.db'}"), tmp_path / "a.db")


def test_a_backup_that_is_given_up_leaves_nothing(make: Make, tmp_path: Path) -> None:
    copy = SqliteCopy(Path(str(make(turns=20_000).database)))
    failed: list[Exception] = []

    def work() -> None:
        try:
            copy.make(tmp_path / "copies" / "a.db", now=AT)
        except BackupUnfit as error:
            failed.append(error)

    copy.cancel()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert [str(error) for error in failed] == ["The backup was given up, because the program ends"]
    assert names(tmp_path / "copies") == set()


# -- manifests ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"format": 2}',
        json.dumps(SPOILT | {"made_at": "yesterday"}),
        json.dumps(SPOILT | {"rows": []}),
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    ],
)
def test_what_is_no_manifest_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.db.json").write_text(content, "latin-1")

    with pytest.raises(BackupUnfit, match="no manifest of a backup"):
        read_manifest(tmp_path / "a.db")


def test_a_backup_without_a_manifest_says_how_it_gets_one(tmp_path: Path) -> None:
    with pytest.raises(BackupUnfit, match="optfm-bot db backup"):
        read_manifest(tmp_path / "a.db")


def test_a_manifest_is_json_for_programs(make: Make, tmp_path: Path) -> None:
    copied(make(), tmp_path / "a.db")
    found = json.loads((tmp_path / "a.db.json").read_text())

    assert found.keys() == {"format", "engine", "revision", "made_at", "program", "bytes", "sha256", "rows"}
    assert found["made_at"] == "2026-08-15T09:00:00Z"


# -- every day, and before an upgrade -------------------------------------------------------------------------


def daily(url: URL, folder: Path, **kept: int) -> DailyBackups:
    return DailyBackups(url=url, folder=folder, at=time(3, 10), zone=UTC, rotation=Rotation(**kept))


def test_a_day_has_one_backup_and_old_ones_go(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    backups = daily(make(), folder, daily=2, weekly=0, monthly=0)
    assert asyncio.run(backups.due(AT))
    assert asyncio.run(backups.last()) is None
    (tmp_path / "copies").mkdir()
    for name in ("manual-20200101T000000Z.db", "daily-20200101T000000Z.db", "daily-99999999T999999Z.db"):
        (folder / name).write_text("not ours to delete: it has no manifest")
    for number in range(4):
        asyncio.run(backups.make(AT + timedelta(days=number)))

    assert not asyncio.run(backups.due(AT + timedelta(days=3)))
    assert asyncio.run(backups.due(AT + timedelta(days=4)))
    assert asyncio.run(backups.last()) == AT + timedelta(days=3)
    assert names(folder) == {
        "manual-20200101T000000Z.db",
        "daily-20200101T000000Z.db",
        "daily-99999999T999999Z.db",
        *(f"daily-202608{day}T090000Z.db{suffix}" for day in (17, 18) for suffix in ("", ".json")),
    }


def test_only_a_schema_that_will_change_is_copied_before(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "copies"

    def before_upgrade(url: URL) -> Path | None:
        return asyncio.run(back_up_before_upgrade(url, folder, now=AT))

    assert before_upgrade(make("new.db")) is None
    assert before_upgrade(database_url(f"sqlite:///{tmp_path / 'none.db'}")) is None
    assert not folder.exists()
    copy = before_upgrade(make("old.db", revision="0001"))
    assert copy is not None
    assert copy.name == f"before-{HEAD}-from-0001-20260815T090000Z.db"
    assert inspect(copy)[0] == "0001"


def test_backups_lie_beside_the_database_unless_told_otherwise(tmp_path: Path) -> None:
    there = Path("there")
    assert default_folder(database_url("sqlite:////data/bot.db"), None, there) == Path("/data/backups")
    assert default_folder(database_url("sqlite:///bot.db"), None, there) == there / "backups"
    assert default_folder(database_url("sqlite:///bot.db"), "copies", there) == there / "copies"
    assert default_folder(database_url("postgresql://h/d"), None, there) == there / "backups"
