"""The pusher: delivers updates to the bot's address as Telegram does.

Each chat has its own queue and gets one update at a time; other chats go in parallel, at most
`max_connections`. Any 2xx is success. Anything else is repeated: at once, then after 2, 4, 8 … 60 seconds,
or after the `Retry-After` that the bot asked for. `retry_scale` shrinks all these waits, so that tests are
quick. An update leaves the queue only when it was accepted; one that is waiting for its repeat holds back
its chat and nobody else.
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
from channels.testing.telegram_server.refusal import ApiError
from channels.testing.telegram_server.update_queue import Entry, UpdateQueue
from channels.testing.telegram_server.wire import Uploads, read_parameters_of

SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header name
LONGEST_DELAY: Final = 60.0
LONGEST_RETRY_AFTER: Final = 3600.0
GONE_PATIENCE: Final = 23 * 3600.0
"""After this long of nothing but 410 the webhook is removed."""

Execute = Callable[[dict[str, Any], Uploads], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """What setWebhook was told."""

    url: str
    secret_token: str = ""
    max_connections: int = 40
    allowed_updates: tuple[str, ...] | None = None
    ip_address: str = ""
    has_certificate: bool = False


@dataclass(slots=True)
class PushFailure:
    """The last thing that went wrong, as getWebhookInfo shows it."""

    at: float
    message: str


class Pusher:
    """Delivers the queue while a webhook is set. `execute` gets the method that an answer may carry."""

    def __init__(
        self,
        queue: UpdateQueue,
        *,
        clock: Callable[[], float],
        execute: Execute,
        retry_scale: float,
        read_timeout: float,
    ) -> None:
        self.queue = queue
        self.clock = clock
        self.execute = execute
        self.retry_scale = retry_scale
        self.read_timeout = read_timeout
        self.settings: WebhookSettings | None = None
        self.failure: PushFailure | None = None
        self.balancer = Balancer()
        self.counts: Counter[str] = Counter()
        self.open_connections = 0
        self.most_connections = 0
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._gone_since: float | None = None
        self._reset_lanes()

    def _reset_lanes(self) -> None:
        self._lanes: dict[str, deque[int]] = {}
        self._ready: deque[str] = deque()
        self._failures: Counter[str] = Counter()
        self._delayed: dict[str, asyncio.TimerHandle] = {}

    def start(self, settings: WebhookSettings) -> None:
        """Deliver to this address from now on, beginning with what is waiting."""
        self.stop()
        self.settings = settings
        for entry in self.queue.entries.values():
            self.offer(entry)

    def stop(self) -> None:
        """Deliver nothing more. What is on its way stays on its way: its answer still counts."""
        self.settings = None
        self.failure = None
        self._gone_since = None
        for timer in self._delayed.values():
            timer.cancel()
        self._reset_lanes()

    async def close(self) -> None:
        """Stop and cut what is on its way."""
        self.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def offer(self, entry: Entry) -> None:
        """An update is there."""
        if self.settings is None:
            return
        lane = self._lanes.get(entry.lane)
        if lane is None:
            self._lanes[entry.lane] = deque((entry.update_id,))
            self._ready.append(entry.lane)
            self._pump()
        else:
            lane.append(entry.update_id)

    def _pump(self) -> None:
        while self._ready and self.settings and self.open_connections < self.settings.max_connections:
            lane = self._ready.popleft()
            entry = self.queue.entries.get(self._lanes[lane][0])
            if entry is None:
                self._advance(lane)
                continue
            self.open_connections += 1
            self.most_connections = max(self.most_connections, self.open_connections)
            task = asyncio.create_task(self._deliver(entry, self.settings))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, entry: Entry, settings: WebhookSettings) -> None:
        try:
            delay = await self._post(entry, settings)
        finally:
            self.open_connections -= 1
        done = delay is None and self.queue.take(entry.update_id)
        if self._lanes.get(entry.lane, (None,))[0] != entry.update_id:
            # The webhook was set anew in the meantime: the lanes are others now.
            self._pump()
        elif delay is not None:
            self._delayed[entry.lane] = asyncio.get_running_loop().call_later(
                delay * self.retry_scale, self._again, entry.lane
            )
            self._pump()
        else:
            self._failures.pop(entry.lane, None)
            if done:
                self._advance(entry.lane)
            else:
                self._ready.append(entry.lane)
            self._pump()

    def _again(self, lane: str) -> None:
        self._delayed.pop(lane, None)
        self._ready.append(lane)
        self._pump()

    def _advance(self, lane: str) -> None:
        waiting = self._lanes[lane]
        waiting.popleft()
        if waiting:
            self._ready.append(lane)
        else:
            del self._lanes[lane]

    async def _post(self, entry: Entry, settings: WebhookSettings) -> float | None:
        """One attempt: None for success, otherwise the delay before the next one."""
        headers = {"Content-Type": "application/json"}
        if settings.secret_token:
            headers[SECRET_HEADER] = settings.secret_token
        if self._session is None:
            # Connections are counted here already; names are local, so nothing is worth caching.
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self.counts["attempts"] += 1
        try:
            async with self._session.post(
                self.balancer.place(settings.url),
                data=entry.body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self.read_timeout),
            ) as answer:
                body = await answer.read()
        except TimeoutError:
            return self._failed(entry.lane, "Read timeout expired")
        except aiohttp.ClientConnectorError:
            return self._failed(entry.lane, "Connection refused")
        except (aiohttp.ClientError, OSError) as error:
            return self._failed(entry.lane, f"Connection closed: {type(error).__name__}")
        if answer.ok and answer.status < HTTPStatus.MULTIPLE_CHOICES:
            self._gone_since = None
            self.counts["accepted"] += 1
            self._run_reply(answer.headers.get("Content-Type", ""), body)
            return None
        return self._refused(
            entry.lane, answer.status, answer.reason or "", answer.headers.get("Retry-After")
        )

    def _refused(self, lane: str, status: int, reason: str, retry_after: str | None) -> float:
        self.counts[f"status_{status}"] += 1
        delay = self._failed(lane, f"Wrong response from the webhook: {status} {reason}".rstrip())
        if status == HTTPStatus.GONE:
            if self._gone_since is None:
                self._gone_since = self.clock()
            elif self.clock() - self._gone_since >= GONE_PATIENCE * self.retry_scale:
                self.stop()
        else:
            self._gone_since = None
        if retry_after is not None and retry_after.isdecimal():
            return min(float(retry_after), LONGEST_RETRY_AFTER)
        return delay

    def _failed(self, lane: str, message: str) -> float:
        self.counts["failed"] += 1
        self.failure = PushFailure(self.clock(), message)
        self._failures[lane] += 1
        failures = self._failures[lane]
        return 0.0 if failures == 1 else min(2.0 ** (failures - 1), LONGEST_DELAY)

    def _run_reply(self, content_type: str, body: bytes) -> None:
        """A method in the answer is executed; what comes of it nobody hears."""
        try:
            given, files = read_parameters_of(content_type, body)
        except ApiError:
            self.counts["unreadable_answers"] += 1
            return
        if "method" in given:
            self.counts["replies"] += 1
            self.execute(given, files)
