"""How large the database is, and how much room is left beside it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageUse:
    """Bytes: the SQLite file, its write-ahead file, and what a program like ours may still write on that disk."""

    size: int
    wal: int
    free: int


def storage_use(database: Path) -> StorageUse:
    """Look at a SQLite file and the disk that it lies on; a file that is not there has no bytes.

    It asks the file system, which may take long on a network disk, so call it in a thread. Raises `OSError` if the
    folder cannot be looked at.
    """
    return StorageUse(
        size=_bytes(database),
        wal=_bytes(database.with_name(f"{database.name}-wal")),
        free=shutil.disk_usage(database.parent).free,
    )


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # before the first write, and when SQLite has put its write-ahead file away
        return 0
