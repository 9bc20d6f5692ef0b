"""The fake gateway: addresses that behave like GREEN-API, and the knobs behind them.

    async with GreenServer(network="max") as server:
        green = server.instance
        green.listen()
        bot = make_a_bot(server.api_url, server.media_url, green.id, green.token)
        green.push.text("hello", chat="10000010")
        await server.wait_sent(1)
        assert green.sent[-1].plain == "hello"

One event loop, any number of instances of both networks. Every call is answered as the gateway would, or goes wrong as
a `Fault` says.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import unquote

import orjson
from aiohttp import web

from channels.testing import steering
from channels.testing.green_server.control import control_of
from channels.testing.green_server.faults import HANDLED, Fault, FaultKind
from channels.testing.green_server.fields import MAX, Field, chat, read_fields
from channels.testing.green_server.instance import Instance, Pace
from channels.testing.green_server.methods import SENDS, Method, method_named
from channels.testing.green_server.outgoing import Waiting
from channels.testing.green_server.partner import Partner
from channels.testing.green_server.queues import encode
from channels.testing.green_server.refusal import (
    JSON,
    Refusal,
    wrong_instance,
    wrong_method,
    wrong_token,
)
from channels.testing.green_server.wire import Address, Call, choose_group, read_address, read_call
from channels.testing.load import Load
from channels.testing.site import LocalSite
from channels.testing.trouble import LONGEST_HANG, FaultPlan, cut_off, cut_short, pause
from channels.testing.watching import Watch, steady_clock

CALLS_KEPT: Final = 50_000
DEFAULT_ID: Final = "310012345678"
DEFAULT_TOKEN: Final = "0123456789abcdef0123456789abcdef"  # noqa: S105 - the token of a fake opens nothing
PARTNER_TOKEN: Final = "gac.0123456789abcdef"  # noqa: S105 - as above
FIRST_CHAT: Final = 20_000_000
"""Where the conversations of a load begin; a negative number means groups."""

_READS: Final = frozenset({"receiveNotification", "deleteNotification"})


class GreenServer:
    """A strict local GREEN-API; an async context manager. See the module for how it is used.

    The first instance is made from `network`, `id_instance` and `token`, and is logged in; more come from
    `add_instance`. `pace` shrinks the waits of the gateway. `separate_media` puts the methods with files on a port of
    their own, and nowhere else. `limits_on` switches the rate limits on. `latency` is how many seconds every send takes
    to be answered (it has reached the person before that).
    """

    def __init__(
        self,
        *,
        network: str = MAX,
        id_instance: str = DEFAULT_ID,
        token: str = DEFAULT_TOKEN,
        partner_token: str = PARTNER_TOKEN,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 0,
        latency: float = 0.0,
        separate_media: bool = False,
        limits_on: bool = False,
        pace: Pace | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.media_port = 0
        self.latency = latency
        self.limits_on = limits_on
        self.pace = pace or Pace()
        self.clock = clock or steady_clock()
        self.faults: FaultPlan[Fault] = FaultPlan(seed=seed)
        self.instances: dict[str, Instance] = {}
        self.call_log: deque[Call] = deque(maxlen=CALLS_KEPT)
        self.call_count = 0
        self.in_flight = 0
        """Sends that were received and not yet answered, at this moment."""
        self._seq = 0
        self.instance = self.add_instance(network, id_instance=id_instance, token=token)
        self.load = Load(self.clock, self.instance.says, first_chat=FIRST_CHAT)
        self.partner = Partner(partner_token, self.instances, self.add_instance, network)
        self._control = control_of(self)
        self._closing = asyncio.Event()
        self._watch = Watch(self.clock, self.state)
        self._sites = [
            LocalSite(partial(self._handle, media=not separate_media, api=True), host=host, port=port)
        ]
        if separate_media:
            self._sites.append(LocalSite(partial(self._handle, media=True, api=False), host=host))

    # -- life --------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; the ports are known afterwards."""
        for site in self._sites:
            await site.open()
        self.port, self.media_port = self._sites[0].port, self._sites[-1].port

    async def stop(self) -> None:
        """End waiting polls, hung calls and deliveries, and close every connection."""
        self._closing.set()
        await self.load.close()
        for instance in self.instances.values():
            await instance.close()
        for site in reversed(self._sites):
            await site.close()
        self._watch.changed()

    @property
    def api_url(self) -> str:
        """What an instance calls apiUrl."""
        return self._sites[0].address

    @property
    def media_url(self) -> str:
        """What an instance calls mediaUrl."""
        return self._sites[-1].address

    def next_seq(self) -> int:
        """The next number of the common order of messages."""
        self._seq += 1
        return self._seq

    def add_instance(
        self, network: str = MAX, *, id_instance: str | None = None, token: str | None = None
    ) -> Instance:
        """Make one more instance, logged in, with every kind of notification off."""
        number = len(self.instances)
        ident = id_instance or str(int(DEFAULT_ID) + number)
        made = Instance(
            id_instance=ident,
            token=token or f"{number:032x}",
            network=network,
            clock=self.clock,
            base_url=lambda: self.media_url,
            next_seq=self.next_seq,
            pace=self.pace,
            limits_on=self.limits_on,
        )
        self.instances[ident] = made
        return made

    def reset(self) -> None:
        """Forget people, logs, faults, limits and settings of every instance. Ids go on growing."""
        for instance in self.instances.values():
            instance.clear()
        self.faults.clear()
        self.faults.fired.clear()
        del self.load.offered[:]
        self.call_log.clear()
        self.call_count = 0
        self.latency = 0.0
        self._watch.changed()

    # -- looking -----------------------------------------------------------------------------------

    def calls(self, method: str) -> list[Call]:
        """The calls of one method, in order, refused ones included."""
        return [one for one in self.call_log if one.method == method]

    @property
    def sent_count(self) -> int:
        """How many messages reached people, of all instances."""
        return sum(one.book.sent_count for one in self.instances.values())

    @property
    def pending(self) -> int:
        """How many notifications were not deleted or accepted."""
        return sum(len(one.notifications) for one in self.instances.values())

    @property
    def outgoing(self) -> int:
        """How many messages wait to leave."""
        return sum(len(one.outgoing) for one in self.instances.values())

    def state(self) -> dict[str, Any]:
        """Everything countable, as plain JSON."""
        every = list(self.instances.values())
        outcomes = {"pending": 0, "answered": 0, "lost": 0}
        for instance in every:
            for one in instance.sent:
                outcomes[one.outcome] += 1
        return {
            "pending": self.pending,
            "outgoing": self.outgoing,
            "in_flight": self.in_flight,
            "sent": self.sent_count,
            "edits": sum(len(one.book.edits) for one in every),
            "calls": self.call_count,
            "confirmed": sum(one.notifications.confirmed for one in every),
            "filtered": sum(one.notifications.filtered for one in every),
            "polling": any(one.notifications.polling for one in every),
            "webhook": next((one.pusher.url for one in every if one.pusher.url), ""),
            "webhook_counts": dict(sum((one.pusher.counts for one in every), Counter[str]())),
            "faults_fired": dict(self.faults.fired),
            "load_running": self.load.running,
            "states": {one.id: one.account.state.value for one in every},
            "settings_saved": {one.id: one.account.saves for one in every},
            "outcomes": outcomes,
        }

    async def wait(self, condition: Callable[[], bool], *, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - callers read better so
        """Return as soon as the condition holds. Raises `TimeoutError` with the state if it does not."""
        await self._watch.wait(condition, timeout=timeout)

    async def wait_sent(self, count: int, *, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - as above
        """Wait until this many messages reached people since the last reset."""
        await self.wait(lambda: self.sent_count >= count, timeout=timeout)

    # -- meddling ----------------------------------------------------------------------------------

    def fail(self, kind: FaultKind | str, method: str = "*", **about: Any) -> Fault:
        """Let calls go wrong: by default the next one. See `Fault` for what `about` may say."""
        return self.faults.add(Fault(kind=FaultKind(kind), method=method, **about))

    # -- HTTP --------------------------------------------------------------------------------------

    async def _handle(self, request: web.BaseRequest, *, media: bool, api: bool) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        path = unquote(path)
        if path.startswith(steering.PREFIX):
            return await self._control.answer(request, path, query)
        if path.startswith("/files/") and media:
            return self._file(path)
        if path.startswith("/partner/") and api:
            return await self._partner(request, path)
        try:
            address = read_address(path)
            if address is None:
                raise wrong_method()
            instance, method = self._door(request.method, address, media=media, api=api)
            given = await read_call(request, method, query)
        except Refusal as error:
            return self._refusal(error, path)
        if method.tail:
            given["tail"] = address.tail
        return await self._call(request, path, instance, method, given)

    def _door(self, verb: str, address: Address, *, media: bool, api: bool) -> tuple[Instance, Method]:
        """The instance and the method behind an address. Raises what the gateway says when there is none."""
        instance = self.instances.get(address.instance)
        if instance is None or instance.deleted_at:
            raise wrong_instance()
        if address.token != instance.token:
            raise wrong_token()
        method = method_named(address.method, instance.network)
        if method is None or method.verb != verb or bool(address.tail) is not method.tail:
            raise wrong_method()
        if address.prefixed and instance.network != MAX:
            raise wrong_method()
        if not (media if method.media else api):
            raise wrong_method()
        return instance, method

    def _file(self, path: str) -> web.Response:
        for instance in self.instances.values():
            if (found := instance.book.files.get(path)) is not None:
                return web.Response(body=found.content, headers={"Content-Type": found.mime})
        return self._refusal(wrong_method(), path)

    async def _partner(self, request: web.BaseRequest, path: str) -> web.Response:
        method, _, token = path.removeprefix("/partner/").partition("/")
        found = self.partner.answer(method, request.method, token, await request.read())
        return web.Response(body=orjson.dumps(found), headers={"Content-Type": JSON})

    async def _call(
        self, request: web.BaseRequest, path: str, instance: Instance, method: Method, given: dict[str, Any]
    ) -> web.StreamResponse:
        call = Call(instance.id, method.name, given, self.clock())
        self.call_log.append(call)
        self.call_count += 1
        if method.name not in SENDS:
            return await self._respond(request, path, instance, method, call)
        self.in_flight += 1
        self._watch.changed()
        try:
            return await self._respond(request, path, instance, method, call)
        finally:
            self.in_flight -= 1
            self._watch.changed()

    async def _respond(
        self, request: web.BaseRequest, path: str, instance: Instance, method: Method, call: Call
    ) -> web.StreamResponse:
        fault = self.faults.take(call.method, call.given.get("chatId", call.given.get("groupId")))
        if fault is not None and await self._strike(fault):
            return cut_off(request)
        refused = fault.refusal(call.method) if fault is not None else None
        accepted: list[Waiting] = []
        try:
            if refused is not None and fault is not None and fault.kind not in HANDLED:
                raise refused
            body = encode(await self._perform(instance, method, call))
            accepted = instance.take_accepted()
            if refused is not None:
                raise refused
            response: web.StreamResponse = await self._write(request, body, fault)
        except Refusal as error:
            response = self._refusal(error, path)
        if self.latency and method.name in SENDS:
            await pause(self.latency, self._closing)
        heard = request.transport is not None and not request.transport.is_closing()
        if heard:
            call.status = response.status
        heard = heard and response.status == HTTPStatus.OK
        for waiting in accepted:
            if waiting.sent is not None:
                waiting.sent.outcome = "answered" if heard else "lost"
                waiting.sent.answered_at = self.clock() if heard else None
        self._watch.changed()
        return response

    async def _perform(self, instance: Instance, method: Method, call: Call) -> Any:
        instance.limits.check(method.name, method.rate, call.received_at)
        if method.name == "receiveNotification":
            return await instance.queues.receive(call.given, self._closing.is_set)
        given = call.given
        if method.verb == "POST":
            given = choose_group(instance, method, given)
            fields = {**method.fields, **({"group": Field(chat, required=True)} if method.group else {})}
            if method.body != "raw":
                given = read_fields(fields, given, instance.network)
        if method.ready:
            instance.account.require()
        found = instance.handlers[method.name](given)
        self._watch.changed()
        return found

    async def _strike(self, fault: Fault) -> bool:
        """What a fault does before the call is handled; true when it never will be."""
        match fault.kind:
            case FaultKind.SLOW:
                await pause(fault.seconds, self._closing)
                return False
            case FaultKind.HANG:
                await pause(LONGEST_HANG, self._closing)
                return True
            case FaultKind.DROP:
                return True
            case _:
                return False

    async def _write(self, request: web.BaseRequest, body: bytes, fault: Fault | None) -> web.StreamResponse:
        headers = {"Content-Type": JSON}
        if fault is not None and fault.kind is FaultKind.DROP_AFTER:
            return cut_off(request)
        whole = web.Response(body=body, headers=headers)
        if fault is not None and fault.kind is FaultKind.CUT_BODY:
            return await cut_short(request, whole)
        return whole

    def _refusal(self, error: Refusal, path: str) -> web.Response:
        body, kind = error.answer(path, self.clock())
        return web.Response(status=error.status, body=body, headers={"Content-Type": kind})
