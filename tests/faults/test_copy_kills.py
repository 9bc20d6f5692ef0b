"""kill -9 at every step of a backup and of a restore: what has its name is whole, and the next try succeeds.

One process loads the program, then forks: each child is killed before one more of the steps that touch the folder.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from optfm_bot.housekeeping.backups import back_up
from optfm_bot.housekeeping.manifest import read_manifest
from optfm_bot.housekeeping.restoring import restore_sqlite, verify
from optfm_bot.store.engine import database_url
from optfm_bot.store.schema import migrate_sync, upgrade

pytestmark = pytest.mark.faults

AT = datetime(2026, 8, 15, 9, 0, tzinfo=UTC)
KILLER = """
import json, os, shutil, signal, sys
from pathlib import Path
from optfm_bot.cli import copies, db, journal
from optfm_bot.cli.main import main
from optfm_bot.housekeeping import backups, copying
import alembic.command, aiosqlite

template, out, *command = sys.argv[1:]
STEPS = {"open", "os.rename", "os.remove", "os.link", "os.chmod", "sqlite3.connect"}

class Dying(copying.SqliteCopy):
    looks = 0
    @property
    def _cancelled(self):
        Dying.looks += 1
        step("copying")
        return False
    @_cancelled.setter
    def _cancelled(self, value):
        pass

backups.SqliteCopy = Dying
copying._LOOK_EVERY = 3000
seen, last, folder, watching = 0, 0, "", False

def step(what):
    global seen
    seen += 1
    if seen == last:
        os.kill(os.getpid(), signal.SIGKILL)

def hook(event, args):
    if watching and event in STEPS and any(folder in str(one) for one in args):
        step(event)

number, killed = 0, True
while killed:
    number += 1
    home = Path(out) / str(number)
    shutil.copytree(template, home)
    child = os.fork()
    if child == 0:
        folder, last, watching = str(home), number, True
        os.chdir(home)
        sys.addaudithook(hook)
        main([word.replace("HERE", str(home)) for word in command])
        os._exit(0)
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if not killed and status != 0:
        sys.exit(f"step {number}: status {status}")
print(json.dumps(number - 1))
"""


def filled(path: Path, turns: int, *, revision: str | None = None) -> None:
    if revision is None:
        asyncio.run(upgrade(database_url(f"sqlite:///{path}")))
    else:
        migrate_sync(f"sqlite:///{path}", revision)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO outbox (id, channel, lane, purpose, message, created_at) VALUES (1, 't', 'a', 'x', '{}', 1)"
        )
        connection.executemany(
            "INSERT INTO turns (id, lane, direction, kind, text, at) VALUES (?, 'a', 0, 'text', ?, 1)",
            [(number, "x" * 300) for number in range(turns)],
        )


def killed_at_every_step(template: Path, out: Path, *command: str) -> Iterator[Path]:
    """Run a command again and again, each time killed one step later, the last time to its end; gives the folders."""
    out.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(template), str(out), *command],
        capture_output=True,
        check=False,
        timeout=300,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    kills = json.loads(done.stdout.splitlines()[-1])
    assert kills >= 8, f"only {kills} steps were found: {done.stderr}"
    for number in range(1, kills + 2):
        yield out / str(number)


def asked(path: Path, question: str) -> Any:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        return connection.execute(question).fetchone()[0]


def test_a_backup_that_is_killed_leaves_the_database_and_no_half_backup(tmp_path: Path) -> None:
    template = tmp_path / "template"
    template.mkdir()
    filled(template / "optfm.db", 3000)
    found = set()
    for home in killed_at_every_step(
        template, tmp_path / "out", "db", "backup", "HERE/copies/a.db", "--lang", "en"
    ):
        target = home / "copies" / "a.db"
        found.add(target.exists())
        if target.exists():
            verify(target, read_manifest(target))
            assert asked(target, "SELECT count(*) FROM turns") == 3000
        assert asked(home / "optfm.db", "SELECT count(*) FROM turns") == 3000
        again = home / "copies" / "b.db"
        url = database_url(f"sqlite:///{home / 'optfm.db'}")
        verify(again, asyncio.run(back_up(url, again, now=AT)))
        assert not list(again.parent.glob("*.partial"))

    assert found == {True, False}


@pytest.mark.parametrize("revision", [None, "0001"])
def test_a_restore_that_is_killed_leaves_the_old_database_or_the_new_one(
    tmp_path: Path, revision: str | None
) -> None:
    template = tmp_path / "template"
    template.mkdir()
    filled(template / "optfm.db", 7)
    filled(tmp_path / "source.db", 50, revision=revision)
    source = database_url(f"sqlite:///{tmp_path / 'source.db'}")
    asyncio.run(back_up(source, template / "backup.db", now=AT))
    found = set()
    for home in killed_at_every_step(
        template, tmp_path / "out", "db", "restore", "HERE/backup.db", "--yes", "--lang", "en"
    ):
        current, backup = home / "optfm.db", home / "backup.db"
        turns = asked(current, "SELECT count(*) FROM turns")
        found.add(turns)
        waiting = asked(current, "SELECT count(*) FROM outbox WHERE state < 2")
        assert (turns, waiting) in {(7, 1), (50, 0)}  # restored messages wait for a person
        url = database_url(f"sqlite:///{current}")
        again = asyncio.run(restore_sqlite(url, backup, read_manifest(backup), send=False, now=AT))
        assert (again.before or {})["turns"] == turns
        assert asked(current, "SELECT count(*) FROM turns") == 50
        assert not list(home.glob("*.restoring*"))
        asides = [asked(one, "SELECT count(*) FROM turns") for one in home.glob("*.before-restore-*Z*")]
        assert 7 in asides  # what there was before is never lost
        shutil.rmtree(home)

    assert found == {7, 50}
