"""What the bot wants to say and remember, before it has ids, tokens and a place in the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from channels.model import Body, Media, Purpose
from channels.values import dataclass
from faq.parts import Part
from optfm_bot.domain.choices import Choice, KeptChoice
from optfm_bot.domain.conversation import Conversation
from optfm_bot.domain.handoff import Cue


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """One message: words, buttons in rows, and what it is for. `kind` names it in the history.

    `spoken` is said instead of words and buttons where there are no buttons, and numbers must not stand for them.
    """

    kind: str
    body: Body
    choices: tuple[tuple[Choice, ...], ...] = ()
    spoken: Body | None = None
    purpose: Purpose = Purpose.NOTICE
    media: tuple[Media, ...] = ()
    reply_to: str | None = None
    replaces: str | None = None
    entry_id: str | None = None
    entry_version: str | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What a person thinks of an answer: of which message, 1 or -1, and of which version of which entry."""

    turn_id: int
    value: int
    entry_id: str
    entry_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A text that waits for the owner of the base, with the entries that came nearest."""

    text: str = field(repr=False)
    none_of_these: bool = False
    candidates: Sequence[tuple[str, float]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """What the ticket of the conversation is to hear. `purpose` is `CUSTOMER`, `NOTE` or `CLOSE`.

    `by` is the member of a group who said it; a talk with one person needs no name.
    """

    purpose: Purpose
    text: str = field(default="", repr=False)
    media: tuple[Media, ...] = ()
    by: str = field(default="", repr=False)

    @property
    def signed(self) -> str:
        """The text as agents read it: with the name before it, if there is one."""
        return f"{self.by}: {self.text}".rstrip() if self.by else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An answer that a person of ours gave to a question that the bot did not know; `source` names where."""

    question: str = field(repr=False)
    answer: str = field(repr=False)
    source: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    """What a person asked for with a form: the answers by the names of its steps, and what people call it by."""

    id: int
    number: str
    form: str
    fields: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A request that the person takes back: its id, and the moment (ms) of its last change when that was decided."""

    id: int
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """Everything that follows from one message of a person. `outcome` names it for metrics and the log."""

    outcome: str
    conversation: Conversation
    says: tuple[Say, ...] = ()
    missed: Missed | None = None
    opinion: Opinion | None = None
    language: str | None = None
    """A language the person has just chosen."""
    parts: tuple[Part, ...] = ()
    """How a question was understood: what it asked, with the decision over each part of it."""
    cue: Cue | None = None
    """What the talk wants of people: a person is asked for, the bot is stuck, a form begins."""
    form: str | None = None
    """The form that begins."""
    subject: str | None = field(default=None, repr=False)
    """There is to be a new ticket, about this."""
    relays: tuple[Relay, ...] = ()
    alarms: Mapping[str, int | None] = field(default_factory=dict)
    """What is to happen in this conversation later, by name: when (ms), or None for not any more."""
    chosen: KeptChoice | None = None
    """The choice that the message was: a button that was pressed, or the number or the words typed for it."""
    found: Found | None = None
    request: NewRequest | None = None
    assignee: str = ""
    """Which of us looks after the request; empty: nobody yet."""
    told: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Who of us is told of it: names of targets, and the text for each."""
    withdrawn: Withdrawn | None = None
    """The request that the person takes back."""

    @property
    def reason(self) -> str:
        """Why a question was answered as it was, part by part; empty for anything that is no question."""
        return ", ".join(part.decision.reason for part in self.parts)
