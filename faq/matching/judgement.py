"""Is the best one right? What speaks for and against the first candidate, for the second stage of the model."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from faq.language.lexicon import Floats
from faq.matching.chat import Likeness
from faq.matching.features import Comparison
from faq.matching.message import Message
from faq.matching.reading import ReadingName, distinct
from faq.wording import PREPOSITIONS

SEMANTIC_FEATURE: Final = "semantic"
LED: Final = ("rank", "lead", "share")
SEMANTIC: Final = ("semantic_most", "semantic_behind")
SEEN: Final = (
    "soft_cover_behind",
    "meaning_most",
    "meaning_behind",
    "one_word",
    "two_words",
    "length",
    "strangers",
    "heaviest",
    "mean_weight",
    "other_reading",
    "sense",
    "both_covers",
    "meaning_and_cover",
    "gap_uncovered",
    "crowd",
    "chat_meaning",
    "chat_cover",
    "chat_ahead",
)
"""What is judged besides the features of the best candidate.

`rank` is the score of the first stage, `lead` how far it is ahead of the second candidate, `share` its part of the
softmax; `SEEN` is what only a look at all candidates and at the message shows, `SEMANTIC` what sentence vectors show.
"""

DOUBT: Final = 0.4
"""What a confidence is multiplied by where a doubt is too rare in the labelled questions to be learned."""
STRANGER: Final = 0.45
"""How heavy a word without any support is a stranger beside a single supported one: «возврат налога» to a shop."""
SURE: Final = 0.97
"""From this confidence on a stranger is no doubt."""
_WHOLE = 0.95
_AS_GOOD = 0.1
_ONE = 1 / 3
"""One word found, as the feature `subjects` counts."""
_LEAD = 8.0
_LONG = 12
_UNCOVERED = 0.6
_CROWD = 5
_TWO = 2


def judged_names(features: tuple[str, ...]) -> tuple[str, ...]:
    """The names of what is judged, in the order of `judged`: `LED`, the features of the best candidate, `SEEN`."""
    return (*LED, *features, *SEEN, *(SEMANTIC if SEMANTIC_FEATURE in features else ()))


def judged(
    scores: Floats, values: Floats, features: tuple[str, ...], message: Message, chat: Likeness
) -> tuple[int, Floats]:
    """The place of the best candidate, and its row of `judged_names`. Pure; ties go to the first one.

    `scores` are those of the first stage by candidate, `values` the features by candidate and name.
    """
    best = int(np.argmax(scores))
    own = values[best]
    named = dict(zip(features, own.tolist(), strict=True))
    odds = np.exp(scores - scores[best])
    falling = np.sort(scores)[::-1]
    lead = float(scores[best] - falling[1]) if len(scores) > 1 else _LEAD
    covers, meanings = values[:, features.index("soft_cover")], values[:, features.index("meaning")]
    words = len(message.words)
    crowd = falling[:_CROWD].mean() - scores[best]
    row = [
        float(scores[best]),
        min(lead, _LEAD),
        float(1.0 / odds.sum()),
        *own.tolist(),
        float(covers.max()) - named["soft_cover"],
        float(meanings.max()),
        float(meanings.max()) - named["meaning"],
        float(words == 1),
        float(words == _TWO),
        min(words, _LONG) / _LONG,
        message.strangers,
        float(message.weights.max()),
        message.total / words,
        float(message.reading.name is not ReadingName.TYPED),
        min(message.reading.sense, 1.2),
        named["soft_cover_phrase"] * named["soft_cover_message"],
        named["meaning"] * named["soft_cover_message"],
        named["gap"] * (named["soft_cover_message"] < _UNCOVERED),
        float(crowd),
        chat.meaning,
        chat.cover,
        chat.meaning - float(meanings.max()),
    ]
    if SEMANTIC_FEATURE in features:
        most = float(values[:, features.index(SEMANTIC_FEATURE)].max())
        row += [most, most - named[SEMANTIC_FEATURE]]
    return best, np.array(row, np.float32)


def doubted(
    confidence: float, measured: Comparison, best: int, features: tuple[str, ...], message: Message
) -> float:
    """The confidence, less where there is reason to doubt that no labelled question has taught. Pure.

    The reasons: the message names no subject of the entry; it names one beside a heavy stranger; another entry has all
    its words as well. Where and when something is wanted («в казань», «на выходных») is no stranger: an answer about
    delivery is right for every town. `best` is the place of the best candidate.
    """
    values = measured.values[best]
    subjects = float(values[features.index("subjects")])
    if subjects < _ONE / 2 or _shared(measured.values, best, features):
        return confidence * DOUBT
    if subjects > _ONE * 1.5 or confidence >= SURE or float(values[features.index("gap")]) <= STRANGER:
        return confidence
    missing = message.weights * (1.0 - measured.meaning[:, best]) * message.subjects
    strangers = missing[~_circumstances(message)]
    return confidence * DOUBT if len(strangers) and float(strangers.max()) > STRANGER else confidence


def _shared(values: Floats, best: int, features: tuple[str, ...]) -> bool:
    """Whether another entry has all the words of the message too, and no phrasing is just these: «как вернуть»."""
    explained, named, same = (features.index(name) for name in ("entry_cover", "cover_phrase", "phrase"))
    if values[best, same] or values[best, explained] < _WHOLE:
        return False
    others = np.delete(values, best, axis=0)
    return bool(
        ((others[:, explained] >= _WHOLE) & (others[:, named] > values[best, named] - _AS_GOOD)).any()
    )


def _circumstances(message: Message) -> npt.NDArray[np.bool_]:
    """By word: whether it stands behind a preposition."""
    behind = {
        word.stem
        for before, word in pairwise(message.reading.words)
        if before.text in PREPOSITIONS and word.text not in PREPOSITIONS
    }
    return np.array([word.stem in behind for word in distinct(message.reading.words)], bool)
