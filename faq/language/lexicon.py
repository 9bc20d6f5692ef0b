"""The lexicon: which words there are, how common they are in the language at large, and roughly what they mean.

The data are arrays that are mapped, not read: what nobody asks for stays on disk. `faq/data/lexicon/README.md` tells
where they come from.
"""

from __future__ import annotations

import os
import weakref
import zlib
from bisect import bisect_left
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
            # A plain array over the mapping: NumPy's own class for it makes every element cost several times more.
            array: npt.NDArray[np.generic] = np.load(folder / f"{name}.npy", mmap_mode="r").view(np.ndarray)
            return array

        self._stems = mapped("stems")
        self._zipf = mapped("zipf")
        self._vectors = _Rows(folder / "vectors.npy")
        self._words = mapped("words")
        self._word_stems = mapped("word_stems")
        self._skeletons = mapped("skeletons")
        self._skeleton_words = mapped("skeleton_words")
        self._letters = mapped("letters")
        self._starts = mapped("starts")
        self._stem_keys = self._stems.data
        self._word_keys = self._words.data
        self._skeleton_keys = self._skeletons.data
        self.dimensions = self._vectors.width

    def row(self, stem: str) -> int:
        """The row of a stem."""
        return _find(self._stem_keys, stem)

    def rows(self, stems: Sequence[str]) -> Numbers:
        """The rows of many stems at once, many times faster than one by one."""
        keys = np.fromiter(map(_key, stems), dtype=np.uint32, count=len(stems))
        places = np.minimum(np.searchsorted(self._stems, keys), len(self._stems) - 1)
        found: Numbers = np.where(self._stems[places] == keys, places, UNKNOWN).astype(np.int32)
        return found

    def word(self, word: str) -> int:
        """The row of a folded word."""
        return _find(self._word_keys, word)

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
        place = _find(self._skeleton_keys, skeleton)
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

    def zipfs(self, rows: Numbers) -> Sequence[float]:
        """The frequencies of many stems at once."""
        steps = self._zipf[np.maximum(rows, 0)].tolist()
        known = (rows != UNKNOWN).tolist()
        return [step * _ZIPF_STEP if one else RARE for one, step in zip(known, steps, strict=True)]

    def vectors(self, rows: Sequence[int] | Numbers) -> Floats:
        """Unit vectors of stems, shape (len(rows), dimensions); zeros for `UNKNOWN`."""
        numbers = np.asarray(rows, dtype=np.int64)
        found: Floats = self._vectors.read(np.maximum(numbers, 0).tolist()).astype(np.float32)
        found[numbers == UNKNOWN] = 0.0
        return unit(found)


class _Rows:
    """The rows of a table in a file, read one by one when they are asked for.

    Mapped, so large a table would count as memory of the process page by page until all of it does: a page fault maps
    64 KB for a row of a hundred bytes. Read, it stays where it is shared and can be dropped, in the system's cache.
    Where a file cannot be read at a place (Windows), it is mapped after all.
    """

    def __init__(self, path: Path) -> None:
        table: np.memmap[tuple[int, int], np.dtype[np.generic]] = np.load(path, mmap_mode="r")
        self._count, self.width = (int(length) for length in table.shape)
        self._type = table.dtype
        self._table: npt.NDArray[np.generic] | None = None
        if not hasattr(os, "pread"):
            self._table = table
            return
        self._begin = int(table.offset)
        self._size = self.width * self._type.itemsize
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._file)

    def __len__(self) -> int:
        return self._count

    def read(self, numbers: Sequence[int]) -> npt.NDArray[np.generic]:
        """The rows with these numbers; shape (len(numbers), width)."""
        if self._table is not None:
            return self._table[numbers]
        begin, size, file = self._begin, self._size, self._file
        read = b"".join([os.pread(file, size, begin + number * size) for number in numbers])
        return np.frombuffer(read, self._type).reshape(-1, self.width)


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


def _find(keys: memoryview, text: str) -> int:
    key = _key(text)
    place = bisect_left(keys, key)
    return place if place < len(keys) and keys[place] == key else UNKNOWN
