"""The delivery worker of one channel: sends what the outbox promises, each chat in order, and reacts to the outcome."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog

from channels.codec import encode_outbound
from channels.contract import Channel, Verifiable
from channels.errors import ChannelError, Moved, RetryLater, TooLarge, Unreachable
from channels.model import Receipt, Rendered
from channels.render import plain_copy, render
from optfm_bot.clock import Clock, unfinished
from optfm_bot.observe.correlation import bind_update
from optfm_bot.outbox.ledger import Ledger
from optfm_bot.outbox.outgoing import DeliveryObserver, DeliverySettings, Guard, Outgoing, taken
from optfm_bot.outbox.plan import Close, Pause, Policy, Retry, SendPlain, SendTo, Verify, verdict
from optfm_bot.outbox.turnstile import Turnstile
from optfm_bot.store.contract import Store
from optfm_bot.store.records import OutboxState

log = structlog.get_logger("optfm_bot.outbox")

_CALL_SECONDS = 90.0
"""The longest a call to a platform may take; adapters have shorter limits of their own."""

_ROOM = 1000
"""Messages that may wait in memory; beyond it the dispatcher holds back."""


class Delivery:
    """Sends the messages of one channel instance: each chat in order, chats in parallel, paced, never blocking others.

    Give it rows with `accept` after they are committed. It owns a task for each busy chat until `stop`. Rows that are
    not sent by then stay in the store and are sent by the next start.
    """

    def __init__(
        self,
        channel: Channel,
        settings: DeliverySettings,
        *,
        store: Store,
        clock: Clock,
        observer: DeliveryObserver,
        guard: Guard,
        gone: Callable[[str], Awaitable[None]],
        unauthorized: Callable[[ChannelError], None] = lambda _: None,
        spread: Callable[[], float] = lambda: 1.0,
    ) -> None:
        self._channel = channel
        self._capabilities = channel.capabilities
        self._settings = settings
        self._store = store
        self._clock = clock
        self._observer = observer
        self._guard = guard
        self._gone = gone
        self._unauthorized = unauthorized
        self._spread = spread
        self._ledger = Ledger(channel.instance, store=store, clock=clock, observer=observer)
        self._turnstile = Turnstile(settings, clock)
        self._lanes: dict[str, deque[Outgoing]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._depth = 0
        self._room = asyncio.Event()
        self._room.set()
        self._idle = asyncio.Event()
        self._idle.set()

    # -- the house's side ---------------------------------------------------------------------------------

    @property
    def depth(self) -> int:
        """How many messages are waiting or under way."""
        return self._depth

    @property
    def places(self) -> int:
        """How many more calls may be under way."""
        return self._turnstile.free

    async def room(self) -> None:
        """Wait until the outbox is short enough for more."""
        await self._room.wait()

    async def idle(self) -> None:
        """Wait until nothing is left to send."""
        await self._idle.wait()

    def resume(self) -> None:
        """The credentials work again."""
        self._turnstile.authorize(works=True)

    async def reserve(self, lane: str) -> bool:
        """Take a place for a message that would be sent the moment it is committed.

        Then it may be committed as being sent, which spares a transaction of its own. Give the place back with `cancel`
        unless the message comes through `accept`. False if anything would make it wait.
        """
        if self._settings.policy is Policy.AT_LEAST_ONCE or lane in self._lanes:
            return False
        return await self._turnstile.reserve(lane)

    def cancel(self) -> None:
        """Give a reserved place back: its message was not committed."""
        self._turnstile.leave()

    def accept(self, rows: Iterable[Outgoing]) -> None:
        """Take committed messages, in the order of their ids within a lane."""
        for outgoing in rows:
            self._depth += 1
            lane = self._lanes.get(outgoing.lane)
            if lane is not None:
                lane.append(outgoing)
                continue
            self._lanes[outgoing.lane] = deque((outgoing,))
            if not self._turnstile.closed or outgoing.begun:
                task = asyncio.create_task(self._drain(outgoing.lane), name=f"send {self._channel.instance}")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        if self._depth:
            self._idle.clear()
        if self._depth >= _ROOM:
            self._room.clear()

    async def recover(self) -> None:
        """Take up what an earlier run left: messages that were never tried, and those that were under way."""
        ready: list[Outgoing] = []
        for row in await self._store.unsent(self._channel.instance):
            try:
                outgoing = taken(row)
            except ValueError as error:
                log.error("outbox.unreadable", outbox_id=row.id, error=str(error))
                await self._ledger.discarded(row.id, OutboxState.FAILED, str(error))
                continue
            if row.state is OutboxState.SENDING and not await self._may_resend(outgoing):
                continue
            ready.append(outgoing)
        self.accept(ready)

    async def stop(self, seconds: float) -> None:
        """Start no more calls, let those under way finish within `seconds`, and end every task."""
        self._turnstile.close()
        late = await unfinished(self._tasks, self._clock, seconds)
        for task in late:
            task.cancel()
        if late:
            log.warning("outbox.cut_off", channel=self._channel.instance, calls=len(late))
            await unfinished(late, self._clock, seconds)

    # -- one chat -----------------------------------------------------------------------------------------

    async def _drain(self, lane: str) -> None:
        queue = self._lanes[lane]
        while queue and (queue[0].begun or not self._turnstile.closed):
            if await self._try(queue[0]):
                queue.popleft()
                self._count_down()
        if not queue:
            del self._lanes[lane]

    def _count_down(self) -> None:
        self._depth -= 1
        if self._depth < _ROOM:
            self._room.set()
        if not self._depth:
            self._idle.set()

    async def _try(self, outgoing: Outgoing) -> bool:
        """Try to send one message, its update named in every line of the log; true when it left the outbox."""
        answered = outgoing.update_id
        with bind_update(answered, self._channel.instance) if answered is not None else nullcontext():
            try:
                return await self._deliver(outgoing)
            except Exception as error:  # one bad message must not silence its chat for ever
                log.exception("outbox.broken", channel=self._channel.instance, outbox_id=outgoing.id)
                reason = f"{type(error).__name__}: {error}"
                await self._ledger.closed(outgoing, OutboxState.FAILED, reason)
                return True

    async def _deliver(self, outgoing: Outgoing) -> bool:
        if not outgoing.begun and not await self._turnstile.enter(outgoing):
            return False
        try:
            refusal = await self._ledger.patiently(lambda: self._refused(outgoing))
            if refusal is not None:
                await self._ledger.closed(outgoing, OutboxState.DROPPED, refusal)
                return True
            try:
                rendered = self._rendered(outgoing)
            except TooLarge as error:
                await self._ledger.closed(outgoing, OutboxState.FAILED, str(error))
                return True
            if not outgoing.begun:
                if self._turnstile.closed:
                    return False
                if self._settings.policy is not Policy.AT_LEAST_ONCE:
                    await self._ledger.sending(outgoing)
            try:
                receipt = await self._call(rendered)
            except ChannelError as error:
                return await self._react(outgoing, rendered, error)
            # The place is kept until the outcome is written down: what a power cut leaves in doubt is never more
            # than there are places.
            await self._ledger.sent(outgoing, receipt)
            return True
        finally:
            outgoing.begun = False
            self._turnstile.leave()

    async def _refused(self, outgoing: Outgoing) -> str | None:
        expires = outgoing.message.expires_at
        if expires is not None and expires <= self._clock.now():
            return "expired before it could be sent"
        return await self._guard(outgoing.message, outgoing.lane)

    def _rendered(self, outgoing: Outgoing) -> Rendered:
        return render(outgoing.message, self._capabilities, key=str(outgoing.id))

    async def _call(self, rendered: Rendered) -> Receipt:
        try:
            async with self._clock.limit(_CALL_SECONDS):
                return await self._channel.deliver(rendered)
        except TimeoutError as error:
            raise Unreachable("The platform did not answer in time", maybe_sent=True) from error

    # -- what came of it ----------------------------------------------------------------------------------

    async def _react(  # noqa: PLR0911 - one return for each row of the table of verdicts
        self, outgoing: Outgoing, rendered: Rendered, error: ChannelError
    ) -> bool:
        """Do what follows from a failed call; true when the message left the outbox."""
        decision = verdict(
            error,
            attempts=outgoing.attempts,
            max_attempts=self._settings.max_attempts,
            policy=self._settings.policy,
            spread=self._spread(),
            plain=not rendered.markup,
        )
        log.info(
            "outbox.refused",
            channel=self._channel.instance,
            outbox_id=outgoing.id,
            reaction=type(error).__name__,
            error=str(error),
            verdict=type(decision).__name__,
        )
        match decision:
            case Close(state, gone):
                return await self._close(outgoing, state, str(error), gone=gone)
            case Retry():
                return await self._retry(outgoing, error, decision)
            case SendPlain():
                return await self._again(outgoing, plain_copy(rendered), "markup_rejected")
            case SendTo(chat_id):
                return await self._send_to(outgoing, error, chat_id)
            case Verify(absent):
                if not await self._may_resend(outgoing):
                    return True
                if isinstance(absent, Close):
                    return await self._close(outgoing, absent.state, str(error))
                return await self._retry(outgoing, error, absent)
            case Pause():
                self._turnstile.authorize(works=False)
                self._observer.unauthorized(str(error))
                self._unauthorized(error)
                return await self._retry(outgoing, error, Retry(delay=0.0, counts=False))

    async def _close(
        self, outgoing: Outgoing, state: OutboxState, reason: str, *, gone: bool = False
    ) -> bool:
        await self._ledger.closed(outgoing, state, reason, result="gone" if gone else None)
        if gone:
            await self._ledger.patiently(lambda: self._gone(outgoing.lane))
        return True

    async def _retry(self, outgoing: Outgoing, error: ChannelError, plan: Retry) -> bool:
        limited = isinstance(error, RetryLater) and error.after is not None
        self._turnstile.hold(outgoing.lane, plan.delay, limited=limited, whole_bot=plan.whole_bot)
        outgoing.attempts += plan.counts
        outgoing.not_before = self._clock.ms() + int(plan.delay * 1000)
        moved = encode_outbound(outgoing.message) if isinstance(error, Moved) else None
        await self._ledger.postponed(outgoing, error, message=moved)
        return False

    async def _again(self, outgoing: Outgoing, rendered: Rendered, simplified: str) -> bool:
        try:
            receipt = await self._call(rendered)
        except ChannelError as error:
            return await self._react(outgoing, rendered, error)
        await self._ledger.sent(outgoing, replace(receipt, degraded=(*receipt.degraded, simplified)))
        return True

    async def _send_to(self, outgoing: Outgoing, error: ChannelError, chat_id: str) -> bool:
        chat = replace(outgoing.message.chat, chat_id=chat_id)
        if chat == outgoing.message.chat:
            return await self._close(outgoing, OutboxState.FAILED, str(error))
        outgoing.message = replace(outgoing.message, chat=chat)
        return await self._retry(outgoing, error, Retry(delay=0.0))

    # -- what nobody can know -----------------------------------------------------------------------------

    async def _may_resend(self, outgoing: Outgoing) -> bool:
        """Decide by policy about a message that was under way; false when it is settled without sending."""
        if self._settings.policy is Policy.AT_LEAST_ONCE:
            return True
        if self._settings.policy is Policy.VERIFY and isinstance(self._channel, Verifiable):
            try:
                receipt = await self._find(self._channel, outgoing)
            except (ChannelError, TimeoutError) as error:
                log.warning(
                    "outbox.unverified",
                    channel=self._channel.instance,
                    outbox_id=outgoing.id,
                    error=str(error) or type(error).__name__,
                )
            else:
                if receipt is not None:
                    await self._ledger.sent(outgoing, receipt)
                return receipt is None
        reason = "it was being sent, and nobody can know whether it arrived"
        await self._ledger.closed(outgoing, OutboxState.UNCERTAIN, reason)
        return False

    async def _find(self, channel: Verifiable, outgoing: Outgoing) -> Receipt | None:
        since = datetime.fromtimestamp(outgoing.created_at / 1000, UTC) - timedelta(minutes=1)
        async with self._clock.limit(_CALL_SECONDS):
            return await channel.find(self._rendered(outgoing), since=since)
