"""Who speaks with a customer: the stages of a conversation between the bot and people, as one pure table.

The table is total: each stage knows what follows from each cue. What is not written in it changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class Stage(StrEnum):
    """Who has the word."""

    BOT = "bot"
    OFFERED = "offered"
    """The bot has offered to call a person."""
    QUEUED = "queued"
    """A person was asked for; nobody has answered yet."""
    HUMAN = "human"
    """A person of ours is talking here."""
    WRAPPED = "wrapped"
    """The person of ours has finished."""
    FORM = "form"
    """A form is being filled in."""
    PAUSED = "paused"
    """One of us has told the bot to be silent here."""


class Cue(StrEnum):
    """What happened."""

    SPOKE = "spoke"
    """The customer wrote, sent or pressed something."""
    ASKED = "asked"
    """The customer wants a person."""
    DECLINED = "declined"
    """The customer wants no person."""
    CANCELLED = "cancelled"
    """The customer takes back what they began."""
    STUCK = "stuck"
    """The bot had no answer, again."""
    LEFT = "left"
    """The customer has blocked the bot."""
    FORM_BEGUN = "form_begun"
    FORM_OVER = "form_over"
    REPLIED = "replied"
    """An agent answered."""
    TOOK = "took"
    """An agent has taken the ticket."""
    CLOSED = "closed"
    """The ticket was closed."""
    REOPENED = "reopened"
    REMOVED = "removed"
    """The ticket was deleted."""
    SPAM = "spam"
    """The ticket was marked as spam."""
    OWNER_WROTE = "owner_wrote"
    """One of us wrote from the messenger itself."""
    TAKEN_OVER = "taken_over"
    """One of us takes the talk over on the admin page."""
    HELD = "held"
    """One of us tells the bot to be silent."""
    RELEASED = "released"
    """One of us lets the bot speak again."""
    DOWN = "down"
    """The helpdesk cannot be reached; what it is to hear waits."""
    LATE = "late"
    """Nobody has answered for the time that was promised."""
    SILENT = "silent"
    """The person who was talking has not answered for hours."""
    LAPSED = "lapsed"
    """The stage has lasted as long as it may."""


class Effect(StrEnum):
    """What follows, besides the next stage."""

    ANSWER = "answer"
    """The bot answers."""
    COMMANDS = "commands"
    """The bot answers exact commands, and nothing else."""
    STEP = "step"
    """The form goes on."""
    OPEN = "open"
    """There is to be a ticket."""
    RELAY = "relay"
    """The ticket hears what the customer said, if there is a ticket."""
    INTRODUCE = "introduce"
    """The customer hears that a person speaks, unless the person's name says so."""
    FORWARD = "forward"
    """The customer hears what the agent said."""
    CLOSE = "close"
    """The ticket is not needed any more."""
    NOTE_LEFT = "note_left"
    """The agent is told that the customer cannot be reached."""
    OFFER = "offer"
    TELL_QUEUED = "tell_queued"
    TELL_STILL_QUEUED = "tell_still_queued"
    TELL_JOINED = "tell_joined"
    TELL_CLOSED = "tell_closed"
    TELL_DOWN = "tell_down"
    TELL_LATE = "tell_late"
    TELL_SILENT = "tell_silent"
    TELL_DECLINED = "tell_declined"
    TELL_CANCELLED = "tell_cancelled"
    TELL_NOTHING = "tell_nothing"
    """There is nothing to cancel."""
    TELL_FORM_CANCELLED = "tell_form_cancelled"
    TELL_FORM_EXPIRED = "tell_form_expired"


class Move(NamedTuple):
    """The next stage, and what follows besides."""

    stage: Stage
    effects: tuple[Effect, ...] = ()


BOT, OFFERED, QUEUED, HUMAN, WRAPPED, FORM, PAUSED = Stage
_E = Effect

_ASK = Move(QUEUED, (_E.OPEN, _E.TELL_QUEUED))
_TABLE: Mapping[Cue, Mapping[Stage, Move]] = {
    Cue.SPOKE: {
        BOT: Move(BOT, (_E.ANSWER,)),
        OFFERED: Move(BOT, (_E.ANSWER,)),
        QUEUED: Move(QUEUED, (_E.RELAY, _E.COMMANDS)),
        HUMAN: Move(HUMAN, (_E.RELAY,)),
        WRAPPED: Move(BOT, (_E.ANSWER,)),
        FORM: Move(FORM, (_E.STEP,)),
        PAUSED: Move(PAUSED, (_E.RELAY,)),
    },
    Cue.ASKED: {
        BOT: _ASK,
        OFFERED: _ASK,
        QUEUED: Move(QUEUED, (_E.RELAY, _E.TELL_STILL_QUEUED)),
        HUMAN: Move(HUMAN, (_E.RELAY,)),
        WRAPPED: _ASK,
        FORM: _ASK,
        PAUSED: Move(PAUSED, (_E.RELAY,)),
    },
    Cue.DECLINED: {
        BOT: Move(BOT, (_E.TELL_DECLINED,)),
        OFFERED: Move(BOT, (_E.TELL_DECLINED,)),
        QUEUED: Move(QUEUED, (_E.RELAY,)),
        HUMAN: Move(HUMAN, (_E.RELAY,)),
        WRAPPED: Move(BOT, (_E.TELL_DECLINED,)),
        PAUSED: Move(PAUSED, (_E.RELAY,)),
    },
    Cue.CANCELLED: {
        BOT: Move(BOT, (_E.TELL_NOTHING,)),
        OFFERED: Move(BOT, (_E.TELL_DECLINED,)),
        QUEUED: Move(BOT, (_E.CLOSE, _E.TELL_CANCELLED)),
        HUMAN: Move(HUMAN, (_E.RELAY,)),
        WRAPPED: Move(BOT, (_E.TELL_NOTHING,)),
        FORM: Move(BOT, (_E.TELL_FORM_CANCELLED,)),
        PAUSED: Move(PAUSED, (_E.RELAY,)),
    },
    Cue.STUCK: {
        BOT: Move(OFFERED, (_E.OFFER,)),
        OFFERED: Move(OFFERED, (_E.OFFER,)),
        WRAPPED: Move(OFFERED, (_E.OFFER,)),
    },
    Cue.LEFT: {
        OFFERED: Move(BOT),
        QUEUED: Move(QUEUED, (_E.NOTE_LEFT,)),
        HUMAN: Move(HUMAN, (_E.NOTE_LEFT,)),
        FORM: Move(BOT),
    },
    Cue.FORM_BEGUN: {
        BOT: Move(FORM),
        OFFERED: Move(FORM),
        QUEUED: Move(FORM),
        HUMAN: Move(HUMAN, (_E.RELAY,)),
        WRAPPED: Move(FORM),
        FORM: Move(FORM, (_E.STEP,)),
        PAUSED: Move(PAUSED, (_E.RELAY,)),
    },
    Cue.FORM_OVER: {FORM: Move(BOT)},
    Cue.REPLIED: {
        **{stage: Move(HUMAN, (_E.INTRODUCE, _E.FORWARD)) for stage in Stage},
        HUMAN: Move(HUMAN, (_E.FORWARD,)),
        PAUSED: Move(PAUSED, (_E.FORWARD,)),
    },
    Cue.TOOK: {OFFERED: Move(HUMAN, (_E.TELL_JOINED,)), QUEUED: Move(HUMAN, (_E.TELL_JOINED,))},
    Cue.CLOSED: {
        OFFERED: Move(BOT),
        QUEUED: Move(WRAPPED, (_E.TELL_CLOSED,)),
        HUMAN: Move(WRAPPED, (_E.TELL_CLOSED,)),
    },
    Cue.REOPENED: {WRAPPED: Move(HUMAN)},
    Cue.REMOVED: {
        OFFERED: Move(BOT),
        QUEUED: Move(BOT, (_E.TELL_CLOSED,)),
        HUMAN: Move(BOT, (_E.TELL_CLOSED,)),
        WRAPPED: Move(BOT),
    },
    Cue.SPAM: {stage: Move(BOT) for stage in (OFFERED, QUEUED, HUMAN, WRAPPED)},
    Cue.OWNER_WROTE: {stage: Move(HUMAN) for stage in Stage if stage is not PAUSED},
    Cue.TAKEN_OVER: {stage: Move(HUMAN) for stage in Stage},
    Cue.HELD: {stage: Move(PAUSED) for stage in Stage},
    Cue.RELEASED: {stage: Move(BOT) for stage in (QUEUED, HUMAN, PAUSED)},
    Cue.DOWN: {QUEUED: Move(QUEUED, (_E.TELL_DOWN,))},
    Cue.LATE: {QUEUED: Move(QUEUED, (_E.TELL_LATE,))},
    Cue.SILENT: {HUMAN: Move(OFFERED, (_E.TELL_SILENT,))},
    Cue.LAPSED: {
        OFFERED: Move(BOT),
        QUEUED: Move(BOT),
        HUMAN: Move(BOT),
        WRAPPED: Move(BOT),
        FORM: Move(BOT, (_E.TELL_FORM_EXPIRED,)),
        PAUSED: Move(BOT),
    },
}

MOVES: Mapping[tuple[Stage, Cue], Move] = MappingProxyType(
    {(stage, cue): _TABLE[cue].get(stage, Move(stage)) for stage in Stage for cue in Cue}
)
"""What follows, for every pair."""

HUMANS = frozenset({HUMAN, PAUSED})
"""Stages in which nothing of the bot's own is said."""


def move(stage: Stage, cue: Cue) -> Move:
    """What follows from a cue in a stage."""
    return MOVES[stage, cue]
