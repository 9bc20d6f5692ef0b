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
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import unquote

from aiohttp import web

from channels.testing import steering
from channels.testing.latency import LatencyBook
from channels.testing.load import Load
from channels.testing.telegram_server.control import control_of
from channels.testing.telegram_server.dispatch import Answer, BotApi, Call, reply_method
from channels.testing.telegram_server.faults import Fault, FaultKind, RateLimits
from channels.testing.telegram_server.inbound import Inbound
from channels.testing.telegram_server.methods import EDITS, SENDS, ChatMethods
from channels.testing.telegram_server.refusal import ApiError, bad_request
from channels.testing.telegram_server.subscription import Subscription
from channels.testing.telegram_server.update_queue import UpdateQueue
from channels.testing.telegram_server.validation import METHODS
from channels.testing.telegram_server.webhook import Pusher
from channels.testing.telegram_server.wire import (
    Parameters,
    Uploads,
    failure,
    read_parameters_of,
    read_query,
)
from channels.testing.telegram_server.world import Sent, Standing, World
from channels.testing.trouble import BAD_GATEWAY_PAGE, LONGEST_HANG, FaultPlan, cut_off, cut_short, pause
from channels.testing.watching import Watch, steady_clock

CALLS_KEPT: Final = 50_000
MAX_BODY: Final = 60 * 1024 * 1024
DEFAULT_TOKEN: Final = "123456:TEST"  # noqa: S105 - the token of a fake bot opens nothing
_JSON: Final = {"Content-Type": "application/json"}
_HTML: Final = {"Content-Type": "text/html"}


class TelegramServer:
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
        self._control = control_of(self)
        self._closing = asyncio.Event()
        self._watch = Watch(self.clock, self.state)
        self._runner: web.ServerRunner | None = None

    # -- life --------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; `port` is known afterwards."""
        server = web.Server(self._handle, access_log=None, keepalive_timeout=3600.0, lingering_time=0.0)
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port, backlog=1024)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """End waiting polls, hung calls and deliveries, and close every connection."""
        self._closing.set()
        self.subscription.wake()
        await self.load.close()
        await self.pusher.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self._watch.changed()

    @property
    def base_url(self) -> str:
        """Where the Bot API is; `/bot<token>/<method>` comes after it."""
        return f"http://{self.host}:{self.port}"

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
        self._watch.changed()

    # -- looking -----------------------------------------------------------------------------------

    @property
    def sent(self) -> deque[Sent]:
        """The messages that reached people, in order."""
        return self.world.sent

    @property
    def edits(self) -> deque[Sent]:
        """The edits that reached people, in order."""
        return self.world.edits

    def sent_to(self, chat: int) -> list[Sent]:
        """The messages that reached this chat, in order."""
        return [one for one in self.world.sent if one.chat_id == chat]

    @property
    def sent_count(self) -> int:
        """How many messages reached people since the last reset."""
        return self.world.sent_count

    def calls(self, method: str) -> list[Call]:
        """The calls of one method, in order, refused ones included."""
        return [one for one in self.call_log if one.method == method]

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
            "outcomes": self._outcomes(),
        }

    def _outcomes(self) -> dict[str, int]:
        found = {"pending": 0, "answered": 0, "lost": 0}
        for one in self.world.sent:
            found[one.outcome] += 1
        return found

    async def wait(self, condition: Callable[[], bool], *, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - callers read better so
        """Return as soon as the condition holds. Raises `TimeoutError` with the state if it does not."""
        await self._watch.wait(condition, timeout=timeout)

    async def wait_sent(self, count: int, *, timeout: float = 10.0) -> list[Sent]:  # noqa: ASYNC109 - as above
        """Wait until this many messages reached people since the last reset; returns all that are kept."""
        await self.wait(lambda: self.world.sent_count >= count, timeout=timeout)
        return list(self.world.sent)

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

    # -- HTTP --------------------------------------------------------------------------------------

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        if "%" in path:
            path = unquote(path)
        if path.startswith("/bot"):
            return await self._handle_call(request, path, query)
        if path.startswith("/file/bot"):
            return await self._handle_file(request, path)
        if path.startswith(steering.PREFIX):
            return await self._control.answer(request, path, query)
        return _refusal(ApiError(404, "Not Found"))

    async def _handle_file(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        token, _, name = path.removeprefix("/file/bot").partition("/")
        if token != self.token:
            return _refusal(ApiError(401, "Unauthorized"))
        fault = self.faults.take("file")
        if fault is not None and (early := await self._strike(request, fault)) is not None:
            return early
        refused = fault.answer() if fault else None
        if refused is not None:
            return _refusal(refused)
        for file in self.world.files.values():
            if file.path == name and file.content is not None:
                return await self._write(
                    request, Answer(200, file.content), fault, {"Content-Type": "application/octet-stream"}
                )
        return _refusal(ApiError(404, "Not Found"))

    async def _handle_call(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse:
        token, _, name = path[4:].partition("/")
        if token != self.token:
            return _refusal(ApiError(401, "Unauthorized"))
        method = METHODS.get(name.lower())
        if method is None:
            return _refusal(ApiError(404, "Not Found: method not found"))
        try:
            given, files = await _read(request, query)
        except ApiError as error:
            return _refusal(error)
        call = self._logged(method, given)
        if method not in SENDS:
            return await self._respond(request, call, files)
        self.in_flight += 1
        self._watch.changed()
        try:
            return await self._respond(request, call, files)
        finally:
            self.in_flight -= 1
            self._watch.changed()

    def _logged(self, method: str, given: Parameters) -> Call:
        call = Call(method, given, self.clock())
        self.call_log.append(call)
        self.call_count += 1
        return call

    def _run_reply(self, given: Parameters, files: Uploads) -> None:
        """Do what an answer to a webhook asks for."""
        method = reply_method(given)
        if method is not None:
            self.api.run_reply(self._logged(method, given), files)
            self._watch.changed()

    async def _respond(self, request: web.BaseRequest, call: Call, files: Uploads) -> web.StreamResponse:
        fault = self.faults.take(call.method, call.given.get("chat_id"))
        if fault is not None and (early := await self._strike(request, fault)) is not None:
            return early
        answer = await self.api.answer(call, files, fault)
        self._watch.changed()
        if self.latency and (call.method in SENDS or call.method in EDITS):
            await pause(self.latency, self._closing)
        response = await self._write(request, answer, fault, _JSON)
        heard = request.transport is not None and not request.transport.is_closing()
        if heard:
            call.status = answer.status
        if answer.sent is not None:
            answer.sent.outcome = "answered" if heard else "lost"
            answer.sent.answered_at = self.clock() if heard else None
        return response

    async def _strike(self, request: web.BaseRequest, fault: Fault) -> web.StreamResponse | None:
        """What a fault does before the call is handled; a response means that it never will be."""
        match fault.kind:
            case FaultKind.SLOW:
                await pause(fault.seconds, self._closing)
                return None
            case FaultKind.BAD_GATEWAY:
                return web.Response(status=502, body=BAD_GATEWAY_PAGE, headers=_HTML)
            case FaultKind.HANG:
                await pause(LONGEST_HANG, self._closing)
                return cut_off(request)
            case FaultKind.DROP:
                return cut_off(request)
            case _:
                return None

    async def _write(
        self, request: web.BaseRequest, answer: Answer, fault: Fault | None, headers: Mapping[str, str]
    ) -> web.StreamResponse:
        if fault is not None and fault.kind is FaultKind.DROP_AFTER:
            return cut_off(request)
        whole = web.Response(status=answer.status, body=answer.body, headers=headers)
        if fault is not None and fault.kind is FaultKind.CUT_BODY:
            return await cut_short(request, whole)
        return whole


async def _read(request: web.BaseRequest, query: str) -> tuple[dict[str, Any], Uploads]:
    """The parameters of a call, from its address and its body."""
    if (request.content_length or 0) > MAX_BODY:
        raise ApiError(413, "Request Entity Too Large")
    body = await request.content.read() if request.body_exists else b""
    try:
        given, files = read_parameters_of(request.headers.get("Content-Type", ""), body)
        if query:
            given = read_query(query) | given
    except UnicodeDecodeError as error:
        raise bad_request("strings must be encoded in UTF-8") from error
    return given, files


def _refusal(error: ApiError) -> web.Response:
    return web.Response(status=error.code, body=failure(error), headers=_JSON)
