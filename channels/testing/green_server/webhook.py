"""The pusher: posts notifications to the bot's address, one after another, as the gateway does.

The body of a notification is posted as it is, with no receipt id around it. What was not answered with a 2xx is
repeated every minute (times `retry_scale`) for 24 hours; with one connection (the default) it holds back the
others, so their order is kept; with more of them notifications may overtake each other.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final

import aiohttp

from channels.testing.balancer import Balancer
from channels.testing.green_server.notifications import KEPT_SECONDS, Entry, NotificationQueue

RETRY_SECONDS: Final = 60.0
SCHEMES: Final = ("bearer", "basic", "bare")


class Pusher:
    """Delivers the queue of one instance while it has a webhook address."""

    def __init__(
        self, queue: NotificationQueue, *, clock: Callable[[], float], retry_scale: float, read_timeout: float
    ) -> None:
        self.queue = queue
        self.clock = clock
        self.retry_scale = retry_scale
        self.read_timeout = read_timeout
        self.connections = 1
        self.scheme = "bearer"
        self.balancer = Balancer()
        self.counts: Counter[str] = Counter()
        self._taken: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        """Where notifications go; "" when they are polled."""
        return str(self.queue.settings.get("webhookUrl", ""))

    def pump(self) -> None:
        """Start deliveries as far as connections are free."""
        if not self.url:
            return
        for entry in self.queue.entries.values():
            if len(self._tasks) >= self.connections:
                return
            if entry.receipt_id in self._taken:
                continue
            self._taken.add(entry.receipt_id)
            task = asyncio.get_running_loop().create_task(self._deliver(entry))
            self._tasks.add(task)
            task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.result()
            self.pump()

    async def _deliver(self, entry: Entry) -> None:
        try:
            while self.url and entry.receipt_id in self.queue.entries:
                if await self._post(entry):
                    self.queue.delete(entry.receipt_id)
                    return
                if self.clock() - entry.created >= KEPT_SECONDS:
                    self.queue.delete(entry.receipt_id)
                    self.counts["given_up"] += 1
                    return
                await asyncio.sleep(RETRY_SECONDS * self.retry_scale)
        finally:
            self._taken.discard(entry.receipt_id)

    def authorization(self) -> str:
        """The header's value: the token behind the scheme, "" for none."""
        token = str(self.queue.settings.get("webhookUrlToken", ""))
        if not token:
            return ""
        return token if self.scheme == "bare" else f"{self.scheme.title()} {token}"

    async def _post(self, entry: Entry) -> bool:
        """One attempt; true for success."""
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if value := self.authorization():
            headers["Authorization"] = value
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self.counts["attempts"] += 1
        try:
            async with self._session.post(
                self.balancer.place(self.url),
                data=entry.body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self.read_timeout),
            ) as answer:
                await answer.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            self.counts[f"error_{type(error).__name__}"] += 1
            return False
        if answer.status // 100 == 2:  # noqa: PLR2004 - the hundred of success
            self.counts["accepted"] += 1
            return True
        self.counts[f"status_{answer.status}"] += 1
        return False

    async def close(self) -> None:
        """Stop and cut what is on its way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None
