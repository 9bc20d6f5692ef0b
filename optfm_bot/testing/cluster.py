"""A registry in memory: several houses in one process, over one store, divide the work as processes do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import count

from optfm_bot.clock import ManualClock
from optfm_bot.cluster.plan import SHARD_LEASES, Role, View
from optfm_bot.cluster.registry import GONE_SECONDS, LEASE_SECONDS, Evicted, Hear, Registry
from optfm_bot.errors import StoreUnavailable
from optfm_bot.store.memory import MemoryStore


@dataclass(slots=True)
class _Member:
    roles: frozenset[Role]
    seen: float
    door: MemoryRegistry


@dataclass(slots=True)
class _Pace:
    """A bot's common pace: places that are there, lent if need be, and earned while there is no pause."""

    tokens: float
    counted_at: float
    paused_until: float = float("-inf")

    def reserve(self, now: float, *, rate: float, burst: int, tokens: int) -> float:
        earned = max(0.0, now - max(self.counted_at, self.paused_until)) * rate
        self.tokens = min(burst, self.tokens + earned) - tokens
        self.counted_at = now
        return max(0.0, self.paused_until - now) + max(0.0, -self.tokens / rate)


@dataclass(slots=True)
class MemoryCluster:
    """What the houses share: a store, members, leases, paces. `door` gives each house its own registry."""

    store: MemoryStore
    clock: ManualClock
    members: dict[int, _Member] = field(default_factory=dict)
    leases: dict[str, int | None] = field(default_factory=lambda: dict.fromkeys(SHARD_LEASES))
    paces: dict[str, _Pace] = field(default_factory=dict)
    doors: list[MemoryRegistry] = field(default_factory=list)
    tenures: count[int] = field(default_factory=lambda: count(1))

    def door(self) -> MemoryRegistry:
        """Another process's registry."""
        made = MemoryRegistry(self)
        self.doors.append(made)
        return made

    def remove(self, tenure: int) -> None:
        """End a tenure, as the others do with the dead."""
        self.members.pop(tenure, None)
        self.leases = {name: None if holder == tenure else holder for name, holder in self.leases.items()}
        self.store.evict(tenure)


class MemoryRegistry(Registry):
    """One process's door to the cluster. `reachable` false: the process is cut off; `alive` false: it was killed."""

    def __init__(self, cluster: MemoryCluster) -> None:
        self._cluster = cluster
        self._hear: Hear | None = None
        self.reachable = True
        self.alive = True

    def _enter(self) -> MemoryCluster:
        if not self.reachable:
            raise StoreUnavailable
        return self._cluster

    async def open(self, hear: Hear, cut_off: Callable[[], None] = lambda: None) -> None:
        """Listen."""
        del cut_off  # nothing has a session here
        self._enter()
        self._hear = hear
        hear("", "")

    async def close(self) -> None:
        """Hear nothing any more."""
        self._hear = None

    async def join(self, roles: Collection[Role], leases: Sequence[str]) -> int:
        """Become a member."""
        cluster = self._enter()
        tenure = next(cluster.tenures)
        cluster.members[tenure] = _Member(frozenset(roles), cluster.clock.monotonic(), self)
        cluster.store.members.add(tenure)
        for name in leases:
            cluster.leases.setdefault(name, None)
        return tenure

    async def beat(self, tenure: int, *, steady: bool) -> View:
        """Show that we live, and see who else does."""
        cluster = self._enter()
        now = cluster.clock.monotonic()
        if tenure not in cluster.members:
            raise Evicted
        cluster.members[tenure].seen = now
        for other, member in list(cluster.members.items()):
            silent = now - member.seen
            if (silent >= GONE_SECONDS and not member.door.alive) or (silent > LEASE_SECONDS and steady):
                cluster.remove(other)
        return View(
            members={one: member.roles for one, member in cluster.members.items()},
            leases=dict(cluster.leases),
        )

    async def take(self, tenure: int, names: Collection[str]) -> Collection[str]:
        """Take those of these leases that are free."""
        cluster = self._enter()
        if tenure not in cluster.members:
            raise Evicted
        free = {name for name in names if cluster.leases.get(name) is None}
        cluster.leases.update(dict.fromkeys(free, tenure))
        return free

    async def give(self, tenure: int, names: Collection[str]) -> None:
        """Give leases back."""
        cluster = self._enter()
        for name in names:
            if cluster.leases.get(name) == tenure:
                cluster.leases[name] = None

    async def leave(self, tenure: int) -> None:
        """Stop being a member."""
        self._enter().remove(tenure)

    async def reserve(self, channel: str, *, rate: float, burst: int, tokens: int) -> float:
        """Take so many places of a bot's common pace."""
        cluster = self._enter()
        now = cluster.clock.monotonic()
        pace = cluster.paces.setdefault(channel, _Pace(burst, now))
        return pace.reserve(now, rate=rate, burst=burst, tokens=tokens)

    async def pause(self, channel: str, seconds: float) -> None:
        """Let nobody use the bot's pace for so long."""
        cluster = self._enter()
        now = cluster.clock.monotonic()
        pace = cluster.paces.setdefault(channel, _Pace(0, now))
        pace.paused_until = max(pace.paused_until, now + seconds)

    def tell(self, topic: str, text: str) -> None:
        """Tell the other processes something."""
        if self.reachable:
            for door in self._cluster.doors:
                if door is not self and door.reachable and door.alive and door._hear is not None:  # noqa: SLF001 - one of us
                    door._hear(topic, text)  # noqa: SLF001 - the same
