"""The statement behind each kind of change, written once for SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Integer,
    Table,
    bindparam,
    func,
    insert,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from optfm_bot.store import tables as t
from optfm_bot.store.records import InboxState, OutboxState
from optfm_bot.store.unit import Op

_INSERTS: dict[str, Callable[[Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def statements(dialect: str) -> dict[Op, Executable]:
    """Build the statements for a dialect, `sqlite` or `postgresql`; each takes a list of parameter sets."""
    upsert = _INSERTS[dialect]

    def save(table: Table, *keep: str) -> Executable:
        """Insert, or overwrite every column but the key and those that `keep` their first value."""
        statement = upsert(table)
        keys = [column.name for column in table.primary_key]
        changed = {
            column.name: statement.excluded[column.name]
            for column in table.columns
            if column.name not in {*keys, *keep}
        }
        result: Executable = statement.on_conflict_do_update(index_elements=keys, set_=changed)
        return result

    def add(table: Table) -> Executable:
        """Insert, or leave the row that is there."""
        result: Executable = upsert(table).on_conflict_do_nothing()
        return result

    in_hand = (t.inbox.c.id == bindparam("b_id"), t.inbox.c.state == _fixed(InboxState.NEW))
    message = t.outbox.c.id == bindparam("b_id")
    return {
        Op.INBOX_ADD: upsert(t.inbox)
        .on_conflict_do_nothing(index_elements=["channel", "key"])
        .returning(t.inbox.c.id, t.inbox.c.channel, t.inbox.c.key),
        Op.CURSOR_SAVE: save(t.cursors),
        Op.PERSON_SAVE: save(t.people, "first_seen_at"),
        Op.CONVERSATION_SAVE: save(t.conversations),
        Op.TURN_ADD: insert(t.turns),
        Op.OUTBOX_ADD: insert(t.outbox),
        Op.MISS_ADD: insert(t.misses),
        Op.FEEDBACK_SAVE: save(t.feedback),
        Op.FAQ_VERSION_ADD: add(t.faq_versions),
        Op.INBOX_DONE: update(t.inbox)
        .where(*in_hand)
        .values(state=_fixed(InboxState.DONE), owner=null(), done_at=bindparam("b_done_at")),
        Op.INBOX_RETRY: update(t.inbox)
        .where(*in_hand)
        .values(
            attempts=bindparam("b_attempts"), not_before=bindparam("b_not_before"), error=bindparam("b_error")
        ),
        Op.INBOX_PARK: update(t.inbox)
        .where(*in_hand)
        .values(
            state=_fixed(InboxState.PARKED),
            owner=null(),
            error=bindparam("b_error"),
            done_at=bindparam("b_done_at"),
        ),
        Op.INBOX_REVIVE: update(t.inbox)
        .where(t.inbox.c.id == bindparam("b_id"), t.inbox.c.state == _fixed(InboxState.PARKED))
        .values(
            state=_fixed(InboxState.NEW),
            owner=null(),
            lease_until=literal_column("0"),
            not_before=literal_column("0"),
            attempts=literal_column("0"),
            done_at=null(),
        ),
        Op.OUTBOX_SENDING: update(t.outbox).where(message).values(state=_fixed(OutboxState.SENDING)),
        Op.OUTBOX_SENT: update(t.outbox)
        .where(message)
        .values(
            state=_fixed(OutboxState.SENT),
            external_ids=bindparam("b_external_ids"),
            degraded=bindparam("b_degraded"),
            sent_at=bindparam("b_sent_at"),
        ),
        Op.OUTBOX_RETRY: update(t.outbox)
        .where(message)
        .values(
            state=_fixed(OutboxState.READY),
            attempts=bindparam("b_attempts"),
            not_before=bindparam("b_not_before"),
            error=bindparam("b_error"),
            message=func.coalesce(bindparam("b_message"), t.outbox.c.message),
        ),
        Op.OUTBOX_CLOSE: update(t.outbox)
        .where(message)
        .values(state=bindparam("b_state"), error=bindparam("b_error"), sent_at=bindparam("b_sent_at")),
        Op.PERSON_GONE: update(t.people)
        .where(t.people.c.ref == bindparam("b_ref"))
        .values(gone_at=bindparam("b_gone_at")),
        Op.TOKEN_ADD: insert(t.api_tokens),
        Op.TOKEN_USED: update(t.api_tokens)
        .where(t.api_tokens.c.id == bindparam("b_id"))
        .values(last_used_at=bindparam("b_last_used_at")),
        Op.TOKEN_REVOKE: update(t.api_tokens)
        .where(t.api_tokens.c.id == bindparam("b_id"), t.api_tokens.c.revoked_at.is_(None))
        .values(revoked_at=bindparam("b_revoked_at")),
        Op.REQUEST_ADD: insert(t.api_requests),
    }


def _fixed(state: InboxState | OutboxState) -> ColumnElement[int]:
    """A state written into the statement: only what changes from row to row is a parameter."""
    return literal_column(str(state.value), Integer)


def claimable(now: int, limit: int) -> Executable:
    """Select the ids of updates that may be leased now, in order, never past an older one of the same lane."""
    older = t.inbox.alias("older")

    def blocked(row: Any) -> ColumnElement[bool]:
        verdict: ColumnElement[bool] = (row.c.lease_until > now) | (row.c.not_before > now)
        return verdict

    ahead = (
        select(older.c.id)
        .where(
            older.c.lane == t.inbox.c.lane,
            older.c.state == InboxState.NEW.value,
            older.c.id < t.inbox.c.id,
            blocked(older),
        )
        .exists()
    )
    return (
        select(t.inbox)
        .where(t.inbox.c.state == InboxState.NEW.value, ~blocked(t.inbox), ~ahead)
        .order_by(t.inbox.c.id)
        .limit(limit)
    )
