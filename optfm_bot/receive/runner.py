"""The runner of one channel: opens it, subscribes or polls it, and keeps trying by reaction until it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import structlog

from channels.contract import BotCommand, Channel, Cursor, Pages, Polling, Reconciling
from channels.errors import ChannelError, Unauthorized, Unreachable
from channels.model import RawUpdate
from channels.phrase import phrase
from optfm_bot.clock import Clock
from optfm_bot.dispatch.intake import Intake
from optfm_bot.errors import StoreUnavailable
from optfm_bot.ownership import Duty, OwnDuty
from optfm_bot.receive.status import ChannelStatus, pause
from optfm_bot.store.contract import Store

T = TypeVar("T")

log = structlog.get_logger("optfm_bot.receive")

_STORE_RETRY_SECONDS = 0.5
_REPAIR_SECONDS = 600.0
"""How often a webhook subscription is looked at again."""

_CALL_SECONDS = 180.0
"""The longest any call may take. A long poll ends after a minute at most: one that is silent for longer has died."""

_FIRST_LOOK_SECONDS = 60.0
_LOOK_SECONDS = 300.0
"""How often a working channel is asked how it is: some trouble (a restricted account) shows nowhere else."""

_LOOK_LIMIT_SECONDS = 30.0
_JOURNAL_SECONDS = 150.0
"""After that a journal is asked once more: GREEN-API's may be two minutes behind."""

_OVERLAP = timedelta(minutes=5)
"""How far before the last update we look for missed ones: clocks differ, and what is known is refused anyway."""


class ChannelRunner:
    """Brings the updates of one channel in.

    `webhook_url` is where the platform shall push (None: the channel is polled, if it can be). `healthy` is called
    whenever the platform answers: our credentials work, whatever sending made of them. `duty` says whether it is this
    process that receives: of several, one polls and keeps the subscription, the others are ready to.
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
        duty: Duty | None = None,
    ) -> None:
        self.channel = channel
        self._duty: Duty = duty or OwnDuty()
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
        looking = asyncio.create_task(self._look_now_and_then(), name=f"look {self.channel.instance}")
        try:
            await self._insist(self.channel.open)
            if self._stopping.is_set():
                return
            self.opened.set()
            while not self._stopping.is_set():
                await self._watch()
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            self.status.stopped()

    async def _watch(self) -> None:
        """Receive while it is our duty, until that changes."""
        held = self._duty.held
        changed = asyncio.create_task(self._change_of(held), name=f"duty {self.channel.instance}")
        stopped = asyncio.create_task(self._stopping.wait())
        receiving = asyncio.create_task(self._receive() if held else self._stand_by())
        try:
            await asyncio.wait({changed, stopped, receiving}, return_when=asyncio.FIRST_COMPLETED)
            if self._stopping.is_set():
                await receiving
        finally:
            ended = [task for task in (changed, stopped, receiving) if not task.done()]
            for task in ended:
                task.cancel()
            await asyncio.gather(*ended, return_exceptions=True)
        if receiving.done() and not receiving.cancelled():
            receiving.result()

    async def _change_of(self, held: bool) -> None:  # noqa: FBT001 - the state that was acted upon
        while self._duty.held is held:
            await self._duty.changed()

    async def _stand_by(self) -> None:
        if isinstance(self.channel, Pages):  # its pages are served here, too, and name the commands
            await self._insist(self._publish_commands, once=True)
        self.status.standing_by()
        await self._stopping.wait()

    async def _receive(self) -> None:
        self.status.received()
        if not isinstance(self.channel, Reconciling):
            await self._receive_live()
            return
        await self._reconcile(self.channel)
        making_up = asyncio.create_task(self._make_up(self.channel), name=f"make up {self.channel.instance}")
        try:
            await self._receive_live()
        finally:
            making_up.cancel()
            await asyncio.gather(making_up, return_exceptions=True)

    async def _receive_live(self) -> None:
        await self._insist(self._publish_commands, once=True)
        if self._webhook_url is not None:
            await self._keep_subscribed(self._webhook_url)
        elif isinstance(self.channel, Polling):
            await self._poll(self.channel)
        await self._stopping.wait()

    def stop(self) -> None:
        """End a call that only waits for the platform; a batch that has arrived is still stored."""
        self._stopping.set()
        self._doubted.set()
        if self._call is not None:
            self._call.cancel()

    def doubt(self, error: ChannelError) -> None:
        """Sending was refused for our credentials: show it, and find out soon whether they work again."""
        self.status.doubted(error)
        self._doubted.set()

    async def _publish_commands(self) -> None:
        await self.channel.publish_commands(self._commands)

    async def _look_now_and_then(self) -> None:
        wait = _FIRST_LOOK_SECONDS
        while not await self._clock.wait(self._stopping, wait):
            wait = _LOOK_SECONDS
            if not self.status.now.works:
                continue
            try:
                async with self._clock.limit(_LOOK_LIMIT_SECONDS):
                    health = await self.channel.probe()
            except (ChannelError, TimeoutError) as error:
                # Receiving and sending meet the same trouble, and they know whether it matters.
                log.info("receive.not_probed", channel=self.channel.instance, error=str(error))
            except Exception:  # the channel's own bug: it is shown, and messages go on
                log.exception("receive.not_probed", channel=self.channel.instance)
            else:
                self.status.looked(health)

    async def _reconcile(self, channel: Reconciling) -> None:
        """Take in what arrived while we were away and the platform's queue may have dropped.

        Nothing at the first start: who has never received anything has missed nothing.
        """
        newest = await self._patiently(lambda: self._store.last_received(self.channel.instance))
        if newest is None:
            return
        since = datetime.fromtimestamp(newest / 1000, UTC) - _OVERLAP
        await self._take_missed(await self._insist(lambda: channel.missed(since), once=True) or ())

    async def _take_missed(self, missed: Sequence[RawUpdate]) -> None:
        if missed:
            new = await self._take(missed)
            log.info("receive.reconciled", channel=self.channel.instance, looked_at=len(missed), new=new)

    async def _make_up(self, channel: Reconciling) -> None:
        """Take in what was written while the account was away, each time it returns, until the runner stops."""
        async with asyncio.TaskGroup() as again:
            while True:
                try:
                    since = await channel.returned() - _OVERLAP
                except Exception:  # the channel's own bug: it is shown, and messages go on
                    log.exception("receive.not_reconciled", channel=self.channel.instance)
                    if await self._clock.wait(self._stopping, _JOURNAL_SECONDS):
                        return
                else:
                    await self._look_up(channel, since)
                    again.create_task(self._look_up(channel, since, after=_JOURNAL_SECONDS))

    async def _look_up(self, channel: Reconciling, since: datetime, *, after: float = 0.0) -> None:
        if await self._clock.wait(self._stopping, after):
            return
        try:
            missed = await self._watched(lambda: channel.missed(since))
        except ChannelError as error:
            # Receiving and sending meet the same trouble and tell of it.
            log.warning("receive.not_reconciled", channel=self.channel.instance, error=str(error))
        except Exception:  # the channel's own bug, as above
            log.exception("receive.not_reconciled", channel=self.channel.instance)
        else:
            await self._take_missed(missed)

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
                if await self._take(batch.updates, batch.cursor) is None:
                    return
                await self._insist(partial(channel.confirm, batch), once=True)
            cursor = batch.cursor

    async def _stored_cursor(self) -> Cursor | None:
        text = await self._patiently(lambda: self._store.cursor(self.channel.instance))
        return Cursor(text) if text is not None else None

    async def _take(self, updates: Sequence[RawUpdate], cursor: Cursor | None = None) -> int | None:
        """Store updates, however long the store needs; until then nothing newer is asked for.

        Gives how many were new, or None when stopping: then nothing was confirmed, and the platform keeps them.
        """
        return await self._patiently(
            lambda: self._intake.receive(self.channel.instance, updates, cursor=cursor, only_here=True)
        )

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """Ask the store until it can be used; None when stopping."""
        while True:
            try:
                return await ask()
            except StoreUnavailable as error:
                log.error("receive.store_unavailable", channel=self.channel.instance, error=str(error))
                if await self._clock.wait(self._stopping, _STORE_RETRY_SECONDS):
                    return None

    async def _insist(self, call: Callable[[], Coroutine[Any, Any, T]], *, once: bool = False) -> T | None:
        """Make a call until it succeeds; None when stopping, or after one failure if it is not worth insisting on."""
        while not self._stopping.is_set():
            try:
                task = asyncio.create_task(self._watched(call), name=f"call {self.channel.instance}")
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

    async def _watched(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Make a call that cannot die silently. Raises `Unreachable` when it takes too long."""
        try:
            async with self._clock.limit(_CALL_SECONDS):
                return await call()
        except TimeoutError as error:
            raise Unreachable(
                phrase(
                    "platform.given_up",
                    "a call of the channel did not come back within {seconds} s and was given up",
                    seconds=f"{_CALL_SECONDS:g}",
                ),
                maybe_sent=True,
            ) from error
