"""The index of a base: which stems stand in which phrasings, how rare they are, and which resemble a word."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from faq.contract import How, Via
from faq.entry import FaqEntry
from faq.normalize import Normalizer

PREFIX = 4
"""Stems that share their first letters are compared as forms of one root."""
MIN_TYPO = 5
"""Shorter words are one letter away from too many others."""
MIN_SIMILARITY = 0.78
LENGTH_WINDOW = 2
SYNONYM = 0.92
RELATED = 0.85
LOOSELY_RELATED = 0.6
CACHE = 20_000

_SOUND = str.maketrans("оеэяыйьюё", "аииаиииуи")


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrasing; `entry` is the number of its entry, `weight` the sum of the weights of its stems."""

    entry: int
    text: str
    via: Via
    weight: float


Owner: TypeAlias = tuple[int, tuple[Via, str]]
"""An entry that owns a whole phrasing: its number, and the phrasing as it was written."""


@dataclass(frozen=True, slots=True)
class Relative:
    """A stem of the index that stands for a word of the message, and how well."""

    stem: str
    how: How
    similarity: float


class Index:
    """All that can be known about entries before a message comes; immutable but for a bounded cache.

    `postings` leads from a stem to the phrasings that have it with its weight there, `answers` to the entries
    whose answer has it, `exact` from a whole folded phrasing to the entries that own it.
    """

    def __init__(
        self, entries: Sequence[FaqEntry], normalizer: Normalizer, synonyms: Iterable[Iterable[str]] = ()
    ) -> None:
        self.entries = tuple(entries)
        self.numbers = {entry.id: number for number, entry in enumerate(self.entries)}
        self.normalizer = normalizer
        self.phrases: list[Phrase] = []
        self.postings: dict[str, list[tuple[int, float]]] = {}
        self.answers: dict[str, tuple[int, ...]] = {}
        self.exact: dict[str, tuple[Owner, ...]] = {}
        self.exact_keywords: dict[str, tuple[Owner, ...]] = {}
        self.rarity: dict[str, float] = {}
        self.stems: list[frozenset[str]] = []
        self._build()
        self._synonyms, self._spans = self._read_synonyms(synonyms)
        self._by_prefix, self._by_sound = self._resemblance()
        self._relatives: dict[str, tuple[Relative, ...]] = {}

    # -- reading ------------------------------------------------------------------------------------------

    def relatives(self, stem: str) -> tuple[Relative, ...]:
        """The stems of the index that a stem of a message stands for, the surest first."""
        known = self._relatives.get(stem)
        if known is None:
            known = self._find_relatives(stem)
            if len(self._relatives) >= CACHE:
                self._relatives.clear()
            self._relatives[stem] = known
        return known

    def span_synonyms(self, stems: Sequence[str]) -> dict[str, tuple[Relative, ...]]:
        """Further relatives of stems that together make a synonym of several words."""
        if not self._spans:
            return {}
        found: dict[str, tuple[Relative, ...]] = {}
        for place, first in enumerate(stems):
            for span, relatives in self._spans.get(first, ()):
                if tuple(stems[place : place + len(span)]) == span:
                    for stem in span:
                        found[stem] = found.get(stem, ()) + relatives
        return found

    # -- building -----------------------------------------------------------------------------------------

    def _build(self) -> None:
        prepared: list[tuple[int, str, Via, tuple[tuple[str, float], ...]]] = []
        in_entries: dict[str, int] = defaultdict(int)
        in_answers: dict[str, list[int]] = defaultdict(list)
        exact: dict[str, dict[int, tuple[Via, str]]] = defaultdict(dict)
        keywords: dict[str, dict[int, tuple[Via, str]]] = defaultdict(dict)
        for number, entry in enumerate(self.entries):
            seen: set[str] = set()
            for via, text in _phrasings(entry):
                normal = self.normalizer.normalize(text)
                target = keywords if via is Via.KEYWORD else exact
                for key in {normal.canonical, normal.plain} - {""}:
                    target[key].setdefault(number, (via, text))
                terms = tuple((term.stem, term.weight) for term in normal.terms)
                if terms:
                    prepared.append((number, text, via, terms))
                    seen.update(stem for stem, _ in terms)
            self.stems.append(frozenset(seen))
            for stem in seen:
                in_entries[stem] += 1
            told = {term.stem for term in self.normalizer.normalize(entry.answer).terms}
            for stem in told - seen:
                in_answers[stem].append(number)
        self.exact = {key: tuple(owners.items()) for key, owners in exact.items()}
        self.exact_keywords = {key: tuple(owners.items()) for key, owners in keywords.items()}
        self.answers = {stem: tuple(numbers) for stem, numbers in in_answers.items()}
        self.rarity = {
            stem: self._rarity(in_entries.get(stem, 0) + len(in_answers.get(stem, ())) // 2)
            for stem in {*in_entries, *in_answers}
        }
        postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, text, via, terms in prepared:
            weights = [(stem, weight * self.rarity[stem]) for stem, weight in terms]
            for stem, weight in weights:
                postings[stem].append((len(self.phrases), weight))
            self.phrases.append(Phrase(number, text, via, sum(weight for _, weight in weights)))
        self.postings = dict(postings)

    def _rarity(self, owners: int) -> float:
        """1 for a stem of a single entry, less with every further one, however many aliases they have."""
        count = max(len(self.entries), 1)
        return math.log(1 + count / max(owners, 1)) / math.log(1 + count)

    def _read_synonyms(
        self, groups: Iterable[Iterable[str]]
    ) -> tuple[
        dict[str, tuple[Relative, ...]], dict[str, list[tuple[tuple[str, ...], tuple[Relative, ...]]]]
    ]:
        single: dict[str, tuple[Relative, ...]] = {}
        spans: dict[str, list[tuple[tuple[str, ...], tuple[Relative, ...]]]] = defaultdict(list)
        for group in groups:
            members = [
                tuple(term.stem for term in self.normalizer.terms(self.normalizer.fold(text)))
                for text in group
            ]
            members = [member for member in dict.fromkeys(members) if member]
            for member in members:
                others = dict.fromkeys(stem for other in members if other != member for stem in other)
                relatives = tuple(
                    Relative(stem, How.SYNONYM, SYNONYM)
                    for stem in others
                    if stem not in member and (stem in self.postings or stem in self.answers)
                )
                if len(member) == 1:
                    single[member[0]] = single.get(member[0], ()) + relatives
                elif relatives:
                    spans[member[0]].append((member, relatives))
        return single, dict(spans)

    def _resemblance(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        by_prefix: dict[str, list[str]] = defaultdict(list)
        by_sound: dict[str, list[str]] = defaultdict(list)
        for stem in self.postings:
            if len(stem) >= PREFIX and stem.isalpha():
                by_prefix[stem[:PREFIX]].append(stem)
                if len(stem) >= MIN_TYPO - 1:
                    for key in _deletions(sound(stem)):
                        by_sound[key].append(stem)
        return dict(by_prefix), dict(by_sound)

    def _find_relatives(self, stem: str) -> tuple[Relative, ...]:
        best: dict[str, Relative] = {}
        if stem in self.postings or stem in self.answers:
            best[stem] = Relative(stem, How.EXACT, 1.0)
        # A word that the base has is what it says; only an unknown one may be a mistyped one.
        typos = () if best else self._typos(stem)
        for relative in (*self._synonyms.get(stem, ()), *self._forms(stem), *typos):
            known = best.get(relative.stem)
            if known is None or known.similarity < min(relative.similarity, RELATED):
                best[relative.stem] = relative
        return tuple(sorted(best.values(), key=lambda relative: -relative.similarity))

    def _forms(self, stem: str) -> Iterator[Relative]:
        """Stems that begin alike: the stemmer cuts «доставка» and «доставить» differently."""
        for other in self._by_prefix.get(stem[:PREFIX], ()) if len(stem) >= PREFIX else ():
            if other == stem:
                continue
            short, long = sorted((len(stem), len(other)))
            shared = _shared_prefix(stem, other)
            if shared == short and long - short <= max(3, short // 2 + 1):
                yield Relative(other, How.RELATED, RELATED)
            elif shared >= PREFIX + 1 and long - shared <= LENGTH_WINDOW + 1:
                yield Relative(other, How.RELATED, LOOSELY_RELATED)

    def _typos(self, stem: str) -> Iterator[Relative]:
        """Stems that sound alike or are an edit away; found by neighbourhood, never by a scan."""
        if len(stem) < MIN_TYPO - 1 or not stem.isalpha():
            return
        from rapidfuzz.distance import OSA  # noqa: PLC0415  # 15 ms that `import faq` does not owe

        heard = sound(stem)
        for other in dict.fromkeys(near for key in _deletions(heard) for near in self._by_sound.get(key, ())):
            if abs(len(other) - len(stem)) > LENGTH_WINDOW:
                continue
            other_sound = sound(other)
            if min(len(stem), len(other)) < MIN_TYPO and heard != other_sound:
                continue
            similarity = max(
                OSA.normalized_similarity(stem, other), 0.97 * OSA.normalized_similarity(heard, other_sound)
            )
            if similarity >= MIN_SIMILARITY:
                yield Relative(other, How.TYPO, similarity)


def sound(stem: str) -> str:
    """The stem as it is heard: vowels that are confused in writing are one, doubled letters are single."""
    heard = stem.translate(_SOUND)
    return "".join(letter for place, letter in enumerate(heard) if not place or heard[place - 1] != letter)


def _deletions(word: str) -> list[str]:
    """The word and all that it becomes without one letter: two words an edit apart share one of these."""
    return [word, *(word[:place] + word[place + 1 :] for place in range(len(word)))]


def _shared_prefix(one: str, other: str) -> int:
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return place
    return min(len(one), len(other))


def _phrasings(entry: FaqEntry) -> Iterator[tuple[Via, str]]:
    yield Via.QUESTION, entry.question
    for alias in entry.aliases:
        yield Via.ALIAS, alias
    for keyword in entry.keywords:
        yield Via.KEYWORD, keyword
