"""Backups of whatever database there is: on demand, before an upgrade, and every day."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, tzinfo
from pathlib import Path

from sqlalchemy import URL

from optfm_bot.housekeeping import shelf
from optfm_bot.housekeeping.copying import SqliteCopy
from optfm_bot.housekeeping.manifest import BackupUnfit, Manifest
from optfm_bot.housekeeping.plan import Rotation, backup_is_due, spare
from optfm_bot.store.engine import reader_engine, sqlite_path
from optfm_bot.store.faults import translated
from optfm_bot.store.schema import HEAD, current_revision


async def back_up(url: URL, target: Path, *, now: datetime) -> Manifest:
    """Make one backup while the bot works. Raises `BackupUnfit` and `StoreUnavailable`; then nothing is left of it."""
    if url.get_backend_name() == "postgresql":
        from optfm_bot.housekeeping.postgres import dump  # noqa: PLC0415 - SQLite does not pay for its tools

        return await dump(url, target, now=now)
    path = sqlite_path(url)
    if path is None:
        raise BackupUnfit("A database in memory cannot be backed up")
    copy = SqliteCopy(path)
    work = asyncio.create_task(asyncio.to_thread(copy.make, target, now=now))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        copy.cancel()
        await asyncio.wait({work})  # the thread cleans up after itself, which takes moments
        raise


def default_folder(url: URL, configured: str | None, cwd: Path) -> Path:
    """Where backups go: the configured folder, else `backups` beside the SQLite file or where the command is run."""
    if configured is not None:
        return cwd / configured
    path = sqlite_path(url)
    return (cwd / path).parent / "backups" if path is not None else cwd / "backups"


async def back_up_before_upgrade(url: URL, folder: Path, *, now: datetime) -> Path | None:
    """Copy a SQLite database whose schema is about to change; gives the copy, or None where none is needed.

    Nobody may work with the database meanwhile: take its lock before. Raises `BackupUnfit` and `StoreUnavailable`.
    """
    path = sqlite_path(url)
    if path is None or not await asyncio.to_thread(path.exists):
        return None
    with translated(url):
        engine = reader_engine(url, connections=1)
        try:
            async with engine.connect() as connection:
                revision = await connection.run_sync(current_revision)
        finally:
            await engine.dispose()
    if revision is None or revision >= HEAD:
        return None
    target = folder / shelf.name_of(f"before-{HEAD}-from-{revision}", now, "sqlite")
    await back_up(url, target, now=now)
    return target


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyBackups:
    """A backup a day in a folder, and the rotation of old ones. `at` is a time of day in `zone`."""

    url: URL
    folder: Path
    at: time
    zone: tzinfo
    rotation: Rotation

    async def due(self, now: datetime) -> bool:
        """Whether one should be made now. Raises `OSError` if the folder cannot be read."""
        return backup_is_due(list(await self._made()), now, at=self.at, zone=self.zone)

    async def make(self, now: datetime) -> Manifest:
        """Make one, then let old ones go. Raises `BackupUnfit`, `StoreUnavailable` and `OSError`."""
        engine = self.url.get_backend_name()
        manifest = await back_up(self.url, self.folder / shelf.name_of("daily", now, engine), now=now)
        await self._rotate()
        return manifest

    async def last(self) -> datetime | None:
        """When the newest one was made; None if there is none. Raises `OSError`."""
        return max(await self._made(), default=None)

    async def _rotate(self) -> Sequence[Path]:
        made = await self._made()
        gone = [made[moment] for moment in spare(list(made), self.rotation, self.zone)]
        await asyncio.to_thread(shelf.discard, gone)
        return gone

    async def _made(self) -> Mapping[datetime, Path]:
        return await asyncio.to_thread(shelf.daily_backups, self.folder)
