"""Who should do what: pure decisions that every process makes for itself from the same picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from optfm_bot.shards import SHARDS, shard_lease


class Role(StrEnum):
    """What a process is for: receiving pushes and serving pages, answering, or polling and subscribing."""

    WEB = "web"
    WORKER = "worker"
    POLLER = "poller"


ROLES: Mapping[str, frozenset[Role]] = {
    "all": frozenset(Role),
    "web": frozenset({Role.WEB}),
    "worker": frozenset({Role.WORKER}),
    "poller": frozenset({Role.POLLER}),
}
"""The names under which a process is started."""

SHARD_LEASES: frozenset[str] = frozenset(shard_lease(number) for number in range(SHARDS))


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The cluster at one moment: the roles of its members by tenure, and who holds which lease (None: nobody)."""

    members: Mapping[int, frozenset[Role]]
    leases: Mapping[str, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What one member should try to take, and what it should give away once it is done with it."""

    take: Sequence[str] = ()
    give: Sequence[str] = field(default=())


def moves(view: View, me: int, duties: Mapping[str, Role], *, leaving: Collection[str] = ()) -> Moves:
    """Decide for the member `me`. `duties` are leases beside the shards with the role each needs.

    Shards are dealt out evenly among the workers. Who has too many gives some away, but only while another has too few.
    A duty goes to whoever has the fewest of its kind and is never taken from who has it: moving it would cost
    something and gain nothing.
    """
    roles = view.members.get(me, frozenset())
    take: list[str] = []
    give: list[str] = []
    if Role.WORKER in roles:
        take, give = _shards(view, me, leaving)
    for role in roles:
        take += _duties(view, me, [name for name, needed in duties.items() if needed is role], role)
    return Moves(take=take, give=give)


def missing(view: View, duties: Mapping[str, Role]) -> frozenset[Role]:
    """The roles that nobody has although there is work for them: no process answers, or none receives."""
    return frozenset({Role.WORKER, *duties.values()}).difference(*view.members.values())


def _shards(view: View, me: int, leaving: Collection[str]) -> tuple[list[str], list[str]]:
    workers = sorted(member for member, roles in view.members.items() if Role.WORKER in roles)
    least, more = divmod(SHARDS, len(workers))
    due = {member: least + (place < more) for place, member in enumerate(workers)}
    held = Counter(view.leases.get(name) for name in SHARD_LEASES)
    mine = sorted(name for name in SHARD_LEASES if view.leases.get(name) == me and name not in leaving)
    if len(mine) < due[me]:
        free = sorted(name for name in SHARD_LEASES if view.leases.get(name) is None)
        return free[: due[me] - len(mine)], []
    wanting = sum(max(0, due[member] - held[member]) for member in workers if member != me)
    free_now = held[None] + sum(view.leases.get(name) == me for name in leaving)
    extra = min(len(mine) - due[me], max(0, wanting - free_now))
    return [], mine[len(mine) - extra :] if extra else []


def _duties(view: View, me: int, names: Sequence[str], role: Role) -> list[str]:
    """At most one of the free ones at a time, and only if nobody of that role has fewer."""
    free = sorted(name for name in names if view.leases.get(name) is None)
    if not free:
        return []
    held = Counter(view.leases.get(name) for name in names)
    fewest = min(held[member] for member, roles in view.members.items() if role in roles)
    return free[:1] if held[me] == fewest else []
