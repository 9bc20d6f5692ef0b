"""One spelling for what is written in many: endings, typing errors, Latin letters, the wrong keyboard layout. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import groupby

from rapidfuzz.distance import OSA

MIN_SOUND = 5
"""In shorter words a vowel makes another word."""
MIN_TYPO = 6
RIGHT = 3
"""A word is taken for a typing error of one that is so many times as common."""
PREFIX = 5
LONGER = 3
"""So many letters more make another form of the same word: «доставк» and «достав»."""

_SOUND = str.maketrans("оеэяыйю", "аииаииу", "ьъ")
_LATIN = re.compile(r"[a-z]")
_RUSSIAN = re.compile(r"[а-яё]")
_LAYOUT = str.maketrans(
    "`qwertyuiop[]asdfghjkl;'zxcvbnm,.~QWERTYUIOP{}ASDFGHJKL:\"ZXCVBNM<>",
    "ёйцукенгшщзхъфывапролджэячсмитьбюЁЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭЯЧСМИТЬБЮ",
)
_TRANSLIT = (
    ("shch", "щ"), ("sch", "щ"), ("yo", "ё"), ("jo", "ё"), ("yu", "ю"), ("ju", "ю"), ("ya", "я"), ("ja", "я"),
    ("ye", "е"), ("je", "е"), ("zh", "ж"), ("kh", "х"), ("ts", "ц"), ("ch", "ч"), ("sh", "ш"), ("ij", "ий"),
    ("iy", "ий"), ("yj", "ый"), ("a", "а"), ("b", "б"), ("c", "ц"), ("d", "д"), ("e", "е"), ("f", "ф"),
    ("g", "г"), ("h", "х"), ("i", "и"), ("j", "й"), ("k", "к"), ("l", "л"), ("m", "м"), ("n", "н"), ("o", "о"),
    ("p", "п"), ("q", "к"), ("r", "р"), ("s", "с"), ("t", "т"), ("u", "у"), ("v", "в"), ("w", "ш"), ("x", "х"),
    ("y", "ы"), ("z", "з"), ("'", "ь"), ("4", "ч"), ("6", "ш"),
)  # fmt: skip
_LETTERS = dict(_TRANSLIT)
_CLUSTERS = re.compile("|".join(re.escape(latin) for latin, _ in _TRANSLIT))


def is_russian(text: str) -> bool:
    """Whether a text has a Russian letter."""
    return _RUSSIAN.search(text.lower()) is not None


def readings(text: str) -> Iterator[str]:
    """What a text without a Russian letter may mean in Russian: by sound, and by the place of the keys."""
    low = text.lower()
    if _LATIN.search(low) and not is_russian(low):
        yield _CLUSTERS.sub(lambda found: _LETTERS[found[0]], low)
        yield text.translate(_LAYOUT)


def sound(stem: str) -> str:
    """A stem as it is heard: vowels that are confused in writing are one, doubled letters single, signs gone."""
    if len(stem) < MIN_SOUND or not is_russian(stem):
        return stem
    return "".join(letter for letter, _ in groupby(stem.translate(_SOUND))) or stem


class Spelling:
    """Leads each stem to the one that stands for it: the commonest of its forms and misspellings.

    `counts` tells how many people used a stem, `right` are stems that are no misspellings. A stem is led to a
    commoner one if it is longer or shorter by a few letters at its end, or one edit away and much rarer. Found
    by neighbourhood, never by a scan.
    """

    def __init__(self, counts: Mapping[str, int], right: Collection[str] = ()) -> None:
        heard: dict[str, int] = {}
        for stem, count in counts.items():
            key = sound(stem)
            heard[key] = heard.get(key, 0) + count
        self._right = {sound(stem) for stem in right}
        self._counts = heard
        self._near: dict[str, list[str]] = {}
        self._begun: dict[str, list[str]] = {}
        self._leads: dict[str, str] = {}
        for key in sorted(heard, key=lambda one: (-heard[one], one not in self._right, one)):
            found = self._find(key)
            self._leads[key] = found or key
            if found is None:
                self._add(key)

    def __call__(self, stem: str) -> str:
        """The stem that stands for this one."""
        key = sound(stem)
        return self._leads.get(key) or self._find(key) or key

    def _add(self, key: str) -> None:
        if key.isalpha() and len(key) >= PREFIX:
            self._begun.setdefault(key[:PREFIX], []).append(key)
            if len(key) >= MIN_TYPO - 1:
                for deleted in _deletions(key):
                    self._near.setdefault(deleted, []).append(key)

    def _find(self, key: str) -> str | None:
        if len(key) < PREFIX or not key.isalpha():
            return None
        for other in self._begun.get(key[:PREFIX], ()):
            short, long = sorted((key, other), key=len)
            if long.startswith(short) and len(long) - len(short) <= LONGER:
                return other
        if len(key) < MIN_TYPO or key in self._right:
            return None
        near = {other for deleted in _deletions(key) for other in self._near.get(deleted, ())}
        common = [other for other in near if self._counts[other] >= RIGHT * self._counts.get(key, 0)]
        close = [
            other for other in common if other[0] == key[0] and OSA.distance(key, other, score_cutoff=1) <= 1
        ]
        return max(close, key=lambda other: (self._counts[other], other), default=None)


def _deletions(word: str) -> list[str]:
    """The word and all that it becomes without one letter: two words an edit apart share one of these."""
    return [word, *(word[:place] + word[place + 1 :] for place in range(len(word)))]
