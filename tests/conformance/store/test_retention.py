"""Old rows go from every store by the same rules, and unfinished work never does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from optfm_bot.store.contract import Store
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.memory_retention import MemoryRetention
from optfm_bot.store.records import (
    Direction,
    FaqVersionRow,
    FeedbackRow,
    IdempotencyRow,
    MissKind,
    MissRow,
    NewUpdate,
    OutboxRow,
    OutboxState,
    TurnRow,
)
from optfm_bot.store.request_records import ProposalRow, RequestEventRow, RequestRow, RequestStatus
from optfm_bot.store.retention import Cutoff, Kind, Retention, SqlRetention
from optfm_bot.store.ticket_records import DeskMessageRow, TicketRow, TicketStatus

NOW = 1_760_000_000_000
OLD, YOUNG = NOW - 1_000, NOW + 1_000


@pytest.fixture
def serving() -> set[tuple[str, str]]:
    """What the base says right now."""
    return set()


@pytest.fixture
async def retention(store: Store, serving: set[tuple[str, str]]) -> AsyncIterator[Retention]:
    made: Retention = (
        MemoryRetention(store, serving=lambda: serving)
        if isinstance(store, MemoryStore)
        else SqlRetention(store._url, serving=lambda: serving)  # type: ignore[attr-defined] # the only other store
    )
    yield made
    await made.close()


async def sweep(retention: Retention, kind: Kind, *, limit: int = 500, before: int = NOW) -> int:
    """Take every step; gives how many rows went."""
    removed, after = 0, 0
    for _ in range(1000):
        step = await retention.step(Cutoff(kind=kind, before=before), after=after, limit=limit)
        removed += step.removed
        if step.after is None:
            return removed
        after = step.after
    raise AssertionError("there is no end")


async def add(store: Store, key: str, at: int, *, channel: str = "t", lane: str = "a") -> int:
    async with store.unit() as unit:
        update = NewUpdate(channel=channel, key=key, lane=lane, payload=b"{}")
        unit.inbox.add(update, received_at=at, owner=None, lease_until=0)
    return unit.added[0].id


async def kept(store: Store, channel: str = "t") -> list[str]:
    return [row.key for row in await store.recent_updates(channel, limit=5000)]


async def promise(store: Store, number: int, at: int, state: OutboxState, **facts: Any) -> None:
    row = OutboxRow(id=number, channel="t", lane="a", message="{}", purpose="answer", created_at=at, **facts)
    async with store.unit() as unit:
        unit.outbox.add(row)
    async with store.unit() as unit:
        if state is OutboxState.SENT:
            unit.outbox.sent(number, external_ids="[]", degraded=None, at=at)
        elif state is OutboxState.SENDING:
            unit.outbox.sending(number)
        elif state is not OutboxState.READY:
            unit.outbox.close(number, state=state, error="x", at=at)


def turn(number: int, at: int, **facts: Any) -> TurnRow:
    return TurnRow(id=number, lane="a", direction=Direction.OUT, kind="answer", text="x", at=at, **facts)


async def test_handled_updates_go_and_waiting_ones_stay_however_old(
    store: Store, retention: Retention
) -> None:
    done, waiting, parked = [await add(store, key, OLD) for key in ("done", "waiting", "parked")]
    for number in range(5):
        await add(store, f"last {number}", YOUNG)
    async with store.unit() as unit:
        unit.inbox.done(done, at=OLD)
        unit.inbox.park(parked, error="x", at=OLD)

    assert await sweep(retention, Kind.UPDATES) == 1
    assert await kept(store) == ["waiting", "parked", *(f"last {number}" for number in range(5))]
    assert set(await store.unfinished([waiting])) == {waiting}

    assert await sweep(retention, Kind.PARKED) == 1
    assert await kept(store) == ["waiting", *(f"last {number}" for number in range(5))]


async def test_the_newest_update_of_each_channel_stays(store: Store, retention: Retention) -> None:
    """SQLite gives the number of a last row away again, and the answer to it would be taken for one that is there."""
    ids = [
        await add(store, key, OLD, channel=channel)
        for key, channel in (("1", "t"), ("2", "t"), ("3", "quiet"))
    ]
    async with store.unit() as unit:
        for number in ids:
            unit.inbox.done(number, at=OLD)

    assert await sweep(retention, Kind.UPDATES) == 1
    assert (await kept(store), await kept(store, "quiet")) == (["2"], ["3"])
    assert await store.last_received("quiet") == OLD
    assert await add(store, "4", NOW) > max(ids)


@pytest.mark.parametrize("limit", [1, 2, 7, 500])
async def test_however_small_the_steps_everything_old_goes(
    store: Store, retention: Retention, limit: int
) -> None:
    async with store.unit() as unit:
        for number in range(1, 31):
            unit.history.add_turn(turn(number, OLD if number <= 20 else YOUNG))
            unit.history.add_miss(
                MissRow(
                    id=number, lane="a", text="x", kind=MissKind.ADMITTED, at=OLD if number <= 20 else YOUNG
                )
            )
    assert await sweep(retention, Kind.TURNS, limit=limit) == 20
    assert await sweep(retention, Kind.MISSES, limit=limit) == 20

    assert [row.id for row in await store.turns("a")] == list(range(21, 31))
    assert sorted(row.id for row in await store.misses()) == list(range(21, 31))
    assert await sweep(retention, Kind.TURNS, limit=limit) == 0


async def test_messages_that_still_have_to_leave_stay(store: Store, retention: Retention) -> None:
    for number, state in enumerate(OutboxState, 1):
        await promise(store, number, OLD, state, turn_id=number)
    await promise(store, 90, YOUNG, OutboxState.SENT, turn_id=90)

    assert await sweep(retention, Kind.OUTBOX) == len(OutboxState) - 2
    left = await store.promised([*range(1, 10), 90])
    assert [row.state for row in left] == [OutboxState.READY, OutboxState.SENDING, OutboxState.SENT]


async def test_a_message_sent_late_is_as_old_as_its_sending(store: Store, retention: Retention) -> None:
    await promise(store, 1, OLD, OutboxState.READY, turn_id=1)
    async with store.unit() as unit:
        unit.outbox.sent(1, external_ids="[]", degraded=None, at=YOUNG)

    assert await sweep(retention, Kind.OUTBOX) == 0
    assert await sweep(retention, Kind.OUTBOX, before=YOUNG + 1) == 1


async def test_opinions_and_requests_go_by_their_own_age(store: Store, retention: Retention) -> None:
    def opinion(turn_id: int, person: str, at: int) -> FeedbackRow:
        return FeedbackRow(turn_id=turn_id, person=person, value=1, entry_id="e", entry_version="v", at=at)

    async with store.unit() as unit:
        unit.history.save_feedback(opinion(1, "a", OLD))
        unit.history.save_feedback(opinion(1, "b", YOUNG))
        unit.history.save_feedback(opinion(2, "a", OLD))
        for key, at in (("old", OLD), ("older", OLD - 1), ("young", YOUNG)):
            unit.api.add_idempotency(IdempotencyRow(token_id=1, key=key, fingerprint="f", turn_id=1, at=at))

    assert await sweep(retention, Kind.FEEDBACK, limit=1) == 2
    assert await sweep(retention, Kind.IDEMPOTENCY, limit=1) == 2
    assert [row.person for row in await store.feedback(turn_id=1)] == ["b"]
    assert await store.idempotency(1, "young") is not None
    assert await store.idempotency(1, "old") is None


async def test_a_text_stays_while_anything_refers_to_it(
    store: Store, retention: Retention, serving: set[tuple[str, str]]
) -> None:
    ages = {"unused": -5, "in a message": -4, "in an opinion": -3, "serving": -2, "newest": -1}
    async with store.unit() as unit:
        for version, age in ages.items():
            unit.history.add_faq_version(
                FaqVersionRow(entry_id="e", version=version, content="{}", first_seen_at=NOW + age)
            )
        unit.history.add_faq_version(
            FaqVersionRow(entry_id="only", version="1", content="{}", first_seen_at=OLD)
        )
        unit.history.add_turn(turn(1, YOUNG, entry_id="e", entry_version="in a message"))
        unit.history.save_feedback(
            FeedbackRow(turn_id=1, person="a", value=1, entry_id="e", entry_version="in an opinion", at=YOUNG)
        )
    serving.add(("e", "serving"))

    assert await sweep(retention, Kind.VERSIONS) == 1
    serving.clear()
    assert await sweep(retention, Kind.VERSIONS) == 1
    assert await sweep(retention, Kind.VERSIONS) == 0


async def test_what_was_revived_between_looking_and_removing_stays(
    store: Store, retention: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not isinstance(retention, SqlRetention):
        pytest.skip("memory looks and removes in one breath")
    number = await add(store, "parked", OLD)
    await add(store, "last", YOUNG)
    async with store.unit() as unit:
        unit.inbox.park(number, error="x", at=OLD)
    delete = retention._delete

    async def revived_before(statement: Any) -> int:
        async with store.unit() as unit:
            unit.inbox.revive(number)
        return await delete(statement)

    monkeypatch.setattr(retention, "_delete", revived_before)

    assert await sweep(retention, Kind.PARKED) == 0
    assert await kept(store) == ["parked", "last"]


async def test_a_clock_that_jumped_ends_no_walk(store: Store, retention: Retention) -> None:
    async with store.unit() as unit:
        for number, at in enumerate((YOUNG, OLD, YOUNG, YOUNG, YOUNG, OLD, YOUNG), 1):
            unit.history.add_turn(turn(number, at))

    assert await sweep(retention, Kind.TURNS, limit=500) == 2


# -- people ---------------------------------------------------------------------------------------------------


async def ticket(store: Store, number: int, status: TicketStatus, closed_at: int | None) -> None:
    """Keep a ticket with two messages."""
    row = TicketRow(
        id=number,
        desk="d",
        lane=f"a{number}",
        person="p",
        subject="x",
        status=status,
        opened_at=OLD,
        updated_at=OLD,
        closed_at=closed_at,
    )
    async with store.unit() as unit:
        unit.desk.add_ticket(row)
        for place in (0, 1):
            unit.desk.add_message(
                DeskMessageRow(
                    id=number * 10 + place,
                    ticket_id=number,
                    desk="d",
                    direction=Direction.OUT,
                    kind="note",
                    at=OLD,
                )
            )


async def request(store: Store, number: int, status: RequestStatus, updated_at: int) -> None:
    """Keep a request with one step."""
    row = RequestRow(
        id=number,
        number=f"R{number}",
        form="f",
        lane="a",
        person="p",
        fields={},
        status=status,
        created_at=OLD,
        updated_at=updated_at,
    )
    async with store.unit() as unit:
        unit.requests.add(row)
        unit.requests.add_event(
            RequestEventRow(id=number, request_id=number, at=OLD, by="p", status=RequestStatus.NEW)
        )


@pytest.mark.parametrize("limit", [1, 30, 500])
async def test_closed_tickets_go_with_what_went_through_them_and_open_ones_stay(
    store: Store, retention: Retention, limit: int
) -> None:
    await ticket(store, 1, TicketStatus.CLOSED, OLD)
    await ticket(store, 2, TicketStatus.OPEN, None)
    await ticket(store, 3, TicketStatus.GONE, None)
    await ticket(store, 4, TicketStatus.CLOSED, YOUNG)
    await ticket(store, 5, TicketStatus.OPEN, OLD)

    assert await sweep(retention, Kind.TICKETS, limit=limit) == 2
    assert [row.id for row in await store.tickets()] == [5, 4, 2]
    assert [len(await store.desk_messages(number)) for number in range(1, 6)] == [0, 2, 0, 2, 2]
    assert await sweep(retention, Kind.TICKETS, limit=limit) == 0


async def test_a_ticket_that_was_reopened_between_looking_and_removing_stays_whole(
    store: Store, retention: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not isinstance(retention, SqlRetention):
        pytest.skip("memory looks and removes in one breath")
    await ticket(store, 1, TicketStatus.CLOSED, OLD)
    (known,) = await store.tickets()
    delete = retention._delete_whole

    async def reopened_before(statement: Any, parts: Any) -> int:
        async with store.unit() as unit:
            unit.desk.save_ticket(replace(known, status=TicketStatus.OPEN, closed_at=None))
        return await delete(statement, parts)

    monkeypatch.setattr(retention, "_delete_whole", reopened_before)

    assert await sweep(retention, Kind.TICKETS) == 0
    assert len(await store.desk_messages(1)) == 2


async def test_requests_that_are_over_go_with_their_steps(store: Store, retention: Retention) -> None:
    await request(store, 1, RequestStatus.DONE, OLD)
    await request(store, 2, RequestStatus.CANCELLED, OLD)
    await request(store, 3, RequestStatus.DONE, YOUNG)
    await request(store, 4, RequestStatus.NEW, OLD)
    await request(store, 5, RequestStatus.IN_WORK, OLD)

    assert await sweep(retention, Kind.REQUESTS, limit=1) == 2
    assert [row.id for row in await store.requests()] == [5, 4, 3]
    assert [len(await store.request_events(number)) for number in range(1, 6)] == [0, 0, 1, 1, 1]


async def test_proposals_go_by_their_age(store: Store, retention: Retention) -> None:
    async with store.unit() as unit:
        for number, at in enumerate((OLD, YOUNG, OLD), 1):
            unit.history.add_proposal(
                ProposalRow(id=number, lane="a", question="q", answer="a", source=f"d:{number}", at=at)
            )

    assert await sweep(retention, Kind.PROPOSALS) == 2
    assert [row.id for row in await store.proposals()] == [2]
