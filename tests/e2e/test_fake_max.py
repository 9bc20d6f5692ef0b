"""The fake MAX as a process, and two clients that others wrote: the official one for Node, and `maxapi`.

Each sends, edits, answers a press, uploads and polls through its own documented API, with nothing but the base
address changed.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from filelock import FileLock
from maxapi import Bot, Dispatcher
from maxapi.client.default import DefaultConnectionProperties
from maxapi.exceptions.max import InvalidToken, MaxApiError, MaxConnection
from maxapi.types import InputMediaBuffer, MessageCallback, MessageCreated
from maxapi.types.attachments.attachment import ButtonsPayload
from maxapi.types.attachments.buttons import CallbackButton, LinkButton, RequestContactButton
from maxapi.webhook.aiohttp import AiohttpMaxWebhook

from tests.conftest import missing
from tests.e2e.fakes import Control, fake, process

pytestmark = pytest.mark.e2e

NODE = Path(__file__).parent / "node"
PERSON = 500_000_001
"""Who is behind the dialog 1."""

POLLING_BOT = """
import asyncio, sys
from maxapi import Bot, Dispatcher
from maxapi.types import MessageCreated

dispatcher = Dispatcher()

@dispatcher.message_created()
async def echo(event: MessageCreated):
    await event.message.answer(event.message.body.text)

async def main():
    bot = Bot(sys.argv[2], auto_requests=False)
    bot.set_api_url(sys.argv[1])
    await dispatcher.start_polling(bot)

asyncio.run(main())
"""

Talk = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def platform() -> AsyncIterator[tuple[dict[str, Any], Control]]:
    """A fake of its own: its address, and its remote control."""
    async with fake("max_server", "--retry-scale", "0.0001") as (_, line, control):
        yield line, control


async def said(control: Control, count: int) -> list[dict[str, Any]]:
    """The messages that reached people, once there are so many."""
    await control("wait", sent=count, timeout=30)
    return list((await control("sent"))["messages"])


# -- the fake as a process -----------------------------------------------------------------------------


async def test_a_bot_may_be_killed_and_restarted_while_the_fake_lives_on() -> None:
    async with fake("max_server", "--latency", "0.04") as (running, line, control):
        command = (sys.executable, "-c", POLLING_BOT, line["base_url"], line["token"])
        async with process(*command) as first:
            await control("burst", messages=4, chats=2, text="before")
            await control("wait", sent=4, timeout=30)
            first.send_signal(signal.SIGKILL)
        await control("burst", messages=4, chats=2, text="while it was dead")
        assert (await control("state"))["sent"] == 4
        async with process(*command):
            # Nothing of the first batch was committed when the bot was killed, so it may come again.
            state = await control("wait", sent=8, pending=0, in_flight=0, timeout=30)
        assert state["sent"] >= 8
        assert (await control("stats"))["offered"] == 8
        running.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(running.wait(), 10) == 0
        assert running.stderr is not None
        assert await running.stderr.read() == b""


async def test_everything_can_be_steered_over_http() -> None:
    async with fake("max_server") as (_, line, control), aiohttp.ClientSession() as client:

        async def send(text: str, *, status: int = 200, **body: Any) -> dict[str, Any]:
            headers = {"Authorization": line["token"]}
            url = f"{line['base_url']}/messages?chat_id=1"
            async with client.post(url, json={"text": text, **body}, headers=headers) as answer:
                found = await answer.json()
                assert answer.status == status, found
                return dict(found)

        pushed = await control("push", kind="text", args=["привет"], chat=1)
        assert (pushed["body"]["body"]["text"], pushed["user_id"]) == ("привет", PERSON)
        rows = [[{"type": "callback", "text": "Да", "payload": "yes"}]]
        await send("так?", attachments=[{"type": "inline_keyboard", "payload": {"buttons": rows}}])
        (sent,) = (await control("sent"))["messages"]
        assert (sent["plain"], sent["buttons"][0][0]["data"]) == ("так?", "yes")
        assert (sent["outcome"], sent["update_id"]) == ("answered", pushed["update_id"])
        assert (await control("sent", since=sent["seq"]))["messages"] == []
        assert (await control("push", kind="press", args=["Да"], chat=1))["body"]["payload"] == "yes"
        assert "no button" in (await control("push", status=400, kind="press", args=["Нет"], chat=1))["error"]
        assert "kind is one of" in (await control("push", status=400, kind="stop"))["error"]
        await control("push", kind="event", args=["dialog_muted"], chat=1)
        assert [one["answered"] for one in (await control("presses"))["presses"]] == [False]
        await control("fail", fault="429", method="sendMessage", retry_after=3)
        assert (await send("x", status=429))["code"] == "too.many.requests"
        await control("fail", fault="500", method="send*", times=None)
        await send("x", status=500)
        assert len((await control("faults"))["faults"]) == 1
        await control("heal")
        await control("standing", chat=1, standing="suspended")
        assert (await send("x", status=403))["message"] == "error.dialog.suspended"
        await control("standing", chat=1, standing="active")
        await control("limits", official=True)
        for status in (200, 200, 429):
            await send("x", status=status)
        await control("limits")
        assert (await control("quirks", not_ready=2))["not_ready"] == 2
        assert "no quirk" in (await control("quirks", status=400, moon=1))["error"]
        assert "not within" in (await control("wait", status=408, sent=99, timeout=0.01))["error"]
        assert "wait for one of" in (await control("wait", status=400, moon=1))["error"]
        assert (await control("rate", per_second=200, seconds=0.1, chats=3, texts=["a", "b"]))[
            "to_push"
        ] == 20
        await control("wait", idle=True)
        assert (await control("state"))["pending"] == 23
        assert [one["status"] for one in (await control("calls", method="sendMessage"))["calls"]][:3] == [
            200,
            429,
            500,
        ]
        for command in ("duplicate", "reorder", "lose", "reset_stats", "removed", "actions", "revoke"):
            await control(command)
        await control("reset")
        state = await control("state")
        assert (state["pending"], state["sent"], state["calls"]) == (0, 0, 0)
        assert "commands" in await control("moon", status=404)


# -- maxapi --------------------------------------------------------------------------------------------


@asynccontextmanager
async def maxapi_bot(line: dict[str, Any], token: str | None = None) -> AsyncIterator[Bot]:
    """A bot on `maxapi`, without its waits and its blind repeats."""
    bot = Bot(
        token or line["token"],
        default_connection=DefaultConnectionProperties(timeout=10, max_retries=0),
        after_input_media_delay=0.01,
        after_upload_retry_delay=0.01,
    )
    bot.set_api_url(line["base_url"])
    try:
        yield bot
    finally:
        await bot.close_session()


async def test_maxapi_sends_edits_reads_and_deletes(platform: tuple[dict[str, Any], Control]) -> None:
    line, control = platform
    await control("push", kind="started", args=["from-site"], chat=1)
    async with maxapi_bot(line) as bot:
        assert (await bot.get_me()).username == "optfm_test_bot"
        keyboard = ButtonsPayload(
            buttons=[
                [CallbackButton(text="Да", payload="yes"), CallbackButton(text="Нет", payload="no")],
                [LinkButton(text="Сайт", url="https://example.ru"), RequestContactButton(text="Телефон")],
            ]
        ).pack()
        sent = await bot.send_message(
            user_id=PERSON, text="<b>так</b>?", attachments=[keyboard], format="html"
        )
        assert sent is not None
        body = sent.message.body
        assert (sent.message.recipient.chat_id, body.text) == (1, "так?")
        assert body.html_text == "<b>так</b>?"
        (message,) = await said(control, 1)
        assert [[one["label"] for one in row] for row in message["buttons"]] == [
            ["Да", "Нет"],
            ["Сайт", "Телефон"],
        ]
        edited = await bot.edit_message(body.mid, text="*новый*", format="markdown")
        assert edited is not None
        assert edited.success
        assert (await bot.get_message(body.mid)).body.text == "новый"
        assert (await control("edits"))["messages"][0]["buttons"] == []
        chat = await bot.get_chat_by_id(1)
        assert (chat.type, chat.dialog_with_user.user_id) == ("dialog", PERSON)
        assert (await bot.delete_message(body.mid)).success
        with pytest.raises(MaxApiError) as refused:
            await bot.edit_message(body.mid, text="x")
        assert (refused.value.code, refused.value.raw["code"]) == (404, "not.found")


async def test_maxapi_uploads_every_kind_and_waits_until_it_is_ready(
    platform: tuple[dict[str, Any], Control],
) -> None:
    line, control = platform
    await control("push", kind="text", args=["hi"], chat=1)
    await control("quirks", not_ready=2)
    async with maxapi_bot(line) as bot:
        for kind in ("image", "video", "audio", "file"):
            media = InputMediaBuffer(b"bytes of a file", "чек", type=kind)
            sent = await bot.send_message(chat_id=1, text=kind, attachments=[media])
            assert sent is not None
            (attachment,) = sent.message.body.attachments or []
            assert attachment.type == kind
            assert await bot.download_bytes(attachment.payload.url) == b"bytes of a file"
    calls = (await control("calls", method="sendMessage"))["calls"]
    assert [one["status"] for one in calls] == [400, 400, 200] * 4


async def test_maxapi_polls_answers_presses_and_commits(platform: tuple[dict[str, Any], Control]) -> None:
    line, control = platform
    dispatcher = Dispatcher()

    @dispatcher.message_created()
    async def ask(event: MessageCreated) -> None:
        keyboard = ButtonsPayload(buttons=[[CallbackButton(text="Да", payload="yes")]]).pack()
        await event.message.answer(f"echo: {event.message.body.text}", attachments=[keyboard])

    @dispatcher.message_callback()
    async def answer(event: MessageCallback) -> None:
        await event.answer(notification="ok", new_text=f"pressed: {event.callback.payload}", attachments=[])

    async with maxapi_bot(line) as bot, asyncio.TaskGroup() as group:
        polling = group.create_task(dispatcher.start_polling(bot))
        await control("push", kind="text", args=["вопрос"], chat=1)
        (message,) = await said(control, 1)
        assert (message["chat_id"], message["plain"]) == (1, "echo: вопрос")
        await control("push", kind="press", args=["Да"], chat=1)
        await control("wait", presses=1, timeout=30)
        (press,) = (await control("presses"))["presses"]
        (edit,) = (await control("edits"))["messages"]
        assert (press["notice"], edit["plain"], edit["buttons"]) == ("ok", "pressed: yes", [])
        await control("wait", pending=0, timeout=30)
        await dispatcher.stop_polling()
        await asyncio.wait_for(polling, 10)


async def test_maxapi_takes_a_webhook(platform: tuple[dict[str, Any], Control]) -> None:
    from aiohttp import web  # noqa: PLC0415 - only this test serves anything

    line, control = platform
    dispatcher = Dispatcher()

    @dispatcher.message_created()
    async def echo(event: MessageCreated) -> None:
        await event.message.answer(f"echo: {event.message.body.text}")

    async with maxapi_bot(line) as bot, AsyncExitStack() as stack:
        hook = AiohttpMaxWebhook(dispatcher, bot, secret="s3cret_Token-1")
        runner = web.AppRunner(hook.create_app("/max"), access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/max"
        with pytest.warns(UserWarning, match="HTTPS"):  # it is right, but nobody listens here
            assert (await bot.subscribe_webhook(url, secret="s3cret_Token-1")).success
        await control("burst", messages=20, chats=5, text="вопрос")
        state = await control("wait", sent=20, pending=0, timeout=30)
        assert state["webhook_counts"]["accepted"] == 20
        assert [one.url for one in (await bot.get_subscriptions()).subscriptions] == [url]
        assert (await bot.unsubscribe_webhook(url)).success


@pytest.mark.parametrize(
    ("fault", "exception"),
    [
        *[(fault, MaxApiError) for fault in ("429", "500", "502", "403")],
        *[(fault, MaxConnection) for fault in ("drop", "reset")],
        ("401", InvalidToken),
    ],
)
async def test_maxapi_meets_a_fault_as_the_trouble_it_is_named_after(
    platform: tuple[dict[str, Any], Control], fault: str, exception: type[Exception]
) -> None:
    line, control = platform
    await control("push", kind="text", args=["hi"], chat=1)
    await control("fail", fault=fault, method="sendMessage")
    async with maxapi_bot(line) as bot:
        with pytest.raises(exception):
            await bot.send_message(chat_id=1, text="struck")
        await bot.send_message(chat_id=1, text="well")
    assert [one["plain"] for one in (await control("sent"))["messages"]] == ["well"]


async def test_maxapi_with_a_wrong_token_is_refused(platform: tuple[dict[str, Any], Control]) -> None:
    line, _ = platform
    async with maxapi_bot(line, token="wrong") as bot:
        with pytest.raises(InvalidToken):
            await bot.get_me()


# -- @maxhub/max-bot-api -------------------------------------------------------------------------------


def _install(npm: str | None) -> None:
    if npm is None:
        missing("node", "no npm in PATH to install the packages with")
    done = subprocess.run(
        [str(npm), "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=NODE,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    if done.returncode:
        missing("node", f"npm ci failed: {done.stderr[-500:]}")


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node.js, with the packages of `node/package-lock.json` beside the script."""
    path, npm = shutil.which("node"), shutil.which("npm")
    if path is None:
        missing("node", "no node in PATH")
    with FileLock(NODE / "node_modules.lock", timeout=300):  # tests may run in several processes
        if not (NODE / "node_modules" / "@maxhub" / "max-bot-api").is_dir():
            _install(npm)
    return str(path)


@pytest.fixture
async def node_bot(
    node: str, platform: tuple[dict[str, Any], Control], tmp_path: Path
) -> AsyncIterator[tuple[Control, Talk]]:
    """The bot on Node.js: the remote control of its platform, and `told`, which waits for one of its lines."""
    line, control = platform
    file = tmp_path / "film.mp4"
    file.write_bytes(bytes(range(256)) * 1024)  # several pieces of a stream
    command = (node, "max_talk.mjs", line["base_url"], line["token"], str(file))
    async with process(*command, cwd=NODE) as running:
        assert running.stdout is not None
        output = running.stdout

        async def told(event: str) -> dict[str, Any]:
            async with asyncio.timeout(30):
                while True:
                    text = await output.readline()
                    if not text:
                        assert running.stderr is not None
                        pytest.fail(f"the bot ended: {(await running.stderr.read()).decode()}")
                    found = json.loads(text)
                    assert found["event"] in {event, "ready"}, found
                    if found["event"] == event:
                        return dict(found)

        await told("ready")
        yield control, told
        running.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(running.wait(), 20) == 0


async def test_the_official_client_echoes_and_commits(node_bot: tuple[Control, Talk]) -> None:
    control, _ = node_bot
    await control("push", kind="started", args=["from-site"], chat=1)
    await said(control, 1)
    await control("push", kind="text", args=["вопрос"], chat=1)
    assert [one["plain"] for one in await said(control, 2)] == ["payload: from-site", "echo: вопрос"]
    await control("wait", pending=0, timeout=30)


async def test_the_official_client_shows_buttons_and_answers_a_press(node_bot: tuple[Control, Talk]) -> None:
    control, _ = node_bot
    await control("push", kind="text", args=["buttons"], chat=1)
    (message,) = await said(control, 1)
    assert (message["plain"], message["markup"][0]["type"]) == ("Помогло?", "strong")
    assert [one["kind"] for row in message["buttons"] for one in row] == [
        "callback",
        "callback",
        "link",
        "request_contact",
    ]
    await control("push", kind="press", args=["Нет"], chat=1)
    await control("wait", presses=1, timeout=30)
    (edit,) = (await control("edits"))["messages"]
    assert (edit["plain"], edit["buttons"]) == ("pressed: no", [])
    assert (await control("presses"))["presses"][0]["notice"] == "ok"


async def test_the_official_client_edits_reads_and_deletes(node_bot: tuple[Control, Talk]) -> None:
    control, told = node_bot
    await control("push", kind="text", args=["edit"], chat=1)
    edited = await told("edited")
    assert (edited["text"], edited["markup"]) == ("after", [{"type": "strong", "from": 0, "length": 5}])
    assert len((await control("removed"))["removed"]) == 1


async def test_the_official_client_uploads_every_kind_and_waits_until_it_is_ready(
    node_bot: tuple[Control, Talk],
) -> None:
    control, told = node_bot
    await control("push", kind="text", args=["files"], chat=1)
    await control("fail", fault="not_ready", method="sendMessage")
    found = [await told("file") for _ in range(5)]
    assert [one["kind"] for one in found] == ["image", "image", "file", "video", "audio"]
    assert [one["attachment"]["type"] for one in found] == ["image", "image", "file", "video", "audio"]
    assert (found[2]["attachment"]["filename"], found[2]["attachment"]["size"]) == ("film.mp4", 256 * 1024)
    state = await control("state")
    assert (state["leaked_tokens"], state["sent"]) == (0, 5)


async def test_the_official_client_knows_itself_its_chat_and_its_commands(
    node_bot: tuple[Control, Talk],
) -> None:
    control, told = node_bot
    await control("push", kind="text", args=["about"], chat=1)
    about = await told("about")
    assert (about["me"], about["chat"], about["type"]) == (700000001, 1, "dialog")
    assert about["commands"] == [{"name": "start", "description": "В начало"}]
    assert (await control("actions"))["actions"] == [{"chat_id": 1, "action": "typing_on"}]


async def test_the_official_client_does_not_repeat_a_429_on_a_send(node_bot: tuple[Control, Talk]) -> None:
    control, told = node_bot
    await control("fail", fault="429", method="sendMessage")
    await control("push", kind="text", args=["вопрос"], chat=1)
    error = await told("error")
    assert (error["status"], error["code"]) == (429, "too.many.requests")
    assert (await control("state"))["sent"] == 0
