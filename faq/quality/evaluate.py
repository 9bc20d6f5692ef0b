"""Ask a matcher labelled questions and judge what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from faq.quality.labelled import LabelledQuestion
from faq.quality.metrics import Confusion, Metrics, confusions, grouped, measure
from faq.quality.row import Answering, Row, Verdict, row_of
from faq.quality.shares import Share

LIMIT = 5
"""How far down a ranking is looked at."""
CLEAN, DERIVED = "clean", "derived"


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds that a decision took: half of them less than `p50`, all but one in a hundred less than `p99`."""

    p50: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Everything that was asked, with all measures: of the whole, by tag, and clean against derived ones."""

    rows: tuple[Row, ...]
    metrics: Metrics
    by_tag: dict[str, Metrics]
    by_making: dict[str, Metrics]
    confusions: tuple[Confusion, ...]
    latency: Latency | None

    @property
    def worst(self) -> tuple[Row, ...]:
        """Questions in scope that the wrong entry answered, the surest first."""
        return self._wrong(foreign=False)

    @property
    def foreign_answered(self) -> tuple[Row, ...]:
        """Foreign questions that were answered, the surest first."""
        return self._wrong(foreign=True)

    def _wrong(self, *, foreign: bool) -> tuple[Row, ...]:
        found = [row for row in self.rows if row.verdict is Verdict.WRONG and row.question.foreign == foreign]
        return tuple(sorted(found, key=lambda row: -row.certainty))

    def data(self) -> dict[str, Any]:
        """All of it as plain data for programs, rows that went wrong included."""
        return {
            **metrics_data(self.metrics),
            "by_tag": {name: metrics_data(metrics) for name, metrics in self.by_tag.items()},
            "by_making": {name: metrics_data(metrics) for name, metrics in self.by_making.items()},
            "confusions": [
                {
                    "asked": list(pair.asked),
                    "got": pair.got,
                    "times": pair.times,
                    "answered": pair.answered,
                    "examples": list(pair.examples),
                }
                for pair in self.confusions
            ],
            "worst": [row_data(row) for row in self.worst],
            "foreign_answered": [row_data(row) for row in self.foreign_answered],
            "latency_ms": None
            if self.latency is None
            else {"p50": round(self.latency.p50 * 1000, 3), "p99": round(self.latency.p99 * 1000, 3)},
        }


def evaluate(
    matcher: Answering,
    questions: Sequence[LabelledQuestion],
    *,
    clock: Callable[[], float],
    progress: Callable[[int], object] = lambda _: None,
) -> Evaluation:
    """Ask all the questions. `clock` gives seconds; `progress` is told after each how many are done."""
    return evaluation(list(ask(matcher, questions, clock=clock, progress=progress)))


def ask(
    matcher: Answering,
    questions: Sequence[LabelledQuestion],
    *,
    clock: Callable[[], float],
    progress: Callable[[int], object] = lambda _: None,
) -> Iterator[Row]:
    """Ask the questions in their order. Only the decision is timed, and the first call of all is not."""
    if questions:
        matcher.rank(questions[0].text, LIMIT)  # what is loaded at the first message is no message's own time
    for done, question in enumerate(questions, start=1):
        begin = clock()
        decision = matcher.decide(question.text)
        seconds = clock() - begin
        yield row_of(question, decision, matcher.rank(question.text, LIMIT), seconds)
        progress(done)


def evaluation(rows: Sequence[Row]) -> Evaluation:
    """Judge what was done. Pure."""
    return Evaluation(
        rows=tuple(rows),
        metrics=measure(rows),
        by_tag=grouped(rows, lambda row: row.question.tag),
        by_making=grouped(rows, lambda row: DERIVED if row.question.derived else CLEAN),
        confusions=confusions(rows),
        latency=_latency([row.seconds for row in rows]),
    )


def metrics_data(metrics: Metrics) -> dict[str, Any]:
    """Measures as plain data; a share carries its counts and its 95 % interval."""
    found = metrics.at_false_answers
    return {
        "questions": {"in_scope": metrics.in_scope, "foreign": metrics.foreign},
        **{
            name: _share(getattr(metrics, name))
            for name in (
                "top1", "recall3", "correct", "wrong", "offered", "misoffered", "silent", "false_answers",
                "foreign_offered", "precision",
            )
        },
        "mrr5": _rounded(metrics.mrr5),
        "auroc": _rounded(metrics.auroc),
        "at_false_answers": None
        if found is None
        else {
            "above": found.above,
            "correct": _share(found.correct),
            "foreign": _share(found.foreign),
        },
        "calibration_error": _rounded(metrics.calibration_error),
        "brier": _rounded(metrics.brier),
        "reliability": [
            {
                "low": one.low,
                "high": one.high,
                "certainty": _rounded(one.certainty),
                "right": _share(one.right),
            }
            for one in metrics.reliability
        ],
    }  # fmt: skip


def row_data(row: Row) -> dict[str, Any]:
    """A row as plain data."""
    origin = row.question.origin
    return {
        "question": row.question.text,
        "ids": sorted(row.question.ids),
        "tag": row.question.tag,
        "derived": row.question.derived,
        "file": origin.file if origin else "",
        "line": origin.line if origin else 0,
        "verdict": row.verdict.value,
        "answer": row.answer,
        "certainty": _rounded(row.certainty),
        "offered": list(row.offered),
    }


def _share(share: Share) -> dict[str, Any]:
    low, high = share.interval or (None, None)
    return {
        "hits": share.hits,
        "total": share.total,
        "share": _rounded(share.value),
        "low": _rounded(low),
        "high": _rounded(high),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _latency(seconds: Sequence[float]) -> Latency | None:
    if not seconds:
        return None
    ordered = sorted(seconds)

    def percentile(percent: int) -> float:
        """The nearest rank: a time that was really taken."""
        return ordered[-(-percent * len(ordered) // 100) - 1]

    return Latency(p50=percentile(50), p99=percentile(99))
