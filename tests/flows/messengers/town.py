"""Somebody at the other end of every messenger: what they write, read and choose, the same way everywhere."""

from __future__ import annotations

import asyncio
import html
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Self

import aiohttp
import orjson

from channels.testing.green_server import GreenServer
from channels.testing.green_server.instance import Pace
from channels.testing.max_server import MaxServer
from channels.testing.telegram_server import TelegramServer
from optfm_bot.app import App

PATIENCE = 20.0


class Talker(ABC):
    """Somebody in one messenger who reads, writes and chooses."""

    def __init__(self) -> None:
        self._seen = 0

    @abstractmethod
    async def says(self, text: str) -> None:
        """Write a message."""

    @abstractmethod
    def texts(self) -> list[str]:
        """Everything the bot has said here, as people read it."""

    @abstractmethod
    async def chooses(self, label: str) -> None:
        """Press a button, or send the number that stands for it where there are none."""

    async def sees(self, words: str) -> str:
        """Wait for the next message; it contains these words."""
        await eventually(lambda: len(self.texts()) > self._seen, f"{type(self).__name__} waits for {words!r}")
        text = self.texts()[self._seen]
        self._seen += 1
        assert words in text, f"{type(self).__name__} expected {words!r} and sees {text!r}"
        return text

    def sees_nothing(self) -> None:
        """There is nothing new."""
        assert self.texts()[self._seen :] == []


async def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until something is so; `what` is what was waited for."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 - fakes, a socket and a bot have no event in common
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(what) from None


def quick() -> Pace:
    """The pace of a gateway that waits for nobody."""
    return Pace(poll=0.05, delay=0.0, retry=0.01, restart=0.0)


class InTelegram(Talker):
    def __init__(self, server: TelegramServer) -> None:
        super().__init__()
        self._server = server

    async def says(self, text: str) -> None:
        self._server.push.text(text, chat=11)

    def texts(self) -> list[str]:
        return [sent.plain for sent in self._server.sent_to(11)]

    async def chooses(self, label: str) -> None:
        self._server.push.press(label, chat=11)


class InMax(Talker):
    def __init__(self, server: MaxServer) -> None:
        super().__init__()
        self._server = server

    async def says(self, text: str) -> None:
        self._server.push.text(text, chat=21)

    def texts(self) -> list[str]:
        return [sent.plain for sent in self._server.sent_to(21)]

    async def chooses(self, label: str) -> None:
        self._server.push.press(label, chat=21)


class InGreen(Talker):
    """A personal account: no buttons, so a choice is the number in front of it."""

    chat = "79001234567@c.us"

    def __init__(self, server: GreenServer) -> None:
        super().__init__()
        self.account = server.instance

    async def says(self, text: str) -> None:
        self.account.push.text(text, chat=self.chat)

    def texts(self) -> list[str]:
        return [sent.plain for sent in self.account.sent if sent.chat_id == self.chat]

    async def chooses(self, label: str) -> None:
        offered = re.search(rf"^(\d+)\W+{re.escape(label)}", self.texts()[self._seen - 1], re.MULTILINE)
        assert offered, f"{label!r} has no number in {self.texts()[self._seen - 1]!r}"
        await self.says(offered[1])


class InGreenMax(InGreen):
    chat = "10000010"


class OnTheSite(Talker):
    """A page of a site with the widget's own connection."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        super().__init__()
        self._socket = socket
        self._wrote = 0
        self._messages: dict[str, dict[str, Any]] = {}
        self._reading = asyncio.create_task(self._read(), name="the page reads")

    @classmethod
    async def opens(cls, stack: AsyncExitStack, base: str) -> Self:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        socket = await stack.enter_async_context(
            session.ws_connect(f"{base}/chat/web/socket", headers={"Origin": base})
        )
        page = cls(socket)
        stack.push_async_callback(page.leaves)
        await socket.send_str(orjson.dumps({"type": "hello", "session": "flow-session-0123456789"}).decode())
        return page

    async def leaves(self) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        async for frame in self._socket:
            event = orjson.loads(frame.data)
            shown = event.get("messages", []) if event["type"] == "history" else [event.get("message", event)]
            for message in shown:
                if message.get("author") == "bot":
                    self._messages[message["id"]] = message

    async def _sends(self, **given: Any) -> None:
        self._wrote += 1
        await self._socket.send_str(
            orjson.dumps({"type": "send", "id": f"page-{self._wrote}", **given}).decode()
        )

    async def says(self, text: str) -> None:
        await self._sends(text=text)

    def texts(self) -> list[str]:
        return [html.unescape(re.sub(r"<[^>]+>", "", message["html"])) for message in self._messages.values()]

    async def chooses(self, label: str) -> None:
        for message in reversed(self._messages.values()):
            for button in (one for row in message["buttons"] for one in row):
                if button["label"] == label:
                    return await self._sends(token=button["token"], message=message["id"])
        raise AssertionError(f"there is no button {label!r}")


class Town:
    """Everybody who talks to the one bot, by messenger."""

    def __init__(self, app: App, base: str, people: Mapping[str, Talker]) -> None:
        self.app = app
        self.base = base
        self.people = people
