"""Transcripts: what was said in a talk, read from the store for a channel that shows it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import orjson
import structlog

from channels.codec import decode_outbound
from channels.contract import Channel
from channels.errors import BadPayload
from channels.model import ChatRef, Inbound, Past, RawUpdate, TextIn
from optfm_bot.store.contract import Store
from optfm_bot.store.records import Direction, OutboxRow, OutboxState, StoredUpdate, TurnRow

log = structlog.get_logger("optfm_bot.transcript")

_SHOWN = frozenset({"text", "action"})
_NEVER_SEEN = frozenset({OutboxState.DROPPED, OutboxState.FAILED})


class Transcripts:
    """Gives the last messages of a talk. `channels` are needed to read updates that nobody has handled yet.

    What the person wrote is there from the moment it was stored; what we promised, from the moment it was committed. A
    message that replaced another stands in its place, under the other's id. A button that was pressed is there with its
    words, once it was handled, unless all that it did was to turn a page: that shows itself.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.channels: Mapping[str, Channel] = {}

    async def __call__(self, chat: ChatRef, limit: int) -> Sequence[Past]:
        """Give at most `limit` messages, oldest first. Raises `StoreUnavailable`."""
        lane = str(chat)
        # Read first what moves on: an update that is handled meanwhile is found twice, and never not at all.
        waiting = await self._store.waiting(lane)
        turns = await self._store.turns(lane, limit=limit)
        promised = await self._store.promised([t.id for t in turns if t.direction is Direction.OUT])
        handled = {turn.inbox_id for turn in turns}
        unread = [past for update in waiting if update.id not in handled for past in self._unread(update)]
        return [*arranged(turns, promised), *unread][-limit:]

    def _unread(self, update: StoredUpdate) -> Sequence[Past]:
        channel = self.channels.get(update.channel)
        if channel is None:
            return ()
        try:
            raw = RawUpdate(key=update.key, lane=update.lane, payload=orjson.loads(update.payload))
            events: Sequence[Inbound] = channel.parse(raw)
        except (BadPayload, orjson.JSONDecodeError):  # it will be parked, and shown to an operator then
            return ()
        return [
            Past(id=event.message_id or event.event_id, at=event.at, text=event.text)
            for event in events
            if isinstance(event, TextIn)
        ]


def arranged(turns: Sequence[TurnRow], promised: Sequence[OutboxRow]) -> Sequence[Past]:
    """Put the turns of a talk and the messages that they became into one order, replacements in their places."""
    messages: dict[int, list[OutboxRow]] = {}
    for row in promised:
        if row.state not in _NEVER_SEEN and row.turn_id is not None:
            messages.setdefault(row.turn_id, []).append(row)
    answers: dict[int, list[OutboxRow]] = {}
    for row in promised:
        if row.inbox_id is not None:
            answers.setdefault(row.inbox_id, []).append(row)
    found: dict[str, Past] = {}
    for turn in turns:
        if turn.direction is Direction.IN:
            pressed = turn.kind == "action"
            turned = pressed and _turns_a_page(answers.get(turn.inbox_id or 0, ()))
            if turn.kind in _SHOWN and turn.text and not turned:
                past = Past(
                    id=turn.message_id or str(turn.id), at=_moment(turn.at), text=turn.text, pressed=pressed
                )
                found[f"in {past.id}"] = past
            continue
        for row in messages.get(turn.id, ()):
            _say(found, row)
    return list(found.values())


def _turns_a_page(answers: Sequence[OutboxRow]) -> bool:
    """Whether everything that was answered took the place of another message."""
    try:
        return bool(answers) and all(decode_outbound(row.message).replaces is not None for row in answers)
    except ValueError:  # told where it is shown
        return False


def _say(found: dict[str, Past], row: OutboxRow) -> None:
    try:
        message = decode_outbound(row.message)
    except ValueError as error:
        log.warning("transcript.unreadable", outbox_id=row.id, error=str(error))
        return
    known = found.get(f"out {message.replaces}")
    if known is not None:
        found[f"out {known.id}"] = replace(known, message=message)
        return
    found[f"out {row.id}"] = Past(id=str(row.id), at=_moment(row.created_at), message=message)


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
