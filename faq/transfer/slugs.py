"""Ids for people and files: Latin letters for Cyrillic ones, the same for the same question for ever."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Container

LONGEST = 60
_MARK = 4
_VALID = re.compile(r"[\w][\w.-]{0,63}")

# The table is our own and is not to be changed: another spelling would be another id for a question that is known.
_CYRILLIC = "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґўәғқңөұүһ"
_SPELLED = (
    "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh shch - y - e yu ya i yi ye g u a g k n o u u h"
)
_LATIN = {one: "" if other == "-" else other for one, other in zip(_CYRILLIC, _SPELLED.split(), strict=True)}


def is_id(text: str) -> bool:
    """Whether the knowledge format takes a text for an id."""
    return bool(_VALID.fullmatch(text))


def slug(text: str, *, fallback: str = "q") -> str:
    """An id made from a text, at most 60 characters: `Где заказ?` gives `gde-zakaz`.

    A text that had to be cut, or that has no letter or digit, gets a short hash of itself at its end.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    spelled = "".join(_LATIN.get(letter, letter) for letter in unicodedata.normalize("NFC", folded))
    plain = "".join(
        letter for letter in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(letter)
    )
    made = re.sub(r"[\W_]+", "-", plain).strip("-")
    if made and len(made) <= LONGEST:
        return made
    head = made[: LONGEST - _MARK - 1]
    if "-" in head:
        head = head.rpartition("-")[0]
    return f"{head or fallback}-{_digest(text)}"


def unused_slug(text: str, used: Container[str]) -> str:
    """`slug`, and with a hash of the text at its end if another text has that id already."""
    made = slug(text)
    if made not in used:
        return made
    head = f"{made[: LONGEST - _MARK - 1].rstrip('-')}-{_digest(text)}"
    number, found = 2, head
    while found in used:
        found, number = f"{head}-{number}", number + 1
    return found


def _digest(text: str) -> str:
    folded = " ".join(text.casefold().split())
    return hashlib.blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=_MARK // 2).hexdigest()
