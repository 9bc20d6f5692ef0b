"""`optfm-bot faq lint`: find what is wrong with the knowledge base."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import click

from config.problem import ConfigError
from faq import FaqManager
from faq.lint import Limit
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.faq.knowledge import knowledge_path, today, tuned_for
from optfm_bot.cli.faq.limits import answer_limits
from optfm_bot.cli.faq.progress import progress_bar
from optfm_bot.cli.journal import log_to_stderr
from optfm_bot.cli.options import config_option, loaded, voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.remarks import Review, review
from optfm_bot.cli.words import Words, current_words


@click.command("lint")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@config_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--strict", is_flag=True, help="Let warnings count as problems too.")
@click.option("--quick", is_flag=True, help="Leave out what takes long: asking the base its own questions.")
@voice_options
@guarded
def command(
    path: Path | None, config_path: Path | None, form: str, *, as_json: bool, strict: bool, quick: bool
) -> int:
    """Find what is wrong: everything at once, with file and line.

    PATH is a file or folder to look at instead of the configured one.
    """
    words, output = current_words(), Output()
    log_to_stderr("error")
    found = review(
        knowledge_path(path, config_path),
        today=today(),
        limits=_limits(path, config_path),
        thorough=not quick,
        manager=FaqManager if quick else _manager(path, config_path),
        progress=lambda steps: progress_bar(words("faq_lint.working"), steps),
    )
    failed = found.errors > 0 or (strict and found.warnings > 0)
    if as_json or form == "json":
        output.data(
            {
                "ok": not failed,
                "entries": len(found.base.entries) if found.base else None,
                "errors": found.errors,
                "warnings": found.warnings,
                "findings": [remark.data() for remark in found.remarks],
            }
        )
    else:
        for remark in found.remarks:
            output.line(remark.describe(words))
        output.line(
            _summary(found, words), mark=Mark.ERROR if failed else Mark.WARNING if found.remarks else Mark.OK
        )
    return Exit.PROBLEMS if failed else Exit.OK


def _manager(path: Path | None, config_path: Path | None) -> Callable[..., FaqManager]:
    """What answers as the bot does: with the configured matcher, weights and thresholds."""
    tuned = tuned_for(config_path, configured=path is None)
    return partial(FaqManager, matcher=tuned.matcher, thresholds=tuned.thresholds)


def _limits(path: Path | None, config_path: Path | None) -> Mapping[str, Limit] | None:
    """The limits of the configured channels; a base that is named by its path needs no configuration."""
    try:
        return answer_limits(loaded(config_path))
    except ConfigError:
        if path is None or config_path is not None:
            raise
        return None


def _summary(found: Review, words: Words) -> str:
    if found.base is None:
        return words("faq.lint_unread", errors=words.count("count.errors", found.errors))
    entries = words.count("count.entries", len(found.base.entries))
    if not found.remarks:
        return words("faq.lint_clean", entries=entries)
    return words(
        "faq.lint_found",
        entries=entries,
        errors=words.count("count.errors", found.errors),
        warnings=words.count("count.warnings", found.warnings),
    )
