"""Phrasings that two entries share, in the same words, in other forms and order, or mistyped. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from faq.linting.finding import Code, Facts, Finding, finding
from faq.linting.likeness import Likeness
from faq.linting.phrasings import Phrasing

NEAR = 0.85
"""A phrasing that is so near to another entry's is nearly that entry's own."""


def doubles(phrasings: Sequence[Phrasing], likeness: Likeness) -> Iterator[Finding]:
    """Phrasings of two entries at once, and those that are nearly so."""
    owners: dict[str, dict[int, Phrasing]] = defaultdict(dict)
    bags: dict[tuple[str, ...], dict[int, Phrasing]] = defaultdict(dict)
    for phrasing in phrasings:
        owners[phrasing.plain].setdefault(phrasing.number, phrasing)
        bags[phrasing.bag].setdefault(phrasing.number, phrasing)
    for place, phrasing in enumerate(phrasings):
        same = owners[phrasing.plain]
        if len(same) > 1:
            yield from _duplicate(phrasing, next(iter(same.values())))
            continue
        twin = next((other for other in bags[phrasing.bag].values() if other.number != phrasing.number), None)
        if twin is not None:
            yield _in_other_order(phrasing, twin)
            continue
        nearest = likeness.nearest(place)
        if nearest is not None and nearest[1] >= NEAR:
            yield _near(phrasing, phrasings[nearest[0]], nearest[1])


def _duplicate(phrasing: Phrasing, owner: Phrasing) -> Iterator[Finding]:
    """The first entry in file order keeps it; the others are told."""
    if owner.number == phrasing.number:
        return
    text, other = phrasing.text, owner.entry.id
    message = f"«{text}» is also a phrasing of `{other}`"
    facts: Facts = {"text": text, "other": other, "closeness": 1.0}
    hint = "keep it in one of the two"
    yield finding(Code.DUPLICATE, phrasing.entry, phrasing.field, message, hint, error=True, facts=facts)


def _in_other_order(phrasing: Phrasing, twin: Phrasing) -> Finding:
    code = Code.QUESTION_OF_ANOTHER if phrasing.is_question else Code.ALIAS_OF_ANOTHER
    text, other = phrasing.text, twin.entry.id
    message = f"«{text}» resembles `{other}` as much as its own entry: «{twin.text}» has the same words"
    hint = "reworded, it would go to either; name in each what sets it apart"
    facts: Facts = {"text": text, "other": other, "phrase": twin.text, "closeness": 1.0}
    error = phrasing.is_question
    return finding(code, phrasing.entry, phrasing.field, message, hint, error=error, facts=facts)


def _near(phrasing: Phrasing, other: Phrasing, closeness: float) -> Finding:
    message = f"«{phrasing.text}» is nearly «{other.text}» of `{other.entry.id}` ({closeness:.0%} the same)"
    facts: Facts = {
        "text": phrasing.text,
        "other": other.entry.id,
        "phrase": other.text,
        "closeness": round(closeness, 4),
    }
    hint = "name in each what sets it apart"
    return finding(Code.NEAR_DUPLICATE, phrasing.entry, phrasing.field, message, hint, facts=facts)
