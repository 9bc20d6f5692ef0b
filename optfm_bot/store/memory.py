"""The store's twin in memory: the same contract, nothing kept after the process. For tests and the terminal chat."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from dataclasses import fields

from channels.phrase import phrase
from optfm_bot.errors import StoreConflict, StoreUnavailable
from optfm_bot.shards import shard_of
from optfm_bot.store.changes import Changes, Op
from optfm_bot.store.memory_inbox import MemoryInbox
from optfm_bot.store.memory_outbox import MemoryOutbox
from optfm_bot.store.memory_people import MemoryPeople, PeopleRows
from optfm_bot.store.records import (
    ConversationRow,
    Direction,
    FaqVersionRow,
    FeedbackRow,
    IdempotencyRow,
    InboxState,
    MissKind,
    MissRow,
    OutboxState,
    Params,
    PersonRow,
    StoreCounts,
    StoredUpdate,
    TokenRow,
    TurnRow,
)
from optfm_bot.store.unit import UnitOfWork


class MemoryStore(MemoryPeople, MemoryInbox, MemoryOutbox):
    """Keeps rows in dictionaries. A unit is applied whole or not at all, as in a database."""

    def __init__(self) -> None:
        super().__init__()
        self._conversations: dict[str, ConversationRow] = {}
        self._people: dict[str, PersonRow] = {}
        self._turns: dict[int, TurnRow] = {}
        self._misses: dict[int, MissRow] = {}
        self._feedback: dict[tuple[int, str], FeedbackRow] = {}
        self._faq_versions: dict[tuple[str, str], FaqVersionRow] = {}
        self._cursors: dict[str, str] = {}
        self._tokens: dict[int, TokenRow] = {}
        self._idempotency: dict[tuple[int, str], IdempotencyRow] = {}
        self._rows = PeopleRows()
        self._open = False
        self._appliers: dict[Op, Callable[[Params], None]] = {
            Op.CURSOR_SAVE: self._save_cursor,
            Op.PERSON_SAVE: self._save_person,
            Op.CONVERSATION_SAVE: self._save_conversation,
            Op.TURN_ADD: self._add_turn,
            Op.MISS_ADD: self._add_miss,
            Op.FEEDBACK_SAVE: self._save_feedback,
            Op.FAQ_VERSION_ADD: self._add_faq_version,
            Op.PERSON_GONE: self._person_gone,
            Op.TOKEN_ADD: self._add_token,
            Op.TOKEN_USED: self._change_token("last_used_at"),
            Op.TOKEN_REVOKE: self._change_token("revoked_at"),
            Op.IDEMPOTENCY_ADD: self._add_idempotency,
            **self._inbox_appliers(),
            **self._outbox_appliers(),
            **self._rows.appliers(),
        }

    def beside(self) -> MemoryStore:
        """Another process's door to the same rows, with a fence of its own."""
        door = copy(self)
        door._open = False  # noqa: SLF001 - it is one of us
        return door

    async def open(self) -> None:
        """Begin to accept work."""
        self._open = True

    async def close(self) -> None:
        """Stop accepting work; what was kept stays readable to a test that opens the store again."""
        self._open = False

    def unit(self, *, fenced: bool = True) -> UnitOfWork:
        """Begin to record a unit of work."""
        return UnitOfWork(self._commit, tenure=self.fence.tenure if fenced else None)

    async def _commit(self, unit: UnitOfWork) -> None:
        if not self._open:
            raise StoreUnavailable(
                phrase("store.closed_nothing_stored", "The store is closed; nothing was stored")
            )
        self._require(unit.tenure)
        self._refuse_conflicts(unit.changes)
        added: list[StoredUpdate] = []
        for op, params in sorted(unit.changes, key=lambda change: change[0]):
            if op is Op.INBOX_ADD:
                row = self._add_update(params)
                if row is not None:
                    added.append(row)
            else:
                self._appliers[op](params)
        unit.added = added

    def _refuse_conflicts(self, changes: Changes) -> None:
        if any(op >= Op.TICKET_SAVE for op, _ in changes):
            self._rows.rehearse(changes)
        taken: set[object] = set()
        for op, params in changes:
            if op in {Op.TOKEN_ADD, Op.IDEMPOTENCY_ADD}:
                self._refuse_known(op, params)
            if op not in {Op.OUTBOX_ADD, Op.TURN_ADD, Op.MISS_ADD}:
                continue
            answer = (
                (params["inbox_id"], params["seq"]) if op is Op.OUTBOX_ADD and params["inbox_id"] else None
            )
            tables: dict[Op, Collection[int]] = {Op.OUTBOX_ADD: self._outbox, Op.TURN_ADD: self._turns}
            key = (op, params["id"])
            if (
                params["id"] in tables.get(op, self._misses)
                or answer in self._answers
                or key in taken
                or (answer and answer in taken)
            ):
                raise StoreConflict("The database refused a row: it is there already")
            taken |= {key, answer}

    def _refuse_known(self, op: Op, params: Params) -> None:
        if op is Op.IDEMPOTENCY_ADD:
            known = (params["token_id"], params["key"]) in self._idempotency
        else:
            known = any(
                row.id == params["id"]
                or row.digest == params["digest"]
                or (row.name == params["name"] and row.revoked_at is None)
                for row in self._tokens.values()
            )
        if known:
            raise StoreConflict("The database refused a row: it is there already")

    # -- appliers -----------------------------------------------------------------------------------------

    def _save_person(self, params: Params) -> None:
        known = self._people.get(params["ref"])
        first = known.first_seen_at if known else params["first_seen_at"]
        self._people[params["ref"]] = PersonRow(**{**params, "first_seen_at": first})

    def _person_gone(self, params: Params) -> None:
        known = self._people.get(params["b_ref"])
        if known is not None:
            values = {field.name: getattr(known, field.name) for field in fields(known)}
            self._people[known.ref] = PersonRow(**{**values, "gone_at": params["b_gone_at"]})

    def _save_conversation(self, params: Params) -> None:
        self._conversations[params["lane"]] = ConversationRow(**params)

    def _add_turn(self, params: Params) -> None:
        self._turns[params["id"]] = TurnRow(**{**params, "direction": Direction(params["direction"])})

    def _add_miss(self, params: Params) -> None:
        self._misses[params["id"]] = MissRow(**{**params, "kind": MissKind(params["kind"])})

    def _save_feedback(self, params: Params) -> None:
        self._feedback[params["turn_id"], params["person"]] = FeedbackRow(**params)

    def _add_faq_version(self, params: Params) -> None:
        self._faq_versions.setdefault((params["entry_id"], params["version"]), FaqVersionRow(**params))

    def _add_token(self, params: Params) -> None:
        self._tokens[params["id"]] = TokenRow(**params)

    def _change_token(self, name: str) -> Callable[[Params], None]:
        def apply(params: Params) -> None:
            known = self._tokens.get(params["b_id"])
            if known is not None and not (name == "revoked_at" and known.revoked_at is not None):
                values = {field.name: getattr(known, field.name) for field in fields(known)}
                self._tokens[known.id] = TokenRow(**{**values, name: params[f"b_{name}"]})

        return apply

    def _add_idempotency(self, params: Params) -> None:
        self._idempotency[params["token_id"], params["key"]] = IdempotencyRow(**params)

    def _save_cursor(self, params: Params) -> None:
        self._cursors[params["channel"]] = params["cursor"]

    # -- reads --------------------------------------------------------------------------------------------

    async def cursor(self, channel: str) -> str | None:
        """Where a polling channel stands."""
        return self._cursors.get(channel)

    async def conversations(self, lanes: Collection[str]) -> Mapping[str, ConversationRow]:
        """The states of those conversations that exist."""
        return {lane: self._conversations[lane] for lane in lanes if lane in self._conversations}

    async def people(self, refs: Collection[str]) -> Mapping[str, PersonRow]:
        """Those people that are known."""
        return {ref: self._people[ref] for ref in refs if ref in self._people}

    async def turn(self, turn_id: int) -> TurnRow | None:
        """One message of the history."""
        return self._turns.get(turn_id)

    async def turns(self, lane: str, *, limit: int = 50) -> Sequence[TurnRow]:
        """The last messages of a conversation, oldest first."""
        return sorted((row for row in self._turns.values() if row.lane == lane), key=lambda row: row.id)[
            -limit:
        ]

    async def misses(
        self, *, limit: int = 100, since: int | None = None, before: int | None = None
    ) -> Sequence[MissRow]:
        """Texts that could not be answered, newest first."""
        rows = (
            row
            for row in self._misses.values()
            if (since is None or row.at >= since) and (before is None or row.id < before)
        )
        return sorted(rows, key=lambda row: -row.id)[:limit]

    async def feedback(self, *, turn_id: int) -> Sequence[FeedbackRow]:
        """Opinions on one answer."""
        return [row for row in self._feedback.values() if row.turn_id == turn_id]

    async def tokens(self) -> Sequence[TokenRow]:
        """Every token there was, newest first."""
        return sorted(self._tokens.values(), key=lambda row: -row.id)

    async def token(self, digest: str) -> TokenRow | None:
        """The token with that digest."""
        return next((row for row in self._tokens.values() if row.digest == digest), None)

    async def idempotency(self, token_id: int, key: str) -> IdempotencyRow | None:
        """What a token's key stood for."""
        return self._idempotency.get((token_id, key))

    async def counts(
        self, *, shards: Collection[int] | None = None, without: Collection[str] = ()
    ) -> StoreCounts:
        """How much work waits, in these shards."""
        inbox = [row for row in self._inbox.values() if _in(shards, row["lane"])]
        outbox = [row for row in self._outbox.values() if _in(shards, row["lane"])]
        new = [row for row in inbox if row["state"] is InboxState.NEW and row["lane"] not in without]
        unsent = [row for row in outbox if row["state"] < OutboxState.SENT]
        return StoreCounts(
            inbox_new=_per_channel(new),
            inbox_parked=_per_channel([row for row in inbox if row["state"] is InboxState.PARKED]),
            outbox_open=_per_channel(unsent),
            outbox_uncertain=_per_channel([row for row in outbox if row["state"] is OutboxState.UNCERTAIN]),
            outbox_failed=_per_channel([row for row in outbox if row["state"] is OutboxState.FAILED]),
            inbox_oldest=_oldest(new, "received_at"),
            outbox_oldest=_oldest(unsent, "created_at"),
        )

    async def check(self) -> None:
        """Memory can always be written while the store is open."""
        if not self._open:
            raise StoreUnavailable(phrase("store.closed", "The store is closed"))


def _in(shards: Collection[int] | None, lane: str) -> bool:
    return shards is None or shard_of(lane) in shards


def _oldest(rows: Collection[Params], moment: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        found[row["channel"]] = min(row[moment], found.get(row["channel"], row[moment]))
    return found


def _per_channel(rows: Collection[Params]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["channel"]] = counts.get(row["channel"], 0) + 1
    return counts
