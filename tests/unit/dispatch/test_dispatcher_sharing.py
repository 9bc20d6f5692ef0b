"""The dispatcher of one process among many: conversations come and go, and nothing of them is lost or done twice."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from optfm_bot.errors import StoreConflict, StoreUnavailable
from optfm_bot.shards import shard_of
from optfm_bot.store.records import NewUpdate
from tests.unit.dispatch.conftest import ShakyStore
from tests.unit.tenancy import Tenancy


@pytest.fixture
def store() -> ShakyStore:
    return ShakyStore()


@pytest.fixture
def tenancy(store: ShakyStore) -> Tenancy:
    return Tenancy(store)


def shared(store: ShakyStore, tenancy: Tenancy, **options: Any) -> dict[str, Any]:
    return {"store": store, "owner": tenancy, "alone": False, **options}


def owners(store: ShakyStore) -> list[str | None]:
    return [row["owner"] for row in store._inbox.values() if row["state"] == 0]


def stored(unit: Any, lane: str, text: str, owner: str | None = None, until: int = 0) -> None:
    """Record an update that another process, or an earlier one, has stored."""
    key = f"{lane}-stored-{text}"
    payload = orjson.dumps({"key": key, "text": text})
    update = NewUpdate(channel="t", key=key, lane=lane, payload=payload)
    unit.inbox.add(update, received_at=0, owner=owner, lease_until=until)


# -- who handles what ----------------------------------------------------------------------------------


async def test_what_comes_for_us_alone_is_held_from_its_birth(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        await d.clock.advance(1)  # what earlier owners left is looked for first
        d.handler.gates["1"] = asyncio.Event()
        await d.push("a", "1", only_here=True)
        assert owners(store) == ["1"]
        d.handler.gates["1"].set()
        await d.rest()

        assert d.handler.texts("a") == ["1"]


async def test_what_several_may_receive_is_taken_from_the_store_in_its_order(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    """Two processes store at once: neither knows what the other has just stored, the store does."""
    async with desk(**shared(store, tenancy)) as d:
        await d.clock.advance(1)
        await d.push("a", "1")
        assert owners(store) == [None]
        await d.push("a", "2")
        await d.clock.advance(0)

        assert d.handler.texts("a") == ["1", "2"]


async def test_what_is_anothers_is_stored_for_it_and_its_lanes_are_named(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        await d.clock.advance(1)
        told: list[str] = []
        d.intake._elsewhere = told.extend
        tenancy.gives("theirs")
        await d.push("theirs", "1", only_here=True)
        await d.push("ours", "2", only_here=True)
        await d.clock.advance(10)

        assert told == ["theirs"]
        assert d.handler.texts() == ["2"]
        assert await d.left() == ["1"]
        assert owners(store) == [None]


async def test_a_batch_of_ours_and_theirs_is_parted(desk: Any, store: ShakyStore, tenancy: Tenancy) -> None:
    async with desk(**shared(store, tenancy)) as d:
        await d.clock.advance(1)
        tenancy.gives("theirs")
        lease = d.dispatcher.lease(["ours", "theirs", "ours"])
        d.dispatcher.accept(lease, [])

        assert lease.owners == ["1", None, "1"]
        assert d.dispatcher.held == 0


async def test_conversations_that_come_are_handled_before_anything_new_of_them(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        await d.clock.advance(1)
        tenancy.gives("a")
        await d.push("a", "1", "2")
        tenancy.takes("a")
        d.dispatcher.took()
        await d.push("a", "3", only_here=True)
        await d.clock.advance(1)

        assert d.handler.texts("a") == ["1", "2", "3"]


async def test_somebody_elses_word_wakes_the_dispatcher(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        await d.clock.advance(1)
        async with store.unit() as unit:
            stored(unit, "a", "1")
        await d.clock.advance(0)
        assert d.handler.texts() == []
        d.dispatcher.wake()
        await d.clock.advance(0)

        assert d.handler.texts() == ["1"]


# -- giving away ---------------------------------------------------------------------------------------


async def test_letting_go_finishes_what_is_under_way_and_leaves_the_rest(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        await d.clock.advance(1)
        gate = d.handler.gates["1"] = asyncio.Event()
        await d.push("a", "1", "2", "3", only_here=True)
        await d.push("b", "4", only_here=True)
        await d.clock.advance(0)
        letting_go = asyncio.create_task(d.dispatcher.let_go(tenancy.gives("a")))
        await d.clock.advance(1)
        assert not letting_go.done()
        gate.set()
        await d.clock.advance(0)

        assert letting_go.done()
        await letting_go
        assert d.handler.texts("a") == ["1"]
        assert await d.left() == ["2", "3"]
        assert owners(store) == [None, None], "the next owner need not wait for a lease"
        assert d.dispatcher.held == 0
        await d.clock.advance(30)
        assert d.handler.texts() == ["4", "1"], "and they are never touched again"


async def test_letting_go_cuts_off_what_hangs(desk: Any, store: ShakyStore, tenancy: Tenancy) -> None:
    async with desk(**shared(store, tenancy)) as d:
        await d.clock.advance(1)
        d.handler.gates["1"] = asyncio.Event()
        await d.push("a", "1", only_here=True)
        await d.clock.advance(0)
        letting_go = asyncio.create_task(d.dispatcher.let_go(tenancy.gives("a")))
        await d.clock.advance(9)
        assert not letting_go.done()
        await d.clock.advance(3)

        assert letting_go.done()
        await letting_go
        assert await d.left() == ["1"]
        assert owners(store) == [None]
        assert d.dispatcher.held == 0


async def test_letting_go_does_not_wait_for_what_is_held_back_by_a_long_outbox(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    room = asyncio.Event()

    async def wait(_channel: str, lane: str) -> None:
        if lane == "a":
            await room.wait()

    async with desk(**shared(store, tenancy, room=wait)) as d:
        await d.clock.advance(1)
        await d.push("a", "1", "2", only_here=True)
        await d.push("b", "3", only_here=True)
        await d.clock.advance(0)
        began = d.clock.monotonic()
        await d.dispatcher.let_go(tenancy.gives("a"))
        assert d.clock.monotonic() == began
        assert owners(store) == [None, None]
        room.set()
        await d.clock.advance(5)

        assert d.handler.texts() == ["3"]
        assert d.dispatcher.held == 0


async def test_letting_go_waits_for_what_is_just_being_stored(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    """An update may be on its way into the store under our name: after we let go it must not be ours."""
    async with desk(**shared(store, tenancy)) as d:
        await d.clock.advance(1)
        lease = d.dispatcher.lease(["a"])
        assert lease.owners == ["1"]
        letting_go = asyncio.create_task(d.dispatcher.let_go(tenancy.gives("a")))
        await d.clock.advance(3)
        assert not letting_go.done()
        async with store.unit() as unit:
            stored(unit, "a", "1", owner="1", until=lease.until)
        assert d.dispatcher.accept(lease, unit.added) == []
        await d.clock.advance(1)

        assert letting_go.done()
        await letting_go
        assert d.handler.texts() == []
        assert owners(store) == [None]
        assert d.dispatcher.held == 0


async def test_letting_go_of_some_shards_harms_no_others(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        await d.clock.advance(1)
        gate = d.handler.gates["1"] = asyncio.Event()
        await d.push("b", "1", "2", only_here=True)
        await d.clock.advance(0)
        assert shard_of("a") != shard_of("b")
        await d.dispatcher.let_go(tenancy.gives("a"))
        assert owners(store) == ["1", "1"]
        gate.set()
        await d.clock.advance(0)

        assert d.handler.texts("b") == ["1", "2"]


async def test_what_was_claimed_while_it_was_given_away_is_let_go(
    desk: Any, store: ShakyStore, tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        await d.clock.advance(1)
        claim, asked, answer = store.claim, asyncio.Event(), asyncio.Event()

        async def slow(**options: Any) -> Any:
            rows = await claim(**options)
            if rows:
                asked.set()
                await answer.wait()
            return rows

        monkeypatch.setattr(store, "claim", slow)
        await d.push("a", "1")
        await asked.wait()
        await d.dispatcher.let_go(tenancy.gives("a"))
        answer.set()
        await d.clock.advance(2)

        assert d.handler.texts() == []
        assert owners(store) == [None]
        assert d.dispatcher.held == 0


async def test_a_store_that_is_away_is_told_to_whoever_lets_go_and_it_can_be_asked_again(
    desk: Any, store: ShakyStore, tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        await d.clock.advance(1)
        let_go = store.let_go

        async def away(**_options: Any) -> int:
            raise StoreUnavailable

        d.handler.gates["1"] = asyncio.Event()
        await d.push("a", "1", "2", only_here=True)
        await d.clock.advance(0)
        given = tenancy.gives("a")
        d.handler.gates["1"].set()
        monkeypatch.setattr(store, "let_go", away)
        with pytest.raises(StoreUnavailable):
            await d.dispatcher.let_go(given)
        monkeypatch.setattr(store, "let_go", let_go)
        await d.dispatcher.let_go(given)

        assert owners(store) == [None]


# -- being taken for dead ------------------------------------------------------------------------------


async def test_a_displaced_dispatcher_drops_everything_and_writes_nothing(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        await d.clock.advance(1)
        d.handler.gates["1"] = asyncio.Event()
        for lane in "abc":
            await d.push(lane, "1", "2", only_here=True)
        await d.clock.advance(0)
        assert d.dispatcher.held == 6
        commits = store.commits
        tenancy.over()
        d.dispatcher.evict()
        d.handler.gates["1"].set()
        await d.clock.advance(60)

        assert d.dispatcher.held == 0
        assert d.handler.texts() == []
        assert store.commits == commits
        await asyncio.wait_for(d.dispatcher.idle(), 1)

        tenancy.again(2)
        d.dispatcher.took()
        await d.clock.advance(1)
        assert [d.handler.texts(lane) for lane in "abc"] == [["1", "2"]] * 3
        assert d.dispatcher.held == 0


async def test_what_is_being_stored_while_we_are_displaced_is_left_to_whoever_took_over(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        await d.clock.advance(1)
        lease = d.dispatcher.lease(["a"])
        spilled = [d.dispatcher.lease(["a"] * 6000)]
        async with store.unit() as unit:
            stored(unit, "a", "1", owner="1", until=lease.until)
        tenancy.over()
        d.dispatcher.evict()
        tenancy.again(2)
        d.dispatcher.accept(lease, unit.added)
        d.dispatcher.accept(spilled[0], [])
        assert d.dispatcher.held == 0
        d.dispatcher.took()
        await d.clock.advance(1)

        assert d.handler.texts() == ["1"], "claimed like any other"
        assert d.dispatcher.held == 0
        assert not d.dispatcher._overflow, "and the short way is open again"


async def test_a_claim_that_is_answered_after_we_were_displaced_gives_nothing(
    desk: Any, store: ShakyStore, tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        await d.clock.advance(1)
        claim, asked, answer = store.claim, asyncio.Event(), asyncio.Event()

        async def slow(**options: Any) -> Any:
            rows = await claim(**options)
            if rows and not asked.is_set():
                asked.set()
                await answer.wait()
            return rows

        monkeypatch.setattr(store, "claim", slow)
        await d.push("a", "1")
        await asked.wait()
        tenancy.over()
        d.dispatcher.evict()
        tenancy.again(2)
        answer.set()
        await d.clock.advance(5)

        assert d.handler.texts() == ["1"], "once, under the new tenure"
        assert d.dispatcher.held == 0


# -- answers of the store that get lost ----------------------------------------------------------------


async def test_what_was_handled_without_our_hearing_of_it_is_not_handled_again_and_its_answer_is_sent(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    answered: list[int] = []

    async def told(ids: Any) -> None:
        answered.extend(ids)

    async with desk(**shared(store, tenancy, answered=told)) as d:
        await d.clock.advance(1)
        d.handler.gates["1"] = asyncio.Event()
        await d.push("a", "1", "2", only_here=True)
        await d.clock.advance(0)
        store.lose_replies = 1
        d.handler.gates["1"].set()
        await d.clock.advance(1)

        assert answered == [1]
        assert d.handler.texts() == ["2"], "of the first one it only saw the error"
        assert len(d.handler.times("1")) == 1
        assert d.dispatcher.held == 0


async def test_what_another_has_done_is_known_by_a_conflict_and_its_answer_is_sent(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    answered: list[int] = []

    async def told(ids: Any) -> None:
        answered.extend(ids)

    async with desk(**shared(store, tenancy, answered=told)) as d:
        await d.clock.advance(1)
        gate = d.handler.gates["1"] = asyncio.Event()
        d.handler.script["1"] = [StoreConflict()]
        await d.push("a", "1", "2", only_here=True)
        await d.clock.advance(0)
        async with store.unit() as unit:
            unit.inbox.done(1, at=0)
        gate.set()
        await d.clock.advance(0)

        assert answered == [1]
        assert d.handler.texts() == ["2"]


async def test_what_was_stored_for_us_without_our_hearing_of_it_is_handled_soon(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    """Not after its lease: nobody else may take it, and we never saw it."""
    async with desk(**shared(store, tenancy)) as d:
        await d.clock.advance(1)
        store.lose_replies = 1
        with pytest.raises(StoreUnavailable):
            await d.push("a", "1", key="k", only_here=True)
        assert owners(store) == ["1"]
        await d.push("a", "1", key="k", only_here=True)  # the platform brings it again
        await d.push("a", "2", only_here=True)
        await d.clock.advance(3)

        assert d.handler.texts("a") == ["1", "2"]


async def test_what_follows_an_update_that_we_have_never_seen_does_not_overtake_it(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    """Also if it was under way already when the answer got lost, and while others keep coming without a pause."""
    async with desk(**shared(store, tenancy)) as d:
        await d.clock.advance(1)
        following = d.dispatcher.lease(["a"])
        store.lose_replies = 1
        with pytest.raises(StoreUnavailable):
            await d.push("a", "1", only_here=True)
        busy = d.dispatcher.lease(["b"])
        async with store.unit() as unit:
            stored(unit, "a", "2", owner="1", until=following.until)
        d.dispatcher.accept(following, unit.added)
        await d.push("a", "3", only_here=True)
        await d.clock.advance(3)

        assert d.handler.texts("a") == ["1", "2", "3"]
        d.dispatcher.accept(busy, [])
        await d.clock.advance(3)
        assert d.dispatcher.held == 0


# -- a conversation that floods ------------------------------------------------------------------------


async def handles(d: Any, updates: int) -> None:
    """Let so many updates be handled."""
    for _ in range(100):
        for _ in range(1000):
            await asyncio.sleep(0)
        if len(d.handler.handled) == updates:
            return
        await d.clock.advance(1)
    raise AssertionError(f"{len(d.handler.handled)} were handled instead of {updates}")


@pytest.mark.parametrize("batch", [1, 100, 10_000])
@pytest.mark.parametrize("only_here", [True, False])
async def test_a_conversation_that_floods_delays_no_other(
    desk: Any,
    store: ShakyStore,
    tenancy: Tenancy,
    batch: int,
    only_here: bool,  # noqa: FBT001 - a case of the table
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        await d.clock.advance(1)
        gate = d.handler.gates["0"] = asyncio.Event()
        texts = list(map(str, range(10_000)))
        for start in range(0, len(texts), batch):
            await d.push("flood", *texts[start : start + batch], only_here=only_here)
        await d.push("calm", "hello", only_here=only_here)
        await d.clock.advance(3)

        assert d.handler.texts() == ["hello"], "before the flood is"
        gate.set()
        await d.push("calm", "again", only_here=only_here)
        await handles(d, 10_002)
        handled = d.handler.texts()
        assert handled.index("again") < 5200, "nor behind the whole of it"
        assert d.handler.texts("flood") == texts
        await d.clock.advance(3)
        assert not d.dispatcher._overflow, "afterwards the short way is open again"


async def test_a_backlog_of_one_conversation_delays_no_other(desk: Any, store: ShakyStore) -> None:
    """It waits in the store from before: nobody has pushed it past a limit."""
    await store.open()
    async with store.unit() as unit:
        for number in range(10_000):
            stored(unit, "flood", str(number))
        stored(unit, "calm", "hello")
    tenancy = Tenancy(store)
    async with desk(**shared(store, tenancy)) as d:
        d.handler.gates["0"] = asyncio.Event()
        await d.clock.advance(3)

        assert d.handler.texts() == ["hello"]
