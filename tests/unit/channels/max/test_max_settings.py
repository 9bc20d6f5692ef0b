"""MAX's settings are checked in words, and its limits are written down, before anything is connected."""

from __future__ import annotations

import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from channels.capabilities import TextUnit
from channels.contract import ChannelContext, Transport
from channels.errors import Misconfigured
from channels.max.channel import MaxChannel
from channels.max.spec import SPEC, MaxSettings
from channels.model import MediaKind
from channels.registry import ChannelRegistry

TOKEN = "f9LHodD0cOL-canary_TOKEN.0123456789=="


def test_a_token_is_enough() -> None:
    settings = MaxSettings.model_validate({"token": TOKEN})

    assert Transport.POLLING is settings.mode
    assert settings.api_base == "https://platform-api2.max.ru"
    assert settings.format == "html"
    assert settings.ca_file is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"token": ""}, "not a MAX token"),
        ({"token": "canary TOKEN with spaces"}, "not a MAX token"),
        ({"token": "канарейка-canary"}, "not a MAX token"),
        ({"token": "Bearer canary-TOKEN"}, "without the word Bearer"),
        ({"mode": "webhook"}, "needs webhook_secret"),
        ({"mode": "webhook", "webhook_secret": "секрет-canary"}, "only A-Z"),
        ({"webhook_secret": "abcd"}, "5 to 256"),
        ({"webhook_secret": "a" * 257}, "5 to 256"),
        ({"webhook_secret": "canary.dot"}, "only A-Z"),
        ({"api_base": "platform-api2.max.ru"}, "must be an address"),
        ({"api_base": "https://me:canary@proxy.example"}, "must not contain a user name"),
        ({"proxy": "proxy.example:1080"}, "must start with one of"),
        ({"poll_timeout": 31}, "less than or equal to 30"),
        ({"format": "md"}, "'html' or 'markdown'"),
        ({"tokn": "x"}, "Extra inputs"),
    ],
)
def test_a_wrong_setting_is_refused_in_words_and_no_secret_is_printed(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValidationError, match=sentence) as caught:
        MaxSettings.model_validate({"token": TOKEN, **changes})

    assert "canary" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("secret", ["abc-_", "A" * 256])
def test_every_secret_that_max_takes_is_taken(secret: str) -> None:
    settings = MaxSettings.model_validate({"token": TOKEN, "mode": "webhook", "webhook_secret": secret})

    assert settings.webhook_secret
    assert settings.webhook_secret.reveal() == secret


def test_the_settings_mask_their_secrets() -> None:
    settings = MaxSettings.model_validate(
        {"token": TOKEN, "webhook_secret": "canary-1", "proxy": "http://me:canary@proxy.example"}
    )

    assert "canary" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_a_ca_file_that_cannot_be_read_is_told_before_the_start(tmp_path: Path) -> None:
    settings = MaxSettings.model_validate({"token": TOKEN, "ca_file": str(tmp_path / "russian_root.pem")})

    with pytest.raises(Misconfigured, match="russian_root"):
        MaxChannel(settings, ChannelContext(instance="max", clock=lambda: pytest.fail("no clock yet")))


def test_every_setting_explains_itself() -> None:
    assert [name for name, field in MaxSettings.model_fields.items() if not field.description] == []


def test_the_limits_are_those_of_the_manual() -> None:
    can = SPEC.capabilities

    assert (can.text_limit, can.caption_limit, can.text_unit) == (4000, 4000, TextUnit.UTF16)
    assert can.buttons is not None
    assert (can.buttons.max_rows, can.buttons.per_row, can.buttons.label_length) == (30, 7, 128)
    assert (can.buttons.payload_bytes, can.buttons.urls, can.buttons.contact) == (1024, True, True)
    assert {kind: size // 1024**2 for kind, size in can.media.items()} == {
        MediaKind.IMAGE: 50,
        MediaKind.VIDEO: 250,
        MediaKind.AUDIO: 256,
        MediaKind.FILE: 4096,
    }
    assert can.rate.per_chat < 2
    assert can.rate.per_bot < 30
    assert can.reads_history


def test_the_registry_knows_the_channel() -> None:
    assert ChannelRegistry.installed().spec("max") is SPEC


def test_the_spec_is_read_without_any_client() -> None:
    program = "import sys, channels.max.spec; sys.exit('aiohttp' in sys.modules or 'aiogram' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
