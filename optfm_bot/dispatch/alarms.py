"""Alarms: what has to happen in conversations without anybody writing, brought into their lanes when it is time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

import structlog

from optfm_bot.clock import Clock
from optfm_bot.dispatch.inner import CLOCK, alarm_update
from optfm_bot.dispatch.intake import Intake
from optfm_bot.errors import StoreUnavailable
from optfm_bot.store.contract import Store

log = structlog.get_logger("optfm_bot.dispatch")

_LOOK_SECONDS = 5.0
_AT_ONCE = 200


class Alarms:
    """Looks for alarms that are due, in conversations that are this process's own."""

    def __init__(
        self, store: Store, intake: Intake, clock: Clock, shards: Callable[[], Collection[int] | None]
    ) -> None:
        self._store = store
        self._intake = intake
        self._clock = clock
        self._shards = shards

    async def run(self, stop: asyncio.Event) -> None:
        """Ring until `stop`."""
        while not stop.is_set():
            try:
                more = await self.ring()
            except StoreUnavailable as error:
                log.error("alarms.store_unavailable", error=str(error))
                more = False
            if not more:
                await self._clock.wait(stop, _LOOK_SECONDS)

    async def ring(self) -> bool:
        """Bring what is due into its conversation; whether there may be more.

        The update is stored before the alarm is removed, and its key is the alarm's: what is rung twice counts once.
        """
        shards = self._shards()
        if shards is not None and not shards:
            return False
        due = await self._store.alarms_due(now=self._clock.ms(), limit=_AT_ONCE, shards=shards)
        if not due:
            return False
        await self._intake.receive(CLOCK, [alarm_update(one.name, one.due_at, one.lane) for one in due])
        async with self._store.unit() as unit:
            for one in due:
                unit.alarms.clear_due(one.lane, one.name, one.due_at)
        return len(due) == _AT_ONCE
