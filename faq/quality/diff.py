"""What an edit of a base changes for the people who ask: which questions it wins, and which it loses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from faq.base import KnowledgeBase
from faq.entry import Origin
from faq.quality.evaluate import ask, metrics_data, row_data
from faq.quality.labelled import LabelledQuestion
from faq.quality.metrics import Metrics, measure
from faq.quality.row import Answering, Row, Verdict

OWN = "own"
"""The tag of questions that are the phrasings of the bases themselves."""


class Kind(StrEnum):
    """What an edit did to a question."""

    WON = "won"
    """Right now, and was not before."""
    STOLEN = "stolen"
    """Was right; now another entry answers."""
    ASKED_BACK = "asked-back"
    """Was right; now the bot asks back."""
    SILENCED = "silenced"
    """Was right; now there is no answer."""
    FOREIGN_ANSWERED = "foreign-answered"
    """Nobody should answer; now an entry does."""
    FOREIGN_QUIET = "foreign-quiet"
    """Nobody should answer; now nobody does, and an entry did before."""


LOST = frozenset({Kind.STOLEN, Kind.ASKED_BACK, Kind.SILENCED})
WORSE = LOST | {Kind.FOREIGN_ANSWERED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A question that is treated otherwise, with what was done before and what is done after the edit."""

    kind: Kind
    before: Row
    after: Row

    @property
    def question(self) -> LabelledQuestion:
        """The question itself."""
        return self.after.question


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """All changes in the order of the questions, and the measures of both sides."""

    changes: tuple[Change, ...]
    before: Metrics
    after: Metrics

    def of(self, *kinds: Kind) -> tuple[Change, ...]:
        """The changes of these kinds."""
        return tuple(change for change in self.changes if change.kind in kinds)

    @property
    def lost(self) -> tuple[Change, ...]:
        """All questions that were right and are not any more."""
        return self.of(*LOST)

    @property
    def thieves(self) -> dict[str, int]:
        """Entries that answer what others answered rightly before, and how many questions each; most first."""
        found: dict[str, int] = defaultdict(int)
        for change in self.of(Kind.STOLEN):
            found[change.after.answer or ""] += 1
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def data(self) -> dict[str, Any]:
        """All of it as plain data for programs."""
        return {
            "questions": self.after.in_scope + self.after.foreign,
            "counts": {kind.value: len(self.of(kind)) for kind in Kind},
            "stolen_by": self.thieves,
            "changes": [
                {
                    "kind": change.kind.value,
                    "question": change.question.text,
                    "ids": sorted(change.question.ids),
                    "before": row_data(change.before),
                    "after": row_data(change.after),
                }
                for change in self.changes
            ],
            "before": metrics_data(self.before),
            "after": metrics_data(self.after),
        }


def difference(
    before: Answering,
    after: Answering,
    questions: Sequence[LabelledQuestion],
    *,
    clock: Callable[[], float] = lambda: 0.0,
    progress: Callable[[int], object] = lambda _: None,
) -> Difference:
    """Ask both the same questions. `progress` is told how many are done, up to twice their number."""
    old = list(ask(before, questions, clock=clock, progress=progress))
    new = list(ask(after, questions, clock=clock, progress=lambda done: progress(len(questions) + done)))
    return compare(old, new)


def compare(before: Sequence[Row], after: Sequence[Row]) -> Difference:
    """What has changed between two runs over the same questions. Pure.

    Raises `ValueError` for runs over different questions.
    """
    if [row.question for row in before] != [row.question for row in after]:
        raise ValueError("the two runs are over different questions")
    changes = [
        Change(kind=kind, before=old, after=new)
        for old, new in zip(before, after, strict=True)
        if (kind := _kind(old, new)) is not None
    ]
    return Difference(changes=tuple(changes), before=measure(before), after=measure(after))


def own_phrasings(before: KnowledgeBase, after: KnowledgeBase) -> tuple[LabelledQuestion, ...]:
    """The questions and aliases of both bases as questions, each once, those of the new base first.

    A phrasing that the edit moved to another entry may be answered by either: that was the wish of the owner.
    """
    owners: dict[str, set[str]] = defaultdict(set)
    written: dict[str, tuple[str, Origin | None]] = {}
    for base in (after, before):
        for entry in base.entries:
            for text in entry.phrasings:
                key = " ".join(text.split()).casefold()
                owners[key].add(entry.id)
                written.setdefault(key, (text, entry.origin))
    return tuple(
        LabelledQuestion(text=text, ids=frozenset(owners[key]), tag=OWN, origin=origin)
        for key, (text, origin) in written.items()
    )


def _kind(before: Row, after: Row) -> Kind | None:
    old, new = before.verdict, after.verdict
    if before.question.foreign:
        if (old is Verdict.WRONG) == (new is Verdict.WRONG):
            return None
        return Kind.FOREIGN_ANSWERED if new is Verdict.WRONG else Kind.FOREIGN_QUIET
    if (old is Verdict.CORRECT) == (new is Verdict.CORRECT):
        return None
    if new is Verdict.CORRECT:
        return Kind.WON
    return {Verdict.WRONG: Kind.STOLEN, Verdict.SILENT: Kind.SILENCED}.get(new, Kind.ASKED_BACK)
