"""The record of one handled group: what is written into its unit of work, and what is kept at hand after the commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from channels.contract import Channel
from channels.model import (
    ActionIn,
    ChatRef,
    ContactIn,
    EchoIn,
    EditedIn,
    Inbound,
    LeftIn,
    MediaIn,
    OwnerIn,
    RemovedIn,
    StartIn,
    TextIn,
    TopicIn,
    UndeliveredIn,
)
from channels.values import replace
from optfm_bot.dispatch.inner import Inner
from optfm_bot.dispatch.joining import Parsed
from optfm_bot.dispatch.orders import Orders, Work
from optfm_bot.dispatch.promise import PARTS, Promises
from optfm_bot.domain.choices import KeptChoice, encode
from optfm_bot.domain.conversation import Conversation, dump
from optfm_bot.domain.manners import EXPIRED
from optfm_bot.domain.say import Response
from optfm_bot.outbox.outgoing import Outgoing
from optfm_bot.store.records import (
    ConversationRow,
    Direction,
    FeedbackRow,
    MissKind,
    MissRow,
    PersonRow,
    TurnRow,
)
from optfm_bot.store.ticket_records import DeskMessageRow, TicketRow
from optfm_bot.store.unit import UnitOfWork

_SEEN_AGAIN_MS = 24 * 60 * 60 * 1000
"""How stale `last_seen_at` may get: writing it with every message would cost a row each time and tell nobody more."""
_ID_LENGTH = 64
"""Characters of a platform's id that the history keeps."""

_KINDS: dict[type[Inbound], str] = {
    TextIn: "text",
    EditedIn: "edited",
    ActionIn: "action",
    MediaIn: "media",
    ContactIn: "contact",
    StartIn: "start",
    LeftIn: "left",
    OwnerIn: "owner",
    EchoIn: "echo",
    RemovedIn: "removed",
    UndeliveredIn: "undelivered",
    TopicIn: "topic",
}


@dataclass(slots=True, kw_only=True)
class Turn:
    """What is known while one event is handled. `conversation` is what the next event of the same group will see."""

    channel: Channel
    lane: str
    event: Inbound
    conversation: Conversation
    person: PersonRow | None
    language: str
    now: int


@dataclass(slots=True, kw_only=True)
class InnerTurn:
    """What is known while an inner event is handled; `person` is who the conversation is with."""

    channel: Channel
    lane: str
    chat: ChatRef
    event: Inner
    conversation: Conversation
    person: PersonRow | None
    language: str
    now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskDoings:
    """What is written of the helpdesk beside a response: the ticket as it is now, and the message that came from it."""

    ticket: TicketRow | None = None
    thread: str | None = None


class Record:
    """Writes responses into a unit of work and collects what the house keeps at hand once it is committed."""

    def __init__(
        self, unit: UnitOfWork, promises: Promises, inbox_id: int, orders: Orders | None = None
    ) -> None:
        self._unit = unit
        self._promises = promises
        self._inbox_id = inbox_id
        self._orders = orders
        self.outgoing: dict[str, list[Outgoing]] = {}
        """Promised messages, by the channel that they leave through."""
        self.conversations: list[tuple[str, Conversation]] = []
        self.people: list[PersonRow] = []
        self._turns: list[int] = []

    @property
    def tenure(self) -> int | None:
        """Under which it is committed."""
        return self._unit.tenure

    def add(
        self, turn: Turn, response: Response, *, part: int, begin: bool, joined: Sequence[Parsed] = ()
    ) -> None:
        """Write the response to one event, number `part` of its update, and to updates `joined` with it.

        With `begin` a place is reserved for its first message, which is written as being sent.
        """
        person = self._person(turn, response)
        chosen = response.chosen if not joined else None
        self._unit.history.add_turn(self._incoming(turn, turn.event, self._inbox_id, person, chosen))
        for parsed in joined:
            for event in parsed.events:
                self._unit.history.add_turn(self._incoming(turn, event, parsed.update.id, person))
        person_here = None if turn.event.is_group else person
        if isinstance(turn.event, OwnerIn):  # the talk stays the customer's, whoever of us writes in it
            person_here = turn.conversation.person
        turn.conversation = self._respond(
            turn, response, turn.event.chat, person_here, part=part, begin=begin
        )
        self._learning(turn, response, person)

    def add_inner(self, turn: InnerTurn, response: Response, doings: DeskDoings, *, begin: bool) -> None:
        """Write the response to an inner event, and what is new about the ticket."""
        before = len(self._turns)
        turn.conversation = self._respond(
            turn, response, turn.chat, turn.conversation.person, part=0, begin=begin
        )
        if doings.ticket is not None:
            self._unit.desk.save_ticket(doings.ticket)
        if doings.thread is not None and doings.ticket is not None:
            said = self._turns[-1] if len(self._turns) > before else self._promises.ids.next()
            self._unit.desk.add_message(
                DeskMessageRow(
                    id=said,
                    ticket_id=doings.ticket.id,
                    desk=doings.ticket.desk,
                    direction=Direction.IN,
                    kind="agent",
                    external_id=doings.thread,
                    at=turn.now,
                    done_at=turn.now,
                )
            )

    def _respond(
        self,
        turn: Turn | InnerTurn,
        response: Response,
        chat: ChatRef,
        person: str | None,
        *,
        part: int,
        begin: bool,
    ) -> Conversation:
        made = self._promises.make(
            response.says,
            turn.channel,
            chat,
            lane=turn.lane,
            inbox_id=self._inbox_id,
            now=turn.now,
            part=part,
            begin=begin,
        )
        for history in made.turns:
            self._unit.history.add_turn(history)
            self._turns.append(history.id)
        for message in made.rows:
            self._unit.outbox.add(message)
        self._leaves(turn.channel.instance, made.outgoing)
        changed = response.conversation
        if made.offered is not None and (made.offered, made.offered_until) != (
            changed.offered,
            changed.offered_until,
        ):
            changed = replace(changed, offered=made.offered, offered_until=made.offered_until)
        if changed.person != person:
            changed = replace(changed, person=person)
        if self._orders is not None:
            response = _expiring(response, turn.conversation, changed)
            work = Work(
                unit=self._unit,
                lane=turn.lane,
                channel=turn.channel,
                person=person or f"{turn.channel.instance}:{chat.chat_id}",
                now=turn.now,
                inbox_id=self._inbox_id,
                seq=part * PARTS + len(made.rows),
                conversation=changed,
            )
            changed, leaving = self._orders.write(work, response)
            for name, outgoing in leaving.items():
                self._leaves(name, outgoing)
        row = ConversationRow(
            lane=turn.lane, channel=turn.channel.instance, state=dump(changed), updated_at=turn.now
        )
        self._unit.history.save_conversation(row)
        self.conversations.append((turn.lane, changed))
        return changed

    def _leaves(self, channel: str, outgoing: Sequence[Outgoing]) -> None:
        if outgoing:
            self.outgoing.setdefault(channel, []).extend(outgoing)

    def _person(self, turn: Turn, response: Response) -> str:
        event, known, now = turn.event, turn.person, turn.now
        sender = event.sender
        if isinstance(event, OwnerIn | UndeliveredIn):  # nobody that we talk to has shown up
            return f"{turn.channel.instance}:{sender.external_id}"
        fresh = PersonRow(
            ref=f"{turn.channel.instance}:{sender.external_id}",
            channel=turn.channel.instance,
            external_id=sender.external_id,
            display_name=sender.display_name,
            locale=sender.locale,
            language=response.language or (known.language if known else None),
            phone=event.phone
            if isinstance(event, ContactIn) and event.own
            else (known.phone if known else None),
            gone_at=now if isinstance(event, LeftIn) else None,
            first_seen_at=known.first_seen_at if known else now,
            last_seen_at=known.last_seen_at if known and now - known.last_seen_at < _SEEN_AGAIN_MS else now,
        )
        if fresh != known:
            self._unit.history.save_person(fresh)
            self.people.append(fresh)
        return fresh.ref

    def _incoming(
        self, turn: Turn, event: Inbound, inbox_id: int, person: str, chosen: KeptChoice | None = None
    ) -> TurnRow:
        """What a person did, in words: those of the button, if they pressed one."""
        words = ""
        message_id = event.message_id
        match event:
            case ActionIn(event_id=event_id):
                words = chosen.label if chosen is not None else ""
                message_id = event_id if len(event_id) <= _ID_LENGTH else None  # not that of our own message
            case TextIn(text=text) | EditedIn(text=text) | OwnerIn(text=text) | MediaIn(caption=text):
                words = text
            case StartIn(payload=payload):
                words = f"/start {payload}".rstrip()
            case UndeliveredIn(reason=reason):
                words = reason
        return TurnRow(
            id=self._promises.ids.next(),
            lane=turn.lane,
            direction=Direction.IN,
            kind=_KINDS[type(event)],
            text=words,
            at=turn.now,
            person=person,
            message_id=message_id,
            inbox_id=inbox_id,
            choices=encode([chosen]) if chosen is not None else None,
        )

    def _learning(self, turn: Turn, response: Response, person: str) -> None:
        missed, opinion = response.missed, response.opinion
        if missed is not None:
            self._unit.history.add_miss(
                MissRow(
                    id=self._promises.ids.next(),
                    lane=turn.lane,
                    text=missed.text,
                    kind=MissKind.NONE_OF_THESE if missed.none_of_these else MissKind.ADMITTED,
                    at=turn.now,
                    candidates=orjson.dumps(missed.candidates).decode(),
                )
            )
        if opinion is not None:
            self._unit.history.save_feedback(
                FeedbackRow(
                    turn_id=opinion.turn_id,
                    person=person,
                    value=opinion.value,
                    entry_id=opinion.entry_id,
                    entry_version=opinion.entry_version,
                    at=turn.now,
                )
            )


def _expiring(response: Response, before: Conversation, after: Conversation) -> Response:
    """The response with the alarm of its form, if the moment has changed: whatever ended the form ends the alarm."""
    due = after.form_until
    if due == before.form_until:
        return response
    return replace(response, alarms={**response.alarms, EXPIRED: due or None})
