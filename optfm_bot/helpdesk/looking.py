"""Looking: reading tickets, and bringing what is new in them into the conversations that they belong to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from channels.errors import Gone, Unreachable
from channels.model import Inbound, Media, RawUpdate
from channels.phrase import phrase
from optfm_bot.clock import Clock
from optfm_bot.dispatch.inner import desk_update
from optfm_bot.helpdesk.contract import (
    AgentFile,
    AgentReplied,
    Assigned,
    Helpdesk,
    HelpdeskEvent,
    KnownTicket,
    Merged,
    Removed,
    Resident,
)
from optfm_bot.helpdesk.placing import CALL_SECONDS, Receive, located, moment_of
from optfm_bot.store.contract import Store
from optfm_bot.store.ticket_records import TicketRow, TicketStatus

_JUST = timedelta(hours=1)
"""A ticket that we have not heard of, and that an agent has answered in so lately, was begun for our customer."""

_SKEW = timedelta(minutes=5)
"""Clocks differ: an answer that is older than its ticket by more than this belongs to what was before."""


class Looking:
    """Reads tickets. `receive` stores what is new."""

    def __init__(
        self,
        helpdesk: Helpdesk,
        store: Store,
        clock: Clock,
        *,
        receive: Receive,
        new_id: Callable[[], int],
    ) -> None:
        self.helpdesk = helpdesk
        self._store = store
        self._clock = clock
        self._receive = receive
        self._new_id = new_id

    async def look(self, external_id: str) -> int:
        """Read a ticket and store what is new in it, in its conversation; gives how much. Raises by reaction.

        What was stored before, or is in the record, is refused by its key or passed over when it is handled.
        """
        ticket = await self._store.ticket_of(self.helpdesk.instance, external_id)
        known: KnownTicket | None = None
        if ticket is not None:
            # A talk that began at another helpdesk has messages of that one, too.
            rows = [one for one in await self._store.desk_messages(ticket.id) if one.desk == ticket.desk]
            known = KnownTicket(
                id=external_id,
                open=ticket.status is TicketStatus.OPEN,
                assignee=ticket.assignee,
                customer_id=ticket.customer_id,
                threads=frozenset(row.external_id for row in rows if row.external_id is not None),
            )
        try:
            async with self._clock.limit(CALL_SECONDS):
                events = await self._read(external_id, ticket, known)
        except TimeoutError as error:
            raise Unreachable(
                phrase("desk.silent", "The helpdesk did not answer in time"), maybe_sent=False
            ) from error
        if ticket is not None:
            begun = moment_of(ticket.opened_at) - _SKEW
            events = [one for one in events if not isinstance(one, AgentReplied) or one.at >= begun]
        return await self._store_events(events, ticket)

    async def _read(
        self, external_id: str, ticket: TicketRow | None, known: KnownTicket | None
    ) -> Sequence[HelpdeskEvent]:
        try:
            return replies_first(await self.helpdesk.read(external_id, known))
        except Gone:
            if ticket is None:
                return ()
        moment = self._clock.now()
        found = await located(self.helpdesk, self._store, ticket)
        if found is None:
            return [Removed(key=f"gone-{external_id}", ticket=external_id, at=moment)]
        return [Merged(key=f"merged-{external_id}-{found.id}", ticket=external_id, at=moment, into=found.id)]

    async def hear(self, event: Inbound) -> None:
        """Store what was said in the chat that is the helpdesk."""
        if isinstance(self.helpdesk, Resident):
            await self._store_events(self.helpdesk.understand(event), None)

    async def _store_events(self, events: Sequence[HelpdeskEvent], ticket: TicketRow | None) -> int:
        updates: list[RawUpdate] = []
        for event in events:
            row = ticket if ticket is not None and ticket.external_id == event.ticket else None
            row = row or await self._owner(event)
            if row is not None:
                updates.append(desk_update(event, row.lane))
        return await self._receive(self.helpdesk.instance, updates) if updates else 0

    async def _owner(self, event: HelpdeskEvent) -> TicketRow | None:
        """Whose ticket that is: ours, one that ours was merged into, or one that an agent has just begun."""
        row = await self._store.ticket_of(self.helpdesk.instance, event.ticket)
        if row is not None or not isinstance(event, AgentReplied) or event.customer_id is None:
            return row
        for person in await self._store.desk_people(self.helpdesk.instance, event.customer_id):
            tickets = await self._store.tickets(self.helpdesk.instance, person=person, limit=1)
            if not tickets:
                continue
            last = tickets[0]
            if last.external_id is not None and last.status is not TicketStatus.GONE:
                found = await located(self.helpdesk, self._store, last)
                if found is not None and found.id == event.ticket:
                    return await self._kept(
                        replace(last, external_id=found.id, number=found.number, url=found.url)
                    )
            if last.status is not TicketStatus.OPEN and self._clock.now() - event.at < _JUST:
                return await self._adopted(event, last)
        return None

    async def _adopted(self, event: AgentReplied, last: TicketRow) -> TicketRow:
        """Take over a ticket that an agent has begun, in the conversation of the customer's last one."""
        now = self._clock.ms()
        return await self._kept(
            TicketRow(
                id=self._new_id(),
                desk=self.helpdesk.instance,
                lane=last.lane,
                person=last.person,
                subject=last.subject,
                external_id=event.ticket,
                customer_id=event.customer_id,
                opened_at=now,
                updated_at=now,
            )
        )

    async def _kept(self, ticket: TicketRow) -> TicketRow:
        async with self._store.unit() as unit:
            unit.desk.save_ticket(ticket)
        return ticket

    async def fetch(self, file: Media, limit: int) -> bytes:
        """Get an agent's file for the customer. Raises by reaction."""
        wanted = AgentFile(
            id=file.file_id or "", name=file.name, mime=file.mime, size=file.size, link=file.url
        )
        return await self.helpdesk.fetch(wanted, limit=limit)


def replies_first(events: Sequence[HelpdeskEvent]) -> list[HelpdeskEvent]:
    """The events of one reading with an assignment behind the replies that were read with it. Pure.

    Who answers takes the ticket by that, and helpdesks tell both as one state. A customer who hears the words with a
    name needs nobody to say that somebody has come.
    """
    replies = [place for place, event in enumerate(events) if isinstance(event, AgentReplied)]
    if not replies:
        return list(events)
    head, tail = events[: replies[-1] + 1], events[replies[-1] + 1 :]
    taken = [event for event in head if isinstance(event, Assigned)]
    return [*(event for event in head if not isinstance(event, Assigned)), *taken, *tail]
