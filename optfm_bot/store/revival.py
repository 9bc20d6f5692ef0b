"""Another chance for what was put aside: updates that could not be handled, messages that did not arrive."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import URL, ColumnElement, Table, Update, func, null, select, update

from optfm_bot.store import tables as t
from optfm_bot.store.engine import reader_engine
from optfm_bot.store.faults import translated
from optfm_bot.store.records import InboxState, OutboxState

REVIVABLE = (OutboxState.UNCERTAIN, OutboxState.FAILED)
"""States of messages that may be sent again. What was dropped was dropped on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PutAside:
    """An update or a message that waits for a person. `state` is the name of its state."""

    id: int
    channel: str
    lane: str
    state: str
    since: int
    error: str | None


class Revival:
    """Shows what was put aside, and gives it another chance; safe beside a bot that works.

    Every method raises `StoreUnavailable` if the database cannot be used.
    """

    def __init__(self, url: URL) -> None:
        self._url = url

    async def updates(self, limit: int) -> Sequence[PutAside]:
        """Updates that were parked, newest first."""
        since = func.coalesce(t.inbox.c.done_at, t.inbox.c.received_at)
        return await self._aside(t.inbox, since, [InboxState.PARKED], limit)

    async def messages(self, limit: int) -> Sequence[PutAside]:
        """Messages that failed, or of which nobody knows whether they arrived, newest first."""
        since = func.coalesce(t.outbox.c.sent_at, t.outbox.c.created_at)
        return await self._aside(t.outbox, since, REVIVABLE, limit)

    async def revive_updates(self, ids: Collection[int] | None) -> int:
        """Let these parked updates, or all of them (None), be handled; gives how many there were."""
        inbox = t.inbox.c
        return await self._change(
            update(t.inbox)
            .where(inbox.state == InboxState.PARKED.value)
            .values(
                state=InboxState.NEW.value,
                owner=null(),
                lease_until=0,
                not_before=0,
                attempts=0,
                done_at=null(),
            ),
            inbox.id,
            ids,
        )

    async def revive_messages(self, ids: Collection[int] | None, *, uncertain: bool = False) -> int:
        """Let these messages, or all failed ones (None), be sent; gives how many there were.

        `uncertain` takes the uncertain ones for failed, too. By number a message of either state is taken.
        """
        outbox = t.outbox.c
        states = REVIVABLE if uncertain or ids is not None else (OutboxState.FAILED,)
        return await self._change(
            update(t.outbox)
            .where(outbox.state.in_([state.value for state in states]))
            .values(state=OutboxState.READY.value, attempts=0, not_before=0, error=null(), sent_at=null()),
            outbox.id,
            ids,
        )

    async def _aside(
        self,
        table: Table,
        since: ColumnElement[int],
        states: Sequence[InboxState] | Sequence[OutboxState],
        limit: int,
    ) -> Sequence[PutAside]:
        columns, names = table.c, {state.value: state.name.lower() for state in states}
        chosen = select(columns.id, columns.channel, columns.lane, columns.state, since, columns.error)
        newest = chosen.where(columns.state.in_(list(names))).order_by(columns.id.desc()).limit(limit)
        with translated(self._url):
            engine = reader_engine(self._url, connections=1)
            try:
                async with engine.begin() as connection:
                    rows = (await connection.execute(newest)).all()
            finally:
                await engine.dispose()
        return [
            PutAside(id=number, channel=channel, lane=lane, state=names[state], since=at, error=error)
            for number, channel, lane, state, at, error in rows
        ]

    async def _change(
        self, statement: Update, column: ColumnElement[int], ids: Collection[int] | None
    ) -> int:
        if ids is not None:
            statement = statement.where(column.in_(list(ids)))
        with translated(self._url):
            engine = reader_engine(self._url, connections=1, begin="BEGIN IMMEDIATE")
            try:
                async with engine.begin() as connection:
                    return int((await connection.execute(statement)).rowcount)
            finally:
                await engine.dispose()
