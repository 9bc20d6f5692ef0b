"""Handling: updates of one conversation become new state, history and promised messages, in one transaction."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import orjson
import structlog

from channels.contract import Channel
from channels.errors import BadPayload, ChannelError
from channels.model import (
    ActionIn,
    ContactIn,
    EchoIn,
    EditedIn,
    Inbound,
    LeftIn,
    MediaIn,
    Outbound,
    OwnerIn,
    RawUpdate,
    RemovedIn,
    StartIn,
    TextIn,
    UndeliveredIn,
)
from optfm_bot.clock import Clock
from optfm_bot.dispatch.flood import FloodGuard, Passage
from optfm_bot.dispatch.joining import Parsed, join
from optfm_bot.dispatch.memory import Recent
from optfm_bot.dispatch.promise import Promises
from optfm_bot.dispatch.record import Record, Turn
from optfm_bot.domain.choices import KeptChoice
from optfm_bot.domain.conversation import EMPTY, Conversation, load
from optfm_bot.domain.say import Response
from optfm_bot.domain.talk import Around, Said, Talk
from optfm_bot.errors import StoreUnavailable
from optfm_bot.outbox.outgoing import Outgoing
from optfm_bot.store.contract import Store
from optfm_bot.store.records import PersonRow, StoredUpdate

log = structlog.get_logger("optfm_bot.dispatch")

_ACKNOWLEDGE_SECONDS = 10.0
_TYPING_SECONDS = 5.0
_SILENT = "ignored"


class HandlingObserver(Protocol):
    """Hears how updates were answered."""

    def received(self, channel: str, kind: str) -> None:
        """An event of that kind was understood."""

    def handled(self, channel: str, outcome: str, seconds: float) -> None:
        """A group of updates was answered and committed, so many seconds after the first of it was stored."""

    def thought(self, outcome: str, seconds: float) -> None:
        """Deciding what to answer took so many seconds of computing."""

    def dropped(self, channel: str, reason: str) -> None:
        """An event was passed over by rule."""

    def rated(self, channel: str, value: int) -> None:
        """A person has an opinion on an answer."""


class Outlet(Protocol):
    """Where promised messages leave."""

    async def reserve(self, channel: str, lane: str) -> bool:
        """Take a place for a message that would leave the moment it is committed."""

    def cancel(self, channel: str) -> None:
        """Give the place back: nothing was committed."""

    def accept(self, channel: str, outgoing: Sequence[Outgoing]) -> None:
        """Take committed messages."""


class UpdateHandler:
    """Understands updates with their channel, answers with the talk of the moment, and commits the outcome.

    `talk` gives the current `Talk` (it changes when the base is reloaded), `outlet` takes what was promised after the
    commit, `language_of` chooses ours for a platform's locale.
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        store: Store,
        clock: Clock,
        promises: Promises,
        observer: HandlingObserver,
        *,
        talk: Callable[[], Talk],
        outlet: Outlet,
        language_of: Callable[[str | None], str],
        flood: FloodGuard,
    ) -> None:
        self._channels = channels
        self._store = store
        self._clock = clock
        self._promises = promises
        self._observer = observer
        self._talk = talk
        self._outlet = outlet
        self._language_of = language_of
        self._flood = flood
        self._conversations: Recent[Conversation] = Recent(self._load_conversations)
        self._people: Recent[PersonRow] = Recent(store.people)

    async def _load_conversations(self, lanes: Collection[str]) -> Mapping[str, Conversation]:
        rows = await self._store.conversations(lanes)
        return {lane: load(row.state) for lane, row in rows.items()}

    # -- reading ------------------------------------------------------------------------------------------

    def parse(self, update: StoredUpdate) -> Parsed:
        """Read an update with its channel. Raises `BadPayload`, also for a channel that is not configured any more."""
        channel = self._channels.get(update.channel)
        if channel is None:
            raise BadPayload(f"channel {update.channel!r} is not configured")
        try:
            payload = orjson.loads(update.payload)
        except orjson.JSONDecodeError as error:
            raise BadPayload(f"the stored payload is not JSON: {error}") from error
        raw = RawUpdate(key=update.key, lane=update.lane, payload=payload)
        return Parsed(update=update, events=tuple(channel.parse(raw)))

    def settled(self, text: str) -> bool:
        """Whether a text can be answered without waiting for more."""
        return self._talk().settled(text)

    async def typing(self, parsed: Parsed) -> None:
        """Show that an answer is on its way, while more of the question is waited for. Losing this is harmless."""
        channel = self._channels[parsed.update.channel]
        if parsed.event is None or not channel.capabilities.typing:
            return
        chat = parsed.event.chat
        try:
            conversation = await self._conversations.get(str(chat))
            pause = self._talk().settings.owner_pause_ms
            if conversation is not None and conversation.owner_present(self._clock.ms(), pause):
                return
            async with self._clock.limit(_TYPING_SECONDS):
                await channel.typing(chat)
        except (ChannelError, StoreUnavailable, TimeoutError) as error:
            log.debug("typing.not_shown", channel=channel.instance, error=str(error) or type(error).__name__)
        except Exception:  # the channel's own bug must not cost an answer
            log.exception("typing.not_shown", channel=channel.instance)

    # -- handling -----------------------------------------------------------------------------------------

    async def handle(self, group: Sequence[Parsed]) -> None:
        """Answer and finish a group: one or more joined updates, or one update with any number of events.

        Raises `StoreUnavailable` or `StoreConflict` with nothing changed.
        """
        first = group[0]
        presses = [event for event in first.events if isinstance(event, ActionIn)]
        if not presses:
            await self._handle(group)
            return
        channel = self._channels[first.update.channel]
        # Not a task group: that would wrap what handling raises, and the dispatcher goes by the kind of error.
        acknowledging = [asyncio.create_task(self._acknowledge(channel, event)) for event in presses]
        try:
            await self._handle(group)
        finally:
            await asyncio.gather(*acknowledging)

    async def _handle(self, group: Sequence[Parsed]) -> None:
        first = group[0]
        channel = first.update.channel
        unit = self._store.unit()
        record = Record(unit, self._promises, first.update.id)
        outcome, reason = _SILENT, ""
        turn: Turn | None = None
        begun = False
        counted: list[str] = []
        try:
            for number, event in enumerate(first.events):
                self._observer.received(channel, type(event).__name__)
                turn = await self._turn(first.update, event, turn)
                said = join(group) if len(group) > 1 else None
                response = await self._respond(turn, said, counted)
                if response is None:
                    continue
                outcome, reason = response.outcome, response.reason
                begin = bool(response.says) and not begun and await self._outlet.reserve(channel, turn.lane)
                begun = begun or begin
                record.add(turn, response, part=number, begin=begin, joined=group[1:])
                if response.opinion is not None:
                    self._observer.rated(channel, response.opinion.value)
            for parsed in group:
                unit.inbox.done(parsed.update.id, at=self._clock.ms())
            async with unit:
                pass
        except BaseException:
            if begun:
                self._outlet.cancel(channel)
            for person in counted:  # the same message will be handled again, and it is one message
                self._flood.take_back(person)
            raise
        self._committed(group, record, outcome, reason)

    def _committed(self, group: Sequence[Parsed], record: Record, outcome: str, reason: str) -> None:
        """Keep at hand what is durable now, and let the messages go."""
        update = group[0].update
        for lane, conversation in record.conversations:
            self._conversations.put(lane, conversation)
        for known in record.people:
            self._people.put(known.ref, known)
        if record.outgoing:
            self._outlet.accept(update.channel, record.outgoing)
        seconds = (self._clock.ms() - update.received_at) / 1000
        self._observer.handled(update.channel, outcome, seconds)
        log.info(
            "update.handled",
            updates=len(group),
            outcome=outcome,
            **({"reason": reason} if reason else {}),
            messages=len(record.outgoing),
            duration_ms=round(seconds * 1000),
        )

    async def gone(self, lane: str) -> None:
        """Remember that nobody can be reached in this conversation."""
        person = await self._person_of(lane)
        if person is not None:
            async with self._store.unit() as unit:
                unit.history.person_gone(person, at=self._clock.ms())
            self._people.forget(person)

    async def refusal(self, message: Outbound, lane: str) -> str | None:
        """Say why a promised message must not be sent any more, or None."""
        if message.guard is None:
            return None
        conversation = await self._conversations.get(lane)
        if conversation is None:
            return None
        if conversation.owner_present(self._clock.ms(), self._talk().settings.owner_pause_ms):
            return "one of our own people is talking here"
        person = await self._people.get(conversation.person) if conversation.person is not None else None
        return "the person has left" if person is not None and person.gone_at is not None else None

    async def _person_of(self, lane: str) -> str | None:
        conversation = await self._conversations.get(lane)
        return conversation.person if conversation is not None else None

    async def _acknowledge(self, channel: Channel, event: ActionIn) -> None:
        """Stop the platform's waiting sign. Losing this is harmless, so it is tried once."""
        try:
            async with self._clock.limit(_ACKNOWLEDGE_SECONDS):
                await channel.acknowledge_action(event)
        except (ChannelError, TimeoutError) as error:
            log.info(
                "action.not_acknowledged", channel=channel.instance, error=str(error) or type(error).__name__
            )
        except Exception:  # the channel's own bug must not undo an answer
            log.exception("action.not_acknowledged", channel=channel.instance)

    async def _turn(self, update: StoredUpdate, event: Inbound, before: Turn | None) -> Turn:
        lane = str(event.chat)
        person_ref = f"{update.channel}:{event.sender.external_id}"
        if self._conversations.knows(lane) and self._people.knows(person_ref):
            known, person = await self._conversations.get(lane), await self._people.get(person_ref)
        else:
            known, person = await asyncio.gather(self._conversations.get(lane), self._people.get(person_ref))
        if before is not None and before.lane == lane:
            conversation = before.conversation
        else:
            conversation = known if known is not None else EMPTY
        chosen = person.language if person is not None else None
        return Turn(
            channel=self._channels[update.channel],
            lane=lane,
            event=event,
            conversation=conversation,
            person=person,
            language=chosen or self._language_of(event.sender.locale),
            now=self._clock.ms(),
        )

    async def _respond(self, turn: Turn, said: Said | None, counted: list[str]) -> Response | None:
        """Decide what to answer; None for what is passed over. Whom the flood guard counted is added to `counted`."""
        event = turn.event
        reason = _passed_over(event)
        if reason is not None:
            self._observer.dropped(turn.channel.instance, reason)
            return None
        if isinstance(event, LeftIn | OwnerIn | EditedIn | RemovedIn | UndeliveredIn) or self._owner_talks(
            turn
        ):
            return await self._follow(turn)
        counted.append(f"{turn.channel.instance}:{event.sender.external_id}")
        passage = self._flood.check(counted[-1], turn.now)
        if passage is Passage.SILENT:
            self._observer.dropped(turn.channel.instance, "rate_limited")
            return None
        around = await self._around(turn)
        if passage is Passage.NOTICE:
            return self._talk().flooded(turn.conversation, around)
        if isinstance(event, ActionIn):
            return await self._pressed(event, turn, around)
        return self._answer(event, said, turn, around)

    def _answer(self, event: Inbound, said: Said | None, turn: Turn, around: Around) -> Response:
        if isinstance(event, ContactIn):
            return self._talk().contact(turn.conversation, around)
        began = time.perf_counter()
        response = self._talk().hear(said or _said(event), turn.conversation, around)
        self._observer.thought(response.outcome, time.perf_counter() - began)
        return response

    async def _follow(self, turn: Turn) -> Response | None:
        """Events that get no answer of their own: somebody left, one of us wrote, a message was corrected or lost."""
        match turn.event:
            case OwnerIn():
                return Response(outcome="owner", conversation=replace(turn.conversation, owner_at=turn.now))
            case EditedIn(text=text, message_id=message_id) if not self._owner_talks(turn):
                return self._talk().correct(text, message_id, turn.conversation, await self._around(turn))
            case UndeliveredIn(message_id=message_id, reason=reason):
                channel = turn.channel.instance
                log.warning("message.undelivered", channel=channel, message_id=message_id, reason=reason)
                return Response(outcome="undelivered", conversation=turn.conversation)
            case _:
                return Response(outcome=_SILENT, conversation=turn.conversation)

    def _owner_talks(self, turn: Turn) -> bool:
        """Whether one of our own people is in the talk: the bot never talks over a human."""
        return turn.conversation.owner_present(turn.now, self._talk().settings.owner_pause_ms)

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

    async def _pressed(self, event: ActionIn, turn: Turn, around: Around) -> Response:
        """Find what a button means: its message is in our history, and only its own chat may press it."""
        place = Promises.place(event.token)
        if place is not None:
            turn_id, number = place
            choices = await self._choices(turn_id, turn.lane)
            if number < len(choices):
                return self._talk().pick(
                    choices[number].meaning,
                    turn.conversation,
                    around,
                    turn_id=turn_id,
                    message_id=event.message_id,
                )
        return self._talk().stale(turn.conversation, around)

    async def _choices(self, turn_id: int, lane: str) -> tuple[KeptChoice, ...]:
        kept = self._promises.recent(turn_id, lane)
        if kept is not None:
            return kept
        return Promises.kept(await self._store.turn(turn_id), lane)


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
    if event.sender.is_bot:
        return "bot"  # two bots that answer each other never stop
    if not event.addressed:
        return "not_addressed"
    return None
