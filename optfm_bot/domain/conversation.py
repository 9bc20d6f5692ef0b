"""What a conversation remembers between two messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields
from typing import Any, NamedTuple

import orjson

from channels.values import dataclass, replace
from optfm_bot.domain.handoff import HUMANS, Cue, Move, Stage, move

REMEMBER_CHOICES_MS = 60 * 60 * 1000
"""How long a number typed instead of a button press still means the button."""

_KEPT_RATINGS = 5
_KEPT_TOPIC = 200
"""Characters of the question that led to the topic."""


class Topic(NamedTuple):
    """What is talked about: the entry that was answered last (None: nothing is), in which words it was asked, when."""

    entry: str | None = None
    text: str = ""
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """The state of one conversation.

    `offered` is the history id of the last message with choices, and `offered_until` (ms) how long a typed number still
    picks one. `admitted` counts answers in a row that we did not have. `asked` is the platform id of the last question,
    `asked_text` its words and `asked_entry` what answered it, for the case that it is edited. `topic` is the entry that
    was answered last, `topic_text` the question that led to it (empty for a button) and `topic_at` (ms) when: a short
    follow-up continues it. `album` is the last group
    of pictures that got a reply. `rated` holds the last opinions as (history id, value). `person` is who the
    conversation is with, None in groups.

    `stage` says who has the word, `stage_until` (ms, 0: for as long as it takes) until when, `stage_by` which of us:
    `desk`, `owner` or `admin`. `ticket` is our id of the ticket at the helpdesk, `ticket_closed` (ms) when it was
    closed there. `waiting` is since when (ms, 0: they do not) the customer waits for a person's word. `form` is the
    form that is being filled in, as its module writes it; `left` is one that has expired and can be gone on with until
    `left_until` (ms).
    """

    person: str | None = None
    offered: int | None = None
    offered_until: int = 0
    admitted: int = 0
    asked: str | None = None
    asked_text: str = field(default="", repr=False)
    asked_at: int = 0
    asked_entry: str | None = None
    topic: str | None = None
    topic_text: str = field(default="", repr=False)
    topic_at: int = 0
    album: str | None = None
    rated: tuple[tuple[int, int], ...] = ()
    stage: Stage = Stage.BOT
    stage_until: int = 0
    stage_by: str = ""
    ticket: int | None = None
    ticket_closed: int = 0
    waiting: int = 0
    form: Mapping[str, Any] | None = field(default=None, repr=False)
    left: Mapping[str, Any] | None = field(default=None, repr=False)
    left_until: int = 0

    def stage_at(self, now: int) -> Stage:
        """The stage at a moment: one that has lasted long enough has lapsed, whether anybody noticed or not."""
        if self.stage_until and now >= self.stage_until:
            return move(self.stage, Cue.LAPSED).stage
        return self.stage

    def human_at(self, now: int) -> bool:
        """Whether one of us has the word at a moment, so that the bot has to be silent."""
        return self.stage_at(now) in HUMANS

    @property
    def form_until(self) -> int:
        """When (ms) the form has waited, or what is left of it was kept, for long enough; 0 without one."""
        if self.stage is Stage.FORM:
            return self.stage_until
        return self.left_until if self.left is not None else 0

    def moved(self, cue: Cue, *, until: int = 0, by: str = "") -> tuple[Conversation, Move]:
        """The conversation after a cue, and what else follows. `until` and `by` are those of a stage that begins."""
        step = move(self.stage, cue)
        if step.stage is self.stage:
            return self, step
        form = self.form if step.stage is Stage.FORM else None
        return replace(self, stage=step.stage, stage_until=until, stage_by=by, form=form), step

    def asking(
        self, message_id: str | None, text: str, at: int, *, entry: str | None, admitted: int, topic: Topic
    ) -> Conversation:
        """The conversation after a question that this entry answered (None: none did), and what it is about now."""
        return replace(  # one copy for both, as this stands on the way of every question
            self,
            asked=message_id,
            asked_text=text,
            asked_at=at,
            asked_entry=entry,
            admitted=admitted,
            topic=topic.entry,
            topic_text=topic.text[:_KEPT_TOPIC],
            topic_at=topic.at,
        )

    def about(self, topic: Topic) -> Conversation:
        """The conversation about something else."""
        return replace(self, topic=topic.entry, topic_text=topic.text[:_KEPT_TOPIC], topic_at=topic.at)

    def with_rating(self, turn_id: int, value: int) -> tuple[tuple[int, int], ...]:
        """The last opinions with this one among them."""
        others = tuple(pair for pair in self.rated if pair[0] != turn_id)
        return (*others[-(_KEPT_RATINGS - 1) :], (turn_id, value))


EMPTY = Conversation()
_STAGES = {stage.value: stage for stage in Stage}
_DEFAULTS = {one.name: getattr(EMPTY, one.name) for one in fields(Conversation)}


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
    if "stage" in known:
        # A stage of a newer release: whoever has the word there, it is safer to be silent.
        known["stage"] = _STAGES.get(known["stage"], Stage.PAUSED)
    return Conversation(**known)
