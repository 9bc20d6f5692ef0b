"""db backup, restore, vacuum, revive, and the copy before an upgrade: as an operator uses them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from filelock import FileLock

from optfm_bot.cli import consent
from optfm_bot.store.schema import HEAD, migrate_sync

Cli = Callable[..., Result]


def asked(path: Path, *statements: str) -> list[list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return [connection.execute(statement).fetchall() for statement in statements]


@pytest.fixture
def database(cli: Cli, tmp_path: Path) -> Path:
    """A database with something in every state."""
    cli("db", "upgrade")
    path = tmp_path / "optfm.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO inbox (channel, key, lane, payload, received_at, state, error) VALUES ('web', ?, 'web:1',"
            " '{}', 1760000000000, ?, ?)",
            [("1", 0, None), ("2", 1, None), ("3", 9, "it could not be read")],
        )
        connection.executemany(
            "INSERT INTO outbox (id, channel, lane, purpose, message, created_at, state, error, attempts)"
            " VALUES (?, 'web', 'web:1', 'answer', '{}', 1760000000000, ?, ?, 8)",
            [(1, 0, None), (2, 2, None), (3, 3, "the call broke off"), (4, 4, "gone"), (9, 9, "refused")],
        )
    return path


# -- copies ---------------------------------------------------------------------------------------------------


def test_a_backup_can_be_restored(cli: Cli, database: Path, tmp_path: Path) -> None:
    made = cli("db", "backup", "copy.db")
    assert 0 == made.exit_code
    assert "Копия copy.db" in made.output
    asked(database, "DELETE FROM outbox")
    result = cli("db", "restore", "copy.db", "--yes")

    assert 0 == result.exit_code
    assert "Прежняя база сохранена: optfm.db.before-restore-" in result.output
    assert "событий 1, сообщений 1" in result.output
    assert [[(3,), (2,), (3,), (4,), (9,)]] == asked(database, "SELECT state FROM outbox ORDER BY id")
    assert 0 == cli("db", "check").exit_code


def test_a_backup_without_a_name_gets_one(cli: Cli, database: Path, tmp_path: Path) -> None:
    found = json.loads(cli("db", "backup", "--json").stdout)

    assert found["file"].startswith("backups/manual-")
    assert (HEAD, 5) == (found["revision"], found["rows"]["outbox"])
    assert (tmp_path / found["file"]).exists()


@pytest.mark.parametrize("given", [True, False])
def test_a_backup_goes_to_a_folder(cli: Cli, database: Path, tmp_path: Path, given: bool) -> None:  # noqa: FBT001 - both ways
    (tmp_path / "kept").mkdir()
    if not given:
        (tmp_path / "config.yaml").write_text("database: {backup: {path: kept}}\n", "utf-8")

    assert 0 == cli("db", "backup", *(["kept"] if given else [])).exit_code
    assert 1 == len(list((tmp_path / "kept").glob("manual-*.db")))


def test_a_restore_asks_and_silence_is_no_consent(
    cli: Cli, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("db", "backup", "copy.db")

    assert 2 == cli("db", "restore", "copy.db").exit_code
    monkeypatch.setattr(consent, "somebody_is_there", lambda: True)
    refused, agreed = (
        cli("db", "restore", "copy.db", typed="n\n"),
        cli("db", "restore", "copy.db", typed="y\n"),
    )
    assert (1, 0) == (refused.exit_code, agreed.exit_code)


def test_a_running_bot_keeps_its_database(cli: Cli, database: Path, tmp_path: Path) -> None:
    cli("db", "backup", "copy.db")
    with FileLock(tmp_path / "optfm.db.lock"):
        assert 0 == cli("db", "backup", "while-it-runs.db").exit_code
        assert 3 == cli("db", "restore", "copy.db", "--yes").exit_code
        assert 3 == cli("db", "vacuum").exit_code


def test_with_send_what_waited_goes_on(cli: Cli, database: Path) -> None:
    cli("db", "backup", "copy.db")
    cli("db", "restore", "copy.db", "--yes", "--send")

    assert [[(0,)], [(0,)]] == asked(
        database, "SELECT state FROM inbox WHERE id = 1", "SELECT state FROM outbox WHERE id = 1"
    )


def test_a_copy_without_manifest_is_taken_only_if_that_is_said(
    cli: Cli, database: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(tmp_path / "own.db")) as copy:
        source.backup(copy)
    refused, taken = (
        cli("db", "restore", "own.db", "--yes"),
        cli("db", "restore", "own.db", "--yes", "--no-manifest"),
    )

    assert (1, 0) == (refused.exit_code, taken.exit_code)
    assert "own.db.json" in refused.output


def test_a_backup_of_the_other_engine_is_refused(
    cli: Cli, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("db", "backup", "copy.db")
    monkeypatch.setenv("DATABASE_URL", "postgresql://h/d")

    result = cli("db", "restore", "copy.db", "--yes")
    assert 1 == result.exit_code
    assert "a backup of sqlite" in result.output


def test_what_there_is_not_is_told(cli: Cli, tmp_path: Path) -> None:
    assert 1 == cli("db", "backup").exit_code
    assert 3 == cli("db", "vacuum").exit_code
    assert 6 == cli("db", "revive").exit_code
    assert not (tmp_path / "optfm.db").exists()


def test_a_vacuum_makes_the_file_small(cli: Cli, database: Path) -> None:
    asked(database, "INSERT INTO misses SELECT value, 'a', hex(zeroblob(900)), 'admitted', 1, '[]'"
          " FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 2000)"
          " SELECT value FROM n)")  # fmt: skip
    asked(database, "DELETE FROM misses")
    before = database.stat().st_size

    assert 0 == cli("db", "vacuum").exit_code
    assert database.stat().st_size < before / 5
    assert [[(2,)]] == asked(database, "PRAGMA auto_vacuum")


# -- before an upgrade ----------------------------------------------------------------------------------------


def test_an_upgrade_copies_the_database_before(cli: Cli, tmp_path: Path) -> None:
    migrate_sync(f"sqlite:///{tmp_path / 'optfm.db'}", "0001")
    result = cli("db", "upgrade")

    (copy,) = (tmp_path / "backups").glob("*.db")
    assert copy.name.startswith(f"before-{HEAD}-from-0001-")
    assert f"✓ Копия перед изменением: backups/{copy.name}\n✓ Схема: 0001 → {HEAD}\n" == result.output
    assert 0 == cli("db", "restore", str(copy), "--yes").exit_code


def test_an_upgrade_that_cannot_copy_changes_nothing(cli: Cli, tmp_path: Path) -> None:
    migrate_sync(f"sqlite:///{tmp_path / 'optfm.db'}", "0001")
    (tmp_path / "backups").write_text("in the way")

    assert 1 == cli("db", "upgrade").exit_code
    assert [[("0001",)]] == asked(tmp_path / "optfm.db", "SELECT version_num FROM alembic_version")
    assert 0 == cli("db", "upgrade", "--no-backup").exit_code
    assert [[(HEAD,)]] == asked(tmp_path / "optfm.db", "SELECT version_num FROM alembic_version")


# -- another chance -------------------------------------------------------------------------------------------


def states(path: Path, table: str) -> dict[int, int]:
    return dict(asked(path, f"SELECT id, state FROM {table}")[0])  # noqa: S608 - our own tables


def test_without_a_choice_it_shows_what_there_is(cli: Cli, database: Path) -> None:
    shown, data = cli("db", "revive"), json.loads(cli("db", "revive", "--json").stdout)

    assert "it could not be read" in shown.output
    assert "the call broke off" in shown.output
    assert [3] == [one["id"] for one in data["updates"]]
    assert [(9, "failed"), (3, "uncertain")] == [(one["id"], one["state"]) for one in data["messages"]]
    assert "2025-10-09T08:53:20Z" == data["updates"][0]["since"]


def test_parked_updates_get_another_chance(cli: Cli, database: Path) -> None:
    assert {"updates": 1, "messages": 0} == json.loads(cli("db", "revive", "--all-updates", "--json").stdout)
    assert {1: 0, 2: 1, 3: 0} == states(database, "inbox")
    assert {1: 0, 2: 2, 3: 3, 4: 4, 9: 9} == states(database, "outbox")


def test_all_failed_messages_but_no_uncertain_one(cli: Cli, database: Path) -> None:
    result = cli("db", "revive", "--all-failed")

    assert "после следующего запуска" in result.output
    assert {1: 0, 2: 2, 3: 3, 4: 4, 9: 0} == states(database, "outbox")
    assert [[(0, None, None)]] == asked(database, "SELECT attempts, error, sent_at FROM outbox WHERE id = 9")


def test_by_number_what_may_have_arrived_too_but_nothing_that_is_over(cli: Cli, database: Path) -> None:
    given = [f"--message={number}" for number in (2, 3, 4, 9, 77)] + ["--update=2", "--update=3"]

    assert {"updates": 1, "messages": 2} == json.loads(cli("db", "revive", *given, "--json").stdout)
    assert {1: 0, 2: 2, 3: 0, 4: 4, 9: 0} == states(database, "outbox")


# -- orphans --------------------------------------------------------------------------------------------------


def test_a_check_tells_of_rows_that_nobody_will_come_back_to(cli: Cli, database: Path) -> None:
    asked(
        database,
        "UPDATE inbox SET channel = 'gone' WHERE id = 1",
        "UPDATE outbox SET inbox_id = 1 WHERE id = 2",
        "UPDATE outbox SET channel = 'gone' WHERE id = 1",
        "UPDATE outbox SET state = 7 WHERE id = 4",
        "UPDATE inbox SET state = 5 WHERE id = 2",
        "INSERT INTO feedback VALUES (99, 'p', 1, 'e', 'v', 1)",
        "INSERT INTO api_requests VALUES (99, 'k', 'f', 1, 1)",
        "INSERT INTO ticket_messages VALUES (99, 98, 'desk', 1, 'customer', NULL, 1, NULL)",
        "INSERT INTO request_events VALUES (99, 98, 1, 'p', 'new', '')",
    )
    result, data = cli("db", "check"), json.loads(cli("db", "check", "--json").stdout)

    assert 0 == result.exit_code
    assert 9 == result.output.count("! ")
    assert "событий ждёт каналов, которых нет в настройках: 1" in result.output
    assert {1} == set(data["orphans"].values())
    assert 9 == len(data["orphans"])
    assert 3 == data["rows"]["inbox"]
