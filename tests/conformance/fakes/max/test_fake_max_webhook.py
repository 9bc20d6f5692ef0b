"""Updates by webhook: one at a time to every subscription, again and again until somebody says exactly 200."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from channels.testing.max_server import MaxServer
from channels.testing.max_server.webhook import FIRST_DELAY, GROWTH, MOST_RETRIES, PATIENCE

Call = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]
Handler = Callable[[web.Request], Awaitable[web.Response]]
Hook = Callable[[Handler], Awaitable[str]]
SECRET = "s3cret_Token-1"


class Bot:
    """Writes down what it is pushed; answers what `answers` say, then 200."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.texts: list[str] = []
        self.headers: list[str | None] = []

    async def handle(self, request: web.Request) -> web.Response:
        update = await request.json()
        self.texts.append(update["message"]["body"]["text"])
        self.headers.append(request.headers.get("X-Max-Bot-Api-Secret"))
        status = self.answers.pop(0) if self.answers else 200
        return web.Response(status=status, headers={"Location": "/x"} if status == 302 else {})


async def test_every_update_comes_alone_with_the_secret_verbatim(
    server: MaxServer, call: Call, hook: Hook
) -> None:
    bot = Bot()
    url = await hook(bot.handle)
    server.push.text("before", chat=1)
    assert await call("POST /subscriptions", {"url": url, "secret": SECRET}) == (200, {"success": True})
    server.load.burst(20, chats=4, texts=["после"])
    await server.wait(lambda: server.pending == 0)
    assert sorted(bot.texts) == ["before", *["после"] * 20]
    assert set(bot.headers) == {SECRET}
    assert server.pusher.counts == {"attempts": 21, "accepted": 21}


async def test_without_a_secret_there_is_no_header(server: MaxServer, call: Call, hook: Hook) -> None:
    bot = Bot()
    await call("POST /subscriptions", {"url": await hook(bot.handle)})
    server.load.burst(1)
    await server.wait(lambda: server.pending == 0)
    assert bot.headers == [None]


@pytest.mark.parametrize("status", [201, 204, 302, 400, 403, 500])
async def test_nothing_but_200_counts(server: MaxServer, call: Call, hook: Hook, status: int) -> None:
    bot = Bot(status, status)
    await call("POST /subscriptions", {"url": await hook(bot.handle)})
    server.load.burst(1, texts=["x"])
    await server.wait(lambda: server.pending == 0)
    assert bot.texts == ["x", "x", "x"]
    assert server.pusher.counts[f"status_{status}"] == 2


async def test_two_subscriptions_double_every_update_until_one_is_deleted(
    server: MaxServer, call: Call, hook: Hook
) -> None:
    first, second = Bot(), Bot()
    urls = [await hook(first.handle), await hook(second.handle)]
    for url in urls:
        await call("POST /subscriptions", {"url": url, "secret": SECRET})
    server.load.burst(1, texts=["1"])
    await server.wait(lambda: server.pending == 0)
    assert (first.texts, second.texts) == (["1"], ["1"])
    shown = (await call("GET /subscriptions"))[1]["subscriptions"]
    assert [one["url"] for one in shown] == urls
    assert all(one.keys() == {"url", "time", "update_types"} for one in shown)
    assert await call("DELETE /subscriptions", url=urls[0]) == (200, {"success": True})
    assert (await call("DELETE /subscriptions", url=urls[0]))[1]["success"] is False
    server.load.burst(1, texts=["2"])
    await server.wait(lambda: server.pending == 0)
    assert (first.texts, second.texts) == (["1"], ["1", "2"])


async def test_the_same_address_again_replaces_its_secret(server: MaxServer, call: Call, hook: Hook) -> None:
    bot = Bot()
    url = await hook(bot.handle)
    for secret in ("first-secret", "second-secret"):
        await call("POST /subscriptions", {"url": url, "secret": secret})
    server.load.burst(1)
    await server.wait(lambda: server.pending == 0)
    assert bot.headers == ["second-secret"]


async def test_only_the_wanted_types_come(server: MaxServer, call: Call, hook: Hook) -> None:
    bot = Bot()
    await call("POST /subscriptions", {"url": await hook(bot.handle), "update_types": ["message_created"]})
    server.push.started(chat=1)
    server.push.text("x", chat=1)
    await server.wait(lambda: server.pending == 0)
    assert bot.texts == ["x"]


async def test_updates_come_at_the_same_time_and_wait_for_nobody(
    server: MaxServer, call: Call, hook: Hook
) -> None:
    release = asyncio.Event()
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((await request.json())["message"]["body"]["text"])
        await release.wait()
        return web.Response()

    server.pusher.connections = 3
    await call("POST /subscriptions", {"url": await hook(handler)})
    server.load.burst(5, chats=1, texts=["1", "2", "3", "4", "5"])
    await server.wait(lambda: len(seen) == 3)
    release.set()
    await server.wait(lambda: server.pending == 0)
    assert sorted(seen) == ["1", "2", "3", "4", "5"]
    assert server.pusher.most_connections == 3


async def test_a_slow_answer_is_a_failed_one(call: Call, hook: Hook) -> None:
    attempts: list[int] = []

    async def handler(request: web.Request) -> web.Response:
        attempts.append(1)
        if len(attempts) == 1:
            await asyncio.Event().wait()
        return web.Response()

    async with MaxServer(read_timeout=0.05, retry_scale=0.0001) as server:
        server.feed.subscribe({"url": await hook(handler)})
        server.load.burst(1)
        await server.wait(lambda: server.pending == 0)
        assert server.pusher.counts["timeouts"] == 1


def test_the_waits_are_those_of_the_documentation() -> None:
    waits = [FIRST_DELAY * GROWTH**number for number in range(3)]
    assert (waits, MOST_RETRIES, PATIENCE) == ([60, 150, 375], 10, 8 * 3600)


async def test_an_update_is_given_up_when_its_patience_is_over(call: Call) -> None:
    now = [0.0]
    async with MaxServer(clock=lambda: now[0], retry_scale=0.0001) as server:
        server.feed.subscribe({"url": "http://127.0.0.1:9/hook"})
        server.load.burst(1)
        now[0] = PATIENCE * 0.0001 - 0.001
        # The fake's own waiting goes by its clock, which stands still here.
        async with asyncio.timeout(5):
            while server.pending:  # noqa: ASYNC110 - real deliveries, nothing announces them
                await asyncio.sleep(0.002)
        assert server.pusher.counts["given_up"] == 1
        assert server.pusher.subscriptions


async def test_a_subscription_that_accepted_nothing_for_too_long_is_removed(call: Call) -> None:
    now = [0.0]
    async with MaxServer(clock=lambda: now[0], retry_scale=0.0001) as server:
        server.feed.subscribe({"url": "http://127.0.0.1:9/hook"})
        now[0] = PATIENCE * 0.0001
        server.load.burst(1, texts=["x"])
        async with asyncio.timeout(5):
            while server.pusher.subscriptions:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.002)
        assert server.pusher.counts["removed"] == 1
        assert server.feed.subscriptions() == {"subscriptions": []}
        assert b'"text":"x"' in await server.feed.get_updates({"timeout": "0"})


async def test_a_lost_subscription_is_only_seen_by_looking(server: MaxServer, call: Call, hook: Hook) -> None:
    bot = Bot()
    url = await hook(bot.handle)
    await call("POST /subscriptions", {"url": url})
    assert server.feed.lose() == 1
    assert (await call("GET /subscriptions"))[1] == {"subscriptions": []}
    server.load.burst(1, texts=["meanwhile"])
    assert bot.texts == []
    await call("POST /subscriptions", {"url": url})
    await server.wait(lambda: server.pending == 0)
    assert bot.texts == ["meanwhile"]


async def test_what_nobody_was_subscribed_to_may_be_kept_from_the_webhook(
    server: MaxServer, call: Call, hook: Hook
) -> None:
    bot = Bot()
    server.quirks.backlog_to_webhook = False
    server.load.burst(1, texts=["before"])
    await call("POST /subscriptions", {"url": await hook(bot.handle)})
    server.load.burst(1, texts=["after"])
    await server.wait(lambda: bool(bot.texts))
    await server.wait(lambda: server.pending == 1)
    assert bot.texts == ["after"]


async def test_duplicates_and_another_order_reach_a_webhook_too(
    server: MaxServer, call: Call, hook: Hook
) -> None:
    bot = Bot()
    server.pusher.connections = 1
    await call("POST /subscriptions", {"url": await hook(bot.handle)})
    server.duplicate_next()
    server.load.burst(1, texts=["twice"])
    server.reorder_next(2)
    server.load.burst(2, texts=["1", "2"])
    await server.wait(lambda: server.pending == 0)
    assert bot.texts == ["twice", "twice", "2", "1"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": "ftp://bot.example/x"},
        {"url": "bot.example"},
        {"url": "http://127.0.0.1:99999/x"},
        {"url": "https://bot.example/x", "secret": "four"},
        {"url": "https://bot.example/x", "secret": "x" * 257},
        {"url": "https://bot.example/x", "secret": "секрет"},
        {"url": "https://bot.example/x", "secret": "with space"},
        {"url": "https://bot.example/x", "update_types": ["message"]},
        {"url": "https://bot.example/x", "update_types": ["bot_started", "bot_started"]},
        {"url": "https://bot.example/x", "version": "1"},
    ],
)
async def test_a_wrong_subscription_is_refused(server: MaxServer, call: Call, body: dict[str, Any]) -> None:
    status, found = await call("POST /subscriptions", body)
    assert (status, found["code"]) == (400, "proto.payload")
    assert not server.pusher.subscriptions


async def test_where_it_is_asked_for_only_https_without_a_port_is_an_address(
    server: MaxServer, call: Call
) -> None:
    server.quirks.https_only = True
    for url in ("http://bot.example/max", "https://bot.example:8443/max"):
        assert (await call("POST /subscriptions", {"url": url}))[0] == 400
    assert (await call("POST /subscriptions", {"url": "https://bot.example/max"}))[0] == 200
