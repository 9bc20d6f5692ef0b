"""An ownership in a test's hands: which shards are ours, under which tenure, and whether that is certain."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable

from optfm_bot.shards import SHARDS, shard_of
from optfm_bot.store.memory import MemoryStore


class Tenancy:
    """The ownership and the fence of one process over a store in memory, as a membership would be."""

    def __init__(self, store: MemoryStore, tenure: int = 1, shards: Iterable[int] = range(SHARDS)) -> None:
        self._store = store
        self._shards = frozenset(shards)
        self.tenure: int | None = tenure
        self.sure = asyncio.Event()
        self.sure.set()
        store.members.add(tenure)
        store.fence = self

    @property
    def name(self) -> str:
        return str(self.tenure)

    @property
    def shards(self) -> Collection[int]:
        return self._shards

    def owns(self, lane: str) -> bool:
        return shard_of(lane) in self._shards

    def lasts(self, tenure: int | None) -> bool:
        return tenure == self.tenure

    async def certain(self, tenure: int | None) -> bool:
        while tenure == self.tenure and not self.sure.is_set():
            await self.sure.wait()
        return tenure == self.tenure

    def ended(self, tenure: int) -> None:
        """The store says so; a test has said it first."""

    def gives(self, *lanes: str) -> frozenset[int]:
        """Stop owning these conversations' shards; gives which."""
        given = frozenset(map(shard_of, lanes))
        self._shards -= given
        return given

    def takes(self, *lanes: str) -> frozenset[int]:
        """Own these conversations' shards; gives which."""
        taken = frozenset(map(shard_of, lanes))
        self._shards |= taken
        return taken

    def over(self) -> None:
        """The others have removed us, and we know it: nothing is ours until the next tenure."""
        if self.tenure is not None:
            self._store.evict(self.tenure)
        self.tenure = 0
        self._shards = frozenset()
        self.sure.set()

    def again(self, tenure: int) -> None:
        """Another tenure begins, with every shard."""
        self._store.members.add(tenure)
        self.tenure = tenure
        self._shards = frozenset(range(SHARDS))
