"""What the bot wants to say and remember, before it has ids, tokens and a place in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from channels.model import Body, Media, Purpose
from faq.parts import Part
from optfm_bot.domain.choices import Choice
from optfm_bot.domain.conversation import Conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """One message: words, buttons in rows, and what it is for. `kind` names it in the history."""

    kind: str
    body: Body
    choices: tuple[tuple[Choice, ...], ...] = ()
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

    @property
    def reason(self) -> str:
        """Why a question was answered as it was, part by part; empty for anything that is no question."""
        return ", ".join(part.decision.reason for part in self.parts)
