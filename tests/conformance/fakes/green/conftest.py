"""Running fakes of both networks, and a plain HTTP client that speaks to them as a program would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import orjson
import pytest

from channels.testing.green_server import GreenServer, Instance, Pace

Raw = Callable[..., Awaitable[tuple[int, Any]]]
QUICK = Pace(poll=0.01, delay=0, retry=0.0005, restart=0.01)
VERBS = {"deleteNotification": "DELETE", "clearWebhooksQueue": "DELETE"}
POSTED = (
    "set", "send", "upload", "edit", "delete", "download", "getChatHistory", "getMessage", "read", "create",
    "update", "getGroup", "add", "remove", "leave", "check", "getContactInfo", "getAvatar", "start", "forward",
    "getAuthorizationCode",
)  # fmt: skip


def verb_of(method: str) -> str:
    if method in VERBS:
        return VERBS[method]
    if method in {"getMessagesCount", "updateApiToken"}:
        return "GET"
    return "POST" if method.startswith(POSTED) else "GET"


@pytest.fixture(params=["max"])
def network(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def server(network: str) -> AsyncIterator[GreenServer]:
    """A quick fake whose instance is logged in and listens to everything."""
    async with GreenServer(network=network, pace=QUICK) as running:
        running.instance.listen()
        yield running


@pytest.fixture
def green(server: GreenServer) -> Instance:
    return server.instance


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def raw(server: GreenServer, client: aiohttp.ClientSession) -> Raw:
    """Call a method of the first instance with a JSON body; gives the status and the JSON (or the text) that came."""

    async def call(method: str, *, tail: str = "", verb: str = "", **given: Any) -> tuple[int, Any]:
        one = server.instance
        url = f"{server.api_url}/waInstance{one.id}/{method}/{one.token}{tail}"
        verb = verb or verb_of(method)
        async with client.request(verb, url, json=given if verb == "POST" else None) as answer:
            text = await answer.text()
            try:
                return answer.status, orjson.loads(text)
            except orjson.JSONDecodeError:
                return answer.status, text

    return call
