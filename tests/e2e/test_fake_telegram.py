"""The fake as a process: it announces itself, is steered over HTTP, and outlives a killed aiogram bot."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

import aiohttp
import pytest

from tests.e2e.fakes import fake, process

pytestmark = pytest.mark.e2e


POLLING_BOT = """
import asyncio, sys
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

dispatcher = Dispatcher()

@dispatcher.message()
async def echo(message):
    await message.answer(message.text)

async def main():
    session = AiohttpSession(api=TelegramAPIServer.from_base(sys.argv[1]))
    await dispatcher.start_polling(Bot(sys.argv[2], session=session), polling_timeout=2)

asyncio.run(main())
"""


async def test_a_bot_may_be_killed_and_restarted_while_the_fake_lives_on() -> None:
    async with fake("telegram_server", "--token", "777:KILL", "--latency", "0.04") as (
        running,
        line,
        control,
    ):
        command = (sys.executable, "-c", POLLING_BOT, line["base_url"], line["token"])
        async with process(*command) as first:
            await control("burst", messages=4, chats=2, text="before")
            await control("wait", sent=4, timeout=30)
            first.send_signal(signal.SIGKILL)
        await control("burst", messages=4, chats=2, text="while it was dead")
        assert (await control("state"))["sent"] == 4
        async with process(*command):
            state = await control("wait", sent=8, pending=0, in_flight=0, timeout=30)
        assert state["sent"] >= 8
        stats = await control("stats")
        assert stats["offered"] == 8
        running.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(running.wait(), 10) == 0
        assert running.stderr is not None
        assert await running.stderr.read() == b""


async def test_everything_can_be_steered_over_http() -> None:
    async with fake("telegram_server") as (_, line, control), aiohttp.ClientSession() as client:

        async def call(method: str, **given: Any) -> tuple[int, dict[str, Any]]:
            async with client.post(f"{line['base_url']}/bot{line['token']}/{method}", json=given) as answer:
                return answer.status, await answer.json()

        pushed = await control("push", kind="text", args=["привет"], chat=1)
        assert pushed["body"]["text"] == "привет"
        keyboard = {"inline_keyboard": [[{"text": "Да", "callback_data": "yes"}]]}
        await call("sendMessage", chat_id=1, text="так?", reply_markup=keyboard)
        (sent,) = (await control("sent"))["messages"]
        assert (sent["plain"], sent["buttons"][0][0]["data"]) == ("так?", "yes")
        assert (sent["outcome"], sent["update_id"]) == ("answered", pushed["update_id"])
        assert (await control("sent", since=sent["seq"]))["messages"] == []
        assert (await control("push", kind="press", args=["Да"], chat=1))["body"]["data"] == "yes"
        assert "no button" in (await control("push", status=400, kind="press", args=["Нет"], chat=1))["error"]
        assert "kind is one of" in (await control("push", status=400, kind="stop"))["error"]
        await control("fail", fault="429", method="sendMessage", retry_after=3)
        status, body = await call("sendMessage", chat_id=1, text="x")
        assert (status, body["parameters"]) == (429, {"retry_after": 3})
        await control("fail", fault="500", method="getMe", times=None)
        assert (await call("getMe"))[0] == 500
        assert len((await control("faults"))["faults"]) == 1
        await control("heal")
        assert (await call("getMe"))[0] == 200
        await control("standing", chat=1, standing="blocked")
        assert (await call("sendMessage", chat_id=1, text="x"))[0] == 403
        assert "not within" in (await control("wait", status=408, sent=99, timeout=0.01))["error"]
        assert "wait for one of" in (await control("wait", status=400, moon=1))["error"]
        assert (await control("rate", per_second=200, seconds=0.1, chats=3, texts=["a", "b"]))[
            "to_push"
        ] == 20
        await control("wait", idle=True)
        assert (await control("state"))["pending"] == 22
        await control("duplicate", count=1)
        await control("reset_stats")
        assert (await control("stats"))["offered"] == 0
        await control("reset")
        state = await control("state")
        assert (state["pending"], state["sent"], state["calls"]) == (0, 0, 0)
        assert "commands" in await control("moon", status=404)
