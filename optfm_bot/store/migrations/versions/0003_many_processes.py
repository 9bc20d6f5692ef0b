"""Several processes on one database: shards of conversations, members, leases, and a pace that all keep together."""

from __future__ import annotations

from zlib import crc32

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_SHARDS = 64
_BATCH = 1000


def upgrade() -> None:
    for table, unfinished in (("inbox", "state = 0"), ("outbox", "state < 2")):
        op.add_column(
            table, sa.Column("shard", sa.SmallInteger(), server_default=sa.text("0"), nullable=False)
        )
        _fill(table, unfinished)
    op.create_table(
        "members",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("roles", sa.String(length=63), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
    )
    leases = op.create_table(
        "leases",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("member", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["member"], ["members.id"], name=op.f("fk_leases_member_members"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.bulk_insert(leases, [{"name": f"shard:{number:02}"} for number in range(_SHARDS)])
    op.create_index("ix_leases_member", "leases", ["member"], unique=False)
    op.create_table(
        "rates",
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("counted_at", sa.Float(), nullable=False),
        sa.Column("paused_until", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_rates")),
    )


def _fill(table: str, unfinished: str) -> None:
    """Number the shards of what is not finished yet; for the rest they matter to nobody."""
    connection = op.get_bind()
    rows = sa.table(table, sa.column("id", sa.BigInteger), sa.column("lane", sa.String), sa.column("shard"))
    last = -1
    while True:
        chosen = sa.select(rows.c.id, rows.c.lane).where(sa.text(unfinished), rows.c.id > last)
        found = connection.execute(chosen.order_by(rows.c.id).limit(_BATCH)).all()
        if not found:
            return
        last = found[-1].id
        connection.execute(
            sa.update(rows).where(rows.c.id == sa.bindparam("row")).values(shard=sa.bindparam("number")),
            [{"row": row.id, "number": crc32(row.lane.encode()) % _SHARDS} for row in found],
        )


def downgrade() -> None:
    op.drop_table("rates")
    op.drop_index("ix_leases_member", table_name="leases")
    op.drop_table("leases")
    op.drop_table("members")
    for table in ("outbox", "inbox"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("shard")
