"""The socket of the web chat, over a real loopback server: the same events as the stream, and messages back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError, web
from aiohttp.test_utils import TestClient, TestServer

from channels.contract import WebhookRequest
from channels.errors import BadPayload, Unauthorized
from channels.model import ChatRef, Rendered
from channels.web import streams
from channels.web.channel import WebChatChannel

SESSION = "s" * 24
CHAT = ChatRef(channel="web", chat_id=SESSION)


class House:
    """An intake that keeps keys, each once, like an inbox; `status` is what it answers instead while it is set."""

    def __init__(self, channel: WebChatChannel) -> None:
        self.channel = channel
        self.keys: list[str] = []
        self.status = 0

    async def receive(self, request: WebhookRequest) -> int:
        if self.status:
            return self.status
        try:
            self.channel.authenticate(request)
            self.keys += [raw.key for raw in self.channel.split(request) if raw.key not in self.keys]
        except Unauthorized:
            return 401
        except BadPayload:
            return 400
        return 200


@pytest.fixture
def settings() -> dict[str, Any]:
    return {}


@pytest.fixture
def house(make: Callable[..., WebChatChannel], settings: dict[str, Any]) -> House:
    return House(make(allowed_origins=("https://optfm.ru",), **settings))


@pytest.fixture
async def client(house: House) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = web.Application()
    app.add_routes(house.channel.routes(house.receive, title="OptFM", starters=tuple))
    async with TestClient(TestServer(app)) as client:
        yield client
        await house.channel.close()


async def socket(client: TestClient[Any, Any], origin: str = "https://optfm.ru") -> ClientWebSocketResponse:
    return await client.ws_connect("/chat/web/socket", headers={"Origin": origin})


async def connected(client: TestClient[Any, Any], session: str = SESSION) -> ClientWebSocketResponse:
    """A socket that has said hello and heard the history."""
    opened = await socket(client)
    await opened.send_json({"type": "hello", "session": session})
    assert (await told(opened))["type"] == "history"
    return opened


async def told(opened: ClientWebSocketResponse) -> dict[str, Any]:
    async with asyncio.timeout(5):
        message = await opened.receive()
    assert message.type is WSMsgType.TEXT, message
    return dict(json.loads(message.data))


async def closed(opened: ClientWebSocketResponse) -> int | None:
    async with asyncio.timeout(5):
        message = await opened.receive()
    assert message.type is WSMsgType.CLOSE, message
    return opened.close_code


async def accepted(opened: ClientWebSocketResponse) -> dict[str, Any]:
    while (event := await told(opened))["type"] != "accepted":
        pass
    return event


async def test_a_message_is_acknowledged_when_the_house_has_it_and_shown_in_every_tab(
    house: House, client: TestClient[Any, Any]
) -> None:
    first, second = await connected(client), await connected(client)
    await first.send_json({"type": "send", "id": "m1", "text": "когда привезут", "lang": "ru"})
    answer = await accepted(first)
    seen = await told(second)

    assert (answer["id"], answer["status"], answer["ok"]) == ("m1", 200, True)
    assert house.keys == [f"{SESSION}:m1"]
    assert (seen["type"], seen["id"], seen["text"], seen["at"]) == (
        "message",
        "m1",
        "когда привезут",
        answer["at"],
    )


async def test_the_same_message_again_is_acknowledged_and_shown_once(
    house: House, client: TestClient[Any, Any]
) -> None:
    for _ in range(2):
        opened = await connected(client)
        await opened.send_json({"type": "send", "id": "m1", "text": "раз"})
        assert (await accepted(opened))["status"] == 200
        await opened.close()
    again = await socket(client)
    await again.send_json({"type": "hello", "session": SESSION})

    assert [message["id"] for message in (await told(again))["messages"]] == ["m1"]
    assert house.keys == [f"{SESSION}:m1"]


@pytest.mark.parametrize("status", [503, 500, 400])
async def test_what_the_house_did_not_take_is_not_acknowledged_and_not_shown(
    house: House, client: TestClient[Any, Any], status: int
) -> None:
    house.status = status
    opened = await connected(client)
    await opened.send_json({"type": "send", "id": "m1", "text": "раз"})
    assert await told(opened) == {"type": "accepted", "id": "m1", "status": status, "ok": False}
    house.status = 0
    await opened.send_json({"type": "send", "id": "m1", "text": "раз"})
    assert (await accepted(opened))["ok"] is True


async def test_an_answer_and_the_dots_reach_the_socket(house: House, client: TestClient[Any, Any]) -> None:
    opened = await connected(client)
    await house.channel.typing(CHAT)
    assert await told(opened) == {"type": "typing"}
    await house.channel.deliver(Rendered(chat=CHAT, text="<p>да</p>", plain="да", key="101"))
    seen = await told(opened)
    assert (seen["type"], seen["id"], seen["html"]) == ("message", "101", "<p>да</p>")


async def test_a_page_may_ask_whether_we_are_there(client: TestClient[Any, Any]) -> None:
    opened = await connected(client)
    await opened.send_json({"type": "ping"})
    assert await told(opened) == {"type": "pong"}


async def test_messages_of_one_socket_stay_in_order(house: House, client: TestClient[Any, Any]) -> None:
    opened = await connected(client)
    for number in range(8):
        await opened.send_json({"type": "send", "id": f"m{number}", "text": str(number)})
    answers = [(await accepted(opened))["id"] for _ in range(8)]
    assert answers == [f"m{number}" for number in range(8)]
    assert house.keys == [f"{SESSION}:m{number}" for number in range(8)]


@pytest.mark.parametrize("origin", ["https://evil.ru", "null", ""])
async def test_a_strangers_page_gets_no_socket(client: TestClient[Any, Any], origin: str) -> None:
    with pytest.raises(WSServerHandshakeError) as caught:
        await socket(client, origin)
    assert caught.value.status == 401


async def test_a_program_on_this_machine_needs_no_origin(client: TestClient[Any, Any]) -> None:
    opened = await client.ws_connect("/chat/web/socket")
    await opened.send_json({"type": "hello", "session": SESSION})
    assert (await told(opened))["type"] == "history"
    with pytest.raises(WSServerHandshakeError):
        await client.ws_connect("/chat/web/socket", headers={"Host": "bot.example.ru"})


@pytest.mark.parametrize(
    "first",
    [
        "",
        "{",
        '{"type":"ping"}',
        '{"type":"hello","session":"short"}',
        '{"type":"send","id":"m1","text":"x"}',
    ],
)
async def test_a_socket_begins_with_a_hello(client: TestClient[Any, Any], first: str) -> None:
    opened = await socket(client)
    await opened.send_str(first)
    assert await closed(opened) == 1008


async def test_a_socket_that_says_nothing_is_closed(
    client: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HELLO_SECONDS", 0.01)
    assert await closed(await socket(client)) == 1008


async def test_nonsense_in_the_middle_closes_the_socket_and_nothing_else(
    house: House, client: TestClient[Any, Any]
) -> None:
    good, bad = await connected(client), await connected(client)
    await bad.send_bytes(b"\\x00")
    assert await closed(bad) == 1008
    huge = await connected(client)
    await huge.send_str(json.dumps({"type": "send", "id": "m1", "text": "x" * 70_000}))
    assert await closed(huge) == 1009
    await good.send_json({"type": "send", "id": "m2", "text": "раз"})
    assert (await accepted(good))["ok"] is True
    assert house.keys == [f"{SESSION}:m2"]


async def test_a_message_for_another_talk_is_not_taken(house: House, client: TestClient[Any, Any]) -> None:
    opened = await connected(client)
    await opened.send_json({"type": "send", "id": "m1", "text": "x", "session": "o" * 24})
    assert await closed(opened) == 1008
    assert house.keys == []


@pytest.mark.parametrize("settings", [{"messages_per_minute": 6, "burst": 1}])
async def test_too_many_messages_are_refused_with_a_time_to_wait(client: TestClient[Any, Any]) -> None:
    opened = await connected(client)
    for name in ("m1", "m2"):
        await opened.send_json({"type": "send", "id": name, "text": "раз"})
    await accepted(opened)
    assert await accepted(opened) == {"type": "accepted", "id": "m2", "status": 429, "ok": False, "wait": 10}


@pytest.mark.parametrize("settings", [{"streams_per_session": 1}])
async def test_one_visitor_has_only_so_many_sockets(client: TestClient[Any, Any]) -> None:
    first = await connected(client)
    second = await socket(client)
    await second.send_json({"type": "hello", "session": SESSION})
    assert await closed(second) == 4429
    await first.close()


@pytest.mark.parametrize("settings", [{"streams_per_address": 1}, {"max_streams": 1}])
async def test_a_socket_without_a_hello_takes_a_place_too(client: TestClient[Any, Any]) -> None:
    first = await socket(client)
    with pytest.raises(WSServerHandshakeError) as caught:
        await socket(client)
    assert caught.value.status == 503
    await first.close()


async def test_closing_the_channel_says_goodbye_and_leaves_no_task(
    house: House, client: TestClient[Any, Any]
) -> None:
    opened = await connected(client)
    await house.channel.close()
    assert await closed(opened) == 1012
    await opened.close()
    assert house.channel.sessions.streams == 0


@pytest.mark.parametrize("settings", [{"max_streams": 1}])
async def test_a_page_that_goes_away_gives_its_place_back(client: TestClient[Any, Any]) -> None:
    await (await connected(client)).close()
    again = None
    async with asyncio.timeout(5):
        while again is None:
            with suppress(WSServerHandshakeError):
                again = await connected(client)
    await again.close()


async def test_a_broken_record_does_not_break_the_socket(
    house: House, client: TestClient[Any, Any], record: Any
) -> None:
    record.broken = True
    opened = await socket(client)
    await opened.send_json({"type": "hello", "session": SESSION})
    assert await told(opened) == {"type": "history", "messages": [], "complete": False}
    await opened.send_json({"type": "send", "id": "m1", "text": "раз"})
    assert (await accepted(opened))["ok"] is True
