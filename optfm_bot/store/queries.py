"""What the house asks of a SQL database: every question, and how its rows become records."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Executable,
    RowMapping,
    Table,
    func,
    literal,
    select,
)
from sqlalchemy.exc import DBAPIError

from channels.phrase import phrase
from optfm_bot.errors import StoreUnavailable
from optfm_bot.store import tables as t
from optfm_bot.store.contract import Store
from optfm_bot.store.queries_people import SqlPeopleQueries
from optfm_bot.store.reader import Reader
from optfm_bot.store.records import (
    ConversationRow,
    Direction,
    FeedbackRow,
    IdempotencyRow,
    InboxState,
    MissKind,
    MissRow,
    OutboxRow,
    OutboxState,
    PersonRow,
    StoreCounts,
    StoredUpdate,
    TokenRow,
    TurnRow,
)
from optfm_bot.store.statements import in_shards, parts

T = TypeVar("T")


class SqlQueries(SqlPeopleQueries, Store):
    """The reading half of a store in a SQL database; `_reader` is None while the store is closed."""

    _reader: Reader | None
    _outages: tuple[type[Exception], ...]

    async def _read(self, ask: Callable[[Reader], Awaitable[T]]) -> T:
        if self._reader is None:
            raise StoreUnavailable(phrase("store.closed", "The store is closed"))
        try:
            return await ask(self._reader)
        except self._outages as error:
            raise unavailable(error) from error

    async def _all(self, statement: Executable) -> Sequence[RowMapping]:
        return await self._read(lambda reader: reader.rows(statement))

    async def _few(self, statement: Executable) -> Sequence[RowMapping]:
        """Rows that an index finds."""
        return await self._read(lambda reader: reader.look_up(statement))

    # -- updates ------------------------------------------------------------------------------------------

    async def unclaimed(self, *, now: int, shards: Collection[int] | None = None) -> bool:
        """Whether new updates wait that nobody holds."""
        waiting = [t.inbox.c.state == InboxState.NEW.value, t.inbox.c.lease_until <= now]
        return bool(
            await self._all(select(t.inbox.c.id).where(*waiting, *in_shards(t.inbox, shards)).limit(1))
        )

    async def unfinished(self, ids: Collection[int]) -> Collection[int]:
        """Those of these updates that are new."""
        rows = await self._by_key(t.inbox, t.inbox.c.id, ids)
        return {row["id"] for row in rows if row["state"] == InboxState.NEW}

    async def parked(self, *, limit: int = 100) -> Sequence[StoredUpdate]:
        """Updates that could not be handled, newest first."""
        statement = select(t.inbox).where(t.inbox.c.state == InboxState.PARKED.value)
        return [stored(row) for row in await self._all(statement.order_by(t.inbox.c.id.desc()).limit(limit))]

    async def recent_updates(self, channel: str, *, limit: int = 50) -> Sequence[StoredUpdate]:
        """The last updates that a channel received, oldest first."""
        newest_first = select(t.inbox).where(t.inbox.c.channel == channel).order_by(t.inbox.c.id.desc())
        return [stored(row) for row in reversed(await self._all(newest_first.limit(limit)))]

    async def cursor(self, channel: str) -> str | None:
        """Where a polling channel stands."""
        rows = await self._few(select(t.cursors.c.cursor).where(t.cursors.c.channel == channel))
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
        rows: list[RowMapping] = []
        for part in parts(keys):
            rows += await self._few(select(table).where(column.in_(part)))
        return rows

    async def turn(self, turn_id: int) -> TurnRow | None:
        """One message of the history."""
        rows = await self._few(select(t.turns).where(t.turns.c.id == turn_id))
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
        return [stored(row) for row in await self._all(statement.order_by(t.inbox.c.id))]

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

    async def unsent(self, channel: str, *, shards: Collection[int] | None = None) -> Sequence[OutboxRow]:
        """Messages that are ready or were being sent."""
        unsent = [t.outbox.c.channel == channel, t.outbox.c.state < OutboxState.SENT.value]
        statement = select(t.outbox).where(*unsent, *in_shards(t.outbox, shards))
        return [_outgoing(row) for row in await self._all(statement.order_by(t.outbox.c.id))]

    async def ready(self, channel: str, *, shards: Collection[int] | None = None) -> Sequence[int]:
        """The ids of its messages that are ready."""
        # The index knows what is unsent; by one state alone it would not be used.
        unsent = [t.outbox.c.channel == channel, t.outbox.c.state < OutboxState.SENT.value]
        ready = [*unsent, t.outbox.c.state == OutboxState.READY.value, *in_shards(t.outbox, shards)]
        return [row["id"] for row in await self._all(select(t.outbox.c.id).where(*ready).order_by("id"))]

    async def outgoing(self, ids: Collection[int]) -> Sequence[OutboxRow]:
        """Those of these messages that there are."""
        rows = await self._by_key(t.outbox, t.outbox.c.id, ids)
        return sorted((_outgoing(row) for row in rows), key=lambda row: row.id)

    async def answers(self, updates: Collection[int]) -> Sequence[OutboxRow]:
        """The messages that answer these updates."""
        rows = await self._by_key(t.outbox, t.outbox.c.inbox_id, updates)
        return sorted((_outgoing(row) for row in rows), key=lambda row: row.id)

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
        rows = await self._few(select(t.api_tokens).where(t.api_tokens.c.digest == digest))
        return TokenRow(**rows[0]) if rows else None

    async def idempotency(self, token_id: int, key: str) -> IdempotencyRow | None:
        """What a token's key stood for."""
        asked = (t.api_requests.c.token_id == token_id) & (t.api_requests.c.key == key)
        rows = await self._few(select(t.api_requests).where(asked))
        return IdempotencyRow(**rows[0]) if rows else None

    async def counts(
        self, *, shards: Collection[int] | None = None, without: Collection[str] = ()
    ) -> StoreCounts:
        """How much work waits, in these shards."""
        inbox, outbox = t.inbox, t.outbox
        new_ones = inbox.c.state == _literal(InboxState.NEW)
        if without:
            new_ones &= inbox.c.lane.not_in(sorted(without))
        # Each of these is answered by the partial index of its state: "neither done nor sent" would read every row, and
        # so would grouping by the bare column, for the sake of an index that has it in order.
        asked = [
            _counted(inbox, func.min(inbox.c.received_at), new_ones, shards),
            _counted(
                inbox, func.min(inbox.c.received_at), inbox.c.state == _literal(InboxState.PARKED), shards
            ),
            _counted(
                outbox, func.min(outbox.c.created_at), outbox.c.state < _literal(OutboxState.SENT), shards
            ),
        ]
        troubled = select(outbox.c.channel, outbox.c.state, func.count()).where(
            outbox.c.state > _literal(OutboxState.SENT), *in_shards(outbox, shards)
        )
        asked.append(troubled.group_by(outbox.c.channel, outbox.c.state))
        new, parked, unsent, closed = await self._read(
            lambda reader: reader.read(lambda connection: [connection.execute(one).all() for one in asked])
        )
        return StoreCounts(
            inbox_new={channel: number for channel, number, _ in new},
            inbox_parked={channel: number for channel, number, _ in parked},
            outbox_open={channel: number for channel, number, _ in unsent},
            outbox_uncertain={c: number for c, state, number in closed if state == OutboxState.UNCERTAIN},
            outbox_failed={c: number for c, state, number in closed if state == OutboxState.FAILED},
            inbox_oldest={channel: since for channel, _, since in new},
            outbox_oldest={channel: since for channel, _, since in unsent},
        )


def _literal(state: InboxState | OutboxState) -> BindParameter[int]:
    """A state written into the statement: a planner that does not see it cannot choose a partial index."""
    return literal(state.value, literal_execute=True)


def _counted(
    table: Table, oldest: ColumnElement[int], waiting: ColumnElement[bool], shards: Collection[int] | None
) -> Executable:
    channel = table.c.channel.concat(literal("", literal_execute=True))
    return select(channel, func.count(), oldest).where(waiting, *in_shards(table, shards)).group_by(channel)


def unavailable(error: Exception) -> StoreUnavailable:
    """What a failure of the database is to the house: to be tried again."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return StoreUnavailable(
        phrase(
            "store.nothing_stored",
            "The database cannot be used now: {cause}. Nothing was stored; it will be tried again",
            cause=cause,
        )
    )


def stored(row: RowMapping) -> StoredUpdate:
    """Give the record of an inbox row."""
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
