"""Findings about a base that can be read but will not serve people well.

found = lint(load_knowledge("knowledge"), thorough=True)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from faq.base import KnowledgeBase
from faq.entry import FaqEntry, Status
from faq.linting.contents import categories, common_keywords, contents, ended
from faq.linting.doubles import doubles
from faq.linting.finding import Code, Finding, Severity
from faq.linting.lengths import Limit, long_answers
from faq.linting.likeness import Likeness
from faq.linting.phrasings import phrasings
from faq.linting.reach import broken_links, unheard
from faq.linting.rivals import Ask, rivals
from faq.manager import FaqManager
from faq.normalize import Normalizer

__all__ = ["Code", "Finding", "Limit", "Severity", "lint"]

_HEARD = 0.2
"""So much of a thorough look is done when every entry was asked for."""


def lint(
    base: KnowledgeBase,
    *,
    limits: Mapping[str, Limit] | None = None,
    today: date | None = None,
    thorough: bool = False,
    manager: Callable[..., FaqManager] = FaqManager,
    watch: Callable[[float], object] | None = None,
) -> Sequence[Finding]:
    """Everything that looks wrong, in file order. Pure; without `today` dates are not judged.

    Phrasings are compared between live entries only. `limits` are the channels by name, with what one message of each
    takes. A `thorough` look asks the base its own questions as well (`FAQ015` to `FAQ017`, and phrasings that another
    entry answers better); it takes seconds for thousands of entries, and `watch` is told how much is done (0…1).
    `manager` makes what is asked, called as `FaqManager` is: give a partial of it with your matcher and thresholds.
    """
    normalizer = Normalizer()
    live = [entry for entry in base.entries if _is_live(entry, today)]
    alive = {entry.id for entry in live}
    known = {entry.id: entry for entry in base.entries}
    found = [*categories(base), *common_keywords(live, normalizer)]
    for entry in base.entries:
        found += contents(entry, normalizer)
        found += long_answers(entry, limits)
        found += broken_links(entry, known, alive, today)
        found += ended(entry, today)
    texts = list(phrasings(live, normalizer))
    likeness = Likeness(texts)
    alike = list(doubles(texts, likeness))
    found += alike
    if thorough and live:
        tell = watch or (lambda _: None)
        ask = _asking(base, today, manager)
        found += unheard(live, ask(live).decide, normalizer, lambda done: tell(_HEARD * done / len(live)))
        told = {(item.entry_id, str(item.facts["text"])) for item in alike}
        found += rivals(
            live, texts, likeness, ask, told=told, watch=lambda share: tell(_HEARD + (1 - _HEARD) * share)
        )
        tell(1.0)
    order = {entry.id: number for number, entry in enumerate(base.entries)}
    return tuple(sorted(found, key=lambda item: (order.get(item.entry_id, -1), item.code)))


def _is_live(entry: FaqEntry, today: date | None) -> bool:
    return entry.is_live(today) if today is not None else entry.status is Status.LIVE


def _asking(base: KnowledgeBase, today: date | None, manager: Callable[..., FaqManager]) -> Ask:
    """Makes managers with the synonyms of the base, on that day or as if there were no dates."""

    def ask(entries: Sequence[FaqEntry]) -> FaqManager:
        if today is None:
            entries = [replace(entry, valid_from=None, valid_to=None) for entry in entries]
        return manager(entries, synonyms=base.synonyms, today=lambda: today or date.min)

    return ask
