"""Removing what is finished and old, a few rows at a time. What is not finished is never touched."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Delete,
    Table,
    case,
    delete,
    event,
    func,
    null,
    select,
    tuple_,
)
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.dml import ReturningDelete

from optfm_bot.store import people_tables as p
from optfm_bot.store import tables as t
from optfm_bot.store.engine import reader_engine
from optfm_bot.store.faults import translated
from optfm_bot.store.records import InboxState, OutboxState
from optfm_bot.store.request_records import RequestStatus
from optfm_bot.store.ticket_records import TicketStatus

EntryVersion = tuple[str, str]

ENDED_TICKETS = frozenset({TicketStatus.CLOSED, TicketStatus.GONE})
ENDED_REQUESTS = frozenset({RequestStatus.DONE, RequestStatus.CANCELLED})
_PARTS = 20
"""Rows that go with one that has parts, as far as a step reckons: it takes so many times fewer of those."""


class Kind(StrEnum):
    """What is removed apart from the rest. In this order: what refers to something goes before it."""

    UPDATES = "updates"
    PARKED = "parked"
    OUTBOX = "outbox"
    FEEDBACK = "feedback"
    TURNS = "turns"
    MISSES = "misses"
    PROPOSALS = "proposals"
    TICKETS = "tickets"
    REQUESTS = "requests"
    IDEMPOTENCY = "idempotency"
    VERSIONS = "versions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoff:
    """Of this kind, what was finished before that moment (ms since 1970) may go."""

    kind: Kind
    before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A row in the order of its id: when it came, and when it was finished (None: it is not)."""

    id: int
    began: int
    ended: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a page of rows means: which of them may go, and after which id the next page begins (None: no more)."""

    doomed: Sequence[int]
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step removed, and where the next one begins; None at the end."""

    removed: int
    after: int | None


def judge(rows: Sequence[Life], before: int, limit: int) -> Page:
    """Look at one page of at most `limit` rows in the order of their ids. Pure.

    Ids grow with time, so the end is where a whole page is younger; one row out of order ends nothing.
    """
    doomed = [row.id for row in rows if row.ended is not None and row.ended < before]
    last_page = len(rows) < limit or all(row.began >= before for row in rows)
    return Page(doomed=doomed, after=None if last_page else rows[-1].id)


class Retention(ABC):
    """Removes old rows in steps, each a short transaction."""

    @abstractmethod
    async def step(self, cutoff: Cutoff, *, after: int, limit: int) -> Step:
        """Look at the next `limit` rows after an id (0 to begin) and remove what may go.

        The newest update of each channel stays whatever its age: SQLite would give its number away again, and a channel
        that reconciles asks for what came after it. Raises `StoreUnavailable`; what was removed before stays removed.
        """

    @abstractmethod
    async def close(self) -> None:
        """Disconnect; idempotent."""


Serving = Callable[[], Collection[EntryVersion]]
"""Which versions of which entries answer right now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walk:
    """How a table is walked through: its id, when a row came and was finished; by which column its `parts` name it."""

    id: Any
    began: Any
    ended: Any
    finished: ColumnElement[bool] | None = None
    parts: Any = None


def _walks() -> Mapping[Kind, _Walk]:
    inbox, outbox = t.inbox.c, t.outbox.c

    def handled(state: InboxState) -> _Walk:
        finished = inbox.state == state.value
        ended = case((finished, func.coalesce(inbox.done_at, inbox.received_at)), else_=null())
        return _Walk(id=inbox.id, began=inbox.received_at, ended=ended, finished=finished)

    final = outbox.state >= OutboxState.SENT.value
    sent = case((final, func.coalesce(outbox.sent_at, outbox.created_at)), else_=null())
    feedback, turns, misses = t.feedback.c, t.turns.c, t.misses.c
    return {
        Kind.UPDATES: handled(InboxState.DONE),
        Kind.PARKED: handled(InboxState.PARKED),
        Kind.OUTBOX: _Walk(id=outbox.id, began=outbox.created_at, ended=sent, finished=final),
        Kind.FEEDBACK: _Walk(id=feedback.turn_id, began=feedback.at, ended=feedback.at),
        Kind.TURNS: _Walk(id=turns.id, began=turns.at, ended=turns.at),
        Kind.MISSES: _Walk(id=misses.id, began=misses.at, ended=misses.at),
        **_walks_of_people(),
    }


def _walks_of_people() -> Mapping[Kind, _Walk]:
    tickets, requests, proposals = p.tickets.c, p.requests.c, p.proposals.c
    closed = tickets.status.in_(sorted(ENDED_TICKETS))
    done = requests.status.in_(sorted(ENDED_REQUESTS))
    return {
        Kind.PROPOSALS: _Walk(id=proposals.id, began=proposals.at, ended=proposals.at),
        Kind.TICKETS: _Walk(
            id=tickets.id,
            began=tickets.opened_at,
            ended=case((closed, func.coalesce(tickets.closed_at, tickets.updated_at)), else_=null()),
            finished=closed,
            parts=p.ticket_messages.c.ticket_id,
        ),
        Kind.REQUESTS: _Walk(
            id=requests.id,
            began=requests.created_at,
            ended=case((done, requests.updated_at), else_=null()),
            finished=done,
            parts=p.request_events.c.request_id,
        ),
    }


_WALKS = _walks()


class SqlRetention(Retention):
    """Removes rows through a connection of its own, beside the store that serves.

    On SQLite a step holds the write lock only while it deletes by number: looking is done before, and its commit needs
    no flush of its own, for a power cut that brings old rows back harms nobody.
    """

    def __init__(self, url: URL, *, serving: Serving = tuple) -> None:
        self._url = url
        self._serving = serving
        self._engine: AsyncEngine | None = None
        self._newest: frozenset[int] = frozenset()

    async def step(self, cutoff: Cutoff, *, after: int, limit: int) -> Step:
        """Look at the next rows and remove what may go."""
        with translated(self._url):
            if cutoff.kind is Kind.IDEMPOTENCY:
                return await self._idempotency(cutoff.before, limit)
            if cutoff.kind is Kind.VERSIONS:
                return await self._versions(cutoff.before, limit)
            return await self._walk(cutoff, after, limit)

    async def close(self) -> None:
        """Disconnect."""
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    async def _walk(self, cutoff: Cutoff, after: int, limit: int) -> Step:
        walk = _WALKS[cutoff.kind]
        limit = limit if walk.parts is None else max(1, limit // _PARTS)
        chosen = select(walk.id, walk.began, walk.ended).where(walk.id > after).order_by(walk.id).limit(limit)
        async with self._open().begin() as connection:
            if after == 0 and cutoff.kind in {Kind.UPDATES, Kind.PARKED}:
                self._newest = await _newest_of_each_channel(connection)
            rows = (await connection.execute(chosen)).all()
        page = judge([Life(id=i, began=began, ended=ended) for i, began, ended in rows], cutoff.before, limit)
        kept = self._newest if walk.id.table is t.inbox else frozenset()
        doomed = [number for number in page.doomed if number not in kept]
        if not doomed:
            return Step(removed=0, after=page.after)
        # Looked at again: somebody may have revived it meanwhile.
        gone = [walk.id.in_(doomed), walk.ended < cutoff.before]
        if walk.finished is not None:
            gone.append(walk.finished)
        statement = delete(walk.id.table).where(*gone)
        if walk.parts is None:
            return Step(removed=await self._delete(statement), after=page.after)
        removed = await self._delete_whole(statement.returning(walk.id), walk.parts)
        return Step(removed=removed, after=page.after)

    async def _idempotency(self, before: int, limit: int) -> Step:
        requests = t.api_requests.c
        old = select(requests.token_id, requests.key).where(requests.at < before).limit(limit)
        removed = await self._delete(
            delete(t.api_requests).where(tuple_(requests.token_id, requests.key).in_(old))
        )
        return Step(removed=removed, after=None if removed < limit else removed)

    async def _versions(self, before: int, limit: int) -> Step:
        """Texts of entries that nothing refers to any more: neither a message nor an opinion, nor the base itself."""
        old, newer = t.faq_versions, t.faq_versions.alias("newer")
        superseded = (
            select(newer.c.entry_id)
            .where(newer.c.entry_id == old.c.entry_id, newer.c.first_seen_at > old.c.first_seen_at)
            .exists()
        )
        chosen = select(old.c.entry_id, old.c.version).where(old.c.first_seen_at < before, superseded)
        async with self._open().begin() as connection:
            doomed = {(entry, version) for entry, version in await connection.execute(chosen)}
            doomed -= set(self._serving())
            if doomed:
                doomed -= await _referred_to(connection, {entry for entry, _ in doomed})
        some = sorted(doomed)[:limit]
        if not some:
            return Step(removed=0, after=None)
        removed = await self._delete(_of_keys(old, some))
        return Step(removed=removed, after=None if len(some) < limit else removed)

    async def _delete(self, statement: Delete) -> int:
        async with self._open().begin() as connection:
            return int((await connection.execute(statement)).rowcount)

    async def _delete_whole(self, statement: ReturningDelete[Any], parts: Any) -> int:
        """Remove rows with what belongs to them, in one transaction."""
        async with self._open().begin() as connection:
            removed = (await connection.execute(statement)).scalars().all()
            if removed:
                await connection.execute(delete(parts.table).where(parts.in_(removed)))
        return len(removed)

    def _open(self) -> AsyncEngine:
        if self._engine is None:
            self._engine = reader_engine(self._url, connections=1)
            if self._url.get_backend_name() == "sqlite":
                event.listen(self._engine.sync_engine, "connect", _without_flush)
        return self._engine


def _without_flush(connection: Any, record: Any) -> None:
    del record
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


async def _newest_of_each_channel(connection: AsyncConnection) -> frozenset[int]:
    newest = select(func.max(t.inbox.c.id)).group_by(t.inbox.c.channel)
    return frozenset((await connection.execute(newest)).scalars())


async def _referred_to(connection: AsyncConnection, entries: Collection[str]) -> set[EntryVersion]:
    found: set[EntryVersion] = set()
    for table in (t.turns, t.feedback):
        used = select(table.c.entry_id, table.c.entry_version).where(table.c.entry_id.in_(list(entries)))
        found |= {(entry, version) for entry, version in await connection.execute(used.distinct())}
    return found


def _of_keys(table: Table, keys: Sequence[EntryVersion]) -> Delete:
    return delete(table).where(tuple_(*table.primary_key.columns).in_(keys))
