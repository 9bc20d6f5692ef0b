"""What a matcher did with one labelled question, and whether that was right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from faq.contract import Candidate, Decision, Outcome
from faq.quality.labelled import LabelledQuestion


class Answering(Protocol):
    """What can be measured; `FaqManager` is one."""

    def decide(self, text: str) -> Decision:
        """Answer, clarify or admit."""

    def rank(self, text: str, limit: int = 5) -> Sequence[Candidate]:
        """The best entries first; the score of the first is how sure it is right."""


class Verdict(StrEnum):
    """What became of a question. A foreign one is never `correct` nor `offered`."""

    CORRECT = "correct"
    WRONG = "wrong"
    """Another entry answered, or anybody answered a foreign question."""
    OFFERED = "offered"
    """Asked back with a right entry among the offers."""
    MISOFFERED = "misoffered"
    """Asked back without one."""
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Ranked:
    """An entry in a ranking, with its score."""

    entry_id: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A question with its ranking and its decision.

    `answer` is the entry that answered, if one did, and `certainty` its score; `offered` are the entries that
    were offered instead. `seconds` is how long the decision took.
    """

    question: LabelledQuestion
    ranked: tuple[Ranked, ...] = ()
    answer: str | None = None
    certainty: float = 0.0
    offered: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def confidence(self) -> float:
        """The score of the first entry; 0 without one."""
        return self.ranked[0].score if self.ranked else 0.0

    @property
    def first_is_right(self) -> bool:
        """Whether the best entry is one of those that answer."""
        return bool(self.ranked) and self.ranked[0].entry_id in self.question.ids

    @property
    def place(self) -> int | None:
        """The place of the first right entry in the ranking, counted from one."""
        ids = self.question.ids
        return next((place for place, item in enumerate(self.ranked, 1) if item.entry_id in ids), None)

    @property
    def verdict(self) -> Verdict:
        """What became of the question."""
        if self.answer is not None:
            return Verdict.CORRECT if self.answer in self.question.ids else Verdict.WRONG
        if self.offered:
            return Verdict.MISOFFERED if self.question.ids.isdisjoint(self.offered) else Verdict.OFFERED
        return Verdict.SILENT


def row_of(
    question: LabelledQuestion, decision: Decision, ranked: Sequence[Candidate], seconds: float = 0.0
) -> Row:
    """Put a row together. Pure.

    The certainty of an answer is its score in the decision, else in the ranking: a policy may answer by
    another way than the ranking, and then its own number counts.
    """
    answer = decision.entry_id if decision.outcome is Outcome.ANSWER else None
    scores = {item.entry_id: item.score for item in (*reversed(ranked), *reversed(decision.candidates))}
    offered = decision.candidates if decision.outcome is Outcome.CLARIFY else ()
    return Row(
        question=question,
        ranked=tuple(Ranked(item.entry_id, item.score) for item in ranked),
        answer=answer,
        certainty=scores.get(answer, 0.0) if answer is not None else 0.0,
        offered=tuple(item.entry_id for item in offered),
        seconds=seconds,
    )
