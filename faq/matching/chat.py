"""Small talk as a class of its own: how much a message looks like what people say besides questions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from faq.language.lexicon import Floats, Lexicon, load_lexicon, unit
from faq.language.spoken import chat_phrases
from faq.matching.message import Message
from faq.matching.reading import language_weight
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
        spelled = {phrase: dict.fromkeys(map(stem, normalizer.fold(phrase).split())) for phrase in phrases}
        known = list({root: None for roots in spelled.values() for root in roots})
        places = {root: place for place, root in enumerate(known)}
        rows = lexicon.rows(known)
        stops = stop_stems()
        weigh = {
            root: rarity(zipf, stop=root in stops)
            for root, zipf in zip(known, lexicon.zipfs(rows), strict=True)
        }
        self._phrases = [phrase for phrase, roots in spelled.items() if roots]
        self._words = [{root: weigh[root] for root in spelled[phrase]} for phrase in self._phrases]
        self._totals = [sum(words.values()) for words in self._words]
        used = np.array([places[root] for words in self._words for root in words])
        weights = np.array([weight for words in self._words for weight in words.values()], np.float32)
        starts = np.cumsum([0, *(len(words) for words in self._words[:-1])])
        vectors = lexicon.vectors(rows)[used]
        vectors *= weights[:, None]
        self._meanings: Floats = unit(np.add.reduceat(vectors, starts))

    def likeness(self, message: Message) -> Likeness:
        """How like small talk a message is. Pure."""
        alike = self._meanings @ message.meaning
        own = {word.stem: language_weight(self._lexicon, word) for word in message.words}
        total = sum(own.values())
        best, cover = "", 0.0
        for place in np.argpartition(-alike, _CLOSEST)[:_CLOSEST].tolist():
            words = self._words[place]
            shared = sum(weight for root, weight in own.items() if root in words)
            both = shared * shared / max(total * self._totals[place], _GONE)
            if not best or both > cover:
                best, cover = self._phrases[place], both
        return Likeness(float(alike.max()), cover, best)


@cache
def load_chat() -> Chat:
    """The small talk of this package, read once a process."""
    phrases = tuple(phrase for kind, phrase in chat_phrases() if kind not in ASKS_FOR_SOMETHING)
    return Chat(phrases, load_lexicon())
