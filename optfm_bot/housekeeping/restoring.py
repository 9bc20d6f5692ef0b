"""A backup brought back into a SQLite database: made ready beside the one that is there, then swapped in one step.

Whenever this is killed, the address of the database leads to a whole database: the one before, or the one after.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count as numbers
from pathlib import Path

from sqlalchemy import URL

from channels.phrase import phrase
from optfm_bot.errors import SchemaMismatch, StoreUnavailable
from optfm_bot.housekeeping.copying import count, inspect
from optfm_bot.housekeeping.holding import Held, hold_back
from optfm_bot.housekeeping.manifest import BackupUnfit, Manifest, digest
from optfm_bot.housekeeping.shelf import flush
from optfm_bot.store.lock import StoreLock
from optfm_bot.store.schema import HEAD, upgrade

_CHUNK = 1 << 20
_BUSY_SECONDS = 5.0
_BESIDE = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What came of it: rows before (None: unreadable or not there) and after, where the old database is, what waits."""

    before: Mapping[str, int] | None
    after: Mapping[str, int]
    revision: str
    aside: Path | None
    held: Held


def verify(backup: Path, manifest: Manifest) -> None:
    """Compare a backup with its manifest. Raises `BackupUnfit`, and `SchemaMismatch` if a newer program made it."""
    try:
        found = digest(backup)
    except OSError as error:
        raise BackupUnfit(f"{backup} cannot be read: {error.strerror or error}") from error
    _require_same(backup, manifest, found)
    require_known(backup, manifest.revision)


def require_known(backup: Path, revision: str) -> None:
    """Raise `SchemaMismatch` for a schema that only a newer program knows."""
    if revision > HEAD:
        raise SchemaMismatch(
            phrase(
                "store.backup_newer",
                "{backup} has schema {revision}, this program knows {head}. Install the newer version of "
                "optfm-bot",
                backup=backup,
                revision=revision,
                head=HEAD,
            )
        )


async def restore_sqlite(
    url: URL, backup: Path, manifest: Manifest | None, *, send: bool, now: datetime
) -> Restored:
    """Put a backup in the place of the database at `url`, upgraded and checked; the old one is kept beside it.

    Unless `send`, nothing that waited when the backup was made is answered or sent by itself: it may have been done
    since. Without a manifest only the file itself is checked. Raises `StartRefused` while a bot works with the
    database, `BackupUnfit`, `SchemaMismatch`, and `StoreUnavailable` while another program has the database open.
    """
    current = await asyncio.to_thread(_file, Path(str(url.database)))
    if await asyncio.to_thread(_same, current, backup):
        raise BackupUnfit(f"{backup} is the database itself")
    lock = StoreLock(url)
    await lock.acquire()
    try:
        staged = current.with_name(f"{current.name}.restoring")
        _remove(staged)
        try:
            held = await _make_ready(url, backup, staged, manifest, send=send, now=now)
            return await asyncio.to_thread(_put_in_place, staged, current, held, now)
        except sqlite3.Error as error:
            raise StoreUnavailable(
                phrase("store.unusable", "The database cannot be used: {why}", why=error)
            ) from error
        except OSError as error:
            raise StoreUnavailable(
                phrase(
                    "store.backup_not_brought",
                    "The backup cannot be brought to {current}: {why}",
                    current=current,
                    why=error.strerror or error,
                )
            ) from error
        finally:
            _remove(staged)
    finally:
        await lock.release()


# -- beside the database --------------------------------------------------------------------------------------


async def _make_ready(
    url: URL, backup: Path, staged: Path, manifest: Manifest | None, *, send: bool, now: datetime
) -> Held:
    found = await asyncio.to_thread(_copy, backup, staged)
    if manifest is not None:
        _require_same(backup, manifest, found)
    revision, rows = await asyncio.to_thread(inspect, staged)
    if manifest is not None and (revision, rows) != (manifest.revision, manifest.rows):
        raise BackupUnfit(f"{backup} does not hold what its manifest says")
    require_known(backup, revision)
    await upgrade(url.set(database=str(staged)))
    return await asyncio.to_thread(_finish, staged, send=send, now=now)


def _file(path: Path) -> Path:
    """Behind a link the file itself is replaced: what SQLite keeps beside a database is named like the file."""
    return path.resolve() if path.is_symlink() else path


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _copy(backup: Path, staged: Path) -> tuple[int, str]:
    """Copy and add up in one go, so that what is checked is what was copied."""
    total, sha = 0, hashlib.sha256()
    descriptor = os.open(staged, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with backup.open("rb") as source, os.fdopen(descriptor, "wb") as target:
        while chunk := source.read(_CHUNK):
            total += len(chunk)
            sha.update(chunk)
            target.write(chunk)
    return total, sha.hexdigest()


def _finish(staged: Path, *, send: bool, now: datetime) -> Held:
    with closing(sqlite3.connect(staged, isolation_level=None, timeout=_BUSY_SECONDS)) as connection:
        held = Held(updates=0, messages=0) if send else hold_back(connection, now)
        # One file without a write-ahead log, which can be moved as a whole; the bot turns the log on again.
        connection.execute("PRAGMA journal_mode=DELETE").fetchall()
    return held


def _require_same(backup: Path, manifest: Manifest, found: tuple[int, str]) -> None:
    if found != (manifest.size, manifest.sha256):
        raise BackupUnfit(
            f"{backup} is not what its manifest describes: it has {found[0]} bytes and SHA-256 {found[1]},"
            f" it should have {manifest.size} and {manifest.sha256}"
        )


# -- the swap -------------------------------------------------------------------------------------------------


def _put_in_place(staged: Path, current: Path, held: Held, now: datetime) -> Restored:
    revision, after = inspect(staged)
    flush(staged)
    before, aside = None, None
    if current.exists():
        whole = _has_a_head(current)
        if whole:
            before = _rows(current)
            whole = _close_log(current)
        _take_rights(staged, current)
        aside = _set_aside(current, now)
        if not whole:
            # A log that could not be brought into its file stays with that file: the new one must never see it.
            _move_beside(current, aside)
    else:
        _take_rights(staged, current.parent)
    _remove_beside(current)
    staged.replace(current)
    _remove_beside(current)
    flush(current.parent)
    return Restored(before=before, after=after, revision=revision, aside=aside, held=held)


def _has_a_head(path: Path) -> bool:
    """Whether SQLite would take the file for a database. Of one that is none it deletes the log on closing."""
    try:
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        ) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError:
        return False
    return True


def _rows(path: Path) -> Mapping[str, int] | None:
    try:
        with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as connection:
            return count(connection)
    except sqlite3.Error:
        return None


def _close_log(path: Path) -> bool:
    """Bring the write-ahead log of a database into its file and end it; false if the database is damaged.

    Raises `StoreUnavailable` if another program has it open.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=_BUSY_SECONDS)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
            return bool(mode == "delete")
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise StoreUnavailable(
                phrase(
                    "store.open_elsewhere", "Another program has {path} open. End it and repeat", path=path
                )
            ) from error
        return False
    except sqlite3.DatabaseError:
        return False


def _set_aside(current: Path, now: datetime) -> Path:
    """Give the database a second name; the first one leads to it until the swap."""
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    names = (
        current.with_name(f"{current.name}.before-restore-{stamp}{f'-{number}' if number else ''}")
        for number in numbers()
    )
    aside = next(path for path in names if not path.exists())
    try:
        aside.hardlink_to(current)
    except OSError:  # a file system without second names
        shutil.copy2(current, aside)
        flush(aside)
    return aside


def _take_rights(staged: Path, like: Path) -> None:
    """Give the new file to whom the old one belonged: the bot may be somebody else than who restores."""
    found = like.stat()
    if like.is_file():
        staged.chmod(found.st_mode & 0o777)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        os.chown(staged, found.st_uid, found.st_gid)


def _move_beside(current: Path, aside: Path) -> None:
    for suffix in _BESIDE:
        left = Path(f"{current}{suffix}")
        if left.exists():
            left.replace(f"{aside}{suffix}")


def _remove_beside(path: Path) -> None:
    for suffix in _BESIDE:
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _remove(staged: Path) -> None:
    staged.unlink(missing_ok=True)
    _remove_beside(staged)
