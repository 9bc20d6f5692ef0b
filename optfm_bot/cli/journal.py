"""The log of a command that is no server: on the error output, so that the result stays readable."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from config.secret import Secret
from optfm_bot.cli.manner import is_debugging, is_quiet, keep_redactor
from optfm_bot.observe.log import configure_logging
from optfm_bot.observe.redact import Redactor


def log_to_stderr(level: str, secrets: Iterable[Secret] = ()) -> None:
    """Write what is at least that important to the error output, secrets masked.

    With `--debug` everything, with `--quiet` errors alone.
    """
    redactor = Redactor(secrets)
    keep_redactor(redactor)
    wanted = "debug" if is_debugging() else "error" if is_quiet() else level
    configure_logging(format="console", level=wanted, redactor=redactor, stream=sys.stderr)
