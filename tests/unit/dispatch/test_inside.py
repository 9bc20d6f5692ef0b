"""Inside: what a conversation makes of the helpdesk, of our own people, and of the clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from channels.body import plain_text, text_body
from channels.model import ChatRef, Media, MediaKind, Purpose
from optfm_bot.dispatch.inner import AlarmIn, DeskIn, DownIn, Inner, LeftOutIn, LostIn, StaffIn
from optfm_bot.dispatch.inside import Inside, InsideAnswering, follow
from optfm_bot.dispatch.record import DeskDoings, InnerTurn
from optfm_bot.domain.conversation import EMPTY, Conversation
from optfm_bot.domain.handoff import Cue, Stage
from optfm_bot.domain.manners import LATE, MINUTE_MS, SILENT, Here, ReceptionSettings
from optfm_bot.domain.reception import Reception
from optfm_bot.domain.say import Relay
from optfm_bot.helpdesk.contract import (
    AgentFile,
    AgentReplied,
    Assigned,
    Closed,
    HelpdeskEvent,
    Merged,
    Removed,
    Reopened,
)
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import Direction
from optfm_bot.store.ticket_records import DeskMessageRow, TicketRow, TicketStatus

ANNA, BORIS = "stage:anna", "stage:boris"
AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NOW = int(AT.timestamp() * 1000)
WORDS = Catalogue.load()
OPEN, CLOSED, GONE = TicketStatus
TICKET = TicketRow(
    id=7,
    desk="desk",
    lane=ANNA,
    person=ANNA,
    subject="Где заказ?",
    external_id="77",
    number="№77",
    opened_at=NOW - 9 * MINUTE_MS,
    updated_at=NOW - 9 * MINUTE_MS,
)
QUEUED = replace(EMPTY, person=ANNA, stage=Stage.QUEUED, ticket=7, waiting=NOW - 5 * MINUTE_MS)
HUMAN = replace(QUEUED, stage=Stage.HUMAN, stage_by="desk")
FACTS: Any = {"key": "k", "ticket": "77", "at": AT}


def reply(ticket: str = "77", files: tuple[AgentFile, ...] = ()) -> AgentReplied:
    return AgentReplied(
        key="k", ticket=ticket, at=AT, thread_id="m9", agent="Ольга", body=text_body("Завтра"), files=files
    )


class Scene:
    """The answering of inner events over a store in memory."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        reception = Reception(WORDS, ReceptionSettings(desk=True))
        self.inside = InsideAnswering(reception, self.store, WORDS)

    async def keep(self, *tickets: TicketRow) -> None:
        async with self.store.unit() as unit:
            for ticket in tickets:
                unit.desk.save_ticket(ticket)

    async def respond(self, event: Inner, talk: Conversation = QUEUED, lane: str = ANNA) -> Inside | None:
        channel: Any = None  # nothing of it matters here
        turn = InnerTurn(
            channel=channel,
            lane=lane,
            chat=ChatRef.parse(lane),
            event=event,
            conversation=talk,
            person=None,
            language="ru",
            now=NOW,
        )
        return await self.inside.respond(turn, Here(language="ru", now=NOW))

    async def hears(
        self, event: HelpdeskEvent, talk: Conversation = QUEUED, lane: str = ANNA
    ) -> Inside | None:
        return await self.respond(DeskIn(desk="desk", event=event), talk, lane)


@pytest.fixture
async def scene() -> Scene:
    made = Scene()
    await made.store.open()
    return made


def certain(found: Inside | None) -> Inside:
    assert found is not None
    return found


def said(found: Inside | None) -> list[str]:
    return [plain_text(say.body) for say in certain(found)[0].says]


# -- follow ----------------------------------------------------------------------------------------------

NEVER = None
FOLLOWS = [
    (Assigned(**FACTS, agent="Ольга"), OPEN, {"assignee": "Ольга"}, Cue.TOOK),
    (Assigned(**FACTS, agent=""), OPEN, NEVER, None),
    (Closed(**FACTS), OPEN, {"status": CLOSED, "closed_at": NOW}, Cue.CLOSED),
    (Closed(**FACTS), CLOSED, NEVER, None),
    (Closed(**FACTS), GONE, NEVER, None),
    (Reopened(**FACTS), OPEN, NEVER, None),
    (Reopened(**FACTS), CLOSED, {"status": OPEN, "closed_at": None}, Cue.REOPENED),
    (Reopened(**FACTS), GONE, {"status": OPEN, "closed_at": None}, Cue.REOPENED),
    (Removed(**FACTS), OPEN, {"status": GONE, "closed_at": NOW}, Cue.REMOVED),
    (Removed(**FACTS), CLOSED, {"status": GONE, "closed_at": NOW}, Cue.REMOVED),
    (Removed(**FACTS), GONE, NEVER, None),
    (Removed(**FACTS, spam=True), OPEN, {"status": GONE, "closed_at": NOW}, Cue.SPAM),
]


@pytest.mark.parametrize(("event", "status", "changed", "cue"), FOLLOWS)
def test_what_follows_from_an_event(
    event: Assigned | Closed | Reopened | Removed,
    status: TicketStatus,
    changed: dict[str, Any] | None,
    cue: Cue | None,
) -> None:
    ticket = replace(TICKET, status=status, closed_at=None if status is OPEN else NOW - 1)
    assert follow(event, ticket, NOW) == (None if changed is None else (replace(ticket, **changed), cue))


def test_an_agent_who_gives_a_ticket_back_is_written_down_and_nothing_else_follows() -> None:
    theirs = replace(TICKET, assignee="Ольга")
    assert follow(Assigned(**FACTS, agent=""), theirs, NOW) == (TICKET, None)
    assert follow(Assigned(**FACTS, agent="Ольга"), theirs, NOW) is None


# -- the helpdesk ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [reply(), Closed(**FACTS), Merged(**FACTS, into="78")])
async def test_a_ticket_that_is_unknown_or_of_somebody_else_is_passed_over(
    scene: Scene, event: HelpdeskEvent
) -> None:
    assert await scene.hears(event) is None
    await scene.keep(replace(TICKET, lane=BORIS))
    assert await scene.hears(event) is None
    await scene.keep(replace(TICKET, desk="other"))
    assert await scene.hears(event) is None


async def test_an_agents_words_reach_the_customer_with_their_files(scene: Scene) -> None:
    await scene.keep(replace(TICKET, status=CLOSED, closed_at=NOW - 1))
    files = (
        AgentFile(id="f1", name="1.jpg", mime="image/jpeg", size=3, link="https://desk.test/f1"),
        AgentFile(id="f2", name="2.bmp", mime="image/bmp"),
        AgentFile(id="f3", name="3.mp4", mime="video/mp4"),
        AgentFile(id="f4", name="4.ogg", mime="audio/ogg"),
        AgentFile(id="f5", name="5", mime=""),
    )
    response, doings = certain(await scene.hears(reply(files=files), replace(QUEUED, ticket=None)))

    (say,) = response.says
    assert (say.purpose, plain_text(say.body)) == (Purpose.AGENT, "Ольга:\nЗавтра")
    kinds = [MediaKind.IMAGE, MediaKind.FILE, MediaKind.VIDEO, MediaKind.AUDIO, MediaKind.FILE]
    assert [one.kind for one in say.media] == kinds
    assert say.media[0] == Media(
        kind=MediaKind.IMAGE,
        url="https://desk.test/f1",
        name="1.jpg",
        mime="image/jpeg",
        origin="desk",
        file_id="f1",
        size=3,
        public=True,
    )
    assert not say.media[1].public
    talk = response.conversation
    assert (talk.stage, talk.ticket, talk.waiting) == (Stage.HUMAN, 7, 0)
    opened = replace(TICKET, status=OPEN, closed_at=None, updated_at=NOW)
    assert doings == DeskDoings(ticket=opened, thread="m9")


async def test_words_that_went_through_are_not_said_again(scene: Scene) -> None:
    await scene.keep(TICKET)
    message = DeskMessageRow(
        id=9, ticket_id=7, desk="desk", direction=Direction.IN, kind="agent", external_id="m9", at=NOW
    )
    async with scene.store.unit() as unit:
        unit.desk.add_message(message)
    assert await scene.hears(reply()) is None


async def test_words_in_an_old_ticket_do_not_make_it_the_present_one(scene: Scene) -> None:
    old = replace(TICKET, id=3, external_id="33", status=CLOSED, closed_at=NOW - 1)
    await scene.keep(old, TICKET)
    response, doings = certain(await scene.hears(reply("33")))

    assert response.conversation.ticket == 7
    assert doings == DeskDoings(ticket=replace(old, updated_at=NOW), thread="m9")


async def test_what_happens_to_an_old_ticket_is_written_and_tells_nobody(scene: Scene) -> None:
    old = replace(TICKET, id=3, external_id="33", lane=ANNA, status=CLOSED, closed_at=NOW - 1)
    await scene.keep(old, TICKET)
    response, doings = certain(await scene.hears(Removed(key="k", ticket="33", at=AT)))

    assert (response.conversation, response.says) == (QUEUED, ())
    assert doings.ticket == replace(old, status=GONE, closed_at=NOW, updated_at=NOW)


@pytest.mark.parametrize(
    ("event", "stage", "ticket", "key"),
    [
        (Closed(**FACTS), Stage.WRAPPED, 7, "handoff.closed"),
        (Removed(**FACTS), Stage.BOT, None, "handoff.closed"),
        (Removed(**FACTS, spam=True), Stage.BOT, None, None),
    ],
)
async def test_the_end_of_the_present_ticket_is_the_end_of_the_talk(
    scene: Scene, event: HelpdeskEvent, stage: Stage, ticket: int | None, key: str | None
) -> None:
    await scene.keep(TICKET)
    found = await scene.hears(event, HUMAN)

    response, doings = certain(found)
    talk = response.conversation
    assert (talk.stage, talk.ticket, talk.waiting) == (stage, ticket, 0)
    assert said(found) == ([] if key is None else [WORDS.label(key, "ru")])
    assert doings.ticket is not None
    assert doings.ticket.closed_at == doings.ticket.updated_at == NOW


async def test_an_agent_who_takes_the_ticket_is_told_once(scene: Scene) -> None:
    await scene.keep(TICKET)
    found = await scene.hears(Assigned(**FACTS, agent="Ольга"))
    response, doings = certain(found)

    assert said(found) == [WORDS.label("handoff.joined", "ru")]
    assert response.conversation.stage is Stage.HUMAN
    assert doings.ticket == replace(TICKET, assignee="Ольга", updated_at=NOW)
    await scene.keep(replace(TICKET, assignee="Ольга"))
    assert await scene.hears(Assigned(**FACTS, agent="Ольга")) is None


async def test_a_reply_of_nothing_is_told_to_the_agent_and_not_to_the_customer(scene: Scene) -> None:
    await scene.keep(TICKET)
    empty = replace(reply(), body=text_body(" \u200b"))
    response, doings = certain(await scene.hears(empty))

    assert (response.says, response.conversation) == ((), QUEUED)
    note = Relay(purpose=Purpose.NOTE, text=WORDS.label("desk.said_nothing", "ru"))
    assert response.relays == (note,)
    assert (doings.ticket, doings.thread) == (replace(TICKET, updated_at=NOW), "m9")


async def test_a_ticket_that_is_open_again_is_the_present_one_unless_there_is_another(scene: Scene) -> None:
    closed = replace(TICKET, status=CLOSED, closed_at=NOW - 1)
    await scene.keep(closed)
    wrapped = replace(EMPTY, person=ANNA, stage=Stage.WRAPPED, ticket_closed=NOW - 1)
    response, doings = certain(await scene.hears(Reopened(**FACTS), wrapped))
    talk = response.conversation
    assert (talk.stage, talk.ticket, talk.ticket_closed) == (Stage.HUMAN, 7, 0)
    assert doings.ticket is not None
    assert doings.ticket.status is OPEN

    await scene.keep(replace(TICKET, id=8, external_id="88"))
    assert await scene.hears(Reopened(**FACTS), replace(QUEUED, ticket=8)) is None


async def test_a_ticket_that_was_merged_goes_on_under_the_other_id(scene: Scene) -> None:
    await scene.keep(TICKET)
    response, doings = certain(await scene.hears(Merged(**FACTS, into="78")))

    assert (response.conversation, response.says) == (QUEUED, ())
    assert doings.ticket == replace(TICKET, external_id="78", number="", updated_at=NOW)
    assert await scene.hears(Merged(**FACTS, into="77")) is None


async def test_of_two_tickets_of_ours_that_were_merged_one_is_left(scene: Scene) -> None:
    other = replace(TICKET, id=8, external_id="88", status=CLOSED, closed_at=NOW - 1)
    await scene.keep(TICKET, other)
    response, doings = certain(await scene.hears(Merged(**FACTS, into="88")))

    assert response.conversation == replace(QUEUED, ticket=8)
    assert doings.ticket == replace(TICKET, status=GONE, closed_at=NOW, updated_at=NOW)


async def test_whose_ticket_was_merged_into_that_of_another_talk_waits_for_nobody(scene: Scene) -> None:
    await scene.keep(TICKET, replace(TICKET, id=8, external_id="88", lane=BORIS))
    found = await scene.hears(Merged(**FACTS, into="88"))
    response, doings = certain(found)

    assert (response.conversation.stage, response.conversation.ticket) == (Stage.BOT, None)
    assert said(found) == [WORDS.label("handoff.closed", "ru")]
    assert doings.ticket == replace(TICKET, status=GONE, closed_at=NOW, updated_at=NOW)


# -- the others ------------------------------------------------------------------------------------------


async def test_who_waits_hears_that_the_helpdesk_is_down_unless_they_know(scene: Scene) -> None:
    since = NOW - MINUTE_MS
    words = [WORDS.label("handoff.down", "ru")]
    assert said(await scene.respond(DownIn(ticket=7, since=since))) == words
    assert said(await scene.respond(DownIn(ticket=7))) == words
    assert await scene.respond(DownIn(ticket=8, since=since)) is None
    assert await scene.respond(DownIn(ticket=7, since=since), replace(QUEUED, waiting=NOW)) is None


async def test_what_did_not_arrive_is_told_to_the_agent_only(scene: Scene) -> None:
    response, doings = certain(await scene.respond(LostIn(reason="бот заблокирован", text="Завтра"), HUMAN))
    assert (response.says, response.conversation, doings) == ((), HUMAN, DeskDoings())
    text = "Сообщение клиенту не доставлено: бот заблокирован\n\nЗавтра"
    assert response.relays == (Relay(purpose=Purpose.NOTE, text=text),)


async def test_that_files_did_not_arrive_is_told_to_the_agent_only(scene: Scene) -> None:
    event = LeftOutIn(files=(("счёт.pdf", "нет ответа"), ("план.png", "слишком большой")))
    response, doings = certain(await scene.respond(event, HUMAN))
    assert (response.says, response.conversation, doings) == ((), HUMAN, DeskDoings())
    text = "Ответ дошёл до клиента, но без файлов:\n\n📎 счёт.pdf: нет ответа\n📎 план.png: слишком большой"
    assert response.relays == (Relay(purpose=Purpose.NOTE, text=text),)


@pytest.mark.parametrize(
    ("name", "talk", "minutes", "key"),
    [(LATE, QUEUED, 30, "handoff.late"), (SILENT, HUMAN, 240, "handoff.silent")],
)
async def test_an_alarm_counts_while_it_is_the_one_that_was_set(
    scene: Scene, name: str, talk: Conversation, minutes: int, key: str
) -> None:
    due = talk.waiting + minutes * MINUTE_MS
    assert said(await scene.respond(AlarmIn(name=name, due_at=due), talk)) == [WORDS.label(key, "ru")]
    assert await scene.respond(AlarmIn(name=name, due_at=due - 1), talk) is None
    assert await scene.respond(AlarmIn(name=name, due_at=due), replace(talk, waiting=0)) is None


async def test_a_form_that_has_waited_for_long_enough_is_over(scene: Scene) -> None:
    form = replace(EMPTY, stage=Stage.FORM, stage_until=NOW, form={"form": "request"})
    found = await scene.respond(AlarmIn(name="expired", due_at=NOW), form)
    assert said(found) == [WORDS.label("form.left", "ru", command="/request")]
    kept_until = NOW + 24 * 60 * MINUTE_MS
    assert certain(found)[0].conversation == replace(EMPTY, left=form.form, left_until=kept_until)

    later = replace(form, stage_until=NOW + 1)
    still = certain(await scene.respond(AlarmIn(name="expired", due_at=NOW), later))[0]
    assert (still.says, still.conversation) == ((), later)


@pytest.mark.parametrize(
    ("cue", "stage"), [(Cue.HELD, Stage.PAUSED), (Cue.TAKEN_OVER, Stage.HUMAN), (Cue.RELEASED, Stage.BOT)]
)
async def test_what_one_of_us_does_on_the_admin_page(scene: Scene, cue: Cue, stage: Stage) -> None:
    response, doings = certain(await scene.respond(StaffIn(cue=cue, by="Олег")))
    talk = response.conversation
    assert (talk.stage, talk.stage_by, doings) == (stage, "admin", DeskDoings())
