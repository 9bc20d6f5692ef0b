"""The statement behind each change to tickets, requests, alarms and proposals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Executable, String, Table, bindparam, delete, func, insert, update

from optfm_bot.store import people_tables as t
from optfm_bot.store.changes import Op


def people_statements(
    upsert: Callable[[Table], Any], save: Callable[[Table], Executable]
) -> dict[Op, Executable]:
    """Build the statements; `upsert` is the dialect's INSERT, `save` inserts or overwrites by the key."""
    alarm = (t.alarms.c.lane == bindparam("b_lane"), t.alarms.c.name == bindparam("b_name"))
    request, message = t.requests.c, t.ticket_messages.c
    return {
        Op.TICKET_SAVE: save(t.tickets),
        Op.TICKET_ADD: insert(t.tickets),
        Op.DESK_MESSAGE_ADD: upsert(t.ticket_messages).on_conflict_do_nothing(index_elements=["id"]),
        Op.DESK_MESSAGE_DONE: update(t.ticket_messages)
        .where(message.id == bindparam("b_id"))
        .values(
            external_id=func.coalesce(bindparam("b_external_id", type_=String), message.external_id),
            done_at=bindparam("b_done_at"),
        ),
        Op.DESK_MESSAGE_WITHDRAW: delete(t.ticket_messages).where(
            message.id == bindparam("b_id"), message.done_at.is_(None)
        ),
        Op.DESK_CUSTOMER_SAVE: save(t.desk_customers),
        Op.REQUEST_ADD: insert(t.requests),
        Op.REQUEST_CHANGE: update(t.requests)
        .where(request.id == bindparam("b_id"), request.updated_at == bindparam("b_seen"))
        .values(
            status=bindparam("b_status"),
            assignee=func.coalesce(bindparam("b_assignee", type_=String), request.assignee),
            updated_at=bindparam("b_updated_at"),
        ),
        Op.REQUEST_EVENT_ADD: insert(t.request_events),
        Op.ALARM_CLEAR: delete(t.alarms).where(*alarm),
        Op.ALARM_CLEAR_DUE: delete(t.alarms).where(*alarm, t.alarms.c.due_at == bindparam("b_due_at")),
        Op.ALARM_SET: save(t.alarms),
        Op.PROPOSAL_ADD: upsert(t.proposals).on_conflict_do_nothing(index_elements=["source"]),
        Op.PROPOSAL_CHANGE: update(t.proposals)
        .where(t.proposals.c.id == bindparam("b_id"))
        .values(status=bindparam("b_status")),
    }
