"""What the house asks of a SQL database about people: tickets, requests, alarms, proposals."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Executable, RowMapping, Select, Table, literal, select

from optfm_bot.store import people_tables as t
from optfm_bot.store.people_reads import PeopleReads
from optfm_bot.store.records import Direction
from optfm_bot.store.request_records import (
    AlarmRow,
    ProposalRow,
    ProposalStatus,
    RequestEventRow,
    RequestRow,
    RequestStatus,
)
from optfm_bot.store.statements import in_shards, parts
from optfm_bot.store.ticket_records import DeskMessageRow, TicketRow, TicketStatus


class SqlPeopleQueries(PeopleReads):
    """The questions about people; a store in a SQL database brings the connection."""

    @abstractmethod
    async def _all(self, statement: Executable) -> Sequence[RowMapping]:
        """Rows, perhaps many."""

    @abstractmethod
    async def _few(self, statement: Executable) -> Sequence[RowMapping]:
        """Rows that an index finds."""

    # -- tickets ------------------------------------------------------------------------------------------

    async def ticket(self, ticket_id: int) -> TicketRow | None:
        """The ticket with that id of ours."""
        return await self._ticket(t.tickets.c.id == ticket_id)

    async def open_ticket(self, desk: str, lane: str) -> TicketRow | None:
        """The open ticket of a conversation."""
        # Written into the statement: a planner that does not see the state cannot choose its partial index.
        is_open = t.tickets.c.status == literal(TicketStatus.OPEN.value, literal_execute=True)
        return await self._ticket(t.tickets.c.desk == desk, t.tickets.c.lane == lane, is_open)

    async def ticket_of(self, desk: str, external_id: str) -> TicketRow | None:
        """The ticket that the helpdesk knows under that id."""
        return await self._ticket(t.tickets.c.desk == desk, t.tickets.c.external_id == external_id)

    async def last_ticket(self, desk: str, lane: str) -> TicketRow | None:
        """The newest ticket of a conversation."""
        return await self._ticket(t.tickets.c.desk == desk, t.tickets.c.lane == lane)

    async def _ticket(self, *conditions: ColumnElement[bool]) -> TicketRow | None:
        newest = select(t.tickets).where(*conditions).order_by(t.tickets.c.id.desc()).limit(1)
        rows = await self._few(newest)
        return _ticket(rows[0]) if rows else None

    async def tickets(
        self,
        desk: str | None = None,
        *,
        status: TicketStatus | None = None,
        lane: str | None = None,
        person: str | None = None,
        limit: int = 100,
        before: int | None = None,
    ) -> Sequence[TicketRow]:
        """Tickets, newest first."""
        asked = {"desk": desk, "status": status.value if status else None, "lane": lane, "person": person}
        rows = await self._all(_page(t.tickets, asked, before, limit))
        return [_ticket(row) for row in rows]

    async def desk_message(self, message_id: int) -> DeskMessageRow | None:
        """One message that went through a ticket."""
        rows = await self._few(select(t.ticket_messages).where(t.ticket_messages.c.id == message_id))
        return _message(rows[0]) if rows else None

    async def desk_messages(self, ticket_id: int) -> Sequence[DeskMessageRow]:
        """The messages of a ticket."""
        messages = t.ticket_messages.c
        asked = select(t.ticket_messages).where(messages.ticket_id == ticket_id).order_by(messages.id)
        return [_message(row) for row in await self._all(asked)]

    async def known_threads(self, desk: str, external_ids: Collection[str]) -> Mapping[str, DeskMessageRow]:
        """Those of a helpdesk's messages that went through us."""
        messages, found = t.ticket_messages.c, {}
        for part in parts(external_ids):
            asked = select(t.ticket_messages).where(messages.desk == desk, messages.external_id.in_(part))
            for row in await self._few(asked):
                found[row["external_id"]] = _message(row)
        return found

    async def desk_customer(self, desk: str, person: str) -> str | None:
        """Who a person is at a helpdesk."""
        customers = t.desk_customers.c
        asked = select(customers.customer_id).where(customers.desk == desk, customers.person == person)
        rows = await self._few(asked)
        return rows[0]["customer_id"] if rows else None

    async def desk_people(self, desk: str, customer_id: str) -> Sequence[str]:
        """The people whom a helpdesk has as that customer."""
        customers = t.desk_customers.c
        asked = select(customers.person).where(customers.desk == desk, customers.customer_id == customer_id)
        rows = await self._few(asked.order_by(customers.at.desc(), customers.person))
        return [row["person"] for row in rows]

    # -- requests -----------------------------------------------------------------------------------------

    async def requests(
        self,
        *,
        person: str | None = None,
        lane: str | None = None,
        status: RequestStatus | None = None,
        form: str | None = None,
        since: int | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> Sequence[RequestRow]:
        """Requests, newest first."""
        asked = {
            "person": person,
            "lane": lane,
            "status": status.value if status else None,
            "form": form,
        }
        statement = _page(t.requests, asked, before, limit)
        if since is not None:
            statement = statement.where(t.requests.c.created_at >= since)
        return [_request(row) for row in await self._all(statement)]

    async def request(self, request_id: int) -> RequestRow | None:
        """The request with that id."""
        return await self._request(t.requests.c.id == request_id)

    async def request_numbered(self, number: str) -> RequestRow | None:
        """The request that people call by that number."""
        return await self._request(t.requests.c.number == number)

    async def _request(self, condition: ColumnElement[bool]) -> RequestRow | None:
        rows = await self._few(select(t.requests).where(condition))
        return _request(rows[0]) if rows else None

    async def request_events(self, request_id: int) -> Sequence[RequestEventRow]:
        """The life of a request."""
        events = t.request_events.c
        asked = select(t.request_events).where(events.request_id == request_id).order_by(events.at, events.id)
        rows = await self._few(asked)
        return [RequestEventRow(**{**row, "status": RequestStatus(row["status"])}) for row in rows]

    # -- alarms and proposals -----------------------------------------------------------------------------

    async def alarms_due(
        self, *, now: int, limit: int, shards: Collection[int] | None = None
    ) -> Sequence[AlarmRow]:
        """Alarms whose moment has come."""
        due = _alarms().where(t.alarms.c.due_at <= now, *in_shards(t.alarms, shards)).limit(limit)
        return [AlarmRow(**row) for row in await self._all(due)]

    async def alarms(self, lane: str) -> Sequence[AlarmRow]:
        """The alarms of a conversation."""
        return [AlarmRow(**row) for row in await self._few(_alarms().where(t.alarms.c.lane == lane))]

    async def proposals(
        self, *, status: ProposalStatus | None = None, before: int | None = None, limit: int = 100
    ) -> Sequence[ProposalRow]:
        """Answers that our people gave, newest first."""
        asked = {"status": status.value if status else None}
        rows = await self._all(_page(t.proposals, asked, before, limit))
        return [ProposalRow(**{**row, "status": ProposalStatus(row["status"])}) for row in rows]


def _page(table: Table, asked: Mapping[str, str | None], before: int | None, limit: int) -> Select[Any]:
    statement = select(table).order_by(table.c.id.desc()).limit(limit)
    for name, value in asked.items():
        if value is not None:
            statement = statement.where(table.c[name] == value)
    return statement if before is None else statement.where(table.c.id < before)


def _alarms() -> Select[Any]:
    alarms = t.alarms.c
    columns = (alarms.lane, alarms.name, alarms.due_at)
    return select(*columns).order_by(alarms.due_at, alarms.lane, alarms.name)


def _ticket(row: RowMapping) -> TicketRow:
    return TicketRow(**{**row, "status": TicketStatus(row["status"])})


def _message(row: RowMapping) -> DeskMessageRow:
    return DeskMessageRow(**{**row, "direction": Direction(row["direction"])})


def _request(row: RowMapping) -> RequestRow:
    return RequestRow(**{**row, "fields": json.loads(row["fields"]), "status": RequestStatus(row["status"])})
