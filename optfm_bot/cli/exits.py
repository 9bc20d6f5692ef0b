"""Exit codes that mean something, and the one place where errors become a sentence and a code."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from typing import ParamSpec

import click

from channels.errors import ChannelError, Unauthorized
from config.problem import ConfigError
from optfm_bot.cli.manner import current_redactor, is_debugging
from optfm_bot.cli.words import current_words
from optfm_bot.errors import OptfmError, SchemaMismatch, StartRefused, StoreUnavailable
from optfm_bot.i18n.hints import translate

P = ParamSpec("P")


class Exit(IntEnum):
    """What the shell learns."""

    OK = 0
    PROBLEMS = 1
    USAGE = 2
    CONFIG = 3
    UNREACHABLE = 4
    REJECTED = 5
    DATABASE = 6
    INTERRUPTED = 130


def guarded(command: Callable[P, int | None]) -> Callable[P, None]:
    """Wrap a command: it gives its exit code, and the errors that people can mend become sentences on stderr.

    An error that nobody foresaw keeps its trace: it is a bug and has to be told as one.
    """

    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        sys.exit(_outcome(lambda: command(*args, **kwargs)))

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run


def _outcome(command: Callable[[], int | None]) -> int:
    from faq import KnowledgeError  # noqa: PLC0415 - a command that needs no knowledge does not pay for it

    try:
        return command() or Exit.OK
    except ConfigError as error:
        _trace(error)
        language = current_words().language
        return _say(Exit.CONFIG, "config", (problem.describe(language) for problem in error.problems))
    except KnowledgeError as error:
        _trace(error)
        from optfm_bot.cli.remarks import from_problem  # noqa: PLC0415 - as above

        words = current_words()
        return _say(Exit.CONFIG, "knowledge", (from_problem(item).describe(words) for item in error.problems))
    except (OptfmError, ChannelError) as error:
        _trace(error)
        code, what = next(verdict for kinds, verdict in _VERDICTS if isinstance(error, kinds))
        return _say(code, what, [translate(str(error), current_words().language)])
    except (KeyboardInterrupt, asyncio.CancelledError, click.Abort):
        return Exit.INTERRUPTED


def _trace(error: Exception) -> None:
    """Show where an error comes from, secrets masked, if `--debug` asks for it."""
    if is_debugging():
        text = "".join(traceback.format_exception(error))
        click.echo(current_redactor().text(text, multiline=True), err=True)


_VERDICTS: Sequence[tuple[tuple[type[Exception], ...], tuple[Exit, str]]] = (
    ((SchemaMismatch, StoreUnavailable), (Exit.DATABASE, "database")),
    ((StartRefused,), (Exit.CONFIG, "start")),
    ((Unauthorized,), (Exit.REJECTED, "channel")),
    ((ChannelError,), (Exit.UNREACHABLE, "channel")),
    ((OptfmError,), (Exit.PROBLEMS, "error")),
)


def _say(code: Exit, what: str, sentences: Iterable[str]) -> Exit:
    """Tell what is wrong, and with which command to go on; gives the code back."""
    words = current_words()
    for sentence in sentences:
        click.echo(f"{words(f'error.{what}')}: {sentence}", err=True)
    if next_step := _NEXT.get(what):
        click.echo(words("error.next", command=next_step), err=True)
    return code


_NEXT = {
    "config": "optfm-bot config check",
    "knowledge": "optfm-bot faq lint",
    "database": "optfm-bot db check",
}
