"""doctor: looks at everything, says what to do, and claims nothing that it has not looked at."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from optfm_bot.cli import checkup
from optfm_bot.store.records import InboxState

Cli = Callable[..., Result]


def findings(result: Result) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(result.stdout)["findings"]:
        groups.setdefault(finding["group"], []).append(finding)
    return groups


def test_a_sound_installation_has_no_complaints(cli: Cli, project: Path) -> None:
    cli("db", "upgrade")

    result = cli("doctor", "--offline", "--json")

    assert 0 == result.exit_code, result.output
    assert ["config", "knowledge", "database", "channels", "disk", "security"] == list(findings(result))
    assert {"ok"} == {finding["mark"] for group in findings(result).values() for finding in group}


def test_people_get_groups_and_a_summary(cli: Cli, project: Path) -> None:
    output = cli("doctor").output

    assert "Каналы\n  ✓ web: работает\n" in output
    assert "0 ошибок, 0 предупреждений · " in output


def test_broken_settings_fail_and_the_rest_is_not_called_well(cli: Cli, project: Path) -> None:
    (project / "config.yaml").write_text("server: {prt: 1}\n", "utf-8")

    result = cli("doctor", "--json")

    assert 1 == result.exit_code
    groups = findings(result)
    assert "error" == groups["config"][0]["mark"]
    for group in ("knowledge", "database", "channels", "security"):
        assert ["warning"] == [finding["mark"] for finding in groups[group]], group


def test_a_broken_base_fails(cli: Cli, project: Path) -> None:
    (project / "knowledge" / "faq.yaml").write_text("entries: 1\n", "utf-8")

    result = cli("doctor", "--offline", "--json")

    assert 1 == result.exit_code
    assert "optfm-bot faq lint" == findings(result)["knowledge"][0]["fix"]


def test_secrets_that_others_can_read_are_warned_of(cli: Cli, project: Path) -> None:
    (project / ".env").write_text("X=1\n", "utf-8")
    (project / ".env").chmod(0o644)
    (project / "config.yaml").write_text(
        "faq: {path: knowledge/}\nserver: {host: 0.0.0.0}\n"
        "channels: {telegram: {token: '123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc'}}\n",
        "utf-8",
    )

    result = cli("doctor", "--offline", "--json")

    assert 0 == result.exit_code
    texts = [finding["text"] for finding in findings(result)["security"]]
    assert 3 == len(texts)
    assert "0644" in texts[0]
    assert "config.yaml:3: channels.telegram.token" in texts[1]
    assert "config.yaml:2" in texts[2]
    assert ["ok"] == [finding["mark"] for finding in findings(result)["config"]], "told once, in one group"


def test_an_env_file_of_the_owner_is_fine(cli: Cli, project: Path) -> None:
    (project / ".env").write_text("X=1\n", "utf-8")
    (project / ".env").chmod(0o600)

    assert ["ok"] == [f["mark"] for f in findings(cli("doctor", "--offline", "--json"))["security"]]


@pytest.mark.parametrize(
    ("free", "mark"), [(50 * 2**20, "error"), (500 * 2**20, "warning"), (5 * 2**30, "ok")]
)
def test_a_full_disk_is_told_in_time(
    cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch, free: int, mark: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(2**40, 2**40 - free, free))

    result = cli("doctor", "--offline", "--json")

    assert mark == findings(result)["disk"][0]["mark"]
    assert (1 if mark == "error" else 0) == result.exit_code


def test_an_old_schema_is_a_warning_and_a_newer_one_an_error(cli: Cli, project: Path) -> None:
    cli("db", "upgrade")
    marks = []
    for revision in ("0000", "9999"):
        connection = sqlite3.connect(project / "optfm.db")
        with connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        connection.close()
        marks.append(findings(cli("doctor", "--offline", "--json"))["database"][0]["mark"])

    assert ["warning", "error"] == marks


def test_updates_that_were_put_aside_are_told(cli: Cli, project: Path) -> None:
    cli("db", "upgrade")
    connection = sqlite3.connect(project / "optfm.db")
    with connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(inbox)")]
        values = dict.fromkeys(columns, 0) | {
            "id": 1,
            "channel": "web",
            "key": "k",
            "lane": "web:1",
            "payload": "{}",
        }
        values |= {"state": InboxState.PARKED.value, "owner": None, "error": "cannot be read"}
        names = ", ".join(f'"{name}"' for name in columns)
        places = ", ".join("?" for _ in columns)
        connection.execute(
            f"INSERT INTO inbox ({names}) VALUES ({places})",  # noqa: S608 - names of our own table
            [values[name] for name in columns],
        )
    connection.close()

    database = findings(cli("doctor", "--offline", "--json"))["database"]

    assert ["ok", "warning"] == [finding["mark"] for finding in database]
    assert "1 (web)" in database[1]["text"]
    assert "optfm-bot db revive" == database[1]["fix"]


def test_messages_that_nobody_carries_are_told(cli: Cli, project: Path) -> None:
    cli("db", "upgrade")
    connection = sqlite3.connect(project / "optfm.db")
    with connection:
        connection.executemany(
            "INSERT INTO outbox (id, channel, lane, purpose, message, created_at) VALUES (?, ?, 'web:1', ?, '{}', 0)",
            [(1, "freescout", "customer"), (2, "freescout", "note"), (3, "web", "answer")],
        )
    connection.close()

    database = findings(cli("doctor", "--offline", "--json"))["database"]

    assert ["ok", "warning"] == [finding["mark"] for finding in database]
    assert "2 (freescout)" in database[1]["text"]
    assert database[1]["fix"]


def test_a_part_that_hangs_does_not_hold_the_others(
    cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(checkup, "probe_all", never)
    monkeypatch.setattr(checkup, "PART_SECONDS", 0.3)

    groups = findings(result := cli("doctor", "--json"))

    assert 1 == result.exit_code
    assert "error" == groups["channels"][0]["mark"]
    assert "ok" == groups["knowledge"][0]["mark"]
