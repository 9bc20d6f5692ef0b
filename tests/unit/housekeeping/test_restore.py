"""A restored database is the backup, of today's schema, and tells nobody again what they may have been told."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from sqlalchemy import URL

from optfm_bot.errors import SchemaMismatch, StartRefused, StoreUnavailable
from optfm_bot.housekeeping.backups import back_up
from optfm_bot.housekeeping.copying import inspect
from optfm_bot.housekeeping.holding import REASON, Held
from optfm_bot.housekeeping.manifest import BackupUnfit, Manifest, read_manifest
from optfm_bot.housekeeping.restoring import Restored, restore_sqlite, verify
from optfm_bot.store.schema import HEAD
from optfm_bot.store.sql import SqlStore

Make = Callable[..., URL]

AT = datetime(2026, 8, 15, 9, 0, tzinfo=UTC)


def rows(path: Path, question: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(question).fetchall()


@pytest.fixture
def backup(make: Make, tmp_path: Path) -> Path:
    """A backup of a database with fifty messages."""
    target = tmp_path / "backup.db"
    asyncio.run(back_up(make("source.db"), target, now=AT))
    return target


def restored(url: URL, backup: Path, *, send: bool = False, proven: bool = True) -> Restored:
    manifest = read_manifest(backup) if proven else None
    return asyncio.run(restore_sqlite(url, backup, manifest, send=send, now=AT))


async def works(url: URL) -> None:
    store = SqlStore(url.render_as_string(hide_password=False))
    await store.open()
    await store.check()
    await store.close()


def test_the_backup_takes_the_place_and_the_old_database_is_kept(
    make: Make, backup: Path, tmp_path: Path
) -> None:
    url = make("bot.db", turns=7)
    (tmp_path / "bot.db").chmod(0o640)
    found = restored(url, backup)

    assert (found.before or {})["turns"] == 7
    assert found.after["turns"] == 50
    assert found.aside == tmp_path / "bot.db.before-restore-20260815T090000Z"
    assert rows(found.aside, "SELECT count(*) FROM turns") == [(7,)]
    assert rows(tmp_path / "bot.db", "SELECT count(*) FROM turns") == [(50,)]
    assert (tmp_path / "bot.db").stat().st_mode & 0o777 == 0o640
    assert {path.name for path in tmp_path.glob("bot.db*")} == {"bot.db", found.aside.name, "bot.db.lock"}


def test_a_database_behind_a_link_is_replaced_where_it_lies(make: Make, backup: Path, tmp_path: Path) -> None:
    url = make("real.db", turns=7)
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "bot.db"
    link.symlink_to(tmp_path / "real.db")
    found = restored(url.set(database=str(link)), backup)

    assert link.is_symlink()
    assert found.aside == tmp_path / "real.db.before-restore-20260815T090000Z"
    assert rows(found.aside, "SELECT count(*) FROM turns") == [(7,)]
    assert rows(tmp_path / "real.db", "SELECT count(*) FROM turns") == [(50,)]
    assert [path.name for path in link.parent.iterdir()] == ["bot.db"]


def test_a_second_restore_at_the_same_moment_keeps_both(make: Make, backup: Path) -> None:
    url = make("bot.db")
    first, second = [restored(url, backup) for _ in range(2)]

    assert first.aside != second.aside
    assert first.aside is not None
    assert first.aside.exists()


def test_what_waited_is_neither_answered_nor_sent_again(make: Make, backup: Path, tmp_path: Path) -> None:
    found = restored(make("bot.db"), backup)

    assert found.held == Held(updates=1, messages=2)
    waiting = rows(tmp_path / "bot.db", "SELECT key, state, error FROM inbox ORDER BY id")
    assert waiting == [("done", 1, None), ("waiting", 9, REASON), ("parked", 9, None)]
    assert rows(tmp_path / "bot.db", "SELECT id, state FROM outbox ORDER BY id") == [
        (1, 2),
        (2, 3),
        (3, 3),
        (4, 9),
        (5, 3),
    ]


def test_who_wants_it_lets_everything_go_on(make: Make, backup: Path, tmp_path: Path) -> None:
    found = restored(make("bot.db"), backup, send=True)

    assert found.held == Held(updates=0, messages=0)
    assert rows(tmp_path / "bot.db", "SELECT count(*) FROM outbox WHERE state < 2") == [(2,)]
    assert rows(tmp_path / "bot.db", "SELECT count(*) FROM inbox WHERE state = 0") == [(1,)]


def test_a_lost_database_is_made_again(backup: Path, tmp_path: Path, make: Make) -> None:
    url = make("source.db2").set(database=str(tmp_path / "lost.db"))
    found = restored(url, backup)

    assert (found.before, found.aside) == (None, None)
    asyncio.run(works(url))


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_a_backup_of_an_older_version_is_brought_up_to_date(
    make: Make, tmp_path: Path, revision: str
) -> None:
    asyncio.run(back_up(make("old.db", revision=revision), tmp_path / "backup.db", now=AT))
    found = restored(make("bot.db"), tmp_path / "backup.db")

    assert found.revision == HEAD
    assert inspect(tmp_path / "bot.db")[0] == HEAD
    assert inspect(tmp_path / "backup.db")[0] == revision
    assert found.held == Held(updates=1, messages=2)


def test_a_stale_write_ahead_log_does_not_reach_the_restored_database(
    make: Make, backup: Path, tmp_path: Path
) -> None:
    """What a crashed bot left in its log belongs to the old database and is kept with it."""
    url = make("bot.db", turns=7)
    with closing(sqlite3.connect(tmp_path / "bot.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("UPDATE turns SET text = 'only in the log'")
        left = {name: (tmp_path / name).read_bytes() for name in ("bot.db", "bot.db-wal")}
    for name, content in left.items():
        (tmp_path / name).write_bytes(content)
    found = restored(url, backup)

    assert found.aside is not None
    assert rows(found.aside, "SELECT DISTINCT text FROM turns") == [("only in the log",)]
    assert rows(tmp_path / "bot.db", "SELECT count(*) FROM turns WHERE text = 'only in the log'") == [(0,)]


def test_a_damaged_database_is_replaced_and_kept_with_its_log(
    make: Make, backup: Path, tmp_path: Path
) -> None:
    url = make("bot.db")
    (tmp_path / "bot.db").write_bytes(b"not a database at all " * 1000)
    (tmp_path / "bot.db-wal").write_bytes(b"its log")
    found = restored(url, backup)

    assert found.before is None
    assert found.aside is not None
    assert Path(f"{found.aside}-wal").read_bytes() == b"its log"
    assert inspect(tmp_path / "bot.db")[1]["turns"] == 50


# -- refusals: nothing is changed -------------------------------------------------------------------------------


@pytest.fixture
def untouched(make: Make, tmp_path: Path) -> Any:
    """A database that must be as it was at the end of the test."""
    url = make("bot.db", turns=7)
    yield url
    assert rows(tmp_path / "bot.db", "SELECT count(*) FROM turns") == [(7,)]
    assert not list(tmp_path.glob("bot.db.restoring*"))
    assert not list(tmp_path.glob("bot.db.before*"))


def test_a_running_bot_is_not_robbed_of_its_database(untouched: URL, backup: Path, tmp_path: Path) -> None:
    with FileLock(tmp_path / "bot.db.lock"), pytest.raises(StartRefused, match="already works with"):
        restored(untouched, backup)


def test_another_program_that_has_it_open_is_told_of(
    untouched: URL, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optfm_bot.housekeeping.restoring._BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(tmp_path / "bot.db", isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM turns").fetchall()
        with pytest.raises(StoreUnavailable, match="Another program has"):
            restored(untouched, backup)


def test_a_changed_backup_is_refused(untouched: URL, backup: Path) -> None:
    content = bytearray(backup.read_bytes())
    content[-1] ^= 1
    backup.write_bytes(content)

    with pytest.raises(BackupUnfit, match="is not what its manifest describes"):
        verify(backup, read_manifest(backup))
    with pytest.raises(BackupUnfit, match="is not what its manifest describes"):
        restored(untouched, backup)


def test_a_manifest_that_lies_of_the_rows_is_refused(untouched: URL, backup: Path) -> None:
    path = Path(f"{backup}.json")
    found = json.loads(path.read_text())
    found["rows"]["turns"] = 51
    path.write_text(json.dumps(found))

    with pytest.raises(BackupUnfit, match="does not hold what its manifest says"):
        restored(untouched, backup)


def test_a_backup_of_a_newer_program_is_refused(untouched: URL, backup: Path) -> None:
    rows(backup, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(SchemaMismatch, match="has schema 9999"):
        restored(untouched, backup, proven=False)
    newer = Manifest(engine="sqlite", revision="9999", made_at=AT, program="9", size=1, sha256="", rows={})
    with pytest.raises(BackupUnfit):
        verify(backup, newer)


def test_a_copy_without_manifest_is_checked_by_itself(untouched: URL, backup: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("this is a letter to my aunt, and it is long enough" * 100)

    with pytest.raises(BackupUnfit, match="cannot be read"):
        restored(untouched, tmp_path / "letter.db", proven=False)


def test_the_database_itself_is_no_backup_of_itself(untouched: URL, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "bot.db")

    with pytest.raises(BackupUnfit, match="is the database itself"):
        restored(untouched, tmp_path / "link.db", proven=False)
