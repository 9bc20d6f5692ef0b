"""Tickets by REST: to look at; what is said in them goes through the helpdesk."""

from __future__ import annotations

from optfm_bot.api.call import Answer, Call
from optfm_bot.api.people_models import AskTickets, TicketList, TicketView, cut, moment
from optfm_bot.ids import short
from optfm_bot.store.contract import Store
from optfm_bot.store.ticket_records import TicketRow


class TicketDesk:
    """Lists tickets."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def tickets(self, call: Call) -> Answer:
        """List them, newest first."""
        asked = call.asked(AskTickets)
        found = await self._store.tickets(status=asked.status, before=asked.place, limit=asked.limit + 1)
        rows, after = cut(found, asked.limit)
        return Answer(body=TicketList(tickets=[ticket_view(row) for row in rows], next=after))


def ticket_view(row: TicketRow) -> TicketView:
    """A ticket as the API shows it."""
    return TicketView(
        id=short(row.id),
        desk=row.desk,
        chat=row.lane,
        person=row.person,
        subject=row.subject,
        status=row.status,
        number=row.number,
        url=row.url,
        assignee=row.assignee,
        opened_at=moment(row.opened_at),
        updated_at=moment(row.updated_at),
        closed_at=None if row.closed_at is None else moment(row.closed_at),
    )
