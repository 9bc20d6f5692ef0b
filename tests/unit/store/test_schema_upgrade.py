"""A database of an earlier version: it is brought up to date with everything that is in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine, inspect

from optfm_bot.store.engine import database_url
from optfm_bot.store.records import TokenRow
from optfm_bot.store.schema import HEAD, migrate_sync, upgrade
from optfm_bot.store.sql import SqlStore

NOW = 1_760_000_000_000


def first_version(path: Path) -> str:
    """A database as the first version left it, with a message in its outbox."""
    migrate_sync(f"sqlite:///{path}", "0001")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO outbox (id, channel, lane, turn_id, purpose, message, created_at, state, external_ids)"
            " VALUES (1, 't', 't:1', 7, 'answer', '{}', ?, 2, '[\"m1\"]')",
            (NOW,),
        )
    return f"sqlite+aiosqlite:///{path}"


async def test_a_database_of_the_first_version_keeps_what_is_in_it(tmp_path: Path) -> None:
    url = first_version(tmp_path / "a.db")

    assert await upgrade(database_url(url)) == ("0001", HEAD)

    store = SqlStore(url)
    await store.open()
    row = TokenRow(id=1, name="shop", digest="0" * 64, scopes="read", created_at=NOW)
    async with store.unit() as unit:
        unit.api.add_token(row)
    (message,), found = await store.promised([7]), await store.token(row.digest)
    await store.close()
    assert (message.external_ids, message.sent_at) == ('["m1"]', None)
    assert found == row


async def test_an_upgraded_database_has_the_tables_and_indexes_of_a_new_one(tmp_path: Path) -> None:
    await upgrade(database_url(first_version(tmp_path / "old.db")))
    await upgrade(database_url(f"sqlite:///{tmp_path / 'new.db'}"))

    old, new = (indexes(tmp_path / name) for name in ("old.db", "new.db"))
    assert old == new
    assert ("ix_outbox_turn_id", ("turn_id",), False) in new["outbox"]
    assert ("ix_api_tokens_live", ("name",), True) in new["api_tokens"]


def indexes(path: Path) -> dict[str, list[tuple[str, tuple[str | None, ...], bool]]]:
    engine = create_engine(f"sqlite:///{path}")
    inspector = inspect(engine)
    found = {
        table: sorted(
            (str(index["name"]), tuple(index["column_names"]), bool(index["unique"]))
            for index in inspector.get_indexes(table)
        )
        for table in inspector.get_table_names()
    }
    engine.dispose()
    return found
