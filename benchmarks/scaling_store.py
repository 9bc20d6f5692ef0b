"""What the store costs by the size of its transactions: messages taken in, answered, sent; claims; questions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from statistics import median
from typing import Any

from sqlalchemy.engine import URL

from benchmarks.scaling_meter import Cost, Meter, ServerMeter, connect
from benchmarks.scaling_traffic import CHANNEL, LEASE_MS, PER_CONVERSATION, Traffic
from optfm_bot.clock import SystemClock
from optfm_bot.store.engine import sqlite_path
from optfm_bot.store.sql import SqlStore
from optfm_bot.store.unit import UnitOfWork

SIZES = (1, 10, 100, 512)
"""Units in one transaction; a group commit takes 512 at most."""
MIXED = (3, 12, 102, 510)
"""The same for transactions that have as many updates as answers as outcomes, as a busy process writes them."""
CLAIMS = (1, 10, 100)
BACKLOG = 20_000
_REPEATS = {1: 20, 3: 12, 10: 6, 12: 6, 100: 2, 102: 2, 510: 1, 512: 1}
_HALF = range(32)
"""The shards of one of two processes."""

Found = dict[str, dict[str, float]]


class _Tenure:
    """The fence of a process that is one of several: its tenure is asked for in every transaction."""

    def __init__(self, tenure: int) -> None:
        self.tenure = tenure

    def ended(self, tenure: int) -> None:
        raise AssertionError(f"the tenure {tenure} of the measurement was ended")


class Sizes:
    """Hears how many units each transaction had."""

    def __init__(self) -> None:
        self.last = 0

    def committed(self, units: int, _seconds: float) -> None:
        self.last = units

    def failed(self) -> None:
        raise AssertionError("a transaction of the measurement failed")


class StoreMeasurement:
    """Measures one store. Everything that it writes is a whole life of messages, so that its size can be told."""

    def __init__(
        self, store: SqlStore, traffic: Traffic, meter: Meter, sizes: Sizes, clock: SystemClock
    ) -> None:
        self._store = store
        self._traffic = traffic
        self._meter = meter
        self._sizes = sizes
        self._clock = clock

    @property
    def written(self) -> int:
        """How many messages have been taken in, answered and sent."""
        return self._traffic.written

    async def warm(self) -> None:
        """Write, claim and ask a little, unmeasured."""
        taken = [self._traffic.take_in() for _ in range(2)]
        await self._commit(taken)
        await self._finish(taken)
        await self._claim("nobody", 0, 1)
        await self._questions(2, 1)

    async def units(self) -> Found:
        """The cost of a transaction by kind of unit and size: `answer 10` is one transaction with ten answers."""
        found: Found = {}
        for size in SIZES:
            costs: dict[str, list[Cost]] = {"ingest": [], "answer": [], "sent": []}
            for _ in range(_REPEATS[size]):
                taken = [self._traffic.take_in() for _ in range(size)]
                costs["ingest"].append(await self._commit(taken))
                answers = [self._traffic.answer(unit.added[0]) for unit in taken]
                costs["answer"].append(await self._commit([unit for unit, _ in answers]))
                outcomes = [self._traffic.sent(promised) for _, promised in answers]
                costs["sent"].append(await self._commit(outcomes))
            found |= {f"{kind} {size}": _middle(each) for kind, each in costs.items()}
        return found

    async def mixed(self) -> Found:
        """The cost of a transaction in which a third of the units are of each kind."""
        found: Found = {}
        for size in MIXED:
            third, costs = size // 3, []
            taken = [self._traffic.take_in() for _ in range(third)]
            await self._commit(taken)
            answered = [self._traffic.answer(unit.added[0]) for unit in taken]
            await self._commit([unit for unit, _ in answered])
            following = [self._traffic.take_in() for _ in range(third)]
            await self._commit(following)
            for _ in range(_REPEATS[size]):
                fresh = [self._traffic.take_in() for _ in range(third)]
                answers = [self._traffic.answer(unit.added[0]) for unit in following]
                outcomes = [self._traffic.sent(promised) for _, promised in answered]
                costs.append(await self._commit([*fresh, *(unit for unit, _ in answers), *outcomes]))
                following, answered = fresh, answers
            await self._finish(following)
            await self._commit([self._traffic.sent(promised) for _, promised in answered])
            found[f"mixed {size}"] = _middle(costs)
        return found

    async def claims(self, owner: str) -> Found:
        """The cost of a claim by what it finds: nothing, or updates that others have stored."""
        found: Found = {"claim 0": _middle([await self._claim(owner, 0, 500) for _ in range(10)])}
        for size in CLAIMS:
            costs = []
            for _ in range(_REPEATS[size]):
                await self._fill(size)
                costs.append(await self._claim(owner, size, 500))
            found[f"claim {size}"] = _middle(costs)
        return found

    async def backlog(self, owner: str) -> Found:
        """The cost of a claim of 500 while thousands wait in the store."""
        costs = [await self._claim(owner, 500, 500, finish=False) for _ in range(3)]
        return {"claim 500 of a backlog": _middle(costs)}

    async def questions(self) -> Found:
        """The cost of what is asked beside the writing."""
        both, ready, counts = await self._questions(20, 5)
        return {"look_up": both.each(), "ready": ready.each(), "counts": counts.each()}

    async def _questions(self, often: int, seldom: int) -> tuple[Cost, Cost, Cost]:
        chats = [self._traffic.chat(number * PER_CONVERSATION) for number in range(often)]
        async with self._meter.measure(often) as both:
            for chat in chats:
                await self._store.people([f"{CHANNEL}:{chat.chat_id}"])
                await self._store.conversations([str(chat)])
        async with self._meter.measure(often) as ready:
            for _ in range(often):
                await self._store.ready(CHANNEL, shards=_HALF)
        async with self._meter.measure(seldom) as counts:
            for _ in range(seldom):
                await self._store.counts()
        return both, ready, counts

    async def _commit(self, units: Sequence[UnitOfWork]) -> Cost:
        """Commit units together; fails if the store makes more than one transaction of them."""
        async with self._meter.measure() as cost:
            await asyncio.gather(*(_end(unit) for unit in units))
        assert self._sizes.last == len(units), (
            f"{len(units)} units became a transaction of {self._sizes.last}"
        )
        return cost

    async def _claim(self, owner: str, expected: int, limit: int, *, finish: bool = True) -> Cost:
        now = self._clock.ms()
        async with self._meter.measure() as cost:
            rows = await self._store.claim(
                owner=owner, now=now, lease_until=now + LEASE_MS, limit=limit, shards=_HALF
            )
        assert len(rows) == expected, f"{len(rows)} claimed of {expected}"
        if finish and rows:
            units = []
            for row in rows:
                unit, promised = self._traffic.answer(row)
                units += [unit, self._traffic.sent(promised)]
            await asyncio.gather(*(_end(unit) for unit in units))
        return cost

    async def _fill(self, size: int) -> None:
        """Store so many updates, for shards that a claim asks for, that nobody holds."""
        units: list[UnitOfWork] = []
        while len(units) < size:
            unit = self._traffic.take_in(owned=False)
            if unit.changes[0][1]["shard"] in _HALF:
                units.append(unit)
        await asyncio.gather(*(_end(unit) for unit in units))

    async def _finish(self, taken: Sequence[UnitOfWork]) -> None:
        answers = [self._traffic.answer(unit.added[0]) for unit in taken]
        await self._commit([unit for unit, _ in answers])
        await self._commit([self._traffic.sent(promised) for _, promised in answers])


async def _end(unit: UnitOfWork) -> None:
    async with unit:
        pass


def _middle(costs: Sequence[Cost]) -> dict[str, float]:
    each = [cost.each() for cost in costs]
    return {name: round(median(one[name] for one in each), 2) for name in each[0]}


# -- rounds ------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _opened(url: URL, meter: Meter, tenure: int | None) -> AsyncIterator[StoreMeasurement]:
    sizes, clock = Sizes(), SystemClock()
    store = SqlStore(url.render_as_string(hide_password=False), observer=sizes)
    if tenure is not None:
        store.fence = _Tenure(tenure)
    await store.open()
    try:
        traffic = Traffic(store, clock, owner=None if tenure is None else str(tenure))
        measurement = StoreMeasurement(store, traffic, meter, sizes, clock)
        for _ in range(3):  # connects, and lets everything be compiled that is compiled once
            await measurement.warm()
        yield measurement
    finally:
        await store.close()


async def on_sqlite(url: URL) -> Found:
    """One round on a new SQLite file."""
    async with _opened(url, Meter(), None) as measurement:
        found = await measurement.units() | await measurement.mixed()
    path = sqlite_path(url)
    assert path is not None
    # Closed, the file has everything that was in its journal.
    found["message"] = {"bytes": round(path.stat().st_size / measurement.written, 1)}
    return found


async def on_postgresql(url: URL, admin_url: URL) -> Found:
    """One round on a new PostgreSQL database, as one of several processes."""
    admin, inside = await connect(admin_url), await connect(url)
    try:
        tenure = await inside.fetchval(
            "INSERT INTO members (name, roles, version, joined_at, seen_at)"
            " VALUES ('bench', 'worker', '0', now(), now()) RETURNING id"
        )
        meter = ServerMeter(admin, str(url.database))
        async with _opened(url, meter, tenure) as measurement:
            found = await measurement.units() | await measurement.mixed()
            written = measurement.written
            found["message"] = {"bytes_as_written": round(await _database_size(inside) / written, 1)}
            for name in ("inbox", "outbox", "turns", "conversations", "people"):
                await inside.execute(f"VACUUM FULL ANALYZE {name}")
            found["message"]["bytes"] = round(await _database_size(inside) / written, 1)
            found |= await measurement.questions()
            found |= await measurement.claims(str(tenure))
            await _pile_up(inside)
            found |= await measurement.backlog(str(tenure))
            return found
    finally:
        await inside.close()
        await admin.close()


async def _pile_up(inside: Any) -> None:
    """Let updates wait, ten to a conversation, in the shards that a claim asks for."""
    await inside.execute(
        "INSERT INTO inbox (channel, key, lane, payload, received_at, shard)"
        " SELECT 'telegram', 'backlog ' || n, 'telegram:' || n / 10, convert_to(repeat('x', 400), 'UTF8'),"
        " n, n / 10 % 32"
        " FROM generate_series(1, $1::int) AS n",
        BACKLOG,
    )
    await inside.execute("VACUUM ANALYZE inbox")


async def _database_size(inside: Any) -> int:
    return int(
        await inside.fetchval(
            "SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest("
            "ARRAY['inbox', 'outbox', 'turns', 'conversations', 'people']) AS name"
        )
    )
