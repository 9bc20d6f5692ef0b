"""The fake server: an address that behaves like FreeScout, and the knobs behind it.

async with FreeScoutServer(clock=clock.now) as server:
    desk = make_a_helpdesk(server.base_url, server.api_key)
    ...
    server.agents.reply(77, "<p>Hello</p>")
    await clock.advance(15)
    await server.deliver_webhooks()
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

from channels.testing.site import LocalSite
from optfm_bot.testing.freescout_server.agents import Agents
from optfm_bot.testing.freescout_server.conversations import Conversations
from optfm_bot.testing.freescout_server.faults import Fault, FaultKind, FaultPlan
from optfm_bot.testing.freescout_server.gateway import Gateway
from optfm_bot.testing.freescout_server.routes import Routes
from optfm_bot.testing.freescout_server.webhook import Subscription, Webhooks
from optfm_bot.testing.freescout_server.world import World

API_KEY: Final = "fs-0123456789abcdef0123456789abcdef"
WEBHOOK_SECRET: Final = "d41d8cd98f00b204e9800998ecf8427e"  # noqa: S105 - of a fake, opens nothing
MAILBOX: Final = 2
UNDO: Final = 15.0
_CALLS_KEPT: Final = 50_000
_PUMP: Final = 0.05


def _system_clock() -> datetime:
    return datetime.now(UTC)


class FreeScoutServer:
    """A strict local FreeScout; an async context manager. See the module for how it is used.

    `undo` is for how many seconds a reply can be taken back, `retry_scale` shrinks the waits between the attempts of a
    webhook, `clock` gives the time, `module` says whether the API is
    there at all, `max_body` is the limit of the web server. With `pump` webhooks are sent by themselves when they are
    due, otherwise by `deliver_webhooks`.
    """

    def __init__(
        self,
        *,
        api_key: str = API_KEY,
        webhook_secret: str = WEBHOOK_SECRET,
        host: str = "127.0.0.1",
        port: int = 0,
        undo: float = UNDO,
        retry_scale: float = 1.0,
        pump: bool = False,
        max_body: int = 64 * 1024 * 1024,
        clock: Callable[[], datetime] = _system_clock,
    ) -> None:
        self.api_key = api_key
        self.host = host
        self.port = port
        self.module = True
        self.max_body = max_body
        self.world = World(clock)
        self.webhooks = Webhooks(
            self.world, webhook_secret, lambda: self.base_url, undo=undo, retry_scale=retry_scale
        )
        self.api = Conversations(self.world, self.webhooks)
        self.agents = Agents(self.world, self.webhooks, self.api)
        self.routes = Routes(self.world, self.api, self.webhooks, lambda: self.base_url)
        self.faults = FaultPlan()
        self.calls: deque[tuple[str, str]] = deque(maxlen=_CALLS_KEPT)
        """Verb and path of every call that was let in."""
        self.refused_keys = 0
        self.closing = asyncio.Event()
        self._pumping = pump
        self._pump: asyncio.Task[None] | None = None
        self._site = LocalSite(Gateway(self).handle, host=host, port=port)

    # -- life ---------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; `port` is known afterwards."""
        await self._site.open()
        self.port = self._site.port
        if self._pumping:
            self._pump = asyncio.create_task(self._deliver_when_due())

    async def stop(self) -> None:
        """End hung calls and close every connection."""
        self.closing.set()
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
        await self.webhooks.close()
        await self._site.close()

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Nobody listens at the address inside the block."""
        await self._site.close()
        try:
            yield
        finally:
            await self._site.open()

    @property
    def base_url(self) -> str:
        """The address that people open; `/api` is below it."""
        return self._site.address

    @property
    def webhook_secret(self) -> str:
        """What webhooks are signed with."""
        return self.webhooks.secret

    # -- knobs --------------------------------------------------------------------------------------------

    def subscribe(
        self, url: str, events: Sequence[str] | None = None, mailboxes: Sequence[int] = ()
    ) -> Subscription:
        """Send webhooks there."""
        return self.webhooks.subscribe(url, events, mailboxes)

    async def deliver_webhooks(
        self, *, everything: bool = False, backwards: bool = False, times: int = 1
    ) -> list[int]:
        """Send the webhooks that are due; gives the statuses of the answers."""
        return await self.webhooks.deliver(everything=everything, backwards=backwards, times=times)

    def fail(self, kind: FaultKind | str, **about: Any) -> Fault:
        """Let calls go wrong: by default the next one. See `Fault` for what `about` may say."""
        fault = Fault(kind=FaultKind(kind), **about)
        self.faults.rules.append(fault)
        return fault

    # -- looking ------------------------------------------------------------------------------------------

    def dump(self) -> list[dict[str, Any]]:
        """Every conversation, threads oldest first, with the words that people read."""
        return self.world.dump()

    def state(self) -> dict[str, Any]:
        """Everything countable, as plain JSON."""
        return {
            "conversations": len(self.world.conversations),
            "customers": len(self.world.customers),
            "threads": sum(len(one.threads) for one in self.world.conversations.values()),
            "calls": len(self.calls),
            "refused_keys": self.refused_keys,
            "webhooks_pending": len(self.webhooks.pending),
            "webhooks": dict(self.webhooks.counts),
            "faults_fired": dict(self.faults.fired),
            "doubles": self.world.doubles(),
        }

    # -- the parts ----------------------------------------------------------------------------------------

    async def _deliver_when_due(self) -> None:
        while not self.closing.is_set():
            await self.webhooks.deliver()
            await asyncio.sleep(_PUMP)
