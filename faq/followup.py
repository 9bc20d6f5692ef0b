"""Short follow-ups («а в казань?», «а сколько стоит?»): what they ask after the last answered question. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from itertools import chain
from typing import Protocol

from faq.contract import EVERYTHING, Candidate, Decision, Outcome, Reason, Scope
from faq.normalize import Normalizer, stem
from faq.parts import subjects
from faq.wording import ASKING_WORDS

FRESH_SECONDS = 600.0
"""How long a topic is what people still talk about."""
LONGEST = 5
"""Words with a meaning in a follow-up, at most."""
GOOD = 0.75
"""An answer to the follow-up alone that is this sure is never replaced."""
SUPPORT = 0.5
"""How alike a word of the follow-up and one of the entry are, to speak for the entry."""
_PLACE = 2
"""Words of a circumstance that nothing in the base has, at most: «в нижний новгород»."""
_THING = 2
"""Words that name another thing, at most: «почтой россии». More of them make a question of their own."""
_ALONE = 2
"""Words with a meaning in a follow-up that only asks, and has no «а» before it: «сколько стоит», «сколько ждать»."""
_CARRIED = 4
_WORDS = 10
_LONGEST_TEXT = 200
"""Characters of a follow-up, at most."""
_REMEMBERED = 512
"""How so many texts were read is remembered: one message is asked about several times."""

_LEADING = """
а, и, или, тогда, насчет, как насчет, что насчет, что по, and, or, but, then, what about, how about
"""
_FILLING = """
ну, вот, еще, хорошо, понятно, ясно, ладно, ок, ok, okay, so
"""
_CONDITIONAL = """
если коли if
"""
_PREPOSITIONAL = """
в во на до из изо для по с со через без от при к ко за под in to for on by with from at without via
"""
_REASONING = """
почему зачем отчего why
"""
_VAGUE_ASKING = """
как кто кого кому кем делать сделать how what who whom
"""
_LEADS = frozenset(tuple(phrase.split()) for phrase in _LEADING.split(","))
_FILLERS = frozenset(tuple(phrase.split()) for phrase in _FILLING.split(","))
_IF = frozenset(_CONDITIONAL.split())
_PREPOSITIONS = frozenset(_PREPOSITIONAL.split())
_ASKING = ASKING_WORDS - frozenset(_REASONING.split())
"""Without «почему»: it asks for a reason, and no entry of a base gives the reasons of another."""
_VAGUE = frozenset(_VAGUE_ASKING.split())
"""Without an «а» these begin a message of their own: «как дела», "what do I have to do"."""
_VERB = re.compile(r".+(?:ете|ёте|ите|ешь|ишь|ать|ять|ить|еть)")
_NORMALIZER = Normalizer()


@dataclass(frozen=True, slots=True, kw_only=True)
class LastTopic:
    """What was answered last.

    The entry with its question and its category (None if it has none), the person's own words (empty if a button was
    pressed), and the seconds since.
    """

    entry_id: str
    question_text: str
    asked_text: str = field(default="", repr=False)
    category: str | None = None
    age: float = 0.0


class Decide(Protocol):
    """Decides over a text, as `FaqManager.decide`."""

    def __call__(self, text: str, /, *, scope: Scope = EVERYTHING) -> Decision:
        """Answer, clarify or admit."""


class Rank(Protocol):
    """Ranks entries for a text, as `FaqManager.rank`."""

    def __call__(self, text: str, /, limit: int = 5, *, scope: Scope = EVERYTHING) -> Sequence[Candidate]:
        """The best entries first."""


class _Kind(StrEnum):
    ASKS = "asks"
    """«а сколько стоит?»: another question about the same thing."""
    ADDS = "adds"
    """«а в казань?», «а если картой?»: the same question under another circumstance."""
    NAMES = "names"
    """«а самовывоз?»: the same question about another thing."""


@dataclass(frozen=True, slots=True)
class _FollowUp:
    kind: _Kind
    text: str
    own: tuple[str, ...]
    """The words that have to speak for an entry: what it names, or how it asks if it names nothing."""
    led: bool
    """Whether it begins as a continuation; one that does not («сколько ждать») has to stay with the topic."""


@dataclass(frozen=True, slots=True)
class _Found:
    decision: Decision
    candidate: Candidate
    supported: bool


def is_follow_up(text: str) -> bool:
    """Whether a message looks like the continuation of another: short, and begun or asked like one."""
    return _read(text) is not None


def resolve(text: str, last: LastTopic, decide: Decide, rank: Rank) -> Decision | None:
    """The answer to a short follow-up in the light of the last topic, or None if it says nothing by itself.

    Only for a message that looks like a continuation, within ten minutes, and never in place of a good answer to the
    message alone. The words of the last question and those of the follow-up are tried together; an entry counts if the
    decision over them is to answer, and

    - if the follow-up only asks («а сколько стоит?»): the entry is asked about in that way and is of the topic's
      category;
    - if it adds a circumstance («а в казань?»): a word of it speaks for the entry, or the entry is of the category;
    - if it names something else («а самовывоз?»): what it names speaks for the entry, which without an «а» is another
      one of the category.

    What was in the last question already speaks for nothing.

    The reason of the decision is `Reason.FOLLOW_UP`. Raises what `decide` and `rank` raise.
    """
    if not 0 <= last.age <= FRESH_SECONDS:
        return None
    follow_up = _read(text)
    if follow_up is None:
        return None
    alone = decide(text)
    weak = _weak_score(alone, last, text, rank)
    if weak is None:
        return None
    found = [one for one in _tried(follow_up, last, decide, rank) if one.candidate.score > weak]
    if not found:
        return None
    best = max(found, key=lambda one: (one.supported, one.candidate.score))
    return replace(best.decision, reason=Reason.FOLLOW_UP)


# -- reading ----------------------------------------------------------------------------------------------


def _read(text: str) -> _FollowUp | None:
    return None if len(text) > _LONGEST_TEXT else _read_short(text)


@lru_cache(maxsize=_REMEMBERED)
def _read_short(text: str) -> _FollowUp | None:
    words = _plain(text)
    if len(words) > _WORDS:
        return None
    rest, led = _without_lead(words)
    named = subjects(rest)
    asking = tuple(word for word in rest if word in _ASKING)
    bare = not _VAGUE.issuperset(asking) and len(named) + len(asking) <= _ALONE
    if len(named) + len(asking) > LONGEST or not (led or bare):
        return None
    if not named:
        return _FollowUp(_Kind.ASKS, " ".join(rest), asking, led) if asking else None
    conditional = rest[0] in _IF
    rest = rest[conditional:]
    if conditional or (rest[0] in _PREPOSITIONS and rest[1:2] == list(named[:1])):
        return _FollowUp(_Kind.ADDS, " ".join(rest), named, led)
    return _FollowUp(_Kind.NAMES, " ".join(rest), named, led) if len(named) <= _THING else None


def _plain(text: str) -> list[str]:
    """The folded words without courtesies."""
    return _NORMALIZER.normalize(text).plain.split()


def _without_lead(words: list[str]) -> tuple[list[str], bool]:
    """What follows «ну а», «тогда», "what about", and whether there was such a beginning."""
    led, place = False, 0
    while place < len(words):
        for length in (2, 1):
            head = tuple(words[place : place + length])
            if head in _LEADS or head in _FILLERS:
                led = led or head in _LEADS
                place += length
                break
        else:
            break
    return words[place:], led


# -- trying -----------------------------------------------------------------------------------------------


def _weak_score(alone: Decision, last: LastTopic, text: str, rank: Rank) -> float | None:
    """What an answer in context has to beat: nothing, or an unsure answer from elsewhere. None: the message stands."""
    if alone.outcome is not Outcome.ANSWER:
        return 0.0
    best = alone.candidates[0] if alone.candidates else None
    if best is None or best.evidence.exact or best.score >= GOOD or _of_topic(best, last, text, rank):
        return None
    return best.score


def _tried(follow_up: _FollowUp, last: LastTopic, decide: Decide, rank: Rank) -> Iterator[_Found]:
    carried = {stem(word) for word in subjects(_plain(f"{last.question_text} {last.asked_text}"))}
    fresh = tuple(word for word in follow_up.own if stem(word) not in carried)
    for reading in dict.fromkeys(_readings(follow_up, last)):
        decision = decide(reading)
        if decision.outcome is not Outcome.ANSWER or not decision.candidates:
            continue
        candidate = decision.candidates[0]
        spoken = [word for word in fresh if _speaks(word, candidate)]
        match follow_up.kind:
            case _Kind.ASKS:
                fits, free = bool(spoken), False
            case _Kind.NAMES:
                other = follow_up.led or candidate.entry_id != last.entry_id
                fits, free = other and bool(spoken) and len(spoken) == len(fresh), follow_up.led
            case _Kind.ADDS:
                fits, free = bool(spoken) or _is_place(follow_up), bool(spoken)
        if fits and (free or _of_topic(candidate, last, reading, rank)):
            yield _Found(decision, candidate, bool(spoken))


def _readings(follow_up: _FollowUp, last: LastTopic) -> Iterator[str]:
    """Ways to say the follow-up as a whole question."""
    own = follow_up.text
    before = [" ".join(_plain(text)) for text in (last.question_text, last.asked_text) if text]
    named = [words for text in before if (words := subjects(text.split()))]
    if follow_up.kind is _Kind.ASKS:
        yield from (f"{own} {' '.join(words)}" for words in named)
        yield from (f"{own} {word}" for word in list(dict.fromkeys(chain(*named)))[:_CARRIED])
        return
    yield own
    yield from (f"{text} {own}" for text in before)
    yield from (f"{' '.join(words)} {own}" for words in named)
    if follow_up.kind is _Kind.NAMES:
        asking = (" ".join(word for word in text.split() if word in _ASKING) for text in before)
        yield from (f"{words} {own}" for words in asking if words)


def _speaks(word: str, candidate: Candidate) -> bool:
    """Whether a word speaks for an entry."""
    evidence = candidate.evidence
    spoken = {stem(match.word) for match in evidence.matched if match.similarity >= SUPPORT}
    return stem(word) in spoken or stem(word) in map(stem, _NORMALIZER.fold(evidence.phrase).split())


def _of_topic(candidate: Candidate, last: LastTopic, reading: str, rank: Rank) -> bool:
    """Whether an entry is the last one or of its category; without categories, whether it shares a subject with it."""
    if candidate.entry_id == last.entry_id:
        return True
    if last.category is None:
        return any(_speaks(word, candidate) for word in subjects(_plain(last.question_text)))
    scope = Scope(categories=frozenset({last.category}))
    return any(one.entry_id == candidate.entry_id for one in rank(reading, 5, scope=scope))


def _is_place(follow_up: _FollowUp) -> bool:
    """Whether an unknown circumstance may be a place, a time or a means: few words, no verb among the later ones."""
    return len(follow_up.own) <= _PLACE and not any(_VERB.fullmatch(word) for word in follow_up.own[1:])
