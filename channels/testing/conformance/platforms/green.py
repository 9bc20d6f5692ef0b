"""GREEN-API in the hands of the checks: the strict local gateway, and the people behind one account."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

import orjson

from channels.testing.conformance.platform import Answered, Asked, Sent, ServerPlatform, Update, reply
from channels.testing.green_server import GreenServer, Pace

ID_INSTANCE: Final = "310012345678"
PEOPLE: Final = {"max": "10000010", "whatsapp": "79001112233@c.us"}
"""Somebody on each network whom the account knows."""

_FIRST_RECEIPT: Final = 900_000_001


class GreenPlatform(ServerPlatform):
    """The gateway before an account of one network. What is `put` is the head of its queue, exactly as it is."""

    def __init__(self, network: str, token: str) -> None:
        super().__init__()
        self.network = network
        self.server = GreenServer(
            network=network,
            id_instance=ID_INSTANCE,
            token=token,
            pace=Pace(delay=0, retry=0.01, restart=0),
        )
        self._put: list[tuple[int, Update]] = []
        self._receipt = _FIRST_RECEIPT

    @property
    def address(self) -> str:
        """Where the fake gateway is."""
        return self.server.api_url

    async def open(self) -> None:
        """Start the fake, with an account whose notifications are on."""
        await super().open()
        await self.server.start()
        self.server.instance.listen()
        self.server.instance.book.person(PEOPLE[self.network], name="Анна")

    async def close(self) -> None:
        """Stop the fake."""
        await self.server.stop()
        await super().close()

    async def answer(self, asked: Asked) -> Answered:
        """Serve what was put until it is deleted, else ask the fake."""
        if self._put and "/receivenotification/" in asked.path.lower():
            receipt, update = self._put[0]
            return reply({"receiptId": receipt, "body": update})
        if self._put and asked.path.endswith(f"/{self._put[0][0]}"):
            self._put.pop(0)
            return reply({"result": True, "reason": ""})
        return await super().answer(asked)

    def refusal(self, status: int, delay: int | None = None) -> Answered:
        """Refuse as the gateway does: a wrong token silently, the rest in JSON that names the path, token and all."""
        answer = super().refusal(status, delay)
        if status == HTTPStatus.UNAUTHORIZED:
            return Answered(status=status)
        suspended = status == HTTPStatus.FORBIDDEN
        message = "Your account is suspended" if suspended else f"Refused with {status}"
        body = {
            "statusCode": status,
            "path": f"/waInstance{ID_INSTANCE}/sendMessage/{self.server.instance.token}",
            "message": message,
        }
        return Answered(status=status, body=orjson.dumps(body), headers=answer.headers)

    def put(self, update: Update) -> None:
        """Let exactly this update wait."""
        self._put.append((self._receipt, update))
        self._receipt += 1

    def take(self) -> Sequence[Update]:
        """Take out what waits. The checks push it: the fake's own pusher is left out of this."""
        put, self._put = [update for _, update in self._put], []
        queue = self.server.instance.notifications
        waiting = [orjson.loads(self.as_seen(entry.body)) for entry in queue.entries.values()]
        queue.clear()
        return [*put, *waiting]

    def hook(self, address: str) -> str:
        """The address is subscribed, and the fake keeps its notifications for `take` from now on."""
        vars(self.server.instance.pusher)["pump"] = lambda: None
        self.server.instance.notifications.on_put = lambda: None
        return address

    def writes(self, chat: str, words: str) -> None:
        """Write a text in a private chat."""
        self.server.instance.push.text(words, chat=chat)

    def shows(self, chat: str) -> None:
        """Send a picture."""
        self.server.instance.push.file(chat=chat)

    def hands(self, chat: str, content: bytes) -> None:
        """Send a document."""
        self.server.instance.push.file(chat=chat, content=content)

    def loses_files(self) -> None:
        """Forget every file."""
        self.server.instance.book.files.clear()

    def sent(self) -> Sequence[Sent]:
        """What reached people."""
        return tuple(
            Sent(id=f"{one.chat_id}/{one.message_id}", chat=one.chat_id, text=one.plain)
            for one in self.server.instance.sent
        )
