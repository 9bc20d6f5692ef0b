"""The words of one base: their stems and weights, and which of them a word of a message may stand for."""

from __future__ import annotations

import math
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import OSA

from faq.contract import How
from faq.language.lexicon import UNKNOWN, Floats, Lexicon, Numbers
from faq.language.spelling import deletions, shared_prefix, sound
from faq.language.translit import skeleton
from faq.normalize import stem, stop_stems

NOT_HERE = -1
"""The number of a stem that the base does not have."""
PREFIX = 4
MIN_TYPO = 3
RELATED = 0.85
LOOSELY_RELATED = 0.6
SYNONYM = 0.92
MIN_SIMILARITY = 0.6
MOST_RELATIVES = 12
CACHE = 2_048
_NEIGHBOURS = 256
"""Words whose neighbours are remembered: an unknown one is asked about several times in one message."""

_COMMON, _SPAN = 7.4, 3.6
_FLOOR = 0.06
_STOP_WORD = 0.2
_IN_BASE = 0.65


def rarity(zipf: float, *, stop: bool = False) -> float:
    """How much a word says about a subject, by its frequency in the language: from 0.06 (the commonest) to 1."""
    value = min(max((_COMMON - zipf) / _SPAN, _FLOOR), 1.0)
    return value * _STOP_WORD if stop else value


def weigh(language: float, base: float) -> float:
    """The weight of a word out of its rarity in the language and in the base (both up to 1)."""
    return language * (1.0 - _IN_BASE + _IN_BASE * base)


@dataclass(frozen=True, slots=True)
class Relative:
    """A stem of the base (by number) that stands for a word of the message, and how well."""

    number: int
    how: How
    similarity: float


class Vocabulary:
    """Stems by number, in the order of their appearance.

    `rows` are their rows in the lexicon, `rarities` their rarity in the base (1 for a stem of one entry), `weights`
    what they weigh there, `vectors` what they mean; `spans` are
    synonyms of several words, by their stems. Immutable but for bounded caches; safe for several threads.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.stems: list[str] = []
        self.numbers: dict[str, int] = {}
        self.forms: dict[str, int] = {}
        self.by_row: dict[int, int] = {}
        self.skeletons: dict[str, str] = {}
        self.rows: Numbers = np.empty(0, np.int32)
        self.zipf: Floats = np.empty(0, np.float32)
        self.rarities: Floats = np.empty(0, np.float32)
        self.weights: Floats = np.empty(0, np.float32)
        self.vectors: Floats = np.empty((0, lexicon.dimensions), np.float32)
        self._sorted: list[str] = []
        self._near_keys: npt.NDArray[np.uint32] = np.empty(0, np.uint32)
        self._near_forms: Numbers = np.empty(0, np.int32)
        self._form_list: list[str] = []
        self._synonyms: dict[str, tuple[Relative, ...]] = {}
        self.spans: tuple[tuple[str, ...], ...] = ()
        self.relatives = lru_cache(maxsize=CACHE)(self._find_relatives)
        self._neighbours = lru_cache(maxsize=_NEIGHBOURS)(self._find_neighbours)

    # -- building -----------------------------------------------------------------------------------------

    def add(self, words: Iterable[str]) -> list[int]:
        """The numbers of the stems of folded words, each once, new ones taken in."""
        found: dict[int, None] = {}
        for word in words:
            number = self.forms.get(word)
            if number is None:
                root = stem(word)
                number = self.numbers.setdefault(root, len(self.stems))
                if number == len(self.stems):
                    self.stems.append(root)
                self.forms[word] = number
            found[number] = None
        return list(found)

    def close(self, owners: npt.NDArray[np.float64], entries: int) -> None:
        """Weigh all that was added; `owners` counts for each stem the entries that have it."""
        lexicon = self.lexicon
        self.rows = lexicon.rows(self.stems)
        self.zipf = np.array(lexicon.zipfs(self.rows), np.float32)
        count = max(entries, 1)
        self.rarities = (np.log1p(count / np.maximum(owners, 1.0)) / math.log1p(count)).astype(np.float32)
        self.weights = np.array(
            [
                weigh(rarity(float(zipf), stop=root in stop_stems()), float(rare))
                for root, zipf, rare in zip(self.stems, self.zipf, self.rarities, strict=True)
            ],
            np.float32,
        )
        self.vectors = lexicon.vectors(self.rows)
        self.by_row = {int(row): number for number, row in enumerate(self.rows) if row != UNKNOWN}
        for word in self.forms:
            if bones := skeleton(word):
                self.skeletons.setdefault(bones, word)
        self._sorted = sorted(self.stems)
        self._index_spellings()

    def _index_spellings(self) -> None:
        self._form_list = [*self.forms, *(root for root in self.stems if root not in self.forms)]
        keys, owners = array("L"), array("l")
        for number, word in enumerate(self._form_list):
            if len(word) >= MIN_TYPO and word.isalpha():
                near = set(map(_key, {*deletions(word), *deletions(sound(word))}))
                keys.extend(near)
                owners.extend([number] * len(near))
        found = np.array(keys, np.uint32)
        order = np.argsort(found, kind="stable")
        self._near_keys = found[order]
        self._near_forms = np.array(owners, np.int32)[order]
        self._neighbours.cache_clear()

    def relate(self, groups: Iterable[Iterable[Sequence[str]]]) -> None:
        """Take synonyms: in a group every member (its folded words) stands for every other. Call it after `close`."""
        found: dict[str, dict[int, Relative]] = {}
        for group in groups:
            members = [[stem(word) for word in member] for member in group]
            for member in members:
                others = {root for other in members if other is not member for root in other} - set(member)
                relatives = {
                    self.numbers[root]: Relative(self.numbers[root], How.SYNONYM, SYNONYM)
                    for root in sorted(others)
                    if root in self.numbers
                }
                found.setdefault(" ".join(member), {}).update(relatives)
        self._synonyms = {key: tuple(relatives.values()) for key, relatives in found.items() if relatives}
        self.spans = tuple(tuple(key.split()) for key in self._synonyms if " " in key)
        self.relatives.cache_clear()

    # -- asking -------------------------------------------------------------------------------------------

    def synonyms(self, stems: Sequence[str]) -> tuple[Relative, ...]:
        """What the owner's synonyms say of one stem or of several in a row."""
        return self._synonyms.get(" ".join(stems), ())

    def near(self, word: str) -> bool:
        """Whether a form of the base is one edit away."""
        return len(word) > MIN_TYPO and any(
            OSA.distance(word, form, score_cutoff=1) <= 1 for form in self._neighbours(word)
        )

    def _find_neighbours(self, word: str) -> tuple[str, ...]:
        keys = np.array([_key(part) for part in {*deletions(word), *deletions(sound(word))}], np.uint32)
        starts = np.searchsorted(self._near_keys, keys, side="left")
        ends = np.searchsorted(self._near_keys, keys, side="right")
        found: dict[int, None] = {}
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            if start < end:
                found.update(dict.fromkeys(self._near_forms[start:end].tolist()))
        return tuple(self._form_list[number] for number in sorted(found))

    def _find_relatives(self, word: str, root: str, known: bool) -> tuple[Relative, ...]:  # noqa: FBT001 - a cached pure function of three values
        """The stems that a word stands for, the surest first; a `known` word is hardly a mistyped other one."""
        best: dict[int, Relative] = {}

        def take(number: int, how: How, similarity: float) -> None:
            if number not in best or best[number].similarity < similarity:
                best[number] = Relative(number, how, similarity)

        own = self.numbers.get(root, NOT_HERE)
        if own != NOT_HERE:
            take(own, How.EXACT, 1.0)
        for relative in self._synonyms.get(root, ()):
            take(relative.number, relative.how, relative.similarity)
        if len(root) >= PREFIX:
            for number, similarity in self._forms_of(root):
                take(number, How.RELATED, similarity)
        if own == NOT_HERE and len(word) >= MIN_TYPO and word.isalpha():
            inflected = not known and self.lexicon.row(root) != UNKNOWN
            for number, similarity in self._typos(word, known=known, inflected=inflected):
                take(number, How.TYPO, similarity)
        ranked = sorted(best.values(), key=lambda relative: (-relative.similarity, relative.number))
        return tuple(ranked[:MOST_RELATIVES])

    def _forms_of(self, root: str) -> Iterable[tuple[int, float]]:
        """Stems that begin alike: the stemmer cuts «доставка» and «доставить» differently."""
        prefix = root[:PREFIX]
        place = bisect_left(self._sorted, prefix)
        while place < len(self._sorted) and self._sorted[place].startswith(prefix):
            other = self._sorted[place]
            place += 1
            if other == root or not other.isalpha():
                continue
            short, long = sorted((len(root), len(other)))
            shared = shared_prefix(root, other)
            if shared == short and long - short <= max(3, short // 2 + 1):
                yield self.numbers[other], RELATED
            elif shared > PREFIX and long - shared <= PREFIX - 1:
                yield self.numbers[other], LOOSELY_RELATED

    def _typos(self, word: str, *, known: bool, inflected: bool) -> Iterable[tuple[int, float]]:
        """Words that sound alike or are an edit away; found by neighbourhood, never by a scan.

        An `inflected` word has a stem that the language knows: a rare form of another word more often than a slip.
        """
        heard = sound(word)
        for form in self._neighbours(word):
            if abs(len(form) - len(word)) > 2:  # noqa: PLR2004 - two letters more are another word
                continue
            same_sound = heard == sound(form)
            similarity = max(
                OSA.normalized_similarity(word, form), 0.97 * OSA.normalized_similarity(heard, sound(form))
            )
            if min(len(word), len(form)) <= PREFIX and not same_sound:
                similarity *= 0.85
            if known:
                similarity *= 0.8 if same_sound else 0.5
            elif inflected and not same_sound:
                similarity *= 0.7
            if similarity >= MIN_SIMILARITY:
                number = self.forms.get(form)
                yield (self.numbers[form] if number is None else number), 0.97 * similarity


def _key(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))
