"""The index of a base: phrasings, postings and meanings; finds the entries that are worth a closer look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from faq.contract import Via
from faq.entry import FaqEntry
from faq.language.lexicon import Floats, Lexicon, Numbers, load_lexicon, unit
from faq.language.spoken import spoken_words
from faq.matching.message import Message
from faq.matching.vocabulary import Vocabulary
from faq.normalize import Normalizer

MAX_ANSWER = 48
"""Distinct words of an answer that are indexed: it begins with what matters."""
MAX_PHRASE = 24

Owner: TypeAlias = tuple[int, Via, str]
"""An entry that owns a whole phrasing: its number, the kind, and the phrasing as it was written."""
Exact: TypeAlias = dict[str, tuple[Owner, ...]]

_LEXICAL, _SHORT, _MEANING, _ANSWER, _ANSWER_MEANING = 0.5, 0.3, 0.7, 0.25, 0.3
"""How a candidate is found: shared words, more of them in a short phrasing, meaning; the same of the answer."""
_SEEK = 0.2
"""Words that weigh less than this part of the heaviest are not sought."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrasing as it was written, and folded."""

    text: str
    plain: str
    via: Via


class Ragged:
    """Lists of numbers of different lengths in one array."""

    __slots__ = ("starts", "values")

    def __init__(self, lists: Iterable[Sequence[int]]) -> None:
        lists = list(lists)
        self.starts = np.concatenate(([0], np.cumsum([len(one) for one in lists]))).astype(np.int64)
        self.values: Numbers = np.fromiter(
            (value for one in lists for value in one), dtype=np.int32, count=int(self.starts[-1])
        )

    def of(self, number: int) -> Numbers:
        """One of the lists."""
        return self.values[self.starts[number] : self.starts[number + 1]]

    def gather(self, numbers: npt.NDArray[np.int64]) -> tuple[Numbers, npt.NDArray[np.int64]]:
        """Some of the lists one after another, and where each begins."""
        lengths = self.starts[numbers + 1] - self.starts[numbers]
        ends = np.cumsum(lengths)
        begins = ends - lengths
        places = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(
            self.starts[numbers] - begins, lengths
        )
        return self.values[places], begins


class Index:
    """All that can be known about entries before a message comes. Immutable; safe for several threads.

    Phrasings stand entry by entry: those of entry `n` are `spans[n]` up to `spans[n + 1]`. `exact` leads from a whole
    folded question or alias to the entries that own it, `exact_keywords` does the same for keywords.
    """

    def __init__(
        self,
        entries: Sequence[FaqEntry],
        normalizer: Normalizer,
        synonyms: Iterable[Iterable[str]] = (),
        *,
        lexicon: Lexicon | None = None,
    ) -> None:
        self.entries = tuple(entries)
        self.numbers = {entry.id: number for number, entry in enumerate(self.entries)}
        self.normalizer = normalizer
        self.vocabulary = Vocabulary(lexicon or load_lexicon())
        self.phrases: list[Phrase] = []
        exact: dict[str, dict[int, Owner]] = defaultdict(dict)
        keywords: dict[str, dict[int, Owner]] = defaultdict(dict)
        tokens: list[list[int]] = []
        spans = [0]
        answers: list[list[int]] = []
        for number, entry in enumerate(self.entries):
            for via, text in phrasings(entry):
                normal = normalizer.normalize(text)
                target = keywords if via is Via.KEYWORD else exact
                for key in {normal.canonical, normal.plain} - {""}:
                    target[key].setdefault(number, (number, via, text))
                own = self.vocabulary.add(self._words(normal.plain))[:MAX_PHRASE]
                if own:
                    tokens.append(own)
                    self.phrases.append(Phrase(text, normal.plain, via))
            spans.append(len(tokens))
            told = normalizer.normalize(entry.answer).terms
            answers.append(self.vocabulary.add(dict.fromkeys(term.word for term in told))[:MAX_ANSWER])
        self.exact: Exact = {key: tuple(owners.values()) for key, owners in exact.items()}
        self.exact_keywords: Exact = {key: tuple(owners.values()) for key, owners in keywords.items()}
        self.spans = np.array(spans, np.int64)
        self.tokens = Ragged(tokens)
        self.answers = Ragged(answers)
        self.owner = np.repeat(np.arange(len(self.entries)), np.diff(self.spans)).astype(np.int32)
        self.is_keyword = np.array([phrase.via is Via.KEYWORD for phrase in self.phrases], bool)
        self._close(synonyms)

    def _words(self, plain: str) -> list[str]:
        spoken = spoken_words()
        return [part for word in plain.split() for part in spoken.get(word, word).split()]

    def _close(self, synonyms: Iterable[Iterable[str]]) -> None:
        vocabulary, entries = self.vocabulary, len(self.entries)
        stems = len(vocabulary.stems)
        in_phrases = _distinct_pairs(self.owner[_parents(self.tokens)], self.tokens.values, stems)
        in_answers = _distinct_pairs(_parents(self.answers), self.answers.values, stems)
        only_answers = in_answers[~np.isin(in_answers, in_phrases, assume_unique=True)]
        owners = np.bincount(in_phrases % max(stems, 1), minlength=stems).astype(np.float64)
        owners += np.bincount(only_answers % max(stems, 1), minlength=stems) / 2
        vocabulary.close(owners, entries)
        vocabulary.relate([[self.normalizer.fold(text).split() for text in group] for group in synonyms])
        self.postings = _inverted(self.tokens, stems)
        self.answer_postings = _inverted(self.answers, stems)
        weights = vocabulary.weights
        self.phrase_weights = _sums(weights[self.tokens.values], self.tokens)
        self.phrase_heaviest = _heaviest(weights[self.tokens.values], self.tokens)
        self.phrase_lengths = np.diff(self.tokens.starts).astype(np.int32)
        self.sorted_plains = [sorted_words(phrase.plain) for phrase in self.phrases]
        self.phrase_meanings = self._meanings(self.tokens)
        self.answer_meanings = self._meanings(self.answers)
        sums = np.zeros((entries, vocabulary.lexicon.dimensions), np.float32)
        np.add.at(sums, self.owner, self.phrase_meanings)
        self.entry_meanings = unit(sums)
        typical = float(self.phrase_weights.mean()) if len(self.phrase_weights) else 1.0
        self._shortness = (
            1.0 / np.sqrt(self.phrase_weights / typical + 0.3) if len(self.phrases) else np.empty(0)
        )
        self.phrasings_per_entry = len(self.phrases) / max(entries, 1)

    def _meanings(self, lists: Ragged) -> Floats:
        """The mean of the meanings of the words of each list, weighted, as unit vectors."""
        vocabulary = self.vocabulary
        count = len(lists.starts) - 1
        sums = np.zeros((count, vocabulary.lexicon.dimensions), np.float32)
        step = 4_096
        for start in range(0, count, step):
            numbers = np.arange(start, min(start + step, count))
            values, begins = lists.gather(numbers)
            filled = lists.starts[numbers + 1] > lists.starts[numbers]
            if len(values):
                weighted = vocabulary.vectors[values] * vocabulary.weights[values][:, None]
                sums[numbers[filled]] = np.add.reduceat(weighted, begins[filled])
        return unit(sums)

    # -- candidates ---------------------------------------------------------------------------------------

    def candidates(
        self,
        message: Message,
        most: int,
        allowed: npt.NDArray[np.bool_] | None = None,
        hint: Floats | None = None,
    ) -> Numbers:
        """The numbers of at most `most` entries that are worth a closer look, in their order.

        Only entries with a word in a phrasing, only `allowed` ones; `hint` is what else speaks for each entry.
        """
        if not self.phrases:
            return np.empty(0, np.int32)
        lexical, answers = self._sought(message)
        share = lexical / message.total
        by_phrase = share * (_LEXICAL + _SHORT * self._shortness)
        filled = self.spans[1:] > self.spans[:-1]
        score = np.full(len(self.entries), -1.0)
        score[filled] = np.maximum.reduceat(by_phrase, self.spans[:-1][filled])
        score += _MEANING * (self.entry_meanings @ message.meaning)
        score += _ANSWER * answers / message.total + _ANSWER_MEANING * (
            self.answer_meanings @ message.meaning
        )
        if hint is not None:
            score += hint
        score[~filled] = -np.inf
        if allowed is not None:
            score[~allowed] = -np.inf
        best = np.argpartition(-score, most)[:most] if len(score) > most else np.arange(len(score))
        best = best[np.isfinite(score[best])]
        return np.sort(best).astype(np.int32)

    def _sought(self, message: Message) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        least = _SEEK * float(message.weights.max())
        sought: list[int] = []
        worth: list[float] = []
        for weight, relatives in zip(message.weights.tolist(), message.relatives, strict=True):
            if weight >= least:
                sought += [relative.number for relative in relatives]
                worth += [weight * relative.similarity for relative in relatives]
        stems, weights = np.array(sought, np.int64), np.array(worth, np.float32)
        return (
            _weighted(self.postings, stems, weights, len(self.phrases)),
            _weighted(self.answer_postings, stems, weights, len(self.entries)),
        )


def phrasings(entry: FaqEntry) -> Iterator[tuple[Via, str]]:
    """The question, the aliases and the keywords of an entry with their kinds."""
    yield Via.QUESTION, entry.question
    for alias in entry.aliases:
        yield Via.ALIAS, alias
    for keyword in entry.keywords:
        yield Via.KEYWORD, keyword


def _parents(lists: Ragged) -> npt.NDArray[np.int64]:
    return np.repeat(np.arange(len(lists.starts) - 1), np.diff(lists.starts))


def _distinct_pairs(owners: npt.NDArray[np.generic], stems: Numbers, count: int) -> npt.NDArray[np.int64]:
    return np.unique(owners.astype(np.int64) * max(count, 1) + stems)


def _inverted(lists: Ragged, stems: int) -> Ragged:
    """For each stem the lists that have it."""
    parents = _parents(lists)
    order = np.argsort(lists.values, kind="stable")
    turned = Ragged(())
    turned.values = parents[order].astype(np.int32)
    turned.starts = np.searchsorted(lists.values[order], np.arange(stems + 1)).astype(np.int64)
    return turned


def _weighted(
    postings: Ragged, stems: npt.NDArray[np.int64], weights: Floats, size: int
) -> npt.NDArray[np.float64]:
    """By list: the sum of the weights of its stems."""
    lists, _ = postings.gather(stems)
    lengths = postings.starts[stems + 1] - postings.starts[stems]
    return np.bincount(lists, np.repeat(weights, lengths), minlength=size).astype(np.float64)


def sorted_words(plain: str) -> str:
    """The words of a folded text in the order of the alphabet; the text itself if it has that order."""
    found = " ".join(sorted(plain.split()))
    return plain if found == plain else found


def _heaviest(values: Floats, lists: Ragged) -> Floats:
    """The greatest value of each list, none of which is empty."""
    return np.maximum.reduceat(values, lists.starts[:-1]) if len(values) else np.empty(0, np.float32)


def _sums(values: Floats, lists: Ragged) -> Floats:
    ends = np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))
    sums = np.array([ends[end] - ends[start] for start, end in pairwise(lists.starts.tolist())], np.float32)
    return np.maximum(sums, 1e-6)
