"""Masking: nothing that is a secret by type, by name or by place is shown."""

from __future__ import annotations

import pytest

from channels.telegram.spec import TelegramSettings
from config.secret import Secret
from optfm_bot.cli.mask import settings_of, shown

TOKEN = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("port", 8080, "8080"),
        ("feedback", True, "true"),
        ("path", None, "—"),
        ("path", "", "—"),
        ("allowed", ("a", "b"), "a, b"),
        ("allowed", (), "—"),
        ("api_token", "canary-canary-canary", "••••nary"),
        ("api_token", "canary", "••••"),
        ("api_token_file", "/run/secrets/x", "/run/secrets/x"),
        ("token", Secret("canary-canary-canary"), "••••nary"),
        ("token", Secret(""), "—"),
        ("url", "postgresql+asyncpg://me:canary@host/db", "postgresql+asyncpg://me:••••@host/db"),
        ("url", "https://x.ru/?a=1&api_key=canary&b=2", "https://x.ru/?a=1&api_key=••••&b=2"),
        ("headers", {"password": "canary", "a": 1}, "password: ••••, a: 1"),
    ],
)
def test_values_are_shown_without_their_secrets(name: str, value: object, text: str) -> None:
    assert text == shown(name, value)


def test_only_settings_that_differ_are_listed() -> None:
    settings = TelegramSettings.model_validate(
        {"token": TOKEN, "poll_timeout": 5, "proxy": "http://a:canary@p:1"}
    )

    shown_settings = settings_of(settings)

    assert {"token", "poll_timeout", "proxy"} == shown_settings.keys()
    assert TOKEN not in str(shown_settings)
    assert "canary" not in str(shown_settings)
