"""The systems that are measured, by name. The first ones are ours; to add one is one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.baselines import Bm25System, DifflibSystem, SvmSystem, System, TfidfSystem, WRatioSystem
from faq import Decision, FaqEntry, FaqManager
from faq.quality.row import Ranked


class House:
    """Our manager as it is shipped; the options are those of `FaqManager`."""

    def __init__(self, entries: Sequence[FaqEntry], **options: Any) -> None:
        self.manager = FaqManager(entries, **options)

    def rank(self, text: str, limit: int) -> Sequence[Ranked]:
        return [Ranked(found.entry_id, found.score) for found in self.manager.rank(text, limit)]

    def decide(self, text: str) -> Decision:
        return self.manager.decide(text)


SYSTEMS: Mapping[str, Callable[[Sequence[FaqEntry]], System]] = {
    "house": House,
    "wratio": WRatioSystem,
    "difflib": DifflibSystem,
    "bm25": Bm25System,
    "char-tfidf": TfidfSystem,
    "linear-svm": SvmSystem,
}

NAMES = {
    "house": "this matcher",
    "house+semantic": "this matcher, semantic tier",
    "wratio": "RapidFuzz WRatio",
    "difflib": "difflib ratio",
    "bm25": "BM25 on stems",
    "char-tfidf": "TF-IDF of letters",
    "linear-svm": "linear SVM",
}
"""What tables call them; another one is called as it is registered."""
