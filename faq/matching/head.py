"""A classifier over the phrasings of a base: where entries have several, it learns what tells them apart.

Ridge regression over hashed words, pairs of words and letter groups, and over meanings; solved once when the base is
built.
"""

from __future__ import annotations

import math
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt

from faq.language.lexicon import Floats
from faq.matching.index import Index
from faq.matching.message import Message
from faq.normalize import stem

FEWEST: Final = 3.0
"""Phrasings an entry needs on the average; with fewer there is nothing to learn from."""
ENOUGH: Final = 6.0
"""With so many phrasings an entry the classifier counts in full."""
MOST_PHRASES: Final = 4_096
"""Phrasings that are learned from: the time to build grows with their square."""
RIDGE: Final = 0.3
SHARPNESS: Final = 8.0

_WORDS, _LETTERS = 2_048, 4_096
"""How many numbers words and pairs of words are hashed to, and groups of letters."""
_BLOCK = 512
_GROUPS = range(2, 6)
_SIGN = 1 << 31
_WORD_SIGN = "="
_TINY = 1e-6


@dataclass(frozen=True, slots=True)
class Head:
    """Weights by hashed feature and entry, by meaning and entry, by sentence and entry; rarities of the features.

    `gate` is how much the classifier counts (0 to 1).
    """

    hashed: Floats
    meaning: Floats
    sentence: Floats | None
    rarity: Mapping[str, float]
    unseen: float
    gate: float

    def scores(self, message: Message, sentence: Floats | None) -> Floats:
        """About 1 for the entry that the classifier means, about 0 for the others. Pure."""
        places, values = _hashed(message.reading.text, self.rarity, self.unseen)
        found: Floats = values @ self.hashed[places] + message.meaning @ self.meaning
        if self.sentence is not None and sentence is not None:
            found = found + sentence @ self.sentence
        return found


def train(index: Index, sentences: Floats | None = None) -> Head | None:
    """A classifier for a base; None where entries have too few phrasings or there are too many of them.

    `sentences` are sentence vectors by phrasing.
    """
    count = len(index.phrases)
    gate = min((index.phrasings_per_entry - FEWEST) / (ENOUGH - FEWEST), 1.0)
    if gate <= 0.0 or count > MOST_PHRASES:
        return None
    rarity, unseen, rows = _rows([phrase.plain for phrase in index.phrases])
    parts = [index.phrase_meanings] if sentences is None else [index.phrase_meanings, sentences]
    scale = 1.0 / len([_WORDS, _LETTERS, *parts])
    kernel = np.zeros((count, count), np.float32)
    for part in (*rows.blocks(), *parts):
        kernel += part @ part.T
    kernel *= np.float32(scale)
    kernel[np.diag_indices(count)] += np.float32(RIDGE)
    wanted = np.zeros((count, len(index.entries)), np.float32)
    wanted[np.arange(count), index.owner] = 1.0
    duals = np.linalg.solve(kernel, wanted).astype(np.float32) * np.float32(scale)
    return Head(
        hashed=np.concatenate([block.T @ duals for block in rows.blocks()]),
        meaning=index.phrase_meanings.T @ duals,
        sentence=sentences.T @ duals if sentences is not None else None,
        rarity=rarity,
        unseen=unseen,
        gate=gate,
    )


@dataclass(frozen=True, slots=True)
class _Sparse:
    """A matrix of `count` rows that is nearly all zeros: where something else is, and what."""

    count: int
    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    values: Floats

    def blocks(self) -> Iterator[Floats]:
        """The matrix some columns at a time, with its zeros: whole, that of a large base would take 100 MB."""
        for start in range(0, _WORDS + _LETTERS, _BLOCK):
            inside = (self.columns >= start) & (self.columns < start + _BLOCK)
            block = np.zeros((self.count, _BLOCK), np.float32)
            block[self.rows[inside], self.columns[inside] - start] = self.values[inside]
            yield block


def _rows(texts: Sequence[str]) -> tuple[Mapping[str, float], float, _Sparse]:
    """The rarity of every name in texts, that of one that is in none, and what `_hashed` gives for each text."""
    numbers: dict[str, int] = {}
    found, ends = array("l"), [0]
    for text in texts:
        found.extend(numbers.setdefault(name, len(numbers)) for name in chain(_words(text), _letters(text)))
        ends.append(len(found))
    size, count = max(len(numbers), 1), len(texts)
    pairs, times = np.unique(
        np.repeat(np.arange(count) * size, np.diff(ends)) + np.asarray(found), return_counts=True
    )
    row, name = np.divmod(pairs, size)
    unseen = math.log(1 + count) + 1.0
    rare = unseen - np.log(1 + np.bincount(name, minlength=len(numbers)))
    keys = np.fromiter(map(_key, numbers), np.int64, len(numbers))
    is_word = np.fromiter((one.startswith(_WORD_SIGN) for one in numbers), bool, len(numbers))
    place = np.where(is_word, keys % _WORDS, _WORDS + keys % _LETTERS)
    worth = np.where(keys & _SIGN, rare, -rare)
    cells, of_cell = np.unique(row * (_WORDS + _LETTERS) + place[name], return_inverse=True)
    values = np.bincount(of_cell, (1.0 + np.log(times)) * worth[name], minlength=len(cells))
    rows, columns = np.divmod(cells, _WORDS + _LETTERS)
    halves = 2 * rows + (columns >= _WORDS)
    lengths = np.sqrt(np.bincount(halves, values * values, minlength=2 * count))
    values = values / np.where(lengths > 0.0, lengths, _TINY)[halves]
    rarity = dict(zip(numbers, rare.tolist(), strict=True))
    return rarity, unseen, _Sparse(count, rows, columns, values.astype(np.float32))


def shares(scores: Floats) -> Floats:
    """The scores as shares of one."""
    odds = np.exp(SHARPNESS * (scores - scores.max()))
    found: Floats = odds / odds.sum()
    return found


def _words(plain: str) -> Iterator[str]:
    """Stems, and pairs of neighbours; they begin with a sign that letters never have."""
    stems = [stem(word) for word in plain.split()]
    yield from (f"{_WORD_SIGN}{root}" for root in stems)
    yield from (f"{_WORD_SIGN}{one} {other}" for one, other in zip(["^", *stems], [*stems, "$"], strict=True))


def _letters(plain: str) -> Iterator[str]:
    """Groups of two to five letters inside words, the ends of the word among them."""
    for word in plain.split():
        framed = f" {word} "
        for size in _GROUPS:
            yield from (framed[start : start + size] for start in range(len(framed) - size + 1))


def _hashed(plain: str, rarity: Mapping[str, float], unseen: float) -> tuple[Sequence[int], Floats]:
    """The places and values of a text: words and letters each of length one."""
    found: dict[int, float] = {}
    for names, offset, size in ((_words(plain), 0, _WORDS), (_letters(plain), _WORDS, _LETTERS)):
        found |= _unit(Counter(names), rarity, unseen, offset, size)
    return list(found), np.fromiter(found.values(), np.float32, len(found))


def _unit(
    counts: Mapping[str, int], rarity: Mapping[str, float], unseen: float, offset: int, size: int
) -> dict[int, float]:
    values: dict[int, float] = {}
    for name, times in counts.items():
        key = _key(name)
        place = offset + key % size
        worth = (1.0 + math.log(times)) * rarity.get(name, unseen)
        values[place] = values.get(place, 0.0) + (worth if key & _SIGN else -worth)
    length = math.sqrt(_squares(values.values())) or _TINY
    return {place: value / length for place, value in values.items()}


def _key(name: str) -> int:
    return zlib.crc32(name.encode("utf-8", "surrogatepass"))


def _squares(values: Iterable[float]) -> float:
    return sum(value * value for value in values)
