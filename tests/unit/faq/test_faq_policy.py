from __future__ import annotations

from dataclasses import replace

import pytest

from faq.contract import Candidate, Evidence, Outcome, Reason, Via
from faq.policy import CHOICES, ThresholdPolicy, Thresholds

GOOD = Evidence(
    phrase="p", via=Via.QUESTION, message_coverage=0.9, phrase_coverage=0.9, subjects=2, support=1.0, gap=0.0
)
POLICY = ThresholdPolicy(Thresholds(answer=0.6, clarify=0.2, margin=0.1, message_coverage=0.3, tail=0.2))


def candidate(name: str, score: float, evidence: Evidence = GOOD) -> Candidate:
    return Candidate(entry_id=name, score=score, evidence=evidence)


def test_a_good_candidate_ahead_of_the_second_answers() -> None:
    decision = POLICY.decide([candidate("a", 0.9), candidate("b", 0.7), candidate("c", 0.1)])
    assert (decision.outcome, decision.entry_id, decision.reason) == (Outcome.ANSWER, "a", Reason.GOOD)
    assert [item.entry_id for item in decision.candidates] == ["a", "b"]


@pytest.mark.parametrize(
    ("evidence", "score", "reason"),
    [
        (GOOD, 0.59, Reason.MIDDLING),
        (replace(GOOD, message_coverage=0.2), 0.9, Reason.MESSAGE_UNEXPLAINED),
        (replace(GOOD, subjects=0), 0.4, Reason.FRAGMENT),
        (replace(GOOD, subjects=1, gap=0.9), 0.4, Reason.STRANGER),
        (replace(GOOD, subjects=1, gap=0.1), 0.4, Reason.MIDDLING),
    ],
)
def test_a_doubtful_candidate_is_offered_not_answered(
    evidence: Evidence, score: float, reason: Reason
) -> None:
    decision = POLICY.decide([candidate("a", score, evidence)])
    assert (Outcome.CLARIFY, None, reason) == (decision.outcome, decision.entry_id, decision.reason)


def test_a_sure_candidate_answers_whatever_its_words() -> None:
    """The confidence has weighed them; only the reason of a doubt is named by them."""
    assert Reason.GOOD == POLICY.decide([candidate("a", 0.8, replace(GOOD, subjects=1, gap=0.9))]).reason


def test_a_close_second_asks_back_with_three_at_most() -> None:
    decision = POLICY.decide([candidate(name, 0.9) for name in "abcd"])
    assert (decision.outcome, decision.reason) == (Outcome.CLARIFY, Reason.CLOSE)
    assert [item.entry_id for item in decision.candidates] == ["a", "b", "c"]
    assert len(decision.candidates) == CHOICES


def test_what_is_far_behind_the_best_is_not_offered() -> None:
    decision = POLICY.decide([candidate("a", 0.5), candidate("b", 0.11), candidate("c", 0.09)])
    assert [item.entry_id for item in decision.candidates] == ["a", "b"]


def test_a_phrasing_word_for_word_answers_whatever_comes_second() -> None:
    exact = replace(GOOD, exact=True)
    assert Outcome.ANSWER is POLICY.decide([candidate("a", 1.0, exact), candidate("b", 0.999)]).outcome
    shared = POLICY.decide([candidate("a", 1.0, exact), candidate("b", 1.0, exact)])
    assert (shared.outcome, shared.reason) == (Outcome.CLARIFY, Reason.SHARED)


def test_nothing_and_next_to_nothing_are_admitted_without_candidates() -> None:
    for candidates in ([], [candidate("a", 0.19)]):
        decision = POLICY.decide(candidates)
        assert (decision.outcome, decision.entry_id, decision.candidates) == (Outcome.ADMIT, None, ())


def test_thresholds_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="margin"):
        Thresholds(margin=1.5)
    with pytest.raises(ValueError, match="clarify"):
        Thresholds(answer=0.2, clarify=0.3)
