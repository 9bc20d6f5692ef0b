"""The helpdesk in memory keeps every promise of a helpdesk, so a house that works with it works with the others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from channels.contract import WebhookRequest
from channels.errors import BadPayload, RetryLater, Unauthorized
from optfm_bot.clock import ManualClock
from optfm_bot.helpdesk.contract import (
    Assigned,
    DeskFile,
    HelpdeskContext,
    KnownTicket,
    Merged,
    Removed,
    TicketRef,
)
from optfm_bot.testing.desk_conformance import HelpdeskConformance
from optfm_bot.testing.desk_stage import HelpdeskStage, Seen, draft, message
from optfm_bot.testing.memory_desk import SECRET_HEADER, MemoryHelpdesk

SECRET = "canary-desk-secret-0815"


def made() -> MemoryHelpdesk:
    context = HelpdeskContext(instance="desk", clock=ManualClock().now)
    return MemoryHelpdesk(context, secret=SECRET, file_limit=100_000)


class MemoryStage(HelpdeskStage):
    secrets = (SECRET,)

    def __init__(self, desk: MemoryHelpdesk) -> None:
        super().__init__(desk)
        self.memory = desk

    async def seen(self, ticket: TicketRef) -> list[Seen]:
        return [
            Seen(kind=one.kind, text=one.text, files=tuple((file.name, file.data) for file in one.files))
            for one in self.memory.tickets_here[ticket.id].threads
        ]

    async def agent_reply(self, ticket: TicketRef, text: str, files: Sequence[DeskFile] = ()) -> None:
        self.memory.agent_replies(ticket.id, text, files)

    async def agent_note(self, ticket: TicketRef, text: str) -> None:
        self.memory.note(ticket.id, text)

    async def agent_close(self, ticket: TicketRef) -> None:
        self.memory.close_by_agent(ticket.id)

    async def agent_reopen(self, ticket: TicketRef) -> None:
        self.memory.reopen(ticket.id)

    async def remove(self, ticket: TicketRef) -> None:
        self.memory.delete(ticket.id)

    async def is_open(self, ticket: TicketRef) -> bool:
        return self.memory.tickets_here[ticket.id].open

    @asynccontextmanager
    async def fault(self, name: str) -> AsyncIterator[None]:
        desk = self.memory
        match name:
            case "down":
                desk.down = True
            case "revoked":
                desk.revoked = True
            case "busy":
                desk.refuse = [RetryLater()]
            case "lost_answer":
                desk.lose = 1
        yield
        desk.down = desk.revoked = False
        desk.refuse, desk.lose = [], 0


class TestMemory(HelpdeskConformance):
    @asynccontextmanager
    async def staged(self) -> AsyncIterator[HelpdeskStage]:
        desk = made()
        await desk.open()
        yield MemoryStage(desk)
        await desk.close()


def known(ticket: TicketRef, *threads: str) -> KnownTicket:
    return KnownTicket(id=ticket.id, open=True, threads=frozenset({ticket.thread_id or "", *threads}))


async def test_a_merged_ticket_lives_on_and_is_located_by_its_messages() -> None:
    desk = made()
    one, two = await desk.open_ticket(draft(key="t1")), await desk.open_ticket(draft(key="t2"))
    desk.merge(one.id, two.id)
    [event] = await desk.read(one.id, known(one))
    assert isinstance(event, Merged)
    assert event.into == two.id
    found = await desk.locate(one, known={one.thread_id or ""})
    assert found is not None
    assert found.id == two.id
    assert desk.tickets_here[two.id].texts == ["customer: Здравствуйте"] * 2
    assert one.customer_id == two.customer_id


async def test_spam_and_deletion_are_told_apart() -> None:
    desk = made()
    one, two = await desk.open_ticket(draft(key="t1")), await desk.open_ticket(draft(key="t2"))
    desk.spam(one.id)
    desk.delete(two.id)
    for ticket, spam in ((one, True), (two, False)):
        [event] = await desk.read(ticket.id, known(ticket))
        assert isinstance(event, Removed)
        assert event.spam is spam
    assert desk.open_ticket_of("max:4217") is None


async def test_an_assignment_is_told_until_it_is_known() -> None:
    desk = made()
    ticket = await desk.open_ticket(draft())
    desk.assign(ticket.id, "Пётр")
    [event] = await desk.read(ticket.id, known(ticket))
    assert isinstance(event, Assigned)
    assert event.agent == "Пётр"
    known_now = KnownTicket(id=ticket.id, open=True, assignee="Пётр")
    assert await desk.read(ticket.id, known_now) == []


async def test_a_ticket_that_an_agent_begins_tells_whose_it_is() -> None:
    desk = made()
    ticket = await desk.open_ticket(draft())
    begun = desk.agent_opens("max:4217", "Ваш заказ готов")
    assert desk.open_ticket_of("max:4217") is begun
    [event] = await desk.read(begun.id, None)
    assert getattr(event, "customer_id", "") == ticket.customer_id


async def test_a_webhook_call_names_its_ticket_and_needs_the_secret() -> None:
    desk = made()
    ticket = await desk.open_ticket(draft())
    call = desk.hook(ticket.id)
    desk.authenticate(call)
    [hint] = desk.tickets(call)
    assert (hint.payload, hint.lane) == ({"ticket": ticket.id}, f"desk:ticket {ticket.id}")
    assert [one.key for one in desk.tickets(call)] == [hint.key]
    desk.agent_replies(ticket.id, "да")
    assert desk.tickets(desk.hook(ticket.id))[0].key != hint.key
    with pytest.raises(Unauthorized):
        desk.authenticate(WebhookRequest(headers={SECRET_HEADER: "другой"}, body=call.body))
    with pytest.raises(BadPayload):
        desk.tickets(WebhookRequest(headers={}, body=b"[]"))


async def test_what_is_refused_is_not_done_and_what_is_lost_is() -> None:
    desk = made()
    ticket = await desk.open_ticket(draft())
    desk.refuse = [RetryLater()]
    with pytest.raises(RetryLater):
        await desk.add_note(ticket, message("ау"))
    assert len(desk.tickets_here[ticket.id].threads) == 1
    desk.refuse, desk.lose = [], 1
    with pytest.raises(Exception, match="did not answer"):
        await desk.add_note(ticket, message("ау"))
    assert desk.tickets_here[ticket.id].texts[1:] == ["note: ау"]
