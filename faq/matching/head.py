"""A classifier over the phrasings of a base: where entries have several, it learns what tells them apart.

Ridge regression over hashed words, pairs of words and letter groups, and over meanings; solved once when the base is
built.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

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
_GROUPS = range(2, 6)
_SIGN = 1 << 31
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
    texts = [phrase.plain for phrase in index.phrases]
    owners = Counter(name for text in texts for name in {*_words(text), *_letters(text)})
    rarity = {name: math.log((1 + count) / (1 + own)) + 1.0 for name, own in owners.items()}
    unseen = math.log(1 + count) + 1.0
    rows = np.zeros((count, _WORDS + _LETTERS), np.float32)
    for row, text in zip(rows, texts, strict=True):
        places, values = _hashed(text, rarity, unseen)
        row[places] = values
    parts = [rows, index.phrase_meanings] if sentences is None else [rows, index.phrase_meanings, sentences]
    scale = 1.0 / len([_WORDS, _LETTERS, *parts[1:]])
    kernel = sum((part @ part.T for part in parts), np.zeros((count, count), np.float32)) * np.float32(scale)
    kernel[np.diag_indices(count)] += np.float32(RIDGE)
    wanted = np.zeros((count, len(index.entries)), np.float32)
    wanted[np.arange(count), index.owner] = 1.0
    duals = np.linalg.solve(kernel, wanted).astype(np.float32) * np.float32(scale)
    weights: list[Floats] = [part.T @ duals for part in parts]
    return Head(
        hashed=weights[0],
        meaning=weights[1],
        sentence=weights[2] if sentences is not None else None,
        rarity=rarity,
        unseen=unseen,
        gate=gate,
    )


def shares(scores: Floats) -> Floats:
    """The scores as shares of one."""
    odds = np.exp(SHARPNESS * (scores - scores.max()))
    found: Floats = odds / odds.sum()
    return found


def _words(plain: str) -> Iterator[str]:
    """Stems, and pairs of neighbours; they begin with a sign that letters never have."""
    stems = [stem(word) for word in plain.split()]
    yield from (f"={root}" for root in stems)
    yield from (f"={one} {other}" for one, other in zip(["^", *stems], [*stems, "$"], strict=True))


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
        key = zlib.crc32(name.encode("utf-8", "surrogatepass"))
        place = offset + key % size
        worth = (1.0 + math.log(times)) * rarity.get(name, unseen)
        values[place] = values.get(place, 0.0) + (worth if key & _SIGN else -worth)
    length = math.sqrt(_squares(values.values())) or _TINY
    return {place: value / length for place, value in values.items()}


def _squares(values: Iterable[float]) -> float:
    return sum(value * value for value in values)
