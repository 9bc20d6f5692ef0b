"""Noise that a program can make out of a clean Russian message: another keyboard layout, Latin letters, slips.

Pure: the same text and the same random numbers give the same noise.
"""

from __future__ import annotations

import random
from types import MappingProxyType

_RUSSIAN_KEYS = "йцукенгшщзхъфывапролджэячсмитьбюё"
_LATIN_KEYS = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`"
_RUSSIAN_SHIFTED = "ЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭЯЧСМИТЬБЮЁ"
_LATIN_SHIFTED = 'QWERTYUIOP{}ASDFGHJKL:"ZXCVBNM<>~'
_OTHER_LAYOUT = str.maketrans(_RUSSIAN_KEYS + _RUSSIAN_SHIFTED, _LATIN_KEYS + _LATIN_SHIFTED)

_BASE = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z", "и": "i", "й": "y",
    "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f",
    "х": "h", "ц": "c", "ч": "ch", "ш": "sh", "щ": "sch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya",
}  # fmt: skip
HABITS = tuple(
    MappingProxyType(_BASE | habit)
    for habit in (
        {},
        {"х": "kh", "ц": "ts", "щ": "shch", "ё": "yo", "ю": "ju", "я": "ja", "й": "j"},
        {"ж": "j", "ч": "4", "ш": "w", "щ": "w", "х": "x", "й": "i", "ь": "'"},
    )
)
"""Ways to write Russian in Latin letters, the most usual one first."""

SLIPS_PER_WORD = 0.3
"""The share of words of four letters and more that get a slip; a message gets one at least."""
_SLIPPABLE = 4


def other_layout(text: str) -> str:
    """What comes of a Russian text typed with the Latin layout on."""
    return text.translate(_OTHER_LAYOUT)


def in_latin(text: str, habit: int = 0) -> str:
    """A Russian text in Latin letters, after one of the `HABITS`."""
    letters = HABITS[habit]
    return "".join(
        letters.get(letter) or ("" if letter in letters else letters.get(letter.lower(), letter).capitalize())
        for letter in text
    )


def with_slips(text: str, rng: random.Random) -> str:
    """The text with slips of the hand: a letter swapped, left out, doubled, or taken from the next key."""
    words = text.split(" ")
    long = [place for place, word in enumerate(words) if len(word) >= _SLIPPABLE]
    if not long:
        return _slip(text, rng)
    for place in sorted(rng.sample(long, max(1, round(SLIPS_PER_WORD * len(long))))):
        words[place] = _slip(words[place], rng)
    return " ".join(words)


def _slip(word: str, rng: random.Random) -> str:
    if len(word) < 2:
        return word
    place = rng.randrange(len(word) - 1)
    kind = rng.choice(("swap", "drop", "double", "neighbour"))
    if kind == "swap":
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if kind == "drop":
        return word[:place] + word[place + 1 :]
    if kind == "double":
        return word[:place] + word[place] + word[place:]
    key = _RUSSIAN_KEYS.find(word[place].lower())
    beside = _RUSSIAN_KEYS[key + 1 if key + 1 < len(_RUSSIAN_KEYS) else key - 1] if key >= 0 else word[place]
    return word[:place] + beside + word[place + 1 :]
