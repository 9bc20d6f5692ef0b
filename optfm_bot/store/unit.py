"""A unit of work: everything that must become true together, written down first and committed as one.

The repositories here only record. The store applies whole units, many of them in one transaction (group commit), so a
unit must not expect to read what it has written.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self

from optfm_bot.shards import shard_of
from optfm_bot.store.changes import Changes, Op, Writes, storable
from optfm_bot.store.people_writes import AlarmWrites, DeskWrites, RequestWrites
from optfm_bot.store.records import (
    ConversationRow,
    FaqVersionRow,
    FeedbackRow,
    IdempotencyRow,
    MissRow,
    NewUpdate,
    OutboxRow,
    OutboxState,
    PersonRow,
    StoredUpdate,
    TokenRow,
    TurnRow,
)
from optfm_bot.store.request_records import ProposalRow, ProposalStatus

__all__ = [
    "ApiWrites",
    "Changes",
    "CursorWrites",
    "HistoryWrites",
    "InboxWrites",
    "Op",
    "OutboxWrites",
    "UnitOfWork",
    "storable",
]


class InboxWrites(Writes):
    """Changes to updates."""

    __slots__ = ()

    def add(self, update: NewUpdate, *, received_at: int, owner: str | None, lease_until: int) -> None:
        """Store an update unless its (channel, key) is known. With an owner it is leased at birth."""
        self._changes.append(
            (
                Op.INBOX_ADD,
                {
                    "channel": update.channel,
                    "key": update.key,
                    "lane": update.lane,
                    "shard": shard_of(update.lane),
                    "payload": update.payload,
                    "received_at": received_at,
                    "owner": owner,
                    "lease_until": lease_until,
                },
            )
        )

    def done(self, update_id: int, *, at: int) -> None:
        """The update is handled; its answer is in the same unit."""
        self._changes.append((Op.INBOX_DONE, {"b_id": update_id, "b_done_at": at}))

    def retry(self, update_id: int, *, attempts: int, not_before: int, error: str) -> None:
        """Handling failed; try again later."""
        self._changes.append(
            (
                Op.INBOX_RETRY,
                {
                    "b_id": update_id,
                    "b_attempts": attempts,
                    "b_not_before": not_before,
                    "b_error": storable(error),
                },
            )
        )

    def park(self, update_id: int, *, error: str, at: int) -> None:
        """The update cannot be handled; keep it where an operator sees it and let the others pass."""
        self._changes.append(
            (Op.INBOX_PARK, {"b_id": update_id, "b_error": storable(error), "b_done_at": at})
        )

    def revive(self, update_id: int) -> None:
        """Give a parked update another chance."""
        self._changes.append((Op.INBOX_REVIVE, {"b_id": update_id}))


class OutboxWrites(Writes):
    """Changes to outgoing messages."""

    __slots__ = ()

    def add(self, row: OutboxRow) -> None:
        """Promise a message."""
        self._changes.append(
            (
                Op.OUTBOX_ADD,
                {
                    "id": row.id,
                    "inbox_id": row.inbox_id,
                    "seq": row.seq,
                    "channel": row.channel,
                    "lane": row.lane,
                    "shard": shard_of(row.lane),
                    "turn_id": row.turn_id,
                    "purpose": row.purpose,
                    "message": row.message,
                    "state": int(row.state),
                    "created_at": row.created_at,
                },
            )
        )

    def sending(self, row_id: int) -> None:
        """The call to the platform is about to start."""
        self._changes.append((Op.OUTBOX_SENDING, {"b_id": row_id}))

    def sent(self, row_id: int, *, external_ids: str, degraded: str | None, at: int) -> None:
        """The platform accepted the message; `external_ids` and `degraded` are JSON lists."""
        self._changes.append(
            (
                Op.OUTBOX_SENT,
                {"b_id": row_id, "b_external_ids": external_ids, "b_degraded": degraded, "b_sent_at": at},
            )
        )

    def retry(
        self, row_id: int, *, attempts: int, not_before: int, error: str, message: str | None = None
    ) -> None:
        """The platform did not accept it; try again later, perhaps with a changed message."""
        self._changes.append(
            (
                Op.OUTBOX_RETRY,
                {
                    "b_id": row_id,
                    "b_attempts": attempts,
                    "b_not_before": not_before,
                    "b_error": storable(error),
                    "b_message": message,
                },
            )
        )

    def forward(self, row_id: int, *, channel: str, message: str) -> None:
        """The message leaves through another carrier, as `message`, and has never been tried there."""
        self._changes.append(
            (Op.OUTBOX_FORWARD, {"b_id": row_id, "b_channel": channel, "b_message": message})
        )

    def close(self, row_id: int, *, state: OutboxState, error: str, at: int) -> None:
        """The message will not be tried again: uncertain, dropped or failed."""
        self._changes.append(
            (
                Op.OUTBOX_CLOSE,
                {"b_id": row_id, "b_state": int(state), "b_error": storable(error), "b_sent_at": at},
            )
        )


class HistoryWrites(Writes):
    """Changes to conversations, people, history and what the owner of the base learns from them."""

    __slots__ = ()

    def save_conversation(self, row: ConversationRow) -> None:
        """Write the new state of a conversation."""
        self._changes.append(
            (
                Op.CONVERSATION_SAVE,
                {"lane": row.lane, "channel": row.channel, "state": row.state, "updated_at": row.updated_at},
            )
        )

    def save_person(self, row: PersonRow) -> None:
        """Write what we know of a person; `first_seen_at` of a known person stays."""
        self._changes.append(
            (
                Op.PERSON_SAVE,
                {
                    "ref": row.ref,
                    "channel": row.channel,
                    "external_id": row.external_id,
                    "display_name": storable(row.display_name),
                    "locale": row.locale,
                    "language": row.language,
                    "phone": row.phone,
                    "gone_at": row.gone_at,
                    "first_seen_at": row.first_seen_at,
                    "last_seen_at": row.last_seen_at,
                },
            )
        )

    def person_gone(self, ref: str, *, at: int | None) -> None:
        """Mark that the person cannot be reached (or, with None, can be again)."""
        self._changes.append((Op.PERSON_GONE, {"b_ref": ref, "b_gone_at": at}))

    def add_turn(self, row: TurnRow) -> None:
        """Add a message to the history."""
        self._changes.append(
            (
                Op.TURN_ADD,
                {
                    "id": row.id,
                    "lane": row.lane,
                    "person": row.person,
                    "direction": int(row.direction),
                    "kind": row.kind,
                    "text": storable(row.text),
                    "at": row.at,
                    "message_id": row.message_id,
                    "inbox_id": row.inbox_id,
                    "entry_id": row.entry_id,
                    "entry_version": row.entry_version,
                    "score": row.score,
                    "choices": row.choices,
                },
            )
        )

    def add_miss(self, row: MissRow) -> None:
        """Keep a text that could not be answered."""
        self._changes.append(
            (
                Op.MISS_ADD,
                {
                    "id": row.id,
                    "lane": row.lane,
                    "text": storable(row.text),
                    "kind": row.kind.value,
                    "at": row.at,
                    "candidates": row.candidates,
                },
            )
        )

    def save_feedback(self, row: FeedbackRow) -> None:
        """Keep an opinion; the last one of a person on an answer counts."""
        self._changes.append(
            (
                Op.FEEDBACK_SAVE,
                {
                    "turn_id": row.turn_id,
                    "person": row.person,
                    "value": row.value,
                    "entry_id": row.entry_id,
                    "entry_version": row.entry_version,
                    "at": row.at,
                },
            )
        )

    def add_faq_version(self, row: FaqVersionRow) -> None:
        """Keep the text of an entry's version; a known version is left as it is."""
        self._changes.append(
            (
                Op.FAQ_VERSION_ADD,
                {
                    "entry_id": row.entry_id,
                    "version": row.version,
                    "content": row.content,
                    "first_seen_at": row.first_seen_at,
                },
            )
        )

    def add_proposal(self, row: ProposalRow) -> None:
        """Keep an answer that one of our people gave; of one `source` the first is kept."""
        self._changes.append(
            (
                Op.PROPOSAL_ADD,
                {
                    "id": row.id,
                    "lane": row.lane,
                    "question": storable(row.question),
                    "answer": storable(row.answer),
                    "source": row.source,
                    "by": storable(row.by),
                    "at": row.at,
                    "status": row.status.value,
                },
            )
        )

    def change_proposal(self, proposal_id: int, *, status: ProposalStatus) -> None:
        """Say what the owner of the base thinks of a proposal."""
        self._changes.append((Op.PROPOSAL_CHANGE, {"b_id": proposal_id, "b_status": status.value}))


class CursorWrites(Writes):
    """Where polling channels stand."""

    __slots__ = ()

    def save(self, channel: str, cursor: str, *, at: int) -> None:
        """Remember where to go on, in the same transaction as the updates it covers."""
        self._changes.append((Op.CURSOR_SAVE, {"channel": channel, "cursor": cursor, "updated_at": at}))


class ApiWrites(Writes):
    """Keys of the REST API, and what was asked for through it."""

    __slots__ = ()

    def add_token(self, row: TokenRow) -> None:
        """Keep a new token; a live one of that name, or one with that digest, is a conflict."""
        self._changes.append(
            (
                Op.TOKEN_ADD,
                {
                    "id": row.id,
                    "name": row.name,
                    "digest": row.digest,
                    "scopes": row.scopes,
                    "created_at": row.created_at,
                    "expires_at": row.expires_at,
                    "last_used_at": row.last_used_at,
                    "revoked_at": row.revoked_at,
                },
            )
        )

    def token_used(self, token_id: int, *, at: int) -> None:
        """Remember when somebody last came with this token."""
        self._changes.append((Op.TOKEN_USED, {"b_id": token_id, "b_last_used_at": at}))

    def revoke_token(self, token_id: int, *, at: int) -> None:
        """End a token; one that has ended already keeps the first moment."""
        self._changes.append((Op.TOKEN_REVOKE, {"b_id": token_id, "b_revoked_at": at}))

    def add_idempotency(self, row: IdempotencyRow) -> None:
        """Remember what a key stood for; a key that this token has used already is a conflict."""
        self._changes.append(
            (
                Op.IDEMPOTENCY_ADD,
                {
                    "token_id": row.token_id,
                    "key": row.key,
                    "fingerprint": row.fingerprint,
                    "turn_id": row.turn_id,
                    "at": row.at,
                },
            )
        )


class UnitOfWork:
    """Records changes; leaving the `async with` block without an error commits them, durably and all or nothing.

    Raises `StoreUnavailable` (nothing happened, try again) or `StoreConflict` (the work was done by somebody else) from
    the end of the block, and `StoreFenced` if `tenure`, under which it was begun, is over. After it, `added` holds the
    updates that were new, with their ids, in the order of adding.
    """

    __slots__ = ("_commit", "added", "changes", "history", "inbox", "outbox", "tenure")

    def __init__(self, commit: Callable[[UnitOfWork], Awaitable[None]], *, tenure: int | None = None) -> None:
        self._commit = commit
        self.tenure = tenure
        self.changes: Changes = []
        self.added: Sequence[StoredUpdate] = ()
        self.inbox = InboxWrites(self.changes)
        self.outbox = OutboxWrites(self.changes)
        self.history = HistoryWrites(self.changes)

    # Each message makes several units, and few of them need these: they hold nothing but the list of changes.

    @property
    def cursors(self) -> CursorWrites:
        """Where polling channels stand."""
        return CursorWrites(self.changes)

    @property
    def api(self) -> ApiWrites:
        """What programs ask for by REST."""
        return ApiWrites(self.changes)

    @property
    def desk(self) -> DeskWrites:
        """Tickets, and what goes through them."""
        return DeskWrites(self.changes)

    @property
    def requests(self) -> RequestWrites:
        """What people ask for with forms."""
        return RequestWrites(self.changes)

    @property
    def alarms(self) -> AlarmWrites:
        """What is to happen later."""
        return AlarmWrites(self.changes)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self.changes:
            await self._commit(self)
