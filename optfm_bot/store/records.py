"""What the store keeps, as data. Times are milliseconds since 1970, so every database orders them alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import IntEnum, StrEnum
from typing import Any

from channels.values import dataclass


class InboxState(IntEnum):
    """Where an update is on its way through the house."""

    NEW = 0
    DONE = 1
    PARKED = 9


class OutboxState(IntEnum):
    """Where a message is on its way to the platform. States below `SENT` still need work."""

    READY = 0
    SENDING = 1
    SENT = 2
    UNCERTAIN = 3
    DROPPED = 4
    FAILED = 9


class Direction(IntEnum):
    """Who spoke in a turn."""

    IN = 0
    OUT = 1


class MissKind(StrEnum):
    """Why a text waits for the owner of the base."""

    ADMITTED = "admitted"
    NONE_OF_THESE = "none_of_these"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpdate:
    """An update that a transport received and nobody has stored yet."""

    channel: str
    key: str
    lane: str
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredUpdate:
    """An inbox row. `id` grows in the order of storing: it is the order of the conversation."""

    id: int
    channel: str
    key: str
    lane: str
    payload: bytes = field(repr=False)
    received_at: int
    attempts: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """A message on its way out. `message` is the encoded `Outbound`.

    `(inbox_id, seq)` is unique: one answer per update, however often it is computed. What came of it is written later:
    `external_ids` and `degraded` are JSON lists, `sent_at` is when it was sent or given up.
    """

    id: int
    channel: str
    lane: str
    message: str = field(repr=False)
    purpose: str
    created_at: int
    inbox_id: int | None = None
    seq: int = 0
    turn_id: int | None = None
    state: OutboxState = OutboxState.READY
    attempts: int = 0
    not_before: int = 0
    error: str | None = None
    external_ids: str | None = None
    degraded: str | None = None
    sent_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRow:
    """The state of one conversation; `state` is JSON that the domain reads and writes."""

    lane: str
    channel: str
    state: str = field(repr=False)
    updated_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """Somebody who wrote to us. `ref` is `channel:external id`; `gone_at` is set while the bot is blocked."""

    ref: str
    channel: str
    external_id: str
    display_name: str = field(default="", repr=False)
    locale: str | None = None
    language: str | None = None
    phone: str | None = field(default=None, repr=False)
    gone_at: int | None = None
    first_seen_at: int
    last_seen_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRow:
    """One message of the history; that of a pressed button is of kind `action`, with the words of the button.

    `choices` is JSON: what the buttons of our message mean; of a person's message, which of them it was.
    """

    id: int
    lane: str
    direction: Direction
    kind: str
    text: str = field(repr=False)
    at: int
    person: str | None = None
    message_id: str | None = None
    inbox_id: int | None = None
    entry_id: str | None = None
    entry_version: str | None = None
    score: float | None = None
    choices: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MissRow:
    """A text that the base could not answer, kept for the owner of the base."""

    id: int
    lane: str
    text: str = field(repr=False)
    kind: MissKind
    at: int
    candidates: str = "[]"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackRow:
    """What a person said of an answer: 1 helped, -1 did not. One opinion per person and answer, the last one counts."""

    turn_id: int
    person: str
    value: int
    entry_id: str
    entry_version: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FaqVersionRow:
    """The text behind an entry's version, so that feedback can be read after the entry has changed."""

    entry_id: str
    version: str
    content: str = field(repr=False)
    first_seen_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """A key of the REST API. The token itself is nowhere: `digest` is its SHA-256, `scopes` names parted by spaces.

    No two live tokens have the same name; a name is free again once its token is revoked.
    """

    id: int
    name: str
    digest: str = field(repr=False)
    scopes: str
    created_at: int
    expires_at: int | None = None
    last_used_at: int | None = None
    revoked_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyRow:
    """What a client's `Idempotency-Key` stood for: the digest of the request, and the turn that it became.

    `(token_id, key)` is unique: whoever comes second with the same key finds what the first one did.
    """

    token_id: int
    key: str
    fingerprint: str
    turn_id: int
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCounts:
    """How much work waits, per channel: for metrics, readiness and the operator."""

    inbox_new: Mapping[str, int]
    inbox_parked: Mapping[str, int]
    outbox_open: Mapping[str, int]
    outbox_uncertain: Mapping[str, int]
    outbox_failed: Mapping[str, int]
    inbox_oldest: Mapping[str, int]
    """When (ms) the oldest new update of each channel was received."""
    outbox_oldest: Mapping[str, int]
    """When (ms) the oldest message of each channel that is not sent was promised."""


Params = dict[str, Any]
