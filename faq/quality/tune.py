"""Fits weights and thresholds on an owner's labelled questions, and tells by cross-validation what they would change.

All that is reported comes from models and thresholds that did not see the question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import sqrt
from zlib import crc32

import numpy as np

from faq.contract import EVERYTHING, Query, Scope
from faq.matching.fitting import Doubles
from faq.matching.learning import Example, examples, learn
from faq.matching.matcher import FusionMatcher, Measured
from faq.matching.model import Model
from faq.matching.reading import MessageReading
from faq.policy import Thresholds
from faq.quality.evaluate import LIMIT
from faq.quality.labelled import LabelledQuestion
from faq.quality.row import Row, Verdict
from faq.quality.thresholds import Limits, Ranking, choose_thresholds

PULLS = (1.0, 5.0, 25.0, 125.0)
"""How strongly fitted weights are pulled to the shipped ones; keeping those is always tried as well."""
KEEP = None
FEW, FEW_OWN, FEW_FOREIGN = 60, 30, 20
"""With fewer questions, in all, in scope or foreign, confidence and thresholds are left alone: one foreign question
more or less would be more than the limit."""
FOLDS = 5
_SLACK = 1
"""Thresholds that just keep a limit miss it every other time on questions that they did not see, by one or so."""


class Note(StrEnum):
    """What a person should know about the outcome."""

    FEW_QUESTIONS = "few-questions"
    """There are too few to choose thresholds by."""
    FEW_OWN = "few-own"
    NO_FOREIGN = "no-foreign"
    FEW_FOREIGN = "few-foreign"
    NO_GAIN = "no-gain"
    """What was tried is not better than what is shipped, or the difference could be chance."""
    OVER_LIMITS = "over-limits"
    """The limits are not kept, neither before nor after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """What tuning found. `before` and `after` are rows over the same questions, cross-validated.

    With a `gain` `model` (None: the shipped weights stay) and `thresholds` are worth to be used. Without one they are
    what was tried; `pull` is that of the model. `shipped` are the thresholds before.
    """

    gain: bool
    model: Model | None
    pull: float | None
    shipped: Thresholds
    thresholds: Thresholds
    before: tuple[Row, ...]
    after: tuple[Row, ...]
    notes: tuple[Note, ...]

    @property
    def won(self) -> tuple[Row, ...]:
        """Questions that would be answered rightly and are not yet, as they would be."""
        return self._turned(Verdict.CORRECT)

    @property
    def lost(self) -> tuple[Row, ...]:
        """Questions that are answered rightly and would not be any more, as they would be."""
        pairs = zip(self.before, self.after, strict=True)
        return tuple(
            new for old, new in pairs if old.verdict is Verdict.CORRECT and new.verdict is not Verdict.CORRECT
        )

    @property
    def newly_wrong(self) -> tuple[Row, ...]:
        """Questions, foreign ones too, that would be answered wrongly and are not yet, as they would be."""
        return self._turned(Verdict.WRONG)

    def _turned(self, verdict: Verdict) -> tuple[Row, ...]:
        pairs = zip(self.before, self.after, strict=True)
        return tuple(new for old, new in pairs if new.verdict is verdict and old.verdict is not verdict)


def steps(questions: int) -> int:
    """How many steps `tune` tells of for so many questions."""
    return questions * (len(PULLS) + 2)


def tune(
    matcher: FusionMatcher,
    questions: Sequence[LabelledQuestion],
    *,
    limits: Limits | None = None,
    shipped: Thresholds | None = None,
    folds: int = FOLDS,
    progress: Callable[[int], object] = lambda _: None,
) -> Tuned:
    """Fit on these questions. `matcher` has the shipped weights and stays as it is; the same questions give the same.

    Raises `ValueError` if no question is in scope, and for folds that are fewer than two or more than the questions.
    """
    if not any(not question.foreign for question in questions):
        raise ValueError("there is no question that an entry should answer")
    if not 2 <= folds <= len(questions):  # noqa: PLR2004 - one fold leaves nothing to learn from
        raise ValueError(f"the folds must be 2 to {len(questions)}, one question at least in each: {folds}")
    return _Tuning(matcher, questions, limits or Limits(), shipped or Thresholds(), folds, progress).run()


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which weights and which thresholds."""

    pull: float | None
    thresholds: Thresholds


class _Recalled(FusionMatcher):
    """A matcher with another model, for messages that were measured before."""

    def __init__(self, matcher: FusionMatcher, model: Model, measured: Mapping[str, Measured | None]) -> None:
        vars(self).update(vars(matcher))  # all that the other one has worked out about its base
        self.model = model
        self._measured = measured

    def measure(
        self, text: str, scope: Scope = EVERYTHING, reading: MessageReading | None = None
    ) -> Measured | None:
        """What was found out before."""
        del scope, reading
        return self._measured[text]


class _Tuning:
    """One run. Of every question it knows what each kind of model says of it that did not see it."""

    def __init__(
        self,
        matcher: FusionMatcher,
        questions: Sequence[LabelledQuestion],
        limits: Limits,
        shipped: Thresholds,
        folds: int,
        progress: Callable[[int], object],
    ) -> None:
        self.matcher, self.questions = matcher, questions
        self.limits, self.shipped = limits, shipped
        self.notes = _shortage(questions)
        self.enough = not self.notes
        self.fold_of = fold_numbers(questions, folds)
        self.folds = range(folds)
        self._progress, self._done = progress, 0

    def run(self) -> Tuned:
        """Measure, fit, choose, compare."""
        self.examples = [self._example(one) for one in self.questions]
        self.measured = {one.text: one.measured for one in self.examples}
        self.said = {pull: self._held_out(pull) for pull in (KEEP, *PULLS)}
        before = tuple(one.row(self.shipped) for one in self.said[KEEP])
        # If weights and thresholds together are no gain, one of them alone may be.
        trials = [(True, True), (False, True), (True, False)] if self.enough else [(True, False)]
        tried = [self._try(weights=weights, thresholds=thresholds) for weights, thresholds in trials]
        gains = [one for one in tried if self._is_gain(*one, before)]
        choice, after = max(gains or tried[:1], key=lambda one: self._rank(one[1]))
        kept = self.limits.over(after if gains else before) == 0
        outcome = {Note.NO_GAIN: not gains, Note.OVER_LIMITS: not kept}
        return Tuned(
            gain=bool(gains),
            model=None if choice.pull is KEEP else self._fit(self.examples, choice.pull),
            pull=choice.pull,
            shipped=self.shipped,
            thresholds=choice.thresholds,
            before=before,
            after=after,
            notes=(*self.notes, *(note for note, applies in outcome.items() if applies)),
        )

    def _example(self, question: LabelledQuestion) -> Example:
        [example] = examples(self.matcher, [(question.text, question.ids)])
        self._tick()
        return example

    def _held_out(self, pull: float | None) -> list[Ranking]:
        said: dict[int, Ranking] = {}
        for fold in self.folds:
            model = self.matcher.model
            if pull is not KEEP:
                model = self._fit(
                    [one for at, one in enumerate(self.examples) if self.fold_of[at] != fold], pull
                )
            matcher = _Recalled(self.matcher, model, self.measured)
            for at, question in enumerate(self.questions):
                if self.fold_of[at] == fold:
                    whole, ranked = (
                        matcher.exact(question.text),
                        matcher.rank(Query(text=question.text), limit=LIMIT),
                    )
                    said[at] = Ranking(question=question, whole=whole, ranked=ranked)
                    self._tick()
        return [said[at] for at in range(len(self.questions))]

    def _fit(self, known: Sequence[Example], pull: float) -> Model:
        shipped = self.matcher.model
        if not any(one.right.any() for one in known):
            return shipped  # nothing of it was found: there is nothing to learn
        model = learn(known, shipped.features, towards=shipped, pull=pull)
        # How sure one may be is learnt from foreign questions above all.
        return model if self.enough else replace(model, judging=shipped.judging, bias=shipped.bias)

    def _try(self, *, weights: bool, thresholds: bool) -> tuple[_Choice, tuple[Row, ...]]:
        """What would be chosen by all questions, and what each gets by a choice that was made without its fold."""

        def choose(places: Sequence[int]) -> _Choice:
            pull = self._pull(places) if weights else KEEP
            if not thresholds:
                return _Choice(pull, self.shipped)
            said = [self.said[pull][at] for at in places]
            return _Choice(pull, choose_thresholds(said, self.limits, self.shipped))

        everything = range(len(self.questions))
        chosen = [choose([at for at in everything if self.fold_of[at] != fold]) for fold in self.folds]
        rows = []
        for at in everything:
            choice = chosen[self.fold_of[at]]
            rows.append(self.said[choice.pull][at].row(choice.thresholds))
        return choose(everything), tuple(rows)

    def _pull(self, places: Sequence[int]) -> float | None:
        """The best pull; the shipped weights unless others are better by more than a standard error."""
        kept = self._losses(KEEP, places)
        better: list[tuple[float, float]] = []
        for pull in PULLS:
            gains = kept - self._losses(pull, places)
            if gains.mean() > gains.std() / sqrt(len(places)):
                better.append((float(gains.mean()), pull))
        return max(better)[1] if better else KEEP

    def _losses(self, pull: float | None, places: Sequence[int]) -> Doubles:
        """By question, how far what was said is from the truth: the right entry for sure, or none for sure.

        Where confidence is left alone only the first entry counts.
        """
        said = [self.said[pull][at] for at in places]
        missed = np.array([not (one.question.foreign or one.first_is_right) for one in said], np.float64)
        if not self.enough:
            return missed
        confidence = np.array([one.confidence for one in said])
        right = np.array([one.first_is_right for one in said], np.float64)
        losses: Doubles = missed + (right - confidence) ** 2
        return losses

    def _rank(self, rows: Sequence[Row]) -> tuple[float, float]:
        return -self.limits.over(rows, slack=_SLACK), float(_worth(rows).sum())

    def _is_gain(self, choice: _Choice, after: Sequence[Row], before: Sequence[Row]) -> bool:
        if choice == _Choice(KEEP, self.shipped):
            return False
        kept, was_kept = self._rank(after)[0], self._rank(before)[0]
        if kept != was_kept:
            return kept > was_kept
        difference = _worth(after) - _worth(before)
        right = [sum(row.verdict is Verdict.CORRECT for row in rows) for rows in (before, after)]
        return right[1] >= right[0] and bool(difference.sum() > sqrt((difference**2).sum()))

    def _tick(self) -> None:
        self._done += 1
        self._progress(self._done)


def fold_numbers(questions: Sequence[LabelledQuestion], folds: int) -> list[int]:
    """The fold of each question, by its text and not by its place; the same text is always in the same fold.

    Foreign questions and the others are spread evenly.
    """
    texts = {(question.foreign, question.text.casefold()) for question in questions}
    ordered = sorted(texts, key=lambda one: (one[0], crc32(one[1].encode("utf-8", "surrogatepass")), one[1]))
    numbers = {text: place % folds for place, (_, text) in enumerate(ordered)}
    return [numbers[question.text.casefold()] for question in questions]


def _shortage(questions: Sequence[LabelledQuestion]) -> tuple[Note, ...]:
    foreign = sum(question.foreign for question in questions)
    found = {
        Note.FEW_QUESTIONS: len(questions) < FEW,
        Note.FEW_OWN: len(questions) - foreign < FEW_OWN,
        Note.NO_FOREIGN: foreign == 0,
        Note.FEW_FOREIGN: 0 < foreign < FEW_FOREIGN,
    }
    return tuple(note for note, applies in found.items() if applies)


def _worth(rows: Sequence[Row]) -> Doubles:
    """By question: 1 for a right answer, -1 for a wrong one."""
    worth = {Verdict.CORRECT: 1.0, Verdict.WRONG: -1.0}
    return np.array([worth.get(row.verdict, 0.0) for row in rows])
