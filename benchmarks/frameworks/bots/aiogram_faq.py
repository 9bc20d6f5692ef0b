"""A FAQ bot on aiogram, by polling or by webhook, as its documentation shows it."""

from __future__ import annotations

import asyncio
import logging

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web
from answers import Answers, command_line

OPTIONS = command_line()
ANSWERS = Answers(OPTIONS.faq)


async def answer(message: Message) -> None:
    await message.answer(ANSWERS.nearest(message.text or ""))


async def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    bot = Bot(OPTIONS.token, session=AiohttpSession(api=TelegramAPIServer.from_base(OPTIONS.base)))
    dispatcher = Dispatcher()
    dispatcher.message.register(answer)
    if not OPTIONS.port:
        await dispatcher.start_polling(bot)
        return
    app = web.Application()
    SimpleRequestHandler(dispatcher, bot, secret_token=OPTIONS.secret).register(app, "/hook")
    setup_application(app, dispatcher, bot=bot)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", OPTIONS.port).start()
    await bot.set_webhook(
        f"http://127.0.0.1:{OPTIONS.port}/hook", secret_token=OPTIONS.secret, max_connections=100
    )
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
