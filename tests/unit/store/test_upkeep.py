"""A SQLite file that is cared for gives space back, keeps its log small, and still answers as before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from optfm_bot.errors import StoreUnavailable
from optfm_bot.store.engine import database_url
from optfm_bot.store.schema import upgrade
from optfm_bot.store.statements import claimable
from optfm_bot.store.upkeep import SqliteUpkeep


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    await upgrade(database_url(f"sqlite:///{tmp_path / 'a.db'}"))
    return tmp_path / "a.db"


@pytest.fixture
def bot(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that stays open, as that of a bot does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        yield connection


def size(path: Path) -> int | None:
    return path.stat().st_size if path.exists() else None


def fill(bot: sqlite3.Connection, rows: int = 3000) -> None:
    bot.execute("BEGIN")
    bot.executemany(
        "INSERT INTO turns (id, lane, direction, kind, text, at) VALUES (?, 'a', 0, 'text', ?, 1)",
        [(number, "x" * 900) for number in range(rows)],
    )
    bot.execute("COMMIT")


async def test_after_a_vacuum_the_file_shrinks_by_itself(path: Path, bot: sqlite3.Connection) -> None:
    fill(bot)
    upkeep = SqliteUpkeep(path)
    await upkeep.vacuum()
    bot.execute("DELETE FROM turns WHERE id > 10")
    full = await upkeep.space()
    assert full.shrinks
    assert full.free > 500

    await upkeep.release(100)
    after = await upkeep.space()
    assert after.free == full.free - 100
    # The file's own page about a stretch of pages goes with the last of them.
    assert full.pages - after.pages in {100, 101}
    assert await upkeep.checkpoint(above=0) == 0
    assert size(path) == after.pages * after.page_bytes


async def test_a_file_that_does_not_shrink_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
        connection.execute("DELETE FROM t")
    upkeep = SqliteUpkeep(path)
    before = await upkeep.space()

    await upkeep.release(100)
    assert not before.shrinks
    assert await upkeep.space() == before


async def test_a_log_is_cut_off_only_when_it_is_long(path: Path, bot: sqlite3.Connection) -> None:
    fill(bot, 100)
    upkeep = SqliteUpkeep(path)

    assert await upkeep.checkpoint(above=1 << 30) > 0
    assert await upkeep.checkpoint(above=1) == 0


async def test_a_reader_keeps_the_log_and_nobody_waits_for_long(path: Path, bot: sqlite3.Connection) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM turns").fetchone()
        fill(bot, 100)

        assert await SqliteUpkeep(path).checkpoint(above=1) > 0
        bot.execute("DELETE FROM turns")  # writing goes on


async def test_what_the_planner_has_learnt_keeps_the_search_for_work_quick(
    path: Path, bot: sqlite3.Connection
) -> None:
    bot.execute("BEGIN")
    bot.executemany(
        "INSERT INTO inbox (channel, key, lane, payload, received_at, state) VALUES ('t', ?, ?, '{}', 1, ?)",
        [(str(number), f"t:{number % 50}", 0 if number > 2990 else 1) for number in range(3000)],
    )
    bot.execute("COMMIT")
    await SqliteUpkeep(path).optimize()
    bot.execute("ANALYZE")  # what `optimize` does once it finds it worth while
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        asked = claimable(0, 10, owner="me").compile(engine, compile_kwargs={"render_postcompile": True})
        values = tuple(asked.params[name] for name in asked.positiontup or ())
        found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", values)
        plan = "\n".join(row[-1] for row in found)
    engine.dispose()

    assert "SCAN inbox\n" not in f"{plan}\n"
    assert "ix_inbox_waiting" in plan


async def test_a_file_that_was_moved_away_is_not_made_anew(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        await SqliteUpkeep(tmp_path / "none.db").space()
    assert size(tmp_path / "none.db") is None


def test_only_files_need_it() -> None:
    assert SqliteUpkeep.of(database_url("sqlite://")) is None
    assert SqliteUpkeep.of(database_url("postgresql://h/d")) is None
    assert SqliteUpkeep.of(database_url("sqlite:///a.db")) is not None
