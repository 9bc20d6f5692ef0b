"""What `faq import` and `faq export` say of files and rows, in the language of the command."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import click

from faq.transfer import Note, TransferError
from faq.transfer.notes import USAGE_FAULTS
from optfm_bot.cli.exits import Exit
from optfm_bot.cli.output import clean
from optfm_bot.cli.remarks import from_problem
from optfm_bot.cli.words import Words, current_words

P = ParamSpec("P")


def transferring(command: Callable[P, int]) -> Callable[P, int]:
    """Wrap a command: a file that cannot be used becomes a sentence, a mistake in the call a usage error."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            return command(*args, **kwargs)
        except TransferError as error:
            words = current_words()
            sentence = clean(words(f"faq_transfer.fault_{error.fault}", **error.values))
            if error.fault in USAGE_FAULTS:
                raise click.UsageError(sentence) from error
            click.echo(f"{words('error.error')}: {sentence}", err=True)
            return Exit.PROBLEMS

    return run


def said(note: Note, words: Words) -> str:
    """Give the sentence of a note with its place."""
    if note.problem is not None:
        return from_problem(note.problem).describe(words)
    place = words("faq_transfer.row", row=note.row)
    if note.sheet:
        place = f"{note.sheet}, {place}"
    return f"{place}: {words(f'faq_transfer.note_{note.code}', **note.values)}"
