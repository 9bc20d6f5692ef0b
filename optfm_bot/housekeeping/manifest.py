"""What is written beside a backup: of which schema it is, how many rows it has, and what its bytes add up to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from optfm_bot.errors import OptfmError

FORMAT = 1
_CHUNK = 1 << 20
_MAX_BYTES = 1 << 20


class BackupUnfit(OptfmError):
    """A backup could not be made or cannot be trusted; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The facts of one backup: `engine` is sqlite or postgresql, `size` in bytes, `rows` counted by table."""

    engine: str
    revision: str
    made_at: datetime
    program: str
    size: int
    sha256: str
    rows: Mapping[str, int]

    def data(self) -> dict[str, Any]:
        """Give the facts for programs."""
        return {
            "format": FORMAT,
            "engine": self.engine,
            "revision": self.revision,
            "made_at": self.made_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "program": self.program,
            "bytes": self.size,
            "sha256": self.sha256,
            "rows": dict(self.rows),
        }

    def encode(self) -> bytes:
        """Write it as JSON that people can read."""
        return (json.dumps(self.data(), indent=2) + "\n").encode()


def manifest_path(backup: Path) -> Path:
    """Where the manifest of a backup is: beside it, `.json` added to its name."""
    return backup.with_name(f"{backup.name}.json")


def read_manifest(backup: Path) -> Manifest:
    """Read the manifest of a backup. Raises `BackupUnfit` if there is none or it cannot be understood."""
    path = manifest_path(backup)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise BackupUnfit(f"{path} is no manifest of a backup: it is too large")
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise BackupUnfit(
            f"{backup} has no manifest: {path.name} must lie beside it. It is written by: optfm-bot db backup"
        ) from None
    except OSError as error:
        raise BackupUnfit(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise BackupUnfit(f"{path} is no manifest of a backup: {error}") from error
    try:
        return parse_manifest(found)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BackupUnfit(f"{path} is no manifest of a backup: {error!r}") from error


def parse_manifest(found: Any) -> Manifest:
    """Read what `Manifest.data` gave. Raises `KeyError`, `TypeError` or `ValueError` for anything else. Pure."""
    if found["format"] != FORMAT:
        raise ValueError(f"format {found['format']!r} is not known")
    return Manifest(
        engine=str(found["engine"]),
        revision=str(found["revision"]),
        made_at=datetime.fromisoformat(found["made_at"]),
        program=str(found["program"]),
        size=int(found["bytes"]),
        sha256=str(found["sha256"]),
        rows={str(table): int(number) for table, number in found["rows"].items()},
    )


def digest(path: Path) -> tuple[int, str]:
    """Count a file and add up its bytes: size and SHA-256. Raises `OSError`."""
    total, sha = 0, hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            total += len(chunk)
            sha.update(chunk)
    return total, sha.hexdigest()
