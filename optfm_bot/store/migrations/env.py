"""Alembic's entry: migrations run on the connection that `optfm_bot.store.schema` hands over."""

from __future__ import annotations

from alembic import context

from optfm_bot.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
