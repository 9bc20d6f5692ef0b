"""The default matcher: rarity-weighted coverage of the message by a phrasing and the other way round."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from faq.contract import EVERYTHING, Candidate, Evidence, How, Query, Reading, Scope, Via, WordMatch
from faq.index import Index, Relative
from faq.normalize import NormalText, Term

ALMOST = 0.999
"""The most for a message that is not a phrasing word for word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How the parts of a score count. The defaults were chosen on development data, not on any one base."""

    unknown: float = 1.0
    """The rarity of a word that the base has nowhere."""
    message: float = 0.7
    """The power of the coverage of the message; higher punishes unexplained words harder."""
    phrase: float = 0.5
    """The power of the coverage of the phrasing; higher punishes unnamed words harder."""
    entry: float = 0.6
    """How much of the message coverage comes from the entry as a whole rather than from its best phrasing."""
    answer: float = 0.65
    """How much a word counts that only the answer has."""
    keyword: float = 0.95
    """What a keyword gives where an alias would give 1."""
    fragment: float = 0.45
    """The most for a message that only asks («сколько стоит») and names no subject: too little to answer."""


@dataclass(slots=True)
class _Reach:
    """How far a message reaches into one base, by number of phrasing and of entry."""

    total: float
    message: dict[int, float]
    phrase: dict[int, float]
    entry: dict[int, float]


@dataclass(frozen=True, slots=True)
class _Best:
    """The best phrasing of an entry and its score."""

    score: float
    phrase: int
    covered: float
    named: float


class CoverMatcher:
    """Ranks entries by how much of the message and of a phrasing is the same, rare words first.

    A message that is a phrasing word for word scores 1, a keyword 0.95. Scores do not depend on how many
    aliases an entry has: rarity counts entries, and the best phrasing speaks for all. Safe to use from
    several threads.
    """

    def __init__(self, index: Index, weights: Weights | None = None) -> None:
        self.index = index
        self.weights = weights or Weights()

    def rank(self, query: Query, *, scope: Scope = EVERYTHING, limit: int = 5) -> tuple[Candidate, ...]:
        """The best entries first; see `Matcher.rank`."""
        text = self.index.normalizer.normalize(query.text)
        whole = dict(self._exact(text.canonical, text.plain))
        similar = self.similar(text, scope=scope, limit=limit + len(whole))
        if not whole:
            return similar[:limit]
        rest = [item for item in similar if self.index.numbers[item.entry_id] not in whole]
        return tuple([*self._whole(whole, scope), *rest][:limit])

    def exact(self, text: str, *, scope: Scope = EVERYTHING) -> tuple[Candidate, ...]:
        """The entries that own this very phrasing, for the price of folding it; see `ExactMatcher.exact`."""
        canonical = self.index.normalizer.fold(text)
        if canonical in self.index.exact:
            return self._whole(dict(self.index.exact[canonical]), scope)
        found = self._exact(canonical, self.index.normalizer.strip_courtesies(canonical))
        return self._whole(dict(found), scope) if found else ()

    def readings(self, text: str) -> tuple[Reading, ...]:
        """The message as it is typed: the only reading of this matcher."""
        normal = self.index.normalizer.normalize(text)
        return (Reading(name="as typed", text=normal.plain, words=tuple(term.word for term in normal.terms)),)

    def similar(
        self, text: NormalText, *, scope: Scope = EVERYTHING, limit: int = 5
    ) -> tuple[Candidate, ...]:
        """Rank by words alone, as if no phrasing were the message word for word."""
        if text.courtesy_only or not text.terms:
            return ()
        relatives = self._relatives(text.terms)
        reach = self._reach(text.terms, relatives)
        most = ALMOST if any(term.weight >= 1.0 for term in text.terms) else self.weights.fragment
        scored = self._combine(reach, most)
        best = sorted(scored.items(), key=lambda item: (-item[1].score, item[0]))
        if scope is not EVERYTHING:
            best = [item for item in best if self._in_scope(item[0], scope)]
        return tuple(
            Candidate(
                entry_id=self.index.entries[number].id,
                score=found.score,
                evidence=self._evidence(number, found, text.terms, relatives),
            )
            for number, found in best[:limit]
        )

    # -- whole phrasings ----------------------------------------------------------------------------------

    def _exact(self, *keys: str) -> Sequence[tuple[int, tuple[Via, str]]]:
        for owners in (self.index.exact, self.index.exact_keywords):
            for key in keys:
                if key in owners:
                    return owners[key]
        return ()

    def _whole(self, owners: dict[int, tuple[Via, str]], scope: Scope) -> tuple[Candidate, ...]:
        return tuple(
            Candidate(
                entry_id=self.index.entries[number].id,
                score=self.weights.keyword if via is Via.KEYWORD else 1.0,
                evidence=Evidence(
                    phrase=text, via=via, exact=True, message_coverage=1.0, phrase_coverage=1.0
                ),
            )
            for number, (via, text) in owners.items()
            if scope is EVERYTHING or self._in_scope(number, scope)
        )

    def _in_scope(self, number: int, scope: Scope) -> bool:
        entry = self.index.entries[number]
        return (not scope.categories or entry.category in scope.categories) and (
            not scope.languages or entry.language in scope.languages
        )

    # -- scoring ------------------------------------------------------------------------------------------

    def _relatives(self, terms: Sequence[Term]) -> list[tuple[Relative, ...]]:
        """What each word of the message may stand for, the surest first."""
        spans = self.index.span_synonyms([term.stem for term in terms])
        found = [self.index.relatives(term.stem) for term in terms]
        if spans:
            found = [known + spans.get(term.stem, ()) for known, term in zip(found, terms, strict=True)]
        return found

    def _term_weight(self, term: Term, relatives: tuple[Relative, ...]) -> float:
        """How much of the message a word is: by its own rarity, or by that of what it stands for."""
        rarity = self.index.rarity.get(term.stem)
        if rarity is None:
            rarity = self.index.rarity[relatives[0].stem] if relatives else self.weights.unknown
        return term.weight * rarity

    def _reach(self, terms: Sequence[Term], relatives: Sequence[tuple[Relative, ...]]) -> _Reach:
        index, answer = self.index, self.weights.answer
        phrases, postings, answers = index.phrases, index.postings, index.answers
        reach = _Reach(0.0, defaultdict(float), defaultdict(float), defaultdict(float))
        for term, related in zip(terms, relatives, strict=True):
            weight = self._term_weight(term, related)
            reach.total += weight
            in_phrases: dict[int, tuple[float, float]] = {}
            in_entries: dict[int, float] = {}
            for relative in related:
                similarity = relative.similarity
                for number, own in postings.get(relative.stem, ()):
                    if number not in in_phrases:
                        in_phrases[number] = (similarity, own * similarity)
                for entry in answers.get(relative.stem, ()):
                    if in_entries.get(entry, 0.0) < similarity * answer:
                        in_entries[entry] = similarity * answer
            for number, (similarity, own) in in_phrases.items():
                reach.message[number] += weight * similarity
                reach.phrase[number] += own
                entry = phrases[number].entry
                if in_entries.get(entry, 0.0) < similarity:
                    in_entries[entry] = similarity
            for entry, similarity in in_entries.items():
                reach.entry[entry] += weight * similarity
        return reach

    def _combine(self, reach: _Reach, most: float) -> dict[int, _Best]:
        weights, phrases, total = self.weights, self.index.phrases, reach.total
        best: dict[int, _Best] = {}
        for number, message in reach.message.items():
            phrase = phrases[number]
            covered = message / total
            named = min(reach.phrase[number] / phrase.weight, 1.0)
            whole = covered + weights.entry * (reach.entry[phrase.entry] / total - covered)
            score: float = whole**weights.message * named**weights.phrase
            if phrase.via is Via.KEYWORD:
                score *= weights.keyword
            score = round(min(score, most), 6)
            known = best.get(phrase.entry)
            if known is None or score > known.score:
                best[phrase.entry] = _Best(score, number, covered, named)
        return best

    # -- evidence -----------------------------------------------------------------------------------------

    def _evidence(
        self, number: int, best: _Best, terms: Sequence[Term], relatives: Sequence[tuple[Relative, ...]]
    ) -> Evidence:
        matched: list[WordMatch] = []
        missing: list[str] = []
        subjects, support, gap = 0, 0.0, 0.0
        for term, related in zip(terms, relatives, strict=True):
            match = self._support(number, term, related)
            if match is not None:
                matched.append(match)
                if term.weight >= 1.0 and match.how is not How.ANSWER:
                    subjects += 1
                    support = max(support, self.index.rarity[match.found])
            else:
                missing.append(term.word)
                gap = max(gap, self._term_weight(term, related))
        phrase = self.index.phrases[best.phrase]
        return Evidence(
            phrase=phrase.text,
            via=phrase.via,
            message_coverage=round(best.covered, 6),
            phrase_coverage=round(best.named, 6),
            matched=tuple(matched),
            missing=tuple(missing),
            subjects=subjects,
            support=round(support, 6),
            gap=round(min(gap, 1.0), 6),
        )

    def _support(self, number: int, term: Term, relatives: tuple[Relative, ...]) -> WordMatch | None:
        own = self.index.stems[number]
        for relative in relatives:
            if relative.stem in own:
                return WordMatch(term.word, relative.stem, relative.how, round(relative.similarity, 6))
        for relative in relatives:
            if number in self.index.answers.get(relative.stem, ()):
                similarity = round(relative.similarity * self.weights.answer, 6)
                return WordMatch(term.word, relative.stem, How.ANSWER, similarity)
        return None
