"""A folder for a moment: bytes become files with the names that people gave them, and all of it is removed."""

from __future__ import annotations

import asyncio
import mimetypes
import shutil
import tempfile
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath

_LONGEST = 160
"""Bytes of a file's name: every file system takes that many, whatever is put before them."""


class Scratch:
    """A folder that only we can read, made when something is put into it."""

    def __init__(self) -> None:
        self.root: Path | None = None
        self._count = 0

    async def keep(self, name: str, content: bytes) -> str:
        """Write a file under a safe name; gives its path. Files may have the same name. Raises `OSError`."""
        if self.root is None:
            self.root = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="optfm-"))
        self._count += 1
        path = self.root / str(self._count) / name
        await asyncio.to_thread(_write, path, content)
        return str(path)


@asynccontextmanager
async def scratch() -> AsyncIterator[Scratch]:
    """Give a folder that is removed at the end, with everything in it."""
    folder = Scratch()
    try:
        yield folder
    finally:
        if folder.root is not None:
            await asyncio.to_thread(shutil.rmtree, folder.root, ignore_errors=True)


def safe_name(name: str, *, mime: str = "", otherwise: str = "file") -> str:
    """A file's name from outside as one of ours: no path, nothing invisible, not too long, its ending kept.

    Without a name it is called `otherwise`, with the ending of its media type.
    """
    visible = "".join(" " if unicodedata.category(one) in _UNSEEN else one for one in name)
    last = " ".join(visible.replace("\\", "/").rsplit("/", 1)[-1].split()).strip(". ")
    if not last:
        return f"{otherwise}{mimetypes.guess_extension(mime.partition(';')[0].strip()) or ''}"
    ending = PurePosixPath(last).suffix
    if len(ending.encode()) > _LONGEST // 4:
        ending = ""
    stem = last.removesuffix(ending).encode()[: _LONGEST - len(ending.encode())].decode(errors="ignore")
    return f"{stem}{ending}"


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_bytes(content)
