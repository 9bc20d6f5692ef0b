"""`optfm-bot faq tune`: weights and thresholds for one base, fitted on its owner's labelled questions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from faq import KnowledgeBase, Thresholds
from faq.matching.matcher import FusionMatcher
from faq.quality.evaluate import metrics_data, row_data
from faq.quality.labelled import LabelledFile
from faq.quality.metrics import Metrics, measure
from faq.quality.report import measured
from faq.quality.row import Row
from faq.quality.shares import Share
from faq.quality.thresholds import Limits
from faq.quality.tune import FEW, FEW_FOREIGN, FEW_OWN, FOLDS, Note, Tuned, steps, tune
from faq.source import load_knowledge
from faq.transfer.notes import TransferError
from faq.transfer.storing import replace_file
from faq.tuning import TUNED, Tuning, is_tuning, tuning_bytes
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.faq.knowledge import knowledge_path, matcher_for, path_option, today
from optfm_bot.cli.faq.measures import percent
from optfm_bot.cli.faq.progress import progress_bar
from optfm_bot.cli.faq.questions import hold_against, questions_in
from optfm_bot.cli.options import config_option, json_option, voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.remarks import short
from optfm_bot.cli.words import Words, current_words
from optfm_bot.clock import SystemClock
from optfm_bot.errors import OptfmError

SHOWN = 20
"""How many questions of a kind a terminal shows."""
MEASURES = (
    "correct", "wrong", "offered", "misoffered", "silent", "precision", "false_answers", "foreign_offered", "top1",
    "auroc", "calibration_error",
)  # fmt: skip
_NONE = "—"
_SHARE = click.FloatRange(0.0, 1.0)
_LISTS = {"won": Mark.OK, "lost": Mark.ERROR, "newly_wrong": Mark.ERROR}


@click.command("tune")
@click.argument("questions", type=click.Path(path_type=Path))
@path_option
@config_option
@click.option(
    "--write",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what was found to this file, if it is a gain; faq.tuning of the configuration names it.",
)
@click.option(
    "--folds",
    default=FOLDS,
    show_default=True,
    type=click.IntRange(2, 50),
    help="In how many parts the questions are divided; each is asked without having been learnt from.",
)
@click.option(
    "--max-far",
    metavar="SHARE",
    default=Limits().foreign,
    show_default=True,
    type=_SHARE,
    help="The largest share of foreign questions that may be answered.",
)
@click.option(
    "--max-wrong",
    metavar="SHARE",
    default=Limits().wrong,
    show_default=True,
    type=_SHARE,
    help="The largest share of questions that another entry may answer.",
)
@json_option
@voice_options
@guarded
def command(
    questions: Path,
    path: Path | None,
    config_path: Path | None,
    *,
    target: Path | None,
    folds: int,
    max_far: float,
    max_wrong: float,
    as_json: bool,
) -> int:
    """Fit weights and thresholds on your labelled questions, and tell what they would change.

    QUESTIONS is a YAML, CSV or JSONL file; a JSONL file may bring its own entries. Nothing is written without --write.
    """
    words, output = current_words(), Output()
    if target is not None:
        _refuse(target, words)
    labelled = questions_in(questions)
    base = _base(labelled, path, config_path, words)
    hold_against(labelled, [entry.id for entry in base.entries])
    _enough(labelled, folds, words)
    configured = path is None and labelled.base is None
    live = [entry for entry in base.entries if entry.is_live(today())]
    matcher = matcher_for(config_path, configured=configured)(live, base.synonyms)
    if not isinstance(matcher, FusionMatcher):
        raise OptfmError(words("faq_tuning.no_weights"))
    limits = Limits(foreign=max_far, wrong=max_wrong)
    with progress_bar(words("faq_tune.working"), steps(len(labelled.questions))) as progress:
        found = tune(matcher, labelled.questions, limits=limits, folds=folds, progress=progress)
    written = None
    if target is not None and found.gain:
        made = _made(found, labelled, folds=folds, limits=limits)
        tuning = Tuning(model=found.model, thresholds=found.thresholds, made=made)
        _write(target, tuning_bytes(tuning, matcher.model), words)
        written = str(target)
    if as_json:
        output.data({"file": short(labelled.name), "written": written, **_data(found)})
        return Exit.OK
    _print(found, limits, output, words)
    _conclude(found, target, output, words)
    return Exit.OK


def _base(labelled: LabelledFile, path: Path | None, config_path: Path | None, words: Words) -> KnowledgeBase:
    if labelled.base is None:
        return load_knowledge(knowledge_path(path, config_path))
    if path is not None:
        raise click.UsageError(words("faq_eval.two_bases", file=labelled.name))
    return labelled.base


def _enough(labelled: LabelledFile, folds: int, words: Words) -> None:
    if all(question.foreign for question in labelled.questions):
        raise click.UsageError(words("faq_tune.only_foreign", file=short(labelled.name)))
    if len(labelled.questions) < folds:
        raise click.UsageError(words("faq_tune.folds", folds=folds, n=len(labelled.questions)))


def _refuse(target: Path, words: Words) -> None:
    """Before the long work: a file that is something else is not overwritten."""
    if target.exists() and not is_tuning(target):
        raise OptfmError(words("faq_tune.in_the_way", path=str(target)))


def _write(target: Path, content: bytes, words: Words) -> None:
    try:
        replace_file(target, content)
    except TransferError as error:
        raise OptfmError(
            words("faq_tune.not_written", path=str(target), why=error.values.get("reason", ""))
        ) from error


def _made(found: Tuned, labelled: LabelledFile, *, folds: int, limits: Limits) -> dict[str, Any]:
    """When, of what and how: for the person who opens the file in a year."""
    after = measure(found.after)
    return {
        "at": SystemClock().now().isoformat(timespec="seconds"),
        "questions": Path(labelled.name).name,
        "in_scope": after.in_scope,
        "foreign": after.foreign,
        "folds": folds,
        "pull": found.pull,
        "max_far": limits.foreign,
        "max_wrong": limits.wrong,
        "correct": after.correct.value,
        "wrong": after.wrong.value,
        "false_answers": after.false_answers.value,
    }


def _data(found: Tuned) -> dict[str, Any]:
    return {
        "gain": found.gain,
        "notes": [note.value for note in found.notes],
        "weights": {"changed": found.model is not None, "pull": found.pull},
        "thresholds": {"before": _limits(found.shipped), "after": _limits(found.thresholds)},
        "before": metrics_data(measure(found.before)),
        "after": metrics_data(measure(found.after)),
        **{name: [row_data(row) for row in getattr(found, name)] for name in _LISTS},
    }


def _limits(thresholds: Thresholds) -> dict[str, float]:
    return {name: getattr(thresholds, name) for name in TUNED}


# -- for a person ----------------------------------------------------------------------------------------------------


def _print(found: Tuned, limits: Limits, output: Output, words: Words) -> None:
    before, after = measure(found.before), measure(found.after)
    asked = words.count("count.questions", len(found.after))
    output.line(words("faq_eval.head", questions=asked, in_scope=after.in_scope, foreign=after.foreign))
    values = {
        "few": FEW,
        "few_own": FEW_OWN,
        "few_foreign": FEW_FOREIGN,
        "far": percent(limits.foreign, words),
        "wrong": percent(limits.wrong, words),
    }
    for note in found.notes:
        if note is not Note.NO_GAIN:
            output.line(words(f"faq_tune.{note.value.replace('-', '_')}", **values), mark=Mark.WARNING)
    output.line()
    sides = ("before", "after" if found.gain else "tried")
    heads = [head for side in sides for head in (words(f"faq_tune.{side}"), words("report.interval"))]
    output.table(
        [words("report.measure"), *heads], [_measure(name, before, after, words) for name in MEASURES]
    )
    output.line()
    for name in TUNED:
        old, new = getattr(found.shipped, name), getattr(found.thresholds, name)
        shown = {"before": words.number(old, 2), "after": words.number(new, 2)}
        output.line(
            words(f"faq_tune.{name}", **shown) + ("" if old != new else f" ({words('faq_tune.same')})")
        )
    output.line(words("faq_tune.weights_kept" if found.model is None else "faq_tune.weights_new"))
    for name, mark in _LISTS.items() if found.gain else ():
        _questions(name, getattr(found, name), mark, output, words)


def _measure(name: str, before: Metrics, after: Metrics, words: Words) -> list[str]:
    cells = [words(f"report.{name}")]
    for metrics in (before, after):
        value = measured(metrics, name)
        if isinstance(value, Share):
            low, high = value.interval or (None, None)
            cells.append(percent(value.value, words))
            cells.append(
                "" if low is None or high is None else f"{words.number(low * 100)}–{percent(high, words)}"
            )
        else:
            cells += [_NONE if value is None else words.number(value, 3), ""]
    return cells


def _questions(name: str, rows: Sequence[Row], mark: Mark, output: Output, words: Words) -> None:
    if not rows:
        return
    output.line()
    output.line(words(f"faq_tune.{name}", n=len(rows)), mark=mark, result=True)
    for row in rows[:SHOWN]:
        expected = ", ".join(sorted(row.question.ids)) or words("report.foreign")
        values = {"question": f"«{row.question.text}»", "expected": expected}
        if name == "newly_wrong":
            output.line(words("faq_diff.by", answer=row.answer or "", **values), indent=2)
        else:
            output.line(words("faq_diff.of", **values), indent=2)
    if len(rows) > SHOWN:
        output.line(words("faq_diff.more", n=len(rows) - SHOWN), indent=2)


def _conclude(found: Tuned, target: Path | None, output: Output, words: Words) -> None:
    output.line()
    if not found.gain:
        output.line(words("faq_tune.no_gain"), mark=Mark.WARNING)
        if target is not None:
            output.line(words("faq_tune.nothing_written", path=str(target)))
        return
    output.line(words("faq_tune.gain"), mark=Mark.OK, result=True)
    if target is None:
        output.line(words("faq_tune.write"))
    else:
        output.line(words("faq_tune.wrote", path=str(target)))
