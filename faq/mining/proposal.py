"""What to do about a cluster: more phrasings for an entry that is there, or a new entry. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from faq.contract import Outcome
from faq.entry import FaqEntry, Status
from faq.manager import FaqManager
from faq.mining.asked import is_rude, words_of
from faq.mining.forms import Form
from faq.mining.personal import hidden, without_hidden
from faq.mining.phrasing import as_alias, as_question, phrase, slug
from faq.mining.spelling import Spelling, is_russian
from faq.normalize import Normalizer

SAMPLES = 8
"""So many phrasings, the most asked, tell where a cluster leans."""
CONSISTENT = 0.6
"""So many of them have the same entry first."""
LEAST_SCORE = 0.12
"""What that entry scores on average: unanswered questions score low, or they would have been answered."""
LEAST_LEAD = 0.25
"""How far it is ahead of the second on average, as a share of its score."""
PHRASINGS = 8
KEYWORDS = 2
MIN_KEYWORD = 4
CORE = 0.5
"""A stem that so many of those who asked used is what the cluster is about."""
_MIDDLE = 3
"""So many forms, and at least one in so many, are the middle of a cluster."""
_COMMON_WORD = 0.1
"""A word that more of the entries have is no keyword."""
_FEW_ENTRIES = 2
_ASKING = frozenset(
    """
    делать сделать как где куда откуда когда почему зачем кто кого кому чей какой какая какое какие какого какую
    сколько насколько долго стоит можно есть how where when why who what which much many often does make take
    """.split()  # noqa: SIM905  # a list of words reads better as words
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreAliases:
    """The questions lean to an entry of the base; it would be found with these phrasings.

    `share` of the samples have it first, with `score` on average and `lead` ahead of the second (a share of
    the score).
    """

    entry_id: str
    aliases: tuple[str, ...]
    share: float
    score: float
    lead: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """No entry is meant. The answer is for the owner to write.

    `near` is the entry that is found first all the same, though it lacks what the questions are about.
    """

    id: str
    question: str
    aliases: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    near: str | None = None
    answer: str = ""
    status: Status = Status.DRAFT


Proposal: TypeAlias = MoreAliases | NewEntry


class Proposer:
    """Makes proposals over one base; `taken` are ids that no new entry may have, those of the base aside.

    Each new entry gets an id that no earlier one has.
    """

    def __init__(self, manager: FaqManager, normalizer: Normalizer, taken: Collection[str] = ()) -> None:
        self._manager = manager
        self._normalizer = normalizer
        self._taken = {*taken, *(entry.id for entry in manager.entries)}

    def is_answered(self, forms: Sequence[Form]) -> bool:
        """Whether the base answers these questions by now."""
        samples = most_asked(forms)
        answered = sum(
            len(form.people)
            for form in samples
            if self._manager.decide(without_hidden(form.text)).outcome is Outcome.ANSWER
        )
        return answered >= CONSISTENT * sum(len(form.people) for form in samples)

    def propose(self, forms: Sequence[Form]) -> Proposal:
        """What to do about the questions of one cluster, the one nearest to its middle first."""
        core = core_words(forms)
        lean = self._lean(forms)
        if lean is not None:
            entry, share, score, lead = lean
            aliases = self._aliases(forms, core.values(), besides=())
            if aliases and self._names(entry, core):
                return MoreAliases(
                    entry_id=entry.id,
                    aliases=aliases,
                    share=round(share, 4),
                    score=round(score, 4),
                    lead=round(lead, 4),
                )
        return self._new_entry(forms, core, near=lean[0].id if lean is not None else None)

    def question(self, forms: Sequence[Form]) -> str:
        """The question that the cluster asks, in the words of its middle."""
        core = core_words(forms)
        readable = _readable(forms)
        middle = readable[: max(_MIDDLE, len(readable) // _MIDDLE)]
        # Near the middle, whoever asks comes before whoever complains or tells.
        ordered = [*sorted(middle, key=_is_story), *readable]
        texts = [text for form in ordered if (text := phrase(form.text, self._normalizer, core.values()))]
        fit = next((text for text in texts if not is_rude(text)), "")
        return as_question(fit or next(iter(texts), without_hidden(forms[0].text)))

    def _lean(self, forms: Sequence[Form]) -> tuple[FaqEntry, float, float, float] | None:
        """The entry that most of the samples find first, with share, score and lead; None if there is none.

        A person who was offered entries and took none speaks for none of them.
        """
        total: dict[str, float] = defaultdict(float)
        first: dict[str, float] = defaultdict(float)
        everybody = 0.0
        for form in most_asked(forms):
            everybody += len(form.people)
            weight = len(form.people) * (1 - form.refused / form.times)
            ranked = self._manager.rank(without_hidden(form.text), 3)
            for place, candidate in enumerate(ranked):
                total[candidate.entry_id] += weight * candidate.score
                if place == 0:
                    first[candidate.entry_id] += weight
        ordered = sorted(total, key=lambda name: (-total[name], name))
        entry = self._manager.entry(ordered[0]) if ordered else None
        if entry is None or total[entry.id] <= 0:
            return None
        share, score = first[entry.id] / everybody, total[entry.id] / everybody
        second = total[ordered[1]] / everybody if len(ordered) > 1 else 0.0
        lead = (score - second) / score
        leans = share >= CONSISTENT and score >= LEAST_SCORE and lead >= LEAST_LEAD
        return (entry, share, score, lead) if leans else None

    def _names(self, entry: FaqEntry, core: Mapping[str, str]) -> bool:
        """Whether the entry has most of the words that the cluster is about: half of them is another subject."""
        texts = (*entry.phrasings, *entry.keywords, entry.answer)
        stems = {term.stem: 1 for text in texts for term in self._normalizer.normalize(text).terms}
        spelling = Spelling(stems)
        known = {spelling(stem) for stem in stems}
        subjects = [stem for stem, word in core.items() if word not in _ASKING]
        return 2 * sum(spelling(stem) in known for stem in subjects) > len(subjects)

    def _new_entry(self, forms: Sequence[Form], core: Mapping[str, str], *, near: str | None) -> NewEntry:
        question = self.question(forms)
        name = slug(question, self._normalizer, self._taken)
        self._taken.add(name)
        return NewEntry(
            id=name,
            question=question,
            aliases=self._aliases(forms, core.values(), besides=(question,)),
            keywords=self._keywords(forms, core),
            near=near,
        )

    def _aliases(
        self, forms: Sequence[Form], core: Collection[str], besides: Sequence[str]
    ) -> tuple[str, ...]:
        """Phrasings of different words, the most asked first; none that the base has already."""
        seen = {*self._phrasings, *(self._key(text) for text in besides)}
        found = []
        for form in sorted(_readable(forms), key=lambda one: -len(one.people)):
            text = phrase(form.text, self._normalizer, core)
            key = self._key(text)
            if key and key not in seen and not is_rude(text):
                seen.add(key)
                found.append(as_alias(text))
            if len(found) == PHRASINGS:
                break
        return tuple(found)

    def _keywords(self, forms: Sequence[Form], core: Mapping[str, str]) -> tuple[str, ...]:
        words = usual_words(forms)
        limit = max(_FEW_ENTRIES, _COMMON_WORD * len(self._manager.entries))
        found = []
        for stem in core:
            word = words[stem]
            terms = self._normalizer.normalize(word).terms
            owners = self._owners[terms[0].stem] if terms else 0
            if (
                len(word) >= MIN_KEYWORD
                and word.isalpha()
                and word not in _ASKING
                and owners <= limit
                and not is_rude(word)
            ):
                found.append(word)
        return tuple(found[:KEYWORDS])

    def _key(self, text: str) -> str:
        return self._normalizer.normalize(text).plain

    @cached_property
    def _phrasings(self) -> frozenset[str]:
        return frozenset(
            self._key(text) for entry in self._manager.entries for text in (*entry.phrasings, *entry.keywords)
        )

    @cached_property
    def _owners(self) -> Counter[str]:
        """How many entries name a stem."""
        return Counter(
            stem
            for entry in self._manager.entries
            for stem in {
                term.stem
                for text in (*entry.phrasings, *entry.keywords)
                for term in self._normalizer.normalize(text).terms
            }
        )


def most_asked(forms: Sequence[Form]) -> list[Form]:
    """Some forms that speak for the cluster: the most asked, the nearer to the middle first among equals."""
    return sorted(forms, key=lambda form: -len(form.people))[:SAMPLES]


def usual_words(forms: Sequence[Form]) -> dict[str, str]:
    """Each stem of the forms in the ending in which it is written most."""
    written: dict[str, Counter[str]] = defaultdict(Counter)
    for form in forms:
        for stem, word in form.words.items():
            written[stem][word] += len(form.people)
    return {
        stem: min(words, key=lambda word: (-words[word], len(word), word)) for stem, words in written.items()
    }


def core_words(forms: Sequence[Form], share: float = CORE) -> dict[str, str]:
    """The stems that so many of those who asked used, most used first, each with a word for it."""
    people: Counter[str] = Counter()
    for form in forms:
        for stem in form.stems:
            people[stem] += len(form.people)
    everybody = sum(len(form.people) for form in forms)
    words = usual_words(forms)
    core = sorted(
        (stem for stem in people if people[stem] >= share * everybody), key=lambda one: (-people[one], one)
    )
    return {stem: words[stem] for stem in core}


def _is_story(form: Form) -> bool:
    """Whether nothing in the form asks, or somebody told his own case."""
    words = words_of(form.text)
    return hidden(form.text) != frozenset() or not (form.text.endswith("?") or _ASKING.intersection(words))


def _readable(forms: Sequence[Form]) -> list[Form]:
    """The forms that are written in Russian letters where any is: the others are read by the bot as they are."""
    russian = [form for form in forms if is_russian(form.variants[0].text)]
    return russian or list(forms)
