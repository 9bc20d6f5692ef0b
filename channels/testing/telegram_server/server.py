"""The fake server: an address that behaves like api.telegram.org, and the knobs behind it.

    async with TelegramServer(token="123456:TEST") as server:
        bot = make_a_bot(server.base_url)
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
from channels.testing.site import LocalSite
from channels.testing.telegram_server.dispatch import BotApi, Call, reply_method
from channels.testing.telegram_server.faults import Fault, FaultKind, RateLimits
from channels.testing.telegram_server.gateway import Gateway
from channels.testing.telegram_server.inbound import Inbound
from channels.testing.telegram_server.methods import ChatMethods
from channels.testing.telegram_server.subscription import Subscription
from channels.testing.telegram_server.update_queue import UpdateQueue
from channels.testing.telegram_server.webhook import Pusher
from channels.testing.telegram_server.wire import Parameters, Uploads
from channels.testing.telegram_server.world import Sent, Standing, World
from channels.testing.trouble import FaultPlan
from channels.testing.watching import Watch, steady_clock

CALLS_KEPT: Final = 50_000
DEFAULT_TOKEN: Final = "123456:TEST"  # noqa: S105 - the token of a fake bot opens nothing


class TelegramServer(FakeBotPlatform[Sent, Call]):
    """A strict local Telegram for one bot; an async context manager. See the module for how it is used.

    `slow_down` turns on the penalties for pollers that do not advance; `retry_scale` shrinks the waits
    between webhook attempts; `latency` is how many seconds every send takes to be answered (it has reached
    the person before that).
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
        slow_down: bool = False,
        callback_lifetime: float = 60.0,
        retry_scale: float = 1.0,
        read_timeout: float = 60.0,
        set_webhook_interval: float = 1.0,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.token = token
        self.host = host
        self.port = port
        self.latency = latency
        self.clock = clock or steady_clock()
        bot_id = token.partition(":")[0]
        if not bot_id.isdecimal():
            raise ValueError("a token begins with the number of the bot and a colon")
        self.world = World(bot_id=int(bot_id), username=username, callback_lifetime=callback_lifetime)
        self.queue = UpdateQueue()
        self.faults: FaultPlan[Fault] = FaultPlan(seed=seed)
        self.limits = RateLimits()
        self.latencies = LatencyBook()
        self.push = Inbound(self.world, self.queue, self.latencies, self.clock)
        self.load = Load(self.clock, lambda text, chat: self.push.text(text, chat=chat))
        self.pusher = Pusher(
            self.queue,
            clock=self.clock,
            execute=self._run_reply,
            retry_scale=retry_scale,
            read_timeout=read_timeout,
        )
        self.subscription = Subscription(
            self.queue,
            self.pusher,
            clock=self.clock,
            slow_down=slow_down,
            set_webhook_interval=set_webhook_interval,
        )
        self.api = BotApi(ChatMethods(self.world), self.subscription, self.limits, self.latencies)
        self.call_log: deque[Call] = deque(maxlen=CALLS_KEPT)
        self.call_count = 0
        self.in_flight = 0
        """Sends that were received and not yet answered, at this moment."""
        self.closing = asyncio.Event()
        self._watch = Watch(self.clock, self.state)
        self._log = self.world
        self.changed = self._watch.changed
        """Lets those who wait for a condition look again."""
        self._site = LocalSite(Gateway(self).handle, host=host, port=port)

    # -- life --------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen; `port` is known afterwards."""
        await self._site.open()
        self.port = self._site.port

    async def stop(self) -> None:
        """End waiting polls, hung calls and deliveries, and close every connection."""
        self.closing.set()
        self.subscription.wake()
        await self.load.close()
        await self.pusher.close()
        await self._site.close()
        self.changed()

    @property
    def base_url(self) -> str:
        """Where the Bot API is; `/bot<token>/<method>` comes after it."""
        return self._site.address

    def reset(self) -> None:
        """Forget chats, logs, faults, limits, settings and the webhook. Ids go on growing."""
        self.world.clear()
        self.subscription.clear()
        self.faults.clear()
        self.faults.fired.clear()
        self.limits.set()
        self.latencies.clear()
        del self.load.offered[:]
        self.call_log.clear()
        self.call_count = 0
        self.latency = 0.0
        self.api.logged_out = False
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
            "filtered": self.queue.filtered,
            "delivered": self.subscription.delivered,
            "conflicts": self.subscription.conflicts,
            "polling": self.subscription.polling,
            "webhook": self.pusher.settings.url if self.pusher.settings else "",
            "webhook_counts": dict(self.pusher.counts),
            "webhook_most_connections": self.pusher.most_connections,
            "faults_fired": dict(self.faults.fired),
            "load_running": self.load.running,
            "outcomes": self.outcomes,
        }

    # -- meddling ----------------------------------------------------------------------------------

    def fail(self, kind: FaultKind | str, method: str = "*", **about: Any) -> Fault:
        """Let calls go wrong: by default the next one. See `Fault` for what `about` may say."""
        return self.faults.add(Fault(kind=FaultKind(kind), method=method, **about))

    def revoke_token(self) -> None:
        """Every call is a 401 from now on, until the faults are cleared."""
        self.faults.rules.insert(0, Fault(kind=FaultKind.UNAUTHORIZED, times=None))

    def duplicate_next(self, count: int = 1) -> None:
        """Deliver the next updates twice: once more after they were confirmed."""
        self.queue.duplicates_left += count

    def set_standing(self, chat: int, standing: Standing | str) -> None:
        """Change what the bot may do in a chat without telling it; see `push.membership` for telling."""
        self.world.chat(chat).standing = Standing(standing)

    def set_topic(self, chat: int, topic: int, *, closed: bool = False) -> None:
        """Make a topic of a forum known, open or closed."""
        home = self.world.chat(chat)
        self.world.topic(home, topic)
        (home.closed_topics.add if closed else home.closed_topics.discard)(topic)

    def set_forum(self, chat: int, *, manages: bool = True) -> None:
        """Make a supergroup a forum; whether the bot may manage its topics."""
        home = self.world.chat(chat)
        home.about["is_forum"] = True
        home.manages_topics = manages

    def expire_presses(self) -> None:
        """Make every press so far too old to be answered."""
        self.world.presses.clear()

    # -- calls -------------------------------------------------------------------------------------

    def logged(self, method: str, given: Parameters) -> Call:
        """Write a call down."""
        call = Call(method, given, self.clock())
        self.call_log.append(call)
        self.call_count += 1
        return call

    def _run_reply(self, given: Parameters, files: Uploads) -> None:
        """Do what an answer to a webhook asks for."""
        method = reply_method(given)
        if method is not None:
            self.api.run_reply(self.logged(method, given), files)
            self.changed()
