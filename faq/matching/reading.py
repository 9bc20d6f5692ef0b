"""The readings of a message: as it is typed, from the other keyboard layout, from Latin letters; the likeliest wins."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from faq.language import layout, translit
from faq.language.lexicon import UNKNOWN, Lexicon
from faq.language.spelling import edits
from faq.language.spoken import spoken_words
from faq.matching.vocabulary import NOT_HERE, Relative, Vocabulary, rarity
from faq.normalize import MAX_WORD, Normalizer, stem, stop_stems
from faq.wording import STOP_WORDS

MAX_WORDS = 32
"""Distinct words of a message that are looked at."""
CACHE = 2_048


class ReadingName(StrEnum):
    """How a message was read."""

    TYPED = "as typed"
    LAYOUT = "keyboard layout"
    TRANSLIT = "Latin letters"


TYPED_BONUS = 0.1
"""A message is what it looks like unless another reading makes clearly more sense."""
_IN_BASE = 0.35
_AT_LEAST_IN_BASE = 0.5
_STOP_WORD = 0.8
_NEARLY = 0.45
_SPELLED = 0.1
_SENSE = 0.25
"""Cyrillic of which so much makes sense is not tried as Latin from the wrong layout."""
_PIECE_LETTERS = 3
"""Shorter pieces of a glued word would be found anywhere."""
_COMMON = 4.0
_MEANT_SO = 0.45
"""How much sense a single word must make in another layout or script to be read so in the midst of others."""
_REPAIR_FROM = 5
_REPAIR_ZIPF = 3.0
_REPAIRED = 0.93
_GOOD = 0.8

_LATIN = re.compile("[a-z]")
_CYRILLIC = re.compile("[а-яё]")
_TAIL = re.compile(r"(.+?)([,.;:?!'\"\[\]&/]+)")
_HEAD = re.compile(r"['\"`\[{<]+(.+)")
_COMPOUND = re.compile(r"[a-z]+(?:-[a-z]+)+|[^\W_][\w'`’]*")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a message: as it is read, its stem, its number in the base and its row in the lexicon."""

    text: str
    stem: str
    number: int
    row: int
    known: bool
    """Whether the language has the word."""


@dataclass(frozen=True, slots=True)
class MessageReading:
    """One way to read a message: `text` without courtesies, its words, and how much sense it makes (0…1.35)."""

    name: ReadingName
    text: str
    words: tuple[Word, ...]
    sense: float

    @property
    def language(self) -> str:
        """`ru` or `en`, by the letters of most words; empty for a text without letters."""
        russian = sum(bool(_CYRILLIC.search(word.text)) for word in self.words)
        english = sum(bool(_LATIN.search(word.text)) for word in self.words)
        return "ru" if russian and russian >= english else "en" if english else ""


class Reader:
    """Reads messages against the words of one base and the lexicon. Pure; safe for several threads."""

    def __init__(self, vocabulary: Vocabulary, normalizer: Normalizer) -> None:
        self.vocabulary = vocabulary
        self.lexicon: Lexicon = vocabulary.lexicon
        self.normalizer = normalizer
        self._spoken = spoken_words()
        self._look = lru_cache(maxsize=CACHE)(self._look_up)
        self._cyrillic = lru_cache(maxsize=CACHE)(self._from_latin)
        self._mended = lru_cache(maxsize=CACHE)(self._from_elsewhere)
        self.repair = lru_cache(maxsize=CACHE)(self._repair)

    def readings(self, text: str) -> tuple[MessageReading, ...]:
        """The readings that can be told apart, the likeliest first."""
        normal = self.normalizer.normalize(text)
        mixed = bool(_LATIN.search(normal.plain) and _CYRILLIC.search(normal.plain))
        typed = self._read(ReadingName.TYPED, normal.plain, mixed=mixed)
        lowered = self.normalizer.without_links(text[: 2 * len(normal.canonical) + 200]).casefold()
        latin, cyrillic = len(_LATIN.findall(lowered)), len(_CYRILLIC.findall(lowered))
        found = [typed]
        if latin > 1:
            if latin > cyrillic:
                swapped = self.normalizer.normalize(self._swap(lowered)).plain
                found.append(self._read(ReadingName.LAYOUT, swapped))
            found.append(self._transliterate(lowered))
        elif cyrillic > 2 and not latin and typed.sense < _SENSE:  # noqa: PLR2004 - two letters are no word
            swapped = self.normalizer.normalize(layout.to_latin(lowered)).plain
            found.append(self._read(ReadingName.LAYOUT, swapped))
        distinct = {reading.text: reading for reading in reversed(found)}
        if len(distinct) == 1:
            return (typed,)
        return tuple(
            sorted(
                distinct.values(), key=lambda one: -one.sense - TYPED_BONUS * (one.name is ReadingName.TYPED)
            )
        )

    def relatives(self, word: Word) -> tuple[Word, tuple[Relative, ...]]:
        """The stems of the base that a word stands for; a word that nobody knows is repaired first."""
        vocabulary = self.vocabulary
        known = word.known or word.text in STOP_WORDS
        found = vocabulary.relatives(word.text, word.stem, known)
        if word.row != UNKNOWN or word.number != NOT_HERE or (found and found[0].similarity >= _GOOD):
            return word, found
        mended = self.repair(word.text)
        if mended is None:
            return word, found
        best = {relative.number: relative for relative in found}
        for relative in vocabulary.relatives(mended.text, mended.stem, known=True):
            similarity = relative.similarity * _REPAIRED
            if relative.number not in best or best[relative.number].similarity < similarity:
                best[relative.number] = Relative(relative.number, relative.how, similarity)
        ranked = sorted(best.values(), key=lambda relative: (-relative.similarity, relative.number))
        return mended, tuple(ranked)

    # -- one reading --------------------------------------------------------------------------------------

    def _read(self, name: ReadingName, plain: str, *, mixed: bool = False) -> MessageReading:
        words: list[Word] = []
        sense = letters = 0.0
        for part in self._parts(plain.split()[: 4 * MAX_WORDS], mixed=mixed):
            word, worth = self._look(part)
            words.append(word)
            sense += worth * len(part)
            letters += len(part)
        return MessageReading(name, plain, tuple(words), sense / letters if letters else 0.0)

    def _parts(self, typed: Sequence[str], *, mixed: bool) -> Iterator[str]:
        """The words as they were meant: spoken ones in full, glued apart, torn ones whole, keys in their layout."""
        place = 0
        while place < len(typed):
            word = typed[place][:MAX_WORD]
            place += 1
            if place < len(typed) and self._torn(word, typed[place]):
                word += typed[place]
                place += 1
            if word in self._spoken:
                yield from self._spoken[word].split()
            elif self._look(word)[1] >= _SENSE or self.vocabulary.near(word):
                yield word
            else:
                yield from self._mended(word, mixed)

    def _torn(self, one: str, other: str) -> bool:
        """Whether two words in a row are one word of the base, and the second is none of its words: «до ставка»."""
        forms = self.vocabulary.forms
        return len(other) <= MAX_WORD and one + other in forms and other not in forms

    def _unglued(self, word: str) -> tuple[str, ...]:
        """A word that nobody knows as two known ones, one of them of the base: «отменитьзаказ»; empty if it is not."""
        forms = self.vocabulary.forms
        best: tuple[str, ...] = ()
        most = 0.0
        for cut in range(_PIECE_LETTERS, len(word) - _PIECE_LETTERS + 1):
            pair = word[:cut], word[cut:]
            if not any(part in forms for part in pair):
                continue
            if not all(part in forms or self._common(part) for part in pair):
                continue
            worth = min(self._look(part)[1] for part in pair)
            if worth > most:
                best, most = pair, worth
        return best

    def _common(self, word: str) -> bool:
        row = self.lexicon.word(word)
        return row != UNKNOWN and self.lexicon.zipf(self.lexicon.stem_of(row)) >= _COMMON

    def _from_elsewhere(self, word: str, mixed: bool) -> tuple[str, ...]:  # noqa: FBT001 - a cached pure function
        """A word that makes no sense as two words; in a mixed message from the other layout or script; itself else."""
        if len(word) >= 2 * _PIECE_LETTERS and word.isalpha() and (pair := self._unglued(word)):
            return pair
        if not mixed or len(word) < _PIECE_LETTERS or not word.isalpha():
            return (word,)
        latin = word.isascii()
        swapped = self.normalizer.fold(layout.to_cyrillic(word) if latin else layout.to_latin(word))
        if " " not in swapped and self._look(swapped)[1] >= _MEANT_SO:
            return (swapped,)
        if latin and translit.could_be(word):
            russian, worth = self._cyrillic(word)
            if worth >= _MEANT_SO:
                return (russian,)
        return (word,)

    def _look_up(self, text: str) -> tuple[Word, float]:
        """A word, and how sure it is one: by its frequency, and more if the base has it."""
        text = text[:MAX_WORD]
        root = stem(text)
        row = self.lexicon.row(root)
        number = self.vocabulary.numbers.get(root, NOT_HERE)
        worth = min(self.lexicon.zipf(row), 7.0) / 7.0 if row != UNKNOWN else 0.0
        if number != NOT_HERE:
            worth = max(worth, _AT_LEAST_IN_BASE) + _IN_BASE
        elif text in STOP_WORDS:
            worth = max(worth, _STOP_WORD)
        elif worth < _SENSE and len(text) > 3 and self.vocabulary.near(text):  # noqa: PLR2004 - shorter ones are near anything
            worth = _NEARLY
        known = self.lexicon.word(text) != UNKNOWN
        return Word(text, root, number, row, known), worth

    # -- other readings -----------------------------------------------------------------------------------

    def _swap(self, lowered: str) -> str:
        """The other layout, chunk by chunk: a sign at either end may be a letter or a sign."""
        chunks = []
        for chunk in lowered.split():
            tail = _TAIL.fullmatch(chunk)
            shorter = [chunk] if tail is None else [tail[1], chunk]
            shorter += [head[1] for head in map(_HEAD.fullmatch, shorter) if head is not None]
            guesses = [layout.to_cyrillic(one) for one in shorter]
            swapped = next(filter(self._is_word, guesses), guesses[0])
            chunks.append(swapped)
        return " ".join(chunks)

    def _is_word(self, text: str) -> bool:
        folded = self.normalizer.fold(text)
        return folded in self.vocabulary.forms or self.lexicon.word(folded) != UNKNOWN

    def _transliterate(self, lowered: str) -> MessageReading:
        shown = [
            self._in_russian(piece)
            for compound in _COMPOUND.findall(lowered)
            for piece in ([compound] if self._is_compound(compound) else compound.split("-"))
        ]
        plain = self.normalizer.normalize(" ".join(shown)).plain
        return self._read(ReadingName.TRANSLIT, plain)

    def _is_compound(self, piece: str) -> bool:
        """Whether it is one word («wi-fi», «e-mail»): its parts alone would pass for Russian ones."""
        return "-" in piece and self.lexicon.word(piece.replace("-", "")) != UNKNOWN

    def _in_russian(self, piece: str) -> str:
        if not (_LATIN.search(piece) and translit.could_be(piece)):
            return piece
        russian, worth = self._cyrillic(piece)
        return piece if self._look(piece)[1] >= worth + TYPED_BONUS else russian

    def _from_latin(self, piece: str) -> tuple[str, float]:
        """The likeliest Russian word behind Latin letters: of the base, of the language, or letter by letter."""
        best, most = "", 0.0
        for bones in translit.skeletons(piece):
            form = self.vocabulary.skeletons.get(bones)
            row = self.lexicon.word_by_skeleton(bones)
            for word in (form, None if row == UNKNOWN else self.lexicon.spelling(row)):
                if word is not None and (worth := self._look(word)[1]) > most + 1e-9:
                    best, most = word, worth
        if best:
            return best, most
        spelled = translit.spelled(piece)
        return spelled, max(self._look(spelled)[1], _SPELLED)

    def _repair(self, text: str) -> Word | None:
        """The commonest word of the language that is one edit away; None if there is none worth naming."""
        if len(text) < _REPAIR_FROM or not text.isalpha():
            return None
        near = self.lexicon.words_among(sorted(edits(text)))
        if not near:
            return None
        best = max(near, key=lambda word: (self.lexicon.zipf(self.lexicon.stem_of(word)), -word))
        if self.lexicon.zipf(self.lexicon.stem_of(best)) < _REPAIR_ZIPF:
            return None
        return self._look(self.lexicon.spelling(best))[0]


def language_weight(lexicon: Lexicon, word: Word) -> float:
    """The rarity of a word in the language; see `vocabulary.rarity`."""
    return rarity(lexicon.zipf(word.row), stop=word.stem in stop_stems())


def distinct(words: Sequence[Word]) -> list[Word]:
    """The words, each stem once, at most `MAX_WORDS`."""
    return list({word.stem: word for word in reversed(words)}.values())[::-1][:MAX_WORDS]
