"""How words are misspelled: by ear, by one letter, by the finger beside."""

from __future__ import annotations

from functools import lru_cache

_SOUND = str.maketrans("оеэяыйьъю", "аииаииииу")
_RUSSIAN = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
_ENGLISH = "abcdefghijklmnopqrstuvwxyz"


@lru_cache(maxsize=4_096)
def sound(word: str) -> str:
    """The word as it is heard: vowels that are confused in writing are one, doubled letters are single.

    >>> sound("проходит") == sound("прахадит"), sound("коллега") == sound("колега")
    (True, True)
    """
    heard = word.translate(_SOUND)
    return "".join(letter for place, letter in enumerate(heard) if not place or heard[place - 1] != letter)


def deletions(word: str) -> list[str]:
    """The word and all that it becomes without one letter: two words an edit apart share one of these."""
    return [word, *(word[:place] + word[place + 1 :] for place in range(len(word)))]


def edits(word: str) -> set[str]:
    """Everything that is one edit away: a letter less, more, other, or two neighbours swapped."""
    letters = _RUSSIAN if "а" <= word[:1] <= "я" else _ENGLISH
    found: set[str] = set()
    for place in range(len(word) + 1):
        head, tail = word[:place], word[place:]
        found.update(head + letter + tail for letter in letters)
        if tail:
            found.add(head + tail[1:])
            found.update(head + letter + tail[1:] for letter in letters)
        if len(tail) > 1:
            found.add(head + tail[1] + tail[0] + tail[2:])
    found.discard(word)
    return found


def shared_prefix(one: str, other: str) -> int:
    """How many letters two words begin with together."""
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return place
    return min(len(one), len(other))
