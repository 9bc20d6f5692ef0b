"""Telegram's settings are checked in words, and its limits are written down, before anything is imported."""

from __future__ import annotations

import subprocess
import sys
import traceback
from typing import Any

import pytest
from pydantic import ValidationError

from channels.contract import Transport
from channels.telegram.spec import SPEC, TelegramSettings

TOKEN = "123456:AAE-canary_TOKEN-0123456789abcdef"


def test_a_token_is_enough() -> None:
    settings = TelegramSettings.model_validate({"token": TOKEN})

    assert Transport.POLLING is settings.mode
    assert settings.api_base == "https://api.telegram.org"
    assert settings.client == "direct"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"token": "AAE-canary_TOKEN"}, "not a Telegram token"),
        ({"token": ""}, "not a Telegram token"),
        ({"token": "123456:канарейка"}, "not a Telegram token"),
        ({"mode": "webhook"}, "needs webhook_secret"),
        ({"mode": "webhook", "webhook_secret": "секрет"}, "only A-Z"),
        ({"webhook_secret": "a" * 257}, "1 to 256"),
        ({"api_base": "api.telegram.org"}, "must be an address"),
        ({"api_base": "https://me:canary@proxy.example"}, "must not contain a user name"),
        ({"proxy": "proxy.example:1080"}, "must start with one of"),
        ({"poll_timeout": 51}, "less than or equal to 50"),
        ({"tokn": "x"}, "Extra inputs"),
    ],
)
def test_a_wrong_setting_is_refused_in_words_and_no_secret_is_printed(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValidationError, match=sentence) as caught:
        TelegramSettings.model_validate({"token": TOKEN, **changes})

    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_the_settings_mask_their_secrets() -> None:
    settings = TelegramSettings.model_validate(
        {"token": TOKEN, "webhook_secret": "canary-1", "proxy": "http://me:canary@proxy.example"}
    )

    assert "canary" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_a_trailing_slash_of_the_address_does_not_matter() -> None:
    settings = TelegramSettings.model_validate({"token": TOKEN, "api_base": "http://127.0.0.1:8081/"})

    assert settings.api_base == "http://127.0.0.1:8081"


def test_every_setting_explains_itself() -> None:
    assert [name for name, field in TelegramSettings.model_fields.items() if not field.description] == []


def test_the_limits_are_those_of_the_manual() -> None:
    assert (SPEC.capabilities.text_limit, SPEC.capabilities.caption_limit) == (4096, 1024)
    assert SPEC.capabilities.buttons is not None
    assert SPEC.capabilities.buttons.payload_bytes == 64


def test_neither_the_spec_nor_the_channel_imports_aiogram() -> None:
    """Importing aiogram takes seconds; who only answers texts never pays for it."""
    program = (
        "import sys, channels.telegram.spec, channels.telegram.channel; sys.exit('aiogram' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
