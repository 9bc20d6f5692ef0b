"""What the matcher is held against: the usual ways to find an entry, each in a few lines over the same phrasings.

All of them get the questions, aliases and keywords of the entries, and of an entry its best phrasing counts. Texts are
brought to lower case without punctuation first, so that nothing loses by a comma.

TF-IDF and the linear machine need scikit-learn, which is of the dependency group `lab`.
"""

from __future__ import annotations

import difflib
import heapq
import importlib
import math
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Protocol

from faq import FaqEntry
from faq.quality.row import Ranked

K1, B = 1.5, 0.75
"""The usual numbers of BM25."""

_WORD = re.compile(r"\w+")
_CYRILLIC = re.compile(r"[а-я]")


class LabMissing(Exception):
    """A library of the laboratory is not installed; the message says what to do."""


class System(Protocol):
    """Something that ranks entries; made once over all of them."""

    def rank(self, text: str, limit: int) -> Sequence[Ranked]:
        """The best entries first, at most `limit`; ties in the order of the entries."""


def folded(text: str) -> str:
    """Lower case, `ё` as `е`, words parted by single spaces."""
    return " ".join(_WORD.findall(text.lower().replace("ё", "е")))


def phrasings(entries: Iterable[FaqEntry]) -> tuple[list[str], list[str]]:
    """All folded phrasings, and beside each the id of its entry."""
    pairs = [(folded(text), entry.id) for entry in entries for text in (*entry.phrasings, *entry.keywords)]
    return [text for text, _ in pairs], [name for _, name in pairs]


class WRatioSystem:
    """RapidFuzz WRatio, what `process.extractOne` uses where nothing else is asked for."""

    def __init__(self, entries: Sequence[FaqEntry]) -> None:
        from rapidfuzz import fuzz, process  # noqa: PLC0415  # a system costs memory only where it is measured

        self._extract, self._scorer = process.extract, fuzz.WRatio
        self._texts, self._ids = phrasings(entries)

    def rank(self, text: str, limit: int) -> Sequence[Ranked]:
        found = self._extract(folded(text), self._texts, scorer=self._scorer, limit=None)
        best: dict[str, float] = {}
        for _, score, number in found:
            best.setdefault(self._ids[number], score / 100)
            if len(best) == limit:
                break
        return [Ranked(name, score) for name, score in best.items()]


class DifflibSystem:
    """The ratio of `difflib.SequenceMatcher`, with the short cuts of `difflib.get_close_matches`."""

    def __init__(self, entries: Sequence[FaqEntry]) -> None:
        self._texts, self._ids = phrasings(entries)

    def rank(self, text: str, limit: int) -> Sequence[Ranked]:
        matcher: difflib.SequenceMatcher[str] = difflib.SequenceMatcher()
        matcher.set_seq2(folded(text))
        best: dict[str, float] = {}
        floor = 0.0
        for phrase, name in zip(self._texts, self._ids, strict=True):
            matcher.set_seq1(phrase)
            known = max(floor, best.get(name, 0.0))
            if matcher.real_quick_ratio() < known or matcher.quick_ratio() < known:
                continue
            score = matcher.ratio()
            if score > best.get(name, 0.0):
                best[name] = score
                floor = heapq.nlargest(limit, best.values())[-1] if len(best) >= limit else 0.0
        return _first(best, limit)


class Bm25System:
    """BM25 over the stems of phrasings."""

    def __init__(self, entries: Sequence[FaqEntry]) -> None:
        import Stemmer  # type: ignore[import-not-found]  # noqa: PLC0415  # see WRatioSystem

        self._stemmers = Stemmer.Stemmer("russian"), Stemmer.Stemmer("english")
        texts, self._ids = phrasings(entries)
        counted = [Counter(self._stems(text)) for text in texts]
        lengths = [found.total() for found in counted]
        mean = sum(lengths) / max(len(lengths), 1) or 1.0
        postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, found in enumerate(counted):
            for stem, times in found.items():
                weight = times * (K1 + 1) / (times + K1 * (1 - B + B * lengths[number] / mean))
                postings[stem].append((number, weight))
        self._postings = {
            stem: (math.log(1 + (len(texts) - len(held) + 0.5) / (len(held) + 0.5)), held)
            for stem, held in postings.items()
        }

    def rank(self, text: str, limit: int) -> Sequence[Ranked]:
        scores: dict[int, float] = defaultdict(float)
        for stem in self._stems(folded(text)):
            rarity, held = self._postings.get(stem, (0.0, ()))
            for number, weight in held:
                scores[number] += rarity * weight
        best: dict[str, float] = {}
        for number in sorted(scores):
            name = self._ids[number]
            best[name] = max(best.get(name, 0.0), scores[number])
        return _first(best, limit)

    def _stems(self, text: str) -> list[str]:
        russian, english = self._stemmers
        return [
            (russian if _CYRILLIC.search(word) else english).stemWord(word) or word for word in text.split()
        ]


class TfidfSystem:
    """The cosine of TF-IDF vectors over runs of two to five letters."""

    def __init__(self, entries: Sequence[FaqEntry]) -> None:
        text = _lab("sklearn.feature_extraction.text")
        texts, self._ids = phrasings(entries)
        self._vectorizer = text.TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
        self._vectors = self._vectorizer.fit_transform(texts).T.tocsr()

    def rank(self, text: str, limit: int) -> Sequence[Ranked]:
        found = self._vectorizer.transform([folded(text)]) @ self._vectors
        best: dict[str, float] = {}
        for number, score in sorted(zip(found.indices.tolist(), found.data.tolist(), strict=True)):
            name = self._ids[number]
            best[name] = max(best.get(name, 0.0), score)
        return _first(best, limit)


class SvmSystem:
    """A linear support vector machine over TF-IDF of words, pairs of words and runs of letters."""

    def __init__(self, entries: Sequence[FaqEntry]) -> None:
        text, pipeline, svm = map(
            _lab, ("sklearn.feature_extraction.text", "sklearn.pipeline", "sklearn.svm")
        )
        texts, ids = phrasings(entries)
        self._order = {entry.id: number for number, entry in enumerate(entries)}
        if len(self._order) < 2:
            raise ValueError("a classifier needs two entries at least")
        features = pipeline.make_union(
            text.TfidfVectorizer(analyzer=_words_and_pairs, sublinear_tf=True),
            text.TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
        )
        self._model = pipeline.make_pipeline(features, svm.LinearSVC(random_state=0))
        with warnings.catch_warnings():
            # An entry with a single phrasing is the usual case of a FAQ, not a mistake.
            warnings.filterwarnings("ignore", message="The number of unique classes", category=UserWarning)
            self._model.fit(texts, ids)
        self._classes: list[str] = self._model.classes_.tolist()

    def rank(self, text: str, limit: int) -> Sequence[Ranked]:
        found = self._model.decision_function([folded(text)])[0]
        # Of two classes the machine tells one number: how much it is the second.
        scores = [-float(found), float(found)] if len(self._classes) == 2 else found.tolist()
        pairs = zip(self._classes, scores, strict=True)
        return _first(dict(sorted(pairs, key=lambda pair: self._order[pair[0]])), limit)


def _words_and_pairs(text: str) -> list[str]:
    """Single letters too, which the library would leave out."""
    words = text.split()
    return [*words, *(f"{one} {other}" for one, other in pairwise(words))]


def _lab(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise LabMissing(
            f"{error.name} is not installed; it is in the dependency group `lab`: pip install scikit-learn"
        ) from error


def _first(scores: dict[str, float], limit: int) -> list[Ranked]:
    """The best of entries that come in their order; a stable sort keeps it for ties."""
    ordered = heapq.nsmallest(limit, scores.items(), key=lambda pair: -pair[1])
    return [Ranked(name, score) for name, score in ordered]
