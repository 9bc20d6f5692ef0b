"""The turnstile of one bot: who may call the platform, and when.

Everything that can make a message wait is here: its own moment, its chat's pace, the bot's pace, a pause that the
platform asked for, credentials that a person has to mend, and the number of calls under way at once.

After an outage nobody waits out a pause that only we thought of: each call that gets through wakes two messages which
wait for nothing but the platform, so they come faster and faster and stop at once if it is gone again.
"""

from __future__ import annotations

import asyncio
from itertools import islice

import structlog

from optfm_bot.clock import Clock
from optfm_bot.errors import StoreUnavailable
from optfm_bot.outbox.outgoing import DeliverySettings, Outgoing
from optfm_bot.outbox.pacing import BotPace, ChatPacer, OwnPace

log = structlog.get_logger("optfm_bot.outbox")

_STORE_RETRY_SECONDS = 0.5
_CREDENTIALS_SECONDS = 5.0
"""How often a message that waits for credentials looks for them."""

_WOKEN = 2
"""How many follow each call that got through: the load doubles with each answer, and the pace bounds it."""
_KNOCK_SECONDS = 5.0
"""That the platform answers to others, a poll or a probe, says less of our calls: some are tried, so far apart."""


class Turnstile:
    """Gives places for calls. Whoever was let in (`enter` or `reserve`) gives the place back with `leave`."""

    def __init__(self, settings: DeliverySettings, clock: Clock, pace: BotPace | None = None) -> None:
        self._clock = clock
        self._chats = ChatPacer(per_chat=settings.per_chat, burst=settings.burst)
        self._pace: BotPace = pace or OwnPace(settings.per_bot)
        self._places = asyncio.Semaphore(settings.concurrency)
        self._capacity = settings.concurrency
        self._taken = 0
        self._paused_until = 0.0
        self._limited: dict[str, float] = {}
        self._authorized = True
        self._closed = asyncio.Event()
        self._answers = 0
        self._knocked = 0.0
        self._waiting: dict[str, asyncio.Event] = {}
        """Who waits for nothing but the platform, by lane, the longest first."""

    @property
    def closed(self) -> bool:
        """Whether nobody is let in any more."""
        return self._closed.is_set()

    @property
    def free(self) -> int:
        """How many more calls may be under way."""
        return self._capacity - self._taken

    def close(self) -> None:
        """Let nobody in any more; who waits is sent away."""
        self._closed.set()
        for woken in self._waiting.values():
            woken.set()

    async def reserve(self, lane: str) -> bool:
        """Take a place if nothing at all makes a message to that chat wait; its share of the pace is taken too."""
        if self._places.locked() or self._closed.is_set() or self._held_back() > 0:
            return False
        now = self._clock.monotonic()
        if not self._chats.ready(lane, now) or not self._pace.ready(now):
            return False
        await self._take()
        self._chats.reserve(lane, now)
        await self._pace.reserve(now)  # it is at hand, as `ready` has said: nothing is waited for
        return True

    async def enter(self, outgoing: Outgoing) -> bool:
        """Wait for the message's moment and its chat's pace, take a place, then wait for what holds everybody back.

        False, with no place taken, when closed.
        """
        due = (outgoing.not_before - self._clock.ms()) / 1000 if outgoing.not_before else 0.0
        now = self._clock.monotonic()
        wait = self._chats.reserve(outgoing.lane, now)
        if outgoing.unreached and due > wait:
            await self._wait_for_answer(outgoing, due)
            wait -= self._clock.monotonic() - now
        else:
            wait = max(due, wait)
        if wait > 0 and await self._clock.wait(self._closed, wait):
            return False
        if self._closed.is_set():
            return False
        await self._take()
        let_in = False
        try:
            let_in = await self._wait_for_bot()
        finally:
            if not let_in:
                self.leave()
        return let_in

    def leave(self) -> None:
        """Give a place back."""
        self._taken -= 1
        self._places.release()

    async def hold(self, lane: str, seconds: float, *, limited: bool, whole_bot: bool) -> None:
        """The platform wants to be left alone for so long, by everybody if `whole_bot`.

        `limited` says that the chat is over its limit. One such chat is that chat's business; several at once mean that
        the bot is over its own.
        """
        until = self._clock.monotonic() + seconds
        if limited:
            now = self._clock.monotonic()
            self._limited = {chat: end for chat, end in self._limited.items() if end > now}
            self._limited[lane] = until
            whole_bot = whole_bot or len(self._limited) > 1
        if whole_bot:
            self._paused_until = max(self._paused_until, until)
            try:
                await self._pace.pause(seconds)
            except StoreUnavailable as error:  # the other processes will hear it from the platform themselves
                log.info("outbox.pause_not_shared", error=str(error))

    def authorize(self, *, works: bool) -> None:
        """The credentials work, or do not; that they do is known because the platform has answered somebody."""
        self._authorized = works
        if works and self._waiting:
            now = self._clock.monotonic()
            if now - self._knocked >= _KNOCK_SECONDS:
                self._knocked = now
                self._wake()

    def failed(self, outgoing: Outgoing, *, unreached: bool) -> None:
        """A call for it failed. With `unreached` nothing is in its way but a platform that does not answer.

        It waits for that if nobody got through between its last two calls; else the trouble is its own.
        """
        alone = outgoing.answers not in {None, self._answers}
        outgoing.unreached = unreached and not alone and outgoing.attempts > 1
        outgoing.answers = self._answers

    def answered(self) -> None:
        """A call got through."""
        self._answers += 1
        if self._waiting:
            self._wake()

    def _wake(self) -> None:
        for lane in list(islice(self._waiting, _WOKEN)):
            self._waiting.pop(lane).set()

    async def _wait_for_answer(self, outgoing: Outgoing, seconds: float) -> None:
        """Wait until somebody got through, so long at most. A try that comes early costs no message a chance."""
        woken = asyncio.Event()
        self._waiting[outgoing.lane] = woken
        try:
            if await self._clock.wait(woken, seconds) and not self._closed.is_set():
                outgoing.attempts -= 1
        finally:
            if self._waiting.get(outgoing.lane) is woken:
                del self._waiting[outgoing.lane]

    async def _take(self) -> None:
        await self._places.acquire()
        self._taken += 1

    async def _wait_for_bot(self) -> bool:
        """Wait for credentials, the end of a pause and the bot's pace; false when closed.

        Whoever waits here holds a place, which costs nobody anything: all others have to wait for the same. After a
        pause the pace is asked again, so that what has gathered does not leave all at once.
        """
        while not self._closed.is_set():
            wait = self._held_back()
            if wait > 0:
                await self._clock.wait(self._closed, wait)
                continue
            try:
                wait = await self._pace.reserve(self._clock.monotonic())
            except StoreUnavailable as error:
                log.error("outbox.store_unavailable", error=str(error))
                await self._clock.wait(self._closed, _STORE_RETRY_SECONDS)
                continue
            if wait > 0 and await self._clock.wait(self._closed, wait):
                return False
            if self._held_back() <= 0:
                return True
        return False

    def _held_back(self) -> float:
        """Seconds for which the whole bot has to wait before anything else is asked."""
        if not self._authorized:
            return _CREDENTIALS_SECONDS
        return self._paused_until - self._clock.monotonic()
