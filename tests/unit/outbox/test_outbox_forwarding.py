"""What waits for a helpdesk of former settings goes to the present one, or is closed and told."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from channels.body import text_body
from channels.codec import decode_outbound, encode_outbound
from channels.model import ChatRef, Outbound, Purpose
from optfm_bot.clock import ManualClock
from optfm_bot.outbox.forwarding import Forwarding
from optfm_bot.shards import shard_of
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import Direction, OutboxRow, OutboxState
from optfm_bot.store.ticket_records import DeskMessageRow

LANE = "stage:anna"


@pytest.fixture
async def store() -> MemoryStore:
    made = MemoryStore()
    await made.open()
    return made


async def waits(store: MemoryStore, number: int, channel: str, purpose: Purpose, message: str = "") -> None:
    chat = ChatRef(channel=channel, chat_id="7")
    said = Outbound(chat=chat, body=text_body(f"слово {number}"), purpose=purpose)
    row = OutboxRow(
        id=number,
        channel=channel,
        lane=LANE,
        message=message or encode_outbound(said),
        purpose=purpose.value,
        created_at=0,
        inbox_id=number,
    )
    async with store.unit() as unit:
        unit.outbox.add(row)
        unit.outbox.retry(number, attempts=4, not_before=99, error="down")


def forwarding(store: MemoryStore, desk: str | None) -> Forwarding:
    carriers = ["stage", *([desk] if desk else [])]
    return Forwarding(store, ManualClock(), carriers=carriers, desk=desk)


async def test_what_waited_for_the_former_helpdesk_waits_for_the_present_one_in_its_order(
    store: MemoryStore,
) -> None:
    for number, purpose in enumerate((Purpose.CUSTOMER, Purpose.NOTE, Purpose.CLOSE), 1):
        await waits(store, number, "freescout", purpose)
    await waits(store, 4, "max", Purpose.ANSWER)
    await waits(store, 5, "mail", Purpose.CUSTOMER)
    tried = DeskMessageRow(
        id=1, ticket_id=7, desk="freescout", direction=Direction.OUT, kind="customer", at=1
    )
    async with store.unit() as unit:
        unit.desk.add_message(tried)
    with capture_logs() as logs:
        await forwarding(store, "mail").forward()
        await forwarding(store, "mail").forward()

    rows = await store.unsent("mail")
    assert [row.id for row in rows] == [1, 2, 3, 5]
    assert {decode_outbound(row.message).chat for row in rows} == {ChatRef(channel="mail", chat_id="7")}
    assert [(row.attempts, row.not_before, row.error) for row in rows[:3]] == [(0, 0, None)] * 3
    assert await store.unsent("freescout") == []
    assert await store.desk_message(1) is None, "what the former one may have got is no doubt here"
    assert [row.id for row in await store.unsent("max")] == [4]
    assert [(line["event"], line["before"], line["messages"]) for line in logs] == [
        ("outbox.forwarded", "freescout", 3)
    ]


async def test_without_a_helpdesk_it_is_closed_and_told(store: MemoryStore) -> None:
    await waits(store, 1, "freescout", Purpose.CUSTOMER)
    with capture_logs() as logs:
        await forwarding(store, None).forward()

    [row] = await store.closed("freescout")
    assert (row.state, row.error) == (
        OutboxState.FAILED,
        "freescout is no helpdesk any more, and there is no other one",
    )
    assert [line["event"] for line in logs] == ["outbox.not_forwarded"]
    assert (await store.counts()).outbox_failed == {"freescout": 1}, "doctor tells it by this"


async def test_a_message_that_cannot_be_read_is_closed_and_stops_no_other(store: MemoryStore) -> None:
    await waits(store, 1, "freescout", Purpose.CUSTOMER, message="{")
    await waits(store, 2, "freescout", Purpose.CUSTOMER)
    await forwarding(store, "mail").forward()
    assert [row.id for row in await store.closed("freescout")] == [1]
    assert [row.id for row in await store.unsent("mail")] == [2]


async def test_what_others_own_is_theirs_to_forward(store: MemoryStore) -> None:
    await waits(store, 1, "freescout", Purpose.CUSTOMER)
    await forwarding(store, "mail").forward({shard_of(LANE) + 1})
    assert [row.id for row in await store.unsent("freescout")] == [1]
    await forwarding(store, "mail").forward({shard_of(LANE)})
    assert [row.id for row in await store.unsent("mail")] == [1]
