"""Exit codes that mean something, and the one place where errors become a sentence and a code."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import ParamSpec

import click

from channels.errors import ChannelError, Unauthorized
from config.problem import ConfigError
from optfm_bot.cli.words import current_words
from optfm_bot.errors import OptfmError, SchemaMismatch, StartRefused, StoreUnavailable

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
        language = current_words().language
        _say("config", (problem.describe(language) for problem in error.problems))
        return Exit.CONFIG
    except KnowledgeError as error:
        _say("knowledge", (str(problem) for problem in error.problems))
        return Exit.CONFIG
    except (SchemaMismatch, StoreUnavailable) as error:
        _say("database", [str(error)])
        return Exit.DATABASE
    except Unauthorized as error:
        _say("channel", [str(error)])
        return Exit.REJECTED
    except ChannelError as error:
        _say("channel", [str(error)])
        return Exit.UNREACHABLE
    except StartRefused as error:
        _say("start", [str(error)])
        return Exit.CONFIG
    except OptfmError as error:
        _say("error", [str(error)])
        return Exit.PROBLEMS
    except (KeyboardInterrupt, asyncio.CancelledError, click.Abort):
        return Exit.INTERRUPTED


def _say(what: str, sentences: Iterable[str]) -> None:
    """Tell what is wrong, and with which command to go on."""
    words = current_words()
    for sentence in sentences:
        click.echo(f"{words(f'error.{what}')}: {sentence}", err=True)
    if next_step := _NEXT.get(what):
        click.echo(words("error.next", command=next_step), err=True)


_NEXT = {
    "config": "optfm-bot config check",
    "knowledge": "optfm-bot faq lint",
    "database": "optfm-bot db check",
}
