"""Handling: updates of one conversation become new state, history and promised messages, in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

import orjson
import structlog

from channels.contract import Channel
from channels.errors import BadPayload, ChannelError
from channels.model import ActionIn, ChatRef, Inbound, Outbound, Purpose, RawUpdate
from optfm_bot.clock import Clock
from optfm_bot.dispatch.answering import SILENT, Answering, AnsweringObserver, Front
from optfm_bot.dispatch.flood import FloodGuard
from optfm_bot.dispatch.inner import Inner, read_inner
from optfm_bot.dispatch.inside import InsideAnswering
from optfm_bot.dispatch.joining import Parsed, join
from optfm_bot.dispatch.memory import Recent
from optfm_bot.dispatch.people import People
from optfm_bot.dispatch.promise import Promises
from optfm_bot.dispatch.record import InnerTurn, Record, Turn
from optfm_bot.domain.conversation import EMPTY, Conversation, load
from optfm_bot.domain.handoff import Stage
from optfm_bot.domain.say import Response
from optfm_bot.errors import StoreUnavailable
from optfm_bot.outbox.outgoing import Outgoing
from optfm_bot.store.contract import Store
from optfm_bot.store.records import PersonRow, StoredUpdate

log = structlog.get_logger("optfm_bot.dispatch")

_ACKNOWLEDGE_SECONDS = 10.0
_TYPING_SECONDS = 5.0
_LISTENING = frozenset({Stage.QUEUED, Stage.HUMAN, Stage.PAUSED, Stage.FORM})
"""Stages in which each message counts by itself."""


class HandlingObserver(AnsweringObserver, Protocol):
    """Hears how updates were answered."""

    def received(self, channel: str, kind: str) -> None:
        """An event of that kind was understood."""

    def handled(self, channel: str, outcome: str, seconds: float) -> None:
        """A group of updates was answered and committed, so many seconds after the first of it was stored."""

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
    """Understands updates with their channel, answers as the front does, and commits the outcome.

    `outlet` takes what was promised after the commit, `language_of` chooses ours for a platform's locale,
    `person_changed` is told of people that were written. `people` is what lies behind the front: the helpdesk and who
    looks after requests.
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        store: Store,
        clock: Clock,
        promises: Promises,
        observer: HandlingObserver,
        *,
        front: Front,
        people: People,
        outlet: Outlet,
        language_of: Callable[[str | None], str],
        flood: FloodGuard,
        person_changed: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._channels = channels
        self._store = store
        self._clock = clock
        self._promises = promises
        self._observer = observer
        self._front = front
        self._people_of_ours = people
        self._answering = Answering(front, store, clock, promises, observer, flood)
        self._inside = InsideAnswering(front.reception, store, front.words, people.opening)
        self._outlet = outlet
        self._language_of = language_of
        self._flood = flood
        self._person_changed = person_changed
        self._conversations: Recent[Conversation] = Recent(self._load_conversations)
        self._people: Recent[PersonRow] = Recent(store.people)

    async def _load_conversations(self, lanes: Collection[str]) -> Mapping[str, Conversation]:
        rows = await self._store.conversations(lanes)
        return {lane: load(row.state) for lane, row in rows.items()}

    # -- reading ------------------------------------------------------------------------------------------

    def parse(self, update: StoredUpdate) -> Parsed:
        """Read an update with its channel. Raises `BadPayload`, also for a channel that is not configured any more."""
        try:
            payload = orjson.loads(update.payload)
        except orjson.JSONDecodeError as error:
            raise BadPayload(f"the stored payload is not JSON: {error}") from error
        channel = self._channels.get(update.channel)
        if channel is None:
            if update.channel in self._people_of_ours.inner:
                return self._inner(update, payload)
            raise BadPayload(f"channel {update.channel!r} is not configured")
        raw = RawUpdate(key=update.key, lane=update.lane, payload=payload)
        return Parsed(update=update, events=tuple(channel.parse(raw)))

    def _inner(self, update: StoredUpdate, payload: Mapping[str, Any]) -> Parsed:
        hint = payload.get("ticket")
        if isinstance(hint, str):
            return Parsed(update=update, hint=hint)
        return Parsed(update=update, inner=read_inner(update.channel, payload))

    async def settled(self, group: Sequence[Parsed]) -> bool:
        """Whether updates can be answered without waiting for more: nobody waits where a person or a form listens."""
        event = group[0].event
        if event is not None and self._at_desk(event):
            return True
        talk = await self._conversations.get(group[0].update.lane)
        if talk is not None and talk.stage_at(self._clock.ms()) in _LISTENING:
            return True
        text = join(group).text
        front = self._front.talk()
        return front.calls_person(text) or front.settled(text)

    async def typing(self, parsed: Parsed) -> None:
        """Show that an answer is on its way, while more of the question is waited for. Losing this is harmless."""
        channel = self._channels[parsed.update.channel]
        if parsed.event is None or not channel.capabilities.typing:
            return
        chat = parsed.event.chat
        try:
            conversation = await self._conversations.get(str(chat))
            if conversation is not None and conversation.human_at(self._clock.ms()):
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

        Raises `StoreUnavailable` or `StoreConflict` with nothing changed, and so `StoreOutdated`, which says that it
        would be decided otherwise now.
        """
        first = group[0]
        if first.hint is not None:
            await self._people_of_ours.look(first.update.channel, first.hint)
            async with self._store.unit() as unit:
                unit.inbox.done(first.update.id, at=self._clock.ms())
            return
        if first.inner is not None:
            await self._handle_inner(first, first.inner)
            return
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
        record = Record(unit, self._promises, first.update.id, self._people_of_ours.orders)
        outcome, reason = SILENT, ""
        turn: Turn | None = None
        begun = False
        counted: list[str] = []
        try:
            for number, event in enumerate(first.events):
                self._observer.received(channel, type(event).__name__)
                if self._at_desk(event):
                    await self._people_of_ours.overheard(event)
                    outcome = "desk"
                    continue
                turn = await self._turn(first.update, event, turn)
                said = join(group) if len(group) > 1 else None
                joined = [one for parsed in group[1:] for one in parsed.events]
                before = turn.conversation
                response = await self._answering.respond(turn, [event, *joined], said, counted)
                if response is None:
                    continue
                response = await self._completed(response, turn, before)
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

    async def _completed(self, response: Response, turn: Turn, before: Conversation) -> Response:
        """The response with what has to be looked up for what it asks of our own people."""
        people = self._people_of_ours
        if people.opening is not None and (response.subject is not None or response.relays):
            group = turn.event.is_group
            response = await people.opening.completed(response, turn.lane, before, group=group)
        if response.request is not None:
            person = _person(turn)
            response = await people.requests.received(response, response.request, turn.lane, person)
        return response

    def _at_desk(self, event: Inbound) -> bool:
        """Whether it was said in the chat that is the helpdesk: the staff talks there, and the bot answers nobody."""
        return self._people_of_ours.resident == (event.chat.channel, event.chat.chat_id)

    async def _handle_inner(self, parsed: Parsed, event: Inner) -> None:
        """Do what follows from what the helpdesk, the clock or one of us has to say."""
        update = parsed.update
        turn = await self._inner_turn(update, event)
        found = await self._inside.respond(turn, self._answering.here(turn)) if turn is not None else None
        unit = self._store.unit()
        record = Record(unit, self._promises, update.id, self._people_of_ours.orders)
        outcome, begun = SILENT, False
        name = turn.channel.instance if turn is not None else update.channel
        try:
            if turn is not None and found is not None:
                response, doings = found
                outcome = response.outcome
                begun = bool(response.says) and await self._outlet.reserve(name, turn.lane)
                record.add_inner(turn, response, doings, begin=begun)
            unit.inbox.done(update.id, at=self._clock.ms())
            async with unit:
                pass
        except BaseException:
            if begun:
                self._outlet.cancel(name)
            raise
        self._committed([parsed], record, outcome, "")

    async def _inner_turn(self, update: StoredUpdate, event: Inner) -> InnerTurn | None:
        """None if the channel of that conversation is not configured any more."""
        try:
            chat = ChatRef.parse(update.lane)
        except ValueError as error:
            raise BadPayload(f"{update.lane!r} is no conversation") from error
        channel = self._channels.get(chat.channel)
        if channel is None:
            log.warning("inner.no_channel", channel=chat.channel, update_id=update.id)
            return None
        conversation = await self._conversations.get(update.lane) or EMPTY
        person = await self._people.get(conversation.person) if conversation.person is not None else None
        chosen = person.language if person is not None else None
        locale = person.locale if person is not None else None
        return InnerTurn(
            channel=channel,
            lane=update.lane,
            chat=chat,
            event=event,
            conversation=conversation,
            person=person,
            language=chosen or self._language_of(locale),
            now=self._clock.ms(),
        )

    def _committed(self, group: Sequence[Parsed], record: Record, outcome: str, reason: str) -> None:
        """Keep at hand what is durable now, and let the messages go."""
        update = group[0].update
        for lane, conversation in record.conversations:
            self._conversations.put(lane, conversation)
        for known in record.people:
            self._people.put(known.ref, known)
            self._person_changed(known.ref)
        for name, messages in record.outgoing.items():
            for outgoing in messages:
                outgoing.tenure = record.tenure
            self._outlet.accept(name, messages)
        seconds = (self._clock.ms() - update.received_at) / 1000
        self._observer.handled(update.channel, outcome, seconds)
        log.info(
            "update.handled",
            updates=len(group),
            outcome=outcome,
            **({"reason": reason} if reason else {}),
            messages=sum(map(len, record.outgoing.values())),
            duration_ms=round(seconds * 1000),
        )

    async def gone(self, lane: str) -> None:
        """Remember that nobody can be reached in this conversation."""
        person = await self._person_of(lane)
        if person is not None:
            async with self._store.unit() as unit:
                unit.history.person_gone(person, at=self._clock.ms())
            self._people.forget(person)
            self._person_changed(person)

    def forget(self, person: str | None = None) -> None:
        """Read a person (None: everything) from the store next time: another process has written it."""
        if person is not None:
            self._people.forget(person)
            return
        self._people.clear()
        self._conversations.clear()

    async def refusal(self, message: Outbound, lane: str) -> str | None:
        """Say why a promised message must not be sent any more, or None."""
        if message.guard is None:
            return None
        conversation = await self._conversations.get(lane)
        if conversation is None:
            return None
        if message.purpose is not Purpose.AGENT and conversation.human_at(self._clock.ms()):
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


def _person(turn: Turn) -> str:
    return f"{turn.channel.instance}:{turn.event.sender.external_id}"
