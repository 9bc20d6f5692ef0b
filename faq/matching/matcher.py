"""The matcher of the house: readings, candidates, features, a fitted model; says how sure it is and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faq.contract import (
    EVERYTHING,
    Candidate,
    Evidence,
    How,
    Judgement,
    Query,
    Reading,
    Scope,
    Via,
    WordMatch,
)
from faq.entry import FaqEntry, base_language
from faq.language.lexicon import Floats, Numbers
from faq.matching.chat import Likeness, load_chat
from faq.matching.features import FEATURES, MEANT, SPELLED, Comparison, compare
from faq.matching.head import shares, train
from faq.matching.index import Index, Owner
from faq.matching.judgement import doubted, judged
from faq.matching.message import Message, look_at
from faq.matching.model import CORE, Model, load_model
from faq.matching.reading import MessageReading, Reader, ReadingName
from faq.matching.vocabulary import Relative
from faq.normalize import Normalizer, has_subject

CANDIDATES = 24
"""Entries that get a closer look."""
ALMOST = 0.999
"""The most for a message that is not a phrasing word for word."""
KEYWORD = 0.95
"""The score of a message that is a keyword word for word."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found out about a message before any weight is put on it."""

    message: Message
    comparison: Comparison
    chat: Likeness


@dataclass(frozen=True, slots=True)
class Judged:
    """Candidates with their scores, the place of the best one, and the chance that it is right."""

    measured: Measured
    scores: Floats
    best: int
    row: Floats
    confidence: float


class FusionMatcher:
    """Ranks the entries of one base; the score of the first one is the chance that it is right.

    The others share what the model leaves them, so scores can be compared within one message. A message that is a
    phrasing word for word scores 1, a keyword 0.95. Safe to use from several threads.
    """

    def __init__(self, index: Index, model: Model | None = None, *, sentences: Floats | None = None) -> None:
        self.index = index
        self._head = train(index, sentences)
        self.model = model or load_model(CORE, FEATURES)
        self.reader = Reader(index.vocabulary, index.normalizer)
        self._chat = load_chat()
        self._categories = np.array([entry.category or "" for entry in index.entries])
        self._languages = np.array([base_language(entry.language) for entry in index.entries])

    def rank(self, query: Query, *, scope: Scope = EVERYTHING, limit: int = 5) -> tuple[Candidate, ...]:
        """The best entries first; see `Matcher.rank`."""
        whole = self.exact(query.text, scope=scope)
        if len(whole) >= limit:
            return whole[:limit]
        reading = self.reader.readings(query.text)[0]
        if not whole and reading.name is not ReadingName.TYPED:
            whole = self._whole(self._owners(reading.text), scope)
        owned = {candidate.entry_id for candidate in whole}
        similar = self._similar(query.text, scope, limit + len(owned), reading)
        return (*whole, *(one for one in similar if one.entry_id not in owned))[:limit]

    def exact(self, text: str, *, scope: Scope = EVERYTHING) -> tuple[Candidate, ...]:
        """The entries that own this very phrasing, for the price of folding it; see `ExactMatcher.exact`."""
        return self._whole(self._owners(text), scope)

    def readings(self, text: str) -> tuple[Reading, ...]:
        """How the message may be read, the chosen reading first."""
        return tuple(
            Reading(
                name=one.name,
                text=one.text,
                words=tuple(word.text for word in one.words),
                sense=one.sense,
                language=one.language,
            )
            for one in self.reader.readings(text)
        )

    def judge(self, text: str, *, scope: Scope = EVERYTHING) -> Judgement | None:
        """What spoke for and against the best entry; None if there is none. See `JudgingMatcher.judge`."""
        found = self._judged(text, scope)
        if found is None:
            return None
        chat = found.measured.chat
        return Judgement(
            contributions=self.model.contributions(found.row),
            bias=self.model.bias,
            confidence=found.confidence,
            chat=chat.phrase,
            chat_likeness=chat.cover,
        )

    def measure(
        self, text: str, scope: Scope = EVERYTHING, reading: MessageReading | None = None
    ) -> Measured | None:
        """Measure the entries that are worth a closer look; None if nothing of the message can be looked for.

        Give the likeliest `reading` if it is known already.
        """
        if reading is None:
            reading = self.reader.readings(text)[0]
        if not has_subject(reading.text.split()):
            return None
        message = look_at(reading, self.reader)
        if message is None:
            return None
        sentence = self.sentence(message)
        classified = None if self._head is None else self._head.gate * self._head.scores(message, sentence)
        entries = self.index.candidates(
            message, CANDIDATES, self._allowed(scope), self.hint(sentence, classified)
        )
        if not len(entries):
            return None
        comparison = self.compare(message, entries, sentence, classified)
        return Measured(message, comparison, self._chat.likeness(message))

    def _judged(self, text: str, scope: Scope, reading: MessageReading | None = None) -> Judged | None:
        measured = self.measure(text, scope, reading)
        if measured is None:
            return None
        values = measured.comparison.values
        scores = self.model.rank(values)
        best, row = judged(scores, values, self.model.features, measured.message, measured.chat)
        confidence = doubted(
            self.model.confidence(row), measured.comparison, best, self.model.features, measured.message
        )
        return Judged(measured, scores, best, row, confidence)

    # -- what other tiers add -------------------------------------------------------------------------------

    def sentence(self, message: Message) -> Floats | None:
        """A vector of the whole message; the core has none."""
        del message
        return None

    def hint(self, sentence: Floats | None, classified: Floats | None) -> Floats | None:
        """By entry, what speaks for a closer look besides words: the classifier of the base if there is one."""
        del sentence
        return classified

    def compare(
        self, message: Message, entries: Numbers, sentence: Floats | None, classified: Floats | None
    ) -> Comparison:
        """Measure candidates."""
        del sentence
        head = None
        if classified is not None:
            head = np.stack([classified, shares(classified)], axis=1)[entries]
        return compare(self.index, message, entries, head)

    # -- whole phrasings ----------------------------------------------------------------------------------

    def _owners(self, text: str) -> Sequence[Owner]:
        canonical = self.index.normalizer.fold(text)
        plain = self.index.normalizer.strip_courtesies(canonical)
        for table in (self.index.exact, self.index.exact_keywords):
            for key in (canonical, plain):
                if key in table:
                    return table[key]
        return ()

    def _whole(self, owners: Iterable[Owner], scope: Scope) -> tuple[Candidate, ...]:
        allowed = self._allowed(scope)
        return tuple(
            Candidate(
                entry_id=self.index.entries[number].id,
                score=KEYWORD if via is Via.KEYWORD else 1.0,
                evidence=Evidence(
                    phrase=text,
                    via=via,
                    exact=True,
                    message_coverage=1.0,
                    phrase_coverage=1.0,
                    subjects=1,
                    support=1.0,
                ),
            )
            for number, via, text in owners
            if allowed is None or allowed[number]
        )

    def _allowed(self, scope: Scope) -> npt.NDArray[np.bool_] | None:
        if not scope.categories and not scope.languages:
            return None
        allowed = np.ones(len(self.index.entries), bool)
        if scope.categories:
            allowed &= np.isin(self._categories, sorted(scope.categories))
        if scope.languages:
            allowed &= np.isin(self._languages, sorted(map(base_language, scope.languages)))
        return allowed

    # -- similar phrasings --------------------------------------------------------------------------------

    def _similar(self, text: str, scope: Scope, limit: int, reading: MessageReading) -> tuple[Candidate, ...]:
        found = self._judged(text, scope, reading)
        if found is None:
            return ()
        odds = np.exp(found.scores - found.scores[found.best])
        order = np.argsort(-found.scores, kind="stable")[:limit].tolist()
        comparison = found.measured.comparison
        return tuple(
            Candidate(
                entry_id=self.index.entries[int(comparison.entries[place])].id,
                score=round(min(found.confidence * float(odds[place]), ALMOST), 6),
                evidence=self._evidence(found.measured, place),
            )
            for place in order
        )

    def _evidence(self, measured: Measured, place: int) -> Evidence:
        comparison, message = measured.comparison, measured.message
        values = dict(zip(self.model.features, comparison.values[place].tolist(), strict=True))
        phrase = self.index.phrases[int(comparison.phrases[place])]
        matched, missing = [], []
        subjects = 0
        supports = zip(
            comparison.lexical[:, place].tolist(), comparison.meaning[:, place].tolist(), strict=True
        )
        for word, relatives, subject, (spelled, meant) in zip(
            message.words, message.relatives, message.subjects.tolist(), supports, strict=True
        ):
            if spelled >= SPELLED:
                relative = _nearest(relatives, spelled)
                stem = self.index.vocabulary.stems[relative.number]
                matched.append(WordMatch(word.text, stem, relative.how, round(spelled, 6)))
            elif meant >= MEANT:
                matched.append(WordMatch(word.text, "", How.MEANING, round(meant, 6)))
            else:
                missing.append(word.text)
                continue
            subjects += subject
        return Evidence(
            phrase=phrase.text,
            via=phrase.via,
            message_coverage=round(values["soft_cover_message"], 6),
            phrase_coverage=round(values["soft_cover_phrase"], 6),
            matched=tuple(matched),
            missing=tuple(missing),
            subjects=subjects,
            support=round(values["support"], 6),
            gap=round(min(values["gap"], 1.0), 6),
            features=values,
        )


def _nearest(relatives: Sequence[Relative], similarity: float) -> Relative:
    """The one that is as similar as was measured; mostly it is the only one."""
    if len(relatives) == 1:
        return relatives[0]
    return min(relatives, key=lambda one: abs(one.similarity - similarity))


def core_matcher(entries: Sequence[FaqEntry], synonyms: Sequence[Sequence[str]]) -> FusionMatcher:
    """The matcher of the house without any optional package, as a `MatcherFactory`."""
    return FusionMatcher(Index(entries, Normalizer(), synonyms))
