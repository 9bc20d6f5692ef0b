"""The tables of what people of ours are asked for: tickets, requests, alarms, proposals."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from optfm_bot.store.metadata import metadata
from optfm_bot.store.ticket_records import TicketStatus

_OPEN = text(f"status = '{TicketStatus.OPEN.value}'")
_EXTERNAL = String(1000)
"""An id at a helpdesk. The longest are Message-IDs: a line of a letter has 998 characters."""

tickets = Table(
    "tickets",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("desk", String(32), nullable=False),
    Column("lane", String(255), nullable=False),
    Column("person", String(255), nullable=False),
    Column("subject", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("external_id", _EXTERNAL),
    Column("number", String(64), nullable=False, server_default=text("''")),
    Column("url", Text, nullable=False, server_default=text("''")),
    Column("customer_id", String(255)),
    Column("assignee", String(255), nullable=False, server_default=text("''")),
    Column("opened_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    UniqueConstraint("desk", "external_id"),
    Index("ix_tickets_lane_id", "lane", "id"),
    Index("ix_tickets_person_id", "person", "id"),
    Index("ix_tickets_status_id", "status", "id"),
)
# A conversation is talked about in one ticket at a time.
Index(
    "ix_tickets_open",
    tickets.c.desk,
    tickets.c.lane,
    unique=True,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)

ticket_messages = Table(
    "ticket_messages",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("ticket_id", BigInteger, nullable=False),
    Column("desk", String(32), nullable=False),
    Column("direction", SmallInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("external_id", _EXTERNAL),
    Column("at", BigInteger, nullable=False),
    Column("done_at", BigInteger),
    # Nothing goes through twice.
    UniqueConstraint("desk", "external_id"),
    Index("ix_ticket_messages_ticket_id_id", "ticket_id", "id"),
)

desk_customers = Table(
    "desk_customers",
    metadata,
    Column("desk", String(32), primary_key=True),
    Column("person", String(255), primary_key=True),
    Column("customer_id", String(255), nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_desk_customers_desk_customer_id", "desk", "customer_id"),
)

requests = Table(
    "requests",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", String(64), nullable=False, unique=True),
    Column("form", String(64), nullable=False),
    Column("lane", String(255), nullable=False),
    Column("person", String(255), nullable=False),
    Column("fields", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("assignee", String(255), nullable=False, server_default=text("''")),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("ix_requests_lane_id", "lane", "id"),
    Index("ix_requests_person_id", "person", "id"),
    Index("ix_requests_status_id", "status", "id"),
    Index("ix_requests_form_id", "form", "id"),
)

request_events = Table(
    "request_events",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("request_id", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", String(255), nullable=False),
    Column("status", String(16), nullable=False),
    Column("comment", Text, nullable=False, server_default=text("''")),
    Index("ix_request_events_request_id_id", "request_id", "id"),
)

alarms = Table(
    "alarms",
    metadata,
    Column("lane", String(255), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("shard", SmallInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Index("ix_alarms_due_at", "due_at"),
)

proposals = Table(
    "proposals",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("lane", String(255), nullable=False),
    Column("question", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("source", String(255), nullable=False, unique=True),
    Column("by", String(255), nullable=False, server_default=text("''")),
    Column("at", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Index("ix_proposals_status_id", "status", "id"),
)
