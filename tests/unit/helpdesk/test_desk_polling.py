"""Asking a helpdesk whose clock is coarse: a change in the second that was asked about already is still noticed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from channels.model import RawUpdate
from optfm_bot.clock import ManualClock
from optfm_bot.dispatch.intake import Intake
from optfm_bot.helpdesk.contract import HelpdeskContext
from optfm_bot.helpdesk.runner import DeskRunner
from optfm_bot.receive.status import ChannelStatus
from optfm_bot.store.memory import MemoryStore
from optfm_bot.testing.memory_desk import MemoryHelpdesk


class Coarse(MemoryHelpdesk):
    """Names the same ticket at the same place for ever."""

    async def changes(self, cursor: str | None) -> tuple[Sequence[str], str]:
        del cursor
        return ["7"], "2026-01-15T09:00:00Z"


class Heard(Intake):
    """Keeps what is to be stored."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    async def receive(
        self,
        channel: str,
        updates: Sequence[RawUpdate],
        *,
        cursor: str | None = None,
        only_here: bool = False,
    ) -> int:
        del channel, cursor, only_here
        self.keys += [update.key for update in updates]
        return len(updates)


async def test_a_place_that_stays_is_asked_about_anew_until_nothing_can_hide_there() -> None:
    clock, heard, stop = ManualClock(), Heard(), asyncio.Event()
    store = MemoryStore()
    await store.open()
    runner = DeskRunner(
        Coarse(HelpdeskContext(instance="desk", clock=clock.now)),
        intake=heard,
        store=store,
        clock=clock,
        status=ChannelStatus(clock.now, lambda _before, _now: None),
        healthy=lambda: None,
    )
    running = asyncio.create_task(runner.run(stop))
    await clock.advance(120)
    assert len(heard.keys) == len(set(heard.keys)) == 5
    await clock.advance(600)
    assert len(set(heard.keys[-10:])) == 1  # and no ticket is read for ever
    stop.set()
    await clock.advance(1)
    await running
    await store.close()
