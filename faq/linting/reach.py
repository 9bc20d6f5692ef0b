"""Which entries people get to: buttons that lead nowhere, entries that never answer their own questions. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from faq.contract import Decision
from faq.entry import FaqEntry
from faq.linting.contents import is_findable
from faq.linting.finding import Code, Facts, Finding, finding
from faq.normalize import Normalizer


def broken_links(
    entry: FaqEntry, known: Mapping[str, FaqEntry], alive: Collection[str], today: date | None
) -> Iterator[Finding]:
    """Buttons to entries that do not exist or do not answer. Loops are no fault: people go back and forth."""
    for button in entry.buttons:
        if button.faq is None or button.faq in alive:
            continue
        target = known.get(button.faq)
        what = "does not exist" if target is None else _why_not(target, today)
        message = f"the button «{button.text}» leads to `{button.faq}`, which {what}"
        hint = "lead it to a live entry or remove it"
        facts: Facts = {"text": button.text, "other": button.faq}
        yield finding(Code.BROKEN_LINK, entry, "buttons", message, hint, error=target is None, facts=facts)


def _why_not(target: FaqEntry, today: date | None) -> str:
    if today is not None and target.valid_from is not None and target.valid_from > today:
        return f"is not live before {target.valid_from}"
    if today is not None and target.valid_to is not None and target.valid_to < today:
        return f"is not live since {target.valid_to}"
    return f"is not live: it is {target.status}"


@dataclass(frozen=True, slots=True)
class _Heard:
    """What became of an entry's own phrasings: it came first, it was offered, or `taker` came before it."""

    first: bool = False
    offered: bool = False
    taker: str = ""


def unheard(
    live: Sequence[FaqEntry],
    decide: Callable[[str], Decision],
    normalizer: Normalizer,
    watch: Callable[[int], object],
) -> Iterator[Finding]:
    """Entries that come first for none of their own phrasings, and those that nobody who writes can get to.

    A person gets to an entry that is answered with or offered, and from there wherever its buttons lead. `watch` is
    told how many entries are done.
    """
    heard: dict[str, _Heard] = {}
    for number, entry in enumerate(live):
        if is_findable(entry, normalizer):
            heard[entry.id] = _hear(entry, decide)
        watch(number + 1)
    reached = _reached(live, [name for name, found in heard.items() if found.first or found.offered])
    for entry in live:
        found = heard.get(entry.id)
        if found is None or found.first:
            continue
        before = f": `{found.taker}` comes first" if found.taker else ""
        facts: Facts = {"other": found.taker} if found.taker else {}
        if entry.id in reached:
            message = f"the entry is never the first for its own phrasings{before}"
            hint = "word it so that it differs from the other"
            yield finding(Code.NEVER_FIRST, entry, "question", message, hint, facts=facts)
        else:
            message = f"nobody who writes gets to this entry, by words or by a button{before}"
            hint = "word it so that it differs, or lead a button to it"
            yield finding(Code.UNREACHABLE, entry, "question", message, hint, error=True, facts=facts)


def _hear(entry: FaqEntry, decide: Callable[[str], Decision]) -> _Heard:
    offered, taker = False, ""
    for text in dict.fromkeys((*entry.phrasings, *entry.keywords)):
        found = [candidate.entry_id for candidate in decide(text).candidates]
        if found and found[0] == entry.id:
            return _Heard(first=True)
        offered = offered or entry.id in found
        taker = taker or next(iter(found), "")
    return _Heard(offered=offered, taker=taker)


def _reached(live: Sequence[FaqEntry], first: Sequence[str]) -> set[str]:
    leads = {entry.id: [button.faq for button in entry.buttons if button.faq] for entry in live}
    reached, waiting = set(first), list(first)
    while waiting:
        for name in leads.get(waiting.pop(), ()):
            if name not in reached:
                reached.add(name)
                waiting.append(name)
    return reached
