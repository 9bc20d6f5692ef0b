"""Small talk as a class of its own: how much a message looks like what people say besides questions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from faq.language.lexicon import Floats, Lexicon, load_lexicon, unit
from faq.language.spoken import chat_phrases
from faq.matching.message import Message
from faq.matching.vocabulary import rarity
from faq.normalize import Normalizer, stem, stop_stems

ASKS_FOR_SOMETHING = frozenset({"human"})
"""Kinds that a base may well answer: «оператор» is a question in many of them."""
_CLOSEST = 3
_GONE = 1e-6


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like small talk a message is: by meaning and by words, and which phrase it resembles."""

    meaning: float
    cover: float
    phrase: str


NOTHING = Likeness(0.0, 0.0, "")


class Chat:
    """Phrases of small talk with their words and meanings. Immutable; safe for several threads."""

    def __init__(self, phrases: tuple[str, ...], lexicon: Lexicon) -> None:
        normalizer = Normalizer()
        self._lexicon = lexicon
        self._phrases: list[str] = []
        self._words: list[dict[str, float]] = []
        rows: list[int] = []
        weights: list[float] = []
        starts: list[int] = []
        for phrase in phrases:
            words = {root: self._weight(root) for root in map(stem, normalizer.fold(phrase).split())}
            if not words:
                continue
            starts.append(len(rows))
            rows += map(lexicon.row, words)
            weights += words.values()
            self._phrases.append(phrase)
            self._words.append(words)
        vectors = lexicon.vectors(rows) * np.array(weights, np.float32)[:, None]
        self._meanings: Floats = unit(np.add.reduceat(vectors, np.array(starts)))

    def likeness(self, message: Message) -> Likeness:
        """How like small talk a message is. Pure."""
        alike = self._meanings @ message.meaning
        own = {word.stem: self._weight(word.stem) for word in message.words}
        best, cover = "", 0.0
        for place in np.argpartition(-alike, _CLOSEST)[:_CLOSEST].tolist():
            words = self._words[place]
            shared = sum(weight for root, weight in own.items() if root in words)
            both = shared * shared / max(sum(own.values()) * sum(words.values()), _GONE)
            if not best or both > cover:
                best, cover = self._phrases[place], both
        return Likeness(float(alike.max()), cover, best)

    def _weight(self, root: str) -> float:
        return rarity(self._lexicon.zipf(self._lexicon.row(root)), stop=root in stop_stems())


@cache
def load_chat() -> Chat:
    """The small talk of this package, read once a process."""
    phrases = tuple(phrase for kind, phrase in chat_phrases() if kind not in ASKS_FOR_SOMETHING)
    return Chat(phrases, load_lexicon())
