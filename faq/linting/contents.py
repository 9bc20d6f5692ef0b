"""What is wrong with an entry by itself: its answers, its words, its category, its days. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date

from faq.base import KnowledgeBase
from faq.entry import FaqEntry, Status
from faq.linting.finding import Code, Facts, Finding, at, finding
from faq.normalize import Normalizer, has_subject

COMMON_KEYWORD = 0.5
"""A keyword that so many of the entries have tells none of them apart."""
FEW = 4
"""In a base of fewer entries nothing is common."""


def contents(entry: FaqEntry, normalizer: Normalizer) -> Iterator[Finding]:
    """Answers and phrasings without words, and answers that not everybody gets."""
    for field, text in answers_of(entry).items():
        has_text = any(letter.isalnum() for letter in text)
        if not has_text and (text or not entry.answers):
            message, hint = "the answer has no words", "write what the customer should read"
            yield finding(Code.EMPTY_ANSWER, entry, field, message, hint, error=True)
    if not entry.answer and entry.answers:
        message = "there is no default answer for other channels and languages"
        yield finding(Code.NO_DEFAULT_ANSWER, entry, "answer", message, "add `answer:`")
    for field in ("aliases", "keywords"):
        for text in getattr(entry, field):
            if not any(letter.isalnum() for letter in text):
                message, hint = f"«{text}» has no words", "remove it or write a word"
                yield finding(Code.WORDLESS, entry, field, message, hint, facts={"text": text})
    if not is_findable(entry, normalizer):
        message, hint = "no message can find this entry", "word the question, or add aliases"
        yield finding(Code.UNFINDABLE, entry, "question", message, hint, error=True)


def answers_of(entry: FaqEntry) -> dict[str, str]:
    """The answers of an entry by the name of the field."""
    return {"answer": entry.answer, **{f"answers.{key}": text for key, text in entry.answers.items()}}


def is_findable(entry: FaqEntry, normalizer: Normalizer) -> bool:
    """Whether any phrasing or keyword has a word that can be looked for."""
    return any(has_subject(normalizer.fold(text).split()) for text in (*entry.phrasings, *entry.keywords))


def ended(entry: FaqEntry, today: date | None) -> Iterator[Finding]:
    """An entry that will never answer again; without `today` only what can be said on any day."""
    first, last = entry.valid_from, entry.valid_to
    if entry.status is Status.RETIRED:
        field, message = "status", "the entry is retired"
    elif first is not None and last is not None and last < first:
        field, message = "valid_to", f"the entry ends on {last}, before it begins on {first}"
    elif today is not None and last is not None and last < today:
        field, message = "valid_to", f"the entry ended on {last}"
    else:
        return
    yield finding(Code.ENDED, entry, field, message, "remove it, or bring it up to date")


def common_keywords(live: Sequence[FaqEntry], normalizer: Normalizer) -> Iterator[Finding]:
    """A keyword that half of the entries have."""
    if len(live) < FEW:
        return
    owners: dict[str, dict[str, FaqEntry]] = defaultdict(dict)
    written: dict[str, str] = {}
    for entry in live:
        for keyword in entry.keywords:
            key = normalizer.fold(keyword)
            owners[key][entry.id] = entry
            written.setdefault(key, keyword)
    for key, entries in owners.items():
        if key and len(entries) >= len(live) * COMMON_KEYWORD:
            message = f"the keyword «{written[key]}» belongs to {len(entries)} of {len(live)} entries"
            hint = "a keyword should tell entries apart; make it a category"
            facts: Facts = {"text": written[key], "owners": len(entries), "entries": len(live)}
            yield finding(
                Code.COMMON_KEYWORD, next(iter(entries.values())), "keywords", message, hint, facts=facts
            )


def categories(base: KnowledgeBase) -> Iterator[Finding]:
    """Categories that are not declared, or not used."""
    declared = {category.id for category in base.categories}
    used = {entry.category for entry in base.entries}
    for entry in base.entries:
        if entry.category is not None and entry.category not in declared:
            message = f"the category `{entry.category}` is not declared"
            hint = "declare it under `categories:`"
            facts: Facts = {"category": entry.category}
            yield finding(Code.UNDECLARED_CATEGORY, entry, "category", message, hint, error=True, facts=facts)
    for category in base.categories:
        if category.id not in used:
            message, hint = "no entry belongs to this category", "remove it or give it an entry"
            yield at(Code.UNUSED_CATEGORY, category.id, category.origin, "categories", message, hint)
