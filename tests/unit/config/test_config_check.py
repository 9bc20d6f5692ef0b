"""What single fields cannot show."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import BaseModel

from config import RESERVED_NAMES, LoadedConfig, Problem, check_settings, json_schema

Checked = Callable[..., list[Problem]]


@pytest.fixture
def checked(load: Callable[[str], LoadedConfig]) -> Checked:
    """Check YAML settings; `history` names kinds that read it, `directories` says if they exist."""

    def run(
        text: str, *, history: frozenset[str] = frozenset(), directories: bool = True, semantic: bool = True
    ) -> list[Problem]:
        loaded = load(text)
        return check_settings(
            loaded.settings,
            locate=loaded.locate,
            reads_history=history.__contains__,
            directory_exists=lambda _: directories,
            semantic_installed=lambda: semantic,
        )

    return run


@pytest.mark.parametrize(
    ("text", "where", "key", "words"),
    [
        ("channels: {}", "config.yaml:1", "channels", "no channel is configured"),
        ("channels:\n  Bot: {}", "config.yaml:2", "channels.Bot", "small letter"),
        ("channels: {admin: {type: webchat}}", "config.yaml:1", "channels.admin", "belongs to an address"),
        (
            "server: {public_url: http://b.ru}\nchannels:\n  t: {mode: webhook, webhook_secret: x}",
            "config.yaml:3",
            "channels.t.mode",
            "needs server.public_url with https",
        ),
        (
            "channels:\n  a: {token: 1:x}\n  b: {token: 1:x}",
            "config.yaml:3",
            "channels.b.token",
            "already used by channel `a`",
        ),
        (
            "channels:\n  a: {id_instance: 11}\n  b: {id_instance: '11'}",
            "config.yaml:3",
            "channels.b.id_instance",
            "already used by channel `a`",
        ),
        (
            "delivery:\n  policy: verify\nchannels: {t: {type: telegram}}",
            "config.yaml:2",
            "channels.t.delivery.policy",
            "`telegram` cannot",
        ),
    ],
)
def test_a_contradiction_is_a_problem(checked: Checked, text: str, where: str, key: str, words: str) -> None:
    (problem,) = checked(text)

    assert (where, key) == (problem.where, problem.key)
    assert words in str(problem)


def test_good_settings_have_no_problems(checked: Checked) -> None:
    text = (
        "server: {public_url: https://b.ru}\n"
        "channels:\n"
        "  t: {mode: webhook, webhook_secret: x, token: 1:a}\n"
        "  g: {type: green_api, token: 2:b, delivery: {policy: verify}}\n"
    )

    assert checked(text, history=frozenset({"green_api"})) == []


@pytest.mark.parametrize(
    ("url", "missing"),
    [
        ("sqlite:///data/optfm.db", "data"),
        ("sqlite+aiosqlite:////var/lib/optfm/optfm.db?timeout=5", "/var/lib/optfm"),
    ],
)
def test_a_database_in_a_missing_directory_is_a_problem(checked: Checked, url: str, missing: str) -> None:
    (problem,) = checked(f"database: {{url: '{url}'}}", directories=False)

    assert f"mkdir -p {missing}" == problem.hint


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "postgresql://u@h/d"])
def test_a_database_that_is_no_file_needs_no_directory(checked: Checked, url: str) -> None:
    assert checked(f"database: {{url: '{url}'}}", directories=False) == []


def test_names_of_the_servers_own_addresses_are_reserved() -> None:
    assert {"api", "admin", "chat", "healthz", "readyz", "metrics", "freescout", "static"} <= RESERVED_NAMES


class _Options(BaseModel):
    retries: int = 3


def test_the_schema_for_editors_knows_sections_channels_and_references() -> None:
    schema = json_schema({"telegram": _Options})

    assert {"agent", "server", "channels", "log"} <= schema["properties"].keys()
    assert schema["additionalProperties"] is False
    port = schema["$defs"]["Server"]["properties"]["port"]
    assert [option["type"] for option in port["anyOf"]] == ["integer", "string"]
    assert port["default"] == 8080
    entry = schema["$defs"]["ChannelEntry"]
    assert {"type", "delivery"} == entry["properties"].keys()
    assert "retries" in entry["allOf"][0]["then"]["properties"]
    assert "retries" in schema["properties"]["channels"]["properties"]["telegram"]["then"]["properties"]


def test_every_setting_has_a_sentence() -> None:
    definitions = json_schema()["$defs"]

    assert [
        f"{name}.{key}"
        for name, section in definitions.items()
        for key, field in section.get("properties", {}).items()
        if "description" not in field and "$ref" not in field
    ] == []


def test_an_own_platform_server_may_push_without_tls(checked: Checked) -> None:
    text = (
        "server: {public_url: http://b.ru}\nchannels:\n  t: {mode: webhook, api_base: http://127.0.0.1:8081}"
    )

    assert checked(text) == []


def test_a_matcher_whose_package_is_missing_is_a_problem_with_the_command_that_mends_it(
    checked: Checked,
) -> None:
    text = "faq:\n  matcher: semantic\nchannels: {c: {type: console}}"
    (problem,) = checked(text, semantic=False)

    assert (problem.where, problem.key) == ("config.yaml:2", "faq.matcher")
    assert 'pip install "optfm-bot[semantic]"' in problem.describe("ru")
    assert checked(text) == []
    assert checked("channels: {c: {type: console}}", semantic=False) == []
