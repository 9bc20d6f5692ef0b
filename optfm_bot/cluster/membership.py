"""Membership: the life of one process among those that share a database."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol

import structlog

from optfm_bot.clock import Clock
from optfm_bot.cluster.plan import SHARD_LEASES, Role, View, missing, moves
from optfm_bot.cluster.registry import BEAT_SECONDS, LEASE_SECONDS, SURE_SECONDS, Evicted, Registry
from optfm_bot.errors import StoreUnavailable
from optfm_bot.shards import shard_of

log = structlog.get_logger("optfm_bot.cluster")

_NOBODY: Final = 0
"""The tenure of a process that has none at the moment: no member has it, so nothing of it can be written."""

_LOOK_SECONDS: Final = 0.1
TOPIC: Final = "cluster"
"""Under which members tell each other that something has become free."""


class Tenant(Protocol):
    """What has to follow when conversations come and go: the house."""

    def joined(self, tenure: int) -> None:
        """A tenure has begun."""

    async def prepare(self, shards: Collection[int]) -> None:
        """Take up what earlier owners left of these shards; nothing new of them comes before this returns."""

    def took(self, shards: Collection[int]) -> None:
        """These shards are ours from now on."""

    async def leave(self, shards: Collection[int]) -> None:
        """Finish what is under way for shards that are not ours any more, and leave the rest to the next owner."""

    def displaced(self) -> None:
        """Somebody else has everything now: drop it at once."""


class LeasedDuty:
    """A duty that this process has while it holds a lease."""

    def __init__(self) -> None:
        self.held = False
        self._changed = asyncio.Event()

    async def changed(self) -> None:
        """Return when it has become ours or has stopped being so."""
        await self._changed.wait()

    def set(self, *, held: bool) -> None:
        """Say whether it is ours."""
        if held != self.held:
            self.held = held
            event, self._changed = self._changed, asyncio.Event()
            event.set()


class Membership:
    """Keeps this process a member, takes its share of the work, and stops it when the others took it for dead.

    It is the ownership and the fence of the house. `duties` are leases beside the shards with the role each needs.
    `members` and `missing` tell how many there were at the last look, and which roles nobody had.
    """

    def __init__(
        self,
        registry: Registry,
        clock: Clock,
        *,
        roles: Collection[Role],
        duties: Mapping[str, Role],
    ) -> None:
        self._registry = registry
        self._clock = clock
        self._roles = frozenset(roles)
        self._needed = dict(duties)
        self.duties: Mapping[str, LeasedDuty] = {name: LeasedDuty() for name in duties}
        self.tenure: int = _NOBODY
        self.members = 0
        self.missing: Collection[Role] = frozenset()
        self._held: frozenset[int] = frozenset()
        self._leaving: set[str] = set()
        # Shards that we know to be ours, from the answer to our taking them until they are given back.
        self._known: set[str] = set()
        self._beaten = float("-inf")
        self._steady_since: float | None = None
        self._retiring = False
        self._wake = asyncio.Event()
        self._changes: asyncio.Queue[tuple[str, frozenset[str]]] = asyncio.Queue()

    # -- ownership ----------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Under which name updates are held in the store."""
        return str(self.tenure)

    @property
    def shards(self) -> Collection[int]:
        """The shards that are ours."""
        return self._held

    def owns(self, lane: str) -> bool:
        """Whether a conversation is ours."""
        return shard_of(lane) in self._held

    def lasts(self, tenure: int | None) -> bool:
        """Whether what was begun under that tenure may go on."""
        return tenure == self.tenure

    async def certain(self, tenure: int | None) -> bool:
        """Wait until it is certain that nobody else has taken over; false once that tenure is over."""
        while tenure == self.tenure:
            if self._clock.monotonic() - self._beaten < SURE_SECONDS:
                return True
            self._wake.set()
            await self._clock.sleep(_LOOK_SECONDS)
        return False

    def ended(self, tenure: int) -> None:
        """The database knows no such tenure any more: look at once."""
        if tenure == self.tenure:
            self._wake.set()

    def nudge(self) -> None:
        """Something may have become free."""
        self._wake.set()

    def retire(self) -> None:
        """Take nothing more; go on showing that we live."""
        self._retiring = True

    def unsure(self) -> None:
        """The session that shows that we live is gone: nobody knows whether others have taken over already."""
        self._beaten = float("-inf")
        self._wake.set()

    # -- life ---------------------------------------------------------------------------------------------

    async def run(self, tenant: Tenant, stop: asyncio.Event) -> None:
        """Be a member until `stop`; begin again whenever the others removed us."""
        settling = self._settling(tenant)
        try:
            while not stop.is_set() and not settling.done():
                before = self.tenure
                await self._round(tenant)
                if self.tenure == _NOBODY != before:  # what it was about is somebody else's
                    await _ended(settling)
                    settling = self._settling(tenant)
                await self._clock.wait(self._wake, BEAT_SECONDS)
                self._wake.clear()
            if settling.done():
                settling.result()  # raises what went wrong, so that it is shown and begun again
        except Exception:
            tenure = self.tenure
            self._displace(tenant)
            await self._abandon(tenure)
            raise
        finally:
            await _ended(settling)

    async def end(self) -> None:
        """Stop being a member; what was ours is free at once. Call it when nothing is under way any more."""
        tenure, self.tenure = self.tenure, _NOBODY
        self._let_duties_go()
        await self._abandon(tenure)

    async def _abandon(self, tenure: int) -> None:
        if tenure == _NOBODY:
            return
        try:
            await self._registry.leave(tenure)
        except StoreUnavailable as error:
            log.warning("cluster.not_left", error=str(error))
        else:
            self._registry.tell(TOPIC, "left")

    async def _round(self, tenant: Tenant) -> None:
        began = self._clock.monotonic()
        try:
            if self.tenure == _NOBODY:
                if self._retiring:
                    return
                self.tenure = await self._registry.join(self._roles, list(self._needed))
                tenant.joined(self.tenure)
                log.info("cluster.joined", member=self.tenure, roles=sorted(self._roles))
                self._registry.tell(TOPIC, "joined")
            view = await self._registry.beat(self.tenure, steady=self._steady(began))
            self._beaten = began
            if self._steady_since is None:
                self._steady_since = began
            await self._divide(view)
        except Evicted:
            log.error("cluster.displaced", member=self.tenure)
            self._displace(tenant)
            self._wake.set()
        except StoreUnavailable as error:
            self._steady_since = None
            log.error("cluster.unreachable", error=str(error))

    def _steady(self, now: float) -> bool:
        return self._steady_since is not None and now - self._steady_since > LEASE_SECONDS

    async def _divide(self, view: View) -> None:
        self.members = len(view.members)
        self.missing = missing(view, self._needed)
        for name, duty in self.duties.items():
            duty.set(held=view.leases.get(name) == self.tenure)
        lost = [name for name in SHARD_LEASES - self._known if view.leases.get(name) == self.tenure]
        if lost:  # the answer to our taking them: given back, they are taken like any other
            await self._registry.give(self.tenure, lost)
        plan = moves(view, self.tenure, self._needed, leaving=self._leaving)
        if plan.give:
            self._give(plan.give)
        if plan.take and not self._retiring:
            taken = frozenset(await self._registry.take(self.tenure, plan.take))
            for name in taken & self.duties.keys():
                self.duties[name].set(held=True)
            if shards := taken & SHARD_LEASES:
                self._known |= shards
                self._changes.put_nowait(("take", shards))

    def _give(self, names: Sequence[str]) -> None:
        leases = frozenset(names)
        self._held -= _numbers(leases)
        self._leaving |= leases
        self._changes.put_nowait(("give", leases))

    def _displace(self, tenant: Tenant) -> None:
        self.tenure = _NOBODY
        self._held = frozenset()
        self._leaving.clear()
        self._known.clear()
        self._steady_since = None
        while not self._changes.empty():
            self._changes.get_nowait()
        self._let_duties_go()
        tenant.displaced()

    def _let_duties_go(self) -> None:
        for duty in self.duties.values():
            duty.set(held=False)

    def _settling(self, tenant: Tenant) -> asyncio.Task[None]:
        return asyncio.create_task(self._settle(tenant), name="cluster shards")

    async def _settle(self, tenant: Tenant) -> None:
        """Carry out one change after another; heartbeats go on meanwhile.

        Shards are given away each for itself: a call that hangs holds up its own, and nothing that is taken.
        """
        try:
            async with asyncio.TaskGroup() as leaving:
                while True:
                    change, leases = await self._changes.get()
                    if change == "take":
                        await self._take_up(tenant, _numbers(leases))
                        continue
                    for lease in leases:
                        leaving.create_task(self._leave(tenant, self.tenure, lease), name=f"leave {lease}")
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from group  # what broke first; the others were cancelled for it

    async def _take_up(self, tenant: Tenant, shards: frozenset[int]) -> None:
        tenure = self.tenure
        await tenant.prepare(shards)
        if tenure == self.tenure:
            # Some may have to be given away already: somebody else came meanwhile.
            self._held |= shards - _numbers(self._leaving)
            tenant.took(shards)
            log.info("cluster.shards", member=tenure, shards=len(self._held))

    async def _leave(self, tenant: Tenant, tenure: int, lease: str) -> None:
        leases = frozenset({lease})
        await tenant.leave(_numbers(leases))
        while tenure == self.tenure:
            try:
                await self._registry.give(tenure, leases)
            except StoreUnavailable as error:
                log.warning("cluster.not_given", error=str(error))
                await self._clock.sleep(BEAT_SECONDS)
            else:
                self._leaving -= leases
                self._known -= leases
                self._registry.tell(TOPIC, "given")
                return


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _numbers(leases: Collection[str]) -> frozenset[int]:
    return frozenset(int(name.rpartition(":")[2]) for name in leases)
