"""People: tickets at helpdesks, requests, alarms, and answers that our people gave."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_EMPTY = sa.text("''")
_OPEN = sa.text("status = 'open'")


def upgrade() -> None:
    _tickets()
    _requests()
    op.create_table(
        "alarms",
        sa.Column("lane", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lane", "name", name=op.f("pk_alarms")),
    )
    op.create_index("ix_alarms_due_at", "alarms", ["due_at"], unique=False)
    op.create_table(
        "proposals",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lane", sa.String(length=255), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("by", sa.String(length=255), server_default=_EMPTY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
        sa.UniqueConstraint("source", name=op.f("uq_proposals_source")),
    )
    op.create_index("ix_proposals_status_id", "proposals", ["status", "id"], unique=False)


def _tickets() -> None:
    op.create_table(
        "tickets",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("desk", sa.String(length=32), nullable=False),
        sa.Column("lane", sa.String(length=255), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("external_id", sa.String(length=1000), nullable=True),
        sa.Column("number", sa.String(length=64), server_default=_EMPTY, nullable=False),
        sa.Column("url", sa.Text(), server_default=_EMPTY, nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=True),
        sa.Column("assignee", sa.String(length=255), server_default=_EMPTY, nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
        sa.UniqueConstraint("desk", "external_id", name=op.f("uq_tickets_desk_external_id")),
    )
    for column in ("lane", "person", "status"):
        op.create_index(f"ix_tickets_{column}_id", "tickets", [column, "id"], unique=False)
    op.create_index(
        "ix_tickets_open",
        "tickets",
        ["desk", "lane"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_table(
        "ticket_messages",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("desk", sa.String(length=32), nullable=False),
        sa.Column("direction", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("external_id", sa.String(length=1000), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_messages")),
        sa.UniqueConstraint("desk", "external_id", name=op.f("uq_ticket_messages_desk_external_id")),
    )
    op.create_index("ix_ticket_messages_ticket_id_id", "ticket_messages", ["ticket_id", "id"], unique=False)
    op.create_table(
        "desk_customers",
        sa.Column("desk", sa.String(length=32), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("desk", "person", name=op.f("pk_desk_customers")),
    )
    op.create_index(
        "ix_desk_customers_desk_customer_id", "desk_customers", ["desk", "customer_id"], unique=False
    )


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("form", sa.String(length=64), nullable=False),
        sa.Column("lane", sa.String(length=255), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("assignee", sa.String(length=255), server_default=_EMPTY, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        sa.UniqueConstraint("number", name=op.f("uq_requests_number")),
    )
    for column in ("lane", "person", "status", "form"):
        op.create_index(f"ix_requests_{column}_id", "requests", [column, "id"], unique=False)
    op.create_table(
        "request_events",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("comment", sa.Text(), server_default=_EMPTY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_events")),
    )
    op.create_index("ix_request_events_request_id_id", "request_events", ["request_id", "id"], unique=False)


def downgrade() -> None:
    for table in (
        "proposals",
        "alarms",
        "request_events",
        "requests",
        "desk_customers",
        "ticket_messages",
        "tickets",
    ):
        op.drop_table(table)
