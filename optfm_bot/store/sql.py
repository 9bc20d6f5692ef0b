"""The store on SQLAlchemy: SQLite today, PostgreSQL by the same statements."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Executable, RowMapping, func, select, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from optfm_bot.errors import StoreConflict, StoreRefused, StoreUnavailable
from optfm_bot.store import tables as t
from optfm_bot.store.committer import CommitObserver, GroupCommitter
from optfm_bot.store.contract import Store
from optfm_bot.store.engine import database_url, reader_engine
from optfm_bot.store.records import (
    ConversationRow,
    Direction,
    FeedbackRow,
    InboxState,
    MissKind,
    MissRow,
    OutboxRow,
    OutboxState,
    Params,
    PersonRow,
    RequestRow,
    StoreCounts,
    StoredUpdate,
    TokenRow,
    TurnRow,
)
from optfm_bot.store.schema import PROOF_OF_WRITING, require_current
from optfm_bot.store.statements import claimable, statements
from optfm_bot.store.unit import Op, UnitOfWork
from optfm_bot.store.writer import Transaction, Writer, open_writer

_IN_LIMIT = 500  # parameters of one IN list; SQLite allows 32,766, smaller statements are cached better


_TAKEN = frozenset({"23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})
"""What PostgreSQL and SQLite call a row that is there already."""

_UNFIT = "22"
"""How PostgreSQL's codes begin for values that do not fit: too long, too large, not text."""


class SqlStore(Store):
    """A store in a SQL database.

    `url` is a SQLAlchemy address. One connection writes (group commit), a small pool reads.
    """

    def __init__(self, url: str, *, observer: CommitObserver | None = None) -> None:
        self._url = database_url(url)
        self._statements = statements(self._url.get_backend_name())
        self._committer = GroupCommitter(self._apply, observer)
        self._writing = asyncio.Lock()
        self._writer: Writer | None = None
        self._reader: AsyncEngine | None = None

    async def open(self) -> None:
        """Connect and refuse a schema that this program does not know."""
        self._writer = open_writer(self._url)
        self._reader = reader_engine(self._url)
        try:
            async with self._read() as connection:
                await connection.run_sync(require_current)
        except BaseException:
            await self._dispose()
            raise
        self._committer.open()

    async def close(self) -> None:
        """Finish commits and disconnect."""
        await self._committer.close()
        await self._dispose()

    async def _dispose(self) -> None:
        if self._writer is not None:
            await self._writer.close()
        if self._reader is not None:
            await self._reader.dispose()
        self._writer = self._reader = None

    def unit(self) -> UnitOfWork:
        """Begin to record a unit of work."""
        return UnitOfWork(self._committer.commit)

    # -- transactions -------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[AsyncConnection]:
        if self._reader is None:
            raise StoreUnavailable("The store is closed")
        try:
            async with self._reader.begin() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as error:
            raise _unavailable(error) from error

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[Transaction]:
        if self._writer is None:
            raise StoreUnavailable("The store is closed")
        try:
            async with self._writing, self._writer.transaction() as connection:
                yield connection
        except (SQLAlchemyError, OSError, ValueError, OverflowError) as error:
            if isinstance(error, OSError) and self._reader is not None:
                await (
                    self._reader.dispose()
                )  # readers, too, may hold a file that is not the database any more
            raise _translated(error) from error

    async def _apply(self, units: Sequence[UnitOfWork]) -> None:
        grouped: dict[Op, list[Params]] = {}
        for unit in units:
            for op, params in unit.changes:
                grouped.setdefault(op, []).append(params)
        added: dict[tuple[str, str], int] = {}
        async with self._write() as connection:
            for op in sorted(grouped):
                if op is Op.INBOX_ADD:
                    added = await self._add_updates(connection, grouped[op])
                else:
                    await connection.execute(self._statements[op], grouped[op])
        if added:
            for unit in units:
                unit.added = _claim_added(unit, added)

    async def _add_updates(self, connection: Transaction, rows: list[Params]) -> dict[tuple[str, str], int]:
        # A statement may not meet the same key twice, so repeats inside the batch are removed first.
        unique = {(row["channel"], row["key"]): row for row in rows}
        result = await connection.execute(self._statements[Op.INBOX_ADD], list(unique.values()))
        return {(channel, key): row_id for row_id, channel, key in result}

    async def _all(self, statement: Executable) -> Sequence[RowMapping]:
        async with self._read() as connection:
            return (await connection.execute(statement)).mappings().all()

    # -- updates ------------------------------------------------------------------------------------------

    async def claim(self, *, owner: str, now: int, lease_until: int, limit: int) -> Sequence[StoredUpdate]:
        """Lease the oldest new updates that nobody holds."""
        async with self._write() as connection:
            rows = (await connection.execute(claimable(now, limit))).mappings().all()
            if rows:
                held = update(t.inbox).where(t.inbox.c.id.in_([row["id"] for row in rows]))
                await connection.execute(held.values(owner=owner, lease_until=lease_until))
        return [_stored(row) for row in rows]

    async def release(self, *, owner: str | None = None) -> int:
        """End leases."""
        waiting = (t.inbox.c.state == InboxState.NEW.value) & (t.inbox.c.lease_until > 0)
        if owner is not None:
            waiting &= t.inbox.c.owner == owner
        async with self._write() as connection:
            result = await connection.execute(
                update(t.inbox).where(waiting).values(owner=None, lease_until=0)
            )
        return int(result.rowcount)

    async def unclaimed(self, *, now: int) -> bool:
        """Whether new updates wait that nobody holds."""
        waiting = (t.inbox.c.state == InboxState.NEW.value) & (t.inbox.c.lease_until <= now)
        return bool(await self._all(select(t.inbox.c.id).where(waiting).limit(1)))

    async def unfinished(self, ids: Collection[int]) -> Collection[int]:
        """Those of these updates that are new."""
        rows = await self._by_key(t.inbox, t.inbox.c.id, ids)
        return {row["id"] for row in rows if row["state"] == InboxState.NEW}

    async def renew(self, *, owner: str, lease_until: int, ids: Collection[int] | None = None) -> None:
        """Prolong leases."""
        mine = (t.inbox.c.state == InboxState.NEW.value) & (t.inbox.c.owner == owner)
        chosen = [mine]
        if ids is not None:
            wanted = list(ids)
            parts = (wanted[start : start + _IN_LIMIT] for start in range(0, len(wanted), _IN_LIMIT))
            chosen = [mine & t.inbox.c.id.in_(part) for part in parts]
        async with self._write() as connection:
            for rows in chosen:
                await connection.execute(update(t.inbox).where(rows).values(lease_until=lease_until))

    async def parked(self, *, limit: int = 100) -> Sequence[StoredUpdate]:
        """Updates that could not be handled, newest first."""
        statement = select(t.inbox).where(t.inbox.c.state == InboxState.PARKED.value)
        return [_stored(row) for row in await self._all(statement.order_by(t.inbox.c.id.desc()).limit(limit))]

    async def recent_updates(self, channel: str, *, limit: int = 50) -> Sequence[StoredUpdate]:
        """The last updates that a channel received, oldest first."""
        newest_first = select(t.inbox).where(t.inbox.c.channel == channel).order_by(t.inbox.c.id.desc())
        return [_stored(row) for row in reversed(await self._all(newest_first.limit(limit)))]

    async def cursor(self, channel: str) -> str | None:
        """Where a polling channel stands."""
        rows = await self._all(select(t.cursors.c.cursor).where(t.cursors.c.channel == channel))
        return rows[0]["cursor"] if rows else None

    # -- conversations and people -------------------------------------------------------------------------

    async def conversations(self, lanes: Collection[str]) -> Mapping[str, ConversationRow]:
        """The states of those conversations that exist."""
        rows = await self._by_key(t.conversations, t.conversations.c.lane, lanes)
        return {row["lane"]: ConversationRow(**row) for row in rows}

    async def people(self, refs: Collection[str]) -> Mapping[str, PersonRow]:
        """Those people that are known."""
        rows = await self._by_key(t.people, t.people.c.ref, refs)
        return {row["ref"]: PersonRow(**row) for row in rows}

    async def _by_key(self, table: Any, column: Any, keys: Collection[Any]) -> list[RowMapping]:
        wanted = list(keys)
        rows: list[RowMapping] = []
        for start in range(0, len(wanted), _IN_LIMIT):
            rows += await self._all(select(table).where(column.in_(wanted[start : start + _IN_LIMIT])))
        return rows

    async def turn(self, turn_id: int) -> TurnRow | None:
        """One message of the history."""
        rows = await self._all(select(t.turns).where(t.turns.c.id == turn_id))
        return _turn(rows[0]) if rows else None

    async def turns(self, lane: str, *, limit: int = 50) -> Sequence[TurnRow]:
        """The last messages of a conversation, oldest first."""
        statement = select(t.turns).where(t.turns.c.lane == lane).order_by(t.turns.c.id.desc()).limit(limit)
        return [_turn(row) for row in reversed(await self._all(statement))]

    async def promised(self, turn_ids: Collection[int]) -> Sequence[OutboxRow]:
        """The messages that these turns became."""
        rows = await self._by_key(t.outbox, t.outbox.c.turn_id, turn_ids)
        return sorted((_outgoing(row) for row in rows), key=lambda row: row.id)

    async def waiting(self, lane: str) -> Sequence[StoredUpdate]:
        """Updates of a lane that are not handled yet."""
        statement = select(t.inbox).where(t.inbox.c.lane == lane, t.inbox.c.state == InboxState.NEW.value)
        return [_stored(row) for row in await self._all(statement.order_by(t.inbox.c.id))]

    async def last_received(self, channel: str) -> int | None:
        """When the newest update of a channel was stored."""
        statement = select(t.inbox.c.received_at).where(t.inbox.c.channel == channel)
        rows = await self._all(statement.order_by(t.inbox.c.id.desc()).limit(1))
        newest: int | None = rows[0]["received_at"] if rows else None
        return newest

    async def misses(
        self, *, limit: int = 100, since: int | None = None, before: int | None = None
    ) -> Sequence[MissRow]:
        """Texts that could not be answered, newest first."""
        statement = select(t.misses).order_by(t.misses.c.id.desc()).limit(limit)
        if since is not None:
            statement = statement.where(t.misses.c.at >= since)
        if before is not None:
            statement = statement.where(t.misses.c.id < before)
        rows = await self._all(statement)
        return [MissRow(**{**row, "kind": MissKind(row["kind"])}) for row in rows]

    async def feedback(self, *, turn_id: int) -> Sequence[FeedbackRow]:
        """Opinions on one answer."""
        rows = await self._all(select(t.feedback).where(t.feedback.c.turn_id == turn_id))
        return [FeedbackRow(**row) for row in rows]

    # -- outgoing messages --------------------------------------------------------------------------------

    async def unsent(self, channel: str) -> Sequence[OutboxRow]:
        """Messages that are ready or were being sent."""
        statement = select(t.outbox).where(
            t.outbox.c.channel == channel, t.outbox.c.state < OutboxState.SENT.value
        )
        return [_outgoing(row) for row in await self._all(statement.order_by(t.outbox.c.id))]

    async def closed(self, channel: str, *, limit: int = 100) -> Sequence[OutboxRow]:
        """Messages that are uncertain, dropped or failed."""
        statement = select(t.outbox).where(
            t.outbox.c.channel == channel, t.outbox.c.state > OutboxState.SENT.value
        )
        return [
            _outgoing(row) for row in await self._all(statement.order_by(t.outbox.c.id.desc()).limit(limit))
        ]

    # -- the REST API -------------------------------------------------------------------------------------

    async def tokens(self) -> Sequence[TokenRow]:
        """Every token there was, newest first."""
        rows = await self._all(select(t.api_tokens).order_by(t.api_tokens.c.id.desc()))
        return [TokenRow(**row) for row in rows]

    async def token(self, digest: str) -> TokenRow | None:
        """The token with that digest."""
        rows = await self._all(select(t.api_tokens).where(t.api_tokens.c.digest == digest))
        return TokenRow(**rows[0]) if rows else None

    async def request(self, token_id: int, key: str) -> RequestRow | None:
        """What a token's key stood for."""
        asked = (t.api_requests.c.token_id == token_id) & (t.api_requests.c.key == key)
        rows = await self._all(select(t.api_requests).where(asked))
        return RequestRow(**rows[0]) if rows else None

    async def counts(self) -> StoreCounts:
        """How much work waits."""
        inbox, outbox = t.inbox.c, t.outbox.c
        open_inbox = select(inbox.channel, inbox.state, func.count(), func.min(inbox.received_at)).where(
            inbox.state.in_([InboxState.NEW.value, InboxState.PARKED.value])
        )
        open_outbox = select(outbox.channel, outbox.state, func.count()).where(
            outbox.state != OutboxState.SENT.value
        )
        async with self._read() as connection:
            updates = (await connection.execute(open_inbox.group_by(inbox.channel, inbox.state))).all()
            messages = (await connection.execute(open_outbox.group_by(outbox.channel, outbox.state))).all()
        unsent: dict[str, int] = {}
        for channel, state, number in messages:
            if state < OutboxState.SENT:
                unsent[channel] = unsent.get(channel, 0) + number
        return StoreCounts(
            inbox_new={channel: number for channel, state, number, _ in updates if state == InboxState.NEW},
            inbox_parked={
                channel: number for channel, state, number, _ in updates if state == InboxState.PARKED
            },
            outbox_open=unsent,
            outbox_uncertain={c: number for c, state, number in messages if state == OutboxState.UNCERTAIN},
            outbox_failed={c: number for c, state, number in messages if state == OutboxState.FAILED},
            oldest_received_at=min(
                (at for _, state, _, at in updates if state == InboxState.NEW), default=None
            ),
        )

    async def check(self) -> None:
        """Prove that the database can be written right now: take the write lock, change a row and change it back."""
        async with self._write() as connection:
            for statement in PROOF_OF_WRITING:
                await connection.execute(statement)


def _translated(error: Exception) -> StoreConflict | StoreRefused | StoreUnavailable:
    """What a failed write means for its unit: done by somebody else, never to be done, or to be tried again."""
    cause = error.orig if isinstance(error, StatementError) and error.orig is not None else error
    state = str(getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", ""))
    if state in _TAKEN:
        return StoreConflict(f"The database refused a row: {cause}")
    unfit = (
        cause,
        cause.__cause__,
    )  # PostgreSQL's driver hides what it cannot encode behind an error of its own
    if (
        isinstance(error, IntegrityError | DataError)
        or state.startswith(_UNFIT)
        or any(isinstance(each, ValueError | OverflowError) for each in unfit)
    ):
        return StoreRefused(f"The database does not take a value: {cause}")
    return _unavailable(error)


def _unavailable(error: Exception) -> StoreUnavailable:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return StoreUnavailable(
        f"The database cannot be used now: {cause}. Nothing was stored; it will be tried again"
    )


def _claim_added(unit: UnitOfWork, added: dict[tuple[str, str], int]) -> list[StoredUpdate]:
    """Give each new row to the first unit that asked for it; a repeat in a later unit is not new any more."""
    mine = []
    for op, params in unit.changes:
        if op is Op.INBOX_ADD:
            row_id = added.pop((params["channel"], params["key"]), None)
            if row_id is not None:
                fields = {name: params[name] for name in ("channel", "key", "lane", "payload", "received_at")}
                mine.append(StoredUpdate(id=row_id, **fields))
    return mine


def _stored(row: RowMapping) -> StoredUpdate:
    names = ("id", "channel", "key", "lane", "payload", "received_at", "attempts", "error")
    return StoredUpdate(**{name: row[name] for name in names})


def _turn(row: RowMapping) -> TurnRow:
    return TurnRow(**{**row, "direction": Direction(row["direction"])})


def _outgoing(row: RowMapping) -> OutboxRow:
    names = (
        "id",
        "inbox_id",
        "seq",
        "channel",
        "lane",
        "turn_id",
        "purpose",
        "message",
        "attempts",
        "not_before",
        "error",
        "created_at",
        "external_ids",
        "degraded",
        "sent_at",
    )
    fields = {name: row[name] for name in names}
    return OutboxRow(state=OutboxState(row["state"]), **fields)
