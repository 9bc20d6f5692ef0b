"""Members of a cluster in memory, on a clock that a test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from typing import Any

import pytest

from optfm_bot.clock import ManualClock
from optfm_bot.cluster.membership import TOPIC, Membership
from optfm_bot.cluster.plan import ROLES, Role
from optfm_bot.shards import SHARDS
from optfm_bot.store.memory import MemoryStore
from optfm_bot.testing.cluster import MemoryCluster, MemoryRegistry

DUTIES = {"receive:t": Role.POLLER, "housekeeping": Role.WORKER}


@dataclass
class Tenant:
    """Writes down what the membership asks of a house; `gate` holds what takes time."""

    story: list[str] = field(default_factory=list)
    prepared: set[int] = field(default_factory=set)
    mine: set[int] = field(default_factory=set)
    left: set[int] = field(default_factory=set)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    leaving_gate: asyncio.Event = field(default_factory=asyncio.Event)
    errors: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()
        self.leaving_gate.set()

    def joined(self, tenure: int) -> None:
        self.story.append(f"joined {tenure}")

    async def prepare(self, shards: Collection[int]) -> None:
        self.story.append("prepare")
        await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.prepared |= set(shards)

    def took(self, shards: Collection[int]) -> None:
        self.story.append("took")
        assert set(shards) <= self.prepared, "nothing is taken that was not prepared"
        self.mine |= set(shards)

    async def leave(self, shards: Collection[int]) -> None:
        self.story.append("leave")
        await self.leaving_gate.wait()
        self.mine -= set(shards)
        self.left |= set(shards)

    def displaced(self) -> None:
        self.story.append("displaced")
        self.mine.clear()
        self.prepared.clear()


class Member:
    """One process: its membership, its door, its tenant, and the task that lives."""

    def __init__(self, cluster: MemoryCluster, roles: Collection[Role], door: MemoryRegistry) -> None:
        self.door = door
        self.tenant = Tenant()
        self.membership = Membership(door, cluster.clock, roles=roles, duties=DUTIES)
        self.stop = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    @property
    def shares(self) -> int:
        assert set(self.membership.shards) <= self.tenant.prepared, "nothing is owned before it is prepared"
        return len(self.membership.shards)

    @property
    def duties(self) -> list[str]:
        return [name for name, duty in self.membership.duties.items() if duty.held]

    async def begin(self) -> None:
        if self.door.reachable:
            await self.door.open(self._hear)
        self.task = asyncio.create_task(self.membership.run(self.tenant, self.stop))

    def _hear(self, topic: str, text: str) -> None:
        if topic in {"", TOPIC}:
            self.membership.nudge()

    async def killed(self) -> None:
        self.door.alive = False
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


class Cluster:
    """A few members in a test's hands."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.memory = MemoryCluster(MemoryStore(), self.clock)
        self.members: list[Member] = []

    async def member(self, roles: str = "all", door: MemoryRegistry | None = None) -> Member:
        """Another process, and a moment for everybody to find their shares."""
        if door is None:
            door = self.memory.door()
        else:
            self.memory.doors.append(door)
        made = Member(self.memory, ROLES[roles], door)
        self.members.append(made)
        await made.begin()
        await self.clock.advance(2)
        return made

    def owners(self, shard: int) -> list[Member]:
        return [member for member in self.members if shard in member.membership.shards]

    @property
    def divided(self) -> bool:
        """Whether every shard has exactly one owner."""
        return all(len(self.owners(shard)) == 1 for shard in range(SHARDS))

    async def end(self) -> None:
        for member in self.members:
            member.stop.set()
            member.tenant.gate.set()
            member.tenant.leaving_gate.set()
        await self.clock.advance(1)
        for member in self.members:
            assert member.task is not None
            assert member.task.done(), "a member does not stop"
            if not member.task.cancelled():
                member.task.result()


@pytest.fixture
async def cluster() -> AsyncIterator[Any]:
    made = Cluster()
    yield made
    await made.end()
