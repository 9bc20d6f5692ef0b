"""Findings about a base that can be read but will not serve people well."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from faq.base import KnowledgeBase
from faq.contract import Candidate, Via
from faq.entry import FaqEntry, Origin, Status
from faq.index import Index
from faq.match import CoverMatcher
from faq.normalize import Normalizer, has_subject

ANSWER_LIMIT = 4_096
NEAR = 0.85
"""A phrasing that scores so much with another entry is nearly that entry's own."""
COMMON_KEYWORD = 0.5
"""A keyword that so many of the entries have tells none of them apart."""
FEW = 4
"""In a base of fewer entries nothing is common."""


class Severity(StrEnum):
    """Whether a finding keeps a person from an answer or only may."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding: `code` is stable, `field` names what to change, `line` is 0 for entries made by hand."""

    code: str
    severity: Severity
    entry_id: str
    field: str
    message: str
    hint: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.file else ""
        return (
            f"{place}{self.code} {self.severity}: {self.entry_id}.{self.field}: {self.message} ({self.hint})"
        )


def lint(
    base: KnowledgeBase, *, answer_limit: int = ANSWER_LIMIT, today: date | None = None
) -> Sequence[Finding]:
    """Everything that looks wrong, in file order. Pure; without `today` dates are not judged.

    Phrasings are compared between live entries only.
    """
    live = [
        entry
        for entry in base.entries
        if (entry.is_live(today) if today is not None else entry.status is Status.LIVE)
    ]
    found = [*_categories(base), *_duplicates(live), *_stolen(base, live), *_common_keywords(live)]
    alive = {entry.id for entry in live}
    for entry in base.entries:
        found += _entry(entry, base, answer_limit, alive)
        found += _dead(entry, today)
    order = {entry.id: number for number, entry in enumerate(base.entries)}
    return tuple(sorted(found, key=lambda item: (order.get(item.entry_id, -1), item.code)))


def _finding(
    code: str, entry: FaqEntry, field: str, message: str, hint: str, *, error: bool = False
) -> Finding:
    return _at(code, entry.id, entry.origin, field, message, hint, error=error)


def _at(
    code: str, name: str, origin: Origin | None, field: str, message: str, hint: str, *, error: bool
) -> Finding:
    return Finding(
        code=code,
        severity=Severity.ERROR if error else Severity.WARNING,
        entry_id=name,
        field=field,
        message=message,
        hint=hint,
        file=origin.file if origin else "",
        line=origin.line if origin else 0,
    )


# -- between entries -------------------------------------------------------------------------------------


def _duplicates(live: Sequence[FaqEntry]) -> Iterator[Finding]:
    """FAQ001: the same phrasing in two entries; neither can ever be answered by it."""
    normalizer = Normalizer()
    owners: dict[str, FaqEntry] = {}
    for entry in live:
        for field, text in _phrasings(entry):
            plain = normalizer.normalize(text).plain
            owner = owners.setdefault(plain, entry)
            if plain and owner is not entry:
                message = f"«{text}» is also a phrasing of `{owner.id}`"
                yield _finding("FAQ001", entry, field, message, "keep it in one of the two", error=True)


def _stolen(base: KnowledgeBase, live: Sequence[FaqEntry]) -> Iterator[Finding]:
    """FAQ002, 003 and 004: phrasings that are nearly another entry's, or as much another's as their own."""
    normalizer = Normalizer()
    matcher = CoverMatcher(Index(live, normalizer, base.synonyms))
    for number, entry in enumerate(live):
        for field, text in _phrasings(entry):
            normal = normalizer.normalize(text)
            best = matcher.similar(normal, limit=3)
            own = next((item.score for item in best if item.entry_id == entry.id), 0.0)
            other = next((item for item in best if item.entry_id != entry.id), None)
            owners = {owner for owner, _ in matcher.index.exact.get(normal.plain, ())}
            if other is None or owners != {number}:
                continue
            yield from _rivalry(entry, field, text, own, other)


def _rivalry(entry: FaqEntry, field: str, text: str, own: float, other: Candidate) -> Iterator[Finding]:
    if other.score >= own:
        question = field == "question"
        scores = f"{other.score:.2f} against {own:.2f}"
        message = f"«{text}» resembles `{other.entry_id}` as much as its own entry ({scores})"
        hint = "reworded, it would go to either; name in each what sets it apart"
        yield _finding("FAQ003" if question else "FAQ004", entry, field, message, hint, error=question)
    elif other.score >= NEAR and other.evidence.via is not Via.KEYWORD:
        message = f"«{text}» is nearly «{other.evidence.phrase}» of `{other.entry_id}`"
        yield _finding("FAQ002", entry, field, message, "name in each what sets it apart")


def _common_keywords(live: Sequence[FaqEntry]) -> Iterator[Finding]:
    """FAQ013: a keyword that half of the entries have."""
    if len(live) < FEW:
        return
    normalizer = Normalizer()
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
            yield _finding("FAQ013", next(iter(entries.values())), "keywords", message, hint)


def _categories(base: KnowledgeBase) -> Iterator[Finding]:
    """FAQ005 and FAQ006: categories that are not declared, or not used."""
    declared = {category.id for category in base.categories}
    used = {entry.category for entry in base.entries}
    for entry in base.entries:
        if entry.category is not None and entry.category not in declared:
            message = f"the category `{entry.category}` is not declared"
            yield _finding("FAQ005", entry, "category", message, "declare it under `categories:`", error=True)
    for category in base.categories:
        if category.id not in used:
            message, hint = "no entry belongs to this category", "remove it or give it an entry"
            yield _at("FAQ006", category.id, category.origin, "categories", message, hint, error=False)


# -- single entries --------------------------------------------------------------------------------------


def _entry(entry: FaqEntry, base: KnowledgeBase, answer_limit: int, alive: set[str]) -> Iterator[Finding]:
    answers = {"answer": entry.answer, **{f"answers.{key}": text for key, text in entry.answers.items()}}
    for field, text in answers.items():
        if len(text) > answer_limit:
            message = f"the answer has {len(text)} characters, more than {answer_limit}"
            yield _finding(
                "FAQ007", entry, field, message, "shorten it; long texts are sent in several messages"
            )
        has_text = any(letter.isalnum() for letter in text)
        if not has_text and (text or not entry.answers):
            message, hint = "the answer has no words", "write what the customer should read"
            yield _finding("FAQ011", entry, field, message, hint, error=True)
    if not entry.answer and entry.answers:
        message = "there is no default answer for other channels and languages"
        yield _finding("FAQ014", entry, "answer", message, "add `answer:`")
    for field in ("aliases", "keywords"):
        for text in getattr(entry, field):
            if not any(letter.isalnum() for letter in text):
                yield _finding("FAQ008", entry, field, f"«{text}» has no words", "remove it or write a word")
    if not any(has_subject(Normalizer().fold(text).split()) for text in (*entry.phrasings, *entry.keywords)):
        message, hint = "no message can find this entry", "word the question, or add aliases"
        yield _finding("FAQ010", entry, "question", message, hint, error=True)
    yield from _buttons(entry, base, alive)


def _buttons(entry: FaqEntry, base: KnowledgeBase, alive: set[str]) -> Iterator[Finding]:
    """FAQ012: a button that leads nowhere."""
    known = {other.id for other in base.entries}
    for button in entry.buttons:
        if button.faq is not None and button.faq not in alive:
            what = "is not live" if button.faq in known else "does not exist"
            message = f"the button «{button.text}» leads to `{button.faq}`, which {what}"
            hint = "lead it to a live entry or remove it"
            yield _finding("FAQ012", entry, "buttons", message, hint, error=button.faq not in known)


def _dead(entry: FaqEntry, today: date | None) -> Iterator[Finding]:
    """FAQ009: an entry that will never answer again."""
    hint = "remove it, or bring it up to date"
    if entry.status is Status.RETIRED:
        yield _finding("FAQ009", entry, "status", "the entry is retired", hint)
    elif today is not None and entry.valid_to is not None and entry.valid_to < today:
        yield _finding("FAQ009", entry, "valid_to", f"the entry ended on {entry.valid_to}", hint)


def _phrasings(entry: FaqEntry) -> Iterator[tuple[str, str]]:
    yield "question", entry.question
    for alias in entry.aliases:
        yield "aliases", alias
