"""The fake server: an address that behaves like platform-api2.max.ru, and the knobs behind it.

    async with MaxServer() as server:
        bot = make_a_bot(server.base_url, server.token)
        server.push.text("hello", chat=1)
        await server.wait_sent(1)
        assert server.sent[-1].plain == "hello"

One event loop, one bot. Every call is answered as the platform would, or goes wrong as a `Fault` says.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from channels.testing.fake import FakeBotPlatform
from channels.testing.latency import LatencyBook
from channels.testing.load import Load
from channels.testing.max_server.dispatch import BotApi, Call
from channels.testing.max_server.faults import Fault, FaultKind
from channels.testing.max_server.feed import Feed
from channels.testing.max_server.gateway import MEDIA, UPLOADS, Gateway
from channels.testing.max_server.inbound import Inbound
from channels.testing.max_server.limits import RateLimits
from channels.testing.max_server.quirks import Quirks
from channels.testing.max_server.update_queue import UpdateQueue
from channels.testing.max_server.webhook import Pusher
from channels.testing.max_server.world import Sent, Standing, Upload, World
from channels.testing.site import LocalSite
from channels.testing.trouble import FaultPlan
from channels.testing.watching import Watch, steady_clock

CALLS_KEPT: Final = 50_000
DEFAULT_TOKEN: Final = "f9LHodD0cOKtestMAXtoken-0123456789_abcdefghij"  # noqa: S105 - of a fake bot, opens nothing
BOT_ID: Final = 700_000_001


class MaxServer(FakeBotPlatform[Sent, Call]):
    """A strict local MAX for one bot; an async context manager. See the module for how it is used.

    `retry_scale` shrinks the waits between webhook attempts and the patience with a dead subscription;
    `latency` is how many seconds every send takes to be answered (it has reached the person before that);
    `connections` is how many webhook requests run at once. Rate limits are off until `limits.official()`.
    """

    def __init__(
        self,
        *,
        token: str = DEFAULT_TOKEN,
        username: str = "optfm_test_bot",
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 0,
        latency: float = 0.0,
        retry_scale: float = 1.0,
        read_timeout: float = 30.0,
        connections: int = 100,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.token = token
        self.host = host
        self.port = port
        self.latency = latency
        self.clock = clock or steady_clock()
        self.world = World(bot_id=BOT_ID, username=username)
        self.queue = UpdateQueue()
        self.quirks = Quirks()
        self.faults: FaultPlan[Fault] = FaultPlan(seed=seed)
        self.limits = RateLimits()
        self.latencies = LatencyBook()
        self.push = Inbound(
            self.world,
            self.queue,
            self.latencies,
            clock=self.clock,
            token=token,
            media_url=self._media_url,
        )
        self.load = Load(self.clock, lambda text, chat: self.push.text(text, chat=chat))
        self.pusher = Pusher(
            self.queue,
            clock=self.clock,
            retry_scale=retry_scale,
            read_timeout=read_timeout,
            connections=connections,
        )
        self.feed = Feed(self.queue, self.pusher, self.quirks, clock=self.clock)
        self.api = BotApi(
            self.world,
            self.feed,
            self.limits,
            self.quirks,
            self.latencies,
            upload_url=self._upload_url,
            media_url=self._media_url,
        )
        self.call_log: deque[Call] = deque(maxlen=CALLS_KEPT)
        self.call_count = 0
        self.refused_tokens = 0
        self.leaked_tokens = 0
        """Requests to upload and media hosts that carried an Authorization header: the token belongs to the API."""
        self.in_flight = 0
        """Sends that were received and not yet answered, at this moment."""
        self.closing = asyncio.Event()
        self._gateway = Gateway(self)
        self._watch = Watch(self.clock, self.state)
        self._log = self.world
        self.changed = self._watch.changed
        """Lets those who wait for a condition look again."""
        # Cancelled calls: a poll whose bot was killed must not count as a waiting one.
        self._site = LocalSite(self._gateway.handle, host=host, port=port, cancels=True)

    # -- life --------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen; `port` is known afterwards."""
        await self._site.open()
        self.port = self._site.port

    async def stop(self) -> None:
        """End waiting polls, hung calls and deliveries, and close every connection."""
        self.closing.set()
        self.feed.close()
        await self.load.close()
        await self.pusher.close()
        await self._site.close()
        self.changed()

    @property
    def base_url(self) -> str:
        """Where the Bot API is; `/me` and the like come after it."""
        return self._site.address

    def _upload_url(self, upload: Upload) -> str:
        return f"{self.base_url}{UPLOADS}{upload.token}?sig=made-up&expires=1"

    def _media_url(self, upload: Upload) -> str:
        return f"{self.base_url}{MEDIA}{upload.token}"

    def reset(self) -> None:
        """Forget chats, logs, faults, limits, quirks and subscriptions. Ids go on growing."""
        self.world.clear()
        self.feed.clear()
        self.faults.clear()
        self.faults.fired.clear()
        self.limits.set()
        self.quirks.reset()
        self.latencies.clear()
        del self.load.offered[:]
        self.call_log.clear()
        self.call_count = self.refused_tokens = self.leaked_tokens = 0
        self.latency = 0.0
        self.changed()

    # -- looking -----------------------------------------------------------------------------------

    @property
    def pending(self) -> int:
        """How many updates the bot has not confirmed."""
        return len(self.queue)

    def state(self) -> dict[str, Any]:
        """Everything countable, as plain JSON."""
        return {
            "pending": self.pending,
            "in_flight": self.in_flight,
            "sent": self.world.sent_count,
            "edits": len(self.world.edits),
            "calls": self.call_count,
            "confirmed": self.queue.confirmed,
            "delivered": self.feed.delivered,
            "polls": self.feed.polls,
            "polling": self.feed.polling,
            "webhook": next(iter(self.pusher.subscriptions), ""),
            "webhooks": list(self.pusher.subscriptions),
            "webhook_counts": dict(self.pusher.counts),
            "webhook_most_connections": self.pusher.most_connections,
            "refused_tokens": self.refused_tokens,
            "leaked_tokens": self.leaked_tokens,
            "faults_fired": dict(self.faults.fired),
            "load_running": self.load.running,
            "commands": self.world.commands,
            "outcomes": self.outcomes,
        }

    # -- meddling ----------------------------------------------------------------------------------

    def fail(self, kind: FaultKind | str, method: str = "*", **about: Any) -> Fault:
        """Let calls go wrong: by default the next one. See `Fault` for what `about` may say.

        Besides the operations there are `upload` and `media`, the hosts of files.
        """
        return self.faults.add(Fault(kind=FaultKind(kind), method=method, **about))

    def revoke_token(self) -> None:
        """Every call is a 401 from now on, until the faults are cleared."""
        self.faults.rules.insert(0, Fault(kind=FaultKind.UNAUTHORIZED, times=None))

    def duplicate_next(self, count: int = 1) -> None:
        """Let the next updates come twice."""
        self.queue.duplicates_left += count

    def reorder_next(self, count: int = 2) -> None:
        """Hold the next updates back until so many are there, then let them come last one first."""
        self.queue.reorder_next(count)

    def set_standing(self, chat: int, standing: Standing | str) -> None:
        """Change what the bot may do in a chat without telling it; see `push.membership` for telling."""
        self.world.chat(chat).standing = Standing(standing)

    def age_messages(self, seconds: float) -> None:
        """Make every message so far older by so much: a day later they cannot be changed any more."""
        for post in self.world.posts.values():
            post.created -= seconds
