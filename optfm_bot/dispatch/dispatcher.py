"""The dispatcher: which stored updates this process takes into its hands, from their birth or claimed later."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence

import structlog

from channels.values import dataclass
from optfm_bot.clock import Clock, cut_off
from optfm_bot.dispatch.lanes import STORE_RETRY_SECONDS, DispatchObserver, Handler, Lanes
from optfm_bot.errors import StoreUnavailable
from optfm_bot.ownership import Ownership
from optfm_bot.store.contract import Store
from optfm_bot.store.records import StoredUpdate

log = structlog.get_logger("optfm_bot.dispatch")

_RELEASE_SECONDS = 1.0
_LEASE_MS = 60_000
_CLAIM_LIMIT = 500


@dataclass(frozen=True, slots=True, eq=False)
class Lease:
    """Who holds updates from their birth: this dispatcher, or nobody when its memory is full or they are another's.

    `owners` are in the order of the lanes that were asked for, `lanes` those whose updates this dispatcher takes, of
    which `held` are counted already. `spilled`: it would have taken some, and had no room.
    """

    owners: Sequence[str | None]
    tenure: int | None
    until: int = 0
    lanes: frozenset[str] = frozenset()
    held: int = 0
    spilled: bool = False


class Dispatcher:
    """Runs one task per busy conversation over the updates that this process holds.

    `room` is awaited before each update, with its channel and lane: it holds handling back while the outbox is long.
    `memory` bounds the updates held at once, `per_lane` those of one conversation; what comes beyond waits in the store
    and is claimed in order later. `ownership` says which conversations are this process's, `answered` is told of
    updates that turned out to be handled though we never heard of it.
    """

    def __init__(
        self,
        store: Store,
        handler: Handler,
        clock: Clock,
        observer: DispatchObserver,
        *,
        ownership: Ownership,
        join_window: float = 0.0,
        room: Callable[[str, str], Awaitable[None]] | None = None,
        answered: Callable[[Sequence[int]], Awaitable[None]] | None = None,
        memory: int = 5000,
        per_lane: int = 200,
        sweep_seconds: float = 2.0,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ownership = ownership
        self._memory = memory
        self._per_lane = per_lane
        self._sweep_seconds = sweep_seconds
        self._lanes = Lanes(
            store,
            handler,
            clock,
            observer,
            ownership=ownership,
            join_window=join_window,
            room=room,
            answered=answered,
            rested=self._rested,
        )
        # Room in memory for what is being stored or claimed at the moment.
        self._reserved = 0
        self._outstanding: set[Lease] = set()
        self._returned = asyncio.Event()
        self._sweeper: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._stopping = self._lanes.stopping
        # Updates that were stored without an owner because memory was full. While there are any, new ones go the
        # same way: a conversation must not overtake itself. It begins so, because a push may come before `start` has
        # taken up what earlier runs left.
        self._overflow = True
        self._unowned_now = 0
        self._unowned_ever = 0
        # One conversation has had more than its share of the memory: claims count by conversation until it rests.
        self._crowded = False
        # A reply of the store was lost: it may hold updates for us that we have never seen.
        self._unsure = False

    # -- the house's side ---------------------------------------------------------------------------------

    @property
    def held(self) -> int:
        """How many updates are in memory."""
        return self._reserved + self._lanes.held

    @property
    def fullness(self) -> float:
        """The used share (0 to 1) of the room for updates."""
        return self.held / self._memory

    @property
    def size(self) -> int:
        """How many bytes the updates in memory have."""
        return self._lanes.size

    @property
    def stopping(self) -> asyncio.Event:
        """Set when nothing new is begun any more; `room` may return then."""
        return self._stopping

    async def idle(self) -> None:
        """Wait until nothing that this process holds is left to handle."""
        await self._lanes.idle()

    async def start(self, *, alone: bool) -> None:
        """Take up what earlier runs left. `alone`: no other process uses the store, so every lease is stale."""
        if alone:
            stale = await self._store.release()
            if stale:
                log.info("dispatch.recovered", updates=stale)
        self._overflow = True
        await self._claim()
        self._sweeper = asyncio.create_task(self._sweep(), name="dispatch sweeper")

    def close(self) -> None:
        """Begin nothing new any more."""
        self._lanes.close()
        self._wake.set()

    async def stop(self, seconds: float) -> None:
        """Handle what is under way within `seconds`, leave the rest in the store, and end every task."""
        self.close()
        tasks = {*self._lanes.tasks, *({self._sweeper} if self._sweeper else set())}
        await cut_off(tasks, self._clock, seconds)
        try:
            async with self._clock.limit(_RELEASE_SECONDS):
                await self._store.release(owner=self._ownership.name)
        except (StoreUnavailable, TimeoutError) as error:
            log.warning("dispatch.release_failed", error=str(error) or "the database does not answer")

    def lease(self, lanes: Sequence[str], *, only_here: bool = True) -> Lease:
        """Say who will hold updates of these lanes that are about to be stored, one lane for each update.

        Every lease must be given back to `accept`. `only_here`: nobody else receives for these conversations. What two
        processes may receive is claimed from the store, in its order: neither knows what the other has just stored.
        """
        owns = self._ownership.owns
        mine = [lane for lane in lanes if owns(lane)] if only_here or self._ownership.tenure is None else []
        lease = self._lease(lanes, mine)
        self._outstanding.add(lease)
        return lease

    def _lease(self, lanes: Sequence[str], mine: Sequence[str]) -> Lease:
        tenure = self._ownership.tenure
        if not mine:
            return Lease([None] * len(lanes), tenure)
        if self._overflow or self._stopping.is_set() or not self._fits(mine):
            self._unowned_now += 1
            self._unowned_ever += 1
            self._overflow = True
            return Lease([None] * len(lanes), tenure, spilled=True)
        self._reserved += len(mine)
        taken, name = frozenset(mine), self._ownership.name
        owners = [name if lane in taken else None for lane in lanes]
        return Lease(owners, tenure, self._clock.ms() + _LEASE_MS, taken, len(mine))

    def _fits(self, lanes: Sequence[str]) -> bool:
        if self.held + len(lanes) > self._memory:
            return False
        for lane, more in Counter(lanes).items():
            if self._lanes.length(lane) + more > self._per_lane:
                self._crowded = True
                return False
        return True

    def accept(self, lease: Lease, updates: Sequence[StoredUpdate], *, unsure: bool = False) -> Sequence[str]:
        """Take the updates that were stored under a lease; none if storing failed. Gives the lanes that others have.

        `unsure`: nobody knows whether they were stored.
        """
        self._outstanding.discard(lease)
        self._returned.set()
        elsewhere: list[str] = []
        if lease.tenure != self._ownership.tenure:
            return elsewhere  # whoever has taken over finds them in the store
        self._reserved -= lease.held
        for update in updates:
            if update.lane in lease.lanes:
                if self._unsure:
                    continue  # it may come after one that we have never seen: claimed, they come in order
                self._lanes.add(update)
            elif self._ownership.owns(update.lane):
                self._wake.set()
            else:
                elsewhere.append(update.lane)
        if lease.spilled:
            self._unowned_now -= 1
            self._wake.set()
        if unsure:
            self._unsure = self._overflow = True
        if self._unsure:
            self._wake.set()
        return elsewhere

    # -- conversations that come and go -------------------------------------------------------------------

    def took(self) -> None:
        """More conversations are ours: what waits of them is claimed before anything new."""
        self._overflow = True
        self._wake.set()

    async def let_go(self, shards: Collection[int]) -> None:
        """Finish what is under way for shards that are not ours any more; the rest waits in the store for its owner."""
        for lease in list(self._outstanding):
            while lease in self._outstanding and not self._stopping.is_set():
                self._returned.clear()
                await self._clock.wait(self._returned, STORE_RETRY_SECONDS)
        await self._lanes.let_go(shards)
        await self._let_go(shards)

    def wake(self) -> None:
        """Something was stored for us by somebody else."""
        self._wake.set()

    def evict(self) -> None:
        """Drop everything at once: it is somebody else's now."""
        self._lanes.evict()
        self._reserved = 0
        self._unowned_now = 0
        self._overflow = True
        self._unsure = False

    def _rested(self) -> None:
        """A conversation is through: what waits behind it in the store may be claimed now."""
        if self._overflow:
            self._wake.set()

    async def _let_go(self, shards: Collection[int] | None = None) -> None:
        """Give back what the store holds for us, of these shards, and we do not know."""
        owner, keep = self._ownership.name, frozenset(self._lanes.ids)
        freed = await self._store.let_go(owner=owner, keep=keep, shards=shards)
        if freed:
            log.info("dispatch.let_go", updates=freed)

    # -- updates that wait in the store -------------------------------------------------------------------

    async def _sweep(self) -> None:
        renewed = self._clock.monotonic()
        while not self._stopping.is_set():
            await self._clock.wait(self._wake, self._sweep_seconds)
            self._wake.clear()
            try:
                if self._unsure and not any(lease.held for lease in self._outstanding):
                    self._unsure = False
                    self._overflow = True
                    await self._let_go()
                if self._clock.monotonic() - renewed > _LEASE_MS / 3000:
                    await self._renew()
                    renewed = self._clock.monotonic()
                await self._claim()
            except StoreUnavailable as error:
                self._unsure = self._overflow = True  # what was claimed without our hearing of it
                log.error("dispatch.store_unavailable", error=str(error))
                await self._clock.wait(self._stopping, STORE_RETRY_SECONDS)
            except Exception:  # without the sweeper, what waits in the store would wait for ever
                log.exception("dispatch.sweep_failed")
                await self._clock.wait(self._stopping, STORE_RETRY_SECONDS)

    async def _renew(self) -> None:
        """Keep what is in memory. What was stored for us but never reached us is let go, and claimed like any other."""
        in_hand = sorted(self._lanes.ids)
        if in_hand:
            until = self._clock.ms() + _LEASE_MS
            await self._store.renew(owner=self._ownership.name, lease_until=until, ids=in_hand)

    async def _claim(self) -> None:
        """Take what waits for us in the store, as much as fits."""
        while not self._stopping.is_set():
            limit = min(_CLAIM_LIMIT, self._memory - self.held)
            shards, tenure = self._ownership.shards, self._ownership.tenure
            if limit <= 0 or (shards is not None and not shards):
                return
            quiet, ever = self._unowned_now == 0, self._unowned_ever
            rows = await self._claimed(limit, shards)
            if tenure != self._ownership.tenure:
                return
            for row in rows:
                self._take(row)
            if len(rows) == limit:
                continue
            # Not all that waits can be claimed now: some waits for its retry, or behind an update in our hands.
            if not self._overflow or await self._store.unclaimed(now=self._clock.ms(), shards=shards):
                return
            if quiet and ever == self._unowned_ever and shards == self._ownership.shards:
                self._overflow = self._crowded = False
                return
            if self._unowned_now:
                return  # the store is still writing; its `accept` wakes us

    async def _claimed(self, limit: int, shards: Collection[int] | None) -> Sequence[StoredUpdate]:
        tenure, now = self._ownership.tenure, self._clock.ms()
        self._reserved += limit
        try:
            return await self._store.claim(
                owner=self._ownership.name,
                now=now,
                lease_until=now + _LEASE_MS,
                limit=limit,
                shards=shards,
                per_lane=self._per_lane if self._crowded else None,
            )
        finally:
            if tenure == self._ownership.tenure:  # otherwise it was all dropped
                self._reserved -= limit

    def _take(self, update: StoredUpdate) -> None:
        if not self._ownership.owns(update.lane):
            self._unsure = True  # it was given away while the store was asked
            return
        self._lanes.add(update)
        # Nobody may fill the memory alone: from the next claim on, each has a share.
        self._crowded |= self._lanes.length(update.lane) >= self._per_lane
