"""config: everything wrong at once, every value with its source, no secret in sight."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

TOKEN = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"

Cli = Callable[..., Result]


def test_a_good_configuration_passes(cli: Cli, project: Path) -> None:
    result = cli("config", "check")

    assert (0, "✓ настройки: config.yaml\n✓ каналы: web\n✓ база знаний: 2 записи\n") == (
        result.exit_code,
        result.output,
    )


def test_all_problems_are_told_with_file_and_line(cli: Cli, project: Path) -> None:
    (project / "config.yaml").write_text("server:\n  prt: 1\nfaq:\n  path: []\n", "utf-8")

    result = cli("config", "check")

    assert 3 == result.exit_code
    assert "✗ config.yaml:2: server.prt: неизвестный ключ (может быть, `port`?)" in result.output
    assert "✗ config.yaml:4: faq.path" in result.output


def test_settings_of_channels_are_checked_too(cli: Cli, project: Path) -> None:
    (project / "config.yaml").write_text(
        f"faq: {{path: knowledge/}}\nchannels:\n  telegram:\n    token: '{TOKEN}'\n    pol: 1\n", "utf-8"
    )

    result = cli("config", "check", "--lang", "en")

    assert 3 == result.exit_code
    assert "config.yaml:5: channels.telegram.pol: unknown key" in result.output
    assert TOKEN not in result.output


def test_a_broken_base_fails_and_a_poor_one_warns(cli: Cli, project: Path) -> None:
    knowledge = project / "knowledge" / "faq.yaml"
    good = knowledge.read_text("utf-8")
    knowledge.write_text(good.replace("categories: {", "categories: {x: {title: X}, "), "utf-8")
    poor = cli("config", "check")
    knowledge.write_text("entries: 1\n", "utf-8")
    broken = cli("config", "check")

    assert (0, True) == (poor.exit_code, "! база знаний: 1 замечание" in poor.output)
    assert (3, True) == (broken.exit_code, "✗ knowledge/faq.yaml:1" in broken.output)


def test_the_check_is_given_to_programs(cli: Cli, project: Path) -> None:
    (project / "config.yaml").write_text("server: {prt: 1}\n", "utf-8")

    report = json.loads(cli("config", "check", "--json", "--lang", "en").stdout)

    assert not report["ok"]
    assert [
        {
            "where": "config.yaml:1",
            "key": "server.prt",
            "message": "unknown key",
            "hint": "did you mean `port`?",
        }
    ] == (report["problems"])


def test_every_value_is_shown_with_its_source(
    cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPTFM__SERVER__PORT", "9000")

    rows = {row["key"]: row for row in json.loads(cli("config", "show", "--json").stdout)}

    assert ("9000", "environment OPTFM__SERVER__PORT") == (
        rows["server.port"]["value"],
        rows["server.port"]["source"],
    )
    assert ("knowledge/", "config.yaml:1") == (rows["faq.path"]["value"], rows["faq.path"]["source"])
    assert "default" == rows["log.level"]["source"]
    assert "по умолчанию" in cli("config", "show").output


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_no_secret_is_shown(
    cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch, form: list[str]
) -> None:
    (project / "config.yaml").write_text(
        f"database: {{url: 'postgresql+asyncpg://me:canary-db@host/db'}}\n"
        f"channels:\n  telegram: {{token: '{TOKEN}', proxy: 'socks5://u:canary-proxy@p:1'}}\n"
        "  other: {type: not-installed, pin: canary-pin}\n",
        "utf-8",
    )

    result = cli("config", "show", *form)

    assert 0 == result.exit_code
    assert TOKEN not in result.output
    assert "canary" not in result.output


HELPDESKS = {
    "freescout": "url: https://desk.example.ru, api_key: canary-key, proxy: 'http://u:canary-proxy@p:1'",
    "mail": "to: staff@example.ru, smtp: {host: mx.example.ru, password: canary-smtp}",
    "not-installed": "to: staff@example.ru, pin: canary-pin",
}


@pytest.mark.parametrize("kind", HELPDESKS)
def test_a_helpdesk_is_shown_with_its_sources_and_without_its_secrets(
    cli: Cli, project: Path, kind: str
) -> None:
    (project / "config.yaml").write_text(f"helpdesk:\n  desk: {{type: {kind}, {HELPDESKS[kind]}}}\n", "utf-8")

    rows = {row["key"]: row for row in json.loads(cli("config", "show", "--json").stdout)}

    assert rows["helpdesk.desk.type"] == {
        "key": "helpdesk.desk.type",
        "value": kind,
        "source": "config.yaml:2",
    }
    assert {"helpdesk.desk.url", "helpdesk.desk.to"} & rows.keys()
    assert "canary" not in json.dumps(rows)


def test_a_wrong_helpdesk_and_a_wrong_text_are_told_with_their_lines(cli: Cli, project: Path) -> None:
    (project / "config.yaml").write_text(
        "helpdesk:\n  freescout:\n    url: desk\n    api_key: ${KEY:-0123456789abcdef}\n    mailbox_id: 1\n"
        "texts:\n  ru:\n    handoff.joined: ''\n",
        "utf-8",
    )

    result = cli("config", "check")

    assert 3 == result.exit_code
    assert "config.yaml:3: helpdesk.freescout.url: " in result.output
    assert "config.yaml:8: texts.ru.handoff.joined: текст пустой" in result.output


def test_a_tuning_that_cannot_be_used_is_warned_of(cli: Cli, project: Path) -> None:
    (project / "config.yaml").write_text("faq:\n  path: knowledge/\n  tuning: nowhere.json\n", "utf-8")

    result = cli("config", "check")

    assert 0 == result.exit_code, "the bot starts all the same"
    assert "config.yaml:3: faq.tuning: nowhere.json: файл не читается" in result.output


def test_a_name_that_no_channel_may_have_is_told_once(cli: Cli, project: Path) -> None:
    (project / "config.yaml").write_text(
        "faq: {path: knowledge/}\nchannels: {Чат: {type: webchat}}\n", "utf-8"
    )

    result = cli("config", "check")

    assert 1 == result.output.count("channels.Чат")


def test_a_site_of_the_web_chat_that_is_none_is_told_in_russian(cli: Cli, project: Path) -> None:
    (project / "config.yaml").write_text(
        "faq: {path: knowledge/}\nchannels: {web: {type: webchat, allowed_origins: [optfm.ru]}}\n", "utf-8"
    )

    result = cli("config", "check")

    assert "allowed_origins: нужен адрес сайта вида https://example.ru, а здесь 'optfm.ru'" in result.output


def test_an_address_for_notices_that_would_refuse_the_start_fails_the_check(cli: Cli, project: Path) -> None:
    (project / "config.yaml").write_text(
        "faq: {path: knowledge/}\nnotify:\n  urls:\n    - json://127.0.0.1/\n    - nonsense\n", "utf-8"
    )

    result = cli("config", "check")

    assert 3 == result.exit_code
    assert "config.yaml:5: notify.urls[2]: адрес не подходит для apprise" in result.output
    assert "nonsense" not in result.output


def test_the_schema_is_json_and_knows_the_installed_channels(cli: Cli) -> None:
    schema = json.loads(cli("config", "schema").stdout)

    assert "https://json-schema.org/draft/2020-12/schema" == schema["$schema"]
    assert "telegram" in json.dumps(schema)
    assert {"freescout", "mail", "telegram"} == schema["properties"]["helpdesk"]["properties"].keys()
