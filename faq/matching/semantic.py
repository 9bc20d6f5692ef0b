"""The semantic tier: the same matcher with vectors of whole sentences beside words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from faq.entry import FaqEntry
from faq.language.lexicon import Floats, Numbers, unit
from faq.matching.features import FEATURES, Comparison
from faq.matching.index import Index
from faq.matching.matcher import FusionMatcher
from faq.matching.message import Message
from faq.matching.model import Model, load_model
from faq.normalize import Normalizer
from faq.semantic.cache import VectorCache
from faq.semantic.encoder import Encoder

SEMANTIC: Final = "semantic"
SEMANTIC_FEATURES: Final = (*FEATURES, "semantic", "semantic_answer", "semantic_entry")
"""Cosines of sentence vectors: with the nearest phrasing, with the answer, with the mean of the phrasings."""

_SOUGHT = 1.0
"""What the meaning of the sentence weighs when candidates are sought."""
_ANSWER = 0.3


class SemanticMatcher(FusionMatcher):
    """Ranks like `FusionMatcher`, with a sentence encoder's opinion among the features."""

    def __init__(
        self, index: Index, encoder: Encoder, cache: VectorCache | None = None, model: Model | None = None
    ) -> None:
        self.encoder = encoder
        texts = [phrase.text for phrase in index.phrases]
        answers = [entry.answer for entry in index.entries]
        every = [*texts, *answers]
        vectors = encoder.encode(every) if cache is None else cache.encoded(every, encoder)
        self._phrases: Floats = np.ascontiguousarray(vectors[: len(texts)], np.float32)
        self._answers: Floats = np.ascontiguousarray(vectors[len(texts) :], np.float32)
        sums = np.zeros((len(answers), encoder.dimensions), np.float32)
        np.add.at(sums, index.owner, self._phrases)
        self._entries = unit(sums)
        super().__init__(index, model or load_model(SEMANTIC, SEMANTIC_FEATURES), sentences=self._phrases)

    def sentence(self, message: Message) -> Floats | None:
        """The vector of the message as it was read."""
        found: Floats = self.encoder.encode([message.reading.text])[0]
        return found

    def hint(self, sentence: Floats | None, classified: Floats | None) -> Floats | None:
        """Entries that mean the like are candidates even if they share no word."""
        if sentence is None:
            return classified
        found: Floats = _SOUGHT * (self._entries @ sentence) + _ANSWER * (self._answers @ sentence)
        return found if classified is None else found + classified

    def compare(
        self, message: Message, entries: Numbers, sentence: Floats | None, classified: Floats | None
    ) -> Comparison:
        """Measure candidates, the cosines of sentence vectors among the features."""
        found = super().compare(message, entries, sentence, classified)
        near = np.zeros((len(entries), 3), np.float32)
        if sentence is not None:
            spans = self.index.spans
            for place, number in enumerate(entries.tolist()):
                own = self._phrases[spans[number] : spans[number + 1]]
                near[place, 0] = float((own @ sentence).max()) if len(own) else 0.0
            near[:, 1] = self._answers[entries] @ sentence
            near[:, 2] = self._entries[entries] @ sentence
        return replace(found, values=np.hstack([found.values, near]))


def semantic_matcher(
    encoder: Encoder, cache: VectorCache | None
) -> Callable[[Sequence[FaqEntry], Sequence[Sequence[str]]], SemanticMatcher]:
    """A `MatcherFactory` of the semantic tier."""

    def make(entries: Sequence[FaqEntry], synonyms: Sequence[Sequence[str]]) -> SemanticMatcher:
        return SemanticMatcher(Index(entries, Normalizer(), synonyms), encoder, cache)

    return make
