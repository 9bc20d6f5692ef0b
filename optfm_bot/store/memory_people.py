"""People in the store in memory: tickets, requests, alarms, proposals."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from optfm_bot.errors import StoreConflict, StoreOutdated
from optfm_bot.shards import shard_of
from optfm_bot.store.changes import Changes, Op
from optfm_bot.store.people_reads import PeopleReads
from optfm_bot.store.records import Direction, Params
from optfm_bot.store.request_records import (
    AlarmRow,
    ProposalRow,
    ProposalStatus,
    RequestEventRow,
    RequestRow,
    RequestStatus,
)
from optfm_bot.store.ticket_records import DeskCustomerRow, DeskMessageRow, TicketRow, TicketStatus


class _Numbered(Protocol):
    @property
    def id(self) -> int: ...


Row = TypeVar("Row", bound=_Numbered)


@dataclass(slots=True)
class PeopleRows:
    """The rows, and how each change becomes true of them. Raises `StoreConflict` where a database would."""

    tickets: dict[int, TicketRow] = field(default_factory=dict)
    messages: dict[int, DeskMessageRow] = field(default_factory=dict)
    customers: dict[tuple[str, str], DeskCustomerRow] = field(default_factory=dict)
    requests: dict[int, RequestRow] = field(default_factory=dict)
    events: dict[int, RequestEventRow] = field(default_factory=dict)
    alarms: dict[tuple[str, str], AlarmRow] = field(default_factory=dict)
    proposals: dict[int, ProposalRow] = field(default_factory=dict)

    def rehearse(self, changes: Changes) -> None:
        """Try changes without making them."""
        appliers = PeopleRows(
            tickets=dict(self.tickets),
            messages=dict(self.messages),
            customers=dict(self.customers),
            requests=dict(self.requests),
            events=dict(self.events),
            alarms=dict(self.alarms),
            proposals=dict(self.proposals),
        ).appliers()
        for op, params in sorted(changes, key=lambda change: change[0]):
            if op in appliers:
                appliers[op](params)

    def appliers(self) -> dict[Op, Callable[[Params], None]]:
        """What makes each kind of change true."""
        return {
            Op.TICKET_SAVE: self._save_ticket,
            Op.TICKET_ADD: self._add_ticket,
            Op.DESK_MESSAGE_ADD: self._add_message,
            Op.DESK_MESSAGE_DONE: self._message_done,
            Op.DESK_MESSAGE_WITHDRAW: self._withdraw_message,
            Op.DESK_CUSTOMER_SAVE: self._save_customer,
            Op.REQUEST_ADD: self._add_request,
            Op.REQUEST_CHANGE: self._change_request,
            Op.REQUEST_EVENT_ADD: self._add_event,
            Op.ALARM_CLEAR: self._clear_alarm,
            Op.ALARM_CLEAR_DUE: self._clear_alarm,
            Op.ALARM_SET: self._set_alarm,
            Op.PROPOSAL_ADD: self._add_proposal,
            Op.PROPOSAL_CHANGE: self._change_proposal,
        }

    def _add_ticket(self, params: Params) -> None:
        _require(params["id"] not in self.tickets)
        self._save_ticket(params)

    def _save_ticket(self, params: Params) -> None:
        row = TicketRow(**{**params, "status": TicketStatus(params["status"])})
        for other in self.tickets.values():
            if other.id == row.id or other.desk != row.desk:
                continue
            _require(row.external_id is None or other.external_id != row.external_id)
            _require(other.lane != row.lane or not other.status is row.status is TicketStatus.OPEN)
        self.tickets[row.id] = row

    def _add_message(self, params: Params) -> None:
        if params["id"] not in self.messages:
            row = DeskMessageRow(**{**params, "direction": Direction(params["direction"])})
            self._require_thread(row)
            self.messages[row.id] = row

    def _message_done(self, params: Params) -> None:
        row = self.messages.get(params["b_id"])
        if row is not None:
            external_id = params["b_external_id"] if params["b_external_id"] is not None else row.external_id
            row = replace(row, external_id=external_id, done_at=params["b_done_at"])
            self._require_thread(row)
            self.messages[row.id] = row

    def _withdraw_message(self, params: Params) -> None:
        row = self.messages.get(params["b_id"])
        if row is not None and row.done_at is None:
            del self.messages[row.id]

    def _require_thread(self, row: DeskMessageRow) -> None:
        thread = (row.desk, row.external_id)
        others = (other for other in self.messages.values() if other.id != row.id)
        _require(
            row.external_id is None or all((other.desk, other.external_id) != thread for other in others)
        )

    def _save_customer(self, params: Params) -> None:
        self.customers[params["desk"], params["person"]] = DeskCustomerRow(**params)

    def _add_request(self, params: Params) -> None:
        _require(params["id"] not in self.requests)
        _require(all(row.number != params["number"] for row in self.requests.values()))
        fields, status = json.loads(params["fields"]), RequestStatus(params["status"])
        self.requests[params["id"]] = RequestRow(**{**params, "fields": fields, "status": status})

    def _change_request(self, params: Params) -> None:
        row = self.requests.get(params["b_id"])
        if row is None or row.updated_at != params["b_seen"]:
            raise StoreOutdated
        assignee = row.assignee if params["b_assignee"] is None else params["b_assignee"]
        self.requests[row.id] = replace(
            row,
            status=RequestStatus(params["b_status"]),
            assignee=assignee,
            updated_at=params["b_updated_at"],
        )

    def _add_event(self, params: Params) -> None:
        _require(params["id"] not in self.events)
        self.events[params["id"]] = RequestEventRow(**{**params, "status": RequestStatus(params["status"])})

    def _set_alarm(self, params: Params) -> None:
        lane, name = params["lane"], params["name"]
        self.alarms[lane, name] = AlarmRow(lane=lane, name=name, due_at=params["due_at"])

    def _clear_alarm(self, params: Params) -> None:
        key = (params["b_lane"], params["b_name"])
        row = self.alarms.get(key)
        if row is not None and params.get("b_due_at", row.due_at) == row.due_at:
            del self.alarms[key]

    def _add_proposal(self, params: Params) -> None:
        if all(row.source != params["source"] for row in self.proposals.values()):
            _require(params["id"] not in self.proposals)
            status = ProposalStatus(params["status"])
            self.proposals[params["id"]] = ProposalRow(**{**params, "status": status})

    def _change_proposal(self, params: Params) -> None:
        row = self.proposals.get(params["b_id"])
        if row is not None:
            self.proposals[row.id] = replace(row, status=ProposalStatus(params["b_status"]))


class MemoryPeople(PeopleReads):
    """The reading half."""

    _rows: PeopleRows

    async def ticket(self, ticket_id: int) -> TicketRow | None:
        """The ticket with that id of ours."""
        return self._rows.tickets.get(ticket_id)

    async def open_ticket(self, desk: str, lane: str) -> TicketRow | None:
        """The open ticket of a conversation."""
        return next(iter(await self.tickets(desk, lane=lane, status=TicketStatus.OPEN, limit=1)), None)

    async def ticket_of(self, desk: str, external_id: str) -> TicketRow | None:
        """The ticket that the helpdesk knows under that id."""
        asked = (desk, external_id)
        return next(
            (row for row in self._rows.tickets.values() if (row.desk, row.external_id) == asked), None
        )

    async def last_ticket(self, desk: str, lane: str) -> TicketRow | None:
        """The newest ticket of a conversation."""
        return next(iter(await self.tickets(desk, lane=lane, limit=1)), None)

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
        found = [
            row
            for row in self._rows.tickets.values()
            if desk in {None, row.desk}
            and status in {None, row.status}
            and lane in {None, row.lane}
            and person in {None, row.person}
        ]
        return _page(found, before, limit)

    async def desk_message(self, message_id: int) -> DeskMessageRow | None:
        """One message that went through a ticket."""
        return self._rows.messages.get(message_id)

    async def desk_messages(self, ticket_id: int) -> Sequence[DeskMessageRow]:
        """The messages of a ticket."""
        rows = (row for row in self._rows.messages.values() if row.ticket_id == ticket_id)
        return sorted(rows, key=lambda row: row.id)

    async def known_threads(self, desk: str, external_ids: Collection[str]) -> Mapping[str, DeskMessageRow]:
        """Those of a helpdesk's messages that went through us."""
        return {
            row.external_id: row
            for row in self._rows.messages.values()
            if row.desk == desk and row.external_id is not None and row.external_id in external_ids
        }

    async def desk_customer(self, desk: str, person: str) -> str | None:
        """Who a person is at a helpdesk."""
        row = self._rows.customers.get((desk, person))
        return row.customer_id if row is not None else None

    async def desk_people(self, desk: str, customer_id: str) -> Sequence[str]:
        """The people whom a helpdesk has as that customer."""
        asked = (desk, customer_id)
        rows = [row for row in self._rows.customers.values() if (row.desk, row.customer_id) == asked]
        return [row.person for row in sorted(rows, key=lambda row: (-row.at, row.person))]

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
        found = [
            row
            for row in self._rows.requests.values()
            if person in {None, row.person}
            and lane in {None, row.lane}
            and status in {None, row.status}
            and form in {None, row.form}
            and (since is None or row.created_at >= since)
        ]
        return _page(found, before, limit)

    async def request(self, request_id: int) -> RequestRow | None:
        """The request with that id."""
        return self._rows.requests.get(request_id)

    async def request_numbered(self, number: str) -> RequestRow | None:
        """The request that people call by that number."""
        return next((row for row in self._rows.requests.values() if row.number == number), None)

    async def request_events(self, request_id: int) -> Sequence[RequestEventRow]:
        """The life of a request."""
        rows = (row for row in self._rows.events.values() if row.request_id == request_id)
        return sorted(rows, key=lambda row: (row.at, row.id))

    async def alarms_due(
        self, *, now: int, limit: int, shards: Collection[int] | None = None
    ) -> Sequence[AlarmRow]:
        """Alarms whose moment has come."""
        due = [
            row
            for row in self._rows.alarms.values()
            if row.due_at <= now and (shards is None or shard_of(row.lane) in shards)
        ]
        return sorted(due, key=_moment)[:limit]

    async def alarms(self, lane: str) -> Sequence[AlarmRow]:
        """The alarms of a conversation."""
        return sorted((row for row in self._rows.alarms.values() if row.lane == lane), key=_moment)

    async def proposals(
        self, *, status: ProposalStatus | None = None, before: int | None = None, limit: int = 100
    ) -> Sequence[ProposalRow]:
        """Answers that our people gave, newest first."""
        found = [row for row in self._rows.proposals.values() if status in {None, row.status}]
        return _page(found, before, limit)


def _require(free: bool) -> None:  # noqa: FBT001 - the one thing that it is told
    if not free:
        raise StoreConflict("The database refused a row: it is there already")


def _page(rows: Sequence[Row], before: int | None, limit: int) -> Sequence[Row]:
    asked = [row for row in rows if before is None or row.id < before]
    return sorted(asked, key=lambda row: -row.id)[:limit]


def _moment(row: AlarmRow) -> tuple[int, str, str]:
    return (row.due_at, row.lane, row.name)
