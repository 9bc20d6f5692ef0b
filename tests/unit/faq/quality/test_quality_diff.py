"""What an edit changes: questions won, lost, stolen, and foreign ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from faq import FaqEntry, KnowledgeBase
from faq.quality.diff import Kind, compare, difference, own_phrasings
from faq.quality.labelled import LabelledQuestion
from faq.quality.row import Row

A = [("a", 0.9)]
B = [("b", 0.9)]
UNSURE = [("a", 0.3)]


def asked(*texts: str) -> list[LabelledQuestion]:
    """Questions for `a`; those that begin with `foreign` are for nobody."""
    return [
        LabelledQuestion(text=text, ids=frozenset() if text.startswith("foreign") else frozenset({"a"}))
        for text in texts
    ]


def test_every_kind_of_change(scripted: Any) -> None:
    before = {
        "stolen": A,
        "silenced": A,
        "asked": A,
        "same": A,
        "still wrong": B,
        "foreign old": A,
        "won": UNSURE,
    }
    after = {"stolen": B, "asked": UNSURE, "same": A, "won": A, "still wrong": [], "foreign new": A}
    questions = asked(*(before | after))

    found = difference(scripted(before), scripted(after), questions)

    assert {
        "stolen": Kind.STOLEN,
        "silenced": Kind.SILENCED,
        "asked": Kind.ASKED_BACK,
        "won": Kind.WON,
        "foreign old": Kind.FOREIGN_QUIET,
        "foreign new": Kind.FOREIGN_ANSWERED,
    } == {change.question.text: change.kind for change in found.changes}
    assert ["stolen", "silenced", "asked"] == [change.question.text for change in found.lost]
    assert {"b": 1} == found.thieves
    assert (4, 2) == (found.before.correct.hits, found.after.correct.hits)
    assert "b" == found.of(Kind.STOLEN)[0].after.answer


def test_asking_back_on_a_foreign_question_is_no_answer(scripted: Any) -> None:
    found = difference(scripted({}), scripted({"foreign": UNSURE}), asked("foreign"))
    assert () == found.changes


def test_progress_counts_both_sides(scripted: Any) -> None:
    told: list[int] = []
    difference(scripted({}), scripted({}), asked("x", "y"), progress=told.append)
    assert [1, 2, 3, 4] == told


def test_runs_over_different_questions_are_not_compared() -> None:
    with pytest.raises(ValueError, match="different questions"):
        compare([], [Row(question=LabelledQuestion(text="x"))])


def test_own_phrasings_of_both_sides_each_once() -> None:
    before = KnowledgeBase(
        entries=(
            FaqEntry(id="a", question="Сколько стоит доставка?", aliases=("цена", "почём")),
            FaqEntry(id="gone", question="Старый вопрос"),
        )
    )
    after = KnowledgeBase(
        entries=(
            FaqEntry(id="a", question="Сколько  стоит ДОСТАВКА?", aliases=("почём",)),
            FaqEntry(id="b", question="Цены", aliases=("Цена",)),
        )
    )

    found = {question.text: set(question.ids) for question in own_phrasings(before, after)}

    assert {
        "Сколько  стоит ДОСТАВКА?": {"a"},
        "почём": {"a"},
        "Цены": {"b"},
        "Цена": {"a", "b"},  # moved on purpose: either may answer
        "Старый вопрос": {"gone"},
    } == found


def test_the_data_is_json(scripted: Any) -> None:
    data = difference(scripted({"x": A}), scripted({"x": B}), asked("x")).data()
    assert data == json.loads(json.dumps(data, allow_nan=False))
    assert (1, {"b": 1}) == (data["counts"]["stolen"], data["stolen_by"])
    assert ("a", "b") == (data["changes"][0]["before"]["answer"], data["changes"][0]["after"]["answer"])
