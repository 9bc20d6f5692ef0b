"""`optfm-bot faq diff`: what an edit of the base changes for the people who ask."""

from __future__ import annotations

from pathlib import Path

import click

from faq import FaqManager, KnowledgeBase
from faq.quality.diff import WORSE, Change, Difference, Kind, difference, own_phrasings
from faq.quality.labelled import LabelledQuestion
from faq.source import load_knowledge
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.faq.knowledge import knowledge_path, tuned_for
from optfm_bot.cli.faq.measures import percent
from optfm_bot.cli.faq.progress import progress_bar
from optfm_bot.cli.faq.questions import hold_against, questions_in
from optfm_bot.cli.faq.revision import knowledge_at
from optfm_bot.cli.options import config_option, json_option, voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.words import Words, current_words

SHOWN = 20
"""How many questions of a kind a terminal shows."""


@click.command("diff")
@click.argument("before", required=False, type=click.Path(path_type=Path))
@click.argument("after", required=False, type=click.Path(path_type=Path))
@click.option("--since", metavar="REV", help="Compare one base with itself in this revision of git.")
@click.option("--questions", type=click.Path(path_type=Path), help="Labelled questions to ask both.")
@config_option
@json_option
@voice_options
@guarded
def command(
    before: Path | None,
    after: Path | None,
    since: str | None,
    questions: Path | None,
    config_path: Path | None,
    *,
    as_json: bool,
) -> int:
    """Show what an edit of the base changes: questions won, lost and stolen.

    BEFORE and AFTER are knowledge files or folders. With --since name one base, or none for the configured one.
    Without --questions both are asked the phrasings that they have themselves.
    """
    words, output = current_words(), Output()
    old, new = _bases(before, after, since, config_path, words)
    asked = _questions(questions, old, new)
    tuned = tuned_for(config_path, configured=before is None)
    old_side, new_side = (
        FaqManager.from_base(base, matcher=tuned.matcher, thresholds=tuned.thresholds) for base in (old, new)
    )
    with progress_bar(words("faq_diff.asking"), 2 * len(asked)) as progress:
        found = difference(old_side, new_side, asked, progress=progress)
    if as_json:
        output.data({"own_phrasings": questions is None, **found.data()})
        return Exit.OK
    _print(found, output, words)
    if questions is None:
        output.line(words("faq_diff.own"))
    return Exit.OK


def _bases(
    before: Path | None, after: Path | None, since: str | None, config_path: Path | None, words: Words
) -> tuple[KnowledgeBase, KnowledgeBase]:
    if since is None:
        if before is None or after is None:
            raise click.UsageError(words("faq_diff.two_paths"))
        return load_knowledge(before), load_knowledge(after)
    if after is not None:
        raise click.UsageError(words("faq_diff.one_path"))
    path = knowledge_path(before, config_path)
    return knowledge_at(path, since), load_knowledge(path)


def _questions(path: Path | None, old: KnowledgeBase, new: KnowledgeBase) -> tuple[LabelledQuestion, ...]:
    if path is None:
        return own_phrasings(old, new)
    labelled = questions_in(path)
    # An entry that the edit removed is still a right answer of the old base.
    hold_against(labelled, {entry.id for base in (old, new) for entry in base.entries})
    return labelled.questions


def _print(found: Difference, output: Output, words: Words) -> None:
    asked = words.count("count.questions", found.after.in_scope + found.after.foreign)
    if not found.changes:
        output.line(words("faq_diff.same", questions=asked), mark=Mark.OK)
        return
    correct = (percent(side.correct.value, words) for side in (found.before, found.after))
    output.line(
        words("faq_diff.head", questions=asked, **dict(zip(("before", "after"), correct, strict=True)))
    )
    if found.after.foreign:
        answered = (percent(side.false_answers.value, words) for side in (found.before, found.after))
        both = dict(zip(("before", "after"), answered, strict=True))
        output.line(words("faq_diff.false_answers", **both))
    for kind in Kind:
        changes = found.of(kind)
        if not changes:
            continue
        output.line()
        name = words(f"faq_diff.{kind.value.replace('-', '_')}", n=len(changes))
        output.line(name, mark=Mark.ERROR if kind in WORSE else Mark.OK, result=True)
        for change in changes[:SHOWN]:
            output.line(_sentence(change, words), indent=2)
        if len(changes) > SHOWN:
            output.line(words("faq_diff.more", n=len(changes) - SHOWN), indent=2)
        if kind is Kind.STOLEN:
            names = ", ".join(f"{name} ({n})" for name, n in found.thieves.items())
            output.line(words("faq_diff.thieves", names=names), indent=2)


def _sentence(change: Change, words: Words) -> str:
    question = f"«{change.question.text}»"
    expected = ", ".join(sorted(change.question.ids)) or words("report.foreign")
    if change.kind in {Kind.STOLEN, Kind.FOREIGN_ANSWERED}:
        answer = change.after.answer or ""
        return words("faq_diff.by", question=question, expected=expected, answer=answer)
    return words("faq_diff.of", question=question, expected=expected)
