"""What houses rely on when several of them share a store: tenures that fence, and rows by shard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from optfm_bot.errors import StoreFenced
from optfm_bot.shards import SHARDS, shard_of
from optfm_bot.store.contract import Store
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import NewUpdate, OutboxRow, OutboxState, StoredUpdate
from optfm_bot.store.sql import SqlStore

NOW = 1_760_000_000_000
LATER = NOW + 60_000
ALL = range(SHARDS)


class Fence:
    """The tenure of a process, as a test says."""

    def __init__(self, tenure: int | None) -> None:
        self.tenure = tenure
        self.told: list[int] = []

    def ended(self, tenure: int) -> None:
        self.told.append(tenure)


class Tenures:
    """Begins and ends tenures behind the store's back, as the other processes do."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._engine: AsyncEngine | None = (
            create_async_engine(store._url) if isinstance(store, SqlStore) else None
        )

    async def begin(self, *tenures: int) -> None:
        for tenure in tenures:
            if isinstance(self._store, MemoryStore):
                self._store.members.add(tenure)
            await self._run(
                "INSERT INTO members (id, name, roles, version, joined_at, seen_at)"
                " VALUES (:id, 'x', 'worker', '1', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
                tenure,
            )

    async def end(self, tenure: int) -> None:
        if isinstance(self._store, MemoryStore):
            self._store.evict(tenure)
        await self._run("DELETE FROM members WHERE id = :id", tenure)

    async def _run(self, statement: str, tenure: int) -> None:
        if self._engine is not None:
            async with self._engine.begin() as connection:
                await connection.execute(text(statement), {"id": tenure})

    async def close(self) -> None:
        if self._engine is not None:
            await self._engine.dispose()


@pytest.fixture
async def tenures(store: Store) -> AsyncIterator[Tenures]:
    made = Tenures(store)
    yield made
    await made.close()


@pytest.fixture
async def fence(store: Store, tenures: Tenures) -> Fence:
    """The store of the process whose tenure is 1, which lasts; 2 lasts, too, and is another's."""
    await tenures.begin(1, 2)
    store.fence = made = Fence(1)
    return made


def update(key: str, lane: str = "t:1") -> NewUpdate:
    return NewUpdate(channel="t", key=key, lane=lane, payload=b"{}")


async def add(
    store: Store, *updates: NewUpdate, owner: str | None = None, lease_until: int = 0
) -> list[StoredUpdate]:
    async with store.unit() as unit:
        for each in updates:
            unit.inbox.add(each, received_at=NOW, owner=owner, lease_until=lease_until)
    return list(unit.added)


def lanes(count: int) -> list[str]:
    """So many conversations, each in a shard of its own."""
    found: dict[int, str] = {}
    number = 0
    while len(found) < count:
        found.setdefault(shard_of(f"t:{number}"), f"t:{number}")
        number += 1
    return list(found.values())


async def claim(store: Store, owner: str = "me", **options: Any) -> list[str]:
    rows = await store.claim(owner=owner, now=NOW, **{"lease_until": LATER, "limit": 100, **options})
    return [row.key for row in rows]


def message(row_id: int, lane: str = "t:1", **facts: Any) -> OutboxRow:
    return OutboxRow(
        id=row_id, channel="t", lane=lane, message="{}", purpose="answer", created_at=NOW, **facts
    )


async def promise(store: Store, *rows: OutboxRow) -> None:
    async with store.unit() as unit:
        for row in rows:
            unit.outbox.add(row)


def ids(rows: Sequence[OutboxRow]) -> list[int]:
    return [row.id for row in rows]


# -- the fence -----------------------------------------------------------------------------------------


async def test_what_is_begun_under_a_tenure_that_lasts_is_stored(store: Store, fence: Fence) -> None:
    assert len(await add(store, update("1"))) == 1
    assert await claim(store) == ["1"]
    assert fence.told == []


async def test_what_was_begun_under_a_tenure_that_is_over_stores_nothing(
    store: Store, fence: Fence, tenures: Tenures
) -> None:
    await tenures.end(1)
    with pytest.raises(StoreFenced):
        async with store.unit() as unit:
            unit.inbox.add(update("1"), received_at=NOW, owner=None, lease_until=0)
            unit.outbox.add(message(1))
            unit.cursors.save("t", "5", at=NOW)

    assert fence.told == [1]
    assert list(unit.added) == []
    assert await store.last_received("t") is None
    assert list(await store.unsent("t")) == []
    assert await store.cursor("t") is None


async def test_a_unit_keeps_the_tenure_under_which_it_was_begun(
    store: Store, fence: Fence, tenures: Tenures
) -> None:
    """The process is a member again, and what it began before is still not its own."""
    unit = store.unit()
    unit.outbox.add(message(1))
    await tenures.end(1)
    await tenures.begin(3)
    fence.tenure = 3
    with pytest.raises(StoreFenced):
        async with unit:
            pass
    await promise(store, message(2))

    assert ids(await store.unsent("t")) == [2]


async def test_a_tenure_that_was_given_up_is_over_though_the_database_still_knows_it(
    store: Store, fence: Fence
) -> None:
    unit = store.unit()
    unit.outbox.add(message(1))
    fence.tenure = 2
    with pytest.raises(StoreFenced):
        async with unit:
            pass

    assert fence.told == [], "the tenure that lasts is not said to have ended"
    assert list(await store.unsent("t")) == []


async def test_fenced_units_do_no_harm_to_those_of_their_transaction(
    store: Store, fence: Fence, tenures: Tenures
) -> None:
    async def put(row: OutboxRow, tenure: int) -> None:
        fence.tenure = tenure
        unit = store.unit()
        fence.tenure = 1
        unit.outbox.add(row)
        async with unit:
            pass

    await tenures.end(2)
    results = await asyncio.gather(
        *(put(message(number), tenure) for number, tenure in enumerate([1, 2, 1, 2, 1])),
        return_exceptions=True,
    )

    assert [isinstance(result, StoreFenced) for result in results] == [False, True, False, True, False]
    assert [result for result in results if not isinstance(result, StoreFenced)] == [None] * 3
    assert ids(await store.unsent("t")) == [0, 2, 4]


async def test_what_is_true_whoever_writes_it_passes(store: Store, fence: Fence, tenures: Tenures) -> None:
    await promise(store, message(1), message(2))
    await tenures.end(1)
    async with store.unit(fenced=False) as unit:
        unit.outbox.sent(1, external_ids='["9"]', degraded=None, at=NOW)
    with pytest.raises(StoreFenced):
        async with store.unit() as refused:
            refused.outbox.sent(2, external_ids='["9"]', degraded=None, at=NOW)

    assert [row.state for row in await store.outgoing([1, 2])] == [OutboxState.SENT, OutboxState.READY]


async def test_nothing_is_claimed_or_let_go_under_a_tenure_that_is_over(
    store: Store, fence: Fence, tenures: Tenures
) -> None:
    await add(store, update("1"))
    await add(store, update("2", "t:2"), owner="1", lease_until=LATER)
    await tenures.end(1)
    with pytest.raises(StoreFenced):
        await claim(store, "1")
    with pytest.raises(StoreFenced):
        await store.let_go(owner="1", keep=())
    assert fence.told == [1, 1]

    fence.tenure = 2
    assert "1" in await claim(store, "2")


async def test_who_has_the_store_for_himself_is_not_fenced(store: Store) -> None:
    assert store.fence.tenure is None
    assert len(await add(store, update("1"))) == 1
    assert await claim(store) == ["1"]


# -- updates by shard ----------------------------------------------------------------------------------


async def test_only_what_is_in_the_shards_is_claimed(store: Store) -> None:
    one, two, three = lanes(3)
    await add(store, update("1", one), update("2", two), update("3", three), update("4", one))

    assert await claim(store, shards=[shard_of(one)], limit=1) == ["1"]
    assert await claim(store, shards={shard_of(one), shard_of(three)}) == ["3", "4"]
    assert await claim(store, "other", shards=[shard_of(one)]) == []
    assert not await store.unclaimed(now=NOW, shards=[shard_of(one)])
    assert await store.unclaimed(now=NOW, shards=[shard_of(two)])
    assert await store.unclaimed(now=NOW)
    assert await claim(store, "other", shards=ALL) == ["2"]
    assert not await store.unclaimed(now=NOW, shards=ALL)


async def test_nobody_claims_anything_of_no_shards(store: Store) -> None:
    await add(store, update("1"))

    assert await claim(store, shards=[]) == []
    assert not await store.unclaimed(now=NOW, shards=[])


async def test_what_follows_an_update_in_the_owners_hands_follows_it_there(store: Store) -> None:
    await add(store, update("1"), owner="me", lease_until=LATER)
    await add(store, update("2"), update("3"))

    assert await claim(store, "other") == []
    assert await claim(store, "me") == ["2", "3"]


async def test_what_follows_a_retry_in_the_owners_hands_does_too(store: Store) -> None:
    """The owner has the update, and tries it again when it is due: the next ones wait behind it there."""
    (first,) = await add(store, update("1"), owner="me", lease_until=LATER)
    async with store.unit() as unit:
        unit.inbox.retry(first.id, attempts=1, not_before=NOW + 5, error="x")
    await add(store, update("2"))

    assert await claim(store, "other") == []
    assert await claim(store, "me") == ["2"]


# -- so many of a lane ---------------------------------------------------------------------------------


async def test_no_lane_gets_more_than_its_share_of_a_claim(store: Store) -> None:
    flood, calm = lanes(2)
    await add(store, *(update(f"f{number}", flood) for number in range(8)), update("c", calm))

    assert await claim(store, per_lane=3) == ["f0", "f1", "f2", "c"]


async def test_a_share_is_the_oldest_of_its_lane_and_the_limit_counts_in_order(store: Store) -> None:
    one, two = lanes(2)
    for number in range(4):
        await add(store, update(f"a{number}", one), update(f"b{number}", two))

    assert await claim(store, per_lane=2, limit=3) == ["a0", "b0", "a1"]


async def test_counted_by_lane_the_next_ones_wait_for_those_in_hand(store: Store) -> None:
    flood, calm = lanes(2)
    rows = await add(store, *(update(f"f{number}", flood) for number in range(6)))
    assert await claim(store, per_lane=2) == ["f0", "f1"]
    await add(store, update("c", calm))

    assert await claim(store, per_lane=2) == ["c"]
    async with store.unit() as unit:
        for row in rows[:2]:
            unit.inbox.done(row.id, at=NOW)
    assert await claim(store, per_lane=2) == ["f2", "f3"]


async def test_a_share_never_goes_past_a_retry(store: Store) -> None:
    (first, *_) = await add(store, update("1"), update("2"), update("3", lanes(3)[2]))
    async with store.unit() as unit:
        unit.inbox.retry(first.id, attempts=1, not_before=NOW + 5, error="x")

    assert await claim(store, per_lane=2) == ["3"]


async def test_shares_are_counted_within_the_shards(store: Store) -> None:
    one, two = lanes(2)
    await add(store, *(update(f"a{number}", one) for number in range(3)), update("b", two))

    assert await claim(store, shards=[shard_of(one)], per_lane=2) == ["a0", "a1"]


# -- letting go ----------------------------------------------------------------------------------------


async def test_letting_go_frees_what_nobody_knows_and_keeps_the_rest(store: Store) -> None:
    known, unknown, done = await add(
        store, update("1"), update("2"), update("3"), owner="me", lease_until=LATER
    )
    (others,) = await add(store, update("4", lanes(2)[1]), owner="other", lease_until=LATER)
    async with store.unit() as unit:
        unit.inbox.done(done.id, at=NOW)

    assert await store.let_go(owner="me", keep={known.id, others.id}) == 1
    assert await store.unfinished([known.id, unknown.id, others.id]) == {known.id, unknown.id, others.id}
    assert await claim(store, "other") == [], "an older one of the lane is kept"
    assert await claim(store, "me") == ["2"]


async def test_letting_go_of_shards_touches_no_others(store: Store) -> None:
    one, two = lanes(2)
    rows = await add(
        store, update("1", one), update("2", two), update("3", one), owner="me", lease_until=LATER
    )

    assert await store.let_go(owner="me", keep={rows[2].id}, shards=[shard_of(one)]) == 1
    assert await claim(store, "other") == ["1"]
    assert await store.let_go(owner="me", keep=(), shards=[]) == 0
    assert await store.let_go(owner="nobody", keep=()) == 0
    assert await store.let_go(owner="me", keep=()) == 2
    assert await claim(store, "other") == ["2", "3"]


async def test_letting_go_of_many_is_counted_once(store: Store) -> None:
    rows = await add(store, *(update(str(number)) for number in range(1300)), owner="me", lease_until=LATER)

    assert await store.let_go(owner="me", keep=[row.id for row in rows[:100]]) == 1200
    assert await store.let_go(owner="me", keep=()) == 100


# -- messages ------------------------------------------------------------------------------------------


async def test_unsent_messages_are_found_by_shard(store: Store) -> None:
    one, two = lanes(2)
    await promise(store, message(3, one), message(1, two), message(2, one, state=OutboxState.SENDING))
    async with store.unit() as unit:
        unit.outbox.add(message(4, one))
        unit.outbox.close(4, state=OutboxState.FAILED, error="x", at=NOW)

    assert ids(await store.unsent("t")) == [1, 2, 3]
    assert ids(await store.unsent("t", shards=[shard_of(one)])) == [2, 3]
    assert ids(await store.unsent("t", shards=[])) == []
    assert ids(await store.unsent("other", shards=ALL)) == []


async def test_ready_messages_are_those_that_nobody_has_begun(store: Store) -> None:
    one, two = lanes(2)
    await promise(store, message(3, one), message(1, two), message(2, one, state=OutboxState.SENDING))

    assert list(await store.ready("t")) == [1, 3]
    assert list(await store.ready("t", shards=[shard_of(one)])) == [3]
    assert list(await store.ready("t", shards=ALL)) == [1, 3]
    assert list(await store.ready("t", shards=[])) == []
    async with store.unit() as unit:
        unit.outbox.sending(3)
        unit.outbox.retry(2, attempts=1, not_before=NOW + 9, error="x")
    assert list(await store.ready("t", shards=[shard_of(one)])) == [2]


async def test_messages_are_found_by_their_ids_whatever_came_of_them(store: Store) -> None:
    await promise(store, message(2), message(1, state=OutboxState.SENDING), message(3))
    async with store.unit() as unit:
        unit.outbox.sent(3, external_ids='["9"]', degraded=None, at=NOW)

    found = await store.outgoing([3, 99, 1, 2])
    assert [(row.id, row.state) for row in found] == [
        (1, OutboxState.SENDING),
        (2, OutboxState.READY),
        (3, OutboxState.SENT),
    ]
    assert list(await store.outgoing([])) == []


async def test_the_answers_to_updates_are_found(store: Store) -> None:
    await promise(
        store, message(3, inbox_id=7, seq=1), message(1, inbox_id=7), message(2, inbox_id=8), message(4)
    )

    assert ids(await store.answers([7])) == [1, 3]
    assert ids(await store.answers([8, 7, 9])) == [1, 2, 3]
    assert list(await store.answers([])) == []
