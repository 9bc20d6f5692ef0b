"""The store on SQLAlchemy, its writing half: SQLite and PostgreSQL by the same statements."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy import (
    select,
    update,
)
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError, StatementError

from channels.phrase import phrase
from optfm_bot.errors import (
    StoreConflict,
    StoreContended,
    StoreFenced,
    StoreOutdated,
    StoreRefused,
    StoreUnavailable,
)
from optfm_bot.store import tables as t
from optfm_bot.store.changes import CONDITIONAL, Op
from optfm_bot.store.committer import CommitObserver, GroupCommitter
from optfm_bot.store.engine import database_url, driver_errors
from optfm_bot.store.queries import SqlQueries, stored, unavailable
from optfm_bot.store.reader import Reader, open_reader
from optfm_bot.store.records import (
    InboxState,
    Params,
    StoredUpdate,
)
from optfm_bot.store.schema import PROOF_OF_WRITING, require_current
from optfm_bot.store.statements import claimable, in_shards, lasting, parts, statements
from optfm_bot.store.unit import UnitOfWork
from optfm_bot.store.writer import Transaction, Writer, open_writer

T = TypeVar("T")

_TAKEN = frozenset({"23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})
"""What PostgreSQL and SQLite call a row that is there already."""

_CONTENDED = frozenset({"40P01", "40001"})
"""What PostgreSQL calls a deadlock that it has ended at our cost, and a transaction that could not be put in order."""

_UNFIT = "22"
"""How PostgreSQL's codes begin for values that do not fit: too long, too large, not text."""


class SqlStore(SqlQueries):
    """A store in a SQL database.

    `url` is a SQLAlchemy address. One connection writes (group commit), a small pool reads. A server is told `name`,
    so that it can be said whose connections they are.
    """

    def __init__(self, url: str, *, observer: CommitObserver | None = None, name: str = "optfm-bot") -> None:
        self._url = database_url(url)
        self._name = name
        self._outages: tuple[type[Exception], ...] = (SQLAlchemyError, OSError, *driver_errors(self._url))
        self._failures: tuple[type[Exception], ...] = (*self._outages, ValueError, OverflowError)
        self._statements = statements(self._url.get_backend_name())
        self._committer = GroupCommitter(self._apply, observer)
        self._writing = asyncio.Lock()
        self._writer: Writer | None = None
        self._reader: Reader | None = None

    async def open(self) -> None:
        """Connect and refuse a schema that this program does not know."""
        self._writer = open_writer(self._url, name=self._name)
        self._reader = open_reader(self._url, name=self._name)
        try:
            await self._read(lambda reader: reader.read(require_current))
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

    def unit(self, *, fenced: bool = True) -> UnitOfWork:
        """Begin to record a unit of work."""
        return UnitOfWork(self._committer.commit, tenure=self.fence.tenure if fenced else None)

    # -- transactions -------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[Transaction]:
        if self._writer is None:
            raise StoreUnavailable(phrase("store.closed", "The store is closed"))
        try:
            async with self._writing, self._writer.transaction() as connection:
                yield connection
        except self._failures as error:
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
            for tenure in {unit.tenure for unit in units}:
                await self._require(connection, tenure)
            for op in sorted(grouped):
                if op is Op.INBOX_ADD:
                    added = await self._add_updates(connection, grouped[op])
                elif op in CONDITIONAL:
                    await self._change_seen(connection, op, grouped[op])
                else:
                    await connection.execute(self._statements[op], grouped[op])
        if added:
            for unit in units:
                unit.added = _claim_added(unit, added)

    async def _require(self, connection: Transaction, tenure: int | None) -> None:
        """Raise `StoreFenced` unless the tenure lasts, and make it last until this transaction ends."""
        if tenure is None:
            return
        result = await connection.execute(lasting(tenure))
        if result.scalar() is None:
            self.fence.ended(tenure)
        elif tenure == self.fence.tenure:
            return
        raise StoreFenced

    async def _add_updates(self, connection: Transaction, rows: list[Params]) -> dict[tuple[str, str], int]:
        # A statement may not meet the same key twice, so repeats inside the batch are removed first.
        unique = {(row["channel"], row["key"]): row for row in rows}
        result = await connection.execute(self._statements[Op.INBOX_ADD], list(unique.values()))
        return {(channel, key): row_id for row_id, channel, key in result}

    async def _change_seen(self, connection: Transaction, op: Op, rows: list[Params]) -> None:
        """Make changes one by one: of many at once, no database tells which have found their row."""
        for row in rows:
            result = await connection.execute(self._statements[op], [row])
            if not result.rowcount:
                raise StoreOutdated

    # -- updates ------------------------------------------------------------------------------------------

    async def claim(
        self,
        *,
        owner: str,
        now: int,
        lease_until: int,
        limit: int,
        shards: Collection[int] | None = None,
        per_lane: int | None = None,
    ) -> Sequence[StoredUpdate]:
        """Lease the oldest new updates that nobody holds."""
        wanted = claimable(now, limit, owner=owner, shards=shards, per_lane=per_lane)
        async with self._write() as connection:
            await self._require(connection, self.fence.tenure)
            rows = (await connection.execute(wanted)).mappings().all()
            if rows:
                held = update(t.inbox).where(t.inbox.c.id.in_([row["id"] for row in rows]))
                await connection.execute(held.values(owner=owner, lease_until=lease_until))
        return [stored(row) for row in rows]

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

    async def let_go(
        self, *, owner: str, keep: Collection[int], shards: Collection[int] | None = None
    ) -> int:
        """End the leases of one owner but for these updates."""
        held = (t.inbox.c.state == InboxState.NEW.value) & (t.inbox.c.owner == owner)
        async with self._write() as connection:
            await self._require(connection, self.fence.tenure)
            mine = select(t.inbox.c.id).where(held, *in_shards(t.inbox, shards))
            found = (await connection.execute(mine)).scalars().all()
            ids = [row_id for row_id in found if row_id not in keep]
            for part in parts(ids):
                freed = update(t.inbox).where(t.inbox.c.id.in_(part), held)
                await connection.execute(freed.values(owner=None, lease_until=0))
        return len(ids)

    async def renew(self, *, owner: str, lease_until: int, ids: Collection[int] | None = None) -> None:
        """Prolong leases."""
        mine = (t.inbox.c.state == InboxState.NEW.value) & (t.inbox.c.owner == owner)
        chosen = [mine]
        if ids is not None:
            chosen = [mine & t.inbox.c.id.in_(part) for part in parts(ids)]
        async with self._write() as connection:
            for rows in chosen:
                await connection.execute(update(t.inbox).where(rows).values(lease_until=lease_until))

    async def check(self) -> None:
        """Prove that the database can be written right now: take the write lock, change a row and change it back."""
        async with self._write() as connection:
            for statement in PROOF_OF_WRITING:
                await connection.execute(statement)


def _translated(error: Exception) -> StoreConflict | StoreRefused | StoreUnavailable:
    """What a failed write means for its unit: done by somebody else, never to be done, or to be tried again."""
    cause = error.orig if isinstance(error, StatementError) and error.orig is not None else error
    state = str(getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", ""))
    if state in _CONTENDED:
        return StoreContended(
            phrase(
                "store.contended",
                "The database ended a transaction that others waited for: {cause}",
                cause=cause,
            )
        )
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
    return unavailable(error)


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
