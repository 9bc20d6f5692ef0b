"""The addresses of the web chat, over a real loopback server."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from channels.contract import BotCommand, ChannelContext, WebhookRequest
from channels.errors import BadPayload, Unauthorized
from channels.model import ChatRef, Rendered
from channels.web.channel import WebChatChannel
from channels.web.spec import WebChatSettings

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SESSION = "s" * 24
CHAT = ChatRef(channel="web", chat_id=SESSION)
POST = {"session": SESSION, "id": "m1", "text": "когда привезут"}


class House:
    """An intake that stores nothing but remembers what it was given."""

    def __init__(self) -> None:
        self.channel = WebChatChannel(
            WebChatSettings(allowed_origins=("https://optfm.ru",)),
            ChannelContext(instance="web", clock=lambda: NOW),
        )
        self.keys: list[str] = []
        self.broken = False

    async def receive(self, request: WebhookRequest) -> int:
        if self.broken:
            return 503
        try:
            self.channel.authenticate(request)
            self.keys.extend(raw.key for raw in self.channel.split(request))
        except Unauthorized:
            return 401
        except BadPayload:
            return 400
        return 202

    def starters(self) -> Sequence[str]:
        return ['Сколько "стоит" <доставка>?', *(f"Вопрос {n}?" for n in range(20))]


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def client(house: House) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = web.Application()
    app.add_routes(house.channel.routes(house.receive, title="OptFM <b>", starters=house.starters))
    async with TestClient(TestServer(app)) as client:
        yield client
        await house.channel.close()


def origin(client: TestClient[Any, Any]) -> str:
    return f"http://{client.host}:{client.port}"


async def post(client: TestClient[Any, Any], payload: object, **headers: str) -> ClientResponse:
    return await client.post(
        "/chat/web/messages", json=payload, headers={"Origin": origin(client), **headers}
    )


async def event_of(response: ClientResponse) -> tuple[str, dict[str, Any]]:
    """Read one event; comments and the retry line are passed over."""
    async with asyncio.timeout(5):
        identity = ""
        while line := (await response.content.readline()).decode():
            if line.startswith("id: "):
                identity = line[4:].strip()
            elif line.startswith("data: "):
                return identity, json.loads(line[6:])
    raise AssertionError("the stream ended")


async def test_the_page_is_locked_down(client: TestClient[Any, Any]) -> None:
    response = await client.get("/chat/web/")
    html = await response.text()

    assert (response.status, response.content_type) == (200, "text/html")
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'self' https://optfm.ru" in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "<script>" not in html
    assert not re.search(r"\son[a-z]+=|\sstyle=|https?://(?!www\.w3\.org)", html)


async def test_the_page_carries_its_settings_as_data(house: House, client: TestClient[Any, Any]) -> None:
    await house.channel.publish_commands({"ru": [BotCommand(name="faq", description="Все темы")]})
    html = await (await client.get("/chat/web/")).text()
    match = re.search(r'data-chat="([^"]*)"', html)
    assert match is not None
    config = json.loads(unescape(match[1]))

    assert "<title>OptFM &lt;b&gt;</title>" in html
    assert config["instance"] == "web"
    assert config["starters"][0] == 'Сколько "стоит" <доставка>?'
    assert len(config["starters"]) == 6
    assert config["commands"] == ["faq"]
    assert 'maxlength="2000"' in html
    assert "{{" not in html


async def test_the_address_without_a_slash_leads_to_the_page(client: TestClient[Any, Any]) -> None:
    response = await client.get("/chat/web?start=abc", allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (302, "web/?start=abc")


async def test_every_file_of_the_page_is_there_and_may_be_kept(client: TestClient[Any, Any]) -> None:
    html = await (await client.get("/chat/web/")).text()
    addresses = re.findall(r'(?:href|src)="(static/[^"]+)"', html)

    assert len(addresses) == 3
    for address in addresses:
        response = await client.get(f"/chat/web/{address}")
        assert response.status == 200
        assert "immutable" in response.headers["Cache-Control"]
    stale = await client.get("/chat/web/static/chat.js?v=old")
    assert stale.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["nothing.js", "index.html", "..%2Fpage.py", "%2e%2e%2fspec.py"])
async def test_no_other_file_is_served(client: TestClient[Any, Any], name: str) -> None:
    assert (await client.get(f"/chat/web/static/{name}")).status == 404


async def test_a_posted_message_is_taken_in_and_shown_again_after_a_reload(
    house: House, client: TestClient[Any, Any]
) -> None:
    response = await post(client, POST)
    assert (response.status, await response.json()) == (202, {"ok": True})
    assert house.keys == [f"{SESSION}:m1"]

    stream = await client.get(f"/chat/web/events?session={SESSION}")
    _, history = await event_of(stream)
    assert [message["text"] for message in history["messages"]] == ["когда привезут"]
    stream.close()


async def test_what_the_house_did_not_take_is_not_shown_as_taken(
    house: House, client: TestClient[Any, Any]
) -> None:
    house.broken = True
    assert (await post(client, POST)).status == 503
    house.broken = False
    stream = await client.get(f"/chat/web/events?session={SESSION}")
    assert (await event_of(stream))[1]["messages"] == []
    stream.close()


async def test_refusals_have_their_own_statuses(client: TestClient[Any, Any]) -> None:
    assert (await post(client, {"session": "x"})).status == 400
    assert (await post(client, POST, Origin="https://evil.ru")).status == 401
    assert (await post(client, {"session": SESSION, "id": "m1", "text": "x" * 200_000})).status == 413
    form = await client.post("/chat/web/messages", data=b"{}", headers={"Content-Type": "text/plain"})
    assert form.status == 415


async def test_a_body_that_grows_over_the_limit_is_cut_off(client: TestClient[Any, Any]) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 16_384

    headers = {"Content-Type": "application/json", "Origin": origin(client)}
    response = await client.post("/chat/web/messages", data=endless(), headers=headers)
    assert response.status == 413


async def test_an_allowed_site_may_ask_and_read_and_another_may_not(client: TestClient[Any, Any]) -> None:
    for site, allowed in (("https://optfm.ru", True), ("https://evil.ru", False)):
        response = await client.options("/chat/web/messages", headers={"Origin": site})
        assert (response.headers.get("Access-Control-Allow-Origin") == site) is allowed
    stream = await client.get(f"/chat/web/events?session={SESSION}", headers={"Origin": "https://optfm.ru"})
    assert stream.headers["Access-Control-Allow-Origin"] == "https://optfm.ru"
    stream.close()
    refused = await client.get(f"/chat/web/events?session={SESSION}", headers={"Origin": "https://evil.ru"})
    assert refused.status == 401


async def test_an_answer_streams_to_the_page_and_resumes_by_its_id(
    house: House, client: TestClient[Any, Any]
) -> None:
    stream = await client.get(f"/chat/web/events?session={SESSION}")
    assert stream.content_type == "text/event-stream"
    assert (stream.headers["X-Accel-Buffering"], stream.headers["Cache-Control"]) == ("no", "no-store")
    await event_of(stream)
    await house.channel.deliver(Rendered(chat=CHAT, text="<p>раз\u2028два</p>", plain="раз"))
    identity, event = await event_of(stream)
    stream.close()
    await house.channel.deliver(Rendered(chat=CHAT, text="<p>три</p>", plain="три"))

    assert (event["type"], event["html"]) == ("message", "<p>раз\u2028два</p>")
    for resumed in (
        await client.get(f"/chat/web/events?session={SESSION}", headers={"Last-Event-ID": identity}),
        await client.get(f"/chat/web/events?session={SESSION}&after={identity}"),
    ):
        _, history = await event_of(resumed)
        assert [message["html"] for message in history["messages"]] == ["<p>три</p>"]
        resumed.close()


async def test_a_bad_session_and_a_closed_channel_have_no_stream(
    house: House, client: TestClient[Any, Any]
) -> None:
    assert (await client.get("/chat/web/events?session=short")).status == 400
    assert (await client.get("/chat/web/events")).status == 400
    await house.channel.close()
    refused = await client.get(f"/chat/web/events?session={SESSION}")
    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")


async def test_closing_the_channel_ends_its_streams(house: House, client: TestClient[Any, Any]) -> None:
    stream = await client.get(f"/chat/web/events?session={SESSION}")
    await event_of(stream)
    await house.channel.close()
    async with asyncio.timeout(5):
        assert (await stream.content.read()).strip() == b""
