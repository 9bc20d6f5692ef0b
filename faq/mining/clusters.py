"""Gathering forms into clusters: rarity-weighted stems through an inverted index, joined with RapidFuzz. Pure.

No form is compared with all others. Two that are alike enough share one of the stems that make up most of the
weight of each, so only those are looked up; what they give is compared whole.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from rapidfuzz import fuzz

from faq.mining.forms import Form

JOIN = 0.5
"""The least likeness of a form and the cluster that it joins."""
UNITE = 0.55
"""The least likeness of two clusters that become one."""
LETTERS = 0.3
"""The share of letters in a likeness; the rest is that of stems."""
ONCE = 0.7
"""How much less a stem counts that only one form has: it links nothing."""
MISSABLE = (JOIN - LETTERS) / (1 - LETTERS)
"""What the stems that are not looked up could add, at most."""
LOOKED_AT = 24
"""So many clusters, those that share most, are compared whole."""

Vector: TypeAlias = dict[str, float]
"""Stems with their weights, of length 1."""
Watch: TypeAlias = Callable[[int, int], None]
"""Told how much of how much is done."""


@dataclass(slots=True)
class _Heap:
    """A cluster in the making: its forms, the first of them in letters, and the weighted sum of their vectors."""

    letters: str
    members: list[int] = field(default_factory=list)
    total: Vector = field(default_factory=dict)
    square: float = 0.0

    def add(self, vector: Vector, weight: float) -> None:
        total = self.total
        for stem, share in vector.items():
            before = total.get(stem, 0.0)
            after = total[stem] = before + weight * share
            self.square += after * after - before * before

    def cosine(self, vector: Vector) -> float:
        total = self.total
        found = sum(share * total[stem] for stem, share in vector.items() if stem in total)
        return found / math.sqrt(self.square) if self.square > 0 else 0.0

    def centre(self) -> Vector:
        length = math.sqrt(self.square) or 1.0
        return {stem: share / length for stem, share in self.total.items()}


class _Shelf:
    """The clusters, found by the stems that make up most of a vector."""

    def __init__(self) -> None:
        self.heaps: list[_Heap] = []
        self._owners: dict[str, dict[int, None]] = defaultdict(dict)

    def put(self, heap: _Heap) -> int:
        self.heaps.append(heap)
        return len(self.heaps) - 1

    def enter(self, number: int, stems: Iterable[str]) -> None:
        for stem in stems:
            self._owners[stem][number] = None

    def near(self, vector: Vector, heavy: Sequence[str]) -> list[int]:
        """The clusters that share most of the heavy stems of a vector, the older first among equals."""
        shared: dict[int, float] = {}
        for stem in heavy:
            weight = vector[stem]
            for number in self._owners.get(stem, ()):
                shared[number] = shared.get(number, 0.0) + weight
        if len(shared) <= LOOKED_AT:
            return sorted(shared)
        return heapq.nsmallest(LOOKED_AT, shared, key=lambda number: (-shared[number], number))


def gather(forms: Sequence[Form], watch: Watch | None = None) -> list[list[int]]:
    """Clusters as lists of the numbers of their forms, nearest to the middle first. Every form is in one.

    The forms are given most asked first: the first form of a kind begins a cluster. Deterministic.
    """
    vectors = weigh(forms)
    heavy = [_heavy(vector) for vector in vectors]
    weights = [math.sqrt(len(form.people)) for form in forms]
    letters = [" ".join(form.stems) for form in forms]
    steps = 2 * len(forms)
    shelf = _Shelf()
    for place, vector in enumerate(vectors):
        number = _nearest(shelf, vector, heavy[place], letters[place])
        if number is None:
            number = shelf.put(_Heap(letters[place]))
        shelf.heaps[number].add(vector, weights[place])
        shelf.enter(number, heavy[place])
        _tell(watch, place, steps)
    # The first forms have joined what was there then; by now there may be something nearer.
    for place, vector in enumerate(vectors):
        number = _nearest(shelf, vector, heavy[place], letters[place])
        if number is None:  # what it joined has moved away since
            number = shelf.put(_Heap(letters[place]))
        shelf.heaps[number].members.append(place)
        _tell(watch, len(forms) + place, steps)
    return [_from_the_middle(members, vectors, weights) for members in _united(shelf.heaps, vectors, weights)]


def weigh(forms: Sequence[Form]) -> list[Vector]:
    """The forms as weighted stems: the fewer forms have a stem, the more it weighs."""
    owners = Counter(stem for form in forms for stem in form.stems)
    whole = math.log(1 + len(forms)) or 1.0
    weights = {
        stem: math.log(1 + len(forms) / number) / whole * (ONCE if number == 1 else 1.0)
        for stem, number in owners.items()
    }
    vectors = []
    for form in forms:
        length = math.sqrt(sum(weights[stem] ** 2 for stem in form.stems)) or 1.0
        vectors.append({stem: weights[stem] / length for stem in form.stems})
    return vectors


def _heavy(vector: Vector) -> tuple[str, ...]:
    """The heaviest stems; what the others could add to a likeness is not enough for one."""
    rest, found = sum(share * share for share in vector.values()), []
    for stem in sorted(vector, key=lambda one: (-vector[one], one)):
        if rest < MISSABLE * MISSABLE:
            break
        found.append(stem)
        rest -= vector[stem] ** 2
    return tuple(found)


def _nearest(shelf: _Shelf, vector: Vector, heavy: Sequence[str], letters: str) -> int | None:
    best, found = JOIN, None
    for number in shelf.near(vector, heavy):
        heap = shelf.heaps[number]
        stems = (1 - LETTERS) * heap.cosine(vector)
        if stems + LETTERS <= best:
            continue
        likeness = stems + LETTERS * fuzz.ratio(letters, heap.letters) / 100
        if likeness > best or (likeness == best and found is None):
            best, found = likeness, number
    return found


def _united(heaps: Sequence[_Heap], vectors: Sequence[Vector], weights: Sequence[float]) -> list[list[int]]:
    """The members of the clusters, those of like clusters together; the larger take in the smaller."""
    made = []
    for old in heaps:
        if old.members:
            heap = _Heap(old.letters, members=old.members)
            for place in old.members:
                heap.add(vectors[place], weights[place])
            made.append(heap)
    shelf = _Shelf()
    for heap in sorted(made, key=lambda one: (-sum(weights[place] for place in one.members), one.members)):
        centre = heap.centre()
        heavy = _heavy(centre)
        best = max(
            ((shelf.heaps[number].cosine(centre), -number) for number in shelf.near(centre, heavy)),
            default=(0.0, 0),
        )
        if best[0] >= UNITE:
            number = -best[1]
            shelf.heaps[number].members += heap.members
            shelf.heaps[number].add(heap.total, 1.0)
        else:
            number = shelf.put(heap)
        shelf.enter(number, heavy)
    return [heap.members for heap in shelf.heaps]


def _from_the_middle(
    members: Sequence[int], vectors: Sequence[Vector], weights: Sequence[float]
) -> list[int]:
    """The members, those first that are nearest to what all of them say; the more asked first among equals."""
    middle = _Heap("")
    for place in members:
        middle.add(vectors[place], weights[place])
    return sorted(members, key=lambda place: (-round(middle.cosine(vectors[place]), 6), place))


def _tell(watch: Watch | None, done: int, of: int) -> None:
    if watch is not None and done % 256 == 0:
        watch(done, of)
