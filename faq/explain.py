"""Why a message was answered as it was: data for programs, and lines for the owner of the FAQ (see `faq.account`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from faq.contract import Candidate, Decision, Judgement, Reading, Reason
from faq.policy import Thresholds

DIGITS = 4
"""Numbers of the data are rounded to so many digits."""


@dataclass(frozen=True, slots=True)
class Check:
    """A line that was drawn: what is there, what is needed. `name` is that of `Thresholds`."""

    name: str
    value: float
    needed: float

    @property
    def met(self) -> bool:
        """Whether it is enough, by the rule of the policy."""
        return self.value >= self.needed

    @property
    def short(self) -> float:
        """What is missing; 0 if nothing is."""
        return 0.0 if self.met else self.needed - self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything that led to a decision: what was read, what was found, which lines were drawn."""

    text: str = field(repr=False)
    readings: tuple[Reading, ...]
    """The chosen one first; empty if the matcher does not tell."""
    candidates: tuple[Candidate, ...]
    decision: Decision
    judgement: Judgement | None
    """What spoke for and against the first candidate; None for a whole phrasing, and if the matcher does not tell."""
    thresholds: Thresholds
    questions: Mapping[str, str] = field(repr=False)
    """The questions of the live entries by id."""
    alone: Decision | None = None
    """What the message by itself would get, if the decision is another one; see `instead`."""

    @property
    def whole(self) -> bool:
        """Whether the message is a phrasing word for word: then nothing is weighed."""
        found = self.candidates and self.candidates[0].evidence.exact
        return bool(found) or self.decision.reason in {Reason.EXACT, Reason.SHARED}

    @property
    def checks(self) -> tuple[Check, ...]:
        """The best candidate against the thresholds; empty if there is none, and for a whole phrasing."""
        if not self.candidates or self.whole:
            return ()
        best, limits = self.candidates[0], self.thresholds
        found = [Check("answer", best.score, limits.answer), Check("clarify", best.score, limits.clarify)]
        if len(self.candidates) > 1:
            found.append(Check("margin", best.score - self.candidates[1].score, limits.margin))
        explained = best.evidence.message_coverage
        return (*found, Check("message_coverage", explained, limits.message_coverage))

    def instead(self, decision: Decision) -> Explanation:
        """The same message with the decision that was made in a talk.

        That may be another one: a message is also read as several questions, and in the light of the last answer. What
        spoke for and against the best entry is not known then.
        """
        if decision == self.decision:
            return self
        return replace(
            self, decision=decision, candidates=decision.candidates, judgement=None, alone=self.decision
        )

    def sections(self, language: str = "ru") -> tuple[tuple[str, ...], ...]:
        """The explanation for a person by topic, in Russian or (for any other language) in English."""
        from faq.account import account  # noqa: PLC0415 - the words are read where they are shown

        return account(self, language)

    def lines(self, language: str = "ru") -> tuple[str, ...]:
        """The explanation for a person, line by line; the first one is the decision."""
        return tuple(line for section in self.sections(language) for line in section)

    def data(self) -> dict[str, Any]:
        """The explanation for a program: always the same keys, values that JSON knows, numbers rounded."""
        decision, limits = self.decision, self.thresholds
        return {
            "text": self.text,
            **_decided(decision),
            "offered": [candidate.entry_id for candidate in decision.candidates],
            "alone": _decided(self.alone) if self.alone is not None else None,
            "readings": [
                {
                    "name": str(reading.name),
                    "text": reading.text,
                    "words": list(reading.words),
                    "sense": _round(reading.sense),
                    "language": reading.language,
                    "chosen": place == 0,
                }
                for place, reading in enumerate(self.readings)
            ],
            "candidates": [
                _candidate(candidate, self.questions.get(candidate.entry_id, ""))
                for candidate in self.candidates
            ],
            "judgement": _judgement(self.judgement) if self.judgement is not None else None,
            "thresholds": {
                "answer": limits.answer,
                "clarify": limits.clarify,
                "margin": limits.margin,
                "message_coverage": limits.message_coverage,
                "tail": limits.tail,
            },
            "checks": [
                {
                    "name": check.name,
                    "value": _round(check.value),
                    "needed": check.needed,
                    "met": check.met,
                    "short": _round(check.short),
                }
                for check in self.checks
            ],
        }


def explain(
    *,
    text: str,
    readings: Sequence[Reading],
    candidates: Sequence[Candidate],
    decision: Decision,
    judgement: Judgement | None,
    thresholds: Thresholds,
    questions: Mapping[str, str],
) -> Explanation:
    """Put an explanation together; a whole phrasing needs no judgement, so it keeps none. Pure."""
    explanation = Explanation(
        text=text,
        readings=tuple(readings),
        candidates=tuple(candidates),
        decision=decision,
        judgement=judgement,
        thresholds=thresholds,
        questions=questions,
    )
    weighed = explanation.candidates and not explanation.whole
    return explanation if weighed else replace(explanation, judgement=None)


def _decided(decision: Decision) -> dict[str, Any]:
    return {
        "outcome": decision.outcome.value,
        "entry": decision.entry_id,
        "reason": str(decision.reason),
    }


def _candidate(candidate: Candidate, question: str) -> dict[str, Any]:
    evidence = candidate.evidence
    return {
        "entry": candidate.entry_id,
        "question": question,
        "score": _round(candidate.score),
        "phrase": evidence.phrase,
        "via": evidence.via.value,
        "exact": evidence.exact,
        "message_coverage": _round(evidence.message_coverage),
        "phrase_coverage": _round(evidence.phrase_coverage),
        "matched": [
            {
                "word": match.word,
                "found": match.found,
                "how": match.how.value,
                "similarity": _round(match.similarity),
            }
            for match in evidence.matched
        ],
        "missing": list(evidence.missing),
        "features": {name: _round(value) for name, value in evidence.features.items()},
    }


def _judgement(judgement: Judgement) -> dict[str, Any]:
    return {
        "confidence": _round(judgement.confidence),
        "bias": _round(judgement.bias),
        "contributions": {name: _round(value) for name, value in judgement.contributions.items()},
        "small_talk": {"phrase": judgement.chat, "likeness": _round(judgement.chat_likeness)},
    }


def _round(value: float) -> float:
    return round(float(value), DIGITS)
