"""The folder of backups: their names, how one appears there whole or not at all, and which may go."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from optfm_bot.housekeeping.manifest import BackupUnfit, Manifest, manifest_path

PARTIAL = ".partial"
_LOCK = ".optfm-backup.lock"
_STAMP = "%Y%m%dT%H%M%SZ"
_DAILY = re.compile(r"daily-(?P<stamp>\d{8}T\d{6}Z)\.(?:db|dump)")
SUFFIXES: Mapping[str, str] = {"sqlite": ".db", "postgresql": ".dump"}
"""How the backups of each engine end."""


def name_of(kind: str, made_at: datetime, engine: str) -> str:
    """The name of a backup: what it was made for, and when."""
    return f"{kind}-{made_at.astimezone(UTC).strftime(_STAMP)}{SUFFIXES[engine]}"


def daily_backups(folder: Path) -> Mapping[datetime, Path]:
    """The whole daily backups of a folder by their moments; nothing if there is no folder. Raises `OSError`."""
    found: dict[datetime, Path] = {}
    try:
        entries = sorted(folder.iterdir())
    except FileNotFoundError:
        return found
    for path in entries:
        match = _DAILY.fullmatch(path.name)
        if match is None or not manifest_path(path).exists():
            continue
        try:
            found[datetime.strptime(match["stamp"], _STAMP).replace(tzinfo=UTC)] = path
        except ValueError:  # a file of somebody else that is named like ours: 99999999T999999Z
            continue
    return found


def discard(backups: Sequence[Path]) -> None:
    """Delete backups; the manifest goes last, so that what is left of a broken deletion is recognised. Idempotent."""
    for path in backups:
        path.unlink(missing_ok=True)
        manifest_path(path).unlink(missing_ok=True)


@contextmanager
def place(target: Path) -> Iterator[Path]:
    """Give the path of an empty partial file, for one who makes a backup that shall be `target`.

    One backup at a time is made in a folder, so what is left of a broken one is known as such and goes. Whatever
    happens in the block, the partial file is gone after it. Raises `BackupUnfit`.
    """
    partial = target.with_name(f"{target.name}{PARTIAL}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.parent / _LOCK, timeout=0):
            for left in target.parent.glob(f"*{PARTIAL}"):
                if left.name.endswith(
                    tuple(f"{suffix}{PARTIAL}" for suffix in (*SUFFIXES.values(), ".json"))
                ):
                    left.unlink(missing_ok=True)
            if target.exists():
                raise BackupUnfit(f"{target} is there already. Name another file")
            try:
                os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                yield partial
            finally:
                partial.unlink(missing_ok=True)
    except Timeout:
        raise BackupUnfit(f"Another backup is being made in {target.parent}. Wait for its end") from None
    except OSError as error:
        raise BackupUnfit(f"{target} cannot be written: {error.strerror or error}") from error


def publish(partial: Path, target: Path, manifest: Manifest) -> None:
    """Make a whole backup appear, its manifest before it: a backup that has its name is one that can be restored.

    Raises `OSError`.
    """
    written = manifest_path(target)
    unfinished = written.with_name(f"{written.name}{PARTIAL}")
    descriptor = os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(manifest.encode())
    flush(unfinished)
    unfinished.replace(written)
    flush(partial)
    partial.replace(target)
    flush(target.parent)


def flush(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
