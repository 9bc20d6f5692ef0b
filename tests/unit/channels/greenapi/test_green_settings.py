"""What a person may write into the settings of a GREEN-API instance, and what it can do then."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from channels.capabilities import DialectName
from channels.contract import ChannelContext
from channels.greenapi.channel import GreenApiChannel
from channels.greenapi.spec import SPEC, GreenApiSettings, capabilities_of
from channels.registry import ChannelRegistry

GIVEN = {
    "api_url": "https://3100.api.example",
    "id_instance": "3100123456",
    "api_token_instance": "canary0123456789",
}


def settings(**changes: Any) -> GreenApiSettings:
    return GreenApiSettings.model_validate({**GIVEN, **changes})


def test_the_registry_knows_the_channel() -> None:
    assert ChannelRegistry.installed().spec("green_api") is SPEC


@pytest.mark.parametrize(
    ("given", "network", "base"),
    [
        ("https://x.example", "max", "https://x.example"),
        ("https://x.example/", "max", "https://x.example"),
        ("https://x.example/v3", "max", "https://x.example/v3"),
        ("https://x.example/v3/", "max", "https://x.example/v3"),
        ("https://x.example/v3/", "whatsapp", "https://x.example"),
    ],
)
def test_an_address_is_taken_in_every_form_in_which_it_is_pasted(given: str, network: str, base: str) -> None:
    made = settings(api_url=given, network=network)
    assert made.api_base == base
    assert made.media_base == base


def test_files_go_to_an_address_of_their_own_if_there_is_one() -> None:
    assert settings(media_url="https://media.example/").media_base == "https://media.example"


def test_an_instance_number_is_text_even_if_yaml_reads_a_number() -> None:
    assert settings(id_instance=310012345678).id_instance == "310012345678"


@pytest.mark.parametrize(
    "wrong",
    [
        {"id_instance": "31-00"},
        {"id_instance": True},
        {"api_token_instance": "two words"},
        {"api_url": "3100.api.example"},
        {"api_url": ""},
        {"api_url": "https://user:pass@x.example"},
        {"api_url": "https://x.example/waInstance3100123456"},
        {"mode": "webhook"},
        {"mode": "webhook", "webhook_secret": "short"},
        {"poll_timeout": 4},
        {"poll_timeout": 61},
        {"typing_time": 0.5},
        {"send_delay": 0.4},
        {"proxy": "proxy.example:3128"},
        {"partner_token": "gac.123456789"},
        {"unknown": 1},
    ],
)
def test_what_cannot_work_is_refused_without_showing_the_token(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(**wrong)
    assert "canary" not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    made = settings(webhook_secret="canary-secret")
    assert "canary" not in repr(made)
    assert "canary" not in made.model_dump_json()


def test_the_network_decides_what_an_instance_can_do() -> None:
    to_max, to_phones = capabilities_of(settings()), capabilities_of(settings(network="whatsapp"))
    assert (to_max.text_limit, to_max.dialect, to_max.typing) == (4000, DialectName.PLAIN, False)
    assert (to_phones.text_limit, to_phones.dialect, to_phones.typing) == (20_000, DialectName.WHATSAPP, True)
    assert to_max.buttons is None is to_phones.buttons
    assert to_max.reads_history
    assert to_phones.groups


def test_the_pace_follows_the_delay_between_messages() -> None:
    assert capabilities_of(settings()).rate.per_bot == 2.0
    assert capabilities_of(settings(network="whatsapp")).rate.per_bot == pytest.approx(1 / 3)
    assert capabilities_of(settings(send_delay=10)).rate.per_chat == pytest.approx(0.1)


def test_a_channel_says_what_its_own_network_can_do() -> None:
    context = ChannelContext(instance="green", clock=lambda: None)  # type: ignore[arg-type,return-value]
    channel = GreenApiChannel(settings(network="whatsapp"), context)
    assert channel.capabilities.text_limit == 20_000
    assert SPEC.capabilities == capabilities_of(settings())
