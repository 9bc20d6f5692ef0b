"""Every fake can be loaded, followed and read back, and shares its webhook requests among processes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from channels.testing.balancer import Balancer
from channels.testing.green_server.instance import Pace
from channels.testing.green_server.server import GreenServer
from channels.testing.max_server import MaxServer
from channels.testing.telegram_server import TelegramServer

Server = TelegramServer | MaxServer | GreenServer
MAKERS: dict[str, Callable[[], Server]] = {
    "telegram": lambda: TelegramServer(retry_scale=0.01, set_webhook_interval=0.0),
    "max": lambda: MaxServer(retry_scale=0.0001),
    "green": lambda: GreenServer(pace=Pace(delay=0.0, restart=0.0, retry=0.0001)),
}
FIRST = 20_000_000


@pytest.fixture(params=MAKERS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def server(kind: str) -> AsyncIterator[Server]:
    async with MAKERS[kind]() as running:
        if isinstance(running, GreenServer):
            running.instance.listen()
        yield running


@pytest.fixture
async def control(server: Server) -> AsyncIterator[Callable[..., Any]]:
    """Give a command over HTTP, as another process would."""
    base = f"http://{server.host}:{server.port}/_control"
    async with aiohttp.ClientSession() as session:

        async def do(command: str, **fields: Any) -> dict[str, Any]:
            async with session.post(f"{base}/{command}", json=fields) as answer:
                found: dict[str, Any] = await answer.json()
                assert answer.status == 200, found
                return found

        yield do


async def says(server: Server, words: str, chat: int) -> None:
    """The bot sends a message, over HTTP as any bot."""
    async with aiohttp.ClientSession() as session:
        match server:
            case TelegramServer():
                url, given = (
                    f"{server.base_url}/bot{server.token}/sendMessage",
                    {"chat_id": chat, "text": words},
                )
                request = session.post(url, json=given)
            case MaxServer():
                headers = {"Authorization": server.token}
                url = f"{server.base_url}/messages?chat_id={chat}"
                request = session.post(url, json={"text": words}, headers=headers)
            case GreenServer():
                one = server.instance
                url = f"{server.api_url}/waInstance{one.id}/sendMessage/{one.token}"
                request = session.post(url, json={"chatId": str(chat), "message": words})
        async with request as answer:
            assert answer.status == 200, await answer.text()


async def test_a_load_is_followed_and_read_back(server: Server, control: Callable[..., Any]) -> None:
    await control("burst", messages=3, chats=2, texts=["one", "two"], first_chat=FIRST)
    for number, words in enumerate(("first", "second")):
        await says(server, words, FIRST + number)
    counts = await control("counts")
    assert counts.pop("pending") >= 3  # GREEN-API tells of sent messages too
    assert counts == {"sent": 2, "offered": 3, "in_flight": 0, "load_running": False}
    times = (await control("offered"))["at"]
    assert times == sorted(times)
    assert len((await control("offered", since=2))["at"]) == 1
    (seq, *first), second = (await control("answers"))["answers"]
    assert first[:2] == [str(FIRST), "first"]
    assert times[-1] <= first[2] <= second[3]
    assert [one[2] for one in (await control("answers", since=seq))["answers"]] == ["second"]
    await control("reset")
    assert await control("offered") == {"at": []}


async def test_a_rate_can_be_hushed(server: Server, control: Callable[..., Any]) -> None:
    await control("rate", per_second=10, seconds=1000, chats=1, texts=["hello"], first_chat=FIRST)
    assert (await control("counts"))["load_running"] is True
    await control("hush")
    await server.wait(lambda: not server.load.running)
    written = (await control("counts"))["offered"]
    assert 0 < written < 10


async def test_webhook_requests_go_to_the_processes_in_turn(
    server: Server, control: Callable[..., Any]
) -> None:
    heard: list[list[str]] = [[], []]
    async with AsyncExitStack() as stack:
        addresses = []
        for mine in heard:

            async def take(request: web.Request, mine: list[str] = mine) -> web.Response:
                mine.append(request.path)
                return web.Response()

            app = web.Application()
            app.router.add_post("/hook", take)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            addresses.append("http://{}:{}".format(*runner.addresses[0][:2]))
        await control("balance", processes=addresses)
        url = "http://127.0.0.1:9/hook"  # where nobody listens: only the processes behind it do
        match server:
            case TelegramServer():
                await says_of(server, "setWebhook", {"url": url})
            case MaxServer():
                await subscribed(server, url)
            case GreenServer():
                server.instance.configure(webhookUrl=url)
        await control("burst", messages=6, chats=6, texts=["hello"], first_chat=FIRST)
        await server.wait(lambda: sum(map(len, heard)) >= 6)
    assert [len(mine) for mine in heard] == [3, 3]
    assert {path for mine in heard for path in mine} == {"/hook"}


async def says_of(server: TelegramServer, method: str, given: dict[str, Any]) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{server.base_url}/bot{server.token}/{method}", json=given) as answer,
    ):
        assert answer.status == 200, await answer.text()


async def subscribed(server: MaxServer, url: str) -> None:
    headers = {"Authorization": server.token}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{server.base_url}/subscriptions", json={"url": url}, headers=headers) as answer,
    ):
        assert answer.status == 200, await answer.text()


def test_a_balancer_without_processes_changes_nothing() -> None:
    balancer = Balancer()
    assert balancer.place("http://a:1/hook?x=1") == "http://a:1/hook?x=1"
    balancer.share(["http://b:2/", "http://c:3"])
    places = [balancer.place("http://a:1/hook?x=1") for _ in range(4)]
    assert sorted(places) == 2 * ["http://b:2/hook?x=1"] + 2 * ["http://c:3/hook?x=1"]
    assert places[:2] == places[2:]
    balancer.share([])
    assert balancer.place("http://a:1/hook") == "http://a:1/hook"


@pytest.mark.parametrize("address", ["127.0.0.1:8081", "ftp://a", ""])
def test_a_balancer_refuses_what_is_no_address(address: str) -> None:
    with pytest.raises(ValueError, match="an address like"):
        Balancer().share([address])
