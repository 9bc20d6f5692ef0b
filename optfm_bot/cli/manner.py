"""How the running command was told to speak: `--quiet`, `--debug`, and which secrets it has to mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from optfm_bot.observe.redact import Redactor

QUIET: Final = "optfm_bot.quiet"
DEBUG: Final = "optfm_bot.debug"
_REDACTOR: Final = "optfm_bot.redactor"
"""Where the context of a command keeps them."""


def is_quiet() -> bool:
    """Whether only results and what is wrong are wanted."""
    return _kept(QUIET) is True


def is_debugging() -> bool:
    """Whether traces are wanted."""
    return _kept(DEBUG) is True


def keep_redactor(redactor: Redactor) -> None:
    """Remember what masks the secrets of the running command."""
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta[_REDACTOR] = redactor


def current_redactor() -> Redactor:
    """What masks the secrets of the running command; without any, what looks like a secret is masked."""
    from optfm_bot.observe.redact import Redactor  # noqa: PLC0415 - only where a trace is shown

    kept = _kept(_REDACTOR)
    return kept if isinstance(kept, Redactor) else Redactor()


def _kept(key: str) -> object:
    context = click.get_current_context(silent=True)
    return context.meta.get(key) if context is not None else None
