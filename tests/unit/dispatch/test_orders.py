"""Orders: what a response wants done elsewhere becomes rows, in one unit with everything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from channels.body import plain_text
from channels.codec import decode_outbound
from channels.model import Media, MediaKind, Outbound, Purpose
from optfm_bot.dispatch.orders import CUSTOMER, Orders, Work
from optfm_bot.domain.conversation import EMPTY, Conversation
from optfm_bot.domain.say import Found, NewRequest, Relay, Response, Withdrawn
from optfm_bot.errors import StoreConflict, StoreOutdated
from optfm_bot.ids import IdSource
from optfm_bot.outbox.outgoing import Outgoing
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.request_records import AlarmRow, RequestStatus
from optfm_bot.store.ticket_records import TicketRow, TicketStatus

LANE, PERSON, NOW = "stage:anna", "stage:anna", 1_800_000_000_000
WORDS = Relay(purpose=Purpose.CUSTOMER, text="Где заказ?")
NOTE = Relay(purpose=Purpose.NOTE, text="Разговор до обращения:")
CLOSE = Relay(purpose=Purpose.CLOSE)
REQUEST = NewRequest(id=70, number="270115-0001", form="request", fields={"name": "Анна", "phone": "+7"})
Leaving = Mapping[str, Sequence[Outgoing]]


class Scene:
    """Orders over a store in memory."""

    def __init__(self, *, desk: str | None = "desk", notify: str | None = "notify") -> None:
        self.store = MemoryStore()
        self.orders = Orders(IdSource(lambda: NOW, 1), desk=desk, notify=notify)

    async def write(
        self,
        talk: Conversation = EMPTY,
        *,
        seq: int = 0,
        inbox_id: int | None = 9,
        now: int = NOW,
        **wanted: Any,
    ) -> tuple[Conversation, Leaving]:
        channel: Any = None  # orders are about other places than the customer's
        response = Response(outcome="test", conversation=talk, **wanted)
        async with self.store.unit() as unit:
            work = Work(
                unit=unit,
                lane=LANE,
                channel=channel,
                person=PERSON,
                now=now,
                inbox_id=inbox_id,
                seq=seq,
                conversation=talk,
            )
            return self.orders.write(work, response)

    async def promised(self, carrier: str) -> list[Outbound]:
        return [decode_outbound(row.message) for row in await self.store.unsent(carrier)]


@pytest.fixture
async def scene() -> Scene:
    made = Scene()
    await made.store.open()
    return made


async def test_a_response_that_wants_nothing_writes_nothing(scene: Scene) -> None:
    assert await scene.write() == (EMPTY, {})
    assert await scene.store.unsent("desk") == []


async def test_a_ticket_is_opened_and_hears_everything_in_order(scene: Scene) -> None:
    photo = Media(kind=MediaKind.IMAGE, origin="stage", file_id="f1", name="1.jpg")
    said = replace(WORDS, media=(photo,))
    talk, leaving = await scene.write(subject="Где заказ?", relays=(said, NOTE), seq=3)

    (ticket,) = await scene.store.tickets()
    assert ticket == TicketRow(
        id=ticket.id,
        desk="desk",
        lane=LANE,
        person=PERSON,
        subject="Где заказ?",
        status=TicketStatus.OPEN,
        opened_at=NOW,
        updated_at=NOW,
    )
    assert talk.ticket == ticket.id
    rows = await scene.store.unsent("desk")
    assert [(row.lane, row.purpose, row.inbox_id, row.seq) for row in rows] == [
        (LANE, "customer", 9, 3),
        (LANE, "note", 9, 4),
    ]
    first, second = await scene.promised("desk")
    assert (plain_text(first.body), first.media, first.chat.chat_id) == (WORDS.text, (photo,), str(ticket.id))
    assert (plain_text(second.body), second.chat.channel) == (NOTE.text, "desk")
    assert [(one.id, one.message) for one in leaving["desk"]] == [(rows[0].id, first), (rows[1].id, second)]
    assert list(leaving) == ["desk"]


async def test_what_looks_like_markup_stays_as_it_was_written(scene: Scene) -> None:
    relay = Relay(purpose=Purpose.CUSTOMER, text="**17**\n[x](http://y)\n\n- 1\n")
    await scene.write(subject="", relays=(relay,))
    (heard,) = await scene.promised("desk")
    assert plain_text(heard.body).rstrip() == relay.text.rstrip()


async def test_the_ticket_of_the_conversation_hears_what_follows(scene: Scene) -> None:
    talk, _ = await scene.write(subject="Вопрос", relays=(WORDS,))
    after, leaving = await scene.write(talk, relays=(WORDS, CLOSE), inbox_id=10)

    assert after == talk
    assert [one.message.purpose for one in leaving["desk"]] == [Purpose.CUSTOMER, Purpose.CLOSE]
    assert {one.message.chat.chat_id for one in leaving["desk"]} == {str(talk.ticket)}
    assert len(await scene.store.tickets()) == 1


async def test_a_second_open_ticket_of_a_conversation_is_refused_with_everything(scene: Scene) -> None:
    await scene.write(subject="Вопрос", relays=(WORDS,))
    with pytest.raises(StoreConflict):
        await scene.write(subject="Другой", relays=(WORDS,), inbox_id=10)
    assert len(await scene.store.unsent("desk")) == 1


async def test_without_a_ticket_nobody_hears_anything(scene: Scene) -> None:
    assert await scene.write(relays=(WORDS,)) == (EMPTY, {})


async def test_without_a_helpdesk_there_are_no_tickets() -> None:
    scene = Scene(desk=None)
    await scene.store.open()
    talk = replace(EMPTY, ticket=4)
    assert await scene.write(talk, subject="Вопрос", relays=(WORDS,)) == (talk, {})
    assert await scene.store.tickets() == []


async def test_a_request_is_kept_and_those_who_look_after_it_are_told(scene: Scene) -> None:
    talk, leaving = await scene.write(
        request=REQUEST, assignee="Олег", told=(("mail", "Заявка\n\nИмя"), ("chat", "Заявка"))
    )
    row = await scene.store.request(70)
    assert row is not None
    assert (row.number, row.form, row.lane, row.person) == ("270115-0001", "request", LANE, PERSON)
    assert (row.fields, row.assignee, row.status) == (REQUEST.fields, "Олег", RequestStatus.NEW)
    (event,) = await scene.store.request_events(70)
    assert (event.by, event.status, event.at) == (CUSTOMER, RequestStatus.NEW, NOW)
    told = await scene.promised("notify")
    assert [(one.chat.chat_id, one.purpose) for one in told] == [
        ("mail", Purpose.SYSTEM),
        ("chat", Purpose.SYSTEM),
    ]
    assert plain_text(told[0].body) == "Заявка\n\nИмя"
    assert [one.message for one in leaving["notify"]] == told
    assert talk == EMPTY


async def test_a_request_and_a_ticket_of_one_update_have_places_of_their_own(scene: Scene) -> None:
    _, leaving = await scene.write(
        subject="Заявка", relays=(WORDS, NOTE, NOTE), request=REQUEST, told=(("mail", "Заявка"),)
    )
    assert {name: len(rows) for name, rows in leaving.items()} == {"desk": 3, "notify": 1}
    rows = [*await scene.store.unsent("desk"), *await scene.store.unsent("notify")]
    assert len({(row.inbox_id, row.seq) for row in rows}) == 4


async def test_without_anybody_to_tell_a_request_is_only_kept() -> None:
    scene = Scene(notify=None)
    await scene.store.open()
    _, leaving = await scene.write(request=REQUEST, told=(("mail", "Заявка"),))
    assert leaving == {}
    assert await scene.store.request(70) is not None


async def test_a_request_that_is_taken_back_is_cancelled_by_the_customer(scene: Scene) -> None:
    await scene.write(request=REQUEST)
    await scene.write(withdrawn=Withdrawn(70, NOW), inbox_id=10, now=NOW + 5)

    row = await scene.store.request(70)
    assert row is not None
    assert (row.status, row.updated_at) == (RequestStatus.CANCELLED, NOW + 5)
    events = await scene.store.request_events(70)
    assert [(one.by, one.status) for one in events] == [
        (CUSTOMER, RequestStatus.NEW),
        (CUSTOMER, RequestStatus.CANCELLED),
    ]


async def test_a_request_that_somebody_has_changed_meanwhile_is_not_cancelled(scene: Scene) -> None:
    await scene.write(request=REQUEST)
    async with scene.store.unit() as unit:
        unit.requests.change(70, seen=NOW, status=RequestStatus.DONE, at=NOW + 1)
    with pytest.raises(StoreOutdated):
        await scene.write(withdrawn=Withdrawn(70, NOW), inbox_id=10, now=NOW + 5)

    row = await scene.store.request(70)
    assert row is not None
    assert row.status is RequestStatus.DONE
    assert [one.status for one in await scene.store.request_events(70)] == [RequestStatus.NEW]


async def test_two_presses_in_one_update_take_a_request_back_once(scene: Scene) -> None:
    await scene.write(request=REQUEST)
    channel: Any = None
    response = Response(outcome="test", conversation=EMPTY, withdrawn=Withdrawn(70, NOW))
    async with scene.store.unit() as unit:
        for seq in range(2):
            work = Work(
                unit=unit,
                lane=LANE,
                channel=channel,
                person=PERSON,
                now=NOW + 5,
                inbox_id=10,
                seq=seq,
                conversation=EMPTY,
            )
            scene.orders.write(work, response)

    assert len(await scene.store.request_events(70)) == 2


async def test_alarms_are_set_moved_and_cleared(scene: Scene) -> None:
    await scene.write(alarms={"late": NOW + 10, "silent": NOW + 20})
    await scene.write(alarms={"late": NOW + 30, "silent": None, "expired": None})
    assert await scene.store.alarms(LANE) == [AlarmRow(lane=LANE, name="late", due_at=NOW + 30)]


async def test_what_one_of_us_answered_becomes_a_proposal_once(scene: Scene) -> None:
    found = Found(question="Есть самовывоз?", answer="Да", source="desk:1#m2", by="Ольга")
    for _ in range(2):
        await scene.write(found=found)

    (kept,) = await scene.store.proposals()
    assert (kept.question, kept.answer, kept.source, kept.by) == (
        "Есть самовывоз?",
        "Да",
        found.source,
        "Ольга",
    )
    assert (kept.lane, kept.at) == (LANE, NOW)
