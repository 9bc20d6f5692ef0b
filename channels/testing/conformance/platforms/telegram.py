"""Telegram in the hands of the checks: the strict local Bot API, and people who write and press there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

import orjson

from channels.testing.conformance.platform import Answered, Asked, Button, Sent, ServerPlatform, Update, reply
from channels.testing.telegram_server import TelegramServer

PEOPLE: Final = (70001,)
"""Private chats that exist from the beginning: the bot may write there."""


class TelegramPlatform(ServerPlatform):
    """A bot's Telegram. What is `put` is served exactly as it is; the rest lives in the fake server."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.server = TelegramServer(token=token, set_webhook_interval=0, retry_scale=0.01)
        self._put: list[Update] = []

    @property
    def address(self) -> str:
        """Where the fake Bot API is."""
        return self.server.base_url

    async def open(self) -> None:
        """Start the fake; its people have written before."""
        await super().open()
        await self.server.start()
        for person in PEOPLE:
            self.server.world.chat(person)

    async def close(self) -> None:
        """Stop the fake."""
        await self.server.stop()
        await super().close()

    async def answer(self, asked: Asked) -> Answered:
        """Serve what was put, else ask the fake."""
        if self._put and asked.path.endswith("/getUpdates"):
            put, self._put = self._put, []
            return reply({"ok": True, "result": put})
        return await super().answer(asked)

    def refusal(self, status: int, delay: int | None = None) -> Answered:
        """Refuse as the Bot API does: in JSON, with the wait among the parameters."""
        body: dict[str, Any] = {"ok": False, "error_code": status, "description": HTTPStatus(status).phrase}
        if delay is not None:
            body["parameters"] = {"retry_after": delay}
        return reply(body, status)

    def put(self, update: Update) -> None:
        """Let exactly this update wait."""
        self._put.append(update)

    def take(self) -> Sequence[Update]:
        """Take out what waits. The checks push it: the fake's own pusher is left out of this."""
        put, self._put = self._put, []
        entries = self.server.queue.entries
        waiting = [orjson.loads(entry.body) for entry in entries.values()]
        entries.clear()
        return [*put, *waiting]

    def hook(self, address: str) -> str:
        """The address is subscribed, and the fake keeps its updates for `take` from now on."""
        self.server.queue.on_put = lambda _: self.server.subscription.wake()
        return address

    def writes(self, chat: str, words: str) -> None:
        """Write a text in a private chat."""
        self.server.push.text(words, chat=int(chat))

    def starts(self, chat: str) -> None:
        """Press Start: Telegram shows a command."""
        self.server.push.text("/start", chat=int(chat))

    def presses(self, button: Button, message: Sent) -> None:
        """Press a button under a message."""
        self.server.push.callback(button.token, chat=int(message.chat), message_id=int(message.id))

    def shows(self, chat: str) -> None:
        """Send a photo."""
        self.server.push.photo(chat=int(chat))

    def hands(self, chat: str, content: bytes) -> None:
        """Send a document."""
        self.server.push.document(chat=int(chat), content=content)

    def loses_files(self) -> None:
        """Forget every file."""
        self.server.world.files.clear()

    def sent(self) -> Sequence[Sent]:
        """What reached people, with the words of the last edit."""
        found: dict[tuple[int, int], Sent] = {}
        for one in [*self.server.sent, *self.server.edits]:
            buttons = tuple(
                Button(label=button.label, token=button.data or "") for row in one.buttons for button in row
            )
            seen = Sent(id=str(one.message_id), chat=str(one.chat_id), text=one.plain, buttons=buttons)
            known = found.get((one.chat_id, one.message_id))
            found[one.chat_id, one.message_id] = seen if known is None else replace(known, text=seen.text)
        return tuple(found.values())
