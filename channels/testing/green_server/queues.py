"""The methods about the two queues: what waits to go out, and the notifications that wait to be fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from channels.testing.green_server.notifications import NotificationQueue
from channels.testing.green_server.outgoing import OutgoingQueue
from channels.testing.green_server.refusal import Refusal, invalid

Given = Mapping[str, Any]
WEBHOOK_IS_SET: Final = "Message cannot be received because custom webhook url is set"
SHORTEST, LONGEST, DEFAULT = 5, 60, 5
REFRESH_SECONDS: Final = 10.0
CLEAR_INTERVAL: Final = 60.0
EMPTY_ANSWERS: Final = ("null", "empty", "408", "504")


class Queues:
    """Both queues of one instance.

    `poll_scale` shrinks the waits of receiveNotification; `empty_answer` is how an empty queue is told: `null`, an
    empty body, or the status of a server in front that lost patience.
    """

    def __init__(
        self,
        *,
        notifications: NotificationQueue,
        outgoing: OutgoingQueue,
        clock: Callable[[], float],
        poll_scale: float,
    ) -> None:
        self.notifications = notifications
        self.outgoing = outgoing
        self.clock = clock
        self.poll_scale = poll_scale
        self.empty_answer = "null"
        self.refresh_seconds = REFRESH_SECONDS
        self._counts: dict[str, tuple[float, int]] = {}
        self._cleared_at = float("-inf")

    @property
    def handlers(self) -> Mapping[str, Callable[[Given], Any]]:
        """The methods that are answered here, but for the one that waits."""
        return {
            "deleteNotification": self._delete,
            "showMessagesQueue": lambda _: self.outgoing.show(),
            "clearMessagesQueue": self._clear_outgoing,
            "getMessagesCount": lambda _: {"count": self._count("messages", len(self.outgoing))},
            "getWebhooksCount": lambda _: {"count": self._count("webhooks", len(self.notifications))},
            "clearWebhooksQueue": self._clear_notifications,
        }

    def _must_poll(self) -> None:
        if self.notifications.settings["webhookUrl"]:
            raise Refusal(400, WEBHOOK_IS_SET)

    async def receive(self, given: Given, closing: Callable[[], bool]) -> bytes:
        """The head of the queue as JSON, `null` after the wait. Raises a 400 while a webhook is set."""
        try:
            seconds = int(given.get("receiveTimeout", DEFAULT))
        except ValueError:
            seconds = 0
        if not SHORTEST <= seconds <= LONGEST:
            raise invalid(f"'receiveTimeout' must be between {SHORTEST} and {LONGEST}")
        self._must_poll()
        self.notifications.asked_at = self.clock()
        deadline = asyncio.get_running_loop().time() + seconds * self.poll_scale
        while (entry := self.notifications.head()) is None:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0 or closing() or self.notifications.switched_off:
                return self._empty()
            await self.notifications.wait(left)
            self._must_poll()
        return b'{"receiptId":%d,"body":%s}' % (entry.receipt_id, entry.body)

    def _empty(self) -> bytes:
        match self.empty_answer:
            case "empty":
                return b""
            case "408":
                raise Refusal(408, title="Request Timeout")
            case "504":
                raise Refusal(504, title="Gateway Time-out")
            case _:
                return b"null"

    def _delete(self, given: Given) -> dict[str, Any]:
        self._must_poll()
        if not given["tail"].isdecimal():
            raise invalid("'receiptId' must be a number")
        done = self.notifications.delete(int(given["tail"]))
        return {"result": done, "reason": "" if done else "Notification was not found"}

    def _count(self, name: str, now: int) -> int:
        """Counts are looked at every ten seconds and not in between."""
        at, count = self._counts.get(name, (float("-inf"), 0))
        if self.clock() - at >= self.refresh_seconds:
            at, count = self.clock(), now
            self._counts[name] = (at, count)
        return count

    def _clear_outgoing(self, _given: Given) -> dict[str, Any]:
        self.outgoing.clear()
        return {"isCleared": True}

    def _clear_notifications(self, _given: Given) -> dict[str, Any]:
        left = self._cleared_at + CLEAR_INTERVAL - self.clock()
        if left > 0:
            return {"isCleared": False, "reason": "Too many requests", "leftTime": int(left) + 1}
        self._cleared_at = self.clock()
        self.notifications.clear()
        return {"isCleared": True, "reason": ""}


def encode(found: Any) -> bytes:
    """The answer of a method as JSON; bytes are JSON already."""
    return found if isinstance(found, bytes) else orjson.dumps(found)
