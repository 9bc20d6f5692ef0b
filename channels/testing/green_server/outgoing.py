"""The outgoing queue of one instance: what was accepted leaves at its pace, while the account is there.

200 means queued. A message waits up to 24 hours for somebody to log in, and what becomes of it is told later, by
`outgoingMessageStatus`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from channels.testing.green_server import notices
from channels.testing.green_server.account import Account, State
from channels.testing.green_server.book import Book, Message, Sent
from channels.testing.green_server.fields import MAX

KEPT_SECONDS: Final = 24 * 3600.0
SHOWN: Final = 500
_LEAVING: Final = frozenset({State.AUTHORIZED, State.SUSPENDED, State.YELLOW_CARD})
"""States in which messages leave the queue; in the last one they come to nothing."""

Notify = Callable[[str, Mapping[str, Any]], int | None]


@dataclass(slots=True, kw_only=True)
class Waiting:
    """One message in the queue: what it will be, and the call that made it."""

    method: str
    body: Mapping[str, Any]
    message: Message
    plain: str
    accepted_at: float
    sent: Sent | None = None
    file: Mapping[str, str] = field(default_factory=dict)


class OutgoingQueue:
    """Messages on their way out. `delay_scale` shrinks the pause between two of them; 0 is none at all."""

    def __init__(
        self,
        *,
        book: Book,
        account: Account,
        clock: Callable[[], float],
        notify: Notify,
        delay_scale: float,
        next_seq: Callable[[], int],
    ) -> None:
        self.book = book
        self.account = account
        self.clock = clock
        self.notify = notify
        self.delay_scale = delay_scale
        self.next_seq = next_seq
        self.entries: deque[Waiting] = deque()
        self.echo_kind = "extendedTextMessage"
        """What an echo of a text says it is; the documentation says textMessage, live instances say this."""
        self._timer: asyncio.TimerHandle | None = None
        self._free_at = 0.0

    def __len__(self) -> int:
        return len(self.entries)

    def put(self, waiting: Waiting) -> None:
        """Queue a message; it leaves at once when nothing is in its way."""
        self.entries.append(waiting)
        self.pump()

    def clear(self) -> None:
        """Forget everything that waits."""
        self.entries.clear()

    def show(self) -> list[dict[str, Any]]:
        """The first messages of the queue, as showMessagesQueue gives them."""
        name = "idMessage" if self.book.network == MAX else "messageID"
        return [
            {name: one.message.id, "type": _shown_type(one.method), "body": dict(one.body)}
            for one in list(self.entries)[:SHOWN]
        ]

    def pump(self) -> None:
        """Let leave what may leave now."""
        self._cancel()
        now = self.clock()
        while self.entries and self.entries[0].accepted_at + KEPT_SECONDS <= now:
            self.entries.popleft()
        while self.entries and self.account.state in _LEAVING:
            if self._free_at > self.clock():
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(self._free_at - self.clock(), self.pump)
                return
            pause = self.account.settings["delaySendMessagesMilliseconds"] / 1000 * self.delay_scale
            self._free_at = self.clock() + pause
            self._leave(self.entries.popleft())

    def _leave(self, waiting: Waiting) -> None:
        message = waiting.message
        person = self.book.behind(message.chat_id)
        group = self.book.groups.get(message.chat_id)
        if self.account.state is State.YELLOW_CARD:
            self._status(message, "yellowCard")
        elif self.book.is_group(message.chat_id) and (group is None or self.book.own.id not in group.members):
            self._status(message, "notInGroup")
        elif not person:
            self._status(message, "noAccount")
        else:
            self._reach(waiting, person)

    def _reach(self, waiting: Waiting, person: str) -> None:
        message = waiting.message
        self.book.keep(message)
        message.at = self.clock()
        waiting.sent = self.book.log(
            Sent(
                seq=self.next_seq(),
                method=waiting.method,
                chat_id=message.chat_id,
                person=person,
                message_id=message.id,
                text=message.text,
                plain=waiting.plain,
                reply_to=message.quoted,
                file_name=waiting.file.get("name", ""),
                file_url=waiting.file.get("url", ""),
                mime=waiting.file.get("mime", ""),
                content=message.content,
                accepted_at=waiting.accepted_at,
                reached_at=message.at,
            )
        )
        echo = notices.message(self.book, message)
        if message.kind == "textMessage" and self.echo_kind != "textMessage":
            echo["messageData"] = {
                "typeMessage": self.echo_kind,
                "extendedTextMessageData": {"text": message.text},
            }
        self.notify("outgoingAPIMessageReceived", echo)
        if self.book.network != MAX:
            self._status(message, "sent")
        self._status(message, "delivered")

    def _status(self, message: Message, status: str) -> None:
        message.status = status
        self.notify(
            "outgoingMessageStatus",
            {
                "chatId": message.chat_id,
                "idMessage": message.id,
                "status": status,
                "sendByApi": message.by_api,
            },
        )

    def tell(self, chat: str, message_id: str, status: str) -> None:
        """Change the status of a message that has left: read, say, or failed. Raises `LookupError`."""
        message = self.book.find(chat, message_id)
        if message is None or not message.outgoing:
            raise LookupError(f"nothing was sent as {message_id} to {chat}")
        self._status(message, status)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        """Let nothing more leave."""
        self._cancel()


def _shown_type(method: str) -> str:
    match method:
        case "sendFileByUpload":
            return "sendFileByUrl"
        case "forwardMessages":
            return "ForwardMessages"
        case _:
            return method
