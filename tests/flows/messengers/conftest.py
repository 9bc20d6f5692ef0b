"""A town with every messenger in it: one bot in one process, one base, and somebody at the other end of each."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from channels.testing.green_server import GreenServer
from channels.testing.max_server import MaxServer
from channels.testing.telegram_server import TelegramServer
from config.load import load_config
from optfm_bot.app import App
from tests.flows.messengers.town import (
    PATIENCE,
    InGreen,
    InGreenMax,
    InMax,
    InTelegram,
    OnTheSite,
    Town,
    quick,
)

KNOWLEDGE = """\
version: 1
language: ru
entries:
  - id: delivery-cost
    question: Сколько стоит доставка?
    aliases: [почём доставка, цена доставки]
    keywords: [доставка, стоимость]
    answer: "Доставка по России — **от 300 ₽**."
    buttons: [{text: Сроки, faq: delivery-time}]
  - id: delivery-time
    question: Какие сроки доставки?
    answer: Обычно 2–7 дней.
  - id: return-goods
    question: Как вернуть товар?
    aliases: [возврат товара]
    answer: В течение 14 дней.
  - id: return-money
    question: Как вернуть деньги?
    aliases: [возврат денег]
    answer: Деньги придут за 10 дней.
"""


RunApp = Callable[[Path, Mapping[str, Any]], AbstractAsyncContextManager[App]]


@asynccontextmanager
async def _running(folder: Path, settings: Mapping[str, Any]) -> AsyncIterator[App]:
    (folder / "knowledge.yaml").write_text(KNOWLEDGE, "utf-8")
    common = {
        "faq": {"path": "knowledge.yaml"},
        "database": {"url": f"sqlite+aiosqlite:///{folder / 'town.db'}"},
        "delivery": {"per_chat_per_second": 0, "per_bot_per_second": 0},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(common | dict(settings), allow_unicode=True), "utf-8")
    app = App(load_config(None, env={}, cwd=folder), cwd=folder)
    stop, ready = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(app.run(stop, ready.set), name="the bot")
    try:
        async with asyncio.timeout(PATIENCE):
            await ready.wait()
        yield app
    finally:
        stop.set()
        await running
        gc.unfreeze()


@pytest.fixture
def run_app() -> RunApp:
    """Runs the whole bot in this process for the length of an `async with` block."""
    return _running


@pytest.fixture
async def town(tmp_path: Path, run_app: RunApp) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(TelegramServer())
        max_ = await stack.enter_async_context(MaxServer())
        whatsapp = await stack.enter_async_context(
            GreenServer(network="whatsapp", id_instance="110012345679", pace=quick())
        )
        green_max = await stack.enter_async_context(GreenServer(network="max", pace=quick()))
        for server in (whatsapp, green_max):
            server.instance.listen()
        settings = {
            "server": {"port": 0},
            "channels": {
                "telegram": {"token": telegram.token, "api_base": telegram.base_url, "poll_timeout": 1},
                "max": {"token": max_.token, "api_base": max_.base_url, "poll_timeout": 1},
                "whatsapp": green(whatsapp, "whatsapp"),
                "green": green(green_max, "max"),
                "web": {"type": "webchat"},
            },
        }
        app = await stack.enter_async_context(run_app(tmp_path, settings))
        base = app.addresses()[-1].url.rstrip("/")
        people = {
            "telegram": InTelegram(telegram),
            "max": InMax(max_),
            "whatsapp": InGreen(whatsapp),
            "green": InGreenMax(green_max),
            "web": await OnTheSite.opens(stack, base),
        }
        yield Town(app, base, people)


def green(server: GreenServer, network: str) -> dict[str, Any]:
    return {
        "type": "green_api",
        "network": network,
        "api_url": server.api_url,
        "media_url": server.media_url,
        "id_instance": server.instance.id,
        "api_token_instance": server.instance.token,
    }
