"""The addresses of the web chat, over a real loopback server."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
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
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 100
POST = {"session": SESSION, "id": "m1", "text": "когда привезут"}


class House:
    """An intake that stores nothing but remembers what it was given."""

    def __init__(self, **settings: Any) -> None:
        self.channel = WebChatChannel(
            WebChatSettings(allowed_origins=("https://optfm.ru",), **settings),
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
def settings() -> dict[str, Any]:
    """Settings of the chat besides its origins."""
    return {}


@pytest.fixture
def house(settings: dict[str, Any]) -> House:
    return House(**settings)


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


async def event_of(response: ClientResponse) -> dict[str, Any]:
    """Read one event; the retry line is passed over."""
    async with asyncio.timeout(5):
        while line := (await response.content.readline()).decode():
            if line.startswith("data: "):
                return dict(json.loads(line[6:]))
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
    assert config["maxLength"] == 2000
    assert "{{" not in html


async def test_a_site_is_told_whether_it_may_show_the_chat(client: TestClient[Any, Any]) -> None:
    for site, allowed in (("https://optfm.ru", True), ("https://evil.ru", False), (origin(client), True)):
        response = await client.get("/chat/web/config", headers={"Origin": site})
        told = await response.json()
        assert told["allowed"] is allowed
        assert ("title" in told) is allowed
        assert response.headers["Access-Control-Allow-Origin"] == "*"


async def test_the_address_without_a_slash_leads_to_the_page(client: TestClient[Any, Any]) -> None:
    response = await client.get("/chat/web?start=abc", allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (302, "web/?start=abc")


async def test_every_file_of_the_page_is_there_and_may_be_kept(client: TestClient[Any, Any]) -> None:
    html = await (await client.get("/chat/web/")).text()
    addresses = set(re.findall(r'(?:href|src)="(static/[^"]+)"', html))

    assert len(addresses) == 8
    for address in addresses:
        response = await client.get(f"/chat/web/{address}")
        assert response.status == 200
        assert "immutable" in response.headers["Cache-Control"]
        assert response.headers["Access-Control-Allow-Origin"] == "*"
    stale = await client.get("/chat/web/static/000000000000/panel.js")
    assert (stale.status, stale.headers["Cache-Control"]) == (200, "no-cache")


async def test_the_widget_is_one_script_that_any_site_may_load(client: TestClient[Any, Any]) -> None:
    response = await client.get("/chat/web/widget.js", headers={"Accept-Encoding": "identity"})
    assert (response.status, response.content_type) == (200, "text/javascript")
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Content-Encoding" not in response.headers
    packed = await client.get("/chat/web/widget.js", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert await packed.text() == await response.text()
    tag = {"If-None-Match": response.headers["ETag"]}
    assert (await client.get("/chat/web/widget.js", headers=tag)).status == 304


@pytest.mark.parametrize(
    "name", ["nothing.js", "index.html", "widget.js", "..%2Fpage.py", "%2e%2e%2fspec.py"]
)
async def test_no_other_file_is_served(client: TestClient[Any, Any], name: str) -> None:
    assert (await client.get(f"/chat/web/static/1/{name}")).status == 404


async def test_a_posted_message_is_taken_in_and_shown_again_after_a_reload(
    house: House, client: TestClient[Any, Any]
) -> None:
    response = await post(client, POST)
    arrived = int(NOW.timestamp() * 1000)
    assert (response.status, await response.json()) == (202, {"ok": True, "at": arrived})
    assert house.keys == [f"{SESSION}:m1"]

    stream = await client.get(f"/chat/web/events?session={SESSION}")
    history = await event_of(stream)
    assert [message["text"] for message in history["messages"]] == ["когда привезут"]
    stream.close()


async def test_what_the_house_did_not_take_is_not_shown_as_taken(
    house: House, client: TestClient[Any, Any]
) -> None:
    house.broken = True
    assert (await post(client, POST)).status == 503
    house.broken = False
    stream = await client.get(f"/chat/web/events?session={SESSION}")
    assert (await event_of(stream))["messages"] == []
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


async def test_an_answer_streams_to_the_page_and_is_told_again_to_who_returns(
    house: House, client: TestClient[Any, Any]
) -> None:
    stream = await client.get(f"/chat/web/events?session={SESSION}")
    assert stream.content_type == "text/event-stream"
    assert (stream.headers["X-Accel-Buffering"], stream.headers["Cache-Control"]) == ("no", "no-store")
    assert (await event_of(stream))["complete"] is True
    await house.channel.deliver(Rendered(chat=CHAT, text="<p>раз\u2028два</p>", plain="раз", key="101"))
    event = await event_of(stream)
    stream.close()

    assert (event["type"], event["id"], event["html"]) == ("message", "101", "<p>раз\u2028два</p>")
    again = await client.get(f"/chat/web/events?session={SESSION}")
    assert [message["id"] for message in (await event_of(again))["messages"]] == ["101"]
    again.close()


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


# -- limits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{"messages_per_minute": 6, "burst": 2}])
async def test_a_visitor_who_sends_too_much_is_asked_to_wait(
    house: House, client: TestClient[Any, Any]
) -> None:
    statuses = [(await post(client, {**POST, "id": f"m{number}"})).status for number in range(2)]
    refused = await post(client, {**POST, "id": "m3"})
    other = await post(client, {**POST, "session": "o" * 24})

    assert statuses == [202, 202]
    assert (refused.status, refused.headers["Retry-After"]) == (429, "10")
    assert await refused.json() == {"ok": False, "wait": 10}
    assert other.status == 202
    assert house.keys == [f"{SESSION}:m0", f"{SESSION}:m1", f"{'o' * 24}:m1"]


@pytest.mark.parametrize("settings", [{"address_per_minute": 8}])
async def test_one_address_has_a_limit_whoever_it_says_it_is(client: TestClient[Any, Any]) -> None:
    statuses = [(await post(client, {**POST, "session": f"{number}" * 24})).status for number in range(4)]
    assert statuses == [202, 202, 429, 429]
    streams = [await client.get(f"/chat/web/events?session={SESSION}") for _ in range(3)]
    assert [stream.status for stream in streams] == [200, 200, 429]
    for stream in streams:
        stream.close()


@pytest.mark.parametrize("settings", [{"messages_per_minute": 1, "burst": 1}])
async def test_a_strangers_page_cannot_use_up_what_a_visitor_may_send(client: TestClient[Any, Any]) -> None:
    for _ in range(3):
        assert (await post(client, POST, Origin="https://evil.ru")).status == 401
    assert (await post(client, POST)).status == 202


@pytest.mark.parametrize(
    "settings", [{"streams_per_session": 1}, {"streams_per_address": 1}, {"max_streams": 1}]
)
async def test_there_are_only_so_many_streams(client: TestClient[Any, Any]) -> None:
    first = await client.get(f"/chat/web/events?session={SESSION}")
    await event_of(first)
    second = await client.get(f"/chat/web/events?session={SESSION}")
    assert (second.status, second.headers["Retry-After"]) == (503, "5")
    first.close()


# -- files ---------------------------------------------------------------------------------------------------


async def upload(client: TestClient[Any, Any], content: bytes = PNG, **headers: str) -> ClientResponse:
    given = {
        "Origin": origin(client),
        "X-Chat-Session": SESSION,
        "X-Chat-Id": "f1",
        "X-Chat-Name": "%D1%87%D0%B5%D0%BA.png",
    }
    return await client.post("/chat/web/files", data=content, headers={**given, **headers})


async def test_files_are_off_unless_they_are_switched_on(client: TestClient[Any, Any]) -> None:
    assert (await upload(client)).status == 404
    assert (await (await client.get("/chat/web/config")).json())["files"] is None


@pytest.fixture
def with_files(settings: dict[str, Any], tmp_path: Path) -> None:
    settings |= {"uploads": True, "upload_dir": str(tmp_path), "upload_max_mb": 0.001}


@pytest.mark.usefixtures("with_files")
async def test_a_file_is_taken_in_and_shown_and_given_back_to_its_talk(
    house: House, client: TestClient[Any, Any]
) -> None:
    assert (await upload(client)).status == 202
    assert (await upload(client)).status == 202
    assert house.keys == [f"{SESSION}:f1"] * 2
    stream = await client.get(f"/chat/web/events?session={SESSION}")
    [seen] = (await event_of(stream))["messages"]
    stream.close()
    assert (seen["author"], seen["file"]["title"], seen["file"]["size"]) == ("visitor", "чек.png", len(PNG))

    address = f"/chat/web/files/{seen['file']['name']}"
    mine = await client.get(address, headers={"X-Chat-Session": SESSION})
    assert (mine.status, await mine.read()) == (200, PNG)
    assert mine.headers["Content-Type"] == "application/octet-stream"
    assert mine.headers["Content-Disposition"].startswith("attachment")
    assert mine.headers["X-Content-Type-Options"] == "nosniff"
    assert (await client.get(address, headers={"X-Chat-Session": "o" * 24})).status == 404
    assert (await client.get(address)).status == 400
    foreign = {"X-Chat-Session": SESSION, "Origin": "https://evil.ru"}
    assert (await client.get(address, headers=foreign)).status == 404


@pytest.mark.usefixtures("with_files")
async def test_refused_files_have_their_own_statuses(house: House, client: TestClient[Any, Any]) -> None:
    assert (await upload(client, b"<html>")).status == 415
    assert (await upload(client, PNG + b"x" * 2000)).status == 413
    assert (await upload(client, Origin="https://evil.ru")).status == 401
    assert (await upload(client, **{"X-Chat-Session": "short"})).status == 400
    assert (await upload(client, **{"X-Chat-Id": "a b"})).status == 400
    assert house.keys == []


@pytest.mark.usefixtures("with_files")
async def test_a_file_may_be_asked_about_from_an_allowed_site(client: TestClient[Any, Any]) -> None:
    response = await client.options("/chat/web/files", headers={"Origin": "https://optfm.ru"})
    assert response.headers["Access-Control-Allow-Origin"] == "https://optfm.ru"
    assert "x-chat-session" in response.headers["Access-Control-Allow-Headers"]
