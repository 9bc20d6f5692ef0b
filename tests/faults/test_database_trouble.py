"""A database that cannot be written: nothing is acknowledged meanwhile, it is said, and all is well afterwards."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.e2e.processes import Bot
from tests.faults.load import Load

pytestmark = pytest.mark.faults

TOLD = {
    "receive.store_unavailable",
    "webhook.store_unavailable",
    "alarms.store_unavailable",
    "dispatch.store_unavailable",
    "outbox.store_unavailable",
    "store.unavailable",
}
"""What the log may say while the database is away; each of these is tried again."""


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Hold the write lock, as another program would."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=10)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")


def refused(load: Load) -> bool:
    """Whether the bot has told the platform, or the log, that it cannot take updates."""
    told = {line["event"] for line in load.bot.log()}
    if load.bot.mode == "webhook":
        return (
            load.platform.state()["webhook_counts"].get("status_503", 0) > 0
            and "webhook.store_unavailable" in told
        )
    return "receive.store_unavailable" in told


def survives(load: Load, trouble: Callable[[], None], relief: Callable[[], None]) -> None:
    """Run a load into trouble and out of it again."""
    load.bot.expected |= TOLD
    load.bot.start()
    process = load.bot.process
    assert load.bot.get("/readyz")[0] == 200
    offered = load.begin(60, 2)
    load.platform.wait(sent=60)
    trouble()
    offered += load.begin(60, 2)
    for _ in range(20):  # the journal may have room for a while
        load.platform.wait(idle=1)
        if refused(load):
            break
        offered += load.begin(60, 1)
    load.until(lambda: refused(load), "it is said that updates cannot be taken")

    load.until(lambda: load.bot.get("/readyz")[0] == 503, "it is not ready")
    assert load.bot.get("/healthz")[0] == 200
    state = load.platform.state()
    assert state["confirmed"] <= load.bot.count("inbox")
    assert state["pending"] > 0
    told = [line for line in load.bot.log() if line["event"] in TOLD]
    assert all("The database cannot be used now" in line["error"] for line in told), told
    relief()
    load.settle(offered)

    assert load.bot.process is process, "without a restart"
    assert load.bot.get("/readyz")[0] == 200
    stored = set(load.question_of().values())
    answers = load.answers()
    assert len(stored) == offered
    assert answers.keys() == stored
    assert set(answers.values()) == {1}
    assert load.disorder() == []
    assert load.troubled() == 0


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_a_locked_database_is_waited_for(make_load: Callable[..., Load], mode: str) -> None:
    load = make_load(41, mode=mode)
    with closing(sqlite3.connect(load.bot.database, isolation_level=None, timeout=10)) as holder:
        holder.execute("PRAGMA journal_mode=WAL")
        survives(load, lambda: _run(holder, "BEGIN IMMEDIATE"), lambda: _run(holder, "ROLLBACK"))


def _run(holder: sqlite3.Connection, statement: str) -> None:
    holder.execute(statement)


def test_a_short_lock_is_not_even_noticed(make_load: Callable[..., Load]) -> None:
    load = make_load(42, mode="webhook")
    load.bot.start()
    offered = load.begin(60, 2)
    load.platform.wait(sent=30)
    with locked(load.bot.database):
        held = load.platform.state()["webhook_counts"].get("accepted", 0)
        load.until(lambda: load.platform.state()["pending"] > 20, "updates wait")
        assert load.platform.state()["webhook_counts"]["accepted"] <= held + 1
    load.settle(offered)
    assert "status_503" not in load.platform.state()["webhook_counts"]
    assert set(load.answers().values()) == {1}


def test_a_database_that_is_locked_at_the_start_is_told_in_a_sentence(make_load: Callable[..., Load]) -> None:
    load = make_load(43, mode="polling")
    load.bot.start()
    assert load.bot.terminate() == 0
    with locked(load.bot.database):
        code = load.bot.launch().wait(30)
    assert code == 6
    assert "database is locked" in load.bot.output("stderr")
    assert "Traceback" not in load.bot.output()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of sixteen megabytes, where the machine lets us have one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)],  # noqa: S607 - wherever the system has it
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"left out, a small disk cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)  # noqa: S607 - as above


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_a_full_disk_is_waited_for(make_load: Callable[..., Load], small_disk: Path, mode: str) -> None:
    load = make_load(44, mode=mode, database=small_disk / "bot.db", readiness={"disk_free_mb": 0})
    ballast = small_disk / "ballast"
    survives(load, lambda: fill(ballast), ballast.unlink)


def fill(ballast: Path) -> None:
    """Take everything that is left of a disk."""
    handle = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    try:
        for size in (65_536, 4_096, 512, 1):
            try:
                while True:
                    os.write(handle, b"\0" * size)
            except OSError:
                continue
    finally:
        os.close(handle)


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_a_file_that_may_not_grow_is_waited_for(make_load: Callable[..., Load], mode: str) -> None:
    """What a quota does; it needs no rights, so it runs where no small disk can be had."""
    load = make_load(45, mode=mode)
    survives(load, lambda: limit(load.bot, 100_000), lambda: limit(load.bot, resource.RLIM_INFINITY))


def limit(bot: Bot, size: int) -> None:
    """Let the bot write nothing beyond this place of any file; its log is shorter, its journal longer."""
    assert bot.process is not None
    resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
