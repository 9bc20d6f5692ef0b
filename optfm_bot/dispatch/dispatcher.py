"""The dispatcher: one conversation in order, conversations in parallel, a poison update never in anybody's way."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Protocol

import structlog

from channels.errors import BadPayload
from optfm_bot.clock import Clock, unfinished
from optfm_bot.dispatch.joining import Parsed, begins, continues, join
from optfm_bot.errors import StoreConflict, StoreUnavailable
from optfm_bot.observe.correlation import bind_update
from optfm_bot.store.contract import Store
from optfm_bot.store.records import StoredUpdate

log = structlog.get_logger("optfm_bot.dispatch")

_LEASE_MS = 60_000
_SWEEP_SECONDS = 2.0
_CLAIM_LIMIT = 500
_STORE_RETRY_SECONDS = 0.5
_RETRY_SECONDS = (1.0, 5.0, 20.0)
"""Waits between the tries of an update that fails; after the last one it is parked."""


class Handler(Protocol):
    """What the dispatcher asks of the one who understands updates."""

    def parse(self, update: StoredUpdate) -> Parsed:
        """Read an update. Raises `BadPayload`."""

    def settled(self, text: str) -> bool:
        """Whether a text can be answered without waiting for more."""

    async def typing(self, parsed: Parsed) -> None:
        """Show that an answer is on its way. Raises nothing."""

    async def handle(self, group: Sequence[Parsed]) -> None:
        """Answer and finish a group of updates of one conversation in one transaction."""


class DispatchObserver(Protocol):
    """Hears of updates that could not be handled."""

    def parked(self, channel: str) -> None:
        """An update was put aside."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds updates from their birth: this dispatcher, or nobody when its memory is full."""

    owner: str | None
    until: int
    size: int


class Dispatcher:
    """Runs one task per busy conversation over the updates that this process holds.

    `room` is awaited before each update: it holds handling back while the outbox is long. `memory` bounds the updates
    held at once; what comes beyond it waits in the store and is claimed in order later.
    """

    def __init__(
        self,
        store: Store,
        handler: Handler,
        clock: Clock,
        observer: DispatchObserver,
        *,
        owner: str,
        join_window: float = 0.0,
        room: Callable[[str], Awaitable[None]] | None = None,
        memory: int = 5000,
    ) -> None:
        self._store = store
        self._handler = handler
        self._clock = clock
        self._observer = observer
        self._owner = owner
        self._join_ms = int(join_window * 1000)
        self._room = room
        self._memory = memory
        self._held = 0
        self._lanes: dict[str, deque[StoredUpdate]] = {}
        self._arrived: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        # Updates that were stored without an owner because memory was full. While there are any, new ones go the
        # same way: a conversation must not overtake itself. It begins so, because a push may come before `start` has
        # taken up what earlier runs left.
        self._overflow = True
        self._unowned_now = 0
        self._unowned_ever = 0

    # -- the house's side ---------------------------------------------------------------------------------

    @property
    def held(self) -> int:
        """How many updates are in memory."""
        return self._held

    @property
    def stopping(self) -> asyncio.Event:
        """Set when nothing new is begun any more; `room` may return then."""
        return self._stopping

    async def idle(self) -> None:
        """Wait until nothing that this process holds is left to handle."""
        await self._idle.wait()

    async def start(self, *, alone: bool) -> None:
        """Take up what earlier runs left. `alone`: no other process uses the store, so every lease is stale."""
        if alone:
            stale = await self._store.release()
            if stale:
                log.info("dispatch.recovered", updates=stale)
        self._overflow = True
        await self._claim()
        self._sweeper = asyncio.create_task(self._sweep(), name="dispatch sweeper")

    async def stop(self, seconds: float) -> None:
        """Handle what is under way within `seconds`, leave the rest in the store, and end every task."""
        self._stopping.set()
        self._wake.set()
        for event in self._arrived.values():
            event.set()
        tasks = {*self._tasks, *({self._sweeper} if self._sweeper else set())}
        late = await unfinished(tasks, self._clock, seconds)
        for task in late:
            task.cancel()
        await unfinished(late, self._clock, seconds)
        try:
            await self._store.release(owner=self._owner)
        except StoreUnavailable as error:
            log.warning("dispatch.release_failed", error=str(error))

    def lease(self, size: int) -> Lease:
        """Say who will hold updates that are about to be stored. Every lease must be given back to `accept`."""
        if self._overflow or self._stopping.is_set() or self._held + size > self._memory:
            self._unowned_now += 1
            self._unowned_ever += 1
            self._overflow = True
            return Lease(None, 0, size)
        self._held += size
        return Lease(self._owner, self._clock.ms() + _LEASE_MS, size)

    def accept(self, lease: Lease, updates: Sequence[StoredUpdate]) -> None:
        """Take the updates that were stored under a lease; none if storing failed."""
        if lease.owner is None:
            self._unowned_now -= 1
            self._wake.set()
            return
        self._held -= lease.size - len(updates)
        for update in updates:
            self._enqueue(update)

    # -- updates that wait in the store -------------------------------------------------------------------

    async def _sweep(self) -> None:
        renewed = self._clock.monotonic()
        while not self._stopping.is_set():
            await self._clock.wait(self._wake, _SWEEP_SECONDS)
            self._wake.clear()
            try:
                if self._clock.monotonic() - renewed > _LEASE_MS / 3000:
                    await self._renew()
                    renewed = self._clock.monotonic()
                await self._claim()
            except StoreUnavailable as error:
                log.error("dispatch.store_unavailable", error=str(error))
                await self._clock.wait(self._stopping, _STORE_RETRY_SECONDS)
            except Exception:  # without the sweeper, what waits in the store would wait for ever
                log.exception("dispatch.sweep_failed")
                await self._clock.wait(self._stopping, _STORE_RETRY_SECONDS)

    async def _renew(self) -> None:
        """Keep what is in memory. What was stored for us but never reached us is let go, and claimed like any other."""
        in_hand = [update.id for queue in self._lanes.values() for update in queue]
        if in_hand:
            await self._store.renew(owner=self._owner, lease_until=self._clock.ms() + _LEASE_MS, ids=in_hand)

    async def _claim(self) -> None:
        while not self._stopping.is_set():
            limit = min(_CLAIM_LIMIT, self._memory - self._held)
            if limit <= 0:
                return
            quiet, ever = self._unowned_now == 0, self._unowned_ever
            self._held += limit
            rows: Sequence[StoredUpdate] = ()
            try:
                now = self._clock.ms()
                rows = await self._store.claim(
                    owner=self._owner, now=now, lease_until=now + _LEASE_MS, limit=limit
                )
            finally:
                self._held -= limit - len(rows)
            for row in rows:
                self._enqueue(row)
            if len(rows) < limit:
                # Not all that waits can be claimed now: some waits for its retry, or behind an update in our hands.
                if await self._store.unclaimed(now=self._clock.ms()):
                    return
                if quiet and ever == self._unowned_ever:
                    self._overflow = False
                    return
                if self._unowned_now:
                    return  # the store is still writing; its `accept` wakes us

    # -- one conversation ---------------------------------------------------------------------------------

    def _enqueue(self, update: StoredUpdate) -> None:
        self._idle.clear()
        lane = self._lanes.get(update.lane)
        if lane is not None:
            lane.append(update)
            arrived = self._arrived.get(update.lane)
            if arrived is not None:
                arrived.set()
            return
        self._lanes[update.lane] = deque((update,))
        self._own(self._drain(update.lane), "conversation")

    def _own(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, lane: str) -> None:
        queue = self._lanes[lane]
        while queue and not self._stopping.is_set():
            if self._room is not None:
                await self._room(queue[0].channel)
                if self._stopping.is_set():
                    break
            settled = await self._settle(lane, queue)
            for _ in range(settled):
                queue.popleft()
            self._held -= settled
        if queue:
            self._held -= len(queue)  # stopping: the store keeps them for the next start
        del self._lanes[lane]
        if not self._lanes:
            self._idle.set()
        if self._overflow:
            self._wake.set()

    async def _settle(self, lane: str, queue: deque[StoredUpdate]) -> int:
        """Handle the first update and those that belong to it; gives how many are done with."""
        group: list[Parsed] = []
        try:
            group = await self._group(lane, queue)
            with bind_update(queue[0].id, queue[0].channel):
                await self._handler.handle(group)
        except StoreUnavailable as error:
            log.error("dispatch.store_unavailable", error=str(error))
            await self._clock.wait(self._stopping, _STORE_RETRY_SECONDS)
            return 0
        except BadPayload as error:
            return int(await self._park(queue[0], f"cannot be read: {error}"))
        except StoreConflict as error:
            return await self._conflicted(queue, [parsed.update.id for parsed in group], error)
        except Exception as error:  # noqa: BLE001 - whatever handling raises must not stop the conversation
            return int(await self._failed(queue, error))
        return len(group)

    async def _group(self, lane: str, queue: deque[StoredUpdate]) -> list[Parsed]:
        """Take the first update, and those that belong to it: already here, or arriving within the window."""
        group = [self._handler.parse(queue[0])]
        if not self._join_ms or not begins(group[0]):
            return group
        while not self._handler.settled(join(group).text):
            if len(queue) == len(group):
                if len(group) == 1:
                    self._own(self._handler.typing(group[0]), "typing")
                if not await self._another(lane, group[-1].update):
                    break
            if len(queue) == len(group):
                break
            try:
                following = self._handler.parse(queue[len(group)])
            except Exception:  # noqa: BLE001 - its own turn will tell; the ones before it are not to blame
                break
            if not continues(group, following):
                break
            group.append(following)
        return group

    async def _another(self, lane: str, last: StoredUpdate) -> bool:
        wait = (last.received_at + self._join_ms - self._clock.ms()) / 1000
        if wait <= 0 or self._stopping.is_set():
            return False
        arrived = self._arrived[lane] = asyncio.Event()
        try:
            return await self._clock.wait(arrived, wait)
        finally:
            del self._arrived[lane]

    # -- updates that fail --------------------------------------------------------------------------------

    async def _failed(self, queue: deque[StoredUpdate], error: Exception) -> bool:
        """Try the first update again later, or park it after the last try; true when it is settled."""
        update = queue[0]
        tries = update.attempts + 1
        log.error("dispatch.failed", channel=update.channel, update_id=update.id, tries=tries, exc_info=error)
        if tries > len(_RETRY_SECONDS):
            return await self._park(update, f"{type(error).__name__}: {error}")
        wait = _RETRY_SECONDS[tries - 1]
        queue[0] = StoredUpdate(
            id=update.id,
            channel=update.channel,
            key=update.key,
            lane=update.lane,
            payload=update.payload,
            received_at=update.received_at,
            attempts=tries,
            error=str(error),
        )
        due = self._clock.ms() + int(wait * 1000)
        try:
            async with self._store.unit() as unit:
                unit.inbox.retry(
                    update.id, attempts=tries, not_before=due, error=f"{type(error).__name__}: {error}"
                )
        except StoreUnavailable as unavailable:
            log.error("dispatch.store_unavailable", error=str(unavailable))
        await self._clock.wait(self._stopping, wait)
        return False

    async def _park(self, update: StoredUpdate, reason: str) -> bool:
        try:
            async with self._store.unit() as unit:
                unit.inbox.park(update.id, error=reason[:2000], at=self._clock.ms())
        except StoreUnavailable as error:
            log.error("dispatch.store_unavailable", error=str(error))
            await self._clock.wait(self._stopping, _STORE_RETRY_SECONDS)
            return False
        log.error("dispatch.parked", channel=update.channel, update_id=update.id, reason=reason)
        self._observer.parked(update.channel)
        return True

    async def _conflicted(self, queue: deque[StoredUpdate], ids: list[int], error: StoreConflict) -> int:
        """Find out what a conflict means: done by somebody else, or an id that two gave out and that a try mends."""
        try:
            unfinished_ids = await self._store.unfinished(ids)
        except StoreUnavailable as unavailable:
            log.error("dispatch.store_unavailable", error=str(unavailable))
            await self._clock.wait(self._stopping, _STORE_RETRY_SECONDS)
            return 0
        done = list(takewhile(lambda update_id: update_id not in unfinished_ids, ids))
        if not done:
            return int(await self._failed(queue, error))
        log.warning("dispatch.done_elsewhere", update_ids=done, error=str(error))
        return len(done)
