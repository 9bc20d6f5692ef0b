"""Russian in Latin letters, in every habit at once: «kak sdelat'», «wapka», «4to», «podpiska», «oplatitj».

Two spellings are compared by their skeletons: what is left when everything that habits differ in is made the
same; its capitals are letters that Latin spells with two. A Cyrillic word has one skeleton, a Latin one has a few,
because some letters mean several things.
"""

from __future__ import annotations

import re

_CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "Z", "з": "z", "и": "i", "й": "i",
    "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f",
    "х": "h", "ц": "c", "ч": "C", "ш": "S", "щ": "S", "ъ": "", "ы": "i", "ь": "", "э": "e", "ю": "u", "я": "ia",
}  # fmt: skip
_FOLDS = (
    (re.compile(r"['`’]"), ""),
    (re.compile("shch|shh|6"), "S"),
    (re.compile("sch"), "X"),
    (re.compile("sh"), "H"),
    (re.compile("ch|4"), "C"),
    (re.compile("zh"), "Z"),
    (re.compile("kh"), "G"),
    (re.compile("ts(?![yj]a$)"), "T"),
    (re.compile("tz"), "D"),
    (re.compile("ck"), "K"),
    (re.compile("ph"), "f"),
    (re.compile("q"), "k"),
    (re.compile("[yji]a"), "ia"),
    (re.compile("[yji]u"), "U"),
    (re.compile("[yj]o"), "O"),
    (re.compile("[yj]e"), "E"),
    (re.compile("y"), "i"),
    (re.compile("^j(?![aeiouEOU])"), "Z"),
    (re.compile("(?<=[aeiouEOU])j"), "J"),
)
"""Several letters that are one, and letters that mean several things (those are in `_DOUBTFUL`), each as one sign."""

_DOUBTFUL = (
    ("w", ("S", "v")),
    ("X", ("S", "sC")),
    ("H", ("S", "sh")),
    ("G", ("h", "kh")),
    ("x", ("h", "ks")),
    ("J", ("i", "Z")),
    ("j", ("", "Z", "i")),
    ("c", ("c", "k", "s")),
    ("K", ("k", "ck")),
    ("T", ("c", "ts")),
    ("D", ("c", "tz")),
    ("O", ("e", "io")),
    ("E", ("e", "ie")),
    ("U", ("u", "iu")),
)
"""What a sign may mean, the likeliest first: «ts» is «ц» or «тс», «ye» is «е» or «ые»."""

_REPEAT = re.compile(r"(.)\1+")
_LETTERS = re.compile("[a-z'`’46]+")
_MOST = 24

_PARTED = (
    (re.compile("ts(?=[yj]a$)"), "t-s"),
    (re.compile("(?<=[bcdfghjklmnprstvxz])ye$"), "y-e"),
    (re.compile("(?<=[aeiou])y(?![aeou])"), "j"),
)
"""Letters that look like one but are two («tsya», «novye»), and «y» that is «й»."""
_GREEDY = re.compile("shch|sch|shh|yo|jo|zh|kh|ts|tz|ch|sh|ya|ja|yu|ju|ye|je|ck|[a-z46'`’]")
_SPELLED = {
    "shch": "щ", "sch": "щ", "shh": "щ", "yo": "е", "jo": "е", "zh": "ж", "kh": "х", "ts": "ц", "tz": "ц",
    "ch": "ч", "sh": "ш", "ya": "я", "ja": "я", "yu": "ю", "ju": "ю", "ye": "е", "je": "е", "ck": "к",
    "a": "а", "b": "б", "c": "ц", "d": "д", "e": "е", "f": "ф", "g": "г", "h": "х", "i": "и", "j": "й",
    "k": "к", "l": "л", "m": "м", "n": "н", "o": "о", "p": "п", "q": "к", "r": "р", "s": "с", "t": "т",
    "u": "у", "v": "в", "w": "в", "x": "х", "y": "ы", "z": "з", "4": "ч", "6": "ш", "'": "ь", "`": "ь", "’": "ь",
}  # fmt: skip


def could_be(word: str) -> bool:
    """Whether a folded word may be Russian in Latin letters: Latin letters, and 4 or 6 among them."""
    return bool(_LETTERS.fullmatch(word)) and any(letter.isalpha() for letter in word)


def skeleton(word: str) -> str:
    """The skeleton of a folded Cyrillic word; empty if it has no Cyrillic letter.

    >>> skeleton("щетка"), skeleton("получить"), skeleton("бельё")
    ('Setka', 'poluCit', 'bele')
    """
    return _single("".join(_CYRILLIC.get(letter, "") for letter in word))


def skeletons(word: str) -> tuple[str, ...]:
    """The skeletons that a folded Latin word may have, the likeliest first.

    >>> skeletons("polu4it'")
    ('poluCit',)
    """
    found: dict[str, None] = {}
    for base in dict.fromkeys((word, word.replace("j", "zh"))):
        for pattern, sign in _FOLDS:
            base = pattern.sub(sign, base)  # noqa: PLW2901 - folded step by step
        several = [base]
        for sign, meanings in _DOUBTFUL:
            if sign in base:
                several = [one.replace(sign, meaning) for one in several for meaning in meanings][:_MOST]
        found.update(dict.fromkeys(map(_single, several)))
    return tuple(found)


def spelled(word: str) -> str:
    """The likeliest Cyrillic spelling of a folded Latin word.

    >>> spelled("kak"), spelled("dostavka"), spelled("4ek")
    ('как', 'доставка', 'чек')
    """
    for pattern, parted in _PARTED:
        word = pattern.sub(parted, word)
    return "".join(_SPELLED[part] for part in _GREEDY.findall(word))


def _single(text: str) -> str:
    return _REPEAT.sub(r"\1", text)
