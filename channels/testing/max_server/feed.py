"""How updates reach the bot: GET /updates with its marker, and the subscriptions that silence it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from channels.testing.max_server.fields import Fields
from channels.testing.max_server.quirks import Quirks
from channels.testing.max_server.refusal import ApiError, bad_payload, unreadable
from channels.testing.max_server.update_queue import Entry, UpdateQueue
from channels.testing.max_server.updates import UPDATE_TYPES
from channels.testing.max_server.webhook import Pusher, WebhookSubscription

MAX_BATCH: Final = 100
MAX_WAIT: Final = 30.0
ACCEPTED_BATCH: Final = 1000
ACCEPTED_WAIT: Final = 90
DEFAULT_WAIT: Final = 30
"""The schema accepts more than the server has given since May 2026."""

_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{5,256}")


class Feed:
    """Polling and subscriptions of one bot. While there is a subscription, polls get nothing."""

    def __init__(
        self, queue: UpdateQueue, pusher: Pusher, quirks: Quirks, *, clock: Callable[[], float]
    ) -> None:
        self.queue = queue
        self.pusher = pusher
        self.quirks = quirks
        self.clock = clock
        self.delivered = 0
        self.polls = 0
        self.waiting = 0
        self._news: asyncio.Future[None] | None = None
        self.closed = False
        queue.on_put = self._offered

    @property
    def polling(self) -> bool:
        """Whether somebody waits for updates right now."""
        return self.waiting > 0

    def _offered(self, entry: Entry) -> None:
        self.pusher.offer(entry)
        self.wake()

    def wake(self) -> None:
        """Let every waiting poll look again."""
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
        self._news = None

    def close(self) -> None:
        """End every waiting poll with what is there."""
        self.closed = True
        self.wake()

    async def get_updates(self, given: Mapping[str, str]) -> bytes:
        """The answer to GET /updates. Raises a 400, or a 405 if it is set so and a webhook is there."""
        limit = _number(given, "limit", 1, ACCEPTED_BATCH, MAX_BATCH)
        timeout = _number(given, "timeout", 0, ACCEPTED_WAIT, DEFAULT_WAIT)
        marker = _number(given, "marker", 0, 2**63 - 1, -1)
        # Clamped once: a marker from the future must not commit what comes while this poll waits.
        marker = min(marker, self.queue.end)
        types = _types(given["types"].split(",")) if given.get("types") else None
        self.polls += 1
        if self.pusher.subscriptions and self.quirks.polling_with_webhook == "405":
            raise ApiError(405, "method.not.allowed", "There is a webhook subscription")
        deadline = self.clock() + min(float(timeout), MAX_WAIT)
        wanted = frozenset(types) if types is not None else None
        while True:
            entries, behind = self._read(marker if marker >= 0 else None, min(limit, MAX_BATCH), wanted)
            left = deadline - self.clock()
            if entries or left <= 0 or self.closed:
                self.delivered += len(entries)
                return b'{"updates":[%b],"marker":%d}' % (b",".join(one.body for one in entries), behind)
            await self._wait(left)

    def _read(self, marker: int | None, limit: int, types: frozenset[str] | None) -> tuple[list[Entry], int]:
        if self.pusher.subscriptions:
            return [], self.queue.committed if marker is None else marker
        return self.queue.read(marker=marker, limit=limit, types=types, now=self.clock())

    async def _wait(self, seconds: float) -> None:
        if self._news is None:
            self._news = asyncio.get_running_loop().create_future()
        self.waiting += 1
        try:
            await asyncio.wait((self._news,), timeout=seconds)
        finally:
            self.waiting -= 1

    def subscribe(self, value: object) -> dict[str, Any]:
        """POST /subscriptions: another address is added, the same one replaced. Raises a 400."""
        given = Fields(value, "subscription")
        url = given.required_text("url", least=1)
        secret = given.text("secret")
        types = given.items("update_types", most=len(UPDATE_TYPES))
        given.end()
        self._check_address(url)
        if secret is not None and _SECRET.fullmatch(secret) is None:
            raise unreadable("secret has 5 to 256 of A-Z a-z 0-9 _ -")
        chosen = None if types is None else _types(types)
        now = self.clock()
        self.pusher.subscribe(
            WebhookSubscription(url=url, secret=secret, update_types=chosen, time=now, alive_at=now),
            backlog=self.quirks.backlog_to_webhook,
        )
        return {"success": True}

    def _check_address(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise bad_payload("url is not an address") from error
        if parts.scheme not in {"https", "http"} or not parts.hostname:
            raise bad_payload("url must start with https://")
        if self.quirks.https_only and (parts.scheme != "https" or port is not None):
            raise bad_payload("url must start with https:// and have no port")

    def unsubscribe(self, given: Mapping[str, str]) -> dict[str, Any]:
        """DELETE /subscriptions; polling works again when the last one is gone."""
        if "url" not in given:
            raise bad_payload("url is required")
        if not self.pusher.unsubscribe(given["url"]):
            return {"success": False, "message": "There is no subscription with this url"}
        self.wake()
        return {"success": True}

    def subscriptions(self) -> dict[str, Any]:
        """GET /subscriptions."""
        return {"subscriptions": [one.as_json() for one in self.pusher.subscriptions.values()]}

    def lose(self, url: str | None = None) -> int:
        """Forget one subscription or all without telling the bot; gives how many."""
        lost = [one for one in self.pusher.subscriptions if url is None or one == url]
        for one in lost:
            self.pusher.unsubscribe(one)
        self.wake()
        return len(lost)

    def clear(self) -> None:
        """No updates, no subscriptions, no counts."""
        self.pusher.clear()
        self.queue.clear()
        self.delivered = self.polls = 0


def _number(given: Mapping[str, str], name: str, least: int, most: int, default: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    try:
        value = int(text)
    except ValueError as error:
        raise bad_payload(f"{name} is a number") from error
    if not least <= value <= most:
        raise bad_payload(f"{name} is {least} to {most}")
    return value


def _types(given: list[Any]) -> tuple[str, ...]:
    for name in given:
        if name not in UPDATE_TYPES:
            raise bad_payload(f"there is no update type {name!r}")
    if len(set(given)) != len(given):
        raise bad_payload("an update type is named twice")
    return tuple(given)
