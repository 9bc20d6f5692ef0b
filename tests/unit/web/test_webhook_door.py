"""The door for pushes: what is stored, what is parked, what is refused, and what the platform hears of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import orjson
import pytest

from channels.capabilities import Capabilities
from channels.contract import (
    Channel,
    ChannelContext,
    ChannelSettings,
    ChannelSpec,
    Pages,
    Transport,
    Webhook,
    WebhookRequest,
)
from channels.errors import BadPayload, Unauthorized
from channels.model import Inbound, RawUpdate, Receipt, Rendered
from optfm_bot.dispatch.intake import encoded
from optfm_bot.errors import StoreUnavailable
from optfm_bot.web.webhooks import WebhookDoor, unreadable

RIGHT = {"secret": "right"}


class Pushed(Channel, Webhook):
    """Takes JSON with a key from who knows the secret."""

    spec: ClassVar[ChannelSpec] = ChannelSpec(
        kind="pushed",
        title="Pushed",
        settings=ChannelSettings,
        capabilities=Capabilities(text_limit=100),
        factory="",
        transports=frozenset({Transport.WEBHOOK}),
    )

    def parse(self, raw: RawUpdate) -> Sequence[Inbound]:
        raise NotImplementedError

    async def deliver(self, message: Rendered) -> Receipt:
        raise NotImplementedError

    def authenticate(self, request: WebhookRequest) -> None:
        if request.headers.get("secret") != "right":
            raise Unauthorized

    def split(self, request: WebhookRequest) -> Sequence[RawUpdate]:
        try:
            return [RawUpdate(key=orjson.loads(request.body)["key"], lane="l", payload={})]
        except (ValueError, KeyError, TypeError):
            raise BadPayload("nobody can read this") from None


class Page(Pushed, Pages):
    """The same, posted by anybody from a page of ours."""

    def routes(self, *args: Any, **options: Any) -> Sequence[Any]:
        return ()


class House:
    """Stands for the intake and the observer."""

    def __init__(self) -> None:
        self.stored: list[RawUpdate] = []
        self.refusals: list[str] = []
        self.down = False

    async def receive(self, _channel: str, updates: Sequence[RawUpdate]) -> int:
        if self.down:
            raise StoreUnavailable
        self.stored += updates
        return len(updates)

    def refused(self, _channel: str, reason: str) -> None:
        self.refusals.append(reason)


@pytest.fixture
def house() -> House:
    return House()


def door(house: House, kind: type[Pushed] = Pushed) -> WebhookDoor:
    context = ChannelContext(instance="p", clock=lambda: datetime(2026, 11, 21, tzinfo=UTC))
    return WebhookDoor(kind(ChannelSettings(), context), house, house)  # type: ignore[arg-type] - doubles with the same calls


async def test_what_is_understood_is_stored_and_only_then_acknowledged(house: House) -> None:
    assert await door(house).receive(WebhookRequest(headers=RIGHT, body=b'{"key":"1"}')) == 200
    assert [update.key for update in house.stored] == ["1"]
    house.down = True
    assert await door(house).receive(WebhookRequest(headers=RIGHT, body=b'{"key":"2"}')) == 503


async def test_a_wrong_secret_stores_nothing(house: House) -> None:
    assert await door(house).receive(WebhookRequest(headers={}, body=b'{"key":"1"}')) == 401
    assert (house.stored, house.refusals) == ([], ["bad_secret"])


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe\x00", b'{"no":"key"}', b"[" * 5000])
async def test_what_a_platform_pushes_and_nobody_can_read_is_kept_for_an_operator(
    house: House, body: bytes
) -> None:
    """Refused, it would come again for hours; a gateway that keeps order would send nothing else meanwhile."""
    for _ in range(2):
        assert await door(house).receive(WebhookRequest(headers=RIGHT, body=body)) == 200

    first, again = house.stored
    assert first.key == again.key, "repeated by the platform, it is the same update"
    assert house.refusals == ["malformed", "malformed"]
    with pytest.raises(orjson.JSONDecodeError):  # so its turn parks it
        orjson.loads(encoded(first.payload))


async def test_what_anybody_may_post_to_a_page_is_refused_when_nobody_can_read_it(house: House) -> None:
    assert await door(house, Page).receive(WebhookRequest(headers=RIGHT, body=b"{")) == 400
    assert (house.stored, house.refusals) == ([], ["malformed"])


def test_two_unreadable_bodies_are_two_updates() -> None:
    assert unreadable("p", b"a").key != unreadable("p", b"b").key
    assert b"secret-looking bytes" not in repr(unreadable("p", b"secret-looking bytes")).encode()
