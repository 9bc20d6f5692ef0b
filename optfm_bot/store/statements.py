"""The statement behind each kind of change, written once for SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
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

from optfm_bot.shards import SHARDS
from optfm_bot.store import tables as t
from optfm_bot.store.changes import Op
from optfm_bot.store.people_statements import people_statements
from optfm_bot.store.records import InboxState, OutboxState

_IN_LIMIT = 500  # parameters of one IN list; SQLite allows 32,766, smaller statements are cached better
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
        Op.OUTBOX_FORWARD: update(t.outbox)
        .where(message)
        .values(
            state=_fixed(OutboxState.READY),
            attempts=literal_column("0"),
            not_before=literal_column("0"),
            error=null(),
            channel=bindparam("b_channel"),
            message=bindparam("b_message"),
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
        Op.IDEMPOTENCY_ADD: insert(t.api_requests),
        **people_statements(upsert, save),
    }


def _fixed(state: InboxState | OutboxState) -> ColumnElement[int]:
    """A state written into the statement: only what changes from row to row is a parameter."""
    return literal_column(str(state.value), Integer)


def claimable(
    now: int,
    limit: int,
    *,
    owner: str,
    shards: Collection[int] | None = None,
    per_lane: int | None = None,
) -> Executable:
    """Select the updates that may be leased now, in order, never past an older one of the same lane.

    What `owner` has in hand already blocks nothing: the next ones follow it there. Counting by lane (`per_lane`) means
    looking at everything that waits, and then nothing follows before what is in hand is done.
    """
    older = t.inbox.alias("older")

    def blocked(row: Any) -> ColumnElement[bool]:
        verdict: ColumnElement[bool] = (row.c.lease_until > now) | (row.c.not_before > now)
        return verdict

    # The first blocked update of each lane, found once: asking each row for older ones takes the square of a long lane.
    first = (
        select(older.c.lane, func.min(older.c.id).label("id"))
        .where(
            older.c.state == _fixed(InboxState.NEW),
            blocked(older),
            *([older.c.owner.is_distinct_from(owner)] if per_lane is None else []),
        )
        .group_by(older.c.lane)
        .subquery("first")
    )
    waiting = [
        t.inbox.c.state == _fixed(InboxState.NEW),
        ~blocked(t.inbox),
        first.c.id.is_(None) | (t.inbox.c.id < first.c.id),
        *in_shards(t.inbox, shards),
    ]
    lanes = t.inbox.outerjoin(first, first.c.lane == t.inbox.c.lane)
    chosen = select(t.inbox)
    if per_lane is None:
        chosen = chosen.select_from(lanes).where(*waiting)
    else:
        place = func.row_number().over(partition_by=t.inbox.c.lane, order_by=t.inbox.c.id).label("place")
        counted = select(t.inbox.c.id, place).select_from(lanes).where(*waiting).subquery()
        chosen = chosen.where(t.inbox.c.id.in_(select(counted.c.id).where(counted.c.place <= per_lane)))
    return chosen.order_by(t.inbox.c.id).limit(limit)


def lasting(tenure: int) -> Executable:
    """Select a member, if it is still one, and keep others from removing it until the transaction ends.

    The weakest lock that does so: the member's own heartbeat passes.
    """
    return select(t.members.c.id).where(t.members.c.id == tenure).with_for_update(read=True, key_share=True)


def in_shards(table: Table, shards: Collection[int] | None) -> list[ColumnElement[bool]]:
    """The condition that rows belong to these shards; none if they may belong to any."""
    if shards is None or len(shards) == SHARDS:
        return []
    return [table.c.shard.in_(sorted(shards))]


def parts(keys: Collection[Any]) -> Iterator[list[Any]]:
    """Cut keys into lists that one statement takes."""
    wanted = list(keys)
    return (wanted[start : start + _IN_LIMIT] for start in range(0, len(wanted), _IN_LIMIT))
