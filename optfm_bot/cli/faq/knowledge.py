"""Which knowledge base a command means."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import click

from faq.manager import MatcherFactory, default_matcher
from optfm_bot.cli.options import loaded
from optfm_bot.cli.remarks import short
from optfm_bot.cli.words import current_words
from optfm_bot.knowledge import demo_knowledge
from optfm_bot.matching import matcher_factory
from optfm_bot.tuning import Tuned, tuned

path_option = click.option(
    "--path",
    type=click.Path(path_type=Path),
    help="Knowledge file or folder; that of the configuration if missing.",
)


def knowledge_path(path: Path | None, config_path: Path | None) -> Path:
    """The base that is meant: the one that was named, the configured one, or the demo."""
    if path is not None:
        return path
    configured = loaded(config_path).settings.faq.path
    return Path.cwd() / configured if configured else demo_knowledge()


def matcher_for(config_path: Path | None, *, configured: bool) -> MatcherFactory:
    """The matcher that the configuration names; the core where no configuration is read.

    `configured` says whether the base is the configured one. A base that was named needs no configuration, which may
    be broken or want variables that only the bot has; `--config` beside it asks for one all the same.
    """
    if config_path is None and not configured:
        return default_matcher
    return matcher_factory(loaded(config_path), cwd=Path.cwd())


def tuned_for(config_path: Path | None, *, configured: bool) -> Tuned:
    """The matcher of `matcher_for` with the weights and thresholds of `faq.tuning`, as the bot answers with them.

    Tells on the error output of a tuning that cannot be used.
    """
    matcher = matcher_for(config_path, configured=configured)
    if config_path is None and not configured:
        return Tuned(matcher)
    return told(tuned(matcher, loaded(config_path).settings, cwd=Path.cwd()))


def told(found: Tuned) -> Tuned:
    """Give it back; if its tuning was refused, say so on the error output."""
    if found.refused is not None:
        words, refused = current_words(), found.refused
        why = words(f"faq_tuning.{refused.kind.value.replace('-', '_')}")
        click.echo(words("faq_tuning.refused", path=short(refused.path), why=why), err=True)
    return found


def today() -> date:
    """The local date."""
    return datetime.now(tz=UTC).astimezone().date()
