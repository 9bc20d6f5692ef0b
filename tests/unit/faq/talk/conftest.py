"""A base that is a list of lines: what is decided over which text, and how sure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import pytest

from faq import Candidate, Decision, Evidence, FaqManager, Outcome, Scope, load_knowledge
from faq.contract import EVERYTHING, How, Reason, Via, WordMatch


class Scripted:
    """Decides and ranks as it is told; whatever it is not told is admitted.

    A line is `text: entry score word word`: the words speak for the entry. No score: it is only offered. A score of 1
    is a whole phrasing. `categories` says what belongs where.
    """

    def __init__(self, lines: Mapping[str, str], categories: Mapping[str, str]) -> None:
        self._lines = lines
        self._categories = categories
        self.asked: list[str] = []

    def decide(self, text: str, /, *, scope: Scope = EVERYTHING) -> Decision:
        assert scope is EVERYTHING
        self.asked.append(text)
        found = self.rank(text)
        if not found:
            return Decision(outcome=Outcome.ADMIT, reason=Reason.NOTHING)
        if found[0].score == 0:
            return Decision(outcome=Outcome.CLARIFY, candidates=tuple(found), reason=Reason.MIDDLING)
        name = found[0].entry_id
        return Decision(outcome=Outcome.ANSWER, entry_id=name, candidates=tuple(found), reason=Reason.GOOD)

    def rank(self, text: str, /, limit: int = 5, *, scope: Scope = EVERYTHING) -> Sequence[Candidate]:
        line = self._lines.get(text)
        if line is None:
            return ()
        name, *rest = line.split()
        if scope.categories and self._categories.get(name) not in scope.categories:
            return ()
        score = float(rest[0]) if rest else 0.0
        evidence = Evidence(
            phrase="",
            via=Via.QUESTION,
            exact=score == 1,
            message_coverage=score,
            phrase_coverage=score,
            matched=tuple(WordMatch(word, word, How.EXACT, 1.0) for word in rest[1:]),
        )
        return [Candidate(entry_id=name, score=score, evidence=evidence)][:limit]


@pytest.fixture
def scripted() -> Callable[..., Scripted]:
    """Make a scripted base out of lines."""

    def make(lines: Mapping[str, str], **categories: str) -> Scripted:
        return Scripted(lines, categories)

    return make


@pytest.fixture(scope="session")
def demo() -> FaqManager:
    """The demo base with the matcher that people really get."""
    return FaqManager.from_base(load_knowledge(Path(str(files("optfm_bot.demo"))) / "knowledge"))
