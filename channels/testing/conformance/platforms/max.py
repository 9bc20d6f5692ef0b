"""MAX in the hands of the checks: the strict local Bot API, and people who write and press there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson

from channels.testing.conformance.platform import Answered, Asked, Button, Sent, ServerPlatform, Update, reply
from channels.testing.max_server import MaxServer

DIALOGS: Final = (182_000_037,)
"""Dialogs that exist from the beginning: the bot may write there."""

_CODES: Final = {400: "proto.payload", 401: "verify.token", 403: "chat.denied", 404: "chat.not.found"}


class MaxPlatform(ServerPlatform):
    """A bot's MAX. What is `put` is served exactly as it is; the rest lives in the fake server."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.server = MaxServer(token=token, username="optfm_bot", retry_scale=0.01)
        self._put: list[Update] = []

    @property
    def address(self) -> str:
        """Where the fake Bot API is."""
        return self.server.base_url

    async def open(self) -> None:
        """Start the fake; its people have written before."""
        await super().open()
        await self.server.start()
        for dialog in DIALOGS:
            self.server.world.chat(dialog)

    async def close(self) -> None:
        """Stop the fake."""
        await self.server.stop()
        await super().close()

    async def answer(self, asked: Asked) -> Answered:
        """Serve what was put, else ask the fake. The marker stays: nothing of the fake's own was served."""
        if self._put and asked.method == "GET" and asked.path == "/updates":
            put, self._put = self._put, []
            marker = asked.query.get("marker")
            return reply({"updates": put, "marker": None if marker is None else int(marker)})
        return await super().answer(asked)

    def refusal(self, status: int, delay: int | None = None) -> Answered:
        """Refuse as MAX does: a code and a message."""
        answer = super().refusal(status, delay)
        body = {"code": _CODES.get(status, f"error.{status}"), "message": f"Refused with {status}"}
        return Answered(status=status, body=orjson.dumps(body), headers=answer.headers)

    def put(self, update: Update) -> None:
        """Let exactly this update wait."""
        self._put.append(update)

    def take(self) -> Sequence[Update]:
        """Take out what waits. The checks push it: the fake's own pusher is left out of this."""
        put, self._put = self._put, []
        waiting = list(self.server.queue.waiting.values())
        for entry in waiting:
            self.server.queue.take(entry)
        return [*put, *(orjson.loads(self.as_seen(entry.body)) for entry in waiting)]

    def hook(self, address: str) -> str:
        """The address is subscribed, and the fake keeps its updates for `take` from now on."""
        self.server.queue.on_put = lambda _: self.server.feed.wake()
        return address

    def writes(self, chat: str, words: str) -> None:
        """Write a text in a dialog."""
        self.server.push.text(words, chat=int(chat))

    def starts(self, chat: str) -> None:
        """Press Start: MAX tells it by an event."""
        self.server.push.started(chat=int(chat))

    def presses(self, button: Button, message: Sent) -> None:
        """Press a button under a message."""
        self.server.push.callback(button.token, chat=int(message.chat), message_id=message.id)

    def shows(self, chat: str) -> None:
        """Send a picture."""
        self.server.push.photo(chat=int(chat))

    def hands(self, chat: str, content: bytes) -> None:
        """Send a file."""
        self.server.push.document(chat=int(chat), content=content)

    def loses_files(self) -> None:
        """Forget every file."""
        self.server.world.uploads.clear()

    def sent(self) -> Sequence[Sent]:
        """What reached people, with the words of the last edit."""
        found: dict[str, Sent] = {}
        for one in [*self.server.sent, *self.server.edits]:
            buttons = tuple(
                Button(label=button.label, token=button.data or "") for row in one.buttons for button in row
            )
            found[one.message_id] = Sent(
                id=one.message_id, chat=str(one.chat_id), text=one.plain, buttons=buttons
            )
        return tuple(found.values())
