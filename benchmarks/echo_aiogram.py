"""The yardstick: the smallest echo bot on aiogram, as its own documentation shows it."""

from __future__ import annotations

import argparse
import asyncio
import logging

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web


async def echo(message: Message) -> None:
    await message.answer(message.text or "")


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--port", type=int, default=0, help="listen for webhooks here; 0 polls")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    session = AiohttpSession(api=TelegramAPIServer.from_base(options.base))
    bot = Bot(options.token, session=session)
    dispatcher = Dispatcher()
    dispatcher.message.register(echo)
    if not options.port:
        await dispatcher.start_polling(bot)
        return
    app = web.Application()
    SimpleRequestHandler(dispatcher, bot, secret_token="bench-secret").register(app, "/telegram/webhook")  # noqa: S106 - of a fake
    setup_application(app, dispatcher, bot=bot)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", options.port).start()
    await bot.set_webhook(
        f"http://127.0.0.1:{options.port}/telegram/webhook",
        secret_token="bench-secret",  # noqa: S106 - of a fake
        allowed_updates=["message"],
        max_connections=100,
    )
    await asyncio.Event().wait()


asyncio.run(main())
