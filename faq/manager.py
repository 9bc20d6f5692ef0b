"""The Python door of the FAQ: entries in, decisions out. No event loop, no database, no channel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from faq.base import KnowledgeBase
from faq.contract import (
    EVERYTHING,
    Candidate,
    Decision,
    ExactMatcher,
    JudgingMatcher,
    Matcher,
    Policy,
    Query,
    ReadingMatcher,
    Scope,
)
from faq.entry import Category, FaqEntry
from faq.policy import CHOICES, ThresholdPolicy, Thresholds

REMEMBERED = 512
REMEMBERED_LENGTH = 200
"""Decisions over so many texts of at most this length are remembered until the live entries change."""
REMEMBERED_RANKS = 64
"""The same for rankings: enough for one message, which is looked at from several sides."""

_SEEN = 5
"""Candidates that a policy of somebody else decides over; ours looks at no more than it offers."""
_editions = count(1)

if TYPE_CHECKING:
    from faq.explain import Explanation

MatcherFactory = Callable[[Sequence[FaqEntry], Sequence[Sequence[str]]], Matcher]
"""Makes a matcher out of the live entries and the groups of synonyms."""


def default_matcher(entries: Sequence[FaqEntry], synonyms: Sequence[Sequence[str]]) -> Matcher:
    """The default `MatcherFactory`: the matcher of the core."""
    from faq.matching.matcher import core_matcher  # noqa: PLC0415 - `import faq` does not owe NumPy

    return core_matcher(entries, synonyms)


@dataclass(frozen=True, slots=True)
class _View:
    """What is live on one day."""

    edition: int
    ids: tuple[str, ...]
    entries: MappingProxyType[str, FaqEntry]
    categories: tuple[Category, ...]
    matcher: Matcher
    decide: Callable[[str, Scope], Decision]
    rank: Callable[[str, Scope, int], Sequence[Candidate]]


class FaqManager:
    """Ranks and decides over the entries that are live today.

    Immutable: to change the knowledge make another manager and put it in the place of this one. Entries with
    dates come and go by `today`, which is asked once a call (default: the local date). Safe to use from
    several threads. Raises `ValueError` for two entries with one id.
    """

    def __init__(
        self,
        entries: Iterable[FaqEntry],
        *,
        categories: Iterable[Category] = (),
        synonyms: Iterable[Iterable[str]] = (),
        thresholds: Thresholds | None = None,
        today: Callable[[], date] | None = None,
        matcher: MatcherFactory = default_matcher,
        policy: Policy | None = None,
    ) -> None:
        self._all: dict[str, FaqEntry] = {}
        for entry in entries:
            if entry.id in self._all:
                raise ValueError(f"two entries have the id {entry.id!r}")
            self._all[entry.id] = entry
        self._known_categories = tuple(categories)
        self._synonyms = tuple(tuple(group) for group in synonyms)
        self.thresholds = thresholds or Thresholds()
        self._policy: Policy = policy or ThresholdPolicy(self.thresholds)
        self._seen = CHOICES if policy is None else _SEEN  # to tell why costs time for each candidate
        self._today = today or _local_date
        self._factory = matcher
        self._dated = any(entry.valid_from or entry.valid_to for entry in self._all.values())
        self._day = self._today()
        self._view = self._make_view(self._day)

    @classmethod
    def from_base(
        cls,
        base: KnowledgeBase,
        *,
        thresholds: Thresholds | None = None,
        today: Callable[[], date] | None = None,
        matcher: MatcherFactory = default_matcher,
        policy: Policy | None = None,
    ) -> Self:
        """A manager over what a source has read."""
        return cls(
            base.entries,
            categories=base.categories,
            synonyms=base.synonyms,
            thresholds=thresholds,
            today=today,
            matcher=matcher,
            policy=policy,
        )

    # -- questions ----------------------------------------------------------------------------------------

    def rank(self, text: str, limit: int = 5, *, scope: Scope = EVERYTHING) -> Sequence[Candidate]:
        """The best live entries for a text, best first, at most `limit`. Never raises, whatever the text."""
        view = self._live()
        limit = max(limit, 0)
        if len(text) <= REMEMBERED_LENGTH:
            return view.rank(text, scope, limit)
        return view.matcher.rank(Query(text=text), scope=scope, limit=limit)

    def decide(self, text: str, *, scope: Scope = EVERYTHING) -> Decision:
        """Answer, clarify or admit. Never raises; the same text always gets the same decision."""
        view = self._live()
        if len(text) <= REMEMBERED_LENGTH:
            return view.decide(text, scope)
        return self._decide(view.matcher, text, scope)

    def explain(self, text: str, *, scope: Scope = EVERYTHING) -> Explanation:
        """The decision over a text with all that led to it."""
        from faq.explain import explain  # noqa: PLC0415  # for owners, not for every start

        view = self._live()
        matcher = view.matcher
        return explain(
            text=text,
            readings=matcher.readings(text) if isinstance(matcher, ReadingMatcher) else (),
            candidates=matcher.rank(Query(text=text), scope=scope, limit=5),
            decision=self._decide(matcher, text, scope),
            judgement=matcher.judge(text, scope=scope) if isinstance(matcher, JudgingMatcher) else None,
            thresholds=self.thresholds,
            questions={entry.id: entry.question for entry in view.entries.values()},
        )

    # -- contents -----------------------------------------------------------------------------------------

    @property
    def edition(self) -> int:
        """A number that no other set of live entries of this process has: a key for what is derived from them.

        It changes with the day on which an entry comes or goes, and with every new manager.
        """
        return self._live().edition

    @property
    def entries(self) -> Sequence[FaqEntry]:
        """The entries that are live today, in file order."""
        return tuple(self._live().entries.values())

    @property
    def categories(self) -> Sequence[Category]:
        """The categories with a live entry, in file order; undeclared ones follow, titled by their ids."""
        return self._live().categories

    def entry(self, entry_id: str) -> FaqEntry | None:
        """The live entry with this id; `None` for an unknown, retired or not yet valid one."""
        return self._live().entries.get(entry_id)

    def entries_in(self, category_id: str) -> Sequence[FaqEntry]:
        """The live entries of a category, in file order."""
        return tuple(entry for entry in self._live().entries.values() if entry.category == category_id)

    # -- views --------------------------------------------------------------------------------------------

    def _live(self) -> _View:
        if self._dated and (day := self._today()) != self._day:
            ids = tuple(entry.id for entry in self._all.values() if entry.is_live(day))
            if ids != self._view.ids:
                self._view = self._make_view(day)
            self._day = day
        return self._view

    def _make_view(self, day: date) -> _View:
        live = {entry.id: entry for entry in self._all.values() if entry.is_live(day)}
        matcher = self._factory(tuple(live.values()), self._synonyms)
        used = dict.fromkeys(entry.category for entry in live.values() if entry.category is not None)
        declared = [category for category in self._known_categories if category.id in used]
        names = {category.id for category in declared}
        undeclared = [Category(id=name, title=name) for name in used if name not in names]

        @lru_cache(maxsize=REMEMBERED)
        def decide(text: str, scope: Scope) -> Decision:
            return self._decide(matcher, text, scope)

        @lru_cache(maxsize=REMEMBERED_RANKS)
        def rank(text: str, scope: Scope, limit: int) -> Sequence[Candidate]:
            return tuple(matcher.rank(Query(text=text), scope=scope, limit=limit))

        return _View(
            edition=next(_editions),
            ids=tuple(live),
            entries=MappingProxyType(live),
            categories=(*declared, *undeclared),
            matcher=matcher,
            decide=decide,
            rank=rank,
        )

    def _decide(self, matcher: Matcher, text: str, scope: Scope) -> Decision:
        if isinstance(matcher, ExactMatcher) and (whole := matcher.exact(text, scope=scope)):
            return self._policy.decide(whole)
        return self._policy.decide(matcher.rank(Query(text=text), scope=scope, limit=self._seen))


def _local_date() -> date:
    return datetime.now(tz=UTC).astimezone().date()
