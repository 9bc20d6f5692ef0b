"""A running fake, aiogram bots that talk to it, and a plain HTTP client for what aiogram hides."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message

from channels.testing.telegram_server import TelegramServer

Raw = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer(retry_scale=0.01, set_webhook_interval=0.0) as running:
        yield running


@pytest.fixture
async def new_bot(server: TelegramServer) -> AsyncIterator[Callable[..., Bot]]:
    """Makes aiogram bots, changed in nothing but the address, and closes their sessions."""
    async with AsyncExitStack() as stack:

        def make(token: str = server.token, *, timeout: float = 5.0) -> Bot:
            session = AiohttpSession(api=TelegramAPIServer.from_base(server.base_url), timeout=timeout)

            async def close() -> None:
                # The session's own close sleeps a quarter of a second for TLS, which is not spoken here.
                if session._session is not None:
                    await session._session.close()

            stack.push_async_callback(close)
            return Bot(token, session=session)

        yield make


@pytest.fixture
def bot(new_bot: Callable[..., Bot]) -> Bot:
    return new_bot()


@pytest.fixture
def echo() -> Dispatcher:
    """The echo bot of aiogram's own documentation."""
    dispatcher = Dispatcher()

    @dispatcher.message()
    async def answer(message: Message) -> None:
        await message.answer(message.text or "?")

    return dispatcher


@pytest.fixture
async def raw(server: TelegramServer) -> AsyncIterator[Raw]:
    """Call a method by name with a JSON body; gives the HTTP status and the JSON that came back."""
    async with aiohttp.ClientSession() as session:

        async def call(method: str, **given: Any) -> tuple[int, dict[str, Any]]:
            url = f"{server.base_url}/bot{server.token}/{method}"
            async with session.post(url, json=given) as answer:
                return answer.status, await answer.json()

        yield call
