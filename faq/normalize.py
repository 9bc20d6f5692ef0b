"""The normaliser: a text in, comparable words out, by named steps that can be switched off."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from typing import Protocol

import Stemmer  # type: ignore[import-not-found]  # PyStemmer has no stubs

from faq.wording import ASKING_WORDS, COURTESIES, STOP_WORDS


class Step(StrEnum):
    """The steps, in the order in which they are taken."""

    UNICODE = "unicode"
    """Compatibility forms are unified; control, invisible and stress characters go."""
    CASE = "case"
    YO = "yo"
    LOOK_ALIKES = "look_alikes"
    """In a word of both alphabets the letters that look alike are of that alphabet which the others are of."""
    REPEATS = "repeats"
    """A letter that is held down («оченьььь») stands once; a word of one letter («ООО») stays."""
    LINKS = "links"
    """Addresses of pages and mailboxes go."""
    PUNCTUATION = "punctuation"
    COURTESY = "courtesy"
    """Greetings and politeness go, unless nothing would be left."""
    STOP_WORDS = "stop_words"
    """Function words go and asking words weigh less, unless nothing would be left."""
    STEMS = "stems"


ALL_STEPS: frozenset[Step] = frozenset(Step)

MAX_HEAD = 1_500
MAX_TAIL = 500
"""Of a longer text its beginning and its end are read: a story is told in the middle."""
MAX_WORDS = 48
MAX_WORD = 40
ASKING_WEIGHT = 0.3

_INVISIBLE = re.compile(
    "[\u00ad\u0300-\u0304\u0307\u0309-\u036f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]+"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_LINK = re.compile(
    r"(?:https?://|www\.)\S+"
    r"|(?<!\S)[^\s@]{1,64}@\S+\.\w+"
    r"|(?<![\w.@-])[\w-]{1,63}(?:\.[\w-]{1,63}){0,4}\.(?:ru|com|org|net|io|su|info|me|рф)(?![\w-])\S*",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+")
_COURTESY = re.compile(
    "(?<!\\S)(?:" + "|".join(sorted(map(re.escape, COURTESIES), key=len, reverse=True)) + ")(?!\\S)"
)
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_LATIN_ALIKE, _CYRILLIC_ALIKE = "aceopxykmtbhABCEHKMOPTXY", "асеорхукмтвнАВСЕНКМОРТХУ"
_TO_CYRILLIC = str.maketrans(_LATIN_ALIKE, _CYRILLIC_ALIKE)
_TO_LATIN = str.maketrans(_CYRILLIC_ALIKE, _LATIN_ALIKE)
_ONLY_LATIN = re.compile(r"[a-zA-Z]")
_ONLY_CYRILLIC = re.compile(r"[а-яА-Я]")
_HELD = re.compile(r"([^\W\d_])\1{2,}")
_ASCII = re.compile(r"[a-z]")
_CYRILLIC = re.compile(r"[а-яё]")


@dataclass(frozen=True, slots=True)
class Term:
    """One word that counts: as written, its stem, and how much its kind weighs (1 for a subject)."""

    word: str
    stem: str
    weight: float


@dataclass(frozen=True, slots=True)
class NormalText:
    """What is left of a text. `canonical` is the folded text, `plain` the same without courtesies.

    `terms` are distinct by stem, in order of appearance. A text without a letter has no terms.
    """

    canonical: str
    plain: str
    terms: tuple[Term, ...]
    courtesy_only: bool = False


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...  # noqa: N802  # the library's own name


class _ThreadStemmers(threading.local):
    """Stemmers of one thread: a Snowball stemmer holds the word it works on, so threads must not share it."""

    def __init__(self) -> None:
        self.russian: _Stemmer = Stemmer.Stemmer("russian")
        self.english: _Stemmer = Stemmer.Stemmer("english")


_stemmers: list[_ThreadStemmers] = []


@lru_cache(maxsize=4_096)
def stem(word: str) -> str:
    """The Snowball stem of a folded word: Russian for Cyrillic, English for Latin, else the word itself."""
    if not _stemmers:
        _stemmers.append(_ThreadStemmers())
    if _CYRILLIC.match(word):
        return _stemmers[0].russian.stemWord(word) or word
    if _ASCII.match(word):
        return _stemmers[0].english.stemWord(word) or word
    return word


@cache
def stop_stems() -> frozenset[str]:
    """The stems of the words without a subject of their own."""
    return frozenset(map(stem, STOP_WORDS))


class Normalizer:
    """Turns texts into `NormalText`. Pure: the same text and steps always give the same result."""

    def __init__(self, steps: Iterable[Step] = ALL_STEPS) -> None:
        self.steps = frozenset(steps)
        self._unicode = Step.UNICODE in self.steps
        self._case = Step.CASE in self.steps
        self._yo = Step.YO in self.steps
        self._look_alikes = Step.LOOK_ALIKES in self.steps
        self._repeats = Step.REPEATS in self.steps
        self._links = Step.LINKS in self.steps
        self._punctuation = Step.PUNCTUATION in self.steps
        self._courtesy = Step.COURTESY in self.steps
        self._stop_words = Step.STOP_WORDS in self.steps
        self._stems = Step.STEMS in self.steps

    def fold(self, text: str) -> str:
        """The canonical form of a text: bounded in length, folded, its words parted by single spaces."""
        if len(text) > MAX_HEAD + MAX_TAIL:
            text = f"{text[:MAX_HEAD]} {text[-MAX_TAIL:]}"
        if self._unicode:
            text = _CONTROL.sub(" ", text)
            if not text.isascii():
                text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)[: 2 * MAX_HEAD])
        if self._case:
            text = text.casefold()
        if self._yo:
            text = text.replace("ё", "е").replace("Ё", "Е")
        text = self.without_links(text)
        if self._look_alikes and _ONLY_LATIN.search(text) and _ONLY_CYRILLIC.search(text):
            text = _LETTERS.sub(_one_alphabet, text)
        if self._repeats:
            text = _HELD.sub(_once, text)
        return " ".join(_WORD.findall(text) if self._punctuation else text.split())

    def without_links(self, text: str) -> str:
        """The text without addresses of pages and mailboxes."""
        return _LINK.sub(" ", text) if self._links and ("." in text or "://" in text) else text

    def strip_courtesies(self, canonical: str) -> str:
        """The folded text without greetings and politeness; the text itself if nothing else is in it."""
        return self._rest(canonical) or canonical

    def _rest(self, canonical: str) -> str:
        return " ".join(_COURTESY.sub(" ", canonical).split()) if self._courtesy else canonical

    def normalize(self, text: str) -> NormalText:
        """Take all the steps that are on. Never raises, whatever the text."""
        canonical = self.fold(text)
        rest = self._rest(canonical)
        plain = rest or canonical
        return NormalText(canonical, plain, self.terms(plain), courtesy_only=not rest)

    def terms(self, plain: str) -> tuple[Term, ...]:
        """The words of a folded text that count; all of them if it consists of function words only."""
        words = plain.split()
        if not has_subject(words):
            return ()
        found: dict[str, Term] = {}
        for word in words:
            if self._stop_words and word in STOP_WORDS:
                continue
            self._add(found, word, ASKING_WEIGHT if self._stop_words and word in ASKING_WORDS else 1.0)
            if len(found) == MAX_WORDS:
                break
        if not found:
            for word in words[:MAX_WORDS]:
                self._add(found, word, 1.0)
        return tuple(found.values())

    def _add(self, found: dict[str, Term], word: str, weight: float) -> None:
        cut = word[:MAX_WORD]
        root = stem(cut) if self._stems else cut
        if root not in found:
            found[root] = Term(cut, root, weight)


def _one_alphabet(found: re.Match[str]) -> str:
    """A word of both alphabets in one of them, if letters that look alike are all that stands against it."""
    word = found.group()
    if len(word) > MAX_WORD or not (_ONLY_LATIN.search(word) and _ONLY_CYRILLIC.search(word)):
        return word
    cyrillic, latin = word.translate(_TO_CYRILLIC), word.translate(_TO_LATIN)
    if not _ONLY_LATIN.search(cyrillic):
        return cyrillic
    return word if _ONLY_CYRILLIC.search(latin) else latin


def _once(found: re.Match[str]) -> str:
    """One letter for a held one, unless nothing else is in the word."""
    text = found.string
    alone = not (
        text[found.start() - 1 : found.start()].isalnum() or text[found.end() : found.end() + 1].isalnum()
    )
    return found.group() if alone else found.group(1)


def has_subject(words: Iterable[str]) -> bool:
    """Whether any of the words has two letters or more: digits, single letters and signs ask nothing."""
    return any(len(word) > 1 and not word.isdigit() for word in words)
