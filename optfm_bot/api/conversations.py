"""Who has the word in a conversation, by REST: to look at, and to change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

import orjson
import structlog

from channels.errors import BadPayload
from channels.model import ChatRef
from optfm_bot.api.call import Answer, Call
from optfm_bot.api.idempotency import fingerprint_of, key_of
from optfm_bot.api.people_models import ChangeStage, ConversationView, StageAccepted, StageAction, moment
from optfm_bot.api.refusals import Refusal
from optfm_bot.api.tickets import ticket_view
from optfm_bot.clock import Clock
from optfm_bot.dispatch.inner import STAFF, StaffIn, read_inner, staff_update
from optfm_bot.domain.conversation import Conversation, load
from optfm_bot.domain.handoff import Cue, Stage, move
from optfm_bot.errors import StoreConflict
from optfm_bot.house import House
from optfm_bot.ids import short
from optfm_bot.store.records import IdempotencyRow, StoredUpdate

log = structlog.get_logger("optfm_bot.api")

_CUES: Mapping[StageAction, Cue] = {
    StageAction.TAKE_OVER: Cue.TAKEN_OVER,
    StageAction.PAUSE: Cue.HELD,
    StageAction.RESUME: Cue.RELEASED,
}
_REPEAT_MS = 60 * 60 * 1000
"""For how long a repeated request finishes one that broke off between its key and its event. Far below the day for
which the inbox keeps what it refuses doubles by: an old key must not bring an old event again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A conversation that there is."""

    chat: ChatRef
    talk: Conversation
    updated_at: int

    @property
    def lane(self) -> str:
        return str(self.chat)


class ConversationDesk:
    """Shows who has the word, and stores what one of us does about it as an event of the conversation.

    `new_id` names events.
    """

    def __init__(self, house: House, clock: Clock, new_id: Callable[[], int]) -> None:
        self._house = house
        self._clock = clock
        self._new_id = new_id

    async def look(self, call: Call) -> Answer:
        """Show a conversation as it is now."""
        known = await self._known(call)
        talk = _present(known.talk, self._clock.ms())
        ticket = await self._house.store.ticket(talk.ticket) if talk.ticket is not None else None
        return Answer(
            body=ConversationView(
                chat=known.lane,
                channel=known.chat.channel,
                person=talk.person,
                stage=talk.stage,
                until=moment(talk.stage_until) if talk.stage_until else None,
                by=talk.stage_by,
                waiting_since=moment(talk.waiting) if talk.waiting else None,
                ticket=None if ticket is None else ticket_view(ticket),
                updated_at=moment(known.updated_at),
            )
        )

    async def change(self, call: Call) -> Answer:
        """Store what one of us does; the answer goes out after the commit, and tells the stage that follows.

        A key is written down first, with the id of the event, and the event is named by that id: whoever repeats the
        request stores the same event, and the inbox takes it once.
        """
        known = await self._known(call)
        if known.chat.channel not in self._house.channels:
            raise Refusal("no_channel", channel=known.chat.channel)
        wanted = call.read(ChangeStage)
        row, replayed = await self._key(call, known.lane, wanted)
        if not replayed or self._clock.ms() - row.at < _REPEAT_MS:
            update = staff_update(
                short(row.turn_id), known.lane, _CUES[wanted.action], by=wanted.by or call.client
            )
            await self._house.intake.receive(STAFF, [update])
        log.info(
            "api.stage",
            channel=known.chat.channel,
            client=call.client,
            action=wanted.action.value,
            event_id=short(row.turn_id),
            replayed=replayed,
        )
        headers = {"Location": f"/api/conversations/{quote(known.lane, safe=':')}"}
        if replayed:
            headers["Idempotent-Replayed"] = "true"
        body = StageAccepted(chat=known.lane, action=wanted.action, stage=await self._coming(known.lane))
        return Answer(body=body, headers=headers)

    async def _known(self, call: Call) -> _Known:
        try:
            chat = ChatRef.parse(call.places["chat"])
        except ValueError:
            raise Refusal("no_conversation") from None
        lane = str(chat)
        rows = await self._house.store.conversations([lane]) if lane.isprintable() else {}
        if lane not in rows:
            raise Refusal("no_conversation")
        return _Known(chat=chat, talk=load(rows[lane].state), updated_at=rows[lane].updated_at)

    async def _key(self, call: Call, lane: str, wanted: ChangeStage) -> tuple[IdempotencyRow, bool]:
        """What this request stands for, and whether it was made before. Raises `Refusal` if its key was another's."""
        row = IdempotencyRow(
            token_id=call.token.id if call.token is not None else 0,
            key=key_of(call),
            fingerprint=fingerprint_of(f"stage of {lane}", wanted),
            turn_id=self._new_id(),
            at=self._clock.ms(),
        )
        if not row.key:
            return row, False
        store = self._house.store
        earlier = await store.idempotency(row.token_id, row.key)
        if earlier is None:
            try:
                async with store.unit() as unit:
                    unit.api.add_idempotency(row)
            except StoreConflict:
                earlier = await store.idempotency(row.token_id, row.key)
                if earlier is None:
                    raise
        if earlier is None:
            return row, False
        if earlier.fingerprint != row.fingerprint:
            raise Refusal("key_reused")
        return earlier, True

    async def _coming(self, lane: str) -> Stage:
        """The stage once everything that our people have done is done.

        What waits is read before the state: what is handled in between is then counted twice, which changes nothing,
        and never missed.
        """
        waiting = await self._house.store.waiting(lane)
        row = (await self._house.store.conversations([lane]))[lane]
        stage = load(row.state).stage_at(self._clock.ms())
        for update in waiting:
            cue = _cue(update)
            if cue is not None:
                stage = move(stage, cue).stage
        return stage


def _present(talk: Conversation, now: int) -> Conversation:
    """The conversation as it is now: its stage may have lapsed without anybody having noticed."""
    if talk.stage_at(now) is talk.stage:
        return talk
    return replace(talk.moved(Cue.LAPSED)[0], waiting=0)


def _cue(update: StoredUpdate) -> Cue | None:
    if update.channel != STAFF:
        return None
    try:
        event = read_inner(STAFF, orjson.loads(update.payload))
    except (BadPayload, orjson.JSONDecodeError):
        return None  # its own turn will park it, where an operator sees it
    return event.cue if isinstance(event, StaffIn) else None
