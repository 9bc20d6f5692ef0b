"""The runner of a helpdesk: opens it, asks for changes, and looks now and then how it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from channels.contract import HealthState
from channels.errors import ChannelError, Unauthorized, Unreachable
from channels.model import RawUpdate
from channels.phrase import phrase
from optfm_bot.clock import Clock
from optfm_bot.dispatch.intake import Intake
from optfm_bot.errors import StoreUnavailable
from optfm_bot.helpdesk.contract import Helpdesk, Polled, ticket_lane
from optfm_bot.ownership import Duty, OwnDuty
from optfm_bot.receive.status import ChannelStatus, pause
from optfm_bot.store.contract import Store

log = structlog.get_logger("optfm_bot.helpdesk")

_POLL_SECONDS = 30.0
_HOOKED_POLL_SECONDS = 300.0
"""Where webhooks bring the news, asking is for what they may have lost."""

_LOOK_SECONDS = 60.0
_CALL_SECONDS = 90.0
_STILL_SECONDS = 180
"""For how long a cursor that does not move may hide another change: FreeScout's times are whole seconds."""


class DeskRunner:
    """Keeps one helpdesk at work until it is stopped.

    `hooked` says that webhooks reach us. `healthy` is called whenever the helpdesk answers: what waits for that,
    or for better credentials, may be tried again. `duty` says whether it is this process that asks for changes.
    Opening asks a helpdesk nothing, so its state is `starting` until it has answered for the first time.
    """

    def __init__(
        self,
        helpdesk: Helpdesk,
        *,
        intake: Intake,
        store: Store,
        clock: Clock,
        status: ChannelStatus,
        healthy: Callable[[], None],
        hooked: bool = False,
        duty: Duty | None = None,
    ) -> None:
        self.helpdesk = helpdesk
        self.status = status
        self._intake = intake
        self._store = store
        self._clock = clock
        self._healthy = healthy
        self._duty: Duty = duty or OwnDuty()
        every = float(getattr(helpdesk.settings, "poll_seconds", _POLL_SECONDS))
        self._every = max(every, _HOOKED_POLL_SECONDS) if hooked else every
        self._cursor: tuple[str, float] = "", 0.0

    def doubt(self, error: ChannelError) -> None:
        """The credentials were refused while something was brought there."""
        self.status.doubted(error)

    async def run(self, stop: asyncio.Event) -> None:
        """Open, then poll and look, until `stop`."""
        await self._insist(stop)
        looking = asyncio.create_task(self._look_now_and_then(stop), name="look helpdesk")
        try:
            while not stop.is_set():
                if isinstance(self.helpdesk, Polled) and self._duty.held:
                    await self._ask(self.helpdesk)
                await self._clock.wait(stop, self._every)
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            self.status.stopped()

    async def _insist(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                async with self._clock.limit(_CALL_SECONDS):
                    await self.helpdesk.open()
            except (ChannelError, TimeoutError) as error:
                trouble = error if isinstance(error, ChannelError) else _silent()
                self.status.failed(trouble)
                log.warning("helpdesk.not_open", desk=self.helpdesk.instance, error=str(trouble))
                await self._clock.wait(stop, pause(trouble, self.status.now.failures, 1.0))
            else:
                return

    async def _ask(self, helpdesk: Polled) -> None:
        """Store which tickets have changed, with where to go on, in one transaction."""
        name = self.helpdesk.instance
        try:
            cursor = await self._store.cursor(name)
            async with self._clock.limit(_CALL_SECONDS):
                tickets, following = await helpdesk.changes(cursor)
            place = self._place(following)
            updates = [
                RawUpdate(
                    key=f"poll {place} {ticket}",
                    lane=ticket_lane(name, ticket),
                    payload={"ticket": ticket},
                )
                for ticket in tickets
            ]
            if updates or following != cursor:
                await self._intake.receive(name, updates, cursor=following)
        except StoreUnavailable as error:
            log.error("helpdesk.store_unavailable", desk=name, error=str(error))
        except (ChannelError, TimeoutError) as error:
            trouble = error if isinstance(error, ChannelError) else _silent()
            self.status.failed(trouble)
            log.warning("helpdesk.not_asked", desk=name, error=str(trouble))
        else:
            self.status.connected()
            self._healthy()

    def _place(self, cursor: str) -> str:
        """A word for where we stand: another one each time, until the cursor has not moved for a while."""
        now = self._clock.monotonic()
        if self._cursor[0] != cursor:
            self._cursor = cursor, now
        return f"{cursor} {self._clock.ms()}" if now - self._cursor[1] < _STILL_SECONDS else cursor

    async def _look_now_and_then(self, stop: asyncio.Event) -> None:
        if isinstance(self.helpdesk, Polled) and self._duty.held:  # asking for changes is a look
            await self._clock.wait(stop, _LOOK_SECONDS)
        while not stop.is_set():
            await self._look()
            await self._clock.wait(stop, _LOOK_SECONDS)

    async def _look(self) -> None:
        try:
            async with self._clock.limit(_CALL_SECONDS):
                health = await self.helpdesk.probe()
        except (ChannelError, TimeoutError) as error:
            self.status.failed(error if isinstance(error, ChannelError) else _silent())
            return
        match health.state:
            case HealthState.OK | HealthState.DEGRADED:
                self.status.connected()
                self.status.looked(health)
                self._healthy()
            case HealthState.BAD_CREDENTIALS:
                self.status.failed(Unauthorized(health.hint or None))
            case HealthState.DOWN:
                self.status.failed(Unreachable(health.hint or None, maybe_sent=False))


def _silent() -> ChannelError:
    return Unreachable(phrase("desk.silent", "The helpdesk did not answer in time"), maybe_sent=False)
