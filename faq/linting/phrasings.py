"""The phrasings of the live entries as they are compared with each other. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from faq.entry import FaqEntry
from faq.normalize import Normalizer, Term, has_subject, stem


@dataclass(frozen=True, slots=True)
class Phrasing:
    """A question or an alias: the entry it belongs to (`number` among the live ones), and its words.

    `plain` is the folded text without courtesies, `bag` its stems in alphabetical order, `terms` the words that count.
    """

    number: int
    entry: FaqEntry
    field: str
    text: str
    plain: str
    bag: tuple[str, ...]
    terms: tuple[Term, ...]

    @property
    def is_question(self) -> bool:
        """Whether it is the entry's question."""
        return self.field == "question"


def phrasings(live: Sequence[FaqEntry], normalizer: Normalizer) -> Iterator[Phrasing]:
    """The questions and aliases that have a word, in file order."""
    for number, entry in enumerate(live):
        for place, text in enumerate(entry.phrasings):
            normal = normalizer.normalize(text)
            words = normal.plain.split()
            if has_subject(words):
                field = "aliases" if place else "question"
                bag = tuple(sorted(stem(word) for word in words))
                yield Phrasing(number, entry, field, text, normal.plain, bag, normal.terms)
