"""The tables, once, for every SQL database. Migrations lead to exactly this; a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from optfm_bot.store import people_tables
from optfm_bot.store.metadata import metadata
from optfm_bot.store.records import InboxState, OutboxState

__all__ = [
    "api_requests",
    "api_tokens",
    "conversations",
    "cursors",
    "faq_versions",
    "feedback",
    "inbox",
    "leases",
    "members",
    "metadata",
    "misses",
    "outbox",
    "people",
    "people_tables",
    "rates",
    "turns",
]

# SQLite numbers rows by itself only in a column that is exactly INTEGER PRIMARY KEY.
_Serial = BigInteger().with_variant(Integer, "sqlite")

_WAITING = text(f"state = {InboxState.NEW.value}")
_PARKED = text(f"state = {InboxState.PARKED.value}")
_UNSENT = text(f"state < {OutboxState.SENT.value}")

# PostgreSQL cleans up behind waiting work at once, not when a fifth of a large table is dead.
_EAGER = {
    "autovacuum_vacuum_scale_factor": 0.01,
    "autovacuum_vacuum_threshold": 1000,
    "autovacuum_analyze_scale_factor": 0.02,
    "autovacuum_analyze_threshold": 1000,
}

inbox = Table(
    "inbox",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("channel", String(32), nullable=False),
    Column("key", String(255), nullable=False),
    Column("lane", String(255), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False, server_default=text("0")),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("not_before", BigInteger, nullable=False, server_default=text("0")),
    Column("owner", String(32)),
    Column("lease_until", BigInteger, nullable=False, server_default=text("0")),
    Column("error", Text),
    Column("done_at", BigInteger),
    Column("shard", SmallInteger, nullable=False, server_default=text("0")),
    UniqueConstraint("channel", "key"),
    postgresql_with=_EAGER,
)
# Only the hot set is indexed: finished rows cost nothing until retention removes them.
Index("ix_inbox_waiting", inbox.c.lane, inbox.c.id, sqlite_where=_WAITING, postgresql_where=_WAITING)
Index("ix_inbox_parked", inbox.c.id, sqlite_where=_PARKED, postgresql_where=_PARKED)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("inbox_id", BigInteger),
    Column("seq", SmallInteger, nullable=False, server_default=text("0")),
    Column("channel", String(32), nullable=False),
    Column("lane", String(255), nullable=False),
    Column("turn_id", BigInteger),
    Column("purpose", String(16), nullable=False),
    Column("message", Text, nullable=False),
    Column("state", SmallInteger, nullable=False, server_default=text("0")),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("not_before", BigInteger, nullable=False, server_default=text("0")),
    Column("external_ids", Text),
    Column("degraded", Text),
    Column("error", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("shard", SmallInteger, nullable=False, server_default=text("0")),
    # One answer per update, whoever computes it and however often.
    UniqueConstraint("inbox_id", "seq"),
    postgresql_with=_EAGER,
)
Index("ix_outbox_unsent", outbox.c.channel, outbox.c.id, sqlite_where=_UNSENT, postgresql_where=_UNSENT)
_TROUBLED = text(f"state > {OutboxState.SENT.value}")
# The parts of one message, whatever came of them.
Index("ix_outbox_turn_id", outbox.c.turn_id)
Index("ix_outbox_troubled", outbox.c.channel, outbox.c.id, sqlite_where=_TROUBLED, postgresql_where=_TROUBLED)

conversations = Table(
    "conversations",
    metadata,
    Column("lane", String(255), primary_key=True),
    Column("channel", String(32), nullable=False),
    Column("state", Text, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

people = Table(
    "people",
    metadata,
    Column("ref", String(255), primary_key=True),
    Column("channel", String(32), nullable=False),
    Column("external_id", String(255), nullable=False),
    Column("display_name", Text, nullable=False, server_default=text("''")),
    Column("locale", String(16)),
    Column("language", String(8)),
    Column("phone", String(32)),
    Column("gone_at", BigInteger),
    Column("first_seen_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
)

turns = Table(
    "turns",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("lane", String(255), nullable=False),
    Column("person", String(255)),
    Column("direction", SmallInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("message_id", String(64)),
    Column("inbox_id", BigInteger),
    Column("entry_id", String(128)),
    Column("entry_version", String(32)),
    Column("score", Float),
    Column("choices", Text),
    Index("ix_turns_lane_id", "lane", "id"),
)

misses = Table(
    "misses",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("lane", String(255), nullable=False),
    Column("text", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("candidates", Text, nullable=False, server_default=text("'[]'")),
)

feedback = Table(
    "feedback",
    metadata,
    Column("turn_id", BigInteger, primary_key=True, autoincrement=False),
    Column("person", String(255), primary_key=True),
    Column("value", SmallInteger, nullable=False),
    Column("entry_id", String(128), nullable=False),
    Column("entry_version", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_feedback_entry_id", "entry_id"),
)

faq_versions = Table(
    "faq_versions",
    metadata,
    Column("entry_id", String(128), primary_key=True),
    Column("version", String(32), primary_key=True),
    Column("content", Text, nullable=False),
    Column("first_seen_at", BigInteger, nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    Column("channel", String(32), primary_key=True),
    Column("cursor", Text, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

_LIVE = text("revoked_at IS NULL")

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(64), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("scopes", String(255), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("last_used_at", BigInteger),
    Column("revoked_at", BigInteger),
)
# A revoked token stays for the record and leaves its name to the next one.
Index("ix_api_tokens_live", api_tokens.c.name, unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE)

api_requests = Table(
    "api_requests",
    metadata,
    Column("token_id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("turn_id", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# Processes that share the database (PostgreSQL). Whose row is gone has been taken for dead: nothing of it is written.
members = Table(
    "members",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("name", String(63), nullable=False),
    Column("roles", String(63), nullable=False),
    Column("version", String(32), nullable=False),
    Column("joined_at", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
)

# What one process at a time may do: handle a shard of conversations, receive from a platform, keep house.
leases = Table(
    "leases",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("member", BigInteger, ForeignKey("members.id", ondelete="SET NULL")),
    Index("ix_leases_member", "member"),
)

# The pace of a bot that all processes keep together. Times are seconds since 1970 by the database's clock.
rates = Table(
    "rates",
    metadata,
    Column("channel", String(32), primary_key=True),
    Column("tokens", Float, nullable=False),
    Column("counted_at", Float, nullable=False),
    Column("paused_until", Float, nullable=False, server_default=text("0")),
)
