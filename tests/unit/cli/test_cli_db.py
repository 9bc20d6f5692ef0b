"""db: the schema goes up, nothing is made by looking, a broken file is told."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from filelock import FileLock

from optfm_bot.store.schema import HEAD

Cli = Callable[..., Result]


def set_revision(path: Path, revision: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.close()


def test_upgrade_prints_the_revision_before_and_after(cli: Cli, tmp_path: Path) -> None:
    first = cli("db", "upgrade")

    assert (0, f"✓ Схема: — → {HEAD}\n") == (first.exit_code, first.output)
    assert f"✓ Схема уже {HEAD}, делать нечего\n" == cli("db", "upgrade").output


def test_looking_makes_no_file(cli: Cli, tmp_path: Path) -> None:
    current, check = cli("db", "current", "--json"), cli("db", "check")

    assert {
        "database": "sqlite+aiosqlite:///optfm.db",
        "exists": False,
        "revision": None,
        "needed": HEAD,
    } == json.loads(current.stdout)
    assert (0, 6) == (current.exit_code, check.exit_code)
    assert [] == list(tmp_path.iterdir())


def test_a_good_database_passes_its_check(cli: Cli) -> None:
    cli("db", "upgrade")

    result = cli("db", "check", "--json")
    found = json.loads(result.stdout)

    assert 0 == result.exit_code
    assert (True, {"schema": "ok", "writable": "ok", "whole": "ok"}) == (found["ok"], found["checks"])
    assert ({}, 0) == (found["orphans"], found["rows"]["inbox"])


@pytest.mark.parametrize(
    ("revision", "words"), [("0000", "optfm-bot db upgrade"), ("9999", "установите новую")]
)
def test_another_schema_is_told_with_what_to_do(cli: Cli, tmp_path: Path, revision: str, words: str) -> None:
    cli("db", "upgrade")
    set_revision(tmp_path / "optfm.db", revision)

    result = cli("db", "check")

    assert 6 == result.exit_code
    assert words in result.output


def test_a_newer_database_is_not_touched(cli: Cli, tmp_path: Path) -> None:
    cli("db", "upgrade")
    set_revision(tmp_path / "optfm.db", "9999")

    assert 6 == cli("db", "upgrade").exit_code


def test_a_running_bot_keeps_the_schema_from_changing(cli: Cli, tmp_path: Path) -> None:
    with FileLock(str(tmp_path / "optfm.db.lock")):
        result = cli("db", "upgrade")

    assert 3 == result.exit_code
    assert not (tmp_path / "optfm.db").exists()


def test_a_file_that_is_no_database_is_told(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "optfm.db").write_text("this is a letter to my aunt, and it is long enough" * 100, "utf-8")

    result = cli("db", "check")

    assert 6 == result.exit_code
    assert "not a database" in result.output


def test_a_damaged_page_is_found(cli: Cli, tmp_path: Path) -> None:
    cli("db", "upgrade")
    path = tmp_path / "optfm.db"
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xa5" * (len(content) - 8192)
    path.write_bytes(content)

    assert 6 == cli("db", "check").exit_code


def test_the_password_of_an_address_is_not_printed(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql+asyncpg://me:canary@127.0.0.1:1/db")

    result = cli("db", "current")

    assert 6 == result.exit_code
    assert "canary" not in result.output
