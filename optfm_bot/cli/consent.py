"""Asking before something is changed that cannot be undone by itself."""

from __future__ import annotations

import sys

import click

from optfm_bot.cli.words import current_words


def agreed(question: str) -> bool:
    """Ask on the error output. Raises `UsageError` where nobody is there to be asked: silence is no consent."""
    if not somebody_is_there():
        raise click.UsageError(current_words()("operate.add_yes", question=question))
    return click.confirm(question, err=True)


def somebody_is_there() -> bool:
    """Whether a person could answer."""
    return sys.stdin.isatty()
