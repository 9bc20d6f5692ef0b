"""Watches a knowledge file or folder and tells of every new state of it, good or bad."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from faq.base import KnowledgeBase, KnowledgeError
from faq.yaml_source import fingerprint, knowledge_files, parse_knowledge, read_files

Changed = Callable[[KnowledgeBase | KnowledgeError], Awaitable[None] | None]
"""Is told of a new valid base, or of what is wrong with the new state (then the old base goes on serving)."""

DEBOUNCE = 0.2
"""Seconds in which the writes of one save are taken together."""
LOOK_AGAIN = 10.0
"""Seconds after which the files are looked at even if the system told of no change: it can miss some."""

_Stamp = tuple[tuple[str, int, int, int], ...]


class KnowledgeWatcher:
    """Calls `changed` once for every new content at `path`: with a whole base, or with what is wrong.

    The caller owns it: `run(stop)` lasts until the event is set (or the task is cancelled) and starts nothing
    that outlives it. `served` is the fingerprint of the base in use, so a change from before the start is not
    missed. Files that are replaced by a rename, that vanish and that come back are followed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        changed: Changed,
        *,
        served: str = "",
        debounce: float = DEBOUNCE,
        look_again: float = LOOK_AGAIN,
    ) -> None:
        self.path = Path(path)
        self._changed = changed
        self._last = served
        self._debounce = debounce
        self._look_again = look_again
        self._stamp: _Stamp | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until `stop` is set. What `changed` raises ends the watch and reaches the caller."""
        async for _ in self._signals(stop):
            await self.check()

    async def check(self) -> None:
        """Look at the files now and tell of them if their content is new."""
        stamp = await asyncio.to_thread(_stamp, self.path)
        if stamp == self._stamp:
            return
        found = await asyncio.to_thread(self._load)
        self._stamp = stamp
        if found is not None and (told := self._changed(found)) is not None:
            await told

    def _load(self) -> KnowledgeBase | KnowledgeError | None:
        files = read_files(self.path)
        digest = fingerprint(files)
        if digest == self._last:
            return None
        self._last = digest
        try:
            return parse_knowledge(files)
        except KnowledgeError as error:
            return error

    async def _signals(self, stop: asyncio.Event) -> AsyncIterator[None]:
        """Something may have changed: at the start, at every event of the system, and now and then."""
        from watchfiles import awatch  # noqa: PLC0415  # 60 ms that only a watcher owes

        is_folder = self.path.is_dir()
        # A file is watched through its folder: editors replace files, and the old one tells nothing more.
        watched = self.path if is_folder else self.path.absolute().parent
        yield None
        while not stop.is_set():
            try:
                async for _ in awatch(
                    watched,
                    watch_filter=None if is_folder else self._is_ours,
                    debounce=max(int(self._debounce * 1000), 50),
                    step=50,
                    stop_event=stop,
                    rust_timeout=max(int(self._look_again * 1000), 50),
                    yield_on_timeout=True,
                    recursive=is_folder,
                ):
                    yield None
            except OSError:  # the folder is not there (yet, or any more)
                yield None
                await _wait(stop, self._look_again)

    def _is_ours(self, _change: object, name: str) -> bool:
        """The file itself, or a hidden link beside it by which mounted configuration is switched over."""
        base = os.path.basename(name)  # noqa: PTH119  # a text from the watcher, compared as a text
        return base == self.path.name or base.startswith("..")


def _stamp(path: Path) -> _Stamp:
    """What the system says of the files without reading them."""
    stamps = []
    try:
        for name in knowledge_files(path):
            status = name.stat()
            stamps.append((str(name), status.st_mtime_ns, status.st_size, status.st_ino))
    except OSError as error:
        stamps.append((str(path), -1, error.errno or 0, 0))
    return tuple(stamps)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
