"""Messages as a Telegram bot has them, as units of work for a store: taken in, answered, sent."""

from __future__ import annotations

from itertools import count

import orjson

from benchmarks.texts import different
from channels.body import parse_body, plain_text
from channels.codec import encode_outbound
from channels.model import ChatRef, Outbound
from faq.source import load_knowledge
from optfm_bot.clock import SystemClock
from optfm_bot.domain.conversation import Conversation, dump
from optfm_bot.ids import IdSource
from optfm_bot.knowledge import demo_knowledge
from optfm_bot.store.records import (
    ConversationRow,
    Direction,
    NewUpdate,
    OutboxRow,
    OutboxState,
    PersonRow,
    StoredUpdate,
    TurnRow,
)
from optfm_bot.store.sql import SqlStore
from optfm_bot.store.unit import UnitOfWork

CHANNEL = "telegram"
PER_CONVERSATION = 10
LEASE_MS = 60_000
_ENTRY = "delivery-cost"
"""What is answered: an entry of the built-in base."""


class Traffic:
    """Messages as a Telegram bot has them: who wrote, what, what is answered; ten to a conversation."""

    def __init__(self, store: SqlStore, clock: SystemClock, *, owner: str | None) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner
        self._ids = IdSource(clock.ms, 1)
        self._numbers = count(1)
        self._texts = different(512)
        entry = next(one for one in load_knowledge(demo_knowledge()).entries if one.id == _ENTRY)
        self._entry, self._said = entry, plain_text(parse_body(entry.answer))
        self.written = 0

    @staticmethod
    def chat(number: int) -> ChatRef:
        return ChatRef(channel=CHANNEL, chat_id=str(100_000_000 + number // PER_CONVERSATION))

    def update(self, number: int) -> NewUpdate:
        chat = self.chat(number)
        person = {
            "id": int(chat.chat_id), "is_bot": False, "first_name": "Анна", "username": "anna", "language_code": "ru",
        }  # fmt: skip
        message = {
            "message_id": number,
            "from": person,
            "chat": {"id": int(chat.chat_id), "first_name": "Анна", "username": "anna", "type": "private"},
            "date": self._clock.ms() // 1000,
            "text": self._texts[number % len(self._texts)],
        }
        payload = orjson.dumps({"update_id": number, "message": message})
        return NewUpdate(channel=CHANNEL, key=str(number), lane=str(chat), payload=payload)

    # -- units, recorded but not committed -----------------------------------------------------------------

    def take_in(self, *, owned: bool = True) -> UnitOfWork:
        """One update, as a webhook brings it."""
        unit, now = self._store.unit(), self._clock.ms()
        owner, until = (self._owner or "main", now + LEASE_MS) if owned else (None, 0)
        unit.inbox.add(self.update(next(self._numbers)), received_at=now, owner=owner, lease_until=until)
        return unit

    def answer(self, update: StoredUpdate) -> tuple[UnitOfWork, int]:
        """What one handled update writes, and the id of the message that it promises."""
        unit, now, lane = self._store.unit(), self._clock.ms(), update.lane
        number = int(update.key)
        asked, said, promised = self._ids.next(), self._ids.next(), self._ids.next()
        person = f"{CHANNEL}:{self.chat(number).chat_id}"
        if number % PER_CONVERSATION == 0:
            unit.history.save_person(
                PersonRow(
                    ref=person, channel=CHANNEL, external_id=person.partition(":")[2], display_name="Анна",
                    locale="ru", language="ru", first_seen_at=now, last_seen_at=now,
                )
            )  # fmt: skip
        turn = TurnRow(
            id=asked, lane=lane, direction=Direction.IN, kind="text", text=self._texts[number % len(self._texts)],
            at=now, person=person, message_id=str(number), inbox_id=update.id,
        )  # fmt: skip
        unit.history.add_turn(turn)
        message = Outbound(chat=self.chat(number), body=parse_body(self._entry.answer), guard="reachable")
        unit.history.add_turn(
            TurnRow(
                id=said, lane=lane, direction=Direction.OUT, kind="answer", text=self._said, at=now,
                inbox_id=update.id, entry_id=self._entry.id, entry_version=self._entry.version, score=0.93,
            )
        )  # fmt: skip
        unit.outbox.add(
            OutboxRow(
                id=promised, channel=CHANNEL, lane=lane, message=encode_outbound(message), purpose="answer",
                created_at=now, inbox_id=update.id, turn_id=said, state=OutboxState.SENDING,
            )
        )  # fmt: skip
        state = dump(Conversation(person=person))
        unit.history.save_conversation(
            ConversationRow(lane=lane, channel=CHANNEL, state=state, updated_at=now)
        )
        unit.inbox.done(update.id, at=now)
        return unit, promised

    def sent(self, promised: int) -> UnitOfWork:
        """The outcome of one call."""
        unit = self._store.unit()
        ids = orjson.dumps([str(promised % 1_000_000)]).decode()
        unit.outbox.sent(promised, external_ids=ids, degraded=None, at=self._clock.ms())
        self.written += 1
        return unit
