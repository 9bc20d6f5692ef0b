"""What only a registry in a database has: connections that break, and rows that others lock."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from optfm_bot.cluster import postgres as registry_module
from optfm_bot.cluster.plan import ROLES
from optfm_bot.cluster.postgres import _CHANNEL, _LOCKS, PostgresRegistry
from optfm_bot.cluster.registry import GONE_SECONDS, LEASE_SECONDS
from optfm_bot.errors import StoreUnavailable
from optfm_bot.ids import WORKERS, IdSource
from optfm_bot.store.statements import lasting
from tests.conformance.cluster.conftest import PATIENCE, Ears, InPostgres

ALL = ROLES["all"]


async def door(ground: InPostgres, ears: Ears | None = None) -> PostgresRegistry:
    made = await ground.door((ears or Ears()).hear)
    assert isinstance(made, PostgresRegistry)
    return made


async def is_locked(ground: InPostgres, tenure: int) -> bool:
    """Whether the lock that says «this process lives» is held."""
    return not await ground.admin.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCKS | tenure)


async def cut(ground: InPostgres, registry: PostgresRegistry) -> None:
    """Break every connection of a process, and wait until the process has seen it."""
    gone = []
    for session in (registry._life, registry._talk):
        connection = session._connection
        if connection is not None:
            event = asyncio.Event()
            connection.add_termination_listener(lambda _, event=event: event.set())
            gone.append(event)
    await ground.admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", registry._name
    )
    async with asyncio.timeout(PATIENCE):
        for event in gone:
            await event.wait()


async def test_a_member_that_lost_its_connections_is_one_still_and_hears_again(postgres: InPostgres) -> None:
    ears = Ears()
    one, two = await door(postgres, ears), await door(postgres)
    first, second = await one.join(ALL, []), await two.join(ALL, [])
    await one.take(first, ["shard:00"])
    await cut(postgres, one)
    await ears.until_missed(2)
    two.tell("inbox", "1")
    await ears.until(("inbox", "1"))
    view = await one.beat(first, steady=False)

    assert view.leases["shard:00"] == first
    assert await is_locked(postgres, first)
    await postgres.silent(first, GONE_SECONDS + 1)
    assert first in (await two.beat(second, steady=False)).members


async def test_a_stopped_member_that_is_removed_loses_its_connections(postgres: InPostgres) -> None:
    """A transaction of a process that stands still must not hold up those that work in its place."""
    one, two = await door(postgres), await door(postgres)
    first, second = await one.join(ALL, []), await two.join(ALL, [])
    life = one._life._connection
    ended = asyncio.Event()
    life.add_termination_listener(lambda _: ended.set())
    await postgres.silent(first, LEASE_SECONDS + 1)
    await two.beat(second, steady=True)

    async with asyncio.timeout(PATIENCE):
        await ended.wait()
    assert set((await two.beat(second, steady=False)).members) == {second}, "and no others"


async def test_of_another_database_nobody_loses_a_connection(postgres: InPostgres) -> None:
    """Two bots on one server may well call their processes the same."""
    one, two = await door(postgres), await door(postgres)
    first, second = await one.join(ALL, []), await two.join(ALL, [])
    url = postgres.url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    stranger = await asyncpg.connect(url, server_settings={"application_name": one._name})
    try:
        await postgres.silent(first, LEASE_SECONDS + 1)
        assert set((await two.beat(second, steady=True)).members) == {second}
        assert await stranger.fetchval("SELECT 1") == 1
    finally:
        await stranger.close()


async def test_a_beginning_that_nobody_was_told_of_is_removed_without_harm(postgres: InPostgres) -> None:
    ears = Ears()
    one = await door(postgres, ears)
    first = await one.join(ALL, [])
    await one._life.close()
    second = await one.join(ALL, [])
    await postgres.silent(first, LEASE_SECONDS + 1)
    view = await one.beat(second, steady=True)

    assert set(view.members) == {second}
    other = await door(postgres)
    other.tell("inbox", "1")
    await ears.until(("inbox", "1"))
    assert ears.missed == 1, "our own connections are there still"


async def test_a_commit_under_way_keeps_its_tenure_and_lets_the_heartbeat_pass(postgres: InPostgres) -> None:
    """Whoever commits holds the member's row, so that it cannot be removed meanwhile; beating needs no such lock."""
    one, two = await door(postgres), await door(postgres)
    first, second = await one.join(ALL, []), await two.join(ALL, [])
    engine = create_async_engine(postgres.url)
    try:
        async with engine.begin() as committing:
            assert (await committing.execute(lasting(first))).scalar() == first
            await one.beat(first, steady=False)
            await postgres.silent(first, LEASE_SECONDS + 1)
            with pytest.raises(StoreUnavailable):  # after its lock timeout
                await two.beat(second, steady=True)
    finally:
        await engine.dispose()

    assert set((await two.beat(second, steady=True)).members) == {second}


async def test_who_has_left_does_not_claim_to_live_when_it_connects_again(postgres: InPostgres) -> None:
    one = await door(postgres)
    first = await one.join(ALL, [])
    assert await is_locked(postgres, first)
    await one.leave(first)
    await postgres.die(one, first)
    second = await one.join(ALL, [])

    assert not await is_locked(postgres, first)
    assert await is_locked(postgres, second)


async def test_a_server_that_cannot_be_reached_is_said_to_be_unavailable(postgres: InPostgres) -> None:
    nowhere = PostgresRegistry(postgres.url.set(port=1), name=f"process {uuid.uuid4().hex[:8]}")
    with pytest.raises(StoreUnavailable):
        await nowhere.open(lambda _topic, _said: None)
    with pytest.raises(StoreUnavailable):
        await nowhere.join(ALL, [])
    with pytest.raises(StoreUnavailable):
        await nowhere.reserve("t", rate=1, burst=1, tokens=1)
    await nowhere.close()


async def test_a_statement_that_is_cut_off_in_the_middle_leaves_a_door_that_works(
    postgres: InPostgres,
) -> None:
    one = await door(postgres)
    first = await one.join(ALL, [])
    await postgres.admin.execute("BEGIN")
    await postgres.admin.execute("SELECT 1 FROM members WHERE id = $1 FOR UPDATE", first)
    beating = asyncio.create_task(one.beat(first, steady=False))
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'"
    async with asyncio.timeout(PATIENCE):
        while not await postgres.admin.fetchval(waiting, one._name):
            await postgres.admin.execute("SELECT pg_stat_clear_snapshot()")
    beating.cancel()
    await asyncio.gather(beating, return_exceptions=True)
    await postgres.admin.execute("ROLLBACK")

    assert first in (await one.beat(first, steady=False)).members


async def test_words_of_strangers_on_the_channel_harm_nobody(postgres: InPostgres) -> None:
    """Whoever may connect may notify: what is not ours is passed over."""
    ears = Ears()
    await door(postgres, ears)
    two = await door(postgres)
    for payload in ("", "hello", "{}", "[1]", '["x",[["a"]]]', '["x",7]'):
        await postgres.admin.execute("SELECT pg_notify($1, $2)", _CHANNEL, payload)
    two.tell("inbox", "1")
    await ears.until(("inbox", "1"))

    assert ears.heard == [("inbox", "1")]


async def test_members_that_live_together_never_give_the_same_ids(postgres: InPostgres) -> None:
    """Ids keep ten bits of a member's number: of two that live at once they must not be the same ones."""
    one, two = await door(postgres), await door(postgres)
    first = await one.join(ALL, [])
    await postgres.admin.execute(
        "SELECT setval(pg_get_serial_sequence('members', 'id'), $1)", first + WORKERS - 1
    )
    second = await two.join(ALL, [])
    sources = [IdSource(lambda: 1_800_000_000_000, tenure % WORKERS) for tenure in (first, second)]

    assert second > first
    assert sources[0].next() != sources[1].next()


async def test_the_dead_are_found_although_the_clock_of_the_server_was_set_back(postgres: InPostgres) -> None:
    one, two, three = [await door(postgres) for _ in range(3)]
    first, second, third = [await each.join(ALL, []) for each in (one, two, three)]
    await postgres.silent(first, -3600)
    await postgres.silent(second, -3600)
    await postgres.die(one, first)

    assert set((await three.beat(third, steady=True)).members) == {second, third}


async def test_who_only_listens_hears_again_after_a_server_was_away(
    postgres: InPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has to be told by this process for it to connect again."""
    monkeypatch.setattr(registry_module, "_LISTEN_SECONDS", 0.02)
    ears, away = Ears(), asyncio.Event()
    one = await door(postgres, ears)
    connect = one._talk._connect

    async def refused_once() -> object:
        if not away.is_set():
            away.set()
            raise ConnectionRefusedError
        return await connect()

    monkeypatch.setattr(one._talk, "_connect", refused_once)
    await cut(postgres, one)

    await ears.until_missed(2)
    assert away.is_set()
    two = await door(postgres)
    two.tell("inbox", "1")
    await ears.until(("inbox", "1"))


async def test_a_connection_that_ended_without_a_word_is_noticed_by_who_only_listens(
    postgres: InPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "_LISTEN_SECONDS", 0.02)
    ears = Ears()
    one = await door(postgres, ears)
    use, silent = one._talk.use, asyncio.Event()

    @asynccontextmanager
    async def never_answered() -> AsyncIterator[object]:
        async with use() as connection:
            if not silent.is_set():
                silent.set()
                raise TimeoutError  # as a statement does that nobody answers
            yield connection

    monkeypatch.setattr(one._talk, "use", never_answered)

    await ears.until_missed(2)
    assert silent.is_set()
