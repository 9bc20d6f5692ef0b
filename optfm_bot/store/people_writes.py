"""Changes to what people are asked for: tickets and their messages, requests, alarms."""

from __future__ import annotations

import json

from optfm_bot.shards import shard_of
from optfm_bot.store.changes import Op, Writes, storable
from optfm_bot.store.records import Params
from optfm_bot.store.request_records import AlarmRow, RequestEventRow, RequestRow, RequestStatus
from optfm_bot.store.ticket_records import DeskCustomerRow, DeskMessageRow, TicketRow

_ALARMS = frozenset({Op.ALARM_SET, Op.ALARM_CLEAR, Op.ALARM_CLEAR_DUE})


class DeskWrites(Writes):
    """Changes to tickets.

    A unit saves tickets before it adds others, so one unit may close the ticket of a conversation and open the next.
    """

    __slots__ = ()

    def add_ticket(self, row: TicketRow) -> None:
        """Keep a new ticket.

        A conflict: a ticket with that id, one with that external id at that desk, a second open one of a conversation.
        """
        self._changes.append((Op.TICKET_ADD, _ticket(row)))

    def save_ticket(self, row: TicketRow) -> None:
        """Write everything that we know of a ticket now, be it known or not.

        A conflict, as when adding: the external id is another ticket's, or the conversation has another open one.
        """
        for op, params in self._changes:
            if op is Op.TICKET_ADD and params["id"] == row.id:
                params.update(_ticket(row))  # what this very unit adds is added as it is in the end
                return
        self._changes.append((Op.TICKET_SAVE, _ticket(row)))

    def add_message(self, row: DeskMessageRow) -> None:
        """Keep a message of a ticket; a known id is left as it is, a known external id of another one is a conflict."""
        self._changes.append(
            (
                Op.DESK_MESSAGE_ADD,
                {
                    "id": row.id,
                    "ticket_id": row.ticket_id,
                    "desk": row.desk,
                    "direction": int(row.direction),
                    "kind": row.kind,
                    "external_id": row.external_id,
                    "at": row.at,
                    "done_at": row.done_at,
                },
            )
        )

    def message_done(self, message_id: int, *, external_id: str | None, at: int) -> None:
        """The helpdesk has the message, under that id (None: it gives none); an id of another one is a conflict."""
        self._changes.append(
            (
                Op.DESK_MESSAGE_DONE,
                {"b_id": message_id, "b_external_id": external_id, "b_done_at": at},
            )
        )

    def withdraw_message(self, message_id: int) -> None:
        """The attempt has surely not reached the helpdesk: forget it, unless the helpdesk has the message after all."""
        self._changes.append((Op.DESK_MESSAGE_WITHDRAW, {"b_id": message_id}))

    def save_customer(self, row: DeskCustomerRow) -> None:
        """Remember who a person is at a helpdesk; the last one counts."""
        self._changes.append(
            (
                Op.DESK_CUSTOMER_SAVE,
                {"desk": row.desk, "person": row.person, "customer_id": row.customer_id, "at": row.at},
            )
        )


class RequestWrites(Writes):
    """Changes to requests."""

    __slots__ = ()

    def add(self, row: RequestRow) -> None:
        """Keep a new request; one with that id or number is a conflict."""
        fields = {name: storable(value) for name, value in row.fields.items()}
        self._changes.append(
            (
                Op.REQUEST_ADD,
                {
                    "id": row.id,
                    "number": row.number,
                    "form": row.form,
                    "lane": row.lane,
                    "person": row.person,
                    "fields": json.dumps(fields, ensure_ascii=False),
                    "status": row.status.value,
                    "assignee": storable(row.assignee),
                    "created_at": row.created_at,
                    "updated_at": row.updated_at,
                },
            )
        )

    def change(
        self, request_id: int, *, seen: int, status: RequestStatus, assignee: str | None = None, at: int
    ) -> int:
        """Write where a request stands, and who does it (None: whoever did); gives the moment that is written.

        `seen` is the `updated_at` of the row that this was decided by. If that is not the request's any more, the unit
        fails with `StoreOutdated`. No two states of a request have the same moment: what is written is `at`, or
        right after `seen` where the clock of another process is ahead.
        """
        at = max(at, seen + 1)
        self._changes.append(
            (
                Op.REQUEST_CHANGE,
                {
                    "b_id": request_id,
                    "b_seen": seen,
                    "b_status": status.value,
                    "b_assignee": None if assignee is None else storable(assignee),
                    "b_updated_at": at,
                },
            )
        )
        return at

    def changes(self, request_id: int) -> bool:
        """Whether this unit changes that request already."""
        return any(op is Op.REQUEST_CHANGE and params["b_id"] == request_id for op, params in self._changes)

    def add_event(self, row: RequestEventRow) -> None:
        """Keep a step in the life of a request; one with that id is a conflict."""
        self._changes.append(
            (
                Op.REQUEST_EVENT_ADD,
                {
                    "id": row.id,
                    "request_id": row.request_id,
                    "at": row.at,
                    "by": storable(row.by),
                    "status": row.status.value,
                    "comment": storable(row.comment),
                },
            )
        )


class AlarmWrites(Writes):
    """Changes to alarms. Of what one unit says of an alarm, the last counts."""

    __slots__ = ()

    def set(self, row: AlarmRow) -> None:
        """Set an alarm; one of that lane and name is moved."""
        self._say(
            Op.ALARM_SET,
            {"lane": row.lane, "name": row.name, "shard": shard_of(row.lane), "due_at": row.due_at},
        )

    def clear(self, lane: str, name: str) -> None:
        """Take an alarm away, if there is one."""
        self._say(Op.ALARM_CLEAR, {"b_lane": lane, "b_name": name})

    def clear_due(self, lane: str, name: str, due_at: int) -> None:
        """Take an alarm away that has gone off, unless it was moved meanwhile."""
        if not any(_alarm(op, params) == (lane, name) for op, params in self._changes):
            self._say(Op.ALARM_CLEAR_DUE, {"b_lane": lane, "b_name": name, "b_due_at": due_at})

    def _say(self, op: Op, params: Params) -> None:
        named = _alarm(op, params)
        self._changes[:] = [change for change in self._changes if _alarm(*change) != named]
        self._changes.append((op, params))


def _alarm(op: Op, params: Params) -> tuple[str, str] | None:
    """Which alarm a change is about."""
    if op not in _ALARMS:
        return None
    return (params["lane"], params["name"]) if op is Op.ALARM_SET else (params["b_lane"], params["b_name"])


def _ticket(row: TicketRow) -> Params:
    return {
        "id": row.id,
        "desk": row.desk,
        "lane": row.lane,
        "person": row.person,
        "subject": storable(row.subject),
        "status": row.status.value,
        "external_id": row.external_id,
        "number": storable(row.number),
        "url": storable(row.url),
        "customer_id": row.customer_id,
        "assignee": storable(row.assignee),
        "opened_at": row.opened_at,
        "updated_at": row.updated_at,
        "closed_at": row.closed_at,
    }
