"""A call of the helpdesk of which nobody knows what became: it is looked for, and time settles the rest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from channels.errors import RetryLater, Unreachable
from channels.model import ChatRef, Purpose, RawUpdate, Rendered
from optfm_bot.clock import ManualClock
from optfm_bot.helpdesk.contract import Customer, DeskMessage, HelpdeskContext, TicketDraft
from optfm_bot.helpdesk.desk import Desk
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.ticket_records import TicketRow
from optfm_bot.testing.memory_desk import MemoryHelpdesk

TICKET = 7


async def receive(_desk: str, updates: Sequence[RawUpdate]) -> int:
    return len(updates)


def message(key: int, text: str) -> Rendered:
    chat = ChatRef(channel="desk", chat_id=str(TICKET))
    return Rendered(key=str(key), chat=chat, text=text, plain=text, purpose=Purpose.CUSTOMER)


async def test_a_ticket_that_waits_for_doubt_to_settle_names_no_limit() -> None:
    clock, store = ManualClock(), MemoryStore()
    await store.open()
    helpdesk = MemoryHelpdesk(HelpdeskContext(instance="desk", clock=clock.now))
    customer = Customer(ref="stage:1", name="Анна", channel="Stage")
    first = DeskMessage(key="1", text="Здравствуйте")
    opened = await helpdesk.open_ticket(
        TicketDraft(key="7", subject="Вопрос", customer=customer, customer_id=None, message=first)
    )
    async with store.unit() as unit:
        unit.desk.add_ticket(
            TicketRow(
                id=TICKET,
                desk="desk",
                lane="stage:1",
                person="stage:1",
                subject="Вопрос",
                external_id=opened.id,
                opened_at=clock.ms(),
                updated_at=clock.ms(),
            )
        )
    desk = Desk(helpdesk, store, clock, channels={}, receive=receive, new_id=iter(range(100)).__next__)

    helpdesk.refuse = [Unreachable("silence", maybe_sent=True)]
    with pytest.raises(Unreachable):
        await desk.deliver(message(2, "Где заказ?"))
    await clock.advance(1)
    with pytest.raises(RetryLater) as waits:
        await desk.deliver(message(2, "Где заказ?"))

    assert waits.value.after == timedelta(seconds=4)
    assert not waits.value.limited, "all tickets would wait for this one"
    await clock.advance(4)
    await desk.deliver(message(2, "Где заказ?"))
    assert [one.text for one in helpdesk.tickets_here[opened.id].threads] == ["Здравствуйте", "Где заказ?"]
