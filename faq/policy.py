"""The default policy: when a ranking is good enough to answer, when to ask back, when to admit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from faq.contract import Candidate, Decision, Outcome, Reason

STRANGER = 0.45
"""The weight from which a word without support is called a stranger when an answer was doubted."""

CHOICES = 3
"""How many candidates a person is asked to choose from, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Where the lines are. One default serves every base; the numbers were chosen on development data.

    Raises `ValueError` for numbers outside 0…1 and for `clarify` above `answer`.
    """

    answer: float = 0.7
    """The least confidence of an answer: it is right so often."""
    clarify: float = 0.15
    """The least confidence of an offer."""
    margin: float = 0.1
    """How far an answer is ahead of the second entry."""
    message_coverage: float = 0.15
    """How much of the message the best phrasing explains, words of like meaning counted; its rare words weigh most."""
    tail: float = 0.1
    """What an offer has of the best one's confidence, at least."""

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"a threshold lies between 0 and 1: {name}={getattr(self, name)}")
        if self.clarify > self.answer:
            raise ValueError(f"clarify ({self.clarify}) lies above answer ({self.answer})")


class ThresholdPolicy:
    """Answers if the best is high, well founded and ahead; clarifies if middling or close; else admits."""

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()

    def decide(self, candidates: Sequence[Candidate]) -> Decision:
        """Decide over candidates that are sorted best first; see `Policy.decide`."""
        limits = self.thresholds
        if not candidates:
            return Decision(outcome=Outcome.ADMIT, reason=Reason.NOTHING)
        best = candidates[0]
        if best.score < limits.clarify:
            return Decision(outcome=Outcome.ADMIT, reason=Reason.LOW)
        offered = tuple(
            candidate for candidate in candidates[:CHOICES] if candidate.score >= limits.tail * best.score
        )
        reason = self._judge(best, candidates[1] if len(candidates) > 1 else None)
        if reason in {Reason.EXACT, Reason.GOOD}:
            return Decision(outcome=Outcome.ANSWER, entry_id=best.entry_id, candidates=offered, reason=reason)
        return Decision(outcome=Outcome.CLARIFY, candidates=offered, reason=reason)

    def _judge(self, best: Candidate, second: Candidate | None) -> Reason:
        limits, evidence = self.thresholds, best.evidence
        if evidence.exact:
            return Reason.SHARED if second is not None and second.evidence.exact else Reason.EXACT
        unsure = best.score < limits.answer
        doubts = {
            Reason.FRAGMENT: unsure and evidence.subjects == 0,
            Reason.STRANGER: unsure and evidence.subjects == 1 and evidence.gap > STRANGER,
            Reason.MIDDLING: unsure,
            Reason.MESSAGE_UNEXPLAINED: evidence.message_coverage < limits.message_coverage,
            Reason.CLOSE: second is not None and best.score - second.score < limits.margin,
        }
        return next((reason for reason, doubted in doubts.items() if doubted), Reason.GOOD)
