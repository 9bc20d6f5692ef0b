"""A message as the index sees it: its words with weights, what of the base they stand for, what it means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faq.language.lexicon import UNKNOWN, Floats, unit
from faq.matching.reading import MessageReading, Reader, Word, distinct
from faq.matching.vocabulary import NOT_HERE, Relative, rarity, weigh
from faq.normalize import stop_stems
from faq.wording import ASKING_WORDS, STOP_WORDS


@dataclass(frozen=True, slots=True)
class Message:
    """The words of one reading that count, all arrays by word.

    `relatives` are the stems of the base that a word stands for, `weights` how much it says, `vectors` what it means;
    `subjects` marks words with a meaning of their own, which neither ask nor serve. `total` is the sum of the weights,
    `meaning` the unit vector of the whole.
    """

    reading: MessageReading
    words: tuple[Word, ...]
    relatives: tuple[tuple[Relative, ...], ...]
    weights: Floats
    vectors: Floats
    subjects: npt.NDArray[np.bool_]
    total: float
    meaning: Floats
    strangers: float
    """The share of words that neither the base nor the language has."""


_ALIKE = 0.7
"""A mistyped word means what so near a word of the base means."""


def look_at(reading: MessageReading, reader: Reader) -> Message | None:
    """The message of a reading; None if there is nothing to look for. Pure."""
    vocabulary = reader.vocabulary
    words: list[Word] = []
    relatives: list[tuple[Relative, ...]] = []
    for word in distinct(reading.words):
        mended, found = reader.relatives(word)
        words.append(mended)
        relatives.append(found)
    if not words:
        return None
    _spans(words, relatives, reader)
    rows = []
    weights = np.empty(len(words), np.float32)
    for place, (word, found) in enumerate(zip(words, relatives, strict=True)):
        row = word.row
        base = 1.0
        if found:
            best = found[0]
            base = float(vocabulary.rarities[best.number]) * best.similarity + 1.0 - best.similarity
            if row == UNKNOWN and best.similarity > _ALIKE:
                row = int(vocabulary.rows[best.number])
        weights[place] = weigh(rarity(vocabulary.lexicon.zipf(row), stop=word.stem in stop_stems()), base)
        rows.append(row)
    vectors = vocabulary.lexicon.vectors(rows)
    meaning = unit((weights[:, None] * vectors).sum(0, keepdims=True))[0]
    strange = sum(word.row == UNKNOWN and word.number == NOT_HERE for word in words) / len(words)
    subjects = np.array(
        [word.text not in ASKING_WORDS and word.text not in STOP_WORDS for word in words], bool
    )
    return Message(
        reading=reading,
        words=tuple(words),
        relatives=tuple(relatives),
        weights=weights,
        vectors=vectors,
        subjects=subjects,
        total=float(weights.sum()),
        meaning=meaning,
        strangers=strange,
    )


def _spans(words: list[Word], relatives: list[tuple[Relative, ...]], reader: Reader) -> None:
    """Synonyms of several words in a row stand for each of them."""
    stems = [word.stem for word in words]
    for span in reader.vocabulary.spans:
        for place in range(len(stems) - len(span) + 1):
            if tuple(stems[place : place + len(span)]) == span:
                for inside in range(place, place + len(span)):
                    relatives[inside] += reader.vocabulary.synonyms(span)
