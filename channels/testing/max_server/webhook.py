"""The pusher: delivers updates to every subscription as MAX does.

One update per request, any number of them at once and in no promised order. Exactly 200 within 30 seconds is
success. Anything else is repeated up to 10 times, after 60 s, 150 s, 375 s …, no longer than 8 hours; a
subscription that accepted nothing for 8 hours is removed. `retry_scale` shrinks all these waits, so that
tests are quick. With two subscriptions every update comes twice.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import aiohttp

from channels.testing.balancer import Balancer
from channels.testing.max_server.update_queue import Entry, UpdateQueue

SECRET_HEADER: Final = "X-Max-Bot-Api-Secret"  # noqa: S105 - a header name
FIRST_DELAY: Final = 60.0
GROWTH: Final = 2.5
MOST_RETRIES: Final = 10
PATIENCE: Final = 8 * 3600.0
"""For how long an update is repeated, and after how long without success a subscription ends."""


@dataclass(slots=True, kw_only=True)
class WebhookSubscription:
    """What POST /subscriptions was told; `alive_at` is its last success, or its beginning."""

    url: str
    secret: str | None = None
    update_types: tuple[str, ...] | None = None
    time: float
    alive_at: float

    def wants(self, kind: str) -> bool:
        """Whether updates of this type go there."""
        return self.update_types is None or kind in self.update_types

    def as_json(self) -> dict[str, Any]:
        """As GET /subscriptions shows it: without the secret."""
        types = None if self.update_types is None else list(self.update_types)
        return {"url": self.url, "time": int(self.time * 1000), "update_types": types}


@dataclass(slots=True)
class _Delivery:
    entry: Entry
    subscription: WebhookSubscription
    failures: int = 0


class Pusher:
    """Delivers the queue to the subscriptions, at most `connections` requests at a time."""

    def __init__(
        self,
        queue: UpdateQueue,
        *,
        clock: Callable[[], float],
        retry_scale: float,
        read_timeout: float,
        connections: int,
    ) -> None:
        self.queue = queue
        self.clock = clock
        self.retry_scale = retry_scale
        self.read_timeout = read_timeout
        self.connections = connections
        self.subscriptions: dict[str, WebhookSubscription] = {}
        self.balancer = Balancer()
        self.counts: Counter[str] = Counter()
        self.open_connections = 0
        self.most_connections = 0
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready: deque[_Delivery] = deque()
        self._delayed: dict[int, tuple[asyncio.TimerHandle, _Delivery]] = {}
        self._serial = 0

    def subscribe(self, subscription: WebhookSubscription, *, backlog: bool) -> None:
        """Deliver to this address too (or anew); `backlog` is what waits because nobody was subscribed."""
        nobody = not self.subscriptions
        self.unsubscribe(subscription.url)
        self.subscriptions[subscription.url] = subscription
        if backlog and nobody:
            for entry in self.queue.waiting.values():
                self.offer(entry)

    def unsubscribe(self, url: str) -> bool:
        """Deliver nothing more there; what is on its way stays on its way. False when it was not subscribed."""
        gone = self.subscriptions.pop(url, None)
        if gone is None:
            return False
        for number, (timer, delivery) in list(self._delayed.items()):
            if delivery.subscription is gone:
                timer.cancel()
                del self._delayed[number]
                self._over(delivery.entry)
        return True

    def clear(self) -> None:
        """End every subscription and forget the counts."""
        for url in list(self.subscriptions):
            self.unsubscribe(url)
        self._ready.clear()
        self.counts.clear()
        self.most_connections = 0

    async def close(self) -> None:
        """End every subscription and cut what is on its way."""
        self.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def offer(self, entry: Entry) -> None:
        """An update is there."""
        wanted = [one for one in self.subscriptions.values() if one.wants(entry.kind)]
        if not wanted:
            if self.subscriptions:
                self.counts["unwanted"] += 1
                self.queue.take(entry)
            return
        entry.deliveries += len(wanted)
        self._ready.extend(_Delivery(entry, one) for one in wanted)
        self._pump()

    def _pump(self) -> None:
        while self._ready and self.open_connections < self.connections:
            delivery = self._ready.popleft()
            if self.subscriptions.get(delivery.subscription.url) is not delivery.subscription:
                self._over(delivery.entry)
                continue
            self.open_connections += 1
            self.most_connections = max(self.most_connections, self.open_connections)
            task = asyncio.create_task(self._deliver(delivery))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, delivery: _Delivery) -> None:
        try:
            accepted = await self._attempt(delivery)
        finally:
            self.open_connections -= 1
        if accepted:
            delivery.subscription.alive_at = self.clock()
            delivery.entry.accepted = True
            self._over(delivery.entry)
        else:
            self._failed(delivery)
        self._pump()

    async def _attempt(self, delivery: _Delivery) -> bool:
        headers = {"Content-Type": "application/json"}
        if delivery.subscription.secret is not None:
            headers[SECRET_HEADER] = delivery.subscription.secret
        if self._session is None:
            # Connections are counted here already; names are local, so nothing is worth caching.
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self.counts["attempts"] += 1
        try:
            async with self._session.post(
                self.balancer.place(delivery.subscription.url),
                data=delivery.entry.body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self.read_timeout),
            ) as answer:
                await answer.read()
        except TimeoutError:
            self.counts["timeouts"] += 1
            return False
        except (aiohttp.ClientError, OSError):
            self.counts["unreachable"] += 1
            return False
        if answer.status != HTTPStatus.OK:
            self.counts[f"status_{answer.status}"] += 1
            return False
        self.counts["accepted"] += 1
        return True

    def _failed(self, delivery: _Delivery) -> None:
        self.counts["failed"] += 1
        delivery.failures += 1
        subscription, now = delivery.subscription, self.clock()
        patience = PATIENCE * self.retry_scale
        if self.subscriptions.get(subscription.url) is not subscription:
            self._over(delivery.entry)
            return
        delay = FIRST_DELAY * GROWTH ** (delivery.failures - 1) * self.retry_scale
        if delivery.failures > MOST_RETRIES or now + delay - delivery.entry.created > patience:
            self.counts["given_up"] += 1
            delivery.entry.accepted = True  # nobody will ever be asked to take it again
            self._over(delivery.entry)
        else:
            self._serial += 1
            timer = asyncio.get_running_loop().call_later(delay, self._again, self._serial)
            self._delayed[self._serial] = (timer, delivery)
        if now - subscription.alive_at >= patience:
            self.counts["removed"] += 1
            self.unsubscribe(subscription.url)

    def _again(self, number: int) -> None:
        self._ready.append(self._delayed.pop(number)[1])
        self._pump()

    def _over(self, entry: Entry) -> None:
        """One subscription is done with this update; it leaves the queue when all are and one accepted it."""
        entry.deliveries -= 1
        if entry.deliveries <= 0 and entry.accepted:
            self.queue.take(entry)
