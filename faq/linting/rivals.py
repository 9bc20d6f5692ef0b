"""Entries that take each other's questions: a phrasing is asked of a base that lacks it, and whoever answers is noted.

A base for each phrasing would cost too much. One round leaves out a phrasing of as many entries as it can without
leaving out what may take another, so few rounds serve all; a round over a small part of the base is filled up, because
the rarity of words counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from faq.contract import Outcome
from faq.entry import FaqEntry
from faq.linting.finding import Code, Facts, Finding, finding
from faq.linting.likeness import Likeness
from faq.linting.phrasings import Phrasing
from faq.manager import FaqManager
from faq.normalize import Normalizer, has_subject

EVERYTHING = 600
"""In a base of so many phrasings all of them are asked; of a larger one those that resemble another entry."""
RESEMBLES = 0.4
"""The least closeness to another entry of a phrasing that is asked."""
AHEAD = 0.15
"""A phrasing that is so much closer to its own entry's others is not asked: it will not get lost."""
MOST = 6
"""So many phrasings of an entry are asked in a large base, those that are nearest to others."""
OWN = 24
"""So many of the entry's own phrasings are looked at for that."""
FILLED = 60
"""A round has at least so many entries, if the base has them."""
WHOLE = 0.5
"""A round that needs so much of the base is asked of the whole base."""

Ask = Callable[[Sequence[FaqEntry]], FaqManager]
"""Makes a manager over some of the live entries."""


@dataclass(frozen=True, slots=True)
class _Suspect:
    """A phrasing that may get lost (by its place), and the places of those that may take it."""

    place: int
    phrasing: Phrasing
    rivals: frozenset[int]


@dataclass(slots=True)
class _Round:
    """Suspects that are left out of one base at once, one of an entry; what may take them stays in."""

    left_out: dict[int, _Suspect] = field(default_factory=dict)
    places: set[int] = field(default_factory=set)
    rivals: set[int] = field(default_factory=set)

    def takes(self, suspect: _Suspect) -> bool:
        number = suspect.phrasing.number
        if number in self.left_out or suspect.place in self.rivals:
            return False
        if not self.places.isdisjoint(suspect.rivals):
            return False
        self.left_out[number] = suspect
        self.places.add(suspect.place)
        self.rivals |= suspect.rivals
        return True


@dataclass(frozen=True, slots=True)
class _Theft:
    """A phrasing that another entry answers if it is not written down, with the scores of both."""

    place: int
    phrasing: Phrasing
    taker: str
    score: float
    own: float


def rivals(
    live: Sequence[FaqEntry],
    phrasings: Sequence[Phrasing],
    likeness: Likeness,
    ask: Ask,
    *,
    told: Collection[tuple[str, str]],
    watch: Callable[[float], object],
) -> Iterator[Finding]:
    """Phrasings that another entry answers better than the rest of their own, and pairs that do so to each other.

    `told` are phrasings (entry id, text) with a finding already. `watch` is told the share that is done.
    """
    suspects = list(_suspects(phrasings, likeness, told, watch=lambda share: watch(share / 4)))
    rounds = _rounds(suspects)
    thefts: list[_Theft] = []
    asked = 0
    for one in rounds:
        manager = ask(_entries(one, live, phrasings))
        for suspect in one.left_out.values():
            theft = _asked(suspect, manager)
            if theft is not None:
                thefts.append(theft)
            asked += 1
            watch(0.25 + 0.75 * asked / len(suspects))
    thefts.sort(key=lambda theft: theft.place)
    for theft in thefts:
        yield _stolen(theft)
    yield from _mutual(thefts, live)


# -- who is asked -----------------------------------------------------------------------------------------


def _suspects(
    phrasings: Sequence[Phrasing],
    likeness: Likeness,
    told: Collection[tuple[str, str]],
    watch: Callable[[float], object],
) -> Iterator[_Suspect]:
    by_entry: dict[int, list[int]] = defaultdict(list)
    owners: dict[str, set[int]] = defaultdict(set)
    for place, phrasing in enumerate(phrasings):
        by_entry[phrasing.number].append(place)
        owners[phrasing.plain].add(phrasing.number)
    everything = len(phrasings) <= EVERYTHING
    for done, places in enumerate(by_entry.values()):
        watch(done / len(by_entry))
        found: list[tuple[float, _Suspect]] = []
        for place in places:
            phrasing = phrasings[place]
            if (phrasing.entry.id, phrasing.text) in told or len(owners[phrasing.plain]) > 1:
                continue
            rival, near = likeness.nearest(place) or (None, 0.0)
            ahead = 0.0 if everything else _own(place, places, likeness) - near
            if everything or (near >= RESEMBLES and ahead < AHEAD):
                found.append(
                    (ahead, _Suspect(place, phrasing, _kept(rival, phrasings, by_entry, whole=everything)))
                )
        found.sort(key=lambda one: one[0])
        yield from (suspect for _, suspect in (found if everything else found[:MOST]))


def _kept(
    rival: int | None, phrasings: Sequence[Phrasing], by_entry: Mapping[int, Sequence[int]], *, whole: bool
) -> frozenset[int]:
    """What has to stay in a base in which a phrasing is asked: its nearest rival, in a small base the whole entry."""
    if rival is None:
        return frozenset()
    return frozenset(by_entry[phrasings[rival].number] if whole else (rival,))


def _own(place: int, places: Sequence[int], likeness: Likeness) -> float:
    """How near the nearest of the entry's other phrasings is."""
    others = (other for other in places[:OWN] if other != place)
    return max((likeness.closeness(place, other) for other in others), default=0.0)


def _rounds(suspects: Sequence[_Suspect]) -> list[_Round]:
    rounds: list[_Round] = []
    for suspect in suspects:
        if not any(one.takes(suspect) for one in rounds):
            rounds.append(_Round())
            rounds[-1].takes(suspect)
    return rounds


def _entries(one: _Round, live: Sequence[FaqEntry], phrasings: Sequence[Phrasing]) -> list[FaqEntry]:
    """The entries of a round in file order, without the phrasings that are left out."""
    needed = one.left_out.keys() | {phrasings[place].number for place in one.rivals}
    if len(needed) >= WHOLE * len(live):
        needed = set(range(len(live)))
    elif len(needed) < FILLED:
        step = max(len(live) // FILLED, 1)
        needed |= set(range(0, len(live), step))
    entries = []
    for number in sorted(needed):
        suspect = one.left_out.get(number)
        entry: FaqEntry | None = live[number]
        if suspect is not None:
            entry = _without(live[number], suspect.phrasing.plain)
        if entry is not None:
            entries.append(entry)
    return entries


def _without(entry: FaqEntry, plain: str) -> FaqEntry | None:
    """An entry without a phrasing; None if nothing is left to find it by."""
    normalizer = Normalizer()

    def kept(text: str) -> bool:
        return normalizer.normalize(text).plain != plain

    left = [text for text in entry.phrasings if kept(text)]
    keywords = [text for text in entry.keywords if kept(text)]
    first = left or [text for text in keywords if has_subject(normalizer.fold(text).split())]
    if not first:
        return None
    return replace(entry, question=first[0], aliases=tuple(left[1:]), keywords=tuple(keywords))


# -- what came out ----------------------------------------------------------------------------------------


def _asked(suspect: _Suspect, manager: FaqManager) -> _Theft | None:
    phrasing = suspect.phrasing
    own, decision = phrasing.entry.id, manager.decide(phrasing.text)
    taker = decision.entry_id
    if decision.outcome is not Outcome.ANSWER or taker is None or taker == own:
        return None
    scores = {candidate.entry_id: candidate.score for candidate in manager.rank(phrasing.text, 5)}
    return _Theft(suspect.place, phrasing, taker, scores.get(taker, 0.0), scores.get(own, 0.0))


def _stolen(theft: _Theft) -> Finding:
    phrasing, taker, score, own = theft.phrasing, theft.taker, theft.score, theft.own
    code = Code.QUESTION_OF_ANOTHER if phrasing.is_question else Code.ALIAS_OF_ANOTHER
    facts: dict[str, str | float] = {
        "text": phrasing.text,
        "other": taker,
        "closeness": round(score, 4),
    }
    if len(phrasing.entry.phrasings) > 1:
        facts["own"] = round(own, 4)
        message = (
            f"«{phrasing.text}» is nearer to `{taker}` than to the rest of its own entry"
            f" ({score:.2f} against {own:.2f})"
        )
        hint = "add wordings like it to its own entry, or move it to the other"
    else:
        message = f"asked in other words, «{phrasing.text}» may go to `{taker}`: without it that answers ({score:.2f})"
        hint = "it is the only wording of its entry: add aliases"
    return finding(code, phrasing.entry, phrasing.field, message, hint, facts=facts)


def _mutual(thefts: Sequence[_Theft], live: Sequence[FaqEntry]) -> Iterator[Finding]:
    """Pairs of entries that take each other's phrasings; told once, at the first of the two."""
    counts = Counter((theft.phrasing.entry.id, theft.taker) for theft in thefts)
    entries = {entry.id: entry for entry in live}
    order = {entry.id: number for number, entry in enumerate(live)}
    for (loser, taker), lost in counts.items():
        won = counts[taker, loser]
        if won and order[loser] < order[taker]:
            message = (
                f"`{loser}` and `{taker}` take each other's questions:"
                f" {lost} of the first go to the second, {won} the other way"
            )
            hint = "name in each what sets it apart, or make one entry of the two"
            facts: Facts = {"other": taker, "lost": lost, "won": won}
            yield finding(Code.MUTUAL_THEFT, entries[loser], "aliases", message, hint, facts=facts)
