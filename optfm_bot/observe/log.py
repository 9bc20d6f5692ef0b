"""The log: structlog over the standard library, every line through the redactor, libraries' lines too."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, TextIO

import structlog
from structlog.contextvars import get_contextvars

from optfm_bot.observe.correlation import update_at_work
from optfm_bot.observe.lines import Render, console_line, json_line
from optfm_bot.observe.redact import Redactor
from optfm_bot.observe.repeats import RepeatGate

LogFormat = Literal["auto", "console", "json"]

_FIELDS = "optfm_fields"
_LIBRARY_EVENT = "library.message"
_CHATTY: Mapping[str, int] = {
    # aiosqlite writes every statement with its values at DEBUG; the others write one line per request.
    "aiosqlite": logging.INFO,
    "aiohttp.access": logging.WARNING,
    "aiogram": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "alembic": logging.WARNING,
    "watchfiles": logging.WARNING,
    "asyncio": logging.WARNING,
}


class Log(structlog.BoundLoggerBase):
    """A logger of the house: an event name and fields, never a sentence. Calls below the level are cheap.

    Event names are a contract (`outbox.retry`); no text of a person belongs into them.
    """

    def debug(self, event: str, /, **fields: Any) -> None:
        """Log what only a developer looks at; texts of messages are allowed here and nowhere else."""
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: Any) -> None:
        """Log what an operator may want to know."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, /, **fields: Any) -> None:
        """Log what an operator should look at some day."""
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, /, **fields: Any) -> None:
        """Log what an operator should look at now."""
        self._write(logging.ERROR, event, fields)

    def exception(self, event: str, /, **fields: Any) -> None:
        """Log an error with the traceback of the exception that is being handled."""
        self._write(logging.ERROR, event, {"exc_info": True, **fields})

    def _write(self, level: int, event: str, fields: dict[str, Any]) -> None:
        logger: logging.Logger = self._logger
        if not logger.isEnabledFor(level):
            return
        error = fields.pop("exc_info", None)
        if error is True:
            error = sys.exc_info()
        elif isinstance(error, BaseException):
            error = (type(error), error, error.__traceback__)
        record = logger.makeRecord(logger.name, level, "", 0, event, (), error or None)
        record.__dict__[_FIELDS] = {**self._context, **fields}
        logger.handle(record)


def get_logger(name: str, **fields: Any) -> Log:
    """Give the logger of a module. May be called at import time, before anything is configured."""
    return Log(logging.getLogger(name), (), fields)


def configure_logging(
    *,
    format: LogFormat,  # noqa: A002 - the name that the setting has
    level: str,
    redactor: Redactor,
    stream: TextIO,
    repeats: RepeatGate | None = None,
) -> None:
    """Send all logging of the process to `stream`, through `redactor`. Calling again replaces what was set.

    `auto` writes columns to a terminal and JSON elsewhere; colours appear on terminals only. Errors that
    repeat are thinned out by `repeats`, ours and those of libraries. Handlers that libraries brought along
    are removed: they would go past the redactor.
    """
    terminal = stream.isatty()
    console = format == "console" or (format == "auto" and terminal)

    def columns(event: Mapping[str, Any]) -> str:
        return console_line(event, colours=terminal)

    handler = RedactingHandler(stream, redactor, columns if console else json_line, repeats or RepeatGate())
    root = logging.getLogger()
    for logger in (root, *logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            logger.handlers[:] = [old for old in logger.handlers if isinstance(old, logging.NullHandler)]
            logger.propagate = True
    root.addHandler(handler)
    set_level(level)
    logging.captureWarnings(capture=True)
    structlog.configure(  # whoever asks structlog itself for a logger gets one of ours
        processors=[],
        wrapper_class=Log,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def set_level(level: str) -> None:
    """Change the least important level that is written; takes effect at once, everywhere."""
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.getLogger().setLevel(number)
    for name, least in _CHATTY.items():
        logging.getLogger(name).setLevel(max(number, least))


def log_crashes() -> None:
    """Write exceptions that nobody caught, in any thread, to the log instead of bare to the terminal."""
    log = get_logger("optfm_bot")

    def crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        log.error("process.crashed", exc_info=error.with_traceback(trace))

    def thread_crashed(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            log.error("thread.crashed", exc_info=args.exc_value)

    def unraisable(args: sys.UnraisableHookArgs) -> None:
        log.error("process.unraisable", exc_info=args.exc_value)

    sys.excepthook = crashed
    threading.excepthook = thread_crashed
    sys.unraisablehook = unraisable


class RedactingHandler(logging.Handler):
    """The one way out for log records of the house and of libraries."""

    def __init__(self, stream: TextIO, redactor: Redactor, render: Render, repeats: RepeatGate) -> None:
        super().__init__()
        self._stream = stream
        self._redactor = redactor
        self._render = render
        self._repeats = repeats

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, or a line saying that it could not be written; nothing is raised."""
        try:
            event = self._event(record)
            if event is not None:
                self._put(self._render(event))
        except Exception:  # noqa: BLE001 - logging must never break what it watches; the next line records it
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """Say that a record was lost, without any of its contents: the standard way would print them bare."""
        kind = sys.exc_info()[0]
        event = {
            "ts": _timestamp(record.created),
            "level": "error",
            "event": "log.record_lost",
            "logger": self._redactor.text(record.name),
            "error": kind.__name__ if kind else "",
        }
        try:
            self._put(self._render(event))
        except (OSError, ValueError):  # the stream is gone; there is nowhere left to say so
            return

    def _put(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()

    def _event(self, record: logging.LogRecord) -> dict[str, Any] | None:
        fields: Mapping[str, Any] | None = record.__dict__.get(_FIELDS)
        ours = isinstance(fields, dict)
        level = record.levelname.lower()
        name = record.msg if ours else _LIBRARY_EVENT
        event: dict[str, Any] = {
            "ts": _timestamp(record.created),
            "level": level,
            "event": self._redactor.text(str(name)),
            "logger": self._redactor.text(record.name),
        }
        if record.levelno >= logging.ERROR:
            count = self._repeats.admit(
                _identity(record, str(name), fields if ours else None), record.created
            )
            if count is None:
                return None
            if count > 1:
                event["repeated"] = count
        verbose = record.levelno <= logging.DEBUG
        bound = {
            **dict(sorted(get_contextvars().items())),
            **update_at_work(),
        }  # a context has no order of its own
        for source in (bound, fields if ours else {"message": record.getMessage()}):
            if source:
                for key, value in self._redactor.fields(source, verbose=verbose).items():
                    event[f"field_{key}" if key in _RESERVED else key] = value
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            event["error"] = type(error).__name__
            rows = "".join(traceback.format_exception(error)).rstrip("\n")
            event["exception"] = self._redactor.text(rows, multiline=True)
        if record.stack_info:
            event["stack"] = self._redactor.text(record.stack_info, multiline=True)
        return event


_RESERVED = frozenset({"ts", "level", "event", "logger", "exception", "stack", "repeated"})


def _identity(record: logging.LogRecord, name: str, fields: Mapping[str, Any] | None) -> tuple[Any, ...]:
    """What makes two errors the same: where they are logged, what happened, in which channel."""
    context = {**get_contextvars(), **update_at_work(), **(fields or {})}
    kind = record.exc_info[0] if record.exc_info else None
    message = str(record.msg) if fields is None else name
    return record.name, message, context.get("channel"), kind, context.get("error_code")


def _timestamp(created: float) -> str:
    moment = datetime.fromtimestamp(created, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
