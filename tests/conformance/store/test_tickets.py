"""Tickets, what went through them, and who is who at a helpdesk, whatever the database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from optfm_bot.errors import StoreConflict
from optfm_bot.store.contract import Store
from optfm_bot.store.records import Direction
from optfm_bot.store.ticket_records import DeskCustomerRow, DeskMessageRow, TicketRow, TicketStatus

NOW = 1_760_000_000_000
LANE = "max:dialog 7"


def ticket(row_id: int, **facts: Any) -> TicketRow:
    known: dict[str, Any] = {
        "desk": "freescout",
        "lane": LANE,
        "person": "max:7",
        "subject": "Доставка",
        "opened_at": NOW,
        "updated_at": NOW,
    }
    return TicketRow(id=row_id, **{**known, **facts})


def message(number: int, **facts: Any) -> DeskMessageRow:
    known: dict[str, Any] = {"desk": "freescout", "direction": Direction.OUT, "kind": "customer", "at": NOW}
    return DeskMessageRow(id=number, **{"ticket_id": 1, **known, **facts})


def closed(row: TicketRow) -> TicketRow:
    return replace(row, status=TicketStatus.CLOSED, updated_at=NOW + 5, closed_at=NOW + 5)


async def add(store: Store, *rows: TicketRow) -> None:
    for row in rows:
        async with store.unit() as unit:
            unit.desk.add_ticket(row)


async def write(store: Store, *rows: DeskMessageRow) -> None:
    for row in rows:
        async with store.unit() as unit:
            unit.desk.add_message(row)


async def test_a_ticket_is_found_as_it_was_written(store: Store) -> None:
    row = ticket(
        1, external_id="77", number="1042", url="https://desk/77", customer_id="5", assignee="Ольга Ли"
    )
    await add(store, row)

    assert await store.ticket(1) == row
    assert await store.ticket_of("freescout", "77") == row
    assert await store.open_ticket("freescout", LANE) == row
    assert await store.last_ticket("freescout", LANE) == row


async def test_nothing_is_found_that_there_is_not(store: Store) -> None:
    await add(store, ticket(1, external_id="77"))

    assert await store.ticket(2) is None
    assert await store.ticket_of("freescout", "78") is None
    assert await store.ticket_of("mail", "77") is None
    assert await store.open_ticket("mail", LANE) is None
    assert await store.open_ticket("freescout", "max:dialog 8") is None
    assert await store.last_ticket("mail", LANE) is None
    assert await store.desk_message(1) is None
    assert await store.desk_messages(1) == []
    assert await store.known_threads("freescout", ["1"]) == {}
    assert await store.desk_customer("freescout", "max:7") is None
    assert await store.desk_people("freescout", "5") == []


@pytest.mark.parametrize(
    "other",
    [
        ticket(2),
        ticket(1, lane="max:dialog 8"),
        ticket(2, lane="max:dialog 8", external_id="77"),
    ],
    ids=["a second open one of a conversation", "its id", "its id at the desk"],
)
async def test_what_a_ticket_has_is_no_other_ones(store: Store, other: TicketRow) -> None:
    first = ticket(1, external_id="77")
    await add(store, first)
    with pytest.raises(StoreConflict):
        await add(store, other)

    assert await store.tickets() == [first]


async def test_another_desk_has_tickets_of_its_own(store: Store) -> None:
    rows = [ticket(1, external_id="77"), ticket(2, desk="mail", external_id="77")]
    await add(store, *rows)

    assert [await store.open_ticket(row.desk, LANE) for row in rows] == rows
    assert await store.tickets("mail") == [rows[1]]


async def test_tickets_that_are_not_opened_there_yet_do_not_conflict(store: Store) -> None:
    await add(store, ticket(1), ticket(2, lane="max:dialog 8"))

    assert [row.id for row in await store.tickets()] == [2, 1]


async def test_a_saved_ticket_is_as_it_is_now(store: Store) -> None:
    row = ticket(1)
    await add(store, row)
    known = replace(row, external_id="77", number="9", assignee="Пётр", subject="Оплата", updated_at=NOW + 1)
    async with store.unit() as unit:
        unit.desk.save_ticket(known)
        unit.desk.save_ticket(ticket(2, lane="max:dialog 8"))

    assert await store.tickets() == [ticket(2, lane="max:dialog 8"), known]


async def test_a_closed_ticket_leaves_its_place_to_the_next_one(store: Store) -> None:
    first = ticket(1, external_id="77")
    await add(store, first)
    async with store.unit() as unit:
        unit.desk.add_ticket(ticket(2))
        unit.desk.save_ticket(closed(first))

    assert await store.open_ticket("freescout", LANE) == ticket(2)
    assert await store.last_ticket("freescout", LANE) == ticket(2)
    assert await store.ticket(1) == closed(first)


async def test_the_last_ticket_may_be_closed(store: Store) -> None:
    await add(store, closed(ticket(1)), closed(ticket(2)), ticket(3, lane="max:dialog 8"))

    assert await store.open_ticket("freescout", LANE) is None
    assert await store.last_ticket("freescout", LANE) == closed(ticket(2))


async def test_a_unit_may_save_the_ticket_that_it_adds(store: Store) -> None:
    async with store.unit() as unit:
        unit.desk.add_ticket(ticket(1))
        unit.desk.save_ticket(ticket(1, external_id="77"))

    assert await store.tickets() == [ticket(1, external_id="77")]


async def test_a_ticket_is_not_opened_again_beside_another_one(store: Store) -> None:
    await add(store, closed(ticket(1)), ticket(2))
    with pytest.raises(StoreConflict):
        async with store.unit() as unit:
            unit.desk.save_ticket(ticket(1))
            unit.history.person_gone("max:7", at=NOW)

    assert await store.ticket(1) == closed(ticket(1))


async def test_pages_of_tickets_go_from_new_to_old(store: Store) -> None:
    rows = [
        ticket(number, lane=f"max:dialog {number}", status=TicketStatus.GONE if number % 2 else "open")
        for number in range(1, 9)
    ]
    rows = [replace(row, status=TicketStatus(row.status)) for row in rows]
    await add(store, *rows)

    async def ids(**asked: Any) -> list[int]:
        return [row.id for row in await store.tickets(**asked)]

    assert await ids(limit=3) == [8, 7, 6]
    assert await ids(limit=3, before=6) == [5, 4, 3]
    assert await ids(status=TicketStatus.GONE) == [7, 5, 3, 1]
    assert await ids(status=TicketStatus.OPEN, before=6, limit=1) == [4]
    assert await ids(lane="max:dialog 3", desk="freescout") == [3]
    assert await ids(desk="mail") == []


async def test_messages_are_read_in_order_of_id(store: Store) -> None:
    rows = [
        message(3, direction=Direction.IN, kind="agent", external_id="984", done_at=NOW),
        message(1),
        message(2, kind="note"),
        message(4, ticket_id=2),
    ]
    await write(store, *rows)

    assert await store.desk_messages(1) == [rows[1], rows[2], rows[0]]
    assert await store.desk_message(4) == rows[3]


async def test_a_message_that_is_known_stays_as_it_is(store: Store) -> None:
    """The attempt is written before each call: the first moment counts, and what was found out meanwhile stays."""
    await write(store, message(1))
    async with store.unit() as unit:
        unit.desk.message_done(1, external_id="984", at=NOW + 3)
    done = message(1, external_id="984", done_at=NOW + 3)
    await write(store, message(1, at=NOW + 9), done)

    assert await store.desk_messages(1) == [done]


async def test_a_thread_goes_through_once(store: Store) -> None:
    agent = message(1, direction=Direction.IN, kind="agent", external_id="984")
    await write(store, agent, message(3), message(4, desk="mail", external_id="984"))
    with pytest.raises(StoreConflict):
        await write(store, message(2, external_id="984"))
    with pytest.raises(StoreConflict):
        async with store.unit() as unit:
            unit.desk.message_done(3, external_id="984", at=NOW)

    assert await store.desk_messages(1) == [agent, message(3), message(4, desk="mail", external_id="984")]


async def test_a_message_may_be_done_without_an_id(store: Store) -> None:
    await write(store, message(1), message(2, external_id="985"))
    async with store.unit() as unit:
        unit.desk.message_done(1, external_id=None, at=NOW + 3)
        unit.desk.message_done(2, external_id=None, at=NOW + 4)
        unit.desk.message_done(99, external_id="none", at=NOW + 4)

    assert await store.desk_messages(1) == [
        message(1, done_at=NOW + 3),
        message(2, external_id="985", done_at=NOW + 4),
    ]


async def test_a_unit_may_do_the_message_that_it_adds(store: Store) -> None:
    async with store.unit() as unit:
        unit.desk.message_done(1, external_id="984", at=NOW + 3)
        unit.desk.add_message(message(1))

    assert await store.desk_message(1) == message(1, external_id="984", done_at=NOW + 3)


async def test_threads_that_went_through_are_known_by_their_ids(store: Store) -> None:
    rows = [message(number, external_id=f"t{number}") for number in range(1, 5)]
    async with store.unit() as unit:
        for row in [*rows, message(5), message(6, desk="mail", external_id="t9")]:
            unit.desk.add_message(row)
    asked = [f"t{number}" for number in (2, *range(4, 1200))]

    assert await store.known_threads("freescout", asked) == {"t2": rows[1], "t4": rows[3]}
    assert await store.known_threads("freescout", []) == {}


async def test_who_a_person_is_is_remembered_and_may_change(store: Store) -> None:
    async with store.unit() as unit:
        for at, person in enumerate(("max:7", "tg:9", "max:8")):
            row = DeskCustomerRow(desk="freescout", person=person, customer_id="5", at=NOW + at)
            unit.desk.save_customer(row)
        unit.desk.save_customer(DeskCustomerRow(desk="mail", person="max:7", customer_id="5", at=NOW))
    async with store.unit() as unit:
        changed = DeskCustomerRow(desk="freescout", person="max:8", customer_id="6", at=NOW + 9)
        unit.desk.save_customer(changed)

    assert await store.desk_customer("freescout", "max:8") == "6"
    assert await store.desk_people("freescout", "5") == ["tg:9", "max:7"]
    assert await store.desk_people("freescout", "6") == ["max:8"]
    assert await store.desk_people("mail", "5") == ["max:7"]


async def test_words_that_no_database_takes_are_made_fit(store: Store) -> None:
    await add(store, ticket(1, subject="a\x00b", assignee="\ud83d!"))

    found = await store.ticket(1)
    assert found is not None
    assert (found.subject, found.assignee) == ("ab", "?!")


async def test_an_attempt_is_withdrawn_unless_the_helpdesk_has_the_message(store: Store) -> None:
    async with store.unit() as unit:
        unit.desk.add_message(message(1))
        unit.desk.add_message(message(2))
        unit.desk.message_done(2, external_id="984", at=NOW)
    async with store.unit() as unit:
        unit.desk.withdraw_message(1)
        unit.desk.withdraw_message(2)
        unit.desk.withdraw_message(3)

    assert await store.desk_message(1) is None
    kept = await store.desk_message(2)
    assert kept is not None
    assert kept.external_id == "984"
