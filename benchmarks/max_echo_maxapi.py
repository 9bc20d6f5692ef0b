"""A yardstick: the smallest echo bot on `maxapi`, as its own documentation shows it.

Its extra request for the chat of every update is switched off, and its handlers run as tasks of their own: both are
options of its own that make it faster.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import warnings

from aiohttp import web
from maxapi import Bot, Dispatcher
from maxapi.types import MessageCreated
from maxapi.webhook.aiohttp import AiohttpMaxWebhook

from benchmarks.suite import SECRET


async def echo(event: MessageCreated) -> None:
    await event.message.answer(event.message.body.text or "")


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--port", type=int, default=0, help="listen for webhooks here; 0 polls")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    bot = Bot(options.token, auto_requests=False)
    bot.set_api_url(options.base)
    dispatcher = Dispatcher(use_create_task=True)
    dispatcher.message_created.register(echo)
    if not options.port:
        await dispatcher.start_polling(bot)
        return
    hook = AiohttpMaxWebhook(dispatcher, bot, secret=SECRET)
    runner = web.AppRunner(hook.create_app("/max/webhook"), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", options.port).start()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the address is no https one; the fake needs none
        await bot.subscribe_webhook(f"http://127.0.0.1:{options.port}/max/webhook", secret=SECRET)
    await asyncio.Event().wait()


asyncio.run(main())
