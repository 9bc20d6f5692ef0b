"""The store's twin in memory: the same contract, nothing kept after the process. For tests and the terminal chat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from dataclasses import fields
from itertools import count

from optfm_bot.errors import StoreConflict, StoreFenced, StoreUnavailable
from optfm_bot.shards import shard_of
from optfm_bot.store.changes import Changes, Op
from optfm_bot.store.contract import Store
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
    OutboxRow,
    OutboxState,
    Params,
    PersonRow,
    StoreCounts,
    StoredUpdate,
    TokenRow,
    TurnRow,
)
from optfm_bot.store.unit import UnitOfWork

_STORED = tuple(field.name for field in fields(StoredUpdate))
_OUTGOING = tuple(field.name for field in fields(OutboxRow))


class MemoryStore(MemoryPeople, Store):
    """Keeps rows in dictionaries. A unit is applied whole or not at all, as in a database."""

    def __init__(self) -> None:
        self._inbox: dict[int, Params] = {}
        self._keys: dict[tuple[str, str], int] = {}
        self._outbox: dict[int, Params] = {}
        self._answers: set[tuple[int, int]] = set()
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
        self.members: set[int] = set()
        """The tenures that last, where several houses share this store."""
        self._ids = count(1)
        self._open = False
        self._appliers: dict[Op, Callable[[Params], None]] = {
            Op.CURSOR_SAVE: self._save_cursor,
            Op.PERSON_SAVE: self._save_person,
            Op.CONVERSATION_SAVE: self._save_conversation,
            Op.TURN_ADD: self._add_turn,
            Op.OUTBOX_ADD: self._add_outgoing,
            Op.MISS_ADD: self._add_miss,
            Op.FEEDBACK_SAVE: self._save_feedback,
            Op.FAQ_VERSION_ADD: self._add_faq_version,
            Op.INBOX_DONE: self._finish(InboxState.DONE),
            Op.INBOX_RETRY: self._retry_update,
            Op.INBOX_PARK: self._finish(InboxState.PARKED),
            Op.INBOX_REVIVE: self._revive,
            Op.OUTBOX_SENDING: self._change_message(lambda _: {"state": OutboxState.SENDING}),
            Op.OUTBOX_SENT: self._change_message(_sent),
            Op.OUTBOX_RETRY: self._change_message(_retried),
            Op.OUTBOX_CLOSE: self._change_message(
                lambda params: {
                    "state": OutboxState(params["b_state"]),
                    "error": params["b_error"],
                    "sent_at": params["b_sent_at"],
                }
            ),
            Op.PERSON_GONE: self._person_gone,
            Op.TOKEN_ADD: self._add_token,
            Op.TOKEN_USED: self._change_token("last_used_at"),
            Op.TOKEN_REVOKE: self._change_token("revoked_at"),
            Op.IDEMPOTENCY_ADD: self._add_idempotency,
            **self._rows.appliers(),
        }

    def beside(self) -> MemoryStore:
        """Another process's door to the same rows, with a fence of its own."""
        door = copy(self)
        door._open = False  # noqa: SLF001 - it is one of us
        return door

    def evict(self, tenure: int) -> None:
        """End a tenure: nothing of it is written any more, and what it held is anybody's."""
        self.members.discard(tenure)
        for row in self._inbox.values():
            if row["owner"] == str(tenure):
                row.update(owner=None, lease_until=0)

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
            raise StoreUnavailable("The store is closed; nothing was stored")
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

    def _require(self, tenure: int | None) -> None:
        if tenure is None:
            return
        if tenure not in self.members:
            self.fence.ended(tenure)
        if tenure not in self.members or tenure != self.fence.tenure:
            raise StoreFenced

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

    def _add_update(self, params: Params) -> StoredUpdate | None:
        key = (params["channel"], params["key"])
        if key in self._keys:
            return None
        row = {
            "id": next(self._ids),
            "state": InboxState.NEW,
            "attempts": 0,
            "not_before": 0,
            "error": None,
            **params,
        }
        self._inbox[row["id"]] = row
        self._keys[key] = row["id"]
        return _stored(row)

    def _finish(self, state: InboxState) -> Callable[[Params], None]:
        def apply(params: Params) -> None:
            row = self._inbox.get(params["b_id"])
            if row is not None and row["state"] is InboxState.NEW:
                row.update(state=state, owner=None, error=params.get("b_error", row["error"]))

        return apply

    def _retry_update(self, params: Params) -> None:
        row = self._inbox.get(params["b_id"])
        if row is not None and row["state"] is InboxState.NEW:
            row.update(
                attempts=params["b_attempts"], not_before=params["b_not_before"], error=params["b_error"]
            )

    def _revive(self, params: Params) -> None:
        row = self._inbox.get(params["b_id"])
        if row is not None and row["state"] is InboxState.PARKED:
            row.update(state=InboxState.NEW, owner=None, lease_until=0, not_before=0, attempts=0)

    def _add_outgoing(self, params: Params) -> None:
        fresh = {"attempts": 0, "not_before": 0, "error": None}
        unknown = {"external_ids": None, "degraded": None, "sent_at": None}
        self._outbox[params["id"]] = {**fresh, **unknown, **params}
        self._outbox[params["id"]]["state"] = OutboxState(params["state"])
        if params["inbox_id"] is not None:
            self._answers.add((params["inbox_id"], params["seq"]))

    def _change_message(self, change: Callable[[Params], Params]) -> Callable[[Params], None]:
        def apply(params: Params) -> None:
            row = self._outbox.get(params["b_id"])
            if row is not None:
                row.update(change(params))

        return apply

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
        self._require(self.fence.tenure)
        blocked: set[str] = set()
        taken: Counter[str] = Counter()
        claimed: list[Params] = []
        for row in self._inbox.values():
            if row["state"] is not InboxState.NEW or (shards is not None and row["shard"] not in shards):
                continue
            if row["lease_until"] > now or row["not_before"] > now:
                if row["owner"] != owner or per_lane is not None:
                    blocked.add(row["lane"])
            elif row["lane"] not in blocked and len(claimed) < limit:
                taken[row["lane"]] += 1
                if per_lane is None or taken[row["lane"]] <= per_lane:
                    claimed.append(row)
        for row in claimed:
            row.update(owner=owner, lease_until=lease_until)
        return [_stored(row) for row in claimed]

    async def release(self, *, owner: str | None = None) -> int:
        """End leases."""
        held = [
            row
            for row in self._inbox.values()
            if row["state"] is InboxState.NEW and row["lease_until"] > 0 and owner in {None, row["owner"]}
        ]
        for row in held:
            row.update(owner=None, lease_until=0)
        return len(held)

    async def let_go(
        self, *, owner: str, keep: Collection[int], shards: Collection[int] | None = None
    ) -> int:
        """End the leases of one owner but for these updates."""
        self._require(self.fence.tenure)
        held = [
            row
            for row in self._inbox.values()
            if row["state"] is InboxState.NEW
            and row["owner"] == owner
            and row["id"] not in keep
            and (shards is None or row["shard"] in shards)
        ]
        for row in held:
            row.update(owner=None, lease_until=0)
        return len(held)

    async def unclaimed(self, *, now: int, shards: Collection[int] | None = None) -> bool:
        """Whether new updates wait that nobody holds."""
        return any(
            row["state"] is InboxState.NEW
            and row["lease_until"] <= now
            and (shards is None or row["shard"] in shards)
            for row in self._inbox.values()
        )

    async def unfinished(self, ids: Collection[int]) -> Collection[int]:
        """Those of these updates that are new."""
        return {i for i in ids if i in self._inbox and self._inbox[i]["state"] is InboxState.NEW}

    async def renew(self, *, owner: str, lease_until: int, ids: Collection[int] | None = None) -> None:
        """Prolong leases."""
        chosen = self._inbox.keys() if ids is None else set(ids)
        for row in self._inbox.values():
            if row["state"] is InboxState.NEW and row["owner"] == owner and row["id"] in chosen:
                row["lease_until"] = lease_until

    async def parked(self, *, limit: int = 100) -> Sequence[StoredUpdate]:
        """Updates that could not be handled, newest first."""
        rows = [row for row in reversed(self._inbox.values()) if row["state"] is InboxState.PARKED]
        return [_stored(row) for row in rows[:limit]]

    async def recent_updates(self, channel: str, *, limit: int = 50) -> Sequence[StoredUpdate]:
        """The last updates that a channel received, oldest first."""
        rows = [row for row in reversed(self._inbox.values()) if row["channel"] == channel]
        return [_stored(row) for row in reversed(rows[:limit])]

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

    async def promised(self, turn_ids: Collection[int]) -> Sequence[OutboxRow]:
        """The messages that these turns became."""
        rows = sorted(
            (row for row in self._outbox.values() if row["turn_id"] in turn_ids), key=lambda row: row["id"]
        )
        return [_outgoing(row) for row in rows]

    async def waiting(self, lane: str) -> Sequence[StoredUpdate]:
        """Updates of a lane that are not handled yet."""
        rows = (row for row in self._inbox.values() if row["lane"] == lane and row["state"] is InboxState.NEW)
        return [_stored(row) for row in sorted(rows, key=lambda row: row["id"])]

    async def last_received(self, channel: str) -> int | None:
        """When the newest update of a channel was stored."""
        return max((r["received_at"] for r in self._inbox.values() if r["channel"] == channel), default=None)

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

    async def unsent(self, channel: str, *, shards: Collection[int] | None = None) -> Sequence[OutboxRow]:
        """Messages that are ready or were being sent."""
        return [
            row
            for row in self._messages(channel)
            if row.state < OutboxState.SENT and (shards is None or shard_of(row.lane) in shards)
        ]

    async def ready(self, channel: str, *, shards: Collection[int] | None = None) -> Sequence[int]:
        """The ids of its messages that are ready."""
        unsent = await self.unsent(channel, shards=shards)
        return [row.id for row in unsent if row.state is OutboxState.READY]

    async def outgoing(self, ids: Collection[int]) -> Sequence[OutboxRow]:
        """Those of these messages that there are."""
        return [_outgoing(self._outbox[i]) for i in sorted(ids) if i in self._outbox]

    async def answers(self, updates: Collection[int]) -> Sequence[OutboxRow]:
        """The messages that answer these updates."""
        rows = (row for row in self._outbox.values() if row["inbox_id"] in updates)
        return [_outgoing(row) for row in sorted(rows, key=lambda row: row["id"])]

    async def closed(self, channel: str, *, limit: int = 100) -> Sequence[OutboxRow]:
        """Messages that are uncertain, dropped or failed."""
        return [row for row in reversed(self._messages(channel)) if row.state > OutboxState.SENT][:limit]

    def _messages(self, channel: str) -> list[OutboxRow]:
        rows = sorted(
            (row for row in self._outbox.values() if row["channel"] == channel), key=lambda row: row["id"]
        )
        return [_outgoing(row) for row in rows]

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
            raise StoreUnavailable("The store is closed")


def _stored(row: Params) -> StoredUpdate:
    return StoredUpdate(**{name: row[name] for name in _STORED})


def _outgoing(row: Params) -> OutboxRow:
    return OutboxRow(**{name: row[name] for name in _OUTGOING})


def _sent(params: Params) -> Params:
    return {
        "state": OutboxState.SENT,
        "external_ids": params["b_external_ids"],
        "degraded": params["b_degraded"],
        "sent_at": params["b_sent_at"],
    }


def _retried(params: Params) -> Params:
    changed = {
        "state": OutboxState.READY,
        "attempts": params["b_attempts"],
        "not_before": params["b_not_before"],
        "error": params["b_error"],
    }
    return changed if params["b_message"] is None else {**changed, "message": params["b_message"]}


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
