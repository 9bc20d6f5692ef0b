"""What it costs that several processes share a PostgreSQL server: heartbeats, notices, places in a common pace."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from unittest.mock import patch

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.engine import URL

from benchmarks.scaling_meter import ServerMeter, connect
from benchmarks.scaling_store import Found
from optfm_bot.cluster import postgres
from optfm_bot.cluster.plan import ROLES, moves
from optfm_bot.cluster.postgres import PostgresRegistry

MEMBERS = (10, 100, 1000)
LISTENERS = (10, 100)
_BEATS = 20
_NOTICES = 40
_ELSEWHERE = "somewhere_else"
_DEAD = 10_000
_ROOM = 20
"""Connections of the server that are left to others."""


async def on_cluster(url: URL, admin_url: URL) -> Found:
    """One round on a new PostgreSQL database."""
    admin = await connect(admin_url)
    try:
        meter = ServerMeter(admin, str(url.database))
        return (
            await _beats(url, meter)
            | await _notices(url, meter, await _free(admin))
            | await _paces(url, meter)
        )
    finally:
        await admin.close()


async def _free(admin: asyncpg.Connection) -> int:
    """How many connections of the server may be used here."""
    return (
        int(
            await admin.fetchval(
                "SELECT current_setting('max_connections')::int"
                " - current_setting('superuser_reserved_connections')::int"
                " - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"
            )
        )
        - _ROOM
    )


# -- heartbeats --------------------------------------------------------------------------------------------------------


async def _beats(url: URL, meter: ServerMeter) -> Found:
    """One heartbeat, and the plan that follows from it, by how many members there are."""
    found: Found = {}
    registry, inside = PostgresRegistry(url, name="bench-beat"), await connect(url)
    await registry.open(lambda _topic, _text: None)
    try:
        me = await registry.join(ROLES["all"], ["housekeeping"])
        for members in MEMBERS:
            await _members(inside, me, members - 1)
            found[f"beat {members}"] = await _beat(registry, meter, me)
        await _members(inside, me, MEMBERS[0] - 1)
        found["beat with an old snapshot"] = await _with_old_snapshot(url, inside, registry, meter, me)
        await inside.execute("DELETE FROM members WHERE id <> $1", me)
        await registry.leave(me)
    finally:
        await registry.close()
        await inside.close()
    return found


async def _members(inside: asyncpg.Connection, me: int, others: int) -> None:
    """Let there be so many others, seen just now."""
    await inside.execute("DELETE FROM members WHERE id <> $1", me)
    await inside.execute(
        "INSERT INTO members (name, roles, version, joined_at, seen_at)"
        " SELECT 'bench-' || n, 'poller web worker', '0', now(), now()"
        " FROM generate_series(1, $1::int) AS n",
        others,
    )
    await inside.execute("VACUUM FULL ANALYZE members")


async def _beat(registry: PostgresRegistry, meter: ServerMeter, me: int) -> dict[str, float]:
    # The others are rows and nothing more: nobody is to take them for dead meanwhile.
    with patch.object(postgres, "GONE_SECONDS", 86_400.0):
        await registry.beat(me, steady=False)
        async with meter.measure(_BEATS) as cost:
            for _ in range(_BEATS):
                view = await registry.beat(me, steady=False)
                moves(view, me, {})
    return cost.each()


async def _with_old_snapshot(
    url: URL, inside: asyncpg.Connection, registry: PostgresRegistry, meter: ServerMeter, me: int
) -> dict[str, float]:
    """The same while a long transaction, such as a backup, keeps 10,000 versions of ten members from being removed."""
    old = await connect(url)
    try:
        async with old.transaction(isolation="repeatable_read"):
            await old.fetchval("SELECT count(*) FROM members")
            for _ in range(_DEAD // MEMBERS[0]):
                await inside.execute("UPDATE members SET seen_at = clock_timestamp() WHERE id <> $1", me)
            return await _beat(registry, meter, me)
    finally:
        await old.close()


# -- notices -----------------------------------------------------------------------------------------------------------


class _Ears:
    """Counts who has heard."""

    def __init__(self) -> None:
        self._heard = 0
        self._awaited = 0
        self._all = asyncio.Event()

    def hear(self, topic: str, _text: str) -> None:
        if topic:
            self._heard += 1
            if self._heard >= self._awaited:
                self._all.set()

    async def told(self, registry: PostgresRegistry, listeners: int, text: str) -> None:
        """Tell something and wait until so many have heard it."""
        self._heard, self._awaited = 0, listeners
        self._all.clear()
        registry.tell("inbox", text)
        async with asyncio.timeout(30):
            await self._all.wait()


async def _notices(url: URL, meter: ServerMeter, free: int) -> Found:
    """One notice by how many processes hear it, and by how many connections listen to something else."""
    found: Found = {}
    counts = sorted({min(number, free) for number in LISTENERS})
    async with AsyncExitStack() as stack:
        ears = _Ears()
        registries: list[PostgresRegistry] = []
        speaker = await _registry(stack, url, _Ears(), 0)
        for number in counts:
            while len(registries) < number:
                registries.append(await _registry(stack, url, ears, len(registries) + 1))
            async with meter.measure(_NOTICES) as cost:
                for notice in range(_NOTICES):
                    await ears.told(speaker, number, str(notice))
            found[f"notice {number}"] = cost.each()
    async with AsyncExitStack() as stack:
        ears = _Ears()
        speaker = await _registry(stack, url, _Ears(), 0)
        await _registry(stack, url, ears, 1)
        for _ in range(counts[-1] - 1):
            deaf = await connect(url)
            stack.push_async_callback(deaf.close)
            await deaf.add_listener(_ELSEWHERE, lambda *_: None)
        async with meter.measure(_NOTICES) as cost:
            for notice in range(_NOTICES):
                await ears.told(speaker, 1, str(notice))
        found[f"notice 1 of {counts[-1]}"] = cost.each()
    return found


async def _registry(stack: AsyncExitStack, url: URL, ears: _Ears, number: int) -> PostgresRegistry:
    registry = PostgresRegistry(url, name=f"bench-{number}")
    stack.push_async_callback(registry.close)
    await registry.open(ears.hear)
    return registry


# -- the common pace ---------------------------------------------------------------------------------------------------


async def _paces(url: URL, meter: ServerMeter) -> Found:
    """Taking a block of places."""
    async with AsyncExitStack() as stack:
        registry = await _registry(stack, url, _Ears(), 0)
        await registry.reserve("telegram", rate=1e6, burst=1000, tokens=3)
        async with meter.measure(50) as cost:
            for _ in range(50):
                await registry.reserve("telegram", rate=1e6, burst=1000, tokens=3)
    return {"pace": cost.each()}
