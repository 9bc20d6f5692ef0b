"""faq tune: what is chosen, what is promised of it, and when it leaves everything alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from faq import Candidate, Evidence, FaqEntry, Thresholds
from faq.contract import Via
from faq.matching.fitting import Logistic, fit_logistic
from faq.matching.learning import examples, learn
from faq.matching.matcher import FusionMatcher, core_matcher
from faq.quality.labelled import LabelledQuestion
from faq.quality.metrics import measure
from faq.quality.row import Verdict
from faq.quality.thresholds import ANSWERS, MARGINS, Limits, Ranking, choose_thresholds
from faq.quality.tune import FEW, FEW_FOREIGN, Note, Tuned, fold_numbers, steps, tune

BASE = Path(__file__).parents[4] / "training" / "bases" / "parcel.yaml"

Questions = tuple[LabelledQuestion, ...]


@pytest.fixture(scope="module")
def entries() -> tuple[FaqEntry, ...]:
    rows = yaml.safe_load(BASE.read_text("utf-8"))["entries"]
    return tuple(
        FaqEntry(
            id=row["id"],
            question=row["question"],
            answer=row["answer"],
            aliases=tuple(row.get("aliases") or ()),
            keywords=tuple(row.get("keywords") or ()),
        )
        for row in rows
    )


@pytest.fixture(scope="module")
def questions() -> Questions:
    """Every other question of the base, and as many foreign ones as there are."""
    data = yaml.safe_load(BASE.read_text("utf-8"))
    own = [
        LabelledQuestion(text=str(text), ids=frozenset([row["id"]]))
        for row in data["entries"]
        for texts in (row.get("asked") or {}).values()
        for text in texts
    ]
    foreign = [LabelledQuestion(text=str(text)) for texts in data["foreign"].values() for text in texts]
    return (*own[::2], *foreign)


@pytest.fixture(scope="module")
def shipped(entries: tuple[FaqEntry, ...]) -> FusionMatcher:
    return core_matcher(entries, ())


@pytest.fixture(scope="module")
def timid(entries: tuple[FaqEntry, ...]) -> FusionMatcher:
    """A matcher that is far less sure than it may be: there is something to gain."""
    matcher = core_matcher(entries, ())
    matcher.model = replace(matcher.model, bias=matcher.model.bias - 4.0)
    return matcher


@pytest.fixture(scope="module")
def bold(timid: FusionMatcher, questions: Questions) -> Tuned:
    return tune(timid, questions)


def worth(rows: Sequence[object]) -> int:
    counts = Counter(row.verdict for row in rows)  # type: ignore[attr-defined]
    return counts[Verdict.CORRECT] - counts[Verdict.WRONG]


def test_what_is_too_timid_is_mended(bold: Tuned, questions: Questions) -> None:
    before, after = measure(bold.before), measure(bold.after)

    assert bold.gain
    assert bold.model is not None or bold.thresholds.answer < bold.shipped.answer
    assert after.correct.hits > before.correct.hits + 5
    assert after.false_answers.hits <= 0.05 * after.foreign + 1
    assert after.wrong.hits <= 0.04 * after.in_scope + 1
    assert [row.question for row in bold.after] == list(questions)


def test_the_lists_are_what_separates_before_and_after(bold: Tuned) -> None:
    correct = [measure(rows).correct.hits for rows in (bold.before, bold.after)]

    assert correct[1] - correct[0] == len(bold.won) - len(bold.lost)
    assert bold.won
    assert all(row.verdict is Verdict.CORRECT for row in bold.won)
    assert all(row.verdict is Verdict.WRONG for row in bold.newly_wrong)
    wrong = [sum(row.verdict is Verdict.WRONG for row in rows) for rows in (bold.before, bold.after)]
    assert len(bold.newly_wrong) >= wrong[1] - wrong[0]


def test_a_change_is_never_for_the_worse(shipped: FusionMatcher, questions: Questions) -> None:
    found = tune(shipped, questions)

    assert found.gain == (Note.NO_GAIN not in found.notes)
    over = [Limits().over(rows, slack=1) for rows in (found.before, found.after)]
    if found.gain:
        assert over[1] < over[0] or (over[1] == over[0] and worth(found.after) > worth(found.before))
    else:
        unchanged = found.model is None and found.thresholds == found.shipped
        assert unchanged or over[1] >= over[0]


def test_the_same_questions_give_the_same(timid: FusionMatcher, questions: Questions, bold: Tuned) -> None:
    model = timid.model
    heard: list[int] = []

    again = tune(timid, questions, progress=heard.append)

    assert (again.thresholds, again.pull, again.before, again.after) == (
        bold.thresholds,
        bold.pull,
        bold.before,
        bold.after,
    )
    assert (again.model and again.model.data()) == (bold.model and bold.model.data())
    assert timid.model is model
    assert heard == list(range(1, steps(len(questions)) + 1))


@pytest.mark.parametrize(("own", "foreign"), [(20, 25), (80, 0), (80, FEW_FOREIGN - 1)])
def test_with_too_few_questions_confidence_is_left_alone(
    timid: FusionMatcher, questions: Questions, own: int, foreign: int
) -> None:
    asked = [one for one in questions if not one.foreign][:own]
    asked += [one for one in questions if one.foreign][:foreign]

    found = tune(timid, asked)

    assert found.thresholds == Thresholds()
    assert found.model is None or found.model.bias == timid.model.bias
    assert (Note.FEW_QUESTIONS in found.notes) == (own + foreign < FEW)
    assert (Note.NO_FOREIGN in found.notes) == (foreign == 0)
    assert (Note.FEW_FOREIGN in found.notes) == (0 < foreign < FEW_FOREIGN)


def test_what_cannot_be_tuned_is_refused(shipped: FusionMatcher, questions: Questions) -> None:
    with pytest.raises(ValueError, match="no question that an entry should answer"):
        tune(shipped, [one for one in questions if one.foreign])
    with pytest.raises(ValueError, match="no question that an entry should answer"):
        tune(shipped, [])
    for folds in (-1, 0, 1, 4):
        with pytest.raises(ValueError, match="the folds must be 2 to 3"):
            tune(shipped, questions[:3], folds=folds)
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="a limit is a share"):
            Limits(foreign=share)


def test_questions_that_nothing_is_found_for_change_nothing(shipped: FusionMatcher) -> None:
    garbage = ["🙂", "", "???", "щшхц", "x" * 500, "\ud800", "1", "1", "http://a.b/c"]
    asked = [LabelledQuestion(text=text, ids=frozenset(["track"])) for text in garbage]

    found = tune(shipped, asked, folds=2)

    assert not found.gain
    assert found.thresholds == Thresholds()


texts = st.lists(st.tuples(st.text(max_size=4), st.booleans()), min_size=2, max_size=60)


@given(texts, st.integers(2, 5), st.randoms(use_true_random=False))
def test_a_text_has_one_fold_wherever_it_stands(
    asked: list[tuple[str, bool]], folds: int, dice: object
) -> None:
    questions = [LabelledQuestion(text=text, ids=frozenset("a" if own else "")) for text, own in asked]
    shuffled = list(questions)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]

    numbers = dict(zip((one.text for one in questions), fold_numbers(questions, folds), strict=True))

    assert [numbers[one.text] for one in shuffled] == fold_numbers(shuffled, folds)
    assert set(numbers.values()) <= set(range(folds))
    for a, b in zip(questions, reversed(questions), strict=True):
        if a.text.casefold() == b.text.casefold():
            assert numbers[a.text] == numbers[b.text]


def candidate(
    entry: str, score: float, cover: float = 1.0, *, gap: float = 0.0, exact: bool = False
) -> Candidate:
    evidence = Evidence(phrase="", via=Via.ALIAS, exact=exact, message_coverage=cover, subjects=1, gap=gap)
    return Candidate(entry_id=entry, score=score, evidence=evidence)


scores = st.integers(0, 100).map(lambda number: number / 100)


@st.composite
def rankings(draw: st.DrawFn) -> Ranking:
    ids = draw(st.sampled_from(["a", "b", ""]))
    ranked = sorted(draw(st.lists(scores, max_size=3)), reverse=True)
    found = tuple(
        candidate("abc"[place], score, draw(scores), gap=draw(scores)) for place, score in enumerate(ranked)
    )
    whole = draw(st.booleans()) and draw(st.booleans())
    exact = (candidate(draw(st.sampled_from("ab")), 1.0, exact=True),) if whole else ()
    return Ranking(question=LabelledQuestion(text="q", ids=frozenset(ids)), whole=exact, ranked=found)


@settings(max_examples=40, deadline=None)
@given(st.lists(rankings(), min_size=1, max_size=25), scores, scores)
def test_thresholds_keep_the_limits_wherever_any_do(said: list[Ranking], far: float, wrong: float) -> None:
    limits, now = Limits(foreign=far, wrong=wrong), Thresholds()

    found = choose_thresholds(said, limits, now)

    def brings(thresholds: Thresholds) -> tuple[float, int]:
        rows = [one.row(thresholds) for one in said]
        return round(limits.over(rows), 9), -sum(row.verdict is Verdict.CORRECT for row in rows)

    # The policy itself over every pair of thresholds: slow, and surely what people would get.
    best = min(
        brings(replace(now, answer=answer, margin=margin, clarify=min(now.clarify, answer)))
        for answer in ANSWERS[::3]
        for margin in MARGINS
    )
    assert brings(found)[0] <= best[0]
    assert brings(found)[0] <= brings(now)[0]
    if brings(found)[0] == brings(now)[0] and (found.answer, found.margin) != (now.answer, now.margin):
        assert brings(found)[1] < brings(now)[1]
    assert found.clarify <= found.answer


def test_a_clear_gain_moves_the_thresholds_and_a_small_one_does_not() -> None:
    def own(score: float, entry: str = "a") -> Ranking:
        found = (candidate(entry, score),)
        return Ranking(question=LabelledQuestion(text="q", ids=frozenset("a")), whole=(), ranked=found)

    foreign = [
        Ranking(question=LabelledQuestion(text="q"), whole=(), ranked=(candidate("a", score / 100),))
        for score in range(20, 60, 2)
    ]
    now = Thresholds()

    found = choose_thresholds([own(0.65)] * 9 + [own(0.9)] * 9 + foreign, Limits(), now)
    assert 0.58 < found.answer <= 0.65
    assert found.margin == now.margin
    assert found.clarify > 0.58  # below, every offer was in vain
    found = choose_thresholds([own(0.74), own(0.9), own(0.9), *foreign[:1]], Limits(), now)
    assert found.answer == now.answer
    too_bold = [own(0.8, "b")] * 5 + [own(0.95)] * 9
    assert 0.8 < choose_thresholds(too_bold + foreign, Limits(), now).answer <= 0.95


def test_the_pull_holds_the_weights(timid: FusionMatcher, questions: Questions) -> None:
    known = examples(timid, [(one.text, one.ids) for one in questions[:60]])

    def moved(pull: float) -> float:
        model = learn(known, timid.model.features, towards=timid.model, pull=pull)
        return max(
            float(np.abs(model.ranking - timid.model.ranking).max()),
            float(np.abs(model.judging - timid.model.judging).max()),
            abs(model.bias - timid.model.bias),
        )

    assert moved(1.0) > moved(100.0) > moved(1e7)
    assert moved(1e7) < 1e-3


def test_a_logistic_regression_without_news_stays_where_it_is_pulled_to() -> None:
    values = np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0], [0.5, 1.0]])
    prior = Logistic(np.array([0.7, -0.2]), 0.1)
    truth = 1 / (1 + np.exp(-(values @ prior.weights + prior.bias)))

    found = fit_logistic(values, truth, np.ones(4), l2=0.01, towards=prior)

    assert np.allclose(found.weights, prior.weights, atol=1e-6)
    assert found.bias == pytest.approx(prior.bias, abs=1e-6)
