"""Which phrasings of other entries are near to one: rarity-weighted stems through an inverted index. Pure.

No phrasing is compared with all others. Two that are alike share a heavy stem, or stems that are one typing error
apart, so only those are looked up; the nearest of them are compared word by word.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from rapidfuzz.distance import OSA

from faq.linting.phrasings import Phrasing

LOOKUPS = 500
"""So many neighbours are counted for one phrasing, those by its rarest stems; common stems alone make no likeness."""
COMPARED = 8
"""So many of the neighbours are compared word by word."""
MISTYPED = 0.9
"""What a word counts for that is a typing error away."""
SELDOM = 2
"""A stem that more entries have is a word of its own and no typing error."""
MIN_TYPO = 5
"""Shorter stems that differ in a letter are different words."""
ANOTHER_QUESTION = 0.75
"""The most for phrasings that differ in a number, in what they ask for, or in a yes and a no."""
_NEGATIONS = frozenset({"не", "нет", "нельз", "без", "да", "no", "not", "cannot", "without", "never", "yes"})


class Likeness:
    """How near phrasings are to each other. Deterministic; ties go to the first one in file order."""

    def __init__(self, phrasings: Sequence[Phrasing]) -> None:
        self.phrasings = phrasings
        entries = len({phrasing.number for phrasing in phrasings})
        owners: dict[str, set[int]] = defaultdict(set)
        self._postings: dict[str, list[int]] = defaultdict(list)
        for place, phrasing in enumerate(phrasings):
            for term in phrasing.terms:
                owners[term.stem].add(phrasing.number)
                self._postings[term.stem].append(place)
        self._owners = {stem: len(numbers) for stem, numbers in owners.items()}
        whole = math.log1p(entries) or 1.0
        rarity = {stem: math.log1p(entries / count) / whole for stem, count in self._owners.items()}
        self._weights = [
            {term.stem: term.weight * (0.5 + 0.5 * rarity[term.stem]) for term in phrasing.terms}
            for phrasing in phrasings
        ]
        # «Когда» and «сколько», yes and no: what they leave of the weight says little, what they change is a lot.
        self._asks = [_asks(phrasing) for phrasing in phrasings]
        self._found: dict[int, tuple[int, float] | None] = {}
        self._totals = [sum(weights.values()) or 1.0 for weights in self._weights]

    def nearest(self, place: int) -> tuple[int, float] | None:
        """The place of the nearest phrasing of another entry and its closeness; None if nothing is shared."""
        if place not in self._found:
            near = ((self.closeness(place, other), -other) for other in self._neighbours(place))
            best = max(near, default=(0.0, 0))
            self._found[place] = (-best[1], best[0]) if best[0] > 0 else None
        return self._found[place]

    def closeness(self, one: int, two: int) -> float:
        """How much of both phrasings is the same, 0…1: by weight, mistyped words nearly counting in full."""
        left, right = self._weights[one], self._weights[two]
        same = sum(weight + right[stem] for stem, weight in left.items() if stem in right)
        rest_left = {stem: weight for stem, weight in left.items() if stem not in right}
        rest_right = {stem: weight for stem, weight in right.items() if stem not in left}
        same += self._mistyped(rest_left, rest_right)
        found = same / (self._totals[one] + self._totals[two])
        apart = self._asks[one] != self._asks[two] or any(
            stem.isdigit() for stem in (*rest_left, *rest_right)
        )
        return min(found, ANOTHER_QUESTION) if apart else found

    # -- what is looked up --------------------------------------------------------------------------------

    def _neighbours(self, place: int) -> list[int]:
        own, weights = self.phrasings[place].number, self._weights[place]
        shared: dict[int, float] = defaultdict(float)
        looked = 0
        for stem in sorted(weights, key=lambda one: (-weights[one], one)):
            for root in (stem, *self._near.get(stem, ())):
                postings = self._postings[root]
                if looked and looked + len(postings) > LOOKUPS:
                    continue
                looked += len(postings)
                for other in postings:
                    shared[other] += weights[stem]
        totals, all_phrasings = self._totals, self.phrasings
        best = heapq.nsmallest(
            COMPARED,
            [
                (-weight / totals[other], other)
                for other, weight in shared.items()
                if all_phrasings[other].number != own
            ],
        )
        return [other for _, other in best]

    def _mistyped(self, left: Mapping[str, float], right: Mapping[str, float]) -> float:
        found = 0.0
        free = dict(right)
        for stem, weight in left.items():
            twin = next((near for near in self._near.get(stem, ()) if near in free), None)
            if twin is not None:
                found += MISTYPED * (weight + free.pop(twin))
        return found

    @cached_property
    def _near(self) -> dict[str, list[str]]:
        """The stems that are one typing error apart, one of them seldom; found by what is left without a letter."""
        by_rest: dict[str, list[str]] = defaultdict(list)
        stems = [stem for stem in self._owners if len(stem) >= MIN_TYPO and stem.isalpha()]
        for stem in stems:
            for rest in _rests(stem):
                by_rest[rest].append(stem)
        near: dict[str, dict[str, None]] = defaultdict(dict)
        for group in by_rest.values():
            for one in group if len(group) > 1 else ():
                for two in group:
                    if one != two and self._is_typo(one, two):
                        near[one][two] = None
        return {stem: sorted(others) for stem, others in near.items()}

    def _is_typo(self, one: str, two: str) -> bool:
        return min(self._owners[one], self._owners[two]) <= SELDOM and OSA.distance(one, two) == 1


def _asks(phrasing: Phrasing) -> frozenset[str]:
    asking = {term.stem for term in phrasing.terms if term.weight < 1.0}
    return frozenset(asking | _NEGATIONS.intersection(phrasing.bag))


def _rests(stem: str) -> Iterable[str]:
    return {stem, *(stem[:place] + stem[place + 1 :] for place in range(len(stem)))}
