"""What the commands of the helpdesk store is understood by the house that runs beside them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from channels.errors import Rejected
from optfm_bot.cli.desk_hints import hint_recent, keep_hints, ticket_named, tickets_of, undelivered
from optfm_bot.testing.memory_desk import MemoryHelpdesk
from tests.flows.desk import StageWith, at_the_desk


async def _nothing(_: MemoryHelpdesk, cursor: str | None) -> tuple[Sequence[str], str]:
    return (), cursor or "0"


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """A helpdesk that never tells what has changed: only hints do."""
    monkeypatch.setattr(MemoryHelpdesk, "changes", _nothing)


@pytest.mark.usefixtures("deaf")
async def test_a_hint_of_a_command_lets_a_running_house_read_the_ticket(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await anna.says("/operator")
        anna.sees("Передал разговор человеку")
        desk.helpdesk.agent_replies(desk.ticket(anna).id, "Добрый день")
        await desk.news()
        anna.sees_nothing()

        assert await hint_recent(stage.store, "desk", stage.clock.ms(), stage.clock) == 1
        await desk.news()
        anna.sees("Добрый день")

        await keep_hints(stage.store, "desk", [desk.ticket(anna).id], stage.clock)
        await desk.news()
        anna.sees_nothing()


async def test_what_a_ticket_did_not_get_is_found_by_its_number(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna, boris = stage.person("Анна"), stage.person("Борис")
        for person in (anna, boris):
            await person.says("/operator")
        desk.helpdesk.refuse = [Rejected("no")]
        await anna.says("насос купили в мае")

        row = await ticket_named(stage.store, "desk", desk.ticket(anna).id)
        other = await ticket_named(stage.store, "desk", desk.ticket(boris).id)
        assert row is not None
        lost = await undelivered(stage.store, "desk", row)
        assert len(lost) == 1
        assert await undelivered(stage.store, "desk", other) == []
        assert await undelivered(stage.store, "desk", None) == lost
        assert await tickets_of(stage.store, lost) == [desk.ticket(anna).id]
