"""What a conversation remembers between two messages."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import orjson

REMEMBER_CHOICES_MS = 60 * 60 * 1000
"""How long a number typed instead of a button press still means the button."""

_KEPT_RATINGS = 5
_KEPT_TOPIC = 200
"""Characters of the question that led to the topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """The state of one conversation.

    `offered` is the history id of the last message with choices, and `offered_until` (ms) how long a typed number still
    picks one. `admitted` counts answers in a row that we did not have. `asked` is the platform id of the last question,
    `asked_text` its words and `asked_entry` what answered it, for the case that it is edited. `topic` is the entry that
    was answered last, `topic_text` the question that led to it (empty for a button) and `topic_at` (ms) when: a short
    follow-up continues it. `album` is the last group
    of pictures that got a reply. `rated` holds the last opinions as (history id, value). `person` is who the
    conversation is with, None in groups. `owner_at` is when (ms) one of our own people last wrote here themselves.
    """

    person: str | None = None
    offered: int | None = None
    offered_until: int = 0
    admitted: int = 0
    asked: str | None = None
    asked_text: str = ""
    asked_at: int = 0
    asked_entry: str | None = None
    topic: str | None = None
    topic_text: str = ""
    topic_at: int = 0
    album: str | None = None
    rated: tuple[tuple[int, int], ...] = ()
    owner_at: int = 0

    def owner_present(self, now: int, pause_ms: int) -> bool:
        """Whether one of our own people is talking here, so that the bot has to be silent."""
        return bool(self.owner_at) and now - self.owner_at < pause_ms

    def asking(
        self, message_id: str | None, text: str, at: int, *, entry: str | None, admitted: int
    ) -> Conversation:
        """The conversation after a question that this entry answered (None: none did)."""
        return replace(
            self, asked=message_id, asked_text=text, asked_at=at, asked_entry=entry, admitted=admitted
        )

    def about(self, entry: str | None, text: str, at: int) -> Conversation:
        """The conversation with this entry as its topic, asked for in these words (None: nothing is talked about)."""
        return replace(self, topic=entry, topic_text=text[:_KEPT_TOPIC], topic_at=at)

    def with_rating(self, turn_id: int, value: int) -> tuple[tuple[int, int], ...]:
        """The last opinions with this one among them."""
        others = tuple(pair for pair in self.rated if pair[0] != turn_id)
        return (*others[-(_KEPT_RATINGS - 1) :], (turn_id, value))


EMPTY = Conversation()
_DEFAULTS = {field.name: getattr(EMPTY, field.name) for field in fields(Conversation)}


def dump(conversation: Conversation) -> str:
    """Write what differs from an empty conversation, as JSON."""
    changed: dict[str, Any] = {}
    for name, default in _DEFAULTS.items():
        value = getattr(conversation, name)
        if value != default:
            changed[name] = value
    return orjson.dumps(changed).decode()


def load(text: str) -> Conversation:
    """Read what `dump` wrote, also by an older or newer version: unknown fields are dropped, missing ones are empty."""
    found = orjson.loads(text)
    known = {name: found[name] for name in _DEFAULTS if name in found}
    if "rated" in known:
        known["rated"] = tuple((int(turn), int(value)) for turn, value in known["rated"])
    return Conversation(**known)
