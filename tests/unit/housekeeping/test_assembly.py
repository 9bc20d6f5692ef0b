"""What the settings say is what is done."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import URL

from config.schema import Settings
from optfm_bot.clock import ManualClock
from optfm_bot.housekeeping.assembly import daily_backups, housekeeping
from optfm_bot.housekeeping.keeper import NoObserver
from optfm_bot.housekeeping.plan import Rotation

Make = Callable[..., URL]


def test_a_real_database_is_kept_in_order_as_the_settings_say(make: Make, tmp_path: Path) -> None:
    """The rows of the fixture are of October 2025: finished ones go, waiting ones stay, a backup is made before."""
    url = make("bot.db")
    settings = Settings.model_validate(
        {
            "database": {"url": str(url), "backup": {"path": "copies", "at": "23:30"}},
            "retention": {"updates": 3, "parked": 0},
        }
    )
    clock = ManualClock(datetime(2026, 8, 15, 9, 0, tzinfo=UTC))

    async def one_round() -> None:
        keeper = housekeeping(
            settings,
            cwd=tmp_path,
            clock=clock,
            serving=tuple,
            mine=lambda: True,
            observer=NoObserver(),
        )
        stop = asyncio.Event()
        done = asyncio.create_task(keeper.round(stop))
        while not done.done():
            await asyncio.wait({done}, timeout=0.02)
            await clock.advance(1)
        await done
        await keeper._retention.close()

    asyncio.run(one_round())

    with closing(sqlite3.connect(tmp_path / "bot.db")) as connection:
        inbox = connection.execute("SELECT key FROM inbox ORDER BY id").fetchall()
        outbox = connection.execute("SELECT id FROM outbox ORDER BY id").fetchall()
        turns = connection.execute("SELECT count(*) FROM turns").fetchone()
    assert inbox == [("waiting",), ("parked",)]
    assert (outbox, turns) == ([(2,), (3,)], (0,))
    assert len(list((tmp_path / "copies").glob("daily-20260815T*Z.db"))) == 1


def test_without_a_folder_there_are_no_daily_backups(tmp_path: Path) -> None:
    assert daily_backups(Settings(), tmp_path) is None


def test_the_rotation_and_the_time_are_those_of_the_settings(tmp_path: Path) -> None:
    found = daily_backups(
        Settings.model_validate(
            {
                "agent": {"timezone": "Asia/Omsk"},
                "database": {"backup": {"path": "a", "at": "13:10", "keep_daily": 1, "keep_weekly": 2}},
            }
        ),
        tmp_path,
    )

    assert found is not None
    assert (found.folder, found.at.isoformat(), str(found.zone)) == (tmp_path / "a", "13:10:00", "Asia/Omsk")
    assert found.rotation == Rotation(daily=1, weekly=2, monthly=6)


@pytest.mark.parametrize("at", ["3:10", "24:00", "03:60", "noon", ""])
def test_a_time_that_is_none_is_refused(at: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"database": {"backup": {"at": at}}})
