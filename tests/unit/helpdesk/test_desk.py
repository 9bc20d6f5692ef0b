"""The desk: what the outbox promises reaches the ticket once, and what is new there is stored once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from channels.errors import ChannelError, Gone, Rejected, RetryLater, TooLarge, Unauthorized, Unreachable
from channels.model import ChatRef, Media, MediaKind, Purpose, RawUpdate, Rendered
from optfm_bot.clock import ManualClock
from optfm_bot.dispatch.inner import DeskIn, DownIn, Inner, read_inner
from optfm_bot.dispatch.intake import encoded
from optfm_bot.errors import StoreUnavailable
from optfm_bot.helpdesk.contract import (
    AgentReplied,
    Assigned,
    Closed,
    DeskFile,
    DeskMessage,
    HelpdeskContext,
    HelpdeskSettings,
    Merged,
    Removed,
    ThreadRef,
    TicketRef,
)
from optfm_bot.helpdesk.desk import Desk
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import Direction, NewUpdate, PersonRow
from optfm_bot.store.ticket_records import DeskMessageRow, TicketRow, TicketStatus
from optfm_bot.store.unit import UnitOfWork
from optfm_bot.testing.memory_agents import MemoryTicket
from optfm_bot.testing.memory_desk import MemoryHelpdesk

ANNA, BORIS = "stage:anna", "stage:boris"


class ShakyStore(MemoryStore):
    """A store that can refuse to write."""

    down = False

    async def _commit(self, unit: UnitOfWork) -> None:
        if self.down:
            raise StoreUnavailable
        await super()._commit(unit)


class Reader(MemoryHelpdesk):
    """A helpdesk that finds messages by their words, and that can fall silent in the middle of a call."""

    silent = False

    async def find_message(
        self, ticket: TicketRef, message: DeskMessage, *, since: datetime, known: Collection[str], note: bool
    ) -> ThreadRef | None:
        found = await super().find_message(ticket, message, since=since, known=known, note=note)
        texts = {thread.id: thread.text for thread in self.tickets_here[ticket.id].threads}
        return found if found is not None and texts[found.id] == message.text else None

    async def add_customer_message(self, ticket: TicketRef, message: DeskMessage) -> ThreadRef:
        if self.silent:
            await asyncio.Event().wait()
        return await super().add_customer_message(ticket, message)


class Scene:
    """A desk between a store and a helpdesk, both in memory, and short words for what happens there."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        self.store = ShakyStore()
        self.helpdesk = Reader(HelpdeskContext(instance="desk", clock=self.clock.now), **options)
        self._id = 1000
        self.desk = self.begun()

    def begun(self) -> Desk:
        """The desk of a process that has just begun."""
        channels: Any = {"stage": SimpleNamespace(title="Сцена")}
        return Desk(
            self.helpdesk,
            self.store,
            self.clock,
            channels=channels,
            receive=self.receive,
            new_id=self.new_id,
        )

    def new_id(self) -> int:
        self._id += 1
        return self._id

    async def receive(self, channel: str, updates: Sequence[RawUpdate]) -> int:
        async with self.store.unit() as unit:
            for one in updates:
                new = NewUpdate(channel=channel, key=one.key, lane=one.lane, payload=encoded(one.payload))
                unit.inbox.add(new, received_at=self.clock.ms(), owner=None, lease_until=0)
        return len(unit.added)

    async def heard(self, lane: str = ANNA) -> list[Inner]:
        """What has been stored for a conversation."""
        rows = await self.store.waiting(lane)
        return [read_inner(row.channel, orjson.loads(row.payload)) for row in rows]

    async def keep(self, **facts: Any) -> TicketRow:
        """Put a ticket into the record."""
        now = self.clock.ms()
        row = TicketRow(
            **{
                "id": 1,
                "desk": "desk",
                "lane": ANNA,
                "person": ANNA,
                "subject": "Где заказ?",
                "opened_at": now,
                "updated_at": now,
                **facts,
            }
        )
        async with self.store.unit() as unit:
            unit.desk.save_ticket(row)
        return row

    async def ticket(self, ticket: int = 1) -> TicketRow:
        found = await self.store.ticket(ticket)
        assert found is not None
        return found

    async def bring(
        self,
        key: int,
        text: str = "",
        *,
        ticket: int = 1,
        purpose: Purpose = Purpose.CUSTOMER,
        media: Sequence[Media] = (),
    ) -> tuple[str, ...]:
        """Deliver a message to a ticket; gives the ids that the receipt has."""
        chat = ChatRef(channel="desk", chat_id=str(ticket))
        message = Rendered(
            key=str(key), chat=chat, text=f"*{text}*", plain=text, purpose=purpose, media=tuple(media)
        )
        return (await self.desk.deliver(message)).external_ids

    async def opened(self, **facts: Any) -> MemoryTicket:
        """A ticket that is open, with its first message; the calls so far are forgotten."""
        row = await self.keep(**facts)
        await self.bring(row.id + 100, "Где заказ?", ticket=row.id)
        self.helpdesk.calls.clear()
        return self.there[(await self.ticket(row.id)).external_id or ""]

    @property
    def there(self) -> dict[str, MemoryTicket]:
        return self.helpdesk.tickets_here

    @property
    def calls(self) -> list[str]:
        return self.helpdesk.calls


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    await made.store.open()
    yield made
    await made.store.close()


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


# -- files -----------------------------------------------------------------------------------------------


def attached(path: Path, data: bytes, kind: MediaKind = MediaKind.FILE, mime: str = "") -> Media:
    path.write_bytes(data)
    return Media(kind=kind, path=str(path), name=path.name, mime=mime)


async def test_files_arrive_with_the_words(scene: Scene, tmp_path: Path) -> None:
    ticket = await scene.opened()
    files = [
        attached(tmp_path / "чек.pdf", b"pdf", mime="application/pdf"),
        attached(tmp_path / "1.bin", b"jpg", MediaKind.IMAGE),
    ]
    await scene.bring(200, "Вот", media=files)

    assert ticket.threads[-1].files == (
        DeskFile(name="чек.pdf", mime="application/pdf", data=b"pdf"),
        DeskFile(name="1.bin", mime="image/jpeg", data=b"jpg"),
    )


async def test_a_file_that_is_not_there_is_rejected_before_anything_is_said(
    scene: Scene, tmp_path: Path
) -> None:
    await scene.opened()
    lost = Media(kind=MediaKind.FILE, path=str(tmp_path / "lost.pdf"), name="lost.pdf")
    with pytest.raises(Rejected) as error:
        await scene.bring(200, "Вот", media=[lost])

    assert str(tmp_path) not in str(error.value)
    assert scene.calls == []


async def test_files_that_are_too_large_become_their_names(tmp_path: Path) -> None:
    scene = Scene(file_limit=3)
    await scene.store.open()
    files = [attached(tmp_path / "a.pdf", b"four"), attached(tmp_path / "b.pdf", b"1")]
    await scene.keep()
    await scene.bring(5, "Вот", media=files)
    await scene.bring(6, "", media=files[:1])
    await scene.bring(7, "Копия", media=files[:1], purpose=Purpose.NOTE)

    (ticket,) = scene.there.values()
    assert ticket.texts == [
        "customer: Вот\n\n📎 a.pdf\n📎 b.pdf",
        "customer: 📎 a.pdf",
        "note: Копия\n\n📎 a.pdf",
    ]
    assert all(thread.files == () for thread in ticket.threads)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("arrived", [False, True])
async def test_names_instead_of_files_whose_call_was_lost_are_said_once(
    tmp_path: Path, *, restarted: bool, arrived: bool
) -> None:
    scene = Scene(file_limit=3)
    await scene.store.open()
    ticket = await scene.opened()
    files = [attached(tmp_path / "a.pdf", b"four")]
    if arrived:
        scene.helpdesk.lose = 1
    else:
        scene.helpdesk.refuse = [TooLarge(), Unreachable(maybe_sent=True)]
    with pytest.raises(Unreachable):
        await scene.bring(200, "Вот", media=files)
    if restarted:
        scene.desk = scene.begun()
    for _ in range(4):
        with suppress(RetryLater):
            await scene.bring(200, "Вот", media=files)
        await scene.clock.advance(5)

    assert ticket.texts == ["customer: Где заказ?", "customer: Вот\n\n📎 a.pdf"]
    message = await scene.store.desk_message(200)
    assert message is not None
    assert message.external_id == ticket.threads[-1].id


async def test_words_that_are_too_large_themselves_are_too_large(scene: Scene) -> None:
    await scene.opened()
    scene.helpdesk.refuse = [TooLarge(), TooLarge()]
    with pytest.raises(TooLarge):
        await scene.bring(200, "Вот")
    assert len(scene.helpdesk.refuse) == 1, "once is enough"


class Small(HelpdeskSettings):
    """Settings with a limit of their own."""

    file_limit: int


@pytest.mark.parametrize(("own", "limit"), [(None, 100), (50, 50), (500, 100)])
def test_the_limit_of_files_is_the_lower_one(own: int | None, limit: int) -> None:
    scene = Scene(file_limit=100)
    if own is not None:
        scene.helpdesk.settings = Small(file_limit=own)
    assert set(scene.begun().capabilities.media.values()) == {limit}


async def test_an_agents_file_is_fetched_from_there(scene: Scene) -> None:
    await scene.opened()
    scene.helpdesk.agent_replies(
        "1", "Вот", [DeskFile(name="счёт.pdf", mime="application/pdf", data=b"12345")]
    )
    await scene.desk.look("1")
    (heard,) = await scene.heard()
    assert isinstance(heard, DeskIn)
    assert isinstance(heard.event, AgentReplied)
    (file,) = heard.event.files
    media = Media(kind=MediaKind.FILE, file_id=file.id, name=file.name, size=file.size, origin="desk")

    assert await scene.desk.fetch(media, 5) == b"12345"
    with pytest.raises(TooLarge):
        await scene.desk.fetch(media, 4)


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
