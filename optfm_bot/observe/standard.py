"""The log of a bot that is a guest in somebody's program: records of the standard library, nothing of it configured."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterable
from typing import Any

import structlog

from config.secret import Secret
from optfm_bot.observe.correlation import update_at_work
from optfm_bot.observe.lines import fields_line
from optfm_bot.observe.log import Log
from optfm_bot.observe.redact import Redactor

_OURS = ("optfm_bot", "channels.", "helpdesk.")
"""How the names of our loggers begin."""

_redactor = Redactor()
"""One for the process, as its loggers are: it knows the secrets of every bot that is a guest here."""


class StandardLog(Log):
    """Writes `event key=value …` as the message of a record, and the fields as its attribute `fields`.

    Whoever hosts the bot formats records and decides where they go, so secrets and personal data are masked before;
    a traceback is in `exc_text` for the same reason, and `exc_info` is empty.
    """

    def _write(self, level: int, event: str, fields: dict[str, Any]) -> None:
        logger: logging.Logger = self._logger
        if not logger.isEnabledFor(level):
            return
        error = fields.pop("exc_info", None)
        if error is True:
            error = sys.exc_info()[1]
        shown = _redactor.fields({**update_at_work(), **self._context, **fields})
        message = " ".join(part for part in (event, fields_line(shown)) if part)
        record = logger.makeRecord(logger.name, level, "", 0, message, (), None)
        record.__dict__["fields"] = shown
        if isinstance(error, BaseException):
            rows = "".join(traceback.format_exception(error)).rstrip("\n")
            record.exc_text = _redactor.text(rows, multiline=True)
        logger.handle(record)


def log_to_standard(secrets: Iterable[Secret | str] = ()) -> None:
    """Let our loggers write to those of the standard library of the same names, and mask these secrets there.

    A program that has configured structlog itself has decided already where our events go: nothing is changed then.
    Otherwise structlog would print every one of them to stdout. Loggers of others stay as they are, now and later.
    """
    _redactor.register(*secrets)
    if structlog.is_configured():
        return
    before = structlog.get_config()

    def source(*names: Any) -> Any:
        ours = bool(names) and str(names[0]).startswith(_OURS)
        return logging.getLogger(names[0]) if ours else before["logger_factory"](*names)

    def wrapped(logger: Any, processors: Any, context: Any) -> Any:
        ours = isinstance(logger, logging.Logger) and logger.name.startswith(_OURS)
        wrapper = StandardLog if ours else before["wrapper_class"]
        return wrapper(logger, processors, context)

    structlog.configure(
        logger_factory=source,
        wrapper_class=wrapped,  # type: ignore[arg-type]  # it is only called, and what it gives is a bound logger
    )
