"""A stage with a helpdesk behind it, and what its agents see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from optfm_bot.blueprint import HouseSettings
from optfm_bot.domain.hours import Hours
from optfm_bot.domain.manners import ReceptionSettings
from optfm_bot.helpdesk.contract import HelpdeskContext
from optfm_bot.outbox.outgoing import Carrier
from optfm_bot.people import PeoplePlan, PeopleSettings
from optfm_bot.testing.memory_agents import MemoryTicket
from optfm_bot.testing.memory_desk import MemoryHelpdesk
from optfm_bot.testing.stage import Person, Stage

StageWith = Callable[..., Stage]


class Desk:
    """The helpdesk of a stage, as its agents use it: what they do returns when the house has come to rest."""

    def __init__(self, stage: Stage, helpdesk: MemoryHelpdesk) -> None:
        self.stage = stage
        self.helpdesk = helpdesk

    def ticket(self, person: Person) -> MemoryTicket:
        """The open ticket of a person."""
        found = self.helpdesk.open_ticket_of(f"stage:{person.sender.external_id}")
        assert found is not None, "there is no open ticket"
        return found

    def words(self, person: Person) -> list[str]:
        """What the customer has said there, oldest first."""
        return [thread.text for thread in self.ticket(person).threads if thread.kind == "customer"]

    def notes(self, person: Person) -> list[str]:
        """What only agents see, oldest first."""
        return [thread.text for thread in self.ticket(person).threads if thread.kind == "note"]

    async def news(self) -> None:
        """Let the house ask the helpdesk what is new."""
        await self.stage.clock.advance(31)
        await self.stage.settle()


@asynccontextmanager
async def at_the_desk(
    stage_with: StageWith,
    *,
    hours: Hours | None = None,
    reception: dict[str, Any] | None = None,
    people: PeopleSettings | None = None,
    notify: Carrier | None = None,
    helpdesk: MemoryHelpdesk | None = None,
    at: datetime | None = None,
    **options: Any,
) -> AsyncIterator[tuple[Stage, Desk]]:
    """A stage with a helpdesk; `reception` changes settings.

    A `helpdesk` that was there before, with the `store` of then, is a restart; `at` is the moment of it.
    """
    settings = people or PeopleSettings()
    settings = replace(
        settings,
        reception=ReceptionSettings(**{"desk": True, **(reception or {})}),
        **({"hours": hours} if hours else {}),
    )
    house = HouseSettings(join_window=0, person_per_minute=0, people=settings)
    clock: list[Stage] = []
    context = HelpdeskContext(
        instance="desk",
        clock=lambda: clock[0].clock.now(),  # noqa: PLW0108 - it is made later
    )
    desk = helpdesk or MemoryHelpdesk(context)
    desk.clock = context.clock
    plan = PeoplePlan(helpdesk=desk, notify=notify)
    stage = stage_with(settings=house, people=plan, **options)
    clock.append(stage)
    if at is not None:
        stage.clock.jump((at - stage.clock.now()).total_seconds())
    async with stage:
        yield stage, Desk(stage, desk)
