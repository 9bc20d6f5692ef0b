"""The fake pushes updates as Telegram does: to aiogram's handler, chat by chat, until they are accepted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramBadRequest, TelegramRetryAfter
from aiogram.methods import SendMessage
from aiogram.types import Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web

from channels.testing.telegram_server import TelegramServer

Listener = Callable[..., Awaitable[str]]
Handler = Callable[[web.Request], Awaitable[web.Response]]
SECRET = "s3cret_Token-1"


async def listen(stack: AsyncExitStack, app: web.Application) -> str:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}/hook"


@pytest.fixture
async def hook() -> AsyncIterator[Callable[[Handler], Awaitable[str]]]:
    """Serve a plain handler and return its address."""
    async with AsyncExitStack() as stack:

        async def serve(handler: Handler) -> str:
            app = web.Application()
            app.router.add_post("/hook", handler)
            return await listen(stack, app)

        yield serve


@pytest.mark.parametrize("background", [True, False])
async def test_aiograms_webhook_echoes_every_message_once(
    server: TelegramServer, bot: Bot, echo: Dispatcher, *, background: bool
) -> None:
    async with AsyncExitStack() as stack:
        app = web.Application()
        handler = SimpleRequestHandler(echo, bot, handle_in_background=background, secret_token=SECRET)
        handler.register(app, path="/hook")
        setup_application(app, echo, bot=bot)
        url = await listen(stack, app)
        server.push.text("waiting since before", chat=1)
        assert await bot.set_webhook(url, secret_token=SECRET)
        server.load.burst(20, chats=4)
        await server.wait_sent(21)
        await server.wait(lambda: server.pending == 0)
    assert server.pusher.counts["accepted"] == 21
    assert server.pusher.counts["failed"] == 0


async def test_a_method_in_the_answer_is_executed(server: TelegramServer, bot: Bot) -> None:
    dispatcher = Dispatcher()

    @dispatcher.message()
    async def answer(message: Message) -> SendMessage:
        return message.answer(f"<b>{message.text}</b> да", parse_mode="HTML")

    async with AsyncExitStack() as stack:
        app = web.Application()
        SimpleRequestHandler(dispatcher, bot, handle_in_background=False).register(app, path="/hook")
        url = await listen(stack, app)
        await bot.set_webhook(url)
        server.push.text("вопрос", chat=1)
        await server.wait_sent(1)
    assert server.sent[-1].plain == "вопрос да"
    assert server.pusher.counts["replies"] == 1


async def test_a_wrong_secret_is_refused_by_aiogram_and_shown_in_the_info(
    server: TelegramServer, bot: Bot, echo: Dispatcher
) -> None:
    async with AsyncExitStack() as stack:
        app = web.Application()
        SimpleRequestHandler(echo, bot, secret_token=SECRET).register(app, path="/hook")
        url = await listen(stack, app)
        await bot.set_webhook(url, secret_token="other")
        server.push.text("x", chat=1)
        await server.wait(lambda: server.pusher.counts["status_401"] >= 2)
        info = await bot.get_webhook_info()
    assert (info.url, info.pending_update_count) == (url, 1)
    assert info.last_error_message == "Wrong response from the webhook: 401 Unauthorized"
    assert not server.sent


async def test_one_chat_gets_one_update_at_a_time_and_others_go_in_parallel(
    server: TelegramServer, bot: Bot, hook: Callable[[Handler], Awaitable[str]]
) -> None:
    release = asyncio.Event()
    seen: list[tuple[int, str]] = []

    async def handler(request: web.Request) -> web.Response:
        message = (await request.json())["message"]
        seen.append((message["chat"]["id"], message["text"]))
        await release.wait()
        return web.Response()

    await bot.set_webhook(await hook(handler), max_connections=3)
    for text in ("1", "2"):
        for chat in (1, 2, 3, 4):
            server.push.text(text, chat=chat)
    await server.wait(lambda: len(seen) == 3)
    assert sorted(seen) == [(1, "1"), (2, "1"), (3, "1")]
    release.set()
    await server.wait(lambda: server.pending == 0)
    assert server.pusher.most_connections == 3
    for chat in (1, 2, 3, 4):
        assert [text for number, text in seen if number == chat] == ["1", "2"]


async def test_a_refused_update_is_repeated_and_holds_back_only_its_chat(
    server: TelegramServer, bot: Bot, hook: Callable[[Handler], Awaitable[str]]
) -> None:
    seen: list[tuple[int, str]] = []

    async def handler(request: web.Request) -> web.Response:
        message = (await request.json())["message"]
        seen.append((message["chat"]["id"], message["text"]))
        stubborn = seen.count((1, "a")) < 4 and message["chat"]["id"] == 1
        return web.Response(status=500 if stubborn else 204)

    await bot.set_webhook(await hook(handler))
    server.push.text("a", chat=1)
    server.push.text("b", chat=1)
    server.push.text("c", chat=2)
    await server.wait(lambda: server.pending == 0)
    assert [text for chat, text in seen if chat == 1] == ["a", "a", "a", "a", "b"]
    assert seen.index((2, "c")) < seen.index((1, "b"))
    assert server.pusher.counts["failed"] == 3


def test_the_waits_grow_from_none_to_a_minute(server: TelegramServer) -> None:
    delays = [server.pusher._failed("1", "x") for _ in range(9)]
    assert delays == [0.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert server.pusher._refused("1", 503, "", "17") == 17.0
    assert server.pusher._refused("1", 503, "", "999999") == 3600.0


async def test_a_dead_bot_gets_its_updates_when_it_is_back(
    server: TelegramServer, bot: Bot, hook: Callable[[Handler], Awaitable[str]]
) -> None:
    up: list[bool] = []

    async def handler(request: web.Request) -> web.Response:
        up.append(True)
        return web.Response()

    await bot.set_webhook("http://127.0.0.1:9/hook")
    server.push.text("x", chat=1)
    await server.wait(lambda: server.pusher.counts["failed"] >= 2)
    assert (await bot.get_webhook_info()).last_error_message == "Connection refused"
    await bot.set_webhook(await hook(handler))
    await server.wait(lambda: server.pending == 0)
    assert up == [True]


async def test_a_slow_answer_is_a_read_timeout(bot: Bot, hook: Callable[[Handler], Awaitable[str]]) -> None:
    attempts: list[int] = []

    async def handler(request: web.Request) -> web.Response:
        attempts.append(1)
        if len(attempts) == 1:
            await asyncio.Event().wait()
        return web.Response()

    async with TelegramServer(read_timeout=0.05) as server:
        server.subscription.set_webhook({"url": await hook(handler)}, has_certificate=False)
        server.push.text("x", chat=1)
        await server.wait(lambda: server.pending == 0)
        assert server.pusher.failure is not None
        assert server.pusher.failure.message == "Read timeout expired"


async def test_a_duplicate_is_pushed_twice(
    server: TelegramServer, bot: Bot, hook: Callable[[Handler], Awaitable[str]]
) -> None:
    seen: list[int] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((await request.json())["update_id"])
        return web.Response()

    await bot.set_webhook(await hook(handler))
    server.duplicate_next()
    server.load.burst(2)
    await server.wait(lambda: server.pending == 0)
    assert len(seen) == 3
    assert seen[0] == seen[1]


async def test_the_queue_survives_a_change_of_mode(server: TelegramServer, bot: Bot) -> None:
    await bot.set_webhook("http://127.0.0.1:9/hook")
    server.load.burst(3)
    await bot.delete_webhook()
    assert len(await bot.get_updates()) == 3
    await bot.delete_webhook(drop_pending_updates=True)
    assert await bot.get_updates() == []


async def test_settings_of_a_webhook_are_checked(bot: Bot) -> None:
    with pytest.raises(TelegramBadRequest, match="secret token contains unallowed characters"):
        await bot.set_webhook("http://127.0.0.1:9/hook", secret_token="секрет")
    with pytest.raises(TelegramBadRequest, match="HTTPS URL must be provided"):
        await bot.set_webhook("ftp://127.0.0.1/hook")
    with pytest.raises(TelegramBadRequest, match="unknown update type"):
        await bot.set_webhook("http://127.0.0.1:9/hook", allowed_updates=["mesage"])


async def test_two_set_webhooks_within_a_second_are_too_many(raw: Callable[..., Any]) -> None:
    now = [5.0]
    async with TelegramServer(clock=lambda: now[0]) as server:
        given = {"url": "http://127.0.0.1:9/hook"}
        first = server.subscription.set_webhook(given, has_certificate=False)
        with pytest.raises(Exception, match="retry after 1"):
            server.subscription.set_webhook(given, has_certificate=False)
        now[0] += 1.0
        again = server.subscription.set_webhook(given, has_certificate=False)
    assert (first.description, again.description) == ("Webhook was set", "Webhook is already set")


async def test_too_many_set_webhooks_reach_aiogram_as_retry_after(server: TelegramServer, bot: Bot) -> None:
    server.subscription.set_webhook_interval = 60.0
    await bot.set_webhook("http://127.0.0.1:9/hook")
    with pytest.raises(TelegramRetryAfter):
        await bot.set_webhook("http://127.0.0.1:9/hook")
