"""A copy of a SQLite database that is in use: no commit is lost, nobody waits, and what was deleted stays out of it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path

from optfm_bot import __version__
from optfm_bot.housekeeping.manifest import BackupUnfit, Manifest, digest
from optfm_bot.housekeeping.shelf import place, publish

_BUSY_SECONDS = 10.0
_LOOK_EVERY = 20_000
"""Steps of SQLite's machine between two looks at whether somebody wants it to end: some milliseconds."""
_SPARE_BYTES = 64 << 20
"""What a backup leaves free on the disk: a bot on a full disk can store nothing."""


class SqliteCopy:
    """Makes one backup, in a thread of its own: `make` works until it is done, `cancel` ends it from outside.

    SQLite's `VACUUM INTO` reads one snapshot while others go on writing, and writes only what is alive.
    """

    def __init__(self, source: Path) -> None:
        self._source = source
        self._cancelled = False

    def make(self, target: Path, *, now: datetime) -> Manifest:
        """Copy, check, and put the copy and its manifest in their place. `BackupUnfit`: nothing is there."""
        if not self._source.exists():
            raise BackupUnfit(f"There is no database {self._source}")
        try:
            with place(target) as partial:
                self._require_room(target.parent)
                self._copy(partial)
                self._stop_if_cancelled()
                revision, rows = inspect(partial, stop=lambda: self._cancelled)
                size, sha256 = digest(partial)
                self._stop_if_cancelled()
                manifest = Manifest(
                    engine="sqlite",
                    revision=revision,
                    made_at=now,
                    program=__version__,
                    size=size,
                    sha256=sha256,
                    rows=rows,
                )
                publish(partial, target, manifest)
                return manifest
        except BackupUnfit:
            self._stop_if_cancelled()
            raise
        except sqlite3.Error as error:
            raise BackupUnfit(f"{self._source} cannot be copied: {error}") from error

    def cancel(self) -> None:
        """Let `make` end soon with `BackupUnfit`; may be called from any thread, also after its end."""
        self._cancelled = True

    def _copy(self, partial: Path) -> None:
        address = f"{self._source.resolve().as_uri()}?mode=rw"
        with closing(
            sqlite3.connect(address, uri=True, isolation_level=None, timeout=_BUSY_SECONDS)
        ) as connection:
            connection.set_progress_handler(lambda: self._cancelled, _LOOK_EVERY)
            try:
                connection.execute("VACUUM INTO ?", (str(partial.resolve()),))
            except sqlite3.OperationalError:
                self._stop_if_cancelled()
                raise

    def _require_room(self, folder: Path) -> None:
        needed = self._source.stat().st_size + _SPARE_BYTES
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise BackupUnfit(
                f"{folder} has {free >> 20} MB free, a backup of {self._source} needs {needed >> 20} MB"
            )

    def _stop_if_cancelled(self) -> None:
        if self._cancelled:
            raise BackupUnfit("The backup was given up, because the program ends")


def inspect(path: Path, *, stop: Callable[[], bool] = lambda: False) -> tuple[str, Mapping[str, int]]:
    """Read every page of a database file that nobody uses; gives its revision and how many rows its tables have.

    Raises `BackupUnfit` if it is damaged or is no database of this program, or as soon as `stop` gives true.
    """
    try:
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        ) as connection:
            connection.set_progress_handler(stop, _LOOK_EVERY)
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
            if found != ["ok"]:
                raise BackupUnfit(f"{path} is damaged: {'; '.join(found)}")
            return _revision(connection, path), count(connection)
    except sqlite3.Error as error:
        raise BackupUnfit(f"{path} cannot be read: {error}") from error


def count(connection: sqlite3.Connection) -> Mapping[str, int]:
    """How many rows each table has."""
    names = [
        str(row[0])
        for row in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
            " AND name <> 'alembic_version' ORDER BY name"
        )
    ]
    quoted = {name: name.replace('"', '""') for name in names}
    return {
        name: int(connection.execute(f'SELECT count(*) FROM "{quoted[name]}"').fetchone()[0])  # noqa: S608 - quoted
        for name in names
    }


def _revision(connection: sqlite3.Connection, path: Path) -> str:
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        row = None
    if row is None:
        raise BackupUnfit(f"{path} holds no tables of this program")
    return str(row[0])
