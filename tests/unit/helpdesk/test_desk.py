"""The desk: what the outbox promises reaches the ticket once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from channels.errors import ChannelError, Gone, Rejected, RetryLater, Unauthorized, Unreachable
from channels.model import Purpose
from optfm_bot.dispatch.inner import DownIn
from optfm_bot.store.records import PersonRow
from optfm_bot.store.ticket_records import TicketStatus
from tests.unit.helpdesk.desk_scene import ANNA, BORIS, Scene

# -- opening and adding ----------------------------------------------------------------------------------


async def test_the_first_words_open_the_ticket(scene: Scene) -> None:
    at = scene.clock.ms()
    person = PersonRow(
        ref=ANNA,
        channel="stage",
        external_id="anna",
        display_name=" Анна ",
        phone="+7",
        first_seen_at=at,
        last_seen_at=at,
    )
    async with scene.store.unit() as unit:
        unit.history.save_person(person)
    await scene.keep()
    ids = await scene.bring(5, "Где заказ 17?")

    (ticket,) = scene.there.values()
    assert (ticket.subject, ticket.texts) == ("Сцена: Где заказ?", ["customer: Где заказ 17?"])
    assert ticket.customer is not None
    told = ticket.customer
    assert (told.ref, told.name, told.channel, told.phone) == (ANNA, "Анна", "Сцена", "+7")
    row = await scene.ticket()
    assert (row.external_id, row.number, row.url) == ("1", "1", "https://desk.test/1")
    message = await scene.store.desk_message(5)
    assert message is not None
    assert (message.external_id,) == ids == (ticket.threads[0].id,)
    assert message.done_at == at
    assert await scene.store.desk_customer("desk", ANNA) == row.customer_id == ticket.customer_id


async def test_who_has_no_name_is_called_by_channel_and_id(scene: Scene) -> None:
    await scene.keep(subject="")
    await scene.bring(5, "привет")

    (ticket,) = scene.there.values()
    assert ticket.customer is not None
    assert (ticket.customer.name, ticket.subject) == ("Сцена anna", "Сцена: Сцена anna")


async def test_the_second_ticket_is_of_the_customer_that_we_know(scene: Scene) -> None:
    first = await scene.opened(status=TicketStatus.CLOSED)
    async with scene.store.unit() as unit:
        unit.desk.save_ticket(replace(await scene.ticket(), status=TicketStatus.CLOSED))
    scene.helpdesk._customers.clear()
    second = await scene.opened(id=2)

    assert (second.id, second.customer_id) == ("2", first.customer_id)


async def test_what_follows_is_added_and_nothing_is_brought_twice(scene: Scene) -> None:
    ticket = await scene.opened()
    ids = await scene.bring(200, "Жду ответа")
    await scene.bring(201, "переписка", purpose=Purpose.NOTE)
    texts = ["customer: Где заказ?", "customer: Жду ответа", "note: переписка"]
    assert ticket.texts == texts

    assert await scene.bring(200, "Жду ответа") == ids == (ticket.threads[1].id,)
    assert scene.calls == ["add_customer_message", "add_note"]
    kinds = [row.kind for row in await scene.store.desk_messages(1)]
    assert kinds == ["customer", "customer", "note"]


async def test_words_open_a_closed_ticket_again_and_a_note_does_not(scene: Scene) -> None:
    ticket = await scene.opened()
    await scene.bring(200, purpose=Purpose.CLOSE)
    await scene.bring(201, "для своих", purpose=Purpose.NOTE)
    assert not ticket.open
    assert (await scene.ticket()).status is TicketStatus.CLOSED

    await scene.bring(202, "Ещё вопрос")
    row = await scene.ticket()
    assert (ticket.open, row.status, row.closed_at) == (True, TicketStatus.OPEN, None)


async def test_a_message_for_a_ticket_that_is_not_in_the_record_is_rejected(scene: Scene) -> None:
    with pytest.raises(Rejected):
        await scene.bring(5, "Где заказ?", ticket=404)
    assert scene.calls == []


# -- attempts in doubt -----------------------------------------------------------------------------------


async def test_a_ticket_whose_opening_was_never_confirmed_is_found(scene: Scene) -> None:
    await scene.keep()
    scene.helpdesk.lose = 1
    with pytest.raises(Unreachable):
        await scene.bring(5, "Где заказ?")
    await scene.bring(5, "Где заказ?")

    assert scene.calls == ["open_ticket", "find_ticket"]
    assert [ticket.texts for ticket in scene.there.values()] == [["customer: Где заказ?"]]
    assert (await scene.ticket()).external_id == "1"


@pytest.mark.parametrize("purpose", [Purpose.CUSTOMER, Purpose.NOTE])
async def test_a_message_that_was_never_confirmed_is_found(scene: Scene, purpose: Purpose) -> None:
    ticket = await scene.opened()
    scene.helpdesk.lose = 1
    with pytest.raises(Unreachable):
        await scene.bring(200, "Жду", purpose=purpose)
    scene.desk = scene.begun()
    ids = await scene.bring(200, "Жду", purpose=purpose)

    assert ids == (ticket.threads[-1].id,)
    assert [thread.text for thread in ticket.threads] == ["Где заказ?", "Жду"]


async def test_what_is_not_there_is_repeated_when_it_cannot_arrive_any_more(scene: Scene) -> None:
    await scene.keep()
    scene.helpdesk.refuse = [Unreachable(maybe_sent=True)]
    with pytest.raises(Unreachable):
        await scene.bring(5, "Где заказ?")
    await scene.clock.advance(60)
    scene.desk = scene.begun()  # it may have been tried by the process before, a moment ago
    with pytest.raises(RetryLater) as waits:
        await scene.bring(5, "Где заказ?")
    assert (waits.value.after, waits.value.limited) == (timedelta(seconds=5), False)
    await scene.clock.advance(5)
    await scene.bring(5, "Где заказ?")

    assert [ticket.texts for ticket in scene.there.values()] == [["customer: Где заказ?"]]


async def test_what_cannot_be_looked_for_is_not_repeated(scene: Scene) -> None:
    ticket = await scene.opened()
    scene.helpdesk.spec = replace(scene.helpdesk.spec, lookup=False)  # type: ignore[misc]
    scene.helpdesk.refuse = [Unreachable(maybe_sent=True)]
    with pytest.raises(Unreachable):
        await scene.bring(200, "Жду")
    await scene.clock.advance(3600)
    with pytest.raises(Rejected):
        await scene.bring(200, "Жду")

    assert ticket.texts == ["customer: Где заказ?"]


@pytest.mark.parametrize("error", [Unreachable(maybe_sent=False), RetryLater(), Unauthorized()])
async def test_a_call_that_surely_did_nothing_leaves_no_doubt(scene: Scene, error: ChannelError) -> None:
    ticket = await scene.opened()
    scene.helpdesk.refuse = [error]
    with pytest.raises(type(error)):
        await scene.bring(200, "Жду")
    assert await scene.store.desk_message(200) is None
    await scene.bring(200, "Жду")

    assert scene.calls == ["add_customer_message"]
    assert len(ticket.threads) == 2


async def test_a_doubt_is_not_forgotten_because_looking_fails(scene: Scene) -> None:
    ticket = await scene.opened()
    scene.helpdesk.lose = 1
    with pytest.raises(Unreachable):
        await scene.bring(200, "Жду")
    for error in (RetryLater(), Unauthorized(), Unreachable(maybe_sent=False)):
        scene.helpdesk.refuse = [error]
        with pytest.raises(type(error)):
            await scene.bring(200, "Жду")
    await scene.bring(200, "Жду")

    assert ticket.texts == ["customer: Где заказ?", "customer: Жду"]


async def test_a_record_that_cannot_be_written_stops_the_call_before_it_is_made(scene: Scene) -> None:
    await scene.keep()
    scene.store.down = True
    with pytest.raises(RetryLater):
        await scene.bring(5, "Где заказ?")
    assert scene.calls == []


# -- gone ------------------------------------------------------------------------------------------------


async def test_words_follow_a_ticket_that_was_merged_into_one_that_we_do_not_know(scene: Scene) -> None:
    await scene.opened()
    other = scene.helpdesk.agent_opens(ANNA, "Доставка")
    scene.helpdesk.merge("1", other.id)
    await scene.bring(200, "Жду")

    assert other.texts[-1] == "customer: Жду"
    row = await scene.ticket()
    assert (row.id, row.external_id, row.url) == (1, other.id, "https://desk.test/2")


async def test_words_follow_a_ticket_that_was_merged_into_one_of_ours(scene: Scene) -> None:
    await scene.opened()
    other = await scene.opened(id=2, lane=BORIS, person=BORIS)
    scene.helpdesk.merge("1", other.id)
    await scene.bring(200, "Жду")

    assert other.texts[-1] == "customer: Жду"
    assert (await scene.ticket()).external_id == "1", "the record changes when the merge is read"


async def test_words_for_a_ticket_that_was_deleted_open_another_one_even_after_a_lost_call(
    scene: Scene,
) -> None:
    await scene.opened()
    scene.helpdesk.delete("1")
    scene.helpdesk.lose = 1
    with pytest.raises(Unreachable):
        await scene.bring(200, "Вы здесь?")
    await scene.bring(200, "Вы здесь?")

    assert list(scene.there) == ["1", "2"]
    assert scene.there["2"].texts == ["customer: Вы здесь?"]
    assert (await scene.ticket()).external_id == "2"


async def test_the_ticket_after_one_that_was_closed_and_deleted_is_open_in_the_record(scene: Scene) -> None:
    await scene.opened()
    await scene.bring(200, purpose=Purpose.CLOSE)
    scene.helpdesk.delete("1")
    await scene.bring(201, "Вы здесь?")
    row = await scene.ticket()

    assert (row.external_id, row.status, row.closed_at) == ("2", TicketStatus.OPEN, None)


async def test_a_note_for_a_ticket_that_was_deleted_opens_none_as_the_customers_words(scene: Scene) -> None:
    await scene.opened()
    scene.helpdesk.delete("1")
    with pytest.raises(Rejected):
        await scene.bring(200, "Бот: разговор закончен", purpose=Purpose.NOTE)

    assert list(scene.there) == ["1"]
    await scene.bring(201, "Вы здесь?")
    assert scene.there["2"].texts == ["customer: Вы здесь?"]


async def test_a_ticket_that_goes_while_words_are_on_their_way_is_no_customer_who_left(scene: Scene) -> None:
    await scene.opened()
    scene.helpdesk.delete("1")
    scene.helpdesk.refuse = [Gone()] * 3
    with pytest.raises(RetryLater):
        await scene.bring(200, "Вы здесь?")


# -- closing ---------------------------------------------------------------------------------------------


async def test_a_ticket_is_closed_there_and_in_the_record(scene: Scene) -> None:
    ticket = await scene.opened()
    assert await scene.bring(200, purpose=Purpose.CLOSE) == ()
    row = await scene.ticket()

    assert (ticket.open, row.status, row.closed_at) == (False, TicketStatus.CLOSED, scene.clock.ms())
    await scene.bring(201, purpose=Purpose.CLOSE)
    assert scene.calls == ["close_ticket"]


async def test_a_ticket_that_was_never_opened_or_is_gone_is_closed_in_the_record(scene: Scene) -> None:
    await scene.keep()
    await scene.bring(200, purpose=Purpose.CLOSE)
    assert (await scene.ticket()).status is TicketStatus.CLOSED

    await scene.opened(id=2, lane=BORIS, person=BORIS)
    scene.helpdesk.delete("1")
    await scene.bring(201, ticket=2, purpose=Purpose.CLOSE)
    assert (await scene.ticket(2)).status is TicketStatus.CLOSED


# -- down ------------------------------------------------------------------------------------------------


async def test_that_the_helpdesk_is_down_is_told_once_for_each_ticket(scene: Scene) -> None:
    await scene.keep()
    await scene.keep(id=2, lane=BORIS, person=BORIS)
    scene.helpdesk.down = True
    since = scene.clock.ms()
    for key, ticket in ((5, 1), (5, 1), (6, 1), (7, 2)):
        with pytest.raises(Unreachable):
            await scene.bring(key, "Где?", ticket=ticket)
        await scene.clock.advance(10)

    assert scene.desk.down
    assert await scene.heard(ANNA) == [DownIn(ticket=1, since=since)]
    assert await scene.heard(BORIS) == [DownIn(ticket=2, since=since)]
    scene.helpdesk.down = False
    await scene.bring(5, "Где?")
    assert not scene.desk.down


async def test_that_a_note_waits_is_told_to_nobody(scene: Scene) -> None:
    await scene.opened()
    scene.helpdesk.down = True
    with pytest.raises(Unreachable):
        await scene.bring(200, "для своих", purpose=Purpose.NOTE)
    assert await scene.heard() == []


async def test_a_helpdesk_that_asks_to_wait_is_not_down(scene: Scene) -> None:
    await scene.opened()
    scene.helpdesk.refuse = [RetryLater()]
    with pytest.raises(RetryLater):
        await scene.bring(200, "Жду")
    assert (scene.desk.down, await scene.heard()) == (False, [])


async def test_a_call_that_never_ends_is_given_up_and_may_have_arrived(scene: Scene) -> None:
    await scene.opened()
    scene.helpdesk.silent = True
    call = asyncio.create_task(scene.bring(200, "Жду"))
    await scene.clock.advance(79)
    assert not call.done()
    await scene.clock.advance(1)
    with pytest.raises(Unreachable) as error:
        await call

    assert error.value.maybe_sent
    assert await scene.store.desk_message(200) is not None
    assert len(await scene.heard()) == 1
