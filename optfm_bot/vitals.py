"""What the parts of the house tell the watch: what waits, what is in memory, and what must be so to work at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from channels.phrase import phrase
from optfm_bot.clock import Clock
from optfm_bot.cluster.membership import Membership
from optfm_bot.dispatch.dispatcher import Dispatcher
from optfm_bot.errors import StoreUnavailable
from optfm_bot.observe.readiness import Backlog, Essentials
from optfm_bot.observe.watch import Held, Share
from optfm_bot.outbox.delivery import Delivery
from optfm_bot.receive.runner import ChannelRunner
from optfm_bot.shards import SHARDS
from optfm_bot.store.contract import Store
from optfm_bot.store.records import StoreCounts

_CHECK_SECONDS = 3.0
"""How long the database may take to prove that it can be written."""


class HouseVitals:
    """Looks into the parts of one house. `membership` is None where the house has its store for itself.

    `stopping` is set when the house stops, `entries` tells how many entries can answer now.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        dispatcher: Dispatcher,
        runners: Mapping[str, ChannelRunner],
        deliveries: Mapping[str, Delivery],
        membership: Membership | None,
        stopping: asyncio.Event,
        entries: Callable[[], int],
    ) -> None:
        self._store = store
        self._clock = clock
        self._dispatcher = dispatcher
        self._runners = runners
        self._deliveries = deliveries
        self._membership = membership
        self._stopping = stopping
        self._entries = entries

    async def counts(self) -> StoreCounts:
        """How much work waits, whoever is to do it. Raises `StoreUnavailable`."""
        return await self._store.counts()

    async def essentials(self) -> Essentials:
        """What must be so at this moment."""
        trouble: str | None = None
        try:
            async with self._clock.limit(_CHECK_SECONDS):
                await self._store.check()
        except (StoreUnavailable, TimeoutError) as error:
            trouble = str(error) or phrase("ready.store_silent", "the database does not answer")
        return Essentials(stopping=self._stopping.is_set(), store=trouble, entries=self._entries())

    async def backlogs(self, counts: StoreCounts, now: int) -> Mapping[str, Backlog]:
        """What waits in each channel for this process, and whether its platform is the reason; `now` in ms.

        Raises `StoreUnavailable`.
        """
        # Whoever writes faster than their chat may be answered waits for that alone, and says nothing of the others.
        crowded = [lane for delivery in self._deliveries.values() for lane in delivery.crowded]
        shards = None if self._membership is None else self._membership.shards
        own = counts
        if crowded or shards is not None:
            own = await self._store.counts(shards=shards, without=crowded)
        return {
            name: Backlog(
                waiting=own.inbox_new.get(name, 0),
                oldest=max(0, now - own.inbox_oldest.get(name, now)) / 1000,
                unsent=own.outbox_open.get(name, 0),
                held_back=not runner.status.now.works or self._deliveries[name].full,
            )
            for name, runner in self._runners.items()
        }

    def held(self) -> Held:
        """What is in memory."""
        return Held(updates=self._dispatcher.held, size=self._dispatcher.size, used=self._dispatcher.fullness)

    def share(self) -> Share | None:
        """What this process is among those that share its database; None if it has it for itself."""
        if self._membership is None:
            return None
        return Share(
            members=self._membership.members,
            shards=SHARDS,
            owned=len(self._membership.shards),
            missing=self._membership.missing,
        )
