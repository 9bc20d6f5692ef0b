"""What the bot knows right now: the base that serves, and how another takes its place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import orjson
import structlog

from faq import FaqManager, KnowledgeBase, KnowledgeError, Thresholds
from faq.manager import MatcherFactory, default_matcher
from faq.source import load_knowledge
from optfm_bot.clock import Clock
from optfm_bot.errors import StoreUnavailable
from optfm_bot.heap import give_back
from optfm_bot.store.contract import Store
from optfm_bot.store.records import FaqVersionRow

if TYPE_CHECKING:
    from faq.watch import KnowledgeWatcher

log = structlog.get_logger("optfm_bot.knowledge")

STARTERS = 4
"""Questions that a new visitor of a page is offered."""


class KnowledgeObserver(Protocol):
    """Hears of bases. `result` is loaded or refused."""

    def reloaded(self, result: str, entries: int) -> None:
        """A new base was taken, or one with mistakes was refused and the old one serves on."""


def demo_knowledge() -> Path:
    """The folder of the built-in sample base."""
    with as_file(files("optfm_bot.demo").joinpath("knowledge")) as path:
        return path


class Knowledge:
    """Holds the base that serves and swaps it whole: whoever is in the middle of an answer finishes with the old one.

    Use `load` to begin (raises `KnowledgeError`), `watch` to follow the files. `changed` is called with each new
    manager, `today` gives the date by which entries come and go, `matcher` makes what compares questions,
    `thresholds` say how sure an answer must be.
    """

    def __init__(
        self,
        path: Path,
        *,
        store: Store,
        clock: Clock,
        observer: KnowledgeObserver,
        today: Callable[[], date],
        changed: Callable[[FaqManager], None],
        matcher: MatcherFactory = default_matcher,
        thresholds: Thresholds | None = None,
    ) -> None:
        self.path = path
        self._store = store
        self._clock = clock
        self._observer = observer
        self._today = today
        self._changed = changed
        self._matcher = matcher
        self._thresholds = thresholds
        self._fingerprint = ""
        self._asked = asyncio.Event()
        self.taken: Callable[[str], None] = lambda _fingerprint: None
        """Is told of each base that was taken while this process runs."""

    def load(self) -> FaqManager:
        """Read the base for the first time. Raises `KnowledgeError` with every mistake, by file and line."""
        return self._take(load_knowledge(self.path))

    async def watch(self, stop: asyncio.Event) -> None:
        """Follow the files until `stop`: a valid base is taken at once, a broken one is refused with its mistakes."""
        from faq.watch import KnowledgeWatcher  # noqa: PLC0415 - loads a native library that the first answer need not wait for

        await self.remember()
        watcher = KnowledgeWatcher(self.path, self._follow, served=self._fingerprint)
        asked = asyncio.create_task(self._when_asked(watcher), name="knowledge of others")
        try:
            await watcher.run(stop)
        finally:
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)

    def look_again(self) -> None:
        """Look at the files now: another process has taken a new base, and folders of a network tell nothing."""
        self._asked.set()

    async def _when_asked(self, watcher: KnowledgeWatcher) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                await watcher.check()
            except Exception:  # the watch itself looks again soon, and tells what is wrong
                log.exception("knowledge.not_looked_at")

    async def _follow(self, found: KnowledgeBase | KnowledgeError) -> None:
        if isinstance(found, KnowledgeError):
            self._observer.reloaded("refused", 0)
            log.error("knowledge.refused", problems=[str(problem) for problem in found.problems[:20]])
            return
        manager = await asyncio.to_thread(self._manager, found)
        self._take(found, manager)
        give_back()  # of the old index, and of what the new one was built with
        log.info("knowledge.reloaded", entries=len(manager.entries))
        self.taken(self._fingerprint)
        await self.remember()

    def _take(self, base: KnowledgeBase, manager: FaqManager | None = None) -> FaqManager:
        manager = manager or self._manager(base)
        self.manager = manager
        self._fingerprint = base.fingerprint
        self._changed(manager)
        self._observer.reloaded("loaded", len(manager.entries))
        return manager

    def _manager(self, base: KnowledgeBase) -> FaqManager:
        return FaqManager.from_base(
            base, today=self._today, matcher=self._matcher, thresholds=self._thresholds
        )

    async def remember(self) -> None:
        """Keep the text of every version, so that feedback on it can be read later."""
        now = self._clock.ms()
        try:
            async with self._store.unit(fenced=False) as unit:
                for entry in self.manager.entries:
                    content = {
                        "question": entry.question,
                        "answer": entry.answer,
                        "answers": dict(entry.answers),
                    }
                    unit.history.add_faq_version(
                        FaqVersionRow(
                            entry_id=entry.id,
                            version=entry.version,
                            content=orjson.dumps(content).decode(),
                            first_seen_at=now,
                        )
                    )
        except StoreUnavailable as error:
            log.warning("knowledge.versions_not_kept", error=str(error))

    def starters(self) -> Sequence[str]:
        """Questions to begin with: the first of each category."""
        manager = self.manager
        firsts = [manager.entries_in(category.id) for category in manager.categories]
        chosen = [entries[0].question for entries in firsts if entries] or [
            e.question for e in manager.entries
        ]
        return chosen[:STARTERS]
