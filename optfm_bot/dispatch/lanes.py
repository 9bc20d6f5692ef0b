"""Lanes: the conversations in hand, each worked off in its order by a task of its own, none in another's way."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any, Protocol

import structlog

from channels.errors import BadPayload, ChannelError, RetryLater, Unauthorized, Unreachable
from optfm_bot.clock import Clock, unfinished
from optfm_bot.dispatch.joining import Parsed, begins, continues
from optfm_bot.errors import StoreConflict, StoreOutdated, StoreUnavailable
from optfm_bot.observe.correlation import bind_update
from optfm_bot.ownership import Ownership
from optfm_bot.shards import shard_of
from optfm_bot.store.contract import Store
from optfm_bot.store.records import StoredUpdate

log = structlog.get_logger("optfm_bot.dispatch")

_LET_GO_SECONDS = 10.0
"""How long what is under way may hold up giving conversations away."""

STORE_RETRY_SECONDS = 0.5
_RETRY_SECONDS = (1.0, 5.0, 20.0)
"""Waits between the tries of an update that fails; after the last one it is parked."""

_LONGEST_RETRY_SECONDS = 60.0
"""The longest wait between the tries of one that others have to be asked about."""


class Handler(Protocol):
    """What the dispatcher asks of the one who understands updates."""

    def parse(self, update: StoredUpdate) -> Parsed:
        """Read an update. Raises `BadPayload`."""

    async def settled(self, group: Sequence[Parsed]) -> bool:
        """Whether updates can be answered without waiting for more. Raises `StoreUnavailable`."""

    async def typing(self, parsed: Parsed) -> None:
        """Show that an answer is on its way. Raises nothing."""

    async def handle(self, group: Sequence[Parsed]) -> None:
        """Answer and finish a group of updates of one conversation in one transaction."""


class DispatchObserver(Protocol):
    """Hears of updates that could not be handled."""

    def parked(self, channel: str) -> None:
        """An update was put aside."""


class Lanes:
    """Runs one task per busy conversation over its updates, oldest first.

    `room` is awaited before each update, with its channel and lane: it holds handling back while the outbox is long.
    `answered` is told of updates that turned out to be handled though we never heard of it, `rested` whenever a
    conversation has nothing left.
    """

    def __init__(
        self,
        store: Store,
        handler: Handler,
        clock: Clock,
        observer: DispatchObserver,
        *,
        ownership: Ownership,
        join_window: float,
        room: Callable[[str, str], Awaitable[None]] | None,
        answered: Callable[[Sequence[int]], Awaitable[None]] | None,
        rested: Callable[[], None],
    ) -> None:
        self._store = store
        self._handler = handler
        self._clock = clock
        self._observer = observer
        self._ownership = ownership
        self._join_ms = int(join_window * 1000)
        self._room = room
        self._answered = answered
        self._rested = rested
        self.held = 0
        """How many updates are in hand."""
        self.ids: set[int] = set()
        """Their ids."""
        self.tasks: set[asyncio.Task[None]] = set()
        self.stopping = asyncio.Event()
        """Set when nothing new is begun any more."""
        self._lanes: dict[str, deque[StoredUpdate]] = {}
        self._arrived: dict[str, asyncio.Event] = {}
        self._draining: dict[str, asyncio.Task[None]] = {}
        self._held_back: set[str] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._waits: dict[str, int] = {}
        """How often in a row the first update of a conversation has waited for others: that is no failure of its."""
        # Handled, perhaps: the store did not answer. It is asked before they are handled again.
        self._doubted: set[int] = set()

    @property
    def size(self) -> int:
        """How many bytes the updates in hand have."""
        return sum(len(update.payload) for queue in self._lanes.values() for update in queue)

    def length(self, lane: str) -> int:
        """How many updates of a conversation are in hand."""
        queue = self._lanes.get(lane)
        return 0 if queue is None else len(queue)

    async def idle(self) -> None:
        """Wait until nothing is in hand."""
        await self._idle.wait()

    def close(self) -> None:
        """Begin nothing new any more; what waits in hand, the store keeps for the next start."""
        self.stopping.set()
        for event in self._arrived.values():
            event.set()

    # -- coming and going ---------------------------------------------------------------------------------

    def add(self, update: StoredUpdate) -> None:
        """Take an update behind the others of its conversation; one that is in hand already is left where it is."""
        if update.id in self.ids:  # claimed and accepted: its commit was confirmed late
            return
        self.ids.add(update.id)
        self.held += 1
        self._idle.clear()
        lane = self._lanes.get(update.lane)
        if lane is not None:
            lane.append(update)
            arrived = self._arrived.get(update.lane)
            if arrived is not None:
                arrived.set()
            return
        self._lanes[update.lane] = deque((update,))
        self._draining[update.lane] = self._own(self._drain(update.lane), "conversation")

    async def let_go(self, shards: Collection[int]) -> None:
        """Finish what is under way in these shards, within a limit, and drop the rest of them."""
        lanes = [lane for lane in self._lanes if shard_of(lane) in shards]
        for lane in self._held_back.intersection(lanes):  # nothing of it is under way
            self._draining[lane].cancel()
        await unfinished({self._draining[lane] for lane in lanes}, self._clock, _LET_GO_SECONDS)
        late = {self._draining[lane] for lane in lanes if lane in self._draining}
        for task in late:
            task.cancel()
        await unfinished(late, self._clock, 1.0)
        for lane in lanes:
            self._drop(lane)

    def evict(self) -> None:
        """Drop everything at once."""
        for task in self._draining.values():
            task.cancel()
        for lane in list(self._lanes):
            self._drop(lane)
        self._doubted.clear()

    def _drop(self, lane: str) -> None:
        queue = self._lanes.pop(lane, None)
        if queue:
            self.held -= len(queue)
            self.ids -= {update.id for update in queue}
        self._draining.pop(lane, None)
        self._waits.pop(lane, None)
        if not self._lanes:
            self._idle.set()

    # -- one conversation ---------------------------------------------------------------------------------

    def _own(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def _drain(self, lane: str) -> None:
        queue = self._lanes[lane]
        while queue and not self.stopping.is_set() and self._ownership.owns(lane):
            if self._room is not None:
                self._held_back.add(lane)
                try:
                    await self._room(queue[0].channel, lane)
                finally:
                    self._held_back.discard(lane)
                if self.stopping.is_set():
                    break
            settled = await self._settle(lane, queue)
            if settled:
                self._waits.pop(lane, None)
            for _ in range(settled):
                self.ids.discard(queue.popleft().id)
            self.held -= settled
        if self._lanes.get(lane) is not queue:
            return  # dropped meanwhile, and perhaps taken up anew
        self._drop(lane)  # what is left when stopping, the store keeps for the next start
        self._rested()

    async def _settle(  # noqa: PLR0911 - one return for each way that a try may end
        self, lane: str, queue: deque[StoredUpdate]
    ) -> int:
        """Handle the first update and those that belong to it; gives how many are done with."""
        group: list[Parsed] = []
        try:
            if self._doubted and (known := await self._known(queue)):
                return known
            group = await self._group(lane, queue)
            with bind_update(queue[0].id, queue[0].channel):
                await self._handle(group)
        except StoreUnavailable as error:
            self._doubted.update(parsed.update.id for parsed in group)
            log.error("dispatch.store_unavailable", error=str(error))
            await self._clock.wait(self.stopping, STORE_RETRY_SECONDS)
            return 0
        except BadPayload as error:
            return int(await self._park(queue[0], f"cannot be read: {error}"))
        except (Unreachable, RetryLater, Unauthorized) as error:
            await self._postponed(queue[0], error)
            return 0
        except StoreConflict as error:
            return await self._conflicted(queue, [parsed.update.id for parsed in group], error)
        except Exception as error:  # noqa: BLE001 - whatever handling raises must not stop the conversation
            return int(await self._failed(queue, error))
        return len(group)

    async def _handle(self, group: Sequence[Parsed]) -> None:
        """Handle a group; once more, at once, if what it was decided by has changed before it was written."""
        try:
            await self._handler.handle(group)
        except StoreOutdated:
            log.info("dispatch.outdated", update_id=group[0].update.id)
            await self._handler.handle(group)

    async def _known(self, queue: deque[StoredUpdate]) -> int:
        """How many updates at the front were handled by a commit whose confirmation was lost."""
        ids = list(takewhile(lambda update_id: update_id in self._doubted, (update.id for update in queue)))
        if not ids:
            return 0
        unfinished_ids = await self._store.unfinished(ids)
        done = list(takewhile(lambda update_id: update_id not in unfinished_ids, ids))
        if done and self._answered is not None:
            await self._answered(done)
        self._doubted.difference_update(ids)
        return len(done)

    async def _group(self, lane: str, queue: deque[StoredUpdate]) -> list[Parsed]:
        """Take the first update, and those that belong to it: already here, or arriving within the window."""
        group = [self._handler.parse(queue[0])]
        if not self._join_ms or not begins(group[0]):
            return group
        while not await self._handler.settled(group):
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
        if wait <= 0 or self.stopping.is_set():
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
        queue[0] = replace(update, attempts=tries, error=str(error))
        due = self._clock.ms() + int(wait * 1000)
        try:
            async with self._store.unit() as unit:
                unit.inbox.retry(
                    update.id, attempts=tries, not_before=due, error=f"{type(error).__name__}: {error}"
                )
        except StoreUnavailable as unavailable:
            log.error("dispatch.store_unavailable", error=str(unavailable))
        await self._clock.wait(self.stopping, wait)
        return False

    async def _postponed(self, update: StoredUpdate, error: ChannelError) -> None:
        """Wait for a helpdesk that cannot be asked at the moment: what has happened there is not forgotten."""
        waits = self._waits[update.lane] = self._waits.get(update.lane, 0) + 1
        wait = min(_LONGEST_RETRY_SECONDS, float(2 ** min(waits, 16)))
        log.warning("dispatch.postponed", channel=update.channel, update_id=update.id, error=str(error))
        await self._clock.wait(self.stopping, wait)

    async def _park(self, update: StoredUpdate, reason: str) -> bool:
        try:
            async with self._store.unit() as unit:
                unit.inbox.park(update.id, error=reason[:2000], at=self._clock.ms())
        except StoreUnavailable as error:
            log.error("dispatch.store_unavailable", error=str(error))
            await self._clock.wait(self.stopping, STORE_RETRY_SECONDS)
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
            await self._clock.wait(self.stopping, STORE_RETRY_SECONDS)
            return 0
        done = list(takewhile(lambda update_id: update_id not in unfinished_ids, ids))
        if not done:
            return int(await self._failed(queue, error))
        log.warning("dispatch.done_elsewhere", update_ids=done, error=str(error))
        if self._answered is not None:
            await self._answered(done)
        return len(done)
