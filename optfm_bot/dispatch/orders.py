"""Orders: what a response wants done elsewhere, as rows: tickets and what they hear, requests, notices, alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from channels.body import text_body
from channels.codec import encode_outbound
from channels.contract import Channel
from channels.model import ChatRef, Outbound, Purpose
from channels.values import dataclass
from optfm_bot.domain.conversation import Conversation
from optfm_bot.domain.say import Found, NewRequest, Relay, Response, Withdrawn
from optfm_bot.ids import IdSource
from optfm_bot.outbox.outgoing import Outgoing
from optfm_bot.store.records import OutboxRow
from optfm_bot.store.request_records import (
    AlarmRow,
    ProposalRow,
    RequestEventRow,
    RequestRow,
    RequestStatus,
)
from optfm_bot.store.ticket_records import TicketRow
from optfm_bot.store.unit import UnitOfWork

CUSTOMER = "customer"
"""By whom a request was changed, when it was the customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Where orders are written: the unit, the conversation, and the first free number among the update's messages."""

    unit: UnitOfWork
    lane: str
    channel: Channel
    person: str
    now: int
    inbox_id: int | None
    seq: int
    conversation: Conversation


class Orders:
    """Writes orders. `desk` is the helpdesk's name, None if there is none; `notify` that of the carrier of notices."""

    def __init__(self, ids: IdSource, *, desk: str | None, notify: str | None) -> None:
        self._ids = ids
        self._desk = desk
        self._notify = notify

    def write(self, work: Work, response: Response) -> tuple[Conversation, Mapping[str, Sequence[Outgoing]]]:
        """Write everything; gives the conversation with its ticket, and what leaves, by carrier."""
        leaving: dict[str, list[Outgoing]] = {}
        talk = work.conversation
        if self._desk is not None:
            if response.subject is not None:
                talk = replace(talk, ticket=self._open(work, self._desk, response.subject))
            if talk.ticket is not None and response.relays:
                leaving[self._desk] = self._relayed(work, self._desk, talk.ticket, response.relays)
        if response.request is not None:
            told = self._requested(work, response.request, response.assignee, response.told)
            if told and self._notify is not None:
                leaving[self._notify] = told
        if response.withdrawn is not None:
            self._withdrawn(work, response.withdrawn)
        for name, due in response.alarms.items():
            if due is None:
                work.unit.alarms.clear(work.lane, name)
            else:
                work.unit.alarms.set(AlarmRow(lane=work.lane, name=name, due_at=due))
        if response.found is not None:
            self._learnt(work, response.found)
        return talk, leaving

    def _open(self, work: Work, desk: str, subject: str) -> int:
        ticket = TicketRow(
            id=self._ids.next(),
            desk=desk,
            lane=work.lane,
            person=work.person,
            subject=subject,
            opened_at=work.now,
            updated_at=work.now,
        )
        work.unit.desk.add_ticket(ticket)
        return ticket.id

    def _relayed(self, work: Work, desk: str, ticket: int, relays: Sequence[Relay]) -> list[Outgoing]:
        messages = [
            Outbound(
                chat=ChatRef(channel=desk, chat_id=str(ticket)),
                body=text_body(relay.signed),
                media=relay.media,
                purpose=relay.purpose,
            )
            for relay in relays
        ]
        return [self._leaves(work, desk, message, place) for place, message in enumerate(messages)]

    def _leaves(self, work: Work, carrier: str, message: Outbound, place: int) -> Outgoing:
        row = OutboxRow(
            id=self._ids.next(),
            channel=carrier,
            lane=work.lane,
            message=encode_outbound(message),
            purpose=message.purpose.value,
            created_at=work.now,
            inbox_id=work.inbox_id,
            seq=work.seq + place,
        )
        work.unit.outbox.add(row)
        return Outgoing(
            id=row.id, lane=row.lane, message=message, created_at=row.created_at, update_id=work.inbox_id
        )

    def _requested(
        self, work: Work, request: NewRequest, assignee: str, told: Sequence[tuple[str, str]]
    ) -> list[Outgoing]:
        work.unit.requests.add(
            RequestRow(
                id=request.id,
                number=request.number,
                form=request.form,
                lane=work.lane,
                person=work.person,
                fields=request.fields,
                assignee=assignee,
                created_at=work.now,
                updated_at=work.now,
            )
        )
        self._event(work, request.id, RequestStatus.NEW, work.now)
        notify = self._notify
        if notify is None:
            return []
        return [
            self._leaves(
                work,
                notify,
                Outbound(
                    chat=ChatRef(channel=notify, chat_id=target),
                    body=text_body(text),
                    purpose=Purpose.SYSTEM,
                ),
                _RELAYS + place,
            )
            for place, (target, text) in enumerate(told)
        ]

    def _withdrawn(self, work: Work, withdrawn: Withdrawn) -> None:
        requests = work.unit.requests
        if requests.changes(withdrawn.id):
            return  # an update with two presses of one button has taken it back already
        at = requests.change(withdrawn.id, seen=withdrawn.seen, status=RequestStatus.CANCELLED, at=work.now)
        self._event(work, withdrawn.id, RequestStatus.CANCELLED, at)

    def _event(self, work: Work, request_id: int, status: RequestStatus, at: int) -> None:
        work.unit.requests.add_event(
            RequestEventRow(id=self._ids.next(), request_id=request_id, at=at, by=CUSTOMER, status=status)
        )

    def _learnt(self, work: Work, found: Found) -> None:
        work.unit.history.add_proposal(
            ProposalRow(
                id=self._ids.next(),
                lane=work.lane,
                question=found.question,
                answer=found.answer,
                source=found.source,
                by=found.by,
                at=work.now,
            )
        )


_RELAYS = 100
"""Numbers that are kept for what the ticket hears, before those of notices."""
