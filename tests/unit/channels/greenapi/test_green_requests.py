"""What is asked of the gateway: settings only where they differ, and files under a name that shows what they are."""

from __future__ import annotations

from typing import Any

import pytest

from channels.greenapi.requests import difference, file_name, wanted_settings
from channels.greenapi.spec import GreenApiSettings
from channels.model import Media, MediaKind

GIVEN = {"api_url": "https://x.ru", "id_instance": "3100123456", "api_token_instance": "canary0123456789"}
SECRET = "canary-secret"


def settings(**changes: Any) -> GreenApiSettings:
    return GreenApiSettings.model_validate({**GIVEN, **changes})


def test_a_secret_that_is_never_shown_is_written_only_with_something_else() -> None:
    wanted = {"webhookUrl": "https://x.ru", "webhookUrlToken": SECRET}
    assert difference({"webhookUrl": "https://x.ru"}, wanted) == {}
    assert difference({"webhookUrl": ""}, wanted) == wanted
    assert difference({**wanted, "webhookUrlToken": "other"}, wanted) == {"webhookUrlToken": SECRET}


def test_a_setting_that_the_network_does_not_know_is_not_written() -> None:
    assert difference({"incomingWebhook": "no"}, {"incomingWebhook": "yes", "stateWebhook": "yes"}) == {
        "incomingWebhook": "yes"
    }


def test_a_number_equals_itself_as_text() -> None:
    name = "delaySendMessagesMilliseconds"
    assert difference({name: "500"}, {name: 500}) == {}


def test_polling_touches_no_address_and_asks_for_no_statuses() -> None:
    wanted = wanted_settings(settings())
    assert "webhookUrl" not in wanted
    assert "outgoingWebhook" not in wanted
    assert set(wanted.values()) == {"yes"}
    assert wanted_settings(settings(manage_settings=False)) == {}


def test_a_webhook_sets_its_address_even_where_the_rest_is_left_alone() -> None:
    pushed = settings(mode="webhook", webhook_secret=SECRET, manage_settings=False)
    assert wanted_settings(pushed, url="https://x.ru/w") == {
        "webhookUrl": "https://x.ru/w",
        "webhookUrlToken": SECRET,
    }


@pytest.mark.parametrize(
    ("about", "name"),
    [
        ({"name": "счёт.pdf"}, "счёт.pdf"),
        ({"name": "../../etc/счёт.pdf"}, "счёт.pdf"),
        ({"path": "/srv/price.xlsx"}, "price.xlsx"),
        ({"url": "https://x.ru/a/b%20c.png?x=1"}, "b c.png"),
        ({"name": "price", "mime": "application/pdf"}, "price.pdf"),
        ({"url": "https://x.ru/"}, "file.bin"),
        ({"kind": MediaKind.IMAGE, "url": "https://x.ru/photo"}, "photo.jpg"),
        ({"kind": MediaKind.AUDIO, "url": "https://x.ru/"}, "audio.mp3"),
    ],
)
def test_a_file_always_has_an_ending(about: dict[str, Any], name: str) -> None:
    assert file_name(Media(**{"kind": MediaKind.FILE, **about})) == name
