"""What the house relies on, whatever the database."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from optfm_bot.errors import StoreConflict, StoreUnavailable
from optfm_bot.shards import shard_of
from optfm_bot.store.contract import Store
from optfm_bot.store.records import (
    ConversationRow,
    Direction,
    FeedbackRow,
    MissKind,
    MissRow,
    NewUpdate,
    OutboxRow,
    OutboxState,
    PersonRow,
    StoredUpdate,
    TurnRow,
)

NOW = 1_760_000_000_000


def update(key: str, lane: str = "t:1") -> NewUpdate:
    return NewUpdate(channel="t", key=key, lane=lane, payload=b'{"text":"x"}')


def message(row_id: int, *, inbox_id: int | None = None, seq: int = 0, lane: str = "t:1") -> OutboxRow:
    return OutboxRow(
        id=row_id,
        channel="t",
        lane=lane,
        message="{}",
        purpose="answer",
        created_at=NOW,
        inbox_id=inbox_id,
        seq=seq,
    )


async def add(
    store: Store, *updates: NewUpdate, owner: str | None = None, lease_until: int = 0
) -> list[StoredUpdate]:
    async with store.unit() as unit:
        for each in updates:
            unit.inbox.add(each, received_at=NOW, owner=owner, lease_until=lease_until)
    return list(unit.added)


async def test_a_repeated_key_is_stored_once(store: Store) -> None:
    first = await add(store, update("1"), update("1"), update("2"))
    again = await add(store, update("1"), update("3"))

    assert [row.key for row in first] == ["1", "2"]
    assert [row.key for row in again] == ["3"]


async def test_a_key_that_two_units_bring_at_once_belongs_to_one_of_them(store: Store) -> None:
    both = await asyncio.gather(add(store, update("1")), add(store, update("1")))

    assert sorted(len(rows) for rows in both) == [0, 1]


async def test_the_same_key_in_another_channel_is_another_update(store: Store) -> None:
    other = NewUpdate(channel="m", key="1", lane="m:1", payload=b"{}")

    assert len(await add(store, update("1"), other)) == 2


async def test_ids_grow_in_the_order_of_storing(store: Store) -> None:
    rows = await add(store, *(update(str(number)) for number in range(50)))

    assert [row.key for row in sorted(rows, key=lambda row: row.id)] == [str(number) for number in range(50)]


async def test_nothing_of_a_block_that_raised_is_stored(store: Store) -> None:
    with pytest.raises(RuntimeError):
        async with store.unit() as unit:
            unit.inbox.add(update("1"), received_at=NOW, owner=None, lease_until=0)
            raise RuntimeError

    assert len(await add(store, update("1"))) == 1


async def test_a_cursor_is_saved_with_the_updates_it_covers(store: Store) -> None:
    assert await store.cursor("t") is None
    async with store.unit() as unit:
        unit.inbox.add(update("1"), received_at=NOW, owner=None, lease_until=0)
        unit.cursors.save("t", "2", at=NOW)
    async with store.unit() as unit:
        unit.cursors.save("t", "3", at=NOW)

    assert await store.cursor("t") == "3"


async def test_an_update_is_claimed_once_until_its_lease_ends(store: Store) -> None:
    await add(store, update("1"), update("2", "t:2"))

    first = await store.claim(owner="a", now=NOW, lease_until=NOW + 10, limit=10)
    while_leased = await store.claim(owner="b", now=NOW + 9, lease_until=NOW + 19, limit=10)
    after = await store.claim(owner="b", now=NOW + 10, lease_until=NOW + 20, limit=10)

    assert [row.key for row in first] == ["1", "2"]
    assert list(while_leased) == []
    assert [row.key for row in after] == ["1", "2"]


async def test_a_lane_is_never_claimed_past_an_update_that_somebody_holds(store: Store) -> None:
    await add(store, update("1"), owner="a", lease_until=NOW + 10)
    await add(store, update("2"), update("3", "t:2"))

    claimed = await store.claim(owner="b", now=NOW, lease_until=NOW + 10, limit=10)

    assert [row.key for row in claimed] == ["3"]


async def test_a_lane_is_never_claimed_past_an_update_that_waits_for_its_retry(store: Store) -> None:
    (first, _) = await add(store, update("1"), update("2"))
    async with store.unit() as unit:
        unit.inbox.retry(first.id, attempts=1, not_before=NOW + 5, error="boom")

    early = await store.claim(owner="a", now=NOW, lease_until=NOW + 1, limit=10)
    due = await store.claim(owner="a", now=NOW + 5, lease_until=NOW + 9, limit=10)

    assert list(early) == []
    assert [(row.key, row.attempts, row.error) for row in due] == [("1", 1, "boom"), ("2", 0, None)]


async def test_claiming_goes_in_order_and_within_its_limit(store: Store) -> None:
    await add(store, *(update(str(number), f"t:{number % 3}") for number in range(9)))

    first = await store.claim(owner="a", now=NOW, lease_until=NOW + 10, limit=4)
    another = await store.claim(owner="b", now=NOW, lease_until=NOW + 10, limit=9)
    second = await store.claim(owner="a", now=NOW, lease_until=NOW + 10, limit=9)

    assert [row.key for row in first] == ["0", "1", "2", "3"]
    assert [row.key for row in another] == []  # somebody else holds what comes before them
    assert [row.key for row in second] == ["4", "5", "6", "7", "8"]
    assert await store.release(owner="a") == 9
    everything = await store.claim(owner="a", now=NOW, lease_until=NOW + 10, limit=9)
    assert [row.key for row in everything] == [str(number) for number in range(9)]


async def test_leases_are_released_by_owner_or_all(store: Store) -> None:
    await add(store, update("1"), owner="dead", lease_until=NOW + 99)
    await add(store, update("2", "t:2"), owner="alive", lease_until=NOW + 99)

    assert await store.release(owner="dead") == 1
    assert [row.key for row in await store.claim(owner="x", now=NOW, lease_until=NOW + 9, limit=9)] == ["1"]
    assert await store.release() == 2


async def test_a_lease_is_prolonged(store: Store) -> None:
    await add(store, update("1"), owner="a", lease_until=NOW + 10)
    await store.renew(owner="a", lease_until=NOW + 100)

    assert list(await store.claim(owner="b", now=NOW + 50, lease_until=NOW + 99, limit=9)) == []


async def test_a_finished_update_is_never_claimed_again(store: Store) -> None:
    (row,) = await add(store, update("1"))
    async with store.unit() as unit:
        unit.inbox.done(row.id, at=NOW)

    assert list(await store.claim(owner="a", now=NOW, lease_until=NOW + 9, limit=9)) == []


async def test_a_parked_update_is_visible_and_blocks_nobody(store: Store) -> None:
    (poison, _) = await add(store, update("1"), update("2"))
    async with store.unit() as unit:
        unit.inbox.park(poison.id, error="cannot read", at=NOW)

    claimed = await store.claim(owner="a", now=NOW, lease_until=NOW + 9, limit=9)
    (parked,) = await store.parked()

    assert [row.key for row in claimed] == ["2"]
    assert (parked.key, parked.error) == ("1", "cannot read")


async def test_a_parked_update_can_be_revived(store: Store) -> None:
    (poison,) = await add(store, update("1"))
    async with store.unit() as unit:
        unit.inbox.park(poison.id, error="cannot read", at=NOW)
    async with store.unit() as unit:
        unit.inbox.revive(poison.id)

    assert [row.key for row in await store.claim(owner="a", now=NOW, lease_until=NOW + 9, limit=9)] == ["1"]
    assert list(await store.parked()) == []


async def test_one_update_gets_one_answer(store: Store) -> None:
    """Whoever computes the answer a second time is refused, and nothing of the second unit is stored."""
    (row,) = await add(store, update("1"))
    async with store.unit() as unit:
        unit.outbox.add(message(1, inbox_id=row.id))
    with pytest.raises(StoreConflict):
        async with store.unit() as unit:
            unit.outbox.add(message(2, inbox_id=row.id))
            unit.history.save_conversation(
                ConversationRow(lane="t:1", channel="t", state="{}", updated_at=NOW)
            )

    assert [row.id for row in await store.unsent("t")] == [1]
    assert await store.conversations(["t:1"]) == {}


async def test_a_conflict_fails_its_own_unit_only(store: Store) -> None:
    """Units that share a transaction do not share each other's faults."""

    async def put(row: OutboxRow) -> None:
        async with store.unit() as unit:
            unit.outbox.add(row)

    await put(message(1, inbox_id=7))
    results = await asyncio.gather(
        put(message(2, inbox_id=8)),
        put(message(3, inbox_id=7)),
        put(message(4, inbox_id=9)),
        return_exceptions=True,
    )

    assert [type(result) for result in results] == [type(None), StoreConflict, type(None)]
    assert [row.id for row in await store.unsent("t")] == [1, 2, 4]


async def test_messages_are_unsent_until_they_are_resolved(store: Store) -> None:
    async with store.unit() as unit:
        for row_id in range(1, 6):
            unit.outbox.add(message(row_id))
    async with store.unit() as unit:
        unit.outbox.sending(2)
        unit.outbox.sent(1, external_ids='["10"]', degraded=None, at=NOW)
        unit.outbox.close(3, state=OutboxState.UNCERTAIN, error="no answer", at=NOW)
        unit.outbox.close(4, state=OutboxState.FAILED, error="rejected", at=NOW)

    assert [(row.id, row.state) for row in await store.unsent("t")] == [
        (2, OutboxState.SENDING),
        (5, OutboxState.READY),
    ]
    assert [(row.id, row.state, row.error) for row in await store.closed("t")] == [
        (4, OutboxState.FAILED, "rejected"),
        (3, OutboxState.UNCERTAIN, "no answer"),
    ]
    assert list(await store.unsent("other")) == []


async def test_a_forwarded_message_waits_for_another_carrier_as_if_it_were_new(store: Store) -> None:
    async with store.unit() as unit:
        unit.outbox.add(message(1))
    async with store.unit() as unit:
        unit.outbox.retry(1, attempts=3, not_before=NOW + 5, error="503")
        unit.outbox.sending(1)
    async with store.unit() as unit:
        unit.outbox.forward(1, channel="mail", message='{"chat":"mail:2"}')

    assert list(await store.unsent("t")) == []
    [row] = await store.unsent("mail")
    assert (row.id, row.channel, row.message) == (1, "mail", '{"chat":"mail:2"}')
    assert (row.state, row.attempts, row.not_before, row.error) == (OutboxState.READY, 0, 0, None)


async def test_a_retried_message_keeps_its_text_unless_a_new_one_is_given(store: Store) -> None:
    async with store.unit() as unit:
        unit.outbox.add(message(1))
        unit.outbox.add(message(2))
    async with store.unit() as unit:
        unit.outbox.retry(1, attempts=1, not_before=NOW + 5, error="429")
        unit.outbox.retry(2, attempts=1, not_before=NOW, error="moved", message='{"chat":"2"}')

    first, second = await store.unsent("t")
    assert (first.attempts, first.not_before, first.error, first.message) == (1, NOW + 5, "429", "{}")
    assert second.message == '{"chat":"2"}'


async def test_conversations_and_people_are_overwritten_by_key(store: Store) -> None:
    def person(name: str, seen: int) -> PersonRow:
        return PersonRow(
            ref="t:5", channel="t", external_id="5", display_name=name, first_seen_at=seen, last_seen_at=seen
        )

    for state, name, seen in (("{}", "Анна", NOW), ('{"n":1}', "Аня", NOW + 1)):
        async with store.unit() as unit:
            unit.history.save_conversation(
                ConversationRow(lane="t:1", channel="t", state=state, updated_at=seen)
            )
            unit.history.save_person(person(name, seen))
    async with store.unit() as unit:
        unit.history.person_gone("t:5", at=NOW + 2)

    assert (await store.conversations(["t:1", "t:2"]))["t:1"].state == '{"n":1}'
    known = (await store.people(["t:5", "t:6"]))["t:5"]
    assert (known.display_name, known.first_seen_at, known.last_seen_at, known.gone_at) == (
        "Аня",
        NOW,
        NOW + 1,
        NOW + 2,
    )


async def test_history_misses_and_feedback_are_kept(store: Store) -> None:
    turn = TurnRow(
        id=7,
        lane="t:1",
        direction=Direction.OUT,
        kind="answer",
        text="Ответ",
        at=NOW,
        entry_id="e",
        entry_version="v",
    )
    async with store.unit() as unit:
        unit.history.add_turn(turn)
        unit.history.add_turn(
            TurnRow(id=8, lane="t:1", direction=Direction.IN, kind="text", text="?", at=NOW)
        )
        unit.history.add_miss(MissRow(id=1, lane="t:1", text="борщ", kind=MissKind.ADMITTED, at=NOW))
    for value in (1, -1):
        async with store.unit() as unit:
            unit.history.save_feedback(
                FeedbackRow(turn_id=7, person="t:5", value=value, entry_id="e", entry_version="v", at=NOW)
            )

    assert await store.turn(7) == turn
    assert await store.turn(9) is None
    assert [row.id for row in await store.turns("t:1")] == [7, 8]
    assert [row.text for row in await store.misses()] == ["борщ"]
    assert [row.value for row in await store.feedback(turn_id=7)] == [-1]


async def test_misses_are_read_in_pages_and_from_a_moment_on(store: Store) -> None:
    async with store.unit() as unit:
        for number in range(1, 6):
            unit.history.add_miss(
                MissRow(id=number, lane="t:1", text=str(number), kind=MissKind.ADMITTED, at=NOW + number)
            )

    async def read(limit: int = 100, since: int | None = None, before: int | None = None) -> list[int]:
        return [row.id for row in await store.misses(limit=limit, since=since, before=before)]

    assert await read() == [5, 4, 3, 2, 1]
    assert await read(limit=2) == [5, 4]
    assert await read(limit=2, before=4) == [3, 2]
    assert await read(since=NOW + 3) == [5, 4, 3]
    assert await read(since=NOW + 2, before=4) == [3, 2]
    assert await read(since=NOW + 6) == await read(before=1) == []


async def test_counts_tell_what_waits(store: Store) -> None:
    first, second, _ = await add(store, update("1"), update("2", "t:2"), update("3", "t:3"))
    async with store.unit() as unit:
        unit.inbox.park(first.id, error="x", at=NOW)
        unit.inbox.done(second.id, at=NOW)
        unit.outbox.add(message(1))
        unit.outbox.add(message(2))
        unit.outbox.close(2, state=OutboxState.UNCERTAIN, error="?", at=NOW)

    counts = await store.counts()
    assert (counts.inbox_new, counts.inbox_parked) == ({"t": 1}, {"t": 1})
    assert (counts.outbox_open, counts.outbox_uncertain, counts.outbox_failed) == ({"t": 1}, {"t": 1}, {})
    assert (counts.inbox_oldest, counts.outbox_oldest) == ({"t": NOW}, {"t": NOW})


async def test_counts_know_the_oldest_of_each_channel_and_only_of_the_shards_that_are_asked_for(
    store: Store,
) -> None:
    async with store.unit() as unit:
        elsewhere = NewUpdate(channel="b", key="3", lane="b:1", payload=b"{}")
        for at, new in enumerate((update("1", "a:1"), update("2", "a:2"), elsewhere)):
            unit.inbox.add(new, received_at=NOW + at, owner=None, lease_until=0)
        unit.outbox.add(replace(message(1), lane="a:2", created_at=NOW + 5))
        unit.outbox.add(replace(message(2), lane="a:2", created_at=NOW + 4))

    counts = await store.counts()
    assert (counts.inbox_new, counts.inbox_oldest) == ({"t": 2, "b": 1}, {"t": NOW, "b": NOW + 2})
    assert counts.outbox_oldest == {"t": NOW + 4}

    mine = await store.counts(shards={shard_of("a:2")})
    assert (mine.inbox_new, mine.inbox_oldest, mine.outbox_open) == ({"t": 1}, {"t": NOW + 1}, {"t": 2})
    others = await store.counts(without=["a:1", "b:1"])
    assert (others.inbox_new, others.inbox_oldest, others.outbox_open) == ({"t": 1}, {"t": NOW + 1}, {"t": 2})
    nothing = await store.counts(shards=())
    assert (nothing.inbox_new, nothing.inbox_oldest, nothing.outbox_open, nothing.outbox_oldest) == ({},) * 4


async def test_many_units_at_once_are_all_durable_when_they_return(store: Store) -> None:
    async def one(number: int) -> int:
        rows = await add(store, update(str(number), f"t:{number}"))
        return rows[0].id

    ids = await asyncio.gather(*(one(number) for number in range(300)))

    claimed = await store.claim(owner="a", now=NOW, lease_until=NOW + 1, limit=1000)
    assert sorted(ids) == [row.id for row in claimed]


async def test_a_closed_store_stores_nothing_and_says_so(store: Store) -> None:
    await store.close()
    with pytest.raises(StoreUnavailable):
        await add(store, update("1"))


async def test_a_working_store_passes_its_own_check(store: Store) -> None:
    await store.check()


async def test_the_messages_of_a_turn_are_found_whatever_came_of_them(store: Store) -> None:
    async with store.unit() as unit:
        for number, turn in ((1, 70), (2, 70), (3, 71)):
            unit.outbox.add(replace(message(number), turn_id=turn))
        unit.outbox.close(2, state=OutboxState.UNCERTAIN, error="?", at=NOW)

    found = await store.promised([70, 99])
    assert [(row.id, row.turn_id) for row in found] == [(1, 70), (2, 70)]
    assert found[1].state is OutboxState.UNCERTAIN
    assert list(await store.promised([])) == []


async def test_what_waits_in_a_lane_is_seen_until_it_is_done(store: Store) -> None:
    first, second, _ = await add(store, update("a"), update("b"), update("c", lane="other"))
    async with store.unit() as unit:
        unit.inbox.done(first.id, at=NOW)

    assert [row.id for row in await store.waiting("t:1")] == [second.id]


async def test_the_moment_of_the_last_update_is_known_per_channel(store: Store) -> None:
    assert await store.last_received("t") is None
    await add(store, update("a"))
    async with store.unit() as unit:
        unit.inbox.add(update("b"), received_at=NOW + 5, owner=None, lease_until=0)

    assert await store.last_received("t") == NOW + 5
    assert await store.last_received("nobody") is None
