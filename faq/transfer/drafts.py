"""Drafts of entries: which of them belong together, and their ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from faq.normalize import Normalizer
from faq.transfer.notes import NoteCode
from faq.transfer.slugs import is_id, unused_slug

SAME_ANSWER = 40
"""Rows without ids are one entry if their answers are equal and so many characters long: `Yes.` answers many."""


@dataclass(slots=True)
class Draft:
    """An entry on its way: what a row says, before the knowledge format has looked at it."""

    row: int
    id: str
    question: str
    answer: str
    aliases: list[str] = field(default_factory=list)
    keywords: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    category: str = ""
    more: dict[str, Any] = field(default_factory=dict)
    made: bool = False
    """The id was made from the question."""

    def data(self) -> dict[str, Any]:
        """The draft in the shape of the knowledge format. Its category is a name still and not in it."""
        found: dict[str, Any] = {"id": self.id, "question": self.question}
        for name in ("aliases", "keywords", "answer", "answers"):
            if value := getattr(self, name):
                found[name] = value
        return found | self.more


class NoteTaker(Protocol):
    """Keeps what is said of a row."""

    def __call__(self, code: NoteCode, row: int, /, **values: str) -> None:
        """Note a code with the values of its sentence."""


def join_drafts(drafts: Sequence[Draft], note: NoteTaker) -> list[Draft]:
    """Make one of the rows that are one entry, and leave out the ones that contradict an earlier one.

    One entry are rows of the same id whose answers are equal (or missing but in the first), and rows without
    ids that give the same long answer or repeat a question with its answer.
    """
    kept = _Kept()
    for draft in drafts:
        same, asked = kept.same(draft), kept.asked(draft)
        code: NoteCode | None = None
        if same is not None:
            agrees = draft.answer in {same.answer, ""} and draft.answers.items() <= same.answers.items()
            code = NoteCode.JOINED if agrees else NoteCode.SAME_ID
            if agrees:
                _absorb(same, draft)
        elif not draft.question:
            code = NoteCode.NO_QUESTION
        elif not draft.answer and not draft.answers:
            code = NoteCode.NO_ANSWER
        elif asked is not None and not draft.id:
            same, code = asked, NoteCode.SAME_QUESTION
        if code is None:
            kept.add(draft)
        else:
            note(code, draft.row, id=draft.id[:80], other=str(same.row) if same is not None else "")
    return kept.drafts


class _Kept:
    """The drafts so far, by what makes two rows one entry."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self._by_id: dict[str, Draft] = {}
        self._by_answer: dict[tuple[str, str], Draft] = {}
        self._by_question: dict[str, Draft] = {}

    def asked(self, draft: Draft) -> Draft | None:
        return self._by_question.get(fold(draft.question))

    def same(self, draft: Draft) -> Draft | None:
        if draft.id:
            return self._by_id.get(draft.id)
        asked = self.asked(draft)
        if asked is not None and asked.answer == draft.answer:
            return asked
        return self._by_answer.get((draft.answer, draft.category))

    def add(self, draft: Draft) -> None:
        self.drafts.append(draft)
        if draft.id:
            self._by_id[draft.id] = draft
        elif len(draft.answer) >= SAME_ANSWER:
            self._by_answer[draft.answer, draft.category] = draft
        if folded := fold(draft.question):
            self._by_question.setdefault(folded, draft)


def name_drafts(drafts: Sequence[Draft], note: NoteTaker) -> None:
    """Give an id to those that have none, or none that the knowledge format takes."""
    used = {draft.id for draft in drafts if is_id(draft.id)}
    for draft in drafts:
        if is_id(draft.id):
            continue
        new = unused_slug(draft.question, used)
        if draft.id:
            note(NoteCode.NEW_ID, draft.row, id=draft.id[:80], new=new)
        draft.id, draft.made = new, True
        used.add(new)


_normalizer = Normalizer()


def fold(question: str) -> str:
    """A question without case and punctuation: equal for two spellings of the same."""
    return _normalizer.fold(question)


def _absorb(draft: Draft, other: Draft) -> None:
    phrases = [*draft.aliases, other.question, *other.aliases]
    draft.aliases = different([phrase for phrase in phrases if phrase], draft.question)
    draft.keywords = different([*draft.keywords, *other.keywords])
    draft.category = draft.category or other.category
    draft.more = other.more | draft.more


def different(texts: Iterable[str], *others: str) -> list[str]:
    """The texts that say something new, each once."""
    seen = set(map(fold, others))
    found = []
    for text in texts:
        folded = fold(text) or text
        if folded not in seen:
            seen.add(folded)
            found.append(text)
    return found
