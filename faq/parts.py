"""Two questions in one message: where it may be cut, and when the cut is better than the whole. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from faq.contract import Candidate, Decision, Outcome
from faq.normalize import Normalizer
from faq.wording import ASKING_WORDS, STOP_WORDS

MOST = 3
"""Questions of one message that are told apart; a text with more of them stays whole."""
WHOLE_COVERAGE = 0.85
"""A whole message that explains and is explained by a phrasing this well is one question, whatever is in it."""
UNKNOWN_SUBJECTS = 2
"""An unknown part with fewer words of its own («вы серьёзно?») is not worth a word of ours."""
LONGEST = 1000
_REMEMBERED = 512
_REMEMBERED_LENGTH = 200
"""The parts of so many texts of at most this length are remembered."""
_PLACES = 20
"""A text that is longer, or has more places to cut, is no list of questions; looking closer would only take time."""
_EARLY = 2
"""Without a question mark, a question has its asking word among its first words."""

Decide = Callable[[str], Decision]


@dataclass(frozen=True, slots=True)
class Part:
    """A question of a message in the person's own words, and what to do with it."""

    text: str
    decision: Decision


After = Callable[[str, Part], Decision | None]
"""Decides a part that is unclear alone, in the light of the part answered before it; None if that does not help."""

_ASKING = """
что чем кто кого кому кем чей чья чье чьи как где куда откуда когда почему зачем отчего какой какая какое какие
какого какую каких каким каком какими сколько скольки скока скоко почем насколько можно можете есть
"""
_ENGLISH_ASKING = """
how what where when why who whom whose which
"""
_AUXILIARY = """
can could do does did is are will would should may
"""
_POINTING = """
это этого этому этим этом этот эта эту эти этих этой он она оно они его ее ей ему им их него нее нему нем ней ним них
ними там туда оттуда it this that these those they them there one
"""
_REQUESTING = """
подскажите подскажи скажите расскажите расскажи интересует интересуют tell explain
"""
_ASKERS = frozenset(f"{_ASKING} {_ENGLISH_ASKING}".split())
_AUXILIARIES = frozenset(_AUXILIARY.split())
_OPENERS = _ASKERS | _AUXILIARIES
_BACK = frozenset(_POINTING.split())
"""Words that point back: a question with one of them is no question without the one before it."""
_ALTERNATIVES = frozenset(("или", "либо", "or"))
_REQUESTS = frozenset(_REQUESTING.split())
_PREPOSITIONS = "в|во|на|до|с|со|по|из|за|через|от|для|к|у|о|об|при|in|to|for|at|by|from|with|on"
_AND = r"(?:(?:а|и)\s+(?:также|ещ[её]|заодно)|также|ещ[её]|плюс|и|а|and\s+also|as\s+well\s+as|and|also|plus)"
"""The longer ones first."""
_LEADING = re.compile(rf"\A(?:{_AND}\b[\s,]*)+", re.IGNORECASE)
_JOINT = re.compile(
    rf"[\s,;]+{_AND}\s+(?=(?:(?:{_PREPOSITIONS})\s+)?(?:{'|'.join(sorted(_OPENERS))})\b|\w+\s+ли\b)",
    re.IGNORECASE,
)
_END = re.compile(r"(?P<mark>[?!]+[)\s]*|[.…]+\s+)|\s*\n\s*")
_NORMALIZER = Normalizer()


def subjects(words: Iterable[str]) -> tuple[str, ...]:
    """The folded words that name something: no function words, no asking words, no numbers and single letters."""
    return tuple(
        word
        for word in words
        if word not in STOP_WORDS and word not in ASKING_WORDS and len(word) > 1 and not word.isdigit()
    )


def split(text: str) -> tuple[str, ...]:
    """The questions of a message in their order, at least one and at most three; the text itself if it is one.

    It is cut at the ends of sentences and lines, and at «и», «а», «а также», «и ещё», "and", "also" before an asking
    word. Each part asks and names a subject: what only tells belongs to the question that follows it, or else to the
    one before. Greetings and politeness are no part.
    """
    return _remembered_split(text) if len(text) <= _REMEMBERED_LENGTH else _split(text)


def _split(text: str) -> tuple[str, ...]:
    if len(text) > LONGEST or len(_END.findall(text)) + len(_JOINT.findall(text)) > _PLACES:
        return (text,)
    parts = [_LEADING.sub("", text[start:end].strip(), count=1) for start, end in _questions(text)]
    return tuple(parts) if 1 < len(parts) <= MOST else (text,)


_remembered_split = lru_cache(maxsize=_REMEMBERED)(_split)


def decide_parts(text: str, decide: Decide, *, after: After | None = None) -> tuple[Part, ...]:
    """Decide a message by its parts if that is better than the whole; one part with the whole text otherwise.

    Parts that are answered come first, in their order and each with an entry of its own; those that are not follow,
    without what is answered already. A message that is well matched as a whole, and one of which no part can be
    answered, stays whole. Raises what `decide` and `after` raise.
    """
    whole = Part(text, decide(text))
    pieces = split(text)
    if len(pieces) == 1 or _is_exact(whole.decision):
        return (whole,)
    sure, rest = _told_apart(pieces, decide, after)
    if not sure or _outdoes(whole.decision, sure):
        return (whole,)
    unclear = [part for part in (_reduced(part, sure) for part in rest) if part is not None]
    if len(sure) + len(unclear) == 1:
        same = (
            whole.decision.outcome is Outcome.ANSWER and whole.decision.entry_id == sure[0].decision.entry_id
        )
        return (whole if same else Part(text, sure[0].decision),)
    return (*sure, *unclear)


# -- cutting ----------------------------------------------------------------------------------------------


def _questions(text: str) -> list[tuple[int, int]]:
    """The places of the questions.

    What is told before the first one belongs to it, and so does what a question needs to name its subject («коробка
    помята. что делать?»); anything else that is told belongs to the question before.
    """
    found: list[tuple[int, int]] = []
    begun: int | None = None
    told = 0
    asks = names = False
    for start, end, marked in _pieces(text):
        words = _words(text[start:end])
        if not words:
            continue
        back = bool(found) and not _BACK.isdisjoint(words)
        asks_here = not back and _asks(text[start:end], words, marked=marked)
        names_here = bool(subjects(words))
        if begun is None:
            begun = start
        elif found and asks_here and names_here and not asks:
            found[-1] = (found[-1][0], told)
            begun = start
        told = end
        asks, names = asks or asks_here, names or names_here
        if asks and names:
            found.append((begun, end))
            begun, asks, names = None, False, False
    if begun is not None and found:
        found[-1] = (found[-1][0], len(text))
    return found


def _pieces(text: str) -> Iterable[tuple[int, int, bool]]:
    """Sentences and lines, cut further at joints; and whether a mark, not only a new line, stands before them."""
    start, marked = 0, True
    for end in _END.finditer(text):
        yield from _joined(text, start, end.end(), marked=marked)
        start, marked = end.end(), end["mark"] is not None
    yield from _joined(text, start, len(text), marked=marked)


def _joined(text: str, start: int, end: int, *, marked: bool) -> Iterable[tuple[int, int, bool]]:
    """Cut one sentence before «и как …» where both sides can stand alone."""
    for joint in _JOINT.finditer(text, start, end):
        left, right = text[start : joint.start()], text[joint.end() : end]
        words = _words(left)
        following = _words(right)
        alone = subjects(following) and _BACK.isdisjoint(following)
        if alone and _asks(left, words, marked=marked) and subjects(words):
            yield start, joint.start(), marked
            start, marked = joint.end(), True
    yield start, end, marked


def _words(text: str) -> list[str]:
    """The folded words without courtesies; none if there is nothing else."""
    normal = _NORMALIZER.normalize(text)
    return [] if normal.courtesy_only else normal.plain.split()


def _asks(text: str, words: list[str], *, marked: bool) -> bool:
    """Whether a piece of text is a question or a request.

    A new line alone («как / вернуть / деньги?») begins none, and «или …?» only goes on with the one before.
    """
    if words[:1] and words[0] in _ALTERNATIVES:
        return False
    if ("?" in text and marked) or not _REQUESTS.isdisjoint(_NORMALIZER.fold(text).split()):
        return True
    early = [word for word in words if not _LEADING.fullmatch(word)][: _EARLY + 1]
    return not _ASKERS.isdisjoint(early[:_EARLY]) or not _AUXILIARIES.isdisjoint(early[:1]) or "ли" in early


# -- deciding ---------------------------------------------------------------------------------------------


def _told_apart(pieces: Iterable[str], decide: Decide, after: After | None) -> tuple[list[Part], list[Part]]:
    """The parts that are answered, one for each entry, and the others."""
    sure: list[Part] = []
    rest: list[Part] = []
    for piece in pieces:
        part = Part(piece, decide(piece))
        if part.decision.outcome is not Outcome.ANSWER and sure and after is not None:
            part = Part(piece, after(piece, sure[-1]) or part.decision)
        if part.decision.outcome is not Outcome.ANSWER:
            rest.append(part)
        elif part.decision.entry_id not in {known.decision.entry_id for known in sure}:
            sure.append(part)
    return sure, rest


def _best(decision: Decision) -> Candidate | None:
    return decision.candidates[0] if decision.candidates else None


def _is_exact(decision: Decision) -> bool:
    best = _best(decision)
    return decision.outcome is Outcome.ANSWER and best is not None and best.evidence.exact


def _outdoes(whole: Decision, sure: list[Part]) -> bool:
    """Whether the whole is as sure as the surest part, and is one phrasing or finds what no part finds."""
    best = _best(whole)
    if whole.outcome is not Outcome.ANSWER or best is None:
        return False
    scores = {
        part.decision.entry_id: found.score if (found := _best(part.decision)) is not None else 0.0
        for part in sure
    }
    covered = min(best.evidence.message_coverage, best.evidence.phrase_coverage) >= WHOLE_COVERAGE
    return (covered or whole.entry_id not in scores) and best.score >= max(scores.values())


def _reduced(part: Part, sure: list[Part]) -> Part | None:
    """A part without an answer as it is worth mentioning, or None."""
    answered = {known.decision.entry_id for known in sure}
    left = tuple(one for one in part.decision.candidates if one.entry_id not in answered)
    if part.decision.outcome is Outcome.CLARIFY:
        return Part(part.text, replace(part.decision, candidates=left)) if left else None
    return part if len(subjects(_words(part.text))) >= UNKNOWN_SUBJECTS else None
