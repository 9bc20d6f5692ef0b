"""The runner of one channel: opens it, subscribes or polls it, and keeps trying by reaction until it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import structlog

from channels.contract import Batch, BotCommand, Channel, Cursor, Polling
from channels.errors import ChannelError, Unauthorized
from optfm_bot.clock import Clock
from optfm_bot.dispatch.intake import Intake
from optfm_bot.errors import StoreUnavailable
from optfm_bot.receive.status import ChannelStatus, pause
from optfm_bot.store.contract import Store

T = TypeVar("T")

log = structlog.get_logger("optfm_bot.receive")

_STORE_RETRY_SECONDS = 0.5
_REPAIR_SECONDS = 600.0
"""How often a webhook subscription is looked at again."""


class ChannelRunner:
    """Brings the updates of one channel in.

    `webhook_url` is where the platform shall push (None: the channel is polled, if it can be). `healthy` is called
    whenever the platform answers: our credentials work, whatever sending made of them.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        intake: Intake,
        store: Store,
        clock: Clock,
        status: ChannelStatus,
        webhook_url: str | None,
        commands: Mapping[str, Sequence[BotCommand]],
        healthy: Callable[[], None],
        spread: Callable[[], float] = lambda: 1.0,
    ) -> None:
        self.channel = channel
        self.status = status
        self._intake = intake
        self._store = store
        self._clock = clock
        self._webhook_url = webhook_url
        self._commands = commands
        self._healthy = healthy
        self._spread = spread
        self._stopping = asyncio.Event()
        self._doubted = asyncio.Event()
        self.opened = asyncio.Event()
        """Set once the channel knows who it is; before that it may take a message to it for one to somebody else."""
        self._call: asyncio.Task[Any] | None = None

    async def run(self) -> None:
        """Work until `stop`."""
        try:
            await self._insist(self.channel.open)
            if self._stopping.is_set():
                return
            self.opened.set()
            await self._insist(self._publish_commands, once=True)
            if self._webhook_url is not None:
                await self._keep_subscribed(self._webhook_url)
            elif isinstance(self.channel, Polling):
                await self._poll(self.channel)
            await self._stopping.wait()
        finally:
            self.status.stopped()

    def stop(self) -> None:
        """End a call that only waits for the platform; a batch that has arrived is still stored."""
        self._stopping.set()
        self._doubted.set()
        if self._call is not None:
            self._call.cancel()

    def doubt(self, error: ChannelError) -> None:
        """Sending was refused for our credentials: show it, and find out soon whether they work again."""
        self.status.failed(error)
        self._doubted.set()

    async def _publish_commands(self) -> None:
        await self.channel.publish_commands(self._commands)

    async def _keep_subscribed(self, url: str) -> None:
        while not self._stopping.is_set():
            await self._insist(lambda: self.channel.subscribe(url))
            if await self._clock.wait(self._doubted, _REPAIR_SECONDS):
                self._doubted.clear()
                wait = pause(Unauthorized(), self.status.now.failures, self._spread())
                await self._clock.wait(self._stopping, wait)

    async def _poll(self, channel: Polling) -> None:
        cursor = await self._stored_cursor()
        while not self._stopping.is_set():
            batch = await self._insist(partial(channel.fetch, cursor))
            if batch is None:
                return
            if batch.updates or batch.cursor != cursor:
                if not await self._take(batch):
                    return
                await self._insist(partial(channel.confirm, batch), once=True)
            cursor = batch.cursor

    async def _stored_cursor(self) -> Cursor | None:
        while not self._stopping.is_set():
            try:
                text = await self._store.cursor(self.channel.instance)
            except StoreUnavailable as error:
                log.error("receive.store_unavailable", channel=self.channel.instance, error=str(error))
                await self._clock.wait(self._stopping, _STORE_RETRY_SECONDS)
            else:
                return Cursor(text) if text is not None else None
        return None

    async def _take(self, batch: Batch) -> bool:
        """Store a batch, however long the store needs; until then nothing newer is asked for. False when stopping."""
        while True:
            try:
                await self._intake.receive(self.channel.instance, batch.updates, cursor=batch.cursor)
            except StoreUnavailable as error:
                log.error("receive.store_unavailable", channel=self.channel.instance, error=str(error))
                if await self._clock.wait(self._stopping, _STORE_RETRY_SECONDS):
                    return False  # nothing was confirmed: the platform keeps the batch for the next start
            else:
                return True

    async def _insist(self, call: Callable[[], Coroutine[Any, Any, T]], *, once: bool = False) -> T | None:
        """Make a call until it succeeds; None when stopping, or after one failure if it is not worth insisting on."""
        while not self._stopping.is_set():
            try:
                task = asyncio.create_task(call(), name=f"call {self.channel.instance}")
                self._call = task
                result = await task
            except asyncio.CancelledError:
                if self._stopping.is_set():
                    return None
                raise
            except ChannelError as error:
                self.status.failed(error)
                wait = pause(error, self.status.now.failures, self._spread())
            except Exception as error:  # the channel's own bug: it is shown, and the others go on
                log.exception("receive.broken", channel=self.channel.instance)
                self.status.broken(error)
                wait = min(60.0, 2.0 ** min(self.status.now.failures, 6))
            else:
                self.status.connected()
                self._healthy()
                return result
            finally:
                self._call = None
            if once:
                return None
            await self._clock.wait(self._stopping, wait)
        return None
