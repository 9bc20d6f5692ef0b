"""The judge: what was asked and what people saw, in; lost, doubled, out of order and how long it took, out. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Offer:
    """A question: who asked, for which code, and when, in seconds of the clock that answers are timed by too."""

    chat: str
    code: int
    at: float


@dataclass(frozen=True, slots=True)
class Answer:
    """A message of the bot as it reached somebody; `code` is None if it answers none of the questions."""

    chat: str
    code: int | None
    at: float


Questions = Mapping[tuple[str, int], int]
"""How many questions of a chat that asked for a code are meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One question that was answered: when the answer came, and how many seconds it took."""

    at: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of the questions.

    Unanswered ones are `uncertain` if the bot itself says that it cannot know, and `lost` otherwise. `doubled` counts
    the answers beyond the first, `out_of_order` the answers that came after one to a later question of their chat,
    `strange` the messages that answer nothing that was asked.
    """

    offered: int
    lost: int
    uncertain: int
    doubled: int
    out_of_order: int
    strange: int
    answered: Sequence[Answered]


def judge(
    offers: Sequence[Offer],
    answers: Iterable[Answer],
    *,
    uncertain: Questions | None = None,
    stored: Mapping[str, Sequence[int]] | None = None,
) -> Verdict:
    """Hold the answers, in the order in which they came, against the questions, in the order in which they were asked.

    `uncertain` are the questions whose answers the bot has marked as uncertain. Where the platform promises no order
    itself, `stored` has the codes of each chat in the order in which the bot got them, and that is the order to keep.
    """
    asked: dict[str, list[Offer]] = defaultdict(list)
    for offer in offers:
        asked[offer.chat].append(offer)
    seen: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        seen[answer.chat].append(answer)
    unsure = Counter(uncertain or {})
    verdicts = []
    for chat, questions in asked.items():
        codes = None if stored is None else stored.get(chat, ())
        verdicts.append(_of_one_chat(questions, seen.pop(chat, []), unsure, codes))
    return Verdict(
        offered=len(offers),
        lost=sum(one.lost for one in verdicts),
        uncertain=sum(one.uncertain for one in verdicts),
        doubled=sum(one.doubled for one in verdicts),
        out_of_order=sum(one.out_of_order for one in verdicts),
        strange=sum(one.strange for one in verdicts) + sum(map(len, seen.values())),
        answered=[answer for one in verdicts for answer in one.answered],
    )


def _of_one_chat(
    questions: Sequence[Offer],
    answers: Sequence[Answer],
    unsure: Counter[tuple[str, int]],
    stored: Sequence[int] | None,
) -> Verdict:
    """The verdict on one chat; what it finds uncertain is taken out of `unsure`."""
    codes = [one.code for one in questions]
    first: dict[int, Answer] = {}
    strange = doubled = 0
    for place, answer in zip(align(codes, [one.code for one in answers]), answers, strict=True):
        if place is None:
            strange += 1
        elif place in first:
            doubled += 1
        else:
            first[place] = answer
    missing = Counter((one.chat, one.code) for place, one in enumerate(questions) if place not in first)
    excused = missing & unsure
    unsure -= excused
    return Verdict(
        offered=len(questions),
        lost=missing.total() - excused.total(),
        uncertain=excused.total(),
        doubled=doubled,
        out_of_order=_late(list(first), None if stored is None else align(codes, stored)),
        strange=strange,
        answered=[
            Answered(at=answer.at, seconds=answer.at - questions[place].at) for place, answer in first.items()
        ],
    )


def align(asked: Sequence[int], seen: Sequence[int | None]) -> list[int | None]:
    """For each code seen, the place of its question among those asked; None if nobody asked for it.

    A code may have been asked for several times. The one that is meant is the nearest to where the talk stands: the
    place after the last one found. So it is exact while fewer than half as many answers are missing in a row as there
    are questions between two of the same code.
    """
    places: dict[int, list[int]] = defaultdict(list)
    for place, code in enumerate(asked):
        places[code].append(place)
    found: list[int | None] = []
    stands = 0
    for wanted in seen:
        known = None if wanted is None else places.get(wanted)
        if known is None:
            found.append(None)
            continue
        near = bisect_left(known, stands)
        place = min(known[max(0, near - 1) : near + 1], key=lambda one: abs(one - stands))
        found.append(place)
        stands = place + 1
    return found


def _late(came: Sequence[int], order: Sequence[int | None] | None) -> int:
    """How many of these questions were answered after a later one; they are in the order of their answers."""
    rank: dict[int, int] = {}
    if order is not None:
        for turn, place in enumerate(order):
            if place is not None:
                rank.setdefault(place, turn)
    latest, late = -1, 0
    for number in came:
        own = rank.get(number, number)
        if own < latest:
            late += 1
        latest = max(latest, own)
    return late
