"""The housekeeping of a bot, put together from its settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

from config.schema import Settings
from optfm_bot.clock import Clock
from optfm_bot.housekeeping.backups import DailyBackups
from optfm_bot.housekeeping.keeper import Housekeeping, HousekeepingObserver
from optfm_bot.housekeeping.plan import Keep, Rotation
from optfm_bot.store.engine import database_url
from optfm_bot.store.retention import Serving, SqlRetention
from optfm_bot.store.upkeep import SqliteUpkeep


def housekeeping(
    settings: Settings,
    *,
    cwd: Path,
    clock: Clock,
    serving: Serving,
    mine: Callable[[], bool],
    observer: HousekeepingObserver,
) -> Housekeeping:
    """Make it; nothing is connected or written yet. `cwd` is where the folder of backups is relative to."""
    url = database_url(settings.database.url)
    return Housekeeping(
        SqlRetention(url, serving=serving),
        Keep(**settings.retention.model_dump()),
        clock=clock,
        upkeep=SqliteUpkeep.of(url),
        backups=daily_backups(settings, cwd),
        mine=mine,
        observer=observer,
    )


def daily_backups(settings: Settings, cwd: Path) -> DailyBackups | None:
    """The daily backups as configured; None if no folder is named."""
    backup = settings.database.backup
    if backup.path is None:
        return None
    return DailyBackups(
        url=database_url(settings.database.url),
        folder=cwd / backup.path,
        at=time.fromisoformat(backup.at),
        zone=ZoneInfo(settings.agent.timezone),
        rotation=Rotation(daily=backup.keep_daily, weekly=backup.keep_weekly, monthly=backup.keep_monthly),
    )
