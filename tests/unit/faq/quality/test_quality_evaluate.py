"""A run over a matcher: what is asked, what is timed, what is told."""

from __future__ import annotations

import json
from itertools import count
from typing import Any, cast

import pytest

from faq import Candidate, Decision, Evidence, FaqEntry, FaqManager, Outcome
from faq.quality.evaluate import ask, evaluate, evaluation
from faq.quality.labelled import LabelledQuestion
from faq.quality.row import Answering, Row, row_of

QUESTIONS = (
    LabelledQuestion(text="one", ids=frozenset({"a"}), tag="x"),
    LabelledQuestion(text="two", ids=frozenset({"b"}), tag="x", derived=True),
    LabelledQuestion(text="three", ids=frozenset({"b"})),
    LabelledQuestion(text="four"),
    LabelledQuestion(text="five"),
)
SCRIPT = {
    "one": [("a", 0.9)],
    "two": [("c", 0.6), ("b", 0.5)],
    "three": [("d", 0.8), ("b", 0.7)],
    "four": [("a", 0.7)],
}


def test_each_question_is_decided_once_in_order(scripted: Any) -> None:
    matcher, told = scripted(SCRIPT), []

    found = evaluate(matcher, QUESTIONS, clock=lambda: 0.0, progress=told.append)

    assert ["one", "two", "three", "four", "five"] == matcher.asked
    assert [1, 2, 3, 4, 5] == told
    assert ["correct", "wrong", "wrong", "wrong", "silent"] == [row.verdict.value for row in found.rows]
    assert (("c", 0.6), ("b", 0.5)) == tuple((item.entry_id, item.score) for item in found.rows[1].ranked)


def test_errors_stand_the_surest_first_and_foreign_ones_apart(scripted: Any) -> None:
    found = evaluate(scripted(SCRIPT), QUESTIONS, clock=lambda: 0.0)

    assert ["three", "two"] == [row.question.text for row in found.worst]
    assert ["four"] == [row.question.text for row in found.foreign_answered]
    assert ["x", ""] == list(found.by_tag)
    assert {"clean": 4, "derived": 1} == {
        name: group.in_scope + group.foreign for name, group in found.by_making.items()
    }


def test_only_the_decision_is_timed(scripted: Any) -> None:
    ticks = count()
    rows = list(ask(scripted(SCRIPT), QUESTIONS, clock=lambda: next(ticks) ** 2))
    assert [1, 5, 9, 13, 17] == [row.seconds for row in rows]


def test_percentiles_are_times_that_were_taken() -> None:
    rows = [Row(question=QUESTIONS[0], seconds=float(second)) for second in range(100, 0, -1)]
    found = evaluation(rows).latency
    assert found is not None
    assert (50.0, 99.0) == (found.p50, found.p99)
    alone = evaluation(rows[:1]).latency
    assert alone is not None
    assert (100.0, 100.0) == (alone.p50, alone.p99)
    assert evaluation([]).latency is None


def candidate(name: str, score: float) -> Candidate:
    return Candidate(entry_id=name, score=score, evidence=cast("Evidence", None))


def test_an_answer_past_the_ranking_counts_with_its_own_certainty() -> None:
    ranked = [candidate("b", 0.6), candidate("a", 0.4)]
    decision = Decision(outcome=Outcome.ANSWER, entry_id="a", candidates=(candidate("a", 1.0),))
    assert (1.0, 0.6) == (row_of(QUESTIONS[0], decision, ranked).certainty, ranked[0].score)
    bare = Decision(outcome=Outcome.ANSWER, entry_id="a")
    assert 0.4 == row_of(QUESTIONS[0], bare, ranked).certainty


def test_the_data_is_json_without_infinities(scripted: Any) -> None:
    for questions in (QUESTIONS, QUESTIONS[:2], QUESTIONS[3:], ()):
        found = evaluate(scripted(SCRIPT), questions, clock=lambda: 0.0).data()
        assert found == json.loads(json.dumps(found, allow_nan=False))
    data = evaluate(scripted(SCRIPT), QUESTIONS, clock=lambda: 0.0).data()
    assert {"hits": 1, "total": 3, "share": 0.3333} == {
        key: data["top1"][key] for key in ("hits", "total", "share")
    }
    assert ("three", "d", 0.8) == tuple(data["worst"][0][key] for key in ("question", "answer", "certainty"))


def test_the_real_manager_can_be_measured() -> None:
    manager: Answering = FaqManager(
        [
            FaqEntry(id="cost", question="Сколько стоит доставка?", answer="300"),
            FaqEntry(id="return", question="Как вернуть товар?", answer="За 14 дней"),
        ]
    )
    questions = [
        LabelledQuestion(text="Сколько стоит доставка?", ids=frozenset({"cost"})),
        LabelledQuestion(text="как вернуть товар", ids=frozenset({"return"})),
        LabelledQuestion(text="щшхц ъъъ"),
    ]

    found = evaluate(manager, questions, clock=lambda: 0.0)

    assert 1.0 == found.metrics.top1.value == found.metrics.correct.value
    assert 0.0 == found.metrics.false_answers.value
    assert pytest.approx(1.0) == found.metrics.auroc
