"""A strict local gateway, channels connected to it, and a clock that a test may advance."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.contract import ChannelContext
from channels.greenapi.channel import GreenApiChannel
from channels.greenapi.spec import GreenApiSettings
from channels.testing.green_server import GreenServer, Pace

CANARY = "canary0123456789abcdef"
QUICK = Pace(poll=0.01, delay=0.0, retry=0.01, restart=0.02)


class Clock:
    """The time of day, and as much later as a test wants."""

    def __init__(self) -> None:
        self.later = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.later


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server() -> AsyncIterator[GreenServer]:
    async with GreenServer(network="max", token=CANARY, pace=QUICK, separate_media=True) as running:
        running.instance.listen()
        running.instance.configure(outgoingWebhook="no", outgoingAPIMessageWebhook="no")
        yield running


@pytest.fixture
async def phones() -> AsyncIterator[GreenServer]:
    async with GreenServer(network="whatsapp", token=CANARY, pace=QUICK) as running:
        running.instance.listen()
        running.instance.configure(outgoingWebhook="no", outgoingAPIMessageWebhook="no")
        yield running


@pytest.fixture
async def connect(clock: Clock) -> AsyncIterator[Callable[..., GreenApiChannel]]:
    """Make channels; all of them are closed after the test."""
    made: list[GreenApiChannel] = []

    def make(server: GreenServer, **settings: Any) -> GreenApiChannel:
        instance = server.instance
        given = {
            "network": instance.network,
            "api_url": server.api_url,
            "media_url": server.media_url,
            "id_instance": instance.id,
            "api_token_instance": instance.token,
            "poll_timeout": 5,
            **settings,
        }
        context = ChannelContext(instance="green", clock=clock)
        made.append(GreenApiChannel(GreenApiSettings.model_validate(given), context))
        made[-1]._breath = 0.0
        return made[-1]

    yield make
    for channel in made:
        await channel.close()
