"""A FAQ of any size and the messages that people send to it, made from the words and the shape of real questions.

Real questions are taken apart: what occurs often is their shape («как … если …»), the rest are their subjects. An
entry of the synthetic base has a few subjects of its own, drawn as unevenly as words occur in life, and mostly a name
that no other entry has (an article number, a brand). Its phrasings put these subjects, in the forms in which they
occur, into the shapes of different questions. The text says nothing to a person; its lengths, its repetition and the
growth of its vocabulary are what a matcher has to cope with.

Pure: the same texts, sizes and seed give the same base on every machine.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import Stemmer  # type: ignore[import-not-found]  # PyStemmer has no stubs

from benchmarks.noise import HABITS, in_latin, other_layout, with_slips
from faq import FaqEntry

MIX = {"clean": 0.60, "typo": 0.15, "translit": 0.10, "layout": 0.10, "foreign": 0.05}
"""The kinds of messages and their shares."""
SHAPE_WORDS = 150
"""So many of the most frequent words belong to the shape of a question."""
SUBJECTS = (2, 4)
NAMED = 0.7
"""The share of entries with a name of their own."""
ANSWER_WORDS = (8, 25)
STEEPNESS = 0.9
"""The exponent of Zipf's law by which subjects are drawn."""

_WORD = re.compile(r"[^\W\d_]+")
_RUSSIAN = re.compile(r"[а-яё]+")
_SYLLABLES = [one + two for one in "бвгдзклмнпрстфх" for two in "аеиоу"]
_ENDS = ("кс", "нт", "тро", "лайн", "мед", "рон", "сан", "вит")
_GREETINGS = ("здравствуйте, ", "добрый день! ", "привет, ", "подскажите пожалуйста, ")


@dataclass(frozen=True, slots=True)
class Message:
    """A message, its kind (a key of `MIX`), and the entry that it asks for; a foreign one asks for none."""

    text: str
    kind: str
    entry_id: str | None


@dataclass(frozen=True, slots=True)
class SyntheticBase:
    """Entries and different messages to them; no message is a phrasing word for word."""

    entries: tuple[FaqEntry, ...]
    messages: tuple[Message, ...]


class Vocabulary:
    """Shapes and subjects of real Russian questions. Raises `ValueError` for texts that give too few of them."""

    def __init__(
        self, texts: Iterable[str], foreign: Iterable[str] = (), *, shape_words: int = SHAPE_WORDS
    ) -> None:
        told = [text.lower() for text in texts]
        counted = Counter(word for text in told for word in _WORD.findall(text) if _RUSSIAN.fullmatch(word))
        ordered = sorted(counted, key=lambda word: (-counted[word], word))
        frequent = set(ordered[:shape_words])

        stemmer = Stemmer.Stemmer("russian")
        families: dict[str, list[str]] = defaultdict(list)
        for word in ordered:
            if word not in frequent and len(word) > 3:
                families[stemmer.stemWord(word)].append(word)
        self.families = tuple(map(tuple, families.values()))
        """The forms of one word, by falling frequency of the word."""
        self.shapes = tuple(
            dict.fromkeys(
                tuple(word if word in frequent else None for word in words)
                for words in map(_WORD.findall, told)
                if 2 <= len(words) <= 12 and 1 <= sum(word not in frequent for word in words) <= 5
            )
        )
        """Frequent words of questions in their order; None where a subject stood."""
        self.foreign = tuple(dict.fromkeys(foreign))
        self._weights = tuple(accumulate((place + 1) ** -STEEPNESS for place in range(len(self.families))))
        if len(self.families) < 2 * SUBJECTS[1] or not self.shapes:
            raise ValueError("the texts are too few to make a base out of their words")

    def draw(self, rng: random.Random, count: int) -> list[tuple[str, ...]]:
        """So many different subjects, frequent ones more often."""
        found: dict[tuple[str, ...], None] = {}
        while len(found) < count:
            found.setdefault(rng.choices(self.families, cum_weights=self._weights)[0])
        return list(found)


def make_base(
    vocabulary: Vocabulary, entries: int, phrases: int, messages: int, seed: int = 1
) -> SyntheticBase:
    """So many entries with so many phrasings each (the question is one of them), and so many messages.

    Every phrasing of the base occurs once, and so does every message. Raises `ValueError` for a size below one.
    """
    if min(entries, phrases, messages) < 1:
        raise ValueError("a base has at least one entry, one phrasing and one message")
    maker = _Maker(vocabulary, random.Random(seed))  # noqa: S311 - reproducible, keeps no secret
    made = tuple(maker.entry(number, phrases) for number in range(entries))
    return SyntheticBase(made, maker.messages(made, messages))


class _Maker:
    def __init__(self, vocabulary: Vocabulary, rng: random.Random) -> None:
        self._words, self._rng = vocabulary, rng
        self._taken: set[str] = set()
        self._names: set[str] = set()
        self._subjects: list[list[tuple[str, ...]]] = []

    def entry(self, number: int, phrases: int) -> FaqEntry:
        rng = self._rng
        subjects = self._words.draw(rng, rng.randint(*SUBJECTS))
        if rng.random() < NAMED:
            subjects.insert(0, (self._name(),))
        self._subjects.append(subjects)
        question, *aliases = (self._new(lambda: self._phrase(subjects)) for _ in range(phrases))
        length = rng.randint(*ANSWER_WORDS)
        told = [rng.choice(forms) for forms in (*subjects, *self._words.draw(rng, length))]
        return FaqEntry(
            id=f"e{number:05}",
            question=f"{question.capitalize()}?",
            aliases=tuple(aliases),
            answer=f"{' '.join(told).capitalize()}.",
        )

    def messages(self, entries: Sequence[FaqEntry], count: int) -> tuple[Message, ...]:
        """The kinds come in their shares, mixed; the entries that are asked for are drawn evenly."""
        kinds = [kind for kind, share in MIX.items() for _ in range(round(share * count))]
        kinds = (kinds + ["clean"] * count)[:count]
        self._rng.shuffle(kinds)
        return tuple(self._message(kind, entries) for kind in kinds)

    def _message(self, kind: str, entries: Sequence[FaqEntry]) -> Message:
        rng = self._rng
        if kind == "foreign":
            return Message(self._new(self._foreign), kind, None)
        number = rng.randrange(len(entries))
        subjects = self._subjects[number]

        def text() -> str:
            asked = rng.sample(subjects, rng.randint(max(1, len(subjects) - 1), len(subjects)))
            clean = self._phrase(asked)
            if rng.random() < 0.15:
                clean = rng.choice(_GREETINGS) + clean
            return self._noisy(kind, clean)

        return Message(self._new(text), kind, entries[number].id)

    def _noisy(self, kind: str, clean: str) -> str:
        if kind == "typo":
            return with_slips(clean, self._rng)
        if kind == "translit":
            return in_latin(clean, self._rng.randrange(len(HABITS)))
        return other_layout(clean) if kind == "layout" else clean

    def _foreign(self) -> str:
        """A real foreign question while there are any; then a shape with words that nobody has asked about."""
        left = [text for text in self._words.foreign if text not in self._taken]
        if left:
            return self._rng.choice(left)
        return self._fill(self._rng.choice(self._words.shapes), [self._name() for _ in range(2)])

    def _new(self, make: Callable[[], str]) -> str:
        """What `make` makes, but never the same twice; where it knows nothing new, a name makes it new."""
        for _ in range(20):
            if (text := make()) not in self._taken:
                break
        else:
            text = f"{text} {self._name()}"
        self._taken.add(text)
        return text

    def _phrase(self, subjects: Sequence[tuple[str, ...]]) -> str:
        shape = self._rng.choice(self._words.shapes)
        return self._fill(shape, [self._rng.choice(forms) for forms in subjects])

    def _fill(self, shape: Sequence[str | None], words: Sequence[str]) -> str:
        """The words in the places of the shape; what has no place stands at the end."""
        waiting = list(words)
        filled = [waiting.pop(0) if word is None and waiting else word for word in shape]
        return " ".join(word for word in (*filled, *waiting) if word)

    def _name(self) -> str:
        """An article number or a made-up brand that nobody has had yet."""
        rng = self._rng
        while True:
            if rng.random() < 0.4:
                name = f"{rng.choice('абвгдклмнпрст')}{rng.choice('абвгдклмнпрст')}{rng.randint(100, 99999)}"
            else:
                name = "".join(rng.choices(_SYLLABLES, k=rng.randint(2, 3))) + rng.choice(_ENDS)
            if name not in self._names:
                self._names.add(name)
                return name
