"""`optfm-bot faq eval`: how well the base answers labelled questions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from faq import FaqManager, KnowledgeBase
from faq.quality.evaluate import Evaluation, evaluate
from faq.quality.labelled import LabelledFile
from faq.quality.metrics import Metrics
from faq.quality.report import Subject, html_report
from faq.source import load_knowledge
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.faq.knowledge import knowledge_path, path_option, tuned_for
from optfm_bot.cli.faq.measures import percent, print_evaluation, report_words
from optfm_bot.cli.faq.progress import progress_bar
from optfm_bot.cli.faq.questions import hold_against, questions_in
from optfm_bot.cli.options import config_option, voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.remarks import short
from optfm_bot.cli.words import Words, current_words
from optfm_bot.errors import OptfmError

_SHARE = click.FloatRange(0.0, 1.0)


@dataclass(frozen=True, slots=True)
class _Limit:
    """A limit that was set: whether it is kept, and a sentence about it."""

    name: str
    limit: float
    value: float | None
    kept: bool
    sentence: str


@click.command("eval")
@click.argument("questions", type=click.Path(path_type=Path))
@path_option
@config_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a report to this file.")
@click.option(
    "--min-top1",
    metavar="SHARE",
    type=_SHARE,
    help="Fail if the first entry is right for less than this share.",
)
@click.option(
    "--max-far",
    metavar="SHARE",
    type=_SHARE,
    help="Fail if more than this share of foreign questions is answered.",
)
@voice_options
@guarded
def command(
    questions: Path,
    path: Path | None,
    config_path: Path | None,
    form: str,
    html: Path | None,
    min_top1: float | None,
    max_far: float | None,
    *,
    as_json: bool,
) -> int:
    """Measure how well the base answers labelled questions.

    QUESTIONS is a YAML, CSV or JSONL file; a JSONL file may bring its own entries.
    """
    words, output = current_words(), Output()
    labelled = questions_in(questions)
    base, shown = _base(labelled, path, config_path, words)
    hold_against(labelled, [entry.id for entry in base.entries])
    configured = path is None and labelled.base is None
    tuned = tuned_for(config_path, configured=configured)
    faq = FaqManager.from_base(base, matcher=tuned.matcher, thresholds=tuned.thresholds)
    with progress_bar(words("faq_eval.asking"), len(labelled.questions)) as progress:
        found = evaluate(faq, labelled.questions, clock=time.perf_counter, progress=progress)
    limits = _limits(found.metrics, min_top1, max_far, words)
    if html is not None:
        subject = Subject(
            questions=short(labelled.name),
            base=shown,
            made=datetime.now(tz=UTC).astimezone().strftime("%Y-%m-%d %H:%M"),
            entries={entry.id: entry.question for entry in base.entries},
        )
        _write(html, html_report(found, subject, report_words(words)), words)
    failed = not all(limit.kept for limit in limits)
    if as_json or form == "json":
        output.data(_data(found, limits, labelled.name, shown, ok=not failed))
    else:
        print_evaluation(found, output, words)
        if html is not None:
            output.line(words("faq_eval.wrote", path=str(html)))
        for limit in limits:
            output.line(limit.sentence, mark=Mark.OK if limit.kept else Mark.ERROR)
    return Exit.PROBLEMS if failed else Exit.OK


def _base(
    labelled: LabelledFile, path: Path | None, config_path: Path | None, words: Words
) -> tuple[KnowledgeBase, str]:
    """The base to ask and its name: the entries of the file itself, else the one that the options mean."""
    if labelled.base is None:
        where = knowledge_path(path, config_path)
        return load_knowledge(where), short(str(where))
    if path is not None:
        raise click.UsageError(words("faq_eval.two_bases", file=labelled.name))
    return labelled.base, short(labelled.name)


def _limits(metrics: Metrics, min_top1: float | None, max_far: float | None, words: Words) -> list[_Limit]:
    """The limits that were set. One that cannot be checked is not kept: a check in CI must not pass unseen."""
    limits = []
    for name, limit, value in (
        ("top1", min_top1, metrics.top1.value),
        ("far", max_far, metrics.false_answers.value),
    ):
        if limit is None:
            continue
        if value is None:
            limits.append(_Limit(name, limit, value, kept=False, sentence=words(f"faq_eval.{name}_unknown")))
            continue
        kept = value >= limit if name == "top1" else value <= limit
        sentence = words(f"faq_eval.{name}_kept", value=percent(value, words), limit=percent(limit, words))
        limits.append(_Limit(name, limit, value, kept=kept, sentence=sentence))
    return limits


def _write(path: Path, page: str, words: Words) -> None:
    try:
        path.write_text(page, "utf-8", errors="replace")
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise OptfmError(words("faq_eval.not_written", path=str(path), why=why)) from error


def _data(
    found: Evaluation, limits: Sequence[_Limit], questions: str, base: str, *, ok: bool
) -> dict[str, object]:
    return {
        "ok": ok,
        "file": short(questions),
        "base": base,
        "limits": [
            {"name": limit.name, "limit": limit.limit, "value": limit.value, "kept": limit.kept}
            for limit in limits
        ],
        **found.data(),
    }
