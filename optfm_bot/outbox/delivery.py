"""The delivery worker of one channel: sends what the outbox promises and writes down what came of it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

import orjson
import structlog

from channels.codec import decode_outbound, encode_outbound
from channels.contract import Channel, Verifiable
from channels.errors import ChannelError, Moved, RetryLater, TooLarge, Unreachable
from channels.model import Outbound, Receipt, Rendered
from channels.render import plain_copy, render
from optfm_bot.clock import Clock, unfinished
from optfm_bot.errors import StoreUnavailable
from optfm_bot.outbox.pacing import Pacer
from optfm_bot.outbox.plan import Close, Pause, Policy, Retry, SendPlain, SendTo, Verify, verdict
from optfm_bot.store.contract import Store
from optfm_bot.store.records import OutboxRow, OutboxState
from optfm_bot.store.unit import UnitOfWork

log = structlog.get_logger("optfm_bot.outbox")

T = TypeVar("T")

_CALL_SECONDS = 90.0
"""The longest a call to a platform may take; adapters have shorter limits of their own."""

_STORE_RETRY_SECONDS = 0.5
_CREDENTIALS_SECONDS = 5.0
"""How often a message that waits for credentials looks for them."""

_ROOM = 1000
"""Messages that may wait in memory; beyond it the dispatcher holds back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """How one channel sends: policy, pacing, patience, and how many calls may be under way at once."""

    policy: Policy = Policy.AT_MOST_ONCE
    per_chat: float = 1.0
    per_bot: float = 30.0
    burst: int = 3
    max_attempts: int = 8
    concurrency: int = 32


@dataclass(slots=True, kw_only=True)
class Outgoing:
    """A message in hand: its row and its decoded form."""

    id: int
    lane: str
    message: Outbound
    created_at: int
    attempts: int = 0
    not_before: int = 0
    begun: bool = False
    """Its row says already that it is being sent, and it holds one of the places for calls under way."""


class DeliveryObserver(Protocol):
    """Hears what became of messages. `result` is sent, uncertain, failed, dropped or gone."""

    def resolved(self, result: str, seconds: float) -> None:
        """A message left the outbox, so many seconds after it was promised."""

    def retried(self, reason: str) -> None:
        """A message will be tried again."""

    def unauthorized(self, hint: str) -> None:
        """The platform refused our credentials."""


Guard = Callable[[Outbound, str], Awaitable[str | None]]
"""Says why a message must not be sent any more (to its lane), or None."""


class Delivery:
    """Sends the messages of one channel instance: each chat in order, chats in parallel, paced, never blocking others.

    Give it rows with `accept` after they are committed. It owns its tasks inside `run`. Rows that are not sent when it
    stops stay in the store and are sent by the next start.
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
        self._capabilities = channel.spec.capabilities
        self._settings = settings
        self._store = store
        self._clock = clock
        self._observer = observer
        self._guard = guard
        self._gone = gone
        self._unauthorized = unauthorized
        self._spread = spread
        self._pacer = Pacer(per_chat=settings.per_chat, per_bot=settings.per_bot, burst=settings.burst)
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._lanes: dict[str, deque[Outgoing]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._depth = 0
        self._room = asyncio.Event()
        self._room.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = asyncio.Event()
        self._paused_until = 0.0
        self._limited: dict[str, float] = {}
        self._authorized = asyncio.Event()
        self._authorized.set()

    # -- the house's side ---------------------------------------------------------------------------------

    @property
    def depth(self) -> int:
        """How many messages are waiting or under way."""
        return self._depth

    async def room(self) -> None:
        """Wait until the outbox is short enough for more."""
        await self._room.wait()

    async def idle(self) -> None:
        """Wait until nothing is left to send."""
        await self._idle.wait()

    def resume(self) -> None:
        """The credentials work again."""
        self._authorized.set()

    async def reserve(self, lane: str) -> bool:
        """Take a place for a message that would be sent the moment it is committed.

        Then it may be committed as being sent, which spares a transaction of its own. Give the place back with `cancel`
        unless the message comes through `accept`. The message's share of the pace is taken here too, or many that are
        committed together would all find the same free moment. False if anything would make it wait.
        """
        if (
            self._settings.policy is Policy.AT_LEAST_ONCE
            or lane in self._lanes
            or self._slots.locked()
            or self._stopping.is_set()
            or not self._authorized.is_set()
        ):
            return False
        now = self._clock.monotonic()
        if self._paused_until > now or not self._pacer.ready(lane, now):
            return False
        await self._slots.acquire()
        self._pacer.reserve_chat(lane, now)
        self._pacer.reserve_bot(now)
        return True

    def cancel(self) -> None:
        """Give a reserved place back: its message was not committed."""
        self._slots.release()

    def accept(self, rows: Iterable[Outgoing]) -> None:
        """Take committed messages, in the order of their ids within a lane."""
        for outgoing in rows:
            self._depth += 1
            lane = self._lanes.get(outgoing.lane)
            if lane is not None:
                lane.append(outgoing)
                continue
            self._lanes[outgoing.lane] = deque((outgoing,))
            if not self._stopping.is_set() or outgoing.begun:
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
                await self._discard(row.id, str(error))
                continue
            if row.state is OutboxState.SENDING and not await self._may_resend(outgoing):
                continue
            ready.append(outgoing)
        self.accept(ready)

    async def _discard(self, row_id: int, reason: str) -> None:
        await self._settle(lambda unit: self._closing(unit, row_id, OutboxState.FAILED, reason))

    async def stop(self, seconds: float) -> None:
        """Start no more calls, let those under way finish within `seconds`, and end every task."""
        self._stopping.set()
        late = await unfinished(self._tasks, self._clock, seconds)
        for task in late:
            task.cancel()
        if late:
            log.warning("outbox.cut_off", channel=self._channel.instance, calls=len(late))
            await unfinished(late, self._clock, seconds)

    # -- one chat -----------------------------------------------------------------------------------------

    async def _drain(self, lane: str) -> None:
        queue = self._lanes[lane]
        while queue and (queue[0].begun or not self._stopping.is_set()):
            outgoing = queue[0]
            try:
                finished = await self._deliver(outgoing)
            except Exception as error:  # one bad message must not silence its chat for ever
                log.exception("outbox.broken", channel=self._channel.instance, outbox_id=outgoing.id)
                await self._close(outgoing, OutboxState.FAILED, f"{type(error).__name__}: {error}")
                finished = True
            if finished:
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

    async def _deliver(self, outgoing: Outgoing) -> bool:
        """Try to send one message; true when it left the outbox."""
        if not outgoing.begun and not await self._take_turn(outgoing):
            return False
        try:
            refusal = await self._patiently(lambda: self._refused(outgoing))
            if refusal is not None:
                await self._close(outgoing, OutboxState.DROPPED, refusal)
                return True
            try:
                rendered = render(outgoing.message, self._capabilities)
            except TooLarge as error:
                await self._close(outgoing, OutboxState.FAILED, str(error))
                return True
            if not outgoing.begun:
                if self._stopping.is_set():
                    return False
                if self._settings.policy is not Policy.AT_LEAST_ONCE:
                    await self._settle(lambda unit: unit.outbox.sending(outgoing.id))
            try:
                receipt = await self._call(rendered)
            except ChannelError as error:
                return await self._react(outgoing, rendered, error)
        finally:
            outgoing.begun = False
            self._slots.release()
        await self._sent(outgoing, receipt)
        return True

    async def _take_turn(self, outgoing: Outgoing) -> bool:
        """Wait for the retry's moment and the chat's pace, then take a place and wait for what holds everybody back.

        False, with no place taken, when stopping.
        """
        due = (outgoing.not_before - self._clock.ms()) / 1000 if outgoing.not_before else 0.0
        wait = max(due, self._pacer.reserve_chat(outgoing.lane, self._clock.monotonic()))
        if wait > 0 and await self._clock.wait(self._stopping, wait):
            return False
        await self._slots.acquire()
        free = False
        try:
            free = await self._wait_for_bot()
        finally:
            if not free:
                self._slots.release()
        return free

    async def _wait_for_bot(self) -> bool:
        """Wait for credentials, the end of a pause and the bot's pace; false when stopping.

        Whoever waits here holds a place, which costs nobody anything: all others have to wait for the same. After a
        pause the pace is asked again, so that what has gathered does not leave all at once.
        """
        while not self._stopping.is_set():
            wait = self._held_back()
            if wait > 0:
                await self._clock.wait(self._stopping, wait)
                continue
            wait = self._pacer.reserve_bot(self._clock.monotonic())
            if wait > 0 and await self._clock.wait(self._stopping, wait):
                return False
            if self._held_back() <= 0:
                return True
        return False

    def _held_back(self) -> float:
        """Seconds for which the whole bot has to wait before anything else is asked."""
        if not self._authorized.is_set():
            return _CREDENTIALS_SECONDS
        return self._paused_until - self._clock.monotonic()

    async def _refused(self, outgoing: Outgoing) -> str | None:
        expires = outgoing.message.expires_at
        if expires is not None and expires <= self._clock.now():
            return "expired before it could be sent"
        return await self._guard(outgoing.message, outgoing.lane)

    async def _call(self, rendered: Rendered) -> Receipt:
        try:
            async with self._clock.limit(_CALL_SECONDS):
                return await self._channel.deliver(rendered)
        except TimeoutError as error:
            raise Unreachable("The platform did not answer in time", maybe_sent=True) from error

    # -- what came of it ----------------------------------------------------------------------------------

    async def _react(self, outgoing: Outgoing, rendered: Rendered, error: ChannelError) -> bool:
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
                await self._close(outgoing, state, str(error), gone=gone)
                return True
            case Retry(delay=delay, whole_bot=whole_bot, counts=counts):
                await self._retry(outgoing, error, delay, whole_bot=whole_bot, counts=counts)
            case SendPlain():
                return await self._again(outgoing, plain_copy(rendered), "markup_rejected")
            case SendTo(chat_id):
                chat = replace(outgoing.message.chat, chat_id=chat_id)
                if chat == outgoing.message.chat:
                    await self._close(outgoing, OutboxState.FAILED, str(error))
                    return True
                outgoing.message = replace(outgoing.message, chat=chat)
                await self._retry(outgoing, error, 0.0, counts=True)
            case Verify(absent):
                if not await self._may_resend(outgoing):
                    return True
                if isinstance(absent, Close):
                    await self._close(outgoing, absent.state, str(error))
                    return True
                await self._retry(outgoing, error, absent.delay, counts=True)
            case Pause():
                self._authorized.clear()
                self._observer.unauthorized(str(error))
                self._unauthorized(error)
                await self._retry(outgoing, error, 0.0, counts=False)
        return False

    async def _again(self, outgoing: Outgoing, rendered: Rendered, simplified: str) -> bool:
        try:
            receipt = await self._call(rendered)
        except ChannelError as error:
            return await self._react(outgoing, rendered, error)
        await self._sent(outgoing, replace(receipt, degraded=(*receipt.degraded, simplified)))
        return True

    async def _retry(
        self, outgoing: Outgoing, error: ChannelError, delay: float, *, whole_bot: bool = False, counts: bool
    ) -> None:
        now = self._clock.monotonic()
        if isinstance(error, RetryLater) and error.after is not None:
            # One chat over its limit is that chat's business; several at once mean that the bot is.
            self._limited = {lane: until for lane, until in self._limited.items() if until > now}
            self._limited[outgoing.lane] = now + delay
            whole_bot = whole_bot or len(self._limited) > 1
        if whole_bot:
            self._paused_until = max(self._paused_until, now + delay)
        outgoing.attempts += counts
        outgoing.not_before = self._clock.ms() + int(delay * 1000)
        self._observer.retried(type(error).__name__)
        moved = encode_outbound(outgoing.message) if isinstance(error, Moved) else None
        await self._settle(
            lambda unit: unit.outbox.retry(
                outgoing.id,
                attempts=outgoing.attempts,
                not_before=outgoing.not_before,
                error=str(error),
                message=moved,
            )
        )

    async def _sent(self, outgoing: Outgoing, receipt: Receipt) -> None:
        ids = orjson.dumps(receipt.external_ids).decode()
        degraded = orjson.dumps(receipt.degraded).decode() if receipt.degraded else None
        at = self._clock.ms()
        await self._settle(
            lambda unit: unit.outbox.sent(outgoing.id, external_ids=ids, degraded=degraded, at=at)
        )
        self._observer.resolved("sent", (at - outgoing.created_at) / 1000)

    async def _close(
        self, outgoing: Outgoing, state: OutboxState, reason: str, *, gone: bool = False
    ) -> None:
        await self._settle(lambda unit: self._closing(unit, outgoing.id, state, reason))
        if gone:
            await self._patiently(lambda: self._gone(outgoing.lane))
        seconds = (self._clock.ms() - outgoing.created_at) / 1000
        self._observer.resolved("gone" if gone else state.name.lower(), seconds)
        if state in {OutboxState.UNCERTAIN, OutboxState.FAILED}:
            log.warning(
                "outbox.unresolved",
                channel=self._channel.instance,
                outbox_id=outgoing.id,
                state=state.name,
                reason=reason,
            )

    def _closing(self, unit: UnitOfWork, row_id: int, state: OutboxState, reason: str) -> None:
        unit.outbox.close(row_id, state=state, error=reason, at=self._clock.ms())

    async def _may_resend(self, outgoing: Outgoing) -> bool:
        """Decide by policy about a message that was under way; false when it is settled without sending."""
        if self._settings.policy is Policy.AT_LEAST_ONCE:
            return True
        if self._settings.policy is Policy.VERIFY and isinstance(self._channel, Verifiable):
            since = datetime.fromtimestamp(outgoing.created_at / 1000, UTC) - timedelta(minutes=1)
            try:
                async with self._clock.limit(_CALL_SECONDS):
                    receipt = await self._channel.find(
                        render(outgoing.message, self._capabilities), since=since
                    )
            except (ChannelError, TimeoutError) as error:
                log.warning(
                    "outbox.unverified",
                    channel=self._channel.instance,
                    outbox_id=outgoing.id,
                    error=str(error) or type(error).__name__,
                )
            else:
                if receipt is not None:
                    await self._sent(outgoing, receipt)
                return receipt is None
        await self._close(
            outgoing, OutboxState.UNCERTAIN, "it was being sent, and nobody can know whether it arrived"
        )
        return False

    async def _settle(self, record: Callable[[UnitOfWork], None]) -> None:
        """Write down what happened, however long the store needs: forgetting it could send a message twice."""

        async def write() -> None:
            async with self._store.unit() as unit:
                record(unit)

        await self._patiently(write)

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Ask the store until it answers: a database that is down must not decide about a message."""
        while True:
            try:
                return await call()
            except StoreUnavailable as error:
                log.error("outbox.store_unavailable", channel=self._channel.instance, error=str(error))
                await self._clock.sleep(_STORE_RETRY_SECONDS)


def taken(row: OutboxRow) -> Outgoing:
    """Decode a row of the outbox. Raises `ValueError` if it is not readable."""
    return Outgoing(
        id=row.id,
        lane=row.lane,
        message=decode_outbound(row.message),
        created_at=row.created_at,
        attempts=row.attempts,
        not_before=row.not_before,
    )
