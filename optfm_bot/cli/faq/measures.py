"""Measures of answers as lines and tables of a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from faq.quality.evaluate import Evaluation
from faq.quality.metrics import Metrics
from faq.quality.report import MEASURES, PARTS, WORDS, measured
from faq.quality.row import Row
from faq.quality.shares import Share
from optfm_bot.cli.output import Output
from optfm_bot.cli.words import Words

SHOWN = 10
"""How many single questions a terminal shows."""
_NONE = "—"


def report_words(words: Words) -> dict[str, str]:
    """The words that a report needs."""
    return {name: words(f"report.{name}") for name in WORDS}


def percent(value: float | None, words: Words, digits: int = 1) -> str:
    """A share from 0 to 1 as a person reads it."""
    return _NONE if value is None else f"{words.number(value * 100, digits)}%"


def print_evaluation(evaluation: Evaluation, output: Output, words: Words) -> None:
    """Print an evaluation: all measures, the tags, and the beginning of what went wrong."""
    metrics = evaluation.metrics
    output.line(
        words(
            "faq_eval.head",
            questions=words.count("count.questions", len(evaluation.rows)),
            in_scope=metrics.in_scope,
            foreign=metrics.foreign,
        )
    )
    output.line()
    heads = [words(f"report.{name}") for name in ("measure", "value", "interval", "counts")]
    output.table(heads, [_measure(name, metrics, words) for name in MEASURES])
    if len(evaluation.by_tag) > 1:
        output.line()
        output.table(
            [words(f"report.{name}") for name in ("tag", "number", *PARTS)],
            [
                [
                    tag or words("report.no_tag"),
                    str(found.in_scope + found.foreign),
                    *(percent(getattr(found, name).value, words) for name in PARTS),
                ]
                for tag, found in evaluation.by_tag.items()
            ],
        )
    _confusions(evaluation, output, words)
    _wrong("worst", evaluation.worst, output, words)
    _wrong("foreign_answered", evaluation.foreign_answered, output, words)
    if evaluation.latency is not None:
        times = {name: words.number(getattr(evaluation.latency, name) * 1000, 2) for name in ("p50", "p99")}
        output.line()
        output.line(words("faq_eval.times", **times))


def _measure(name: str, metrics: Metrics, words: Words) -> list[str]:
    value = measured(metrics, name)
    if not isinstance(value, Share):
        return [words(f"report.{name}"), _NONE if value is None else words.number(value, 3), "", ""]
    if value.interval is None:
        return [words(f"report.{name}"), _NONE, "", ""]
    low, high = value.interval
    interval = f"{words.number(low * 100)}–{words.number(high * 100)}%"
    return [words(f"report.{name}"), percent(value.value, words), interval, f"{value.hits} / {value.total}"]


def _confusions(evaluation: Evaluation, output: Output, words: Words) -> None:
    pairs = evaluation.confusions
    if not pairs:
        return
    _heading("confusions", output, words)
    output.table(
        [words(f"report.{name}") for name in ("asked", "got", "times", "answered_times", "examples")],
        [
            [", ".join(pair.asked), pair.got, str(pair.times), str(pair.answered), pair.examples[0]]
            for pair in pairs[:SHOWN]
        ],
    )
    _more(len(pairs), output, words)


def _wrong(name: str, rows: Sequence[Row], output: Output, words: Words) -> None:
    if not rows:
        return
    _heading(name, output, words)
    output.table(
        [words(f"report.{column}") for column in ("question", "expected", "answer", "certainty")],
        [
            [
                row.question.text,
                ", ".join(sorted(row.question.ids)) or _NONE,
                row.answer or _NONE,
                words.number(row.certainty, 2),
            ]
            for row in rows[:SHOWN]
        ],
    )
    _more(len(rows), output, words)


def _heading(name: str, output: Output, words: Words) -> None:
    output.line()
    output.line(words(f"report.{name}"))


def _more(total: int, output: Output, words: Words) -> None:
    if total > SHOWN:
        output.line(words("faq_eval.more", n=total - SHOWN))
