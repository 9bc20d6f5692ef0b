"""A yardstick: an echo loop on our own MAX client alone, without the house: no store, no queue, no pacing."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

import orjson
from aiohttp import web

from benchmarks.suite import SECRET
from channels.http import HttpClient
from channels.max.api import MaxApi
from channels.max.chats import Recipient
from config.secret import Secret

POLL_SECONDS = 25.0
SENDS_AT_ONCE = 100


class Echo:
    """Answers every message with its own text, many at a time."""

    def __init__(self, api: MaxApi) -> None:
        self.api = api
        self._slots = asyncio.Semaphore(SENDS_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, update: Any) -> None:
        """Answer this update in the background."""
        if update["update_type"] == "message_created":
            task = asyncio.create_task(self._answer(update["message"]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, message: Any) -> None:
        async with self._slots:
            await self.api.send(
                Recipient(chat_id=message["recipient"]["chat_id"]), {"text": message["body"]["text"]}
            )

    async def poll(self) -> None:
        """Ask for updates for ever."""
        marker: int | None = None
        while True:
            updates, following = await self.api.updates(marker, POLL_SECONDS)
            marker = marker if following is None else following
            for update in updates:
                self.take(update)

    async def push(self, request: web.Request) -> web.Response:
        """Take one update from a webhook."""
        if request.headers.get("X-Max-Bot-Api-Secret") != SECRET:
            return web.Response(status=403)
        self.take(orjson.loads(await request.read()))
        return web.Response()


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--port", type=int, default=0, help="listen for webhooks here; 0 polls")
    options = parser.parse_args()
    token = Secret(options.token)
    api = MaxApi(HttpClient(secrets=(token,)), api_base=options.base, token=token)
    echo = Echo(api)
    if not options.port:
        await echo.poll()
        return
    app = web.Application()
    app.router.add_post("/max/webhook", echo.push)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", options.port).start()
    await api.subscribe(f"http://127.0.0.1:{options.port}/max/webhook", Secret(SECRET))
    await asyncio.Event().wait()


asyncio.run(main())
