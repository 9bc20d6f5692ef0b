"""The delivery worker of one channel: sends what the outbox promises, each chat in order, and reacts to the outcome."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace

import structlog

from channels.codec import encode_outbound
from channels.errors import ChannelError, Moved, RetryLater, TooLarge, Unreachable
from channels.ladder import files_without_link
from channels.model import Purpose, Receipt, Rendered
from channels.phrase import phrase
from channels.render import plain_copy, render
from optfm_bot.clock import Clock, cut_off, unfinished
from optfm_bot.observe.correlation import bind_update
from optfm_bot.outbox.doubt import Doubt
from optfm_bot.outbox.files import FileAway, FileDoor, lies_elsewhere
from optfm_bot.outbox.ledger import Ledger
from optfm_bot.outbox.outgoing import Carrier, DeliveryObserver, DeliverySettings, Guard, Outgoing, taken
from optfm_bot.outbox.pacing import BotPace
from optfm_bot.outbox.plan import Close, Pause, Policy, Retry, SendPlain, SendTo, Verify, verdict
from optfm_bot.outbox.room import Room
from optfm_bot.outbox.turnstile import Turnstile
from optfm_bot.ownership import Ownership, SoleOwner
from optfm_bot.scratch import safe_name
from optfm_bot.shards import shard_of
from optfm_bot.store.contract import Store
from optfm_bot.store.records import OutboxRow, OutboxState

log = structlog.get_logger("optfm_bot.outbox")

_CALL_SECONDS = 90.0
"""The longest a call to a platform may take; adapters have shorter limits of their own."""

_ROOM = 1000
"""Messages that may wait in memory; beyond it the dispatcher holds back."""

_CHAT_ROOM = 50
"""Messages of one chat that may wait there; beyond it the dispatcher holds back that chat alone."""


class Delivery:
    """Sends the messages of one channel instance: each chat in order, chats in parallel, paced, never blocking others.

    `lost` is told of messages of agents that will not arrive, and why; without a reason of one that has arrived, but
    not the files that it has `left_out`.
    Give it rows with `accept` after they are committed. It owns a task for each busy chat until `stop`. Rows that are
    not sent by then stay in the store and are sent by the next start.
    """

    def __init__(
        self,
        channel: Carrier,
        settings: DeliverySettings,
        *,
        store: Store,
        clock: Clock,
        observer: DeliveryObserver,
        guard: Guard,
        gone: Callable[[str], Awaitable[None]],
        unauthorized: Callable[[ChannelError], None] = lambda _: None,
        spread: Callable[[], float] = lambda: 1.0,
        ownership: Ownership | None = None,
        pace: BotPace | None = None,
        files: FileDoor | None = None,
        lost: Callable[[Outgoing, str | None], Awaitable[None]] | None = None,
    ) -> None:
        self._channel = channel
        self._ownership: Ownership = ownership or SoleOwner(channel.instance)
        self._capabilities = channel.capabilities
        self._settings = settings
        self._store = store
        self._clock = clock
        self._observer = observer
        self._guard = guard
        self._gone = gone
        self._unauthorized = unauthorized
        self._spread = spread
        self._files = files
        self._lost = lost
        self._ledger = Ledger(
            channel.instance, store=store, clock=clock, observer=observer, ownership=self._ownership
        )
        self._turnstile = Turnstile(settings, clock, pace)
        self._doubt = Doubt(channel, settings.policy, ledger=self._ledger, clock=clock, close=self._close)
        self._lanes: dict[str, deque[Outgoing]] = {}
        self._ids: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining: dict[str, asyncio.Task[None]] = {}
        self._under_way: set[str] = set()
        self._waited: frozenset[int] = frozenset()
        self._depth = 0
        self._room = Room(total=_ROOM, per_chat=_CHAT_ROOM)
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

    @property
    def full(self) -> bool:
        """Whether so much waits that handling is held back."""
        return self._room.full

    @property
    def crowded(self) -> Collection[str]:
        """The lanes of which so much waits that they are held back."""
        return self._room.crowded

    async def room(self, lane: str) -> None:
        """Wait until the outbox, and what it has for that lane, is short enough for more, or `let_pass` is called."""
        await self._room.wait(lane)

    def let_pass(self) -> None:
        """Hold nobody back any more: nothing new is promised."""
        self._room.open()

    async def idle(self) -> None:
        """Wait until nothing is left to send."""
        await self._idle.wait()

    def resume(self) -> None:
        """The platform answers, so the credentials work: who waits for either may try again. Call it at any answer."""
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
            if outgoing.id in self._ids:
                continue  # taken up already
            if not self._ownership.lasts(outgoing.tenure):  # committed, and then others took over
                if outgoing.begun:
                    self._turnstile.leave()
                continue
            self._ids.add(outgoing.id)
            self._depth += 1
            self._room.take(outgoing.lane)
            lane = self._lanes.get(outgoing.lane)
            if lane is not None:
                lane.append(outgoing)
                continue
            self._lanes[outgoing.lane] = deque((outgoing,))
            if not self._turnstile.closed or outgoing.begun:
                task = asyncio.create_task(self._drain(outgoing.lane), name=f"send {self._channel.instance}")
                self._draining[outgoing.lane] = task
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        if self._depth:
            self._idle.clear()

    async def recover(self, shards: Collection[int] | None = None) -> None:
        """Take up what an earlier owner left of these shards: messages never tried, and those that were under way."""
        tenure = self._ownership.tenure
        in_hand = frozenset(self._ids)
        rows = await self._ledger.patiently(lambda: self._store.unsent(self._channel.instance, shards=shards))
        ready: list[Outgoing] = []
        for row in rows:
            if row.id in self._ids:
                self._keep(row, tenure)
                continue
            if row.id in in_hand and not await self._still_unsent(row):
                continue  # our call ended while the store was asked
            outgoing = await self._readable(row, tenure)
            if outgoing is None:
                continue
            if row.state is OutboxState.SENDING and not await self._doubt.may_resend(
                outgoing, self._rendered
            ):
                continue
            ready.append(outgoing)
        if self._ownership.lasts(tenure):
            self.accept(ready)

    def _keep(self, row: OutboxRow, tenure: int | None) -> None:
        """Go on with a message that was in our hands under an earlier tenure, and is ours again: nobody has sent it."""
        for outgoing in self._lanes.get(row.lane, ()):
            if outgoing.id == row.id:
                outgoing.tenure = tenure

    async def _still_unsent(self, row: OutboxRow) -> bool:
        found = await self._ledger.patiently(lambda: self._store.outgoing([row.id]))
        return any(one.state < OutboxState.SENT for one in found)

    async def take_up(self, rows: Iterable[OutboxRow], *, given_up: bool = False) -> None:
        """Send messages of our conversations that somebody else has promised, or that we did without knowing it.

        What is marked as being sent is under way and left alone, unless it was `given_up`: then its commit was ours, we
        were not told that it succeeded, and so it was never tried.
        """
        waiting = {OutboxState.READY, OutboxState.SENDING} if given_up else {OutboxState.READY}
        tenure = self._ownership.tenure
        ready: list[Outgoing] = []
        for row in rows:
            if row.state in waiting and row.id not in self._ids and self._ownership.owns(row.lane):
                outgoing = await self._readable(row, tenure)
                if outgoing is not None:
                    ready.append(outgoing)
        if self._ownership.lasts(tenure):
            self.accept(ready)

    async def sweep(self) -> None:
        """Find messages of ours that wait and that nobody told us of. Call it now and then, seconds apart.

        Only what was seen waiting twice counts: what was promised a moment ago is on its way to us.
        """
        waiting = (
            frozenset(await self._store.ready(self._channel.instance, shards=self._ownership.shards))
            - self._ids
        )
        again, self._waited = waiting & self._waited, waiting
        if again:
            log.warning("outbox.found", channel=self._channel.instance, messages=len(again))
            await self.take_up(await self._store.outgoing(again))

    async def _readable(self, row: OutboxRow, tenure: int | None) -> Outgoing | None:
        try:
            outgoing = taken(row)
        except ValueError as error:
            log.error("outbox.unreadable", outbox_id=row.id, error=str(error))
            await self._ledger.discarded(row.id, OutboxState.FAILED, str(error), tenure=tenure)
            return None
        outgoing.tenure = tenure
        return outgoing

    async def let_go(self, shards: Collection[int]) -> None:
        """Finish the calls under way for shards that are not ours any more; the rest is for the next owner to send."""
        lanes = [lane for lane in self._lanes if shard_of(lane) in shards]
        for lane in lanes:
            task = self._draining.get(lane)
            if task is not None and lane not in self._under_way and not self._lanes[lane][0].begun:
                task.cancel()
        left = await unfinished(
            {self._draining[lane] for lane in lanes if lane in self._draining}, self._clock, _CALL_SECONDS
        )
        for task in left:
            task.cancel()
        for lane in lanes:
            self._drop(lane)

    def evict(self) -> None:
        """Drop everything but the calls under way: it is somebody else's now."""
        for lane in list(self._lanes):
            if lane not in self._under_way:
                task = self._draining.get(lane)
                if task is not None:
                    task.cancel()
                self._drop(lane)

    def _drop(self, lane: str) -> None:
        self._draining.pop(lane, None)
        for outgoing in self._lanes.pop(lane, ()):
            self._ids.discard(outgoing.id)
            self._count_down(lane)
            if outgoing.begun:  # its task has not even begun; the place that it holds is free
                outgoing.begun = False
                self._turnstile.leave()

    async def stop(self, seconds: float) -> None:
        """Start no more calls, let those under way finish within `seconds`, and end every task."""
        self._turnstile.close()
        late = await cut_off(self._tasks, self._clock, seconds)
        if late:
            log.warning("outbox.cut_off", channel=self._channel.instance, calls=len(late))

    # -- one chat -----------------------------------------------------------------------------------------

    async def _drain(self, lane: str) -> None:
        queue = self._lanes[lane]
        while queue:
            outgoing = queue[0]
            if outgoing.begun or self._ours(outgoing):
                if self._turnstile.closed and not outgoing.begun:
                    return
                if not await self._try(outgoing):
                    continue
            # Done with, or somebody else's; what follows may be ours: we may be a member again.
            queue.popleft()
            self._ids.discard(outgoing.id)
            self._count_down(lane)
        if self._lanes.get(lane) is queue:
            self._drop(lane)

    def _ours(self, outgoing: Outgoing) -> bool:
        return self._ownership.lasts(outgoing.tenure) and self._ownership.owns(outgoing.lane)

    def _count_down(self, lane: str) -> None:
        self._depth -= 1
        self._room.leave(lane)
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
        """Take a place and send; the place is kept until the outcome is written down.

        So what a power cut leaves in doubt is never more than there are places.
        """
        if not outgoing.begun and not await self._turnstile.enter(outgoing):
            return False
        self._under_way.add(outgoing.lane)
        try:
            return await self._send(outgoing)
        finally:
            self._under_way.discard(outgoing.lane)
            outgoing.begun = False
            self._turnstile.leave()

    async def _send(self, outgoing: Outgoing) -> bool:
        refusal = await self._ledger.patiently(lambda: self._refused(outgoing))
        if refusal is not None:
            return await self._close(outgoing, OutboxState.DROPPED, refusal)
        try:
            rendered = self._rendered(outgoing)
        except TooLarge as error:
            return await self._close(outgoing, OutboxState.FAILED, str(error))
        try:
            # The files are at hand before anything says that it is being sent: fetching may take a minute, and a
            # message that was only being prepared when the power went is not in doubt.
            async with self._ready(outgoing, rendered) as ready:
                if not outgoing.begun:
                    if self._turnstile.closed:
                        return False
                    if self._settings.policy is not Policy.AT_LEAST_ONCE:
                        await self._ledger.sending(outgoing)
                if not await self._ownership.certain(outgoing.tenure):
                    return True  # somebody else decides what becomes of it
                receipt = await self._call(ready)
        except ChannelError as error:
            return await self._react(outgoing, rendered, error)
        return await self._sent(outgoing, receipt)

    async def _sent(self, outgoing: Outgoing, receipt: Receipt) -> bool:
        self._turnstile.answered()
        if outgoing.left_out:
            await self._tell_agent(outgoing, None)
        await self._ledger.sent(outgoing, receipt)
        return True

    async def _tell_agent(self, outgoing: Outgoing, reason: str | None) -> None:
        """Tell of it before it is written down: a power cut between the two must not leave it untold."""
        lost = self._lost
        if outgoing.message.purpose is Purpose.AGENT and lost is not None:
            await self._ledger.patiently(lambda: lost(outgoing, reason))

    async def _refused(self, outgoing: Outgoing) -> str | None:
        expires = outgoing.message.expires_at
        if expires is not None and expires <= self._clock.now():
            return "expired before it could be sent"
        return await self._guard(outgoing.message, outgoing.lane)

    def _rendered(self, outgoing: Outgoing) -> Rendered:
        return render(outgoing.message, self._capabilities, key=str(outgoing.id))

    def _ready(self, outgoing: Outgoing, rendered: Rendered) -> AbstractAsyncContextManager[Rendered]:
        """The message with every file that it carries at hand, while the block lasts."""
        named = self._named_alone(outgoing)
        outgoing.left_out = named
        if self._files is None or not lies_elsewhere(rendered):
            return nullcontext(rendered)
        most = self._settings.max_attempts
        patience = self._settings.file_attempts or most

        def left_out(files: Sequence[tuple[str, str]]) -> None:
            outgoing.left_out = (*named, *files)

        return self._files.open(
            rendered,
            self._capabilities,
            last=outgoing.attempts + 1 >= most or outgoing.fetches + 1 >= patience,
            left_out=left_out,
        )

    def _named_alone(self, outgoing: Outgoing) -> tuple[tuple[str, str], ...]:
        """Files of which those who read the message get the name and no link, each with the reason."""
        if not outgoing.message.media:
            return ()
        found: list[tuple[str, str]] = []
        for item in files_without_link(outgoing.message, self._capabilities):
            limit = self._capabilities.media.get(item.kind)
            why = phrase("file.kind_not_taken", "files of this kind cannot be sent there")
            if limit is not None:
                why = phrase(
                    "file.size_over_limit",
                    "the file has {size} bytes, the limit is {limit}",
                    size=item.size,
                    limit=limit,
                )
            found.append((safe_name(item.name, mime=item.mime, otherwise=item.kind.value), why))
        return tuple(found)

    async def _call(self, rendered: Rendered) -> Receipt:
        try:
            async with self._clock.limit(_CALL_SECONDS):
                return await self._channel.deliver(rendered)
        except TimeoutError as error:
            raise Unreachable(
                phrase("platform.silent", "The platform did not answer in time"), maybe_sent=True
            ) from error

    # -- what came of it ----------------------------------------------------------------------------------

    async def _react(  # noqa: PLR0911 - one return for each row of the table of verdicts
        self, outgoing: Outgoing, rendered: Rendered, error: ChannelError
    ) -> bool:
        """Do what follows from a failed call; true when the message left the outbox."""
        away = isinstance(error, FileAway)
        decision = verdict(
            error,
            # However long the platform was away, a file's own tries begin in quick succession.
            attempts=outgoing.fetches if away else outgoing.attempts,
            max_attempts=self._settings.max_attempts,
            policy=self._settings.policy,
            spread=self._spread(),
            plain=not rendered.markup,
            longest=self._settings.longest_delay,
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
                if not await self._doubt.may_resend(outgoing, self._rendered):
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
        await self._tell_agent(outgoing, reason)
        await self._ledger.closed(outgoing, state, reason, result="gone" if gone else None)
        if gone:
            await self._ledger.patiently(lambda: self._gone(outgoing.lane))
        return True

    async def _retry(self, outgoing: Outgoing, error: ChannelError, plan: Retry) -> bool:
        limited = isinstance(error, RetryLater) and error.limited
        await self._turnstile.hold(outgoing.lane, plan.delay, limited=limited, whole_bot=plan.whole_bot)
        outgoing.attempts += plan.counts
        away = isinstance(error, FileAway)
        outgoing.fetches += away
        self._turnstile.failed(outgoing, unreached=plan.unreached and not away)
        outgoing.not_before = self._clock.ms() + int(plan.delay * 1000)
        moved = encode_outbound(outgoing.message) if isinstance(error, Moved) else None
        await self._ledger.postponed(outgoing, error, message=moved)
        return False

    async def _again(self, outgoing: Outgoing, rendered: Rendered, simplified: str) -> bool:
        try:
            async with self._ready(outgoing, rendered) as ready:
                receipt = await self._call(ready)
        except ChannelError as error:
            return await self._react(outgoing, rendered, error)
        return await self._sent(outgoing, replace(receipt, degraded=(*receipt.degraded, simplified)))

    async def _send_to(self, outgoing: Outgoing, error: ChannelError, chat_id: str) -> bool:
        chat = replace(outgoing.message.chat, chat_id=chat_id)
        if chat == outgoing.message.chat:
            return await self._close(outgoing, OutboxState.FAILED, str(error))
        outgoing.message = replace(outgoing.message, chat=chat)
        return await self._retry(outgoing, error, Retry(delay=0.0))
