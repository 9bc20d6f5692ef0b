"""The lexicon: which words there are, how common they are in the language at large, and roughly what they mean.

The data are arrays that are mapped, not read: what nobody asks for stays on disk. `faq/data/lexicon/README.md` tells
where they come from.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]
Numbers: TypeAlias = npt.NDArray[np.int32]

UNKNOWN = -1
RARE = 1.5
"""The frequency that is assumed of a word that the lexicon does not have."""
_ZIPF_STEP = 1 / 25
_ENCODING = "cp1251"
"""One byte a letter: Russian and English in half the space."""


class Lexicon:
    """Words of Russian and English, their stems, the frequency and a vector of meaning of each stem.

    A stem and a word are row numbers; `UNKNOWN` stands for every other one. Frequencies are on the Zipf scale: the
    decimal logarithm of occurrences in a thousand million words, 7 for the commonest. Immutable.
    """

    def __init__(self, folder: Path) -> None:
        def mapped(name: str) -> npt.NDArray[np.generic]:
            array: npt.NDArray[np.generic] = np.load(folder / f"{name}.npy", mmap_mode="r")
            return array

        self._stems = mapped("stems")
        self._zipf = mapped("zipf")
        self._vectors = mapped("vectors")
        self._words = mapped("words")
        self._word_stems = mapped("word_stems")
        self._skeletons = mapped("skeletons")
        self._skeleton_words = mapped("skeleton_words")
        self._letters = mapped("letters")
        self._starts = mapped("starts")
        self.dimensions = int(self._vectors.shape[1])

    def row(self, stem: str) -> int:
        """The row of a stem."""
        return _find(self._stems, _key(stem))

    def rows(self, stems: Sequence[str]) -> Numbers:
        """The rows of many stems at once."""
        return np.fromiter(map(self.row, stems), dtype=np.int32, count=len(stems))

    def word(self, word: str) -> int:
        """The row of a folded word."""
        return _find(self._words, _key(word))

    def words_among(self, words: Iterable[str]) -> list[int]:
        """The rows of those that are words; for many guesses at once."""
        keys = np.fromiter(map(_key, words), dtype=np.uint32)
        if not len(keys):
            return []
        places = np.minimum(np.searchsorted(self._words, keys), len(self._words) - 1)
        found: list[int] = np.unique(places[self._words[places] == keys]).tolist()
        return found

    def word_by_skeleton(self, skeleton: str) -> int:
        """The row of the commonest Russian word that is spelled so in Latin letters; see `translit`."""
        place = _find(self._skeletons, _key(skeleton))
        return UNKNOWN if place == UNKNOWN else int(self._skeleton_words[place])

    def spelling(self, word: int) -> str:
        """How a word (by row) is written."""
        start, end = int(self._starts[word]), int(self._starts[word + 1])
        return bytes(self._letters[start:end]).decode(_ENCODING)

    def stem_of(self, word: int) -> int:
        """The row of the stem of a word (by row)."""
        return int(self._word_stems[word])

    def zipf(self, row: int) -> float:
        """The frequency of a stem; `RARE` for `UNKNOWN`."""
        return RARE if row == UNKNOWN else float(self._zipf[row]) * _ZIPF_STEP

    def vectors(self, rows: Sequence[int] | Numbers) -> Floats:
        """Unit vectors of stems, shape (len(rows), dimensions); zeros for `UNKNOWN`."""
        numbers = np.asarray(rows, dtype=np.int64)
        found: Floats = self._vectors[np.maximum(numbers, 0)].astype(np.float32)
        found[numbers == UNKNOWN] = 0.0
        return unit(found)


def unit(vectors: Floats) -> Floats:
    """The same directions with length one; zeros stay zeros."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    lengths[lengths == 0.0] = 1.0
    scaled: Floats = vectors / lengths[:, None]
    return scaled


@cache
def load_lexicon() -> Lexicon:
    """The lexicon of this package, opened once a process."""
    return Lexicon(Path(str(files("faq") / "data" / "lexicon")))


def _key(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def _find(keys: npt.NDArray[np.generic], key: int) -> int:
    place = int(np.searchsorted(keys, np.uint32(key)))
    return place if place < len(keys) and int(keys[place]) == key else UNKNOWN
