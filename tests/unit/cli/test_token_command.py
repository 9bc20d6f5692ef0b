"""token: shown once, kept as a digest, revoked for good."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from filelock import FileLock

from optfm_bot.api.tokens import digest
from optfm_bot.clock import SystemClock
from optfm_bot.store.sql import SqlStore

Cli = Callable[..., Result]

DAY = 24 * 60 * 60 * 1000


def rows(folder: Path, statement: str = "SELECT * FROM api_tokens ORDER BY id") -> Sequence[dict[str, Any]]:
    with closing(sqlite3.connect(folder / "optfm.db")) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(statement)]


def test_a_token_is_printed_once_and_only_its_digest_is_kept(cli: Cli, tmp_path: Path) -> None:
    result = cli("token", "create", "Бухгалтерия 1С")

    token = result.stdout.strip()
    assert 0 == result.exit_code
    assert re.fullmatch(r"ofb_[A-Za-z0-9_-]{43}", token)
    assert "права: messages" in result.stderr
    (row,) = rows(tmp_path)
    assert ("Бухгалтерия 1С", "messages", digest(token), None) == (
        row["name"],
        row["scopes"],
        row["digest"],
        row["expires_at"],
    )
    for file in tmp_path.iterdir():
        assert token.encode() not in file.read_bytes()
    assert token not in cli("token", "list").output


def test_scopes_and_an_end_can_be_asked_for(cli: Cli, tmp_path: Path) -> None:
    before = SystemClock().ms()
    cli("token", "create", "x", "--scope", "read", "--scope", "service", "--days", "90")

    (row,) = rows(tmp_path)
    assert "service read" == row["scopes"]
    assert 0 <= row["expires_at"] - before - 90 * DAY < 60_000


@pytest.mark.parametrize(
    "arguments",
    [("",), (" ",), ("-x-",), ("x" * 65,), ("a\nb",), ("x", "--scope", "admin"), ("x", "--days", "0")],
)
def test_a_token_that_does_not_fit_is_not_made(cli: Cli, tmp_path: Path, arguments: Sequence[str]) -> None:
    assert 2 == cli("token", "create", *arguments).exit_code
    assert not (tmp_path / "optfm.db").exists()


def test_a_name_belongs_to_one_live_token(cli: Cli, tmp_path: Path) -> None:
    first = cli("token", "create", "shop").stdout
    taken = cli("token", "create", "shop")
    assert (1, "") == (taken.exit_code, taken.stdout)
    assert "уже есть" in taken.stderr

    assert 0 == cli("token", "revoke", "shop").exit_code
    second = cli("token", "create", "shop")

    assert 0 == second.exit_code
    assert first != second.stdout
    assert [True, False] == [row["revoked_at"] is not None for row in rows(tmp_path)]


def test_a_token_that_is_not_there_cannot_be_revoked(cli: Cli) -> None:
    result = cli("token", "revoke", "shop")

    assert (1, "✗ Действующего токена «shop» нет\n") == (result.exit_code, result.output)


def test_tokens_are_listed_with_their_state(cli: Cli) -> None:
    assert "Токенов нет" in cli("token", "list").output
    for name in ("old", "new"):
        cli("token", "create", name, "--scope", "read")
    cli("token", "revoke", "old")

    listed = cli("token", "list").output
    assert re.search(r"^new +read .* действует$", listed, re.MULTILINE)
    assert re.search(r"^old +read .* отозван 20\d\d-", listed, re.MULTILINE)
    found = json.loads(cli("token", "list", "--json").stdout)
    assert [("new", True), ("old", False)] == [(one["name"], one["live"]) for one in found]
    assert {"name", "scopes", "live", "created_at", "expires_at", "last_used_at", "revoked_at"} == set(
        found[0]
    )


def test_english_is_spoken_where_it_is_asked_for(cli: Cli) -> None:
    assert "There are no tokens" in cli("token", "list", "--lang", "en").output


def test_tokens_are_made_and_revoked_while_the_bot_runs(cli: Cli, tmp_path: Path) -> None:
    """The bot holds the lock of its database and an open store, and sees the change at once."""
    cli("db", "upgrade")

    async def bot() -> tuple[bool, bool]:
        store = SqlStore(f"sqlite+aiosqlite:///{tmp_path / 'optfm.db'}")
        await store.open()
        made = await asyncio.to_thread(cli, "token", "create", "shop")
        found = await store.token(digest(made.stdout.strip()))
        await asyncio.to_thread(cli, "token", "revoke", "shop")
        gone = await store.token(digest(made.stdout.strip()))
        await store.close()
        return (
            found is not None and found.revoked_at is None,
            gone is not None and gone.revoked_at is not None,
        )

    with FileLock(str(tmp_path / "optfm.db.lock")):
        assert (True, True) == asyncio.run(bot())
