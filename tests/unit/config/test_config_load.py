"""Where settings come from and who wins."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config import LoadedConfig, Secret, load_config
from config.schema import DeliveryPolicy

Load = Callable[..., LoadedConfig]

ROOT = Path(__file__).parents[3]


def test_nothing_at_all_starts_the_web_demo(load: Load) -> None:
    loaded = load()

    assert {name: entry.type for name, entry in loaded.settings.channels.items()} == {"web": "webchat"}
    assert loaded.settings.faq.path is None
    assert loaded.path is None
    assert loaded.warnings == ()
    assert loaded.sources["server.port"] == "default"


def test_a_file_without_channels_still_serves_the_web_demo(load: Load) -> None:
    assert list(load("agent: {name: Бот}\nchannels:\n").settings.channels) == ["web"]


def test_a_telegram_token_alone_makes_a_telegram_channel(load: Load) -> None:
    loaded = load(env={"TELEGRAM_BOT_TOKEN": "123:abc"})

    assert list(loaded.settings.channels) == ["telegram"]
    assert dict(loaded.settings.channels["telegram"].options) == {"token": "123:abc"}
    assert loaded.sources["channels.telegram.token"] == "environment TELEGRAM_BOT_TOKEN"
    assert [warning.key for warning in loaded.warnings] == ["faq.path"]


def test_plain_names_of_both_messengers_and_of_the_database_work_together(load: Load) -> None:
    loaded = load(
        env={"MAX_BOT_TOKEN": "m", "TELEGRAM_BOT_TOKEN": "1:a", "DATABASE_URL": "postgres://u:p@h/db"}
    )

    assert list(loaded.settings.channels) == ["telegram", "max"]
    assert dict(loaded.settings.channels["max"].options) == {"token": "m"}
    assert [warning.key for warning in loaded.warnings] == ["faq.path"]
    assert loaded.settings.database.url == "postgresql+asyncpg://u:p@h/db"


def test_an_empty_plain_name_counts_as_not_set(load: Load) -> None:
    assert list(load(env={"TELEGRAM_BOT_TOKEN": ""}).settings.channels) == ["web"]


def test_a_file_that_names_channels_gets_no_other_ones_and_the_unused_token_is_told(load: Load) -> None:
    loaded = load("channels: {web: {type: webchat}}", {"TELEGRAM_BOT_TOKEN": "1:a"})

    assert list(loaded.settings.channels) == ["web"]
    assert [warning.where for warning in loaded.warnings] == ["environment TELEGRAM_BOT_TOKEN"]


@pytest.mark.parametrize(
    ("layers", "port", "source"),
    [
        ({}, 8080, "default"),
        ({"text": "server: {port: 1}"}, 1, "config.yaml:1"),
        ({"text": "server: {port: 1}", "dotenv": "\nOPTFM__SERVER__PORT=2"}, 2, ".env:2"),
        (
            {
                "text": "server: {port: 1}",
                "dotenv": "OPTFM__SERVER__PORT=2",
                "env": {"OPTFM__SERVER__PORT": "3"},
            },
            3,
            "environment OPTFM__SERVER__PORT",
        ),
        (
            {"env": {"OPTFM__SERVER__PORT": "3"}, "overrides": {"server.port": 4}},
            4,
            "command line",
        ),
    ],
    ids=["default", "file", "dotenv", "environment", "command line"],
)
def test_later_layers_win_and_say_so(load: Load, layers: dict[str, Any], port: int, source: str) -> None:
    loaded = load(**layers)

    assert port == loaded.settings.server.port
    assert source == loaded.sources["server.port"]


def test_an_empty_variable_hides_nothing(load: Load) -> None:
    loaded = load("server: {port: 5}", {"OPTFM__SERVER__PORT": "", "NAME": ""}, dotenv="NAME=Из файла\n")

    assert loaded.settings.server.port == 5
    assert load("agent: {name: '${NAME}'}", {"NAME": ""}).settings.agent.name == "Из файла"


def test_a_variable_reaches_into_channels_also_past_a_dash(load: Load) -> None:
    loaded = load("channels: {my-bot: {type: telegram}}", {"OPTFM__CHANNELS__MY_BOT__TOKEN": "1:x"})

    assert dict(loaded.settings.channels["my-bot"].options) == {"token": "1:x"}
    assert loaded.sources["channels.my-bot.token"] == "environment OPTFM__CHANNELS__MY_BOT__TOKEN"


def test_a_variable_may_hold_a_list(load: Load) -> None:
    loaded = load(
        "channels: {web: {type: webchat}}",
        {"OPTFM__CHANNELS__WEB__ALLOWED_ORIGINS": "[https://a.ru, https://b.ru]"},
    )

    assert loaded.settings.channels["web"].options["allowed_origins"] == ["https://a.ru", "https://b.ru"]


def test_tuning_the_demo_from_the_environment_keeps_it_a_web_chat(load: Load) -> None:
    assert load(env={"OPTFM__CHANNELS__WEB__HISTORY": "5"}).settings.channels["web"].type == "webchat"


def test_one_underscore_too_few_is_told(load: Load) -> None:
    (warning,) = load(env={"OPTFM_SERVER__PORT": "1"}).warnings

    assert warning.hint == "rename it to OPTFM__SERVER__PORT"


def test_references_are_followed_also_inside_braces_without_quotes(load: Load, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    (tmp_path / "secret").chmod(0o600)
    loaded = load(
        "channels: {telegram: {token: ${TOKEN}, webhook_secret: ${file:secret}, proxy: ${P:-a: b, c}}}\n"
        "agent: {name: 'Бот ${WHO:-${TOKEN}} $${x}'}\n",
        {"TOKEN": "1:a${NOT_AGAIN}"},
    )

    assert dict(loaded.settings.channels["telegram"].options) == {
        "token": "1:a${NOT_AGAIN}",
        "webhook_secret": "s3cret",
        "proxy": "a: b, c",
    }
    assert loaded.settings.agent.name == "Бот 1:a${NOT_AGAIN} ${x}"
    assert not [warning for warning in loaded.warnings if warning.key != "faq.path"]


def test_a_secret_file_is_found_through_a_variable(load: Load, tmp_path: Path) -> None:
    (tmp_path / "creds").mkdir()
    (tmp_path / "creds" / "t").write_text("value")
    loaded = load("agent: {name: '${file:${DIR}/t}'}", {"DIR": str(tmp_path / "creds")})

    assert loaded.settings.agent.name == "value"


@pytest.mark.skipif(os.name != "posix", reason="modes are a matter of POSIX")
def test_a_secret_file_for_everybody_is_a_warning(load: Load, tmp_path: Path) -> None:
    (tmp_path / "open").write_text("x")
    (tmp_path / "open").chmod(0o644)

    (warning,) = load("agent: {name: '${file:open}'}").warnings
    assert warning.message == "everybody on this machine can read open"


def test_a_secret_written_into_the_file_is_a_warning(load: Load) -> None:
    loaded = load(
        "database: {url: 'postgresql://u:hunter2@h/d'}\nfaq: {path: x}\n"
        "channels:\n  telegram: {token: 1:hunter2}\n"
    )

    assert [warning.key for warning in loaded.warnings] == ["database.url", "channels.telegram.token"]
    assert "hunter2" not in "".join(warning.describe() for warning in loaded.warnings)


def test_a_reference_to_nothing_gives_the_default(load: Load) -> None:
    assert load("server: {public_url: '${URL:-}', port: '${PORT:-}'}").settings.server.port == 8080


def test_settings_never_show_tokens_or_database_passwords(load: Load) -> None:
    loaded = load("database: {url: 'postgresql://u:hunter2@h/d'}\nchannels: {t: {token: hunter2}}")

    assert "hunter2" not in repr(loaded)


def test_the_database_password_is_known_as_a_secret(load: Load) -> None:
    loaded = load("database: {url: 'postgresql://u:p%40ss:w@h/d'}")

    assert loaded.settings.database.password == Secret("p@ss:w")
    assert load("database: {url: 'sqlite:///a@b.db'}").settings.database.password is None


def test_a_channel_may_deliver_differently(load: Load) -> None:
    settings = load(
        "delivery: {burst: 7}\n"
        "channels: {a: {token: x, delivery: {policy: verify, per_chat_per_second: 0}}, b: null}\n"
    ).settings

    own = settings.delivery_for("a")
    assert (own.policy, own.per_chat_per_second, own.burst) == (DeliveryPolicy.VERIFY, 0, 7)
    assert settings.delivery == settings.delivery_for("b")
    assert dict(settings.channels["a"].options) == {"token": "x"}


def test_scalars_keep_what_was_written(load: Load) -> None:
    options = (
        load("channels: {c: {a: yes, b: 12:30, c: 0123, d: 2026-01-02, e: 1101000001, f: null, g: 1.5}}")
        .settings.channels["c"]
        .options
    )

    assert dict(options) == {
        "a": "yes", "b": "12:30", "c": "0123", "d": "2026-01-02", "e": 1101000001, "f": None, "g": 1.5,
    }  # fmt: skip


def test_the_example_loads_without_problems_or_warnings() -> None:
    loaded = load_config(
        ROOT / "config.example.yaml", env={"TELEGRAM_BOT_TOKEN": "123456:" + "A" * 30}, cwd=ROOT / "config"
    )

    assert loaded.warnings == ()
    assert list(loaded.settings.channels) == ["telegram", "web"]


def test_the_example_shows_the_defaults(load: Load) -> None:
    """Apart from channels and the path of the knowledge, copying the example changes nothing."""
    example = load_config(
        ROOT / "config.example.yaml", env={"TELEGRAM_BOT_TOKEN": "123456:" + "A" * 30}, cwd=ROOT / "config"
    ).settings
    default = load().settings

    for section in type(default).model_fields.keys() - {"channels", "faq"}:
        assert getattr(default, section) == getattr(example, section)


def test_importing_the_secret_type_loads_neither_yaml_nor_the_schema() -> None:
    code = "import sys, config.secret; assert not {'yaml', 'config.schema'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=30)
