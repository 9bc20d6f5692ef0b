"""What somebody wrote, made fit for a base: courtesy off, one sentence, a name for it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Container
from itertools import pairwise

from faq.mining.asked import words_of
from faq.mining.personal import without_hidden
from faq.normalize import Normalizer
from faq.transfer.slugs import unused_slug

MAX_PHRASE = 100
"""A longer phrasing is a story: of it one sentence is taken, and of that the beginning."""
SLUG_WORDS = 4

_WORD = re.compile(r"[^\W_]+")
_SENTENCE = re.compile(r"[^.!?…]+[.!?…]*")
_EDGES = " \t.,;:!?…·•*«»\"'`~^|/\\<>=+_()[]{}-–—"
_ENTRANCE = re.compile(r"^(?:а|и|ну|так|вот|это|and|so|well)\s+(?=\w)", re.IGNORECASE)


def phrase(masked: str, normalizer: Normalizer, core: Collection[str] = ()) -> str:
    """The question in a text without greeting, politeness, personal data and signs at its ends.

    Of a long text it is the sentence with most of the `core` (folded words). Empty if nothing is left.
    """
    text = _without_courtesy(without_hidden(masked), normalizer)
    if len(text) > MAX_PHRASE:
        text = _without_courtesy(_heart(text, core), normalizer)
    if len(text) > MAX_PHRASE:
        text = text[:MAX_PHRASE].rpartition(" ")[0] or text[:MAX_PHRASE]
    if text.isupper():
        text = text.lower()
    return _ENTRANCE.sub("", text.strip(_EDGES)).strip(_EDGES)


def as_question(text: str) -> str:
    """A phrasing with a capital letter and a question mark."""
    return f"{text[:1].upper()}{text[1:]}?"


def as_alias(text: str) -> str:
    """A phrasing that begins small, unless its first word is a name or an abbreviation by its look."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] in {"", " "} else text


def slug(text: str, normalizer: Normalizer, taken: Container[str]) -> str:
    """An id for a question out of its first words that count; not one that is taken."""
    words = [term.word for term in normalizer.normalize(text).terms[:SLUG_WORDS]]
    return unused_slug(" ".join(words) or text, taken)


def _without_courtesy(text: str, normalizer: Normalizer) -> str:
    """The text as it is written, less the words that the normaliser takes for courtesy."""
    plain = normalizer.normalize(text).plain.split()
    kept, place = [], 0
    tokens = list(_WORD.finditer(text))
    for number, token in enumerate(tokens):
        if place < len(plain) and "".join(words_of(token[0])) == plain[place]:
            kept.append(number)
            place += 1
    if place < len(plain) or not kept:
        return text.strip(_EDGES)
    parts = [tokens[kept[0]][0]]
    for before, number in pairwise(kept):
        gap = text[tokens[before].end() : tokens[number].start()] if number == before + 1 else " "
        parts += [gap, tokens[number][0]]
    return "".join(parts)


def _heart(text: str, core: Collection[str]) -> str:
    sentences = [found[0].strip() for found in _SENTENCE.finditer(text)]
    return max(
        (sentence for sentence in sentences if sentence),
        key=lambda one: (len(set(core).intersection(words_of(one))), one.endswith("?"), -len(one)),
        default=text,
    )
