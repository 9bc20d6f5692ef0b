"""What an import does to a base, entry by entry, before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from faq.base import KnowledgeBase
from faq.entry import Category, FaqEntry
from faq.transfer.drafts import fold
from faq.transfer.incoming import Incoming
from faq.transfer.slugs import is_id, slug, unused_slug

_LISTS = ("aliases", "keywords")
_FILLED = ("category", "buttons", "attachments", "connections", "valid_from", "valid_to")


class Mode(StrEnum):
    """What happens to an entry that is in the base already."""

    ADD = "add"
    """Nothing: it is listed."""
    MERGE = "merge"
    """What it lacks is added; what it has stays."""
    REPLACE = "replace"
    """What the file says of an entry with the same id takes the place of what the base says."""


class Verdict(StrEnum):
    """What becomes of an entry of the file."""

    ADDED = "added"
    CHANGED = "changed"
    SAME = "same"
    CONFLICT = "conflict"


class Conflict(StrEnum):
    """Why an entry of the file, or a part of it, is not taken."""

    ID = "id"
    """The base has another entry with this id."""
    QUESTION = "question"
    """The base has an entry with this question and another id."""
    BUTTON = "button"
    """A button leads to an entry that is nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry of the file: `entry` is what the base will hold (or holds), `incoming` what the file says.

    `differs` are the fields in which the file was not followed, `changed` those that the base takes from it.
    """

    verdict: Verdict
    entry: FaqEntry
    incoming: FaqEntry
    conflict: Conflict | None = None
    existing: FaqEntry | None = None
    differs: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that an import does. Categories and synonyms are those that the base does not have yet."""

    steps: tuple[Step, ...]
    categories: tuple[Category, ...] = ()
    synonyms: tuple[tuple[str, ...], ...] = ()

    def of(self, verdict: Verdict) -> tuple[Step, ...]:
        """The steps with a verdict."""
        return tuple(step for step in self.steps if step.verdict is verdict)

    @property
    def writes(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.of(Verdict.ADDED) or self.of(Verdict.CHANGED) or self.synonyms)

    @property
    def conflicts(self) -> tuple[Step, ...]:
        """The steps in which the file was not followed."""
        return tuple(step for step in self.steps if step.differs or step.verdict is Verdict.CONFLICT)


def plan(
    incoming: Incoming, base: KnowledgeBase | None, *, mode: Mode = Mode.ADD, category: str | None = None
) -> Plan:
    """Compare a file with a base (`None` for a new one). Pure.

    An entry whose id was made from its question takes the id under which the base has that question.
    `category` (an id or a title) is that of entries that name none.
    """
    return _Planner(incoming, base, mode).plan(category)


class _Planner:
    def __init__(self, incoming: Incoming, base: KnowledgeBase | None, mode: Mode) -> None:
        self.incoming = incoming
        self.mode = mode
        self.base = base
        existing = base.entries if base is not None else ()
        self.by_id = {entry.id: entry for entry in existing}
        self.by_question: dict[str, str] = {}
        for entry in existing:
            if folded := fold(entry.question):
                self.by_question.setdefault(folded, entry.id)
        known = base.categories if base is not None else ()
        self.shelves = _Shelves(known, incoming.categories, are_ids=incoming.is_ours)

    def plan(self, category: str | None) -> Plan:
        taken = {*self.by_id, *(entry.id for entry in self.incoming.entries)}
        steps = []
        for entry in self.incoming.entries:
            shelf = self.shelves.find(entry.category or category)
            steps.append(self._step(replace(entry, category=shelf), taken))
        steps = self._without_loose_buttons(steps)
        used = {step.entry.category for step in steps if step.verdict in {Verdict.ADDED, Verdict.CHANGED}}
        known = set(self.base.synonyms) if self.base is not None else set()
        return Plan(
            steps=tuple(steps),
            categories=tuple(one for one in self.shelves.new() if one.id in used),
            synonyms=tuple(group for group in self.incoming.synonyms if group not in known),
        )

    def _step(self, entry: FaqEntry, taken: set[str]) -> Step:
        same_id = self.by_id.get(entry.id)
        asked = self.by_question.get(fold(entry.question))
        same_question = self.by_id[asked] if asked is not None else None
        if entry.id in self.incoming.made and same_question is not None:
            entry = replace(entry, id=same_question.id)
            same_id = same_question
        elif entry.id in self.incoming.made and same_id is not None:
            entry = replace(entry, id=unused_slug(entry.question, taken))
            taken.add(entry.id)
            same_id = None
        if same_id is not None:
            return self._meet(entry, same_id, Conflict.ID)
        if same_question is not None:
            if self.mode is Mode.MERGE:
                return self._meet(entry, same_question, Conflict.QUESTION)
            return self._refuse(entry, same_question, Conflict.QUESTION, ("id",))
        return Step(verdict=Verdict.ADDED, entry=entry, incoming=entry)

    def _meet(self, entry: FaqEntry, existing: FaqEntry, conflict: Conflict) -> Step:
        """The base has this entry already."""
        merged, differs = self._merged(existing, entry)
        if merged == existing and not differs:
            return Step(verdict=Verdict.SAME, entry=existing, incoming=entry, existing=existing)
        if self.mode is Mode.ADD:
            names = (*differs, *_changed(existing, merged))
            return self._refuse(entry, existing, conflict, tuple(dict.fromkeys(names)))
        if self.mode is Mode.REPLACE:
            said = {name: getattr(entry, name) for name in self.incoming.fields - {"id"}}
            said.setdefault("aliases", _joined(existing.aliases, entry.aliases, entry.question))
            merged, differs = replace(existing, **said), ()
        if merged == existing:
            return self._refuse(entry, existing, conflict, differs)
        # A later entry of the file may mean the same one.
        self.by_id[existing.id] = merged
        return Step(
            verdict=Verdict.CHANGED,
            entry=merged,
            incoming=entry,
            existing=existing,
            conflict=conflict if differs else None,
            differs=differs,
            changed=_changed(existing, merged),
        )

    @staticmethod
    def _refuse(entry: FaqEntry, existing: FaqEntry, conflict: Conflict, differs: tuple[str, ...]) -> Step:
        return Step(
            verdict=Verdict.CONFLICT, entry=existing, incoming=entry, conflict=conflict, existing=existing,
            differs=differs,
        )  # fmt: skip

    def _merged(self, existing: FaqEntry, entry: FaqEntry) -> tuple[FaqEntry, tuple[str, ...]]:
        """The entry of the base with what it lacks, and the fields in which the two contradict each other."""
        said = self.incoming.fields
        more: dict[str, Any] = {}
        differs = []
        phrases = [*entry.aliases, *([entry.question] if "question" in said else [])]
        more["aliases"] = _joined(existing.aliases, phrases, existing.question)
        more["keywords"] = _joined(existing.keywords, entry.keywords)
        for name in _FILLED:
            old, new = getattr(existing, name), getattr(entry, name)
            if new and not old:
                more[name] = new
            elif new and name in said and old != new:
                differs.append(name)
        if entry.answer and not existing.answer:
            more["answer"] = entry.answer
        elif entry.answer and entry.answer != existing.answer:
            differs.append("answer")
        more["answers"] = {**entry.answers, **existing.answers}
        if any(existing.answers.get(key, text) != text for key, text in entry.answers.items()):
            differs.append("answers")
        if "status" in said and entry.status is not existing.status:
            differs.append("status")
        return replace(existing, **more), tuple(differs)

    def _without_loose_buttons(self, steps: Sequence[Step]) -> list[Step]:
        """Refuse entries whose buttons lead nowhere, and so on with those that lead to them."""
        found = list(steps)
        while True:
            ids = {*self.by_id, *(step.entry.id for step in found if step.verdict is Verdict.ADDED)}
            loose = [
                number
                for number, step in enumerate(found)
                if step.verdict in {Verdict.ADDED, Verdict.CHANGED}
                and any(one.faq is not None and one.faq not in ids for one in step.entry.buttons)
            ]
            if not loose:
                return found
            for number in loose:
                step = found[number]
                found[number] = replace(
                    step, verdict=Verdict.CONFLICT, conflict=Conflict.BUTTON, differs=("buttons",), changed=()
                )


class _Shelves:
    """Categories by id and by title: those of the base, those of the file, and new ones for names of neither."""

    def __init__(self, known: Sequence[Category], more: Sequence[Category], *, are_ids: bool) -> None:
        self._are_ids = are_ids
        self._known = {category.id: category for category in known}
        self._new: dict[str, Category] = {}
        self._by_title: dict[str, str] = {}
        self._declared = {category.id: category for category in more}
        for category in known:
            for title in (category.title, *category.titles.values()):
                self._by_title.setdefault(_folded(title), category.id)

    def find(self, name: str | None) -> str | None:
        """The id of a category by its id or its title; a category that is not there is made."""
        name = (name or "").strip()
        if not name:
            return None
        if name in self._known or name in self._new:
            return name
        if name in self._declared:
            self._new[name] = self._declared[name]
            return name
        if (found := self._by_title.get(_folded(name))) is not None:
            return found
        identity = (
            name if self._are_ids or (is_id(name) and name.isascii()) else slug(name, fallback="category")
        )
        if identity in self._known or identity in self._new:
            identity = unused_slug(name, {*self._known, *self._new})
        self._new[identity] = Category(id=identity, title=name)
        self._by_title[_folded(name)] = identity
        return identity

    def new(self) -> Sequence[Category]:
        """The categories that the base does not have."""
        return tuple(self._new.values())


def _folded(title: str) -> str:
    return fold(title) or title


def _joined(old: Sequence[str], new: Sequence[str], *others: str) -> tuple[str, ...]:
    """The old texts and those of the new ones that are not among them."""
    seen = {fold(text) or text for text in (*old, *others)}
    found = list(old)
    for text in new:
        if (folded := fold(text) or text) not in seen:
            seen.add(folded)
            found.append(text)
    return tuple(found)


def _changed(old: FaqEntry, new: FaqEntry) -> tuple[str, ...]:
    names = [one.name for one in fields(FaqEntry) if one.compare]
    return tuple(name for name in names if getattr(old, name) != getattr(new, name))
