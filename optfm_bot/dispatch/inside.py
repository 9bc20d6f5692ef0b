"""Inside: the response to what the helpdesk, our own people or the clock have to say to a conversation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import structlog

from channels.body import plain_text
from channels.model import Media, MediaKind, Purpose
from optfm_bot.dispatch.inner import (
    AlarmIn,
    DeskIn,
    DownIn,
    LeftOutIn,
    LostIn,
    MovedIn,
    RefusedIn,
    StaffIn,
)
from optfm_bot.dispatch.opening import Opening
from optfm_bot.dispatch.record import DeskDoings, InnerTurn
from optfm_bot.domain.handoff import Cue
from optfm_bot.domain.manners import LATE, SILENT, AgentWords, Here
from optfm_bot.domain.reception import Reception
from optfm_bot.domain.say import Relay, Response
from optfm_bot.domain.words import Words
from optfm_bot.helpdesk.contract import (
    AgentFile,
    AgentReplied,
    Assigned,
    Closed,
    Merged,
    Removed,
    Reopened,
)
from optfm_bot.store.contract import Store
from optfm_bot.store.ticket_records import TicketRow, TicketStatus

log = structlog.get_logger("optfm_bot.dispatch")

Inside = tuple[Response, DeskDoings]

_VISIBLE = re.compile("[^\\s\u200b-\u200f\u2060\ufeff]")


class InsideAnswering:
    """Gives the response to inner events. Reads the store, writes nothing; `opening` briefs agents."""

    def __init__(
        self, reception: Reception, store: Store, words: Words, opening: Opening | None = None
    ) -> None:
        self._reception = reception
        self._store = store
        self._words = words
        self._opening = opening

    async def respond(  # noqa: PLR0911 - a table of events, read row by row
        self, turn: InnerTurn, here: Here
    ) -> Inside | None:
        """Decide what follows; None if nothing does: it is known already, or not true any more."""
        talk = turn.conversation
        match turn.event:
            case DeskIn():
                return await self._desk(turn.event, turn, here)
            case DownIn(ticket=ticket, since=since):
                if talk.ticket != ticket or (since and talk.waiting > since):
                    return None  # who called since then was told so
                return self._reception.cue(Cue.DOWN, talk, here), DeskDoings()
            case LostIn() | LeftOutIn():
                return self._lost(turn.event, turn)
            case RefusedIn(files=files):
                return self._refused(files, turn)
            case MovedIn(ticket=ticket, by=by):
                return await self._moved(ticket, by, turn)
            case AlarmIn():
                return self._alarm(turn.event, turn, here)
            case StaffIn(cue=cue):
                return self._reception.cue(cue, talk, here, by="admin"), DeskDoings()

    def _lost(self, event: LostIn | LeftOutIn, turn: InnerTurn) -> Inside:
        """Let the agent know what of their message did not arrive."""
        language = self._reception.settings.language
        if isinstance(event, LostIn):
            outcome, text = "lost", event.text
            said = self._words.label("desk.undelivered", language, reason=event.reason)
        else:
            outcome, text = "left_out", "\n".join(f"📎 {name}: {why}" for name, why in event.files)
            said = self._words.label("desk.left_out", language)
        note = Relay(purpose=Purpose.NOTE, text=f"{said}\n\n{text}".rstrip())
        return Response(outcome=outcome, conversation=turn.conversation, relays=(note,)), DeskDoings()

    def _refused(self, files: Sequence[str], turn: InnerTurn) -> Inside:
        """Let agents know which of the customer's files they do not see."""
        language, where = self._reception.settings.language, turn.channel.title
        said = [self._words.label("desk.file_refused", language, name=name, where=where) for name in files]
        note = Relay(purpose=Purpose.NOTE, text="\n".join(said))
        return Response(outcome="refused", conversation=turn.conversation, relays=(note,)), DeskDoings()

    async def _moved(self, ticket: int, by: int, turn: InnerTurn) -> Inside | None:
        """Brief agents of another helpdesk: the talk that goes on there is new to them."""
        talk = turn.conversation
        if self._opening is None or talk.ticket != ticket:
            return None
        note = await self._opening.moved(turn.lane, talk, by)
        if note is None:
            return None
        return Response(outcome="moved", conversation=talk, relays=(note,)), DeskDoings()

    def _alarm(self, alarm: AlarmIn, turn: InnerTurn, here: Here) -> Inside | None:
        """An alarm counts if it is still the one that was set: the customer may have called for somebody anew."""
        talk, settings = turn.conversation, self._reception.settings
        waits = {LATE: settings.answer_within, SILENT: settings.silence}.get(alarm.name)
        if waits is None:
            return self._reception.lapse(talk, here), DeskDoings()
        if not talk.waiting or alarm.due_at < talk.waiting + waits:
            return None
        return self._reception.cue(Cue(alarm.name), talk, here), DeskDoings()

    async def _desk(self, heard: DeskIn, turn: InnerTurn, here: Here) -> Inside | None:
        event = heard.event
        ticket = await self._store.ticket_of(heard.desk, event.ticket)
        if ticket is None or ticket.lane != turn.lane:
            log.warning("desk.unknown_ticket", desk=heard.desk, ticket=event.ticket)
            return None
        if isinstance(event, AgentReplied):
            return await self._replied(event, ticket, turn, here)
        if isinstance(event, Merged):
            return await self._merged(ticket, event.into, turn, here)
        followed = follow(event, ticket, turn.now)
        if followed is None:
            return None
        talk = turn.conversation
        if isinstance(event, Reopened):  # a conversation has one open ticket, and that is its present one
            there = await self._store.open_ticket(ticket.desk, turn.lane)
            if there is not None:
                return None
            talk = replace(talk, ticket=ticket.id)
        return self._changed(*followed, replace(turn, conversation=talk), here)

    async def _replied(
        self, event: AgentReplied, ticket: TicketRow, turn: InnerTurn, here: Here
    ) -> Inside | None:
        if await self._store.known_threads(ticket.desk, [event.thread_id]):
            return None
        there = await self._store.open_ticket(ticket.desk, turn.lane)
        talk = replace(turn.conversation, ticket=(there or ticket).id)
        said = AgentWords(
            agent=event.agent,
            body=event.body,
            media=_media(ticket.desk, event.files),
            source=f"{ticket.desk}:{event.ticket}#{event.thread_id}",
        )
        open_now = replace(ticket, status=TicketStatus.OPEN, closed_at=None, updated_at=turn.now)
        kept = open_now if talk.ticket == ticket.id else replace(ticket, updated_at=turn.now)
        doings = DeskDoings(ticket=kept, thread=event.thread_id)
        if not (said.media or _VISIBLE.search(plain_text(said.body))):
            text = self._words.label("desk.said_nothing", self._reception.settings.language)
            note = Relay(purpose=Purpose.NOTE, text=text)
            return Response(outcome="agent", conversation=talk, relays=(note,)), doings
        return self._reception.agent_said(said, talk, here), doings

    def _changed(self, ticket: TicketRow, cue: Cue | None, turn: InnerTurn, here: Here) -> Inside:
        """The ticket is another now; the conversation follows if it is its present one."""
        doings = DeskDoings(ticket=replace(ticket, updated_at=turn.now))
        talk = turn.conversation
        if cue is None or talk.ticket != ticket.id:
            return Response(outcome="ticket", conversation=talk), doings
        response = self._reception.cue(cue, talk, here)
        if ticket.status is TicketStatus.GONE:
            response = replace(response, conversation=replace(response.conversation, ticket=None))
        return response, doings

    async def _merged(self, ticket: TicketRow, into: str, turn: InnerTurn, here: Here) -> Inside | None:
        """The ticket goes on under another id: as itself, or as one of this conversation that we know already."""
        other = await self._store.ticket_of(ticket.desk, into)
        if other is None:
            return self._changed(replace(ticket, external_id=into, number=""), None, turn, here)
        if other.id == ticket.id:
            return None
        talk = turn.conversation
        gone = replace(ticket, status=TicketStatus.GONE, closed_at=turn.now, updated_at=turn.now)
        if other.lane != turn.lane:  # what is answered there reaches that conversation alone
            return self._changed(gone, Cue.REMOVED, turn, here)
        if talk.ticket == ticket.id:
            talk = replace(talk, ticket=other.id)
        return Response(outcome="ticket", conversation=talk), DeskDoings(ticket=gone)


def follow(
    event: Assigned | Closed | Reopened | Removed, ticket: TicketRow, now: int
) -> tuple[TicketRow, Cue | None] | None:
    """The ticket after an event, and the cue for its conversation; None for what is known already. Pure."""
    match event:
        case Assigned(agent=agent) if agent != ticket.assignee:
            return replace(ticket, assignee=agent), Cue.TOOK if agent else None
        case Closed() if ticket.status is TicketStatus.OPEN:
            return replace(ticket, status=TicketStatus.CLOSED, closed_at=now), Cue.CLOSED
        case Reopened() if ticket.status is not TicketStatus.OPEN:
            return replace(ticket, status=TicketStatus.OPEN, closed_at=None), Cue.REOPENED
        case Removed(spam=spam) if ticket.status is not TicketStatus.GONE:
            gone = replace(ticket, status=TicketStatus.GONE, closed_at=now)
            return gone, Cue.SPAM if spam else Cue.REMOVED
    return None


def _media(desk: str, files: Sequence[AgentFile]) -> tuple[Media, ...]:
    return tuple(
        Media(
            kind=_kind(file.mime),
            url=file.link,
            name=file.name,
            mime=file.mime,
            origin=desk,
            file_id=file.id,
            size=file.size,
            public=file.link is not None,
        )
        for file in files
    )


def _kind(mime: str) -> MediaKind:
    match mime.partition("/"):
        case ("image", _, kind) if kind in {"jpeg", "png", "webp"}:
            return MediaKind.IMAGE
        case ("video", _, "mp4"):
            return MediaKind.VIDEO
        case ("audio", _, _):
            return MediaKind.AUDIO
    return MediaKind.FILE
