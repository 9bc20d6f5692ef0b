"""The fixed door of matching: what goes to a matcher and a policy, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a person asked. `context` holds earlier messages of the same talk, newest last."""

    text: str
    context: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which entries may answer; an empty set sets no limit."""

    categories: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()


EVERYTHING = Scope()


class Via(StrEnum):
    """What of an entry matched."""

    QUESTION = "question"
    ALIAS = "alias"
    KEYWORD = "keyword"


class How(StrEnum):
    """How a word of the message was found."""

    EXACT = "exact"
    SYNONYM = "synonym"
    RELATED = "related"
    """A longer or shorter form of the same root."""
    TYPO = "typo"
    MEANING = "meaning"
    """Another word of like meaning; `found` is empty, the entry has it in some phrasing."""
    ANSWER = "answer"
    """Only the text of the answer has the word."""


@dataclass(frozen=True, slots=True)
class WordMatch:
    """A word of the message and the stem of the entry (`found`) that supports it (`similarity` up to 1)."""

    word: str
    found: str
    how: How
    similarity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why a candidate has its score.

    `phrase` is the best phrasing and `via` its kind; `message_coverage` is the rarity-weighted share of the
    message that the phrasing explains, `phrase_coverage` the share of the phrasing that the message names.
    `missing` are the words of the message that nothing in the entry supports, and `gap` is the weight of the
    rarest of them (0…1). `subjects` counts the words with a meaning of their own that a phrasing of the entry
    supports, and `support` is the rarity of the rarest of them.
    """

    phrase: str
    via: Via
    exact: bool = False
    message_coverage: float = 0.0
    phrase_coverage: float = 0.0
    matched: tuple[WordMatch, ...] = ()
    missing: tuple[str, ...] = ()
    subjects: int = 0
    support: float = 0.0
    gap: float = 0.0
    features: Mapping[str, float] = field(default_factory=dict, repr=False)
    """What the matcher measured, by name; empty for a whole phrasing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An entry that may answer, with a score from 0 to 1."""

    entry_id: str
    score: float
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to read a message: its name, the text that is left of it, and the words that count."""

    name: str
    text: str
    words: tuple[str, ...]
    sense: float = 1.0
    """How much sense it makes as words of the base or the language; the likeliest reading was chosen."""
    language: str = ""
    """The language of most of its words: `ru`, `en`, or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Why the best candidate is as sure as it is: log odds by feature (they add up with `bias`), the largest first.

    `chat` is the phrase of small talk that the message resembles most, `chat_likeness` how much (0…1).
    """

    contributions: Mapping[str, float]
    bias: float
    confidence: float
    chat: str = ""
    chat_likeness: float = 0.0


class Outcome(StrEnum):
    """What to do with a message."""

    ANSWER = "answer"
    CLARIFY = "clarify"
    """Offer the candidates."""
    ADMIT = "admit"
    """Say that we do not know."""


class Reason(StrEnum):
    """Why a decision fell as it did."""

    EXACT = "exact"
    GOOD = "good"
    SHARED = "shared"
    """Several entries own this very phrasing."""
    CLOSE = "close"
    MIDDLING = "middling"
    MESSAGE_UNEXPLAINED = "message-unexplained"
    FRAGMENT = "fragment"
    """The message asks and names no subject of the entry: «сколько стоит»."""
    STRANGER = "stranger"
    """One word fits, and the heaviest of the others has no support at all."""
    LOW = "low"
    NOTHING = "nothing"
    FOLLOW_UP = "follow-up"
    """Alone the message says too little; together with the last question it is an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An outcome with its candidates, best first. `entry_id` is set for an answer only."""

    outcome: Outcome
    entry_id: str | None = None
    candidates: tuple[Candidate, ...] = ()
    reason: str = ""


class Matcher(Protocol):
    """Ranks the entries of one base."""

    def rank(self, query: Query, *, scope: Scope = EVERYTHING, limit: int = 5) -> Sequence[Candidate]:
        """The best entries first, at most `limit`. Deterministic, ties in file order; never raises."""


@runtime_checkable
class ExactMatcher(Protocol):
    """The power to find whole phrasings at once; the manager asks for it before it ranks."""

    def exact(self, text: str, *, scope: Scope = EVERYTHING) -> Sequence[Candidate]:
        """The entries that own this very phrasing, in their order; empty if there is none."""


@runtime_checkable
class ReadingMatcher(Protocol):
    """The power to tell how a message was read; explanations show it."""

    def readings(self, text: str) -> Sequence[Reading]:
        """The readings that were tried, the chosen one first."""


@runtime_checkable
class JudgingMatcher(Protocol):
    """The power to tell what a confidence is made of; explanations show it."""

    def judge(self, text: str, *, scope: Scope = EVERYTHING) -> Judgement | None:
        """What spoke for and against the best entry; None if there is none."""


class Policy(Protocol):
    """Makes a decision out of ranked candidates."""

    def decide(self, candidates: Sequence[Candidate]) -> Decision:
        """Answer, clarify with up to three candidates, or admit. Pure."""
