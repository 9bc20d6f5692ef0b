"""Sending where conversations come and go: what is under way is finished, the rest is another's, nothing goes twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from channels.codec import encode_outbound
from channels.errors import Gone, Rejected, RetryLater, Unreachable
from channels.model import Body, ChatRef, Outbound, Paragraph, Text
from optfm_bot.cluster.pace import SharedPace
from optfm_bot.errors import StoreUnavailable
from optfm_bot.outbox.outgoing import DeliverySettings, taken
from optfm_bot.outbox.plan import Policy
from optfm_bot.shards import shard_of
from optfm_bot.store.records import OutboxRow, OutboxState
from optfm_bot.testing.cluster import MemoryCluster
from tests.unit.outbox.conftest import ShakyStore
from tests.unit.tenancy import Tenancy

A, B = "stage:a", "stage:b"
READY, SENDING, SENT, UNCERTAIN = (
    OutboxState.READY,
    OutboxState.SENDING,
    OutboxState.SENT,
    OutboxState.UNCERTAIN,
)


@pytest.fixture
def store() -> ShakyStore:
    return ShakyStore()


@pytest.fixture
def tenancy(store: ShakyStore) -> Tenancy:
    return Tenancy(store)


def shared(store: ShakyStore, tenancy: Tenancy) -> dict[str, Any]:
    return {"store": store, "owner": tenancy}


async def kept(d: Any, row_id: int, chat: str, text: str, state: OutboxState = READY) -> OutboxRow:
    """A message that somebody else has promised."""
    ref = ChatRef(channel="stage", chat_id=chat)
    message = encode_outbound(Outbound(chat=ref, body=Body((Paragraph((Text(text),)),))))
    row = OutboxRow(
        id=row_id,
        channel="stage",
        lane=str(ref),
        message=message,
        purpose="answer",
        created_at=d.clock.ms(),
        state=state,
    )
    async with d.store.unit(fenced=False) as unit:
        unit.outbox.add(row)
    return row


def at_rest(d: Any) -> bool:
    """No message is in hand and no place for a call is lost."""
    return d.delivery.depth == 0 and d.delivery.places == d.settings.concurrency and not d.delivery._ids


# -- giving away ---------------------------------------------------------------------------------------


async def test_letting_go_waits_for_the_call_under_way_and_drops_the_rest(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    assert shard_of(A) != shard_of(B)
    async with desk(**shared(store, tenancy)) as d:
        d.platform.gate.clear()
        mine = await d.promise("a", "1", "2", "3")
        others = await d.promise("b", "4", "5")
        await d.clock.advance(0)
        letting_go = asyncio.create_task(d.delivery.let_go(tenancy.gives(A)))
        await d.clock.advance(5)
        assert not letting_go.done()
        d.platform.gate.set()
        await d.clock.advance(0)

        assert letting_go.done()
        await letting_go
        assert d.platform.texts("a") == ["1"]
        assert d.platform.texts("b") == ["4", "5"]
        states = await d.states()
        assert [states[row] for row in [*mine, *others]] == [SENT, READY, READY, SENT, SENT]
        assert at_rest(d)


async def test_letting_go_waits_neither_for_a_pause_nor_for_a_pace(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    settings = DeliverySettings(per_chat=0.1, per_bot=0, burst=1)
    async with desk(settings, **shared(store, tenancy)) as d:
        await d.promise("a", "1", "2")
        d.platform.script["b"] = [RetryLater(after=timedelta(seconds=60))]
        await d.promise("b", "3")
        await d.clock.advance(1)
        assert d.platform.texts() == ["1"]
        await d.delivery.let_go(tenancy.gives(A, B))
        await d.clock.advance(100)

        assert d.platform.texts() == ["1"]
        assert set((await d.states()).values()) == {SENT, READY}
        assert at_rest(d)


async def test_letting_go_waits_for_a_message_whose_row_says_already_that_it_is_being_sent(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    """Its call is about to begin: left to the next owner it would be uncertain."""
    async with desk(**shared(store, tenancy)) as d:
        assert await d.delivery.reserve(A)
        (row,) = await d.promise("a", "1", begun=True)
        await d.delivery.let_go(tenancy.gives(A))

        assert d.platform.texts() == ["1"]
        assert (await d.states())[row] is SENT
        assert at_rest(d)


async def test_letting_go_ends_when_a_call_never_does(desk: Any, store: ShakyStore, tenancy: Tenancy) -> None:
    async with desk(**shared(store, tenancy)) as d:
        d.platform.gate.clear()
        (row,) = await d.promise("a", "1")
        await d.clock.advance(0)
        letting_go = asyncio.create_task(d.delivery.let_go(tenancy.gives(A)))
        await d.clock.advance(91)

        assert letting_go.done()
        await letting_go
        assert (await d.states())[row] is UNCERTAIN
        assert at_rest(d)


async def test_what_is_accepted_after_letting_go_is_left_to_the_next_owner(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        await d.delivery.let_go(tenancy.gives(A))
        (row,) = await d.promise("a", "1")
        await d.clock.advance(60)

        assert d.platform.calls == []
        assert (await d.states())[row] is READY
        assert at_rest(d)


# -- being taken for dead ------------------------------------------------------------------------------


async def test_a_displaced_delivery_drops_everything_but_the_call_under_way(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    async with desk(DeliverySettings(per_chat=0, per_bot=0, concurrency=1), **shared(store, tenancy)) as d:
        d.platform.gate.clear()
        under_way, behind = await d.promise("a", "1", "2")
        (waiting,) = await d.promise("b", "3")
        await d.clock.advance(0)
        tenancy.over()
        d.delivery.evict()
        d.platform.gate.set()
        await d.clock.advance(120)

        assert d.platform.texts() == ["1"], "whoever took over sends the rest"
        states = await d.states()
        assert [states[row] for row in (under_way, behind, waiting)] == [SENT, READY, READY]
        assert at_rest(d)


async def test_what_was_reserved_and_committed_is_not_sent_after_the_tenure(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        assert await d.delivery.reserve(A)
        (row,) = await d.promise("a", "1", begun=True)
        tenancy.over()
        d.delivery.evict()
        await d.clock.advance(10)
        assert d.platform.calls == []
        assert at_rest(d)

        assert (await d.states())[row] is SENDING, "the new owner decides"


async def test_what_was_committed_before_others_took_over_is_theirs_to_send(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    """The commit was confirmed late: we are a member again, under another tenure."""
    async with desk(**shared(store, tenancy)) as d:
        assert await d.delivery.reserve(A)
        outgoing = taken(await kept(d, 1, "a", "1", state=SENDING))
        outgoing.tenure, outgoing.begun = 1, True
        tenancy.over()
        d.delivery.evict()
        tenancy.again(2)
        d.delivery.accept([outgoing])
        await d.clock.advance(10)

        assert d.platform.calls == []
        assert at_rest(d)


async def test_no_call_begins_before_it_is_certain_that_nobody_else_works_in_our_place(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        tenancy.sure.clear()
        await d.promise("a", "1")
        await d.clock.advance(30)
        assert d.platform.calls == []
        tenancy.sure.set()
        await d.clock.advance(0)

        assert d.platform.texts() == ["1"]
        assert at_rest(d)


@pytest.mark.parametrize("policy", [Policy.AT_MOST_ONCE, Policy.AT_LEAST_ONCE])
async def test_what_waited_for_certainty_is_not_sent_when_others_have_taken_over(
    desk: Any, store: ShakyStore, tenancy: Tenancy, policy: Policy
) -> None:
    settings = DeliverySettings(per_chat=0, per_bot=0, policy=policy)
    async with desk(settings, **shared(store, tenancy)) as d:
        tenancy.sure.clear()
        (row,) = await d.promise("a", "1")
        await d.clock.advance(30)
        before = (await d.states())[row]
        tenancy.over()
        d.delivery.evict()
        await d.clock.advance(30)

        assert d.platform.calls == []
        assert (await d.states())[row] is before
        assert d.observer.results == []
        assert at_rest(d)


@pytest.mark.parametrize(
    "error",
    [
        Rejected("no"),
        Gone("blocked"),
        Unreachable("lost", maybe_sent=True),
        RetryLater(after=timedelta(seconds=1)),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_after_the_tenure_nothing_is_written_of_a_message_that_failed(
    desk: Any, store: ShakyStore, tenancy: Tenancy, error: Exception
) -> None:
    """The new owner has decided about it; what this process thinks of it is out of date."""
    async with desk(**shared(store, tenancy)) as d:
        d.platform.gate.clear()
        d.platform.script["a"] = [error]
        (row,) = await d.promise("a", "1")
        await d.clock.advance(0)
        tenancy.over()
        d.delivery.evict()
        async with store.unit(fenced=False) as unit:
            unit.outbox.close(row, state=UNCERTAIN, error="decided by the new owner", at=1)
        d.platform.gate.set()
        await d.clock.advance(60)

        (found,) = await store.outgoing([row])
        assert (found.state, found.error) == (UNCERTAIN, "decided by the new owner")
        assert len(d.platform.calls) == 1
        assert at_rest(d)


async def test_that_a_message_was_sent_is_true_for_all(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        d.platform.gate.clear()
        (row,) = await d.promise("a", "1")
        await d.clock.advance(0)
        tenancy.over()
        d.delivery.evict()
        async with store.unit(fenced=False) as unit:
            unit.outbox.close(row, state=UNCERTAIN, error="decided by the new owner", at=1)
        d.platform.gate.set()
        await d.clock.advance(1)

        assert (await d.states())[row] is SENT


async def test_a_tenure_that_ends_while_the_store_is_away_ends_the_waiting_for_it(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        (row,) = await d.promise("a", "1")
        store.down = True
        await d.clock.advance(5)
        assert d.platform.calls == []
        tenancy.over()
        d.delivery.evict()
        store.down = False
        await d.clock.advance(5)

        assert d.platform.calls == []
        assert (await d.states())[row] is READY
        assert at_rest(d)


# -- taking over ---------------------------------------------------------------------------------------


async def test_only_what_is_left_in_our_new_shards_is_taken_up(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        await store.open()
        tenancy.gives(A, B)
        await kept(d, 1, "a", "1")
        await kept(d, 2, "b", "2")
        await kept(d, 3, "a", "3", state=SENDING)
        await d.delivery.recover(tenancy.takes(A))
        await d.clock.advance(0)

        assert d.platform.texts() == ["1"]
        states = await d.states()
        assert [states[row] for row in (1, 2, 3)] == [SENT, READY, UNCERTAIN]
        assert at_rest(d)


async def test_taking_up_twice_sends_once(desk: Any, store: ShakyStore, tenancy: Tenancy) -> None:
    async with desk(**shared(store, tenancy)) as d:
        d.platform.gate.clear()
        row = await kept(d, 1, "a", "1")
        await d.delivery.recover()
        await d.delivery.take_up([row])
        await d.delivery.recover()
        await d.clock.advance(0)
        await d.delivery.take_up([row])
        d.platform.gate.set()
        await d.clock.advance(1)

        assert d.platform.texts() == ["1"]
        assert at_rest(d)


async def test_what_is_taken_up_is_ours_and_not_resolved(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        tenancy.gives(B)
        rows = [
            await kept(d, 1, "a", "1"),
            await kept(d, 2, "b", "2"),
            await kept(d, 3, "a", "3", state=SENT),
            await kept(d, 4, "a", "4", state=UNCERTAIN),
            # We promised it as being sent, and gave its place up when the store did not answer.
            await kept(d, 5, "a", "5", state=SENDING),
        ]
        await d.delivery.take_up(rows)
        await d.clock.advance(1)
        assert d.platform.texts() == ["1"], (
            "what is marked as being sent is under way, as far as anybody knows"
        )

        await d.delivery.take_up(rows[4:], given_up=True)
        await d.clock.advance(1)
        assert d.platform.texts() == ["1", "5"]
        states = await d.states()
        assert [states[row.id] for row in rows] == [SENT, READY, SENT, UNCERTAIN, SENT]
        assert at_rest(d)


async def test_what_cannot_be_read_is_failed_and_in_nobodys_way(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        good = await kept(d, 2, "a", "2")
        bad = replace(await kept(d, 1, "a", "1"), message="{")
        await d.delivery.take_up([bad, good])
        await d.clock.advance(1)

        assert d.platform.texts() == ["2"]
        assert (await d.states())[1] is OutboxState.FAILED


async def test_what_is_taken_up_while_the_tenure_ends_is_not_sent(
    desk: Any, store: ShakyStore, tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        await kept(d, 1, "a", "1")
        unsent, asked, answer = store.unsent, asyncio.Event(), asyncio.Event()

        async def slow(channel: str, **options: Any) -> Any:
            rows = await unsent(channel, **options)
            asked.set()
            await answer.wait()
            return rows

        monkeypatch.setattr(store, "unsent", slow)
        recovering = asyncio.create_task(d.delivery.recover())
        await asked.wait()
        tenancy.over()
        d.delivery.evict()
        tenancy.again(2)
        answer.set()
        await recovering
        await d.clock.advance(1)

        assert d.platform.calls == []
        assert at_rest(d)


# -- what nobody told us of ----------------------------------------------------------------------------


async def test_only_what_was_seen_waiting_twice_is_picked_up(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        await kept(d, 1, "a", "1")
        await d.delivery.sweep()
        await d.clock.advance(1)
        assert d.platform.texts() == []
        await kept(d, 2, "b", "2")
        await d.delivery.sweep()
        await d.clock.advance(1)
        assert d.platform.texts() == ["1"]
        await d.delivery.sweep()
        await d.clock.advance(1)

        assert d.platform.texts() == ["1", "2"]
        await d.delivery.sweep()
        await d.delivery.sweep()
        await d.clock.advance(1)
        assert len(d.platform.calls) == 2
        assert at_rest(d)


async def test_what_we_hold_already_is_not_picked_up_however_long_it_waits(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    async with desk(**shared(store, tenancy)) as d:
        d.platform.script["a"] = [RetryLater(after=timedelta(seconds=60))]
        await d.promise("a", "1", "2")
        for _ in range(10):
            await d.clock.advance(2)
            await d.delivery.sweep()
        await d.clock.advance(60)

        assert d.platform.texts() == ["1", "2"]
        assert len(d.platform.calls) == 3
        assert at_rest(d)


async def test_what_is_anothers_is_not_picked_up(desk: Any, store: ShakyStore, tenancy: Tenancy) -> None:
    async with desk(**shared(store, tenancy)) as d:
        tenancy.gives(A)
        await kept(d, 1, "a", "1")
        for _ in range(3):
            await d.delivery.sweep()
        await d.clock.advance(1)
        assert d.platform.calls == []
        tenancy.takes(A)
        await d.delivery.sweep()
        await d.delivery.sweep()
        await d.clock.advance(1)

        assert d.platform.texts() == ["1"]


async def test_a_store_that_is_away_is_told_to_whoever_sweeps(
    desk: Any, store: ShakyStore, tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_channel: str, **_options: Any) -> Any:
        raise StoreUnavailable

    async with desk(**shared(store, tenancy)) as d:
        monkeypatch.setattr(store, "ready", away)
        with pytest.raises(StoreUnavailable):
            await d.delivery.sweep()


# -- the pace that all share ---------------------------------------------------------------------------


async def test_a_registry_that_is_away_makes_messages_wait_and_loses_none(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:

    async with desk(**shared(store, tenancy)) as d:
        cluster = MemoryCluster(store, d.clock)
        door = cluster.door()
        d.delivery._turnstile._pace = SharedPace(door, d.clock, channel="stage", per_bot=30)
        door.reachable = False
        await d.promise("a", "1")
        await d.promise("b", "2")
        await d.clock.advance(5)
        assert d.platform.calls == []
        door.reachable = True
        await d.clock.advance(1)

        assert sorted(d.platform.texts()) == ["1", "2"]
        assert at_rest(d)


async def test_a_pause_that_nobody_could_be_told_of_is_kept_here(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:

    async with desk(**shared(store, tenancy)) as d:
        door = MemoryCluster(store, d.clock).door()
        d.delivery._turnstile._pace = SharedPace(door, d.clock, channel="stage", per_bot=30)
        d.platform.script["a"] = [RetryLater(after=timedelta(seconds=30), whole_bot=True)]
        await d.promise("a", "1")
        await d.promise("b", "2")
        door.reachable = True
        await d.clock.advance(0)
        door.reachable = False
        await d.promise("c", "3")
        await d.clock.advance(29)
        assert "3" not in d.platform.texts()
        door.reachable = True
        await d.clock.advance(3)

        assert sorted(d.platform.texts()) == ["1", "2", "3"]
