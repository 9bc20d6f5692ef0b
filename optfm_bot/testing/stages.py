"""Stages: several houses over one store and one platform, on one clock, as processes share a database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import orjson

from channels.capabilities import Capabilities
from channels.contract import Batch, ChannelContext, Cursor
from channels.model import ChatRef, Inbound, RawUpdate, Receipt, Rendered
from faq import FaqEntry, FaqManager
from optfm_bot.clock import ManualClock
from optfm_bot.errors import StoreUnavailable
from optfm_bot.shards import SHARDS
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import OutboxState
from optfm_bot.testing.cluster import MemoryCluster
from optfm_bot.testing.life import Life
from optfm_bot.testing.platform import WITH_BUTTONS, Delivered, MemoryPlatform
from optfm_bot.testing.stage import Person, Stage

_PATIENCE_SECONDS: Final = 600
_TURNS: Final = 60
_REPEAT_SECONDS: Final = 1.0


@dataclass(slots=True)
class Platform:
    """The one platform that every house talks to: what has arrived there, and what people have seen."""

    pushed: bool
    events: dict[str, Any] = field(default_factory=dict)
    delivered: list[Delivered] = field(default_factory=list)
    waiting: list[RawUpdate] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    number: int = 0


class Door(MemoryPlatform):
    """One house's door to the platform. Updates are kept there until they are confirmed, as real platforms do.

    Calls of this house hang while `gate` is closed: before the platform has the message, or after it with `late`.
    """

    def __init__(self, context: ChannelContext, capabilities: Capabilities, platform: Platform) -> None:
        super().__init__(context, capabilities)
        self._there = platform
        self._events = platform.events
        self.delivered = platform.delivered
        self.gate = asyncio.Event()
        self.gate.set()
        self.late = False
        self.calling = 0
        self.own: list[str] = []
        self.posts: asyncio.Queue[RawUpdate] = asyncio.Queue()

    def push(self, *events: Inbound, lane: str | None = None, key: str | None = None) -> RawUpdate:
        """Let one update arrive: at this house if the platform pushes, else at whoever polls."""
        self._there.number += 1
        number = str(self._there.number)
        raw = RawUpdate(key=key or number, lane=lane or str(events[0].chat), payload={"number": int(number)})
        self._events[number] = events
        self.repeat(raw)
        return raw

    def repeat(self, raw: RawUpdate) -> None:
        """Let the same update arrive once more."""
        if self._there.pushed:
            self.posts.put_nowait(raw)
        else:
            self._there.waiting.append(raw)
            self._there.arrived.set()

    @property
    def waiting(self) -> bool:
        """Whether something has arrived that no house has stored."""
        return bool(self._there.waiting)

    async def fetch(self, cursor: Cursor | None) -> Batch:
        """Give what nobody has confirmed."""
        while not self._there.waiting:
            self._there.arrived.clear()
            await self._there.arrived.wait()
        return Batch(updates=tuple(self._there.waiting), cursor=cursor)

    async def confirm(self, batch: Batch) -> None:
        """Forget what is safe."""
        self._there.waiting[:] = [raw for raw in self._there.waiting if raw not in batch.updates]

    async def deliver(self, message: Rendered) -> Receipt:
        """Accept a message, when the gate is open."""
        self.calling += 1
        try:
            if not self.late:
                await self.gate.wait()
            receipt = await super().deliver(message)
            self.own.append(message.text)
            await self.gate.wait()
        finally:
            self.calling -= 1
        return receipt


class Stages:
    """An async context manager around so many houses. `pushed`: any of them may be brought an update, as by a balancer.

    `options` are those of `Stage`. Houses are named by their number, in the order in which they were begun.
    """

    def __init__(
        self,
        faq: FaqManager | Iterable[FaqEntry],
        *,
        count: int = 2,
        pushed: bool = True,
        store: MemoryStore | None = None,
        capabilities: Capabilities = WITH_BUTTONS,
        **options: Any,
    ) -> None:
        self.clock = ManualClock()
        self.store = store or MemoryStore()
        self.cluster = MemoryCluster(self.store, self.clock)
        self.platform = Platform(pushed)
        self.houses: list[Stage] = []
        self._lives: dict[Stage, Life] = {}
        self._posting: dict[Stage, asyncio.Task[None]] = {}
        self._faq = faq if isinstance(faq, FaqManager) else FaqManager(faq)
        self._count = count
        self._capabilities = capabilities
        self._options = options

    async def __aenter__(self) -> Self:
        await self.store.open()
        for _ in range(self._count):
            await self.another()
        await self.divided()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stage in list(self.houses):
            self.door(stage).gate.set()
            if stage.door is not None:
                stage.door.reachable = True
            await self.stop(stage)
        await self.store.close()

    # -- houses that come and go --------------------------------------------------------------------------

    async def another(self, **options: Any) -> Stage:
        """Begin another house."""
        context = ChannelContext(instance="stage", clock=self.clock.now)
        stage = Stage(
            self._faq,
            cluster=self.cluster,
            platform=Door(context, self._capabilities, self.platform),
            capabilities=self._capabilities,
            first_update=len(self._lives) + 1,
            webhook_url="https://bot.example/stage/webhook" if self.platform.pushed else None,
            **{**self._options, **options},
        )
        life = self._lives[stage] = Life()
        with life.lived():
            await stage.__aenter__()
        self.houses.append(stage)
        self._posting[stage] = asyncio.create_task(self._post(stage))
        return stage

    async def stop(self, stage: Stage) -> None:
        """End a house in peace."""
        self._leaves(stage)
        await stage.__aexit__(None, None, None)

    async def kill(self, stage: Stage) -> None:
        """End a house as `kill -9` does: nothing more is written, nothing is finished."""
        self._leaves(stage)
        await stage.store.close()
        if stage.door is not None:
            stage.door.alive = stage.door.reachable = False
        await self._lives[stage].end()

    def _leaves(self, stage: Stage) -> None:
        """Stop bringing updates to a house; those that it did not take are brought to others."""
        self.houses.remove(stage)
        self._posting.pop(stage).cancel()
        posts = self.door(stage).posts
        while self.houses and not posts.empty():
            self.door(self.houses[0]).posts.put_nowait(posts.get_nowait())

    @staticmethod
    def door(stage: Stage) -> Door:
        """A house's door to the platform."""
        if not isinstance(stage.platform, Door):
            raise TypeError("this stage has a platform of its own")
        return stage.platform

    async def _post(self, stage: Stage) -> None:
        """Bring updates to a house, one after another, each until it is taken."""
        posts = self.door(stage).posts
        while True:
            raw = await posts.get()
            try:
                await stage.house.intake.receive("stage", [raw])
            except StoreUnavailable:
                posts.put_nowait(raw)
                await self.clock.sleep(_REPEAT_SECONDS)
            except asyncio.CancelledError:
                posts.put_nowait(raw)
                raise

    # -- conversations ------------------------------------------------------------------------------------

    def person(self, name: str = "Анна", *, through: int = 0, locale: str | None = "ru") -> Person:
        """Somebody whose updates are brought to that house, if the platform pushes."""
        stage = self.houses[through]
        person = Person(stage, name, chat=None, locale=locale)
        vars(stage)["settle"] = self.settle  # every house has to come to rest, not this one alone
        return person

    def person_of(self, owner: Stage, prefix: str = "Анна", *, through: int = 0) -> Person:
        """Somebody whose conversation is that house's."""
        number = 0
        while self.owner(ChatRef(channel="stage", chat_id=f"chat-{prefix}{number}")) is not owner:
            number += 1
        return self.person(f"{prefix}{number}", through=through)

    def owner(self, chat: ChatRef) -> Stage:
        """Whose conversation that is."""
        (found,) = (stage for stage in self.houses if stage.house.deliveries.owns(str(chat)))
        return found

    def is_owned(self, person: Person) -> bool:
        """Whether a house answers somebody now; not while the conversation changes hands."""
        return any(stage.house.deliveries.owns(str(person.chat)) for stage in self.houses)

    def stored(self, person: Person) -> list[str]:
        """What somebody has written, in the order in which it was stored."""
        rows = (row for row in self.store._inbox.values() if row["lane"] == str(person.chat))  # noqa: SLF001 - its own test's rows
        numbers = [str(orjson.loads(row["payload"])["number"]) for row in rows]
        return [event.text for number in numbers for event in self.platform.events[number]]

    # -- time ---------------------------------------------------------------------------------------------

    async def divided(self) -> None:
        """Return when every conversation has an owner."""
        for _ in range(_PATIENCE_SECONDS):
            await self.clock.advance(0.1)
            owned = [shard for stage in self.houses for shard in self.shards(stage)]
            busy = [stage for stage in self.houses if not self.shards(stage) and self.works(stage)]
            if sorted(owned) == list(range(SHARDS)) and not busy:
                return
        raise AssertionError("the houses do not agree")

    @staticmethod
    def shards(stage: Stage) -> Iterable[int]:
        """The shards of a house."""
        neighbours = stage.house.neighbours
        return neighbours.membership.shards if neighbours is not None else ()

    @staticmethod
    def works(stage: Stage) -> bool:
        """Whether a house takes part: one that is cut off does not."""
        return stage.door is not None and stage.door.reachable

    async def settle(self, seconds: float = _PATIENCE_SECONDS) -> None:
        """Let everything happen that follows from what has arrived, moving the clock when the houses wait."""
        for _ in range(int(seconds * 10)):
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            if await self.quiet():
                return
            await self.clock.advance(0.1)
        raise AssertionError("the houses did not come to rest")

    async def quiet(self) -> bool:
        """Whether nothing waits anywhere."""
        waiting = self.platform.waiting or any(not self.door(stage).posts.empty() for stage in self.houses)
        counts = await self.store.counts()
        return not (waiting or counts.inbox_new or counts.outbox_open)

    async def states(self) -> dict[OutboxState, int]:
        """How many messages there are in each state."""
        found = dict.fromkeys(OutboxState, 0)
        for row in [*await self.store.unsent("stage"), *await self.store.closed("stage", limit=10_000)]:
            found[row.state] += 1
        return found
