"""The desk reads: what is new at the helpdesk is stored once, in the conversation that it belongs to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channels.errors import Gone, Unreachable
from channels.model import Purpose
from optfm_bot.dispatch.inner import DeskIn
from optfm_bot.helpdesk.contract import AgentReplied, Assigned, Closed, Merged, Removed
from optfm_bot.store.records import Direction
from optfm_bot.store.ticket_records import DeskMessageRow, TicketStatus
from tests.unit.helpdesk.desk_scene import ANNA, Scene

# -- reading ---------------------------------------------------------------------------------------------


async def test_what_is_new_is_stored_once_in_the_customers_conversation(scene: Scene) -> None:
    await scene.opened()
    reply = scene.helpdesk.agent_replies("1", "Завтра привезём")
    scene.helpdesk.note("1", "проверить склад")
    scene.helpdesk.close_by_agent("1")
    found = [await scene.desk.look("1") for _ in range(3)]

    assert found == [2, 0, 0]
    said, closed = await scene.heard()
    assert isinstance(said, DeskIn)
    assert isinstance(said.event, AgentReplied)
    assert (said.desk, said.event.thread_id, said.event.agent) == ("desk", reply.id, "Ольга")
    assert isinstance(closed, DeskIn)
    assert isinstance(closed.event, Closed)


async def test_who_takes_the_ticket_by_answering_is_read_after_the_answer(scene: Scene) -> None:
    await scene.opened()
    scene.helpdesk.assign("1")
    scene.helpdesk.agent_replies("1", "Завтра привезём")
    scene.helpdesk.agent_replies("1", "С утра")
    scene.helpdesk.close_by_agent("1")
    await scene.desk.look("1")
    found = [type(one.event) for one in await scene.heard() if isinstance(one, DeskIn)]
    assert found == [AgentReplied, AgentReplied, Assigned, Closed]


async def test_an_assignment_that_is_read_alone_stays_where_it_is(scene: Scene) -> None:
    await scene.opened()
    scene.helpdesk.assign("1")
    await scene.desk.look("1")
    scene.helpdesk.agent_replies("1", "Завтра привезём")
    await scene.desk.look("1")
    found = [type(one.event) for one in await scene.heard() if isinstance(one, DeskIn)]
    assert found[0] is Assigned
    assert AgentReplied in found


async def test_what_is_in_the_record_is_not_read_again(scene: Scene) -> None:
    await scene.opened()
    reply = scene.helpdesk.agent_replies("1", "Завтра")
    async with scene.store.unit() as unit:
        unit.desk.add_message(
            DeskMessageRow(
                id=900,
                ticket_id=1,
                desk="desk",
                direction=Direction.IN,
                kind="agent",
                external_id=reply.id,
                at=scene.clock.ms(),
            )
        )
    assert await scene.desk.look("1") == 0


async def test_an_answer_from_before_our_ticket_is_not_told(scene: Scene) -> None:
    await scene.opened()
    scene.helpdesk.agent_replies("1", "давно")
    await scene.clock.advance(600)
    scene.helpdesk.agent_replies("1", "недавно")
    async with scene.store.unit() as unit:
        unit.desk.save_ticket(replace(await scene.ticket(), opened_at=scene.clock.ms() + 299_000))

    assert await scene.desk.look("1") == 1


async def test_a_ticket_that_is_no_more_ends_or_goes_on_elsewhere(scene: Scene) -> None:
    await scene.opened()
    scene.helpdesk.refuse = [Gone()]
    await scene.desk.look("1")
    other = scene.helpdesk.agent_opens(ANNA, "Доставка")
    scene.helpdesk.merge("1", other.id)
    scene.helpdesk.refuse = [Gone()]
    await scene.desk.look("1")

    first, second = await scene.heard()
    assert isinstance(first, DeskIn)
    assert isinstance(first.event, Removed)
    assert isinstance(second, DeskIn)
    assert second.event == Merged(key="merged-1-2", ticket="1", at=scene.clock.now(), into="2")


async def test_reading_that_fails_is_told_to_whoever_asked(scene: Scene) -> None:
    await scene.opened()
    scene.helpdesk.down = True
    with pytest.raises(Unreachable):
        await scene.desk.look("1")


# -- tickets that we have not heard of -------------------------------------------------------------------


async def test_a_ticket_of_nobody_is_passed_over(scene: Scene) -> None:
    assert await scene.desk.look("404") == 0
    scene.helpdesk._customers["mail:x"] = "c77"
    scene.helpdesk.agent_opens("mail:x", "Добрый день")
    assert await scene.desk.look("1") == 0
    assert await scene.store.tickets() == []


@pytest.mark.parametrize(("minutes", "taken"), [(59, True), (61, False)])
async def test_a_ticket_that_an_agent_has_just_begun_is_the_customers(
    scene: Scene, minutes: int, *, taken: bool
) -> None:
    await scene.opened()
    await scene.bring(200, purpose=Purpose.CLOSE)
    begun = scene.helpdesk.agent_opens(ANNA, "Ваш заказ готов")
    await scene.clock.advance(minutes * 60)
    found = await scene.desk.look(begun.id)

    row = await scene.store.ticket_of("desk", begun.id)
    assert (found, row is not None) == ((1, True) if taken else (0, False))
    if row is not None:
        assert (row.id, row.lane, row.person, row.customer_id) == (1001, ANNA, ANNA, begun.customer_id)
        assert row.status is TicketStatus.OPEN
        assert len(await scene.heard()) == 1
        assert await scene.desk.look(begun.id) == 0


async def test_a_second_ticket_beside_an_open_one_is_left_alone(scene: Scene) -> None:
    await scene.opened()
    begun = scene.helpdesk.agent_opens(ANNA, "Другое")
    assert await scene.desk.look(begun.id) == 0
    assert await scene.store.ticket_of("desk", begun.id) is None


async def test_a_reply_in_the_ticket_that_ours_was_merged_into_is_ours(scene: Scene) -> None:
    await scene.opened()
    other = scene.helpdesk.agent_opens(ANNA, "Доставка")
    await scene.clock.advance(7200)
    scene.helpdesk.merge("1", other.id)
    scene.helpdesk.agent_replies(other.id, "Всё в одном")
    await scene.desk.look(other.id)

    assert (await scene.ticket()).external_id == other.id
    texts = [heard.event for heard in await scene.heard() if isinstance(heard, DeskIn)]
    assert [event.ticket for event in texts if isinstance(event, AgentReplied)] == [other.id, other.id]
