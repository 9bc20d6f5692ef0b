"""Neighbours: what this process tells the others that share its database, and what it does when they tell it something.

Nothing here is needed for a message not to be lost: whoever did not hear finds it in the store a moment later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from functools import partial

import structlog

from optfm_bot.clock import Clock, cut_off
from optfm_bot.cluster.membership import TOPIC
from optfm_bot.cluster.sharing import Cluster
from optfm_bot.dispatch.dispatcher import Dispatcher
from optfm_bot.dispatch.handler import UpdateHandler
from optfm_bot.errors import StoreUnavailable
from optfm_bot.ids import IdSource
from optfm_bot.outbox.deliveries import Deliveries
from optfm_bot.store.contract import Store
from optfm_bot.supervise import Supervisor

log = structlog.get_logger("optfm_bot.cluster")

_LEAVE_SECONDS = 1.0
_SWEEP_SECONDS = 2.0
"""How often what others have promised for our conversations is looked for; a notice makes it sooner."""


class Neighbours:
    """Stands between the parts of one house and the other processes.

    `on` holds what others may want to hear of: a topic and what to do with what was said, which is empty when something
    may have been missed. `failed` hears the name of each part that broke.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        store: Store,
        clock: Clock,
        ids: IdSource,
        dispatcher: Dispatcher,
        handler: UpdateHandler,
        deliveries: Deliveries,
        failed: Callable[[str], None],
    ) -> None:
        membership = self.membership = cluster.membership
        self._registry = cluster.registry
        self._store = store
        self._clock = clock
        self._ids = ids
        self._dispatcher = dispatcher
        self._handler = handler
        self._deliveries = deliveries
        self._promised: dict[str, set[int]] = {}
        self._told = asyncio.Event()
        # Others would take a process for dead that stops to show that it lives while it finishes its work: these parts
        # outlast the other ones.
        self._supervisor = Supervisor(clock, failed)
        self.on: dict[str, Callable[[str], None]] = {
            TOPIC: lambda _: membership.nudge(),
            "inbox": self._updates_came,
            "outbox": self._promises_came,
            "person": lambda ref: handler.forget(ref or None),
        }

    # -- life ---------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Begin to listen. Raises `StoreUnavailable`."""
        await self._registry.open(self.hear, self.membership.unsure)

    def start(self) -> None:
        """Be a member, and take up what others promise for our conversations, until `stop`."""
        stopping = self._supervisor.stopping
        self._supervisor.start("cluster", partial(self.membership.run, self, stopping))
        self._supervisor.start("cluster messages", partial(self._follow, stopping))

    async def _follow(self, stop: asyncio.Event) -> None:
        swept = self._clock.monotonic()
        while not await self._stopped(stop):
            promised, self._promised = self._promised, {}
            try:
                for channel, ids in promised.items():
                    await self._deliveries[channel].take_up(await self._store.outgoing(ids))
                if not promised or self._clock.monotonic() - swept >= _SWEEP_SECONDS:
                    swept = self._clock.monotonic()
                    for delivery in self._deliveries.values():
                        await delivery.sweep()
            except StoreUnavailable as error:
                log.error("cluster.not_followed", error=str(error))
                await self._clock.wait(stop, _SWEEP_SECONDS)

    async def _stopped(self, stop: asyncio.Event) -> bool:
        if not stop.is_set():
            await self._clock.wait(self._told, _SWEEP_SECONDS)
            self._told.clear()
        return stop.is_set()

    def retire(self) -> None:
        """Take nothing more; what is ours is finished."""
        self.membership.retire()

    async def stop(self, seconds: float) -> None:
        """Leave the others within `seconds`; everything that was ours is free at once."""
        self._told.set()
        self.membership.nudge()
        await self._supervisor.stop(seconds)
        # Who cannot leave in time is missed by the others, and removed: what ends here must end.
        leaving = asyncio.create_task(self._end(), name="cluster end")
        if await cut_off({leaving}, self._clock, _LEAVE_SECONDS):
            log.warning("cluster.not_left", error="the database does not answer")
        elif not leaving.cancelled():
            leaving.result()

    async def _end(self) -> None:
        try:
            await self.membership.end()
        finally:
            await self._registry.close()

    # -- conversations that come and go -------------------------------------------------------------------

    def joined(self, tenure: int) -> None:
        """Number what is made from now on as nobody else does."""
        self._ids.renumber(tenure)

    async def prepare(self, shards: Collection[int]) -> None:
        """Take up what earlier owners promised and did not send."""
        self._handler.forget()
        await self._deliveries.recover(shards)

    def took(self, shards: Collection[int]) -> None:
        """Handle what waits in these shards."""
        del shards
        self._dispatcher.took()

    async def leave(self, shards: Collection[int]) -> None:
        """Finish what is under way in these shards: first what is being answered, then what is being sent."""
        while True:
            try:
                await self._dispatcher.let_go(shards)
                break
            except StoreUnavailable as error:
                log.warning("cluster.not_let_go", error=str(error))
                await self._clock.sleep(_SWEEP_SECONDS)
        await asyncio.gather(*(delivery.let_go(shards) for delivery in self._deliveries.values()))

    def displaced(self) -> None:
        """Drop everything: somebody else has it."""
        self._dispatcher.evict()
        for delivery in self._deliveries.values():
            delivery.evict()
        self._handler.forget()

    # -- telling and hearing ------------------------------------------------------------------------------

    def tell(self, topic: str, text: str) -> None:
        """Tell the others something else."""
        self._registry.tell(topic, text)

    def hear(self, topic: str, text: str) -> None:
        """Do what follows from what another process said."""
        if topic:
            act = self.on.get(topic)
            if act is not None:
                act(text)
            return
        for act in self.on.values():
            act("")

    def _updates_came(self, text: str) -> None:
        if not text or int(text) in self.membership.shards:
            self._dispatcher.wake()

    def _promises_came(self, text: str) -> None:
        channel, _, ids = text.partition(" ")
        if channel in self._deliveries:
            self._promised.setdefault(channel, set()).update(map(int, ids.split()))
            self._told.set()
