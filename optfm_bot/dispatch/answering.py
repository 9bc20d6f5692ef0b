"""Answering: an event of a conversation becomes the response to it, after what has to be known for it was looked up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import field, replace
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog

from channels.model import (
    ActionIn,
    ContactIn,
    EchoIn,
    EditedIn,
    Inbound,
    LeftIn,
    MediaIn,
    OwnerIn,
    Purpose,
    RemovedIn,
    StartIn,
    TextIn,
    TopicIn,
    UndeliveredIn,
)
from channels.values import dataclass
from optfm_bot.clock import Clock
from optfm_bot.dispatch.flood import FloodGuard, Passage
from optfm_bot.dispatch.promise import Promises
from optfm_bot.dispatch.record import InnerTurn, Turn
from optfm_bot.domain import forms
from optfm_bot.domain.choices import CancelRequest, FormInput, KeptChoice, Meaning
from optfm_bot.domain.conversation import Conversation
from optfm_bot.domain.filling import Filling, Numbered
from optfm_bot.domain.handoff import HUMANS, Cue, Stage
from optfm_bot.domain.hours import Hours, opening_words
from optfm_bot.domain.manners import Here
from optfm_bot.domain.reception import Reception
from optfm_bot.domain.relaying import member_of, pressed, relays_of, wanted
from optfm_bot.domain.requests import number_of
from optfm_bot.domain.say import Relay, Response
from optfm_bot.domain.talk import Around, Said, Talk
from optfm_bot.domain.wishes import Wish, wish_of_command, wish_of_meaning
from optfm_bot.domain.words import Words
from optfm_bot.store.contract import Store

log = structlog.get_logger("optfm_bot.dispatch")

SILENT = "ignored"


class AnsweringObserver(Protocol):
    """Hears how events were answered."""

    def thought(self, outcome: str, seconds: float) -> None:
        """Deciding what to answer took so many seconds of computing."""

    def dropped(self, channel: str, reason: str) -> None:
        """An event was passed over by rule."""


class RequestBook(Protocol):
    """Looks after the requests of people."""

    async def mine(self, person: str, talk: Conversation, language: str) -> Response:
        """List what a person has asked for."""

    async def withdraw(self, request_id: int, person: str, talk: Conversation, language: str) -> Response:
        """Take a request of that person back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """What answers: the talk with the base, the forms, and the reception that knows when which of them may.

    `hours` are those of our own people, `zone` is where they live; `desk_down` says whether their helpdesk cannot be
    reached at the moment.
    """

    talk: Callable[[], Talk]
    reception: Reception
    filling: Filling
    words: Words
    hours: Hours
    zone: ZoneInfo
    requests: RequestBook
    desk_down: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doing:
    """What a customer did: the words or the button, what it wishes, and whether it was addressed to the bot exactly."""

    said: Said | None = None
    meaning: Meaning | None = None
    stale: bool = False
    wish: Wish | None = None
    command: bool = False
    relays: tuple[Relay, ...] = ()
    contact: str | None = field(default=None, repr=False)
    chosen: KeptChoice | None = None
    turn_id: int | None = None


class Answering:
    """Gives the response to events. Reads the store, writes nothing."""

    def __init__(
        self,
        front: Front,
        store: Store,
        clock: Clock,
        promises: Promises,
        observer: AnsweringObserver,
        flood: FloodGuard,
    ) -> None:
        self.front = front
        self._store = store
        self._clock = clock
        self._promises = promises
        self._observer = observer
        self._flood = flood

    # -- people -------------------------------------------------------------------------------------------

    async def respond(
        self, turn: Turn, events: Sequence[Inbound], said: Said | None, counted: list[str]
    ) -> Response | None:
        """Decide what follows from what a person did; None for what is passed over.

        `events` are the event of the turn and those joined with it, `said` is what they say together. Whom the flood
        guard counted is added to `counted`.
        """
        event = turn.event
        reason = _passed_over(event)
        if reason is not None:
            self._observer.dropped(turn.channel.instance, reason)
            return None
        here = self.here(turn)
        if isinstance(event, LeftIn | OwnerIn | EditedIn | RemovedIn | UndeliveredIn):
            return await self._follow(turn, event, here)
        stage = turn.conversation.stage_at(turn.now)
        if (
            stage not in HUMANS and stage is not Stage.QUEUED
        ):  # what people of ours are to read is not thrown away
            passage = self._passage(turn, counted)
            if passage is Passage.SILENT:
                self._observer.dropped(turn.channel.instance, "rate_limited")
                return None
            if passage is Passage.NOTICE:
                return self._talk.flooded(turn.conversation, await self._around(turn))
        return await self._heard(turn, events, said, here)

    def here(self, turn: Turn | InnerTurn) -> Here:
        """What a reception has to know of the moment."""
        hours, moment = self.front.hours, self._clock.now()
        opens: str | None = None
        opens_at: int | None = None
        if self.front.reception.settings.desk and not hours.always and not hours.open_at(moment):
            opening = hours.next_opening(moment)
            opens = ""
            if opening is not None:
                opens_at = int(opening.timestamp() * 1000)
                opens = opening_words(
                    opening, now=moment, zone=self.front.zone, words=self.front.words, language=turn.language
                )
        return Here(
            language=turn.language,
            now=turn.now,
            opens=opens,
            opens_at=opens_at,
            desk_down=self.front.desk_down(),
        )

    @property
    def _talk(self) -> Talk:
        return self.front.talk()

    def _passage(self, turn: Turn, counted: list[str]) -> Passage:
        counted.append(f"{turn.channel.instance}:{turn.event.sender.external_id}")
        return self._flood.check(counted[-1], turn.now)

    async def _follow(self, turn: Turn, event: Inbound, here: Here) -> Response | None:
        """Events that get no answer of their own: somebody left, one of us wrote, a message was corrected or lost."""
        reception, words = self.front.reception, self.front.words
        stage = turn.conversation.stage_at(turn.now)
        match event:
            case OwnerIn():
                return reception.cue(Cue.OWNER_WROTE, turn.conversation, here, by="owner")
            case LeftIn():
                return replace(reception.cue(Cue.LEFT, turn.conversation, here), outcome=SILENT)
            case UndeliveredIn(message_id=message_id, reason=reason):
                channel = turn.channel.instance
                log.warning("message.undelivered", channel=channel, message_id=message_id, reason=reason)
                said = words.label("desk.undelivered", reception.settings.language, reason=reason)
                note = Relay(purpose=Purpose.NOTE, text=said)
                listens = turn.conversation.ticket is not None and stage in {*HUMANS, Stage.QUEUED}
                return Response(
                    outcome="undelivered",
                    conversation=turn.conversation,
                    relays=(note,) if listens else (),
                )
        heard = relays_of([event], words, reception.settings.language)
        if stage in HUMANS or stage is Stage.QUEUED:
            return reception.hear(Cue.SPOKE, turn.conversation, here, relays=heard, answer=_nothing)
        if isinstance(event, EditedIn):
            around = await self._around(turn)
            response = self._talk.correct(event.text, event.message_id, turn.conversation, around)
        else:
            response = _nothing(turn.conversation)
        return reception.mirrored(response, heard, here)

    async def _heard(
        self, turn: Turn, events: Sequence[Inbound], said: Said | None, here: Here
    ) -> Response | None:
        around = await self._around(turn)
        doing = await self._doing(turn, events, said, around)
        response = await self._done(doing, turn, here, around)
        return response if doing.chosen is None else replace(response, chosen=doing.chosen)

    async def _done(self, doing: _Doing, turn: Turn, here: Here, around: Around) -> Response:
        special = await self._special(turn, doing)

        def answer(talk: Conversation) -> Response:
            return special if special is not None else self._answer(doing, talk, turn, around)

        def step(talk: Conversation) -> Response:
            filling = self.front.filling
            if talk.form is None:
                form = doing.wish.form if doing.wish is not None else None
                return filling.begin(form, talk, now=turn.now, language=turn.language)
            return filling.go_on(_input(doing), talk, turn.language, self._numbered())

        def again(talk: Conversation) -> Response:
            return self.front.filling.again(talk, turn.language)

        cue = doing.wish.cue if doing.wish is not None else Cue.SPOKE
        in_form = turn.conversation.stage_at(turn.now) is Stage.FORM
        if in_form and special is not None:  # a list of one's own requests does not end a form
            return special
        if in_form and self._stale_step(doing, turn.conversation):
            return self._talk.stale(turn.conversation, around)
        return self.front.reception.hear(
            cue,
            turn.conversation,
            here,
            relays=doing.relays,
            answer=answer,
            command=doing.command,
            step=step,
            again=again,
        )

    def _numbered(self) -> Numbered:
        request_id = self._promises.ids.next()
        return Numbered(request_id, number_of(request_id, self._clock.now(), self.front.zone))

    def _stale_step(self, doing: _Doing, talk: Conversation) -> bool:
        """Whether a button was pressed that is none of the question that the form asks now."""
        if doing.stale:
            return True
        if doing.meaning is None:
            return False
        if doing.wish is not None:
            return doing.wish.cue is not Cue.ASKED
        return not isinstance(doing.meaning, FormInput) or doing.meaning.step != self.front.filling.at(talk)

    def _answer(self, doing: _Doing, talk: Conversation, turn: Turn, around: Around) -> Response:
        began = time.perf_counter()
        if doing.stale:
            response = self._talk.stale(talk, around)
        elif doing.meaning is not None:
            message_id = turn.event.message_id if isinstance(turn.event, ActionIn) else None
            response = self._talk.pick(
                doing.meaning, talk, around, turn_id=doing.turn_id, message_id=message_id
            )
        elif doing.said is not None:
            response = self._talk.hear(doing.said, talk, around)
        else:
            response = self._talk.contact(talk, around)
        self._observer.thought(response.outcome, time.perf_counter() - began)
        return response

    async def _special(self, turn: Turn, doing: _Doing) -> Response | None:
        """What is answered from the requests of the person."""
        event = turn.event
        person = f"{turn.channel.instance}:{event.sender.external_id}"
        book = self.front.requests
        if isinstance(doing.meaning, CancelRequest):
            return await book.withdraw(doing.meaning.request_id, person, turn.conversation, turn.language)
        if doing.said is not None and doing.said.text.strip().casefold() in _MINE and not event.is_group:
            return await book.mine(person, turn.conversation, turn.language)
        return None

    async def _doing(
        self, turn: Turn, events: Sequence[Inbound], said: Said | None, around: Around
    ) -> _Doing:
        words, settings = self.front.words, self.front.reception.settings
        language = settings.language
        heard = relays_of(events, words, language) if settings.desk else ()
        event = turn.event
        if isinstance(event, ContactIn):
            return _Doing(contact=event.phone, relays=heard)
        if isinstance(event, ActionIn):
            return await self._pressed(event, turn)
        said = said or _said(event)
        text = said.text.strip()
        in_form = turn.conversation.stage_at(turn.now) is Stage.FORM  # which reads numbers its own way
        picked = None if in_form or said.start else self._talk.picked(text, around.offered)
        if picked is not None:
            wish, turn_id = wish_of_meaning(picked), turn.conversation.offered
            chosen = next(choice for choice in around.offered if choice.meaning == picked)
            return _Doing(
                said=said,
                meaning=picked,
                wish=wish,
                command=True,
                relays=heard,
                chosen=chosen,
                turn_id=turn_id,
            )
        if said.start or not text.startswith("/"):
            wish = self._spoken_wish(text, turn) if not said.start else None
            return _Doing(said=said, relays=heard, wish=wish, command=said.start)
        name, _, rest = text[1:].partition(" ")
        wish = wish_of_command(name.casefold(), rest.strip(), form=self._talk.settings.form)
        if wish is not None and wish.cue is Cue.ASKED and not rest.strip():
            heard = wanted(words, language, by=member_of(event))
        return _Doing(said=said, relays=heard, wish=wish, command=True)

    def _spoken_wish(self, text: str, turn: Turn) -> Wish | None:
        """A person is asked for in plain words; where a form takes any words for an answer, these are one."""
        talk = turn.conversation
        if talk.stage_at(turn.now) is Stage.FORM and self.front.filling.takes_anything(talk):
            return None
        return Wish(Cue.ASKED) if self._talk.calls_person(text) else None

    async def _pressed(self, event: ActionIn, turn: Turn) -> _Doing:
        """Find what a button means: its message is in our history, and only its own chat may press it."""
        words, language = self.front.words, self.front.reception.settings.language
        place = Promises.place(event.token)
        if place is not None:
            turn_id, number = place
            choices = await self._choices(turn_id, turn.lane)
            if number < len(choices):
                choice = choices[number]
                return _Doing(
                    meaning=choice.meaning,
                    wish=wish_of_meaning(choice.meaning),
                    command=True,
                    relays=pressed(choice.label, words, language, by=member_of(event)),
                    chosen=choice,
                    turn_id=turn_id,
                )
        return _Doing(stale=True, command=True)

    async def _around(self, turn: Turn) -> Around:
        offered: tuple[KeptChoice, ...] = ()
        talk = turn.conversation
        if talk.offered and talk.offered_until > turn.now and isinstance(turn.event, TextIn):
            offered = await self._choices(talk.offered, turn.lane)
        return Around(
            language=turn.language,
            now=turn.now,
            channels=(turn.channel.instance, turn.channel.spec.kind),
            person=turn.event.sender.display_name,
            offered=offered,
        )

    async def _choices(self, turn_id: int, lane: str) -> tuple[KeptChoice, ...]:
        kept = self._promises.recent(turn_id, lane)
        if kept is not None:
            return kept
        return Promises.kept(await self._store.turn(turn_id), lane)


_MINE = frozenset({"/my_requests", "/myrequests", "/requests"})


def _nothing(talk: Conversation) -> Response:
    return Response(outcome=SILENT, conversation=talk)


def _input(doing: _Doing) -> forms.FormInput:
    """What somebody did, as a form takes it."""
    if doing.contact is not None:
        return forms.SharedPhone(doing.contact)
    if isinstance(doing.meaning, FormInput):
        return forms.Pressed(doing.meaning.text)
    return forms.Typed(doing.said.text if doing.said is not None else "")


def _said(event: Inbound) -> Said:
    match event:
        case TextIn(text=text):
            return Said(text=text, message_id=event.message_id, is_group=event.is_group)
        case MediaIn(caption=text, kind=kind, group_id=album):
            return Said(
                text=text, media=(kind,), album=album, message_id=event.message_id, is_group=event.is_group
            )
        case StartIn(payload=payload):
            return Said(text=payload, start=True, message_id=event.message_id)
    raise TypeError(f"nobody says anything in a {type(event).__name__}")


def _passed_over(event: Inbound) -> str | None:
    """Why an event gets no answer at all, or None if it is for us."""
    if isinstance(event, EchoIn):
        return "echo"
    if isinstance(event, TopicIn):
        return "topic"
    if event.sender.is_bot:
        return "bot"  # two bots that answer each other never stop
    if not event.addressed:
        return "not_addressed"
    return None
