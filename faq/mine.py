"""What people ask and the base does not answer: gathered into clusters, each with a proposal. Pure.

mined = mine([Asked(text="есть самовывоз?", person="telegram:1")], manager)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from faq.manager import FaqManager
from faq.mining.asked import Asked, Noise
from faq.mining.clusters import gather
from faq.mining.forms import Form, read_questions
from faq.mining.proposal import MoreAliases, NewEntry, Proposal, Proposer, core_words
from faq.normalize import Normalizer

__all__ = ["Asked", "Cluster", "Mined", "MoreAliases", "NewEntry", "Noise", "Proposal", "mine"]

EXAMPLES = 5
WORDS = 5
WORD_SHARE = 0.3
"""A word that so many of those who asked used is a common word of the cluster."""
MAX_EXAMPLE = 160

_READ, _GATHERED = 0.35, 0.85
"""How much of the work is done after each step, roughly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Questions that ask the same. Texts are masked: see `faq.mining.personal`.

    `times` counts every question, `people` each person once; the times are the first and the last (ms since
    1970), None if no question has one. `examples` are other questions than the `title`, all different.
    """

    title: str
    times: int
    people: int
    first_at: int | None
    last_at: int | None
    examples: tuple[str, ...]
    words: tuple[str, ...]
    proposal: Proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """The clusters, those that most people asked about first, and where the other questions went.

    All but `people` and `more` count questions: `noise` by kind, `rare` those of clusters with too few people,
    `answered` those that the base answers by now. `more` clusters were left out by the limit, unseen.
    """

    clusters: tuple[Cluster, ...]
    questions: int
    people: int
    noise: Mapping[Noise, int]
    rare: int
    answered: int
    more: int


def mine(
    questions: Iterable[Asked],
    manager: FaqManager,
    *,
    taken: Collection[str] = (),
    min_people: int = 2,
    limit: int | None = None,
    examples: int = EXAMPLES,
    watch: Callable[[float], object] | None = None,
) -> Mined:
    """Gather questions into clusters of at least `min_people` people, at most `limit` of them.

    `taken` are ids that proposals must not use besides those of the live entries; `watch` is told now and then
    how much is done (0…1). The same questions give the same clusters in any order. Never raises, whatever the
    texts.
    """
    normalizer = Normalizer()
    known = [text for entry in manager.entries for text in (*entry.phrasings, *entry.keywords)]
    read = read_questions(questions, normalizer, known)
    _tell(watch, _READ)
    gathered = gather(
        read.forms, lambda done, of: _tell(watch, _READ + (_GATHERED - _READ) * done / max(of, 1))
    )
    groups = [[read.forms[place] for place in members] for members in gathered]
    big = sorted((group for group in groups if _people(group) >= min_people), key=_order)
    proposer = Proposer(manager, normalizer, taken)
    clusters: list[Cluster] = []
    seen = answered = 0
    for group in big:
        if limit is not None and len(clusters) >= limit:
            break
        seen += 1
        if proposer.is_answered(group):
            answered += _times(group)
        else:
            clusters.append(_cluster(group, proposer, examples))
        _tell(watch, _GATHERED + (1 - _GATHERED) * max(seen / len(big), len(clusters) / (limit or len(big))))
    return Mined(
        clusters=tuple(clusters),
        questions=read.times,
        people=read.people,
        noise=read.noise,
        rare=sum(_times(group) for group in groups if _people(group) < min_people),
        answered=answered,
        more=len(big) - seen,
    )


def _cluster(forms: Sequence[Form], proposer: Proposer, examples: int) -> Cluster:
    variants = [variant for form in forms for variant in form.variants]
    starts = [variant.first_at for variant in variants if variant.first_at is not None]
    ends = [variant.last_at for variant in variants if variant.last_at is not None]
    title = proposer.question(forms)
    return Cluster(
        title=title,
        times=_times(forms),
        people=_people(forms),
        first_at=min(starts, default=None),
        last_at=max(ends, default=None),
        examples=tuple(_examples(forms, examples)),
        words=tuple(core_words(forms, WORD_SHARE).values())[:WORDS],
        proposal=proposer.propose(forms),
    )


def _examples(forms: Sequence[Form], count: int) -> Iterable[str]:
    """One of each form, the most asked first, then other spellings."""
    ordered = sorted(forms, key=lambda form: -len(form.people))
    texts = [form.text for form in ordered]
    texts += [variant.best for form in ordered for variant in form.variants[1:]]
    shown = (text if len(text) <= MAX_EXAMPLE else f"{text[: MAX_EXAMPLE - 1].rstrip()}…" for text in texts)
    return list(dict.fromkeys(shown))[: max(count, 0)]


def _people(forms: Sequence[Form]) -> int:
    return len(frozenset[str]().union(*(form.people for form in forms)))


def _times(forms: Sequence[Form]) -> int:
    return sum(form.times for form in forms)


def _order(forms: Sequence[Form]) -> tuple[int, int, tuple[str, ...]]:
    return -_people(forms), -_times(forms), forms[0].stems


def _tell(watch: Callable[[float], object] | None, share: float) -> None:
    if watch is not None:
        watch(min(share, 1.0))
