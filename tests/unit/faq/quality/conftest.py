"""Rows by hand, and a matcher that does what its script says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from faq import Candidate, Decision, Evidence, Outcome
from faq.quality.labelled import LabelledQuestion
from faq.quality.row import Ranked, Row

NO_EVIDENCE = cast("Evidence", None)  # nothing here looks at it


@dataclass
class Scripted:
    """Ranks as it is told; answers with the first from `answer` on, offers from `clarify` on, else admits."""

    script: Mapping[str, Sequence[tuple[str, float]]]
    answer: float = 0.5
    clarify: float = 0.25
    asked: list[str] = field(default_factory=list)

    def rank(self, text: str, limit: int = 5) -> Sequence[Candidate]:
        found = self.script.get(text, ())[:limit]
        return [Candidate(entry_id=name, score=score, evidence=NO_EVIDENCE) for name, score in found]

    def decide(self, text: str) -> Decision:
        self.asked.append(text)
        ranked = tuple(self.rank(text, 3))
        if not ranked or ranked[0].score < self.clarify:
            return Decision(outcome=Outcome.ADMIT)
        if ranked[0].score < self.answer:
            return Decision(outcome=Outcome.CLARIFY, candidates=ranked)
        return Decision(outcome=Outcome.ANSWER, entry_id=ranked[0].entry_id, candidates=ranked)


@pytest.fixture
def scripted() -> type[Scripted]:
    return Scripted


@pytest.fixture(scope="session")
def row() -> Callable[..., Row]:
    """Make a row: `row("a", [("a", 0.9)], answer="a")`; no ids make a foreign question."""

    def make(ids: str, ranked: Sequence[tuple[str, float]] = (), **rest: Any) -> Row:
        tag, derived = rest.pop("tag", ""), rest.pop("derived", False)
        text = rest.pop("text", f"ask {ids} {ranked}")
        question = LabelledQuestion(text=text, ids=frozenset(ids.split()), tag=tag, derived=derived)
        if rest.get("answer"):
            rest.setdefault("certainty", dict(ranked).get(rest["answer"], 0.0))
        return Row(question=question, ranked=tuple(Ranked(*item) for item in ranked), **rest)

    return make
