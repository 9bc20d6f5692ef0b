"""Small talk: recognised only when a message consists of nothing else, so that it never hides a question.

What stands before a question can be taken away, for the case that it makes the question unclear.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache

from optfm_bot.i18n.smalltalk import fold

_LONGEST_PHRASE = 5
_REMEMBERED = 1024
_REMEMBERED_LENGTH = 200
"""The words of so many texts of at most this length are remembered, and what kind of small talk they are."""


class SmallTalk(StrEnum):
    """What a message without a question does."""

    GREETING = "greeting"
    THANKS = "thanks"
    BYE = "bye"
    HOW_ARE_YOU = "how_are_you"
    OPERATOR = "operator"


# A message may greet, thank and part at once; the one that asks most of us is answered.
_PRECEDENCE = (
    SmallTalk.OPERATOR,
    SmallTalk.HOW_ARE_YOU,
    SmallTalk.BYE,
    SmallTalk.THANKS,
    SmallTalk.GREETING,
)


_COURTEOUS = frozenset({SmallTalk.THANKS, SmallTalk.GREETING})
"""What may stand before a question and be no part of it."""
_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> tuple[str, ...]:
    """The words of a text in lower case, with ё written as е; punctuation and emoji are not words."""
    return _remembered_words(text) if len(text) <= _REMEMBERED_LENGTH else _words(text)


def _words(text: str) -> tuple[str, ...]:
    return tuple(fold(text).split())


_remembered_words = lru_cache(maxsize=_REMEMBERED)(_words)


class SmallTalkPhrases:
    """The phrases of small talk, by kind, of all languages together.

    `phrases` maps a kind to its phrases; `fillers` are words that may stand between them ("вам", "большое").
    """

    def __init__(self, phrases: Mapping[SmallTalk, Iterable[str]], fillers: Iterable[str] = ()) -> None:
        self._kinds: dict[tuple[str, ...], SmallTalk] = {}
        for kind, texts in phrases.items():
            for text in texts:
                key = words(text)
                if 0 < len(key) <= _LONGEST_PHRASE:
                    self._kinds.setdefault(key, kind)
        self._fillers = {word for text in fillers for word in words(text)}
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._recognise)

    def recognise(self, text: str) -> SmallTalk | None:
        """The kind of small talk that makes up the whole message, or None if anything else is in it."""
        return self._remembered(text) if len(text) <= _REMEMBERED_LENGTH else self._recognise(text)

    def after(self, text: str) -> str | None:
        """What is said after greetings and thanks at the beginning of a message; None if there are none, or no more."""
        thanked = False
        rest = tuple(_WORD.finditer(text))
        while rest:
            for length in range(min(_LONGEST_PHRASE, len(rest)), 0, -1):
                kind = self._kinds.get(words(text[rest[0].start() : rest[length - 1].end()]))
                if kind in _COURTEOUS:
                    thanked = True
                    rest = rest[length:]
                    break
            else:
                if not self._fillers.issuperset(words(rest[0][0])):
                    break
                rest = rest[1:]
        return text[rest[0].start() :] if thanked and rest else None

    def _recognise(self, text: str) -> SmallTalk | None:
        rest = words(text)
        found: set[SmallTalk] = set()
        while rest:
            for length in range(min(_LONGEST_PHRASE, len(rest)), 0, -1):
                kind = self._kinds.get(rest[:length])
                if kind is not None:
                    found.add(kind)
                    rest = rest[length:]
                    break
            else:
                if rest[0] not in self._fillers:
                    return None
                rest = rest[1:]
        return next((kind for kind in _PRECEDENCE if kind in found), None)
