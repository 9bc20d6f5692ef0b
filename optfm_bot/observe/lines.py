"""A log record as one line: JSON for programs, columns for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

Render = Callable[[Mapping[str, Any]], str]
"""Writes an event that is redacted already. `ts`, `level`, `event` and `logger` are always there."""

_COLOURS = {
    "debug": "\x1b[2m",
    "info": "\x1b[32m",
    "warning": "\x1b[33m",
    "error": "\x1b[31m",
    "critical": "\x1b[31;1m",
}
_DIM, _BOLD, _RESET = "\x1b[2m", "\x1b[1m", "\x1b[0m"
_HEAD = ("ts", "level", "event", "logger", "exception", "stack")
_TIME = slice(11, 23)


def json_line(event: Mapping[str, Any]) -> str:
    """Write the event as one line of JSON, its fields in the order they came."""
    return orjson.dumps(event, option=orjson.OPT_NON_STR_KEYS).decode("utf-8")


def console_line(event: Mapping[str, Any], *, colours: bool = False) -> str:
    """Write the event for a person; lines of a traceback begin with a bar, so no value can fake a record."""
    level = str(event["level"])
    fields = fields_line({key: value for key, value in event.items() if key not in _HEAD})
    time, name, logger = str(event["ts"])[_TIME], str(event["event"]), str(event["logger"])
    if colours:
        time, name, logger = f"{_DIM}{time}{_RESET}", f"{_BOLD}{name}{_RESET}", f"{_DIM}{logger}{_RESET}"
        level = f"{_COLOURS.get(level, '')}{level:<8}{_RESET}"
    line = " ".join(part for part in (time, f"{level:<8}", name, fields, f"[{logger}]") if part)
    for key in ("exception", "stack"):
        if key in event:
            line += "".join(f"\n    | {row}" for row in str(event[key]).split("\n"))
    return line


def fields_line(fields: Mapping[str, Any]) -> str:
    """Write fields that are redacted already for a person: `key=value`, in quotes where a value is not one word."""
    return " ".join(f"{key}={_bare(value)}" for key, value in fields.items())


def _bare(value: object) -> str:
    if isinstance(value, str) and value and not set(value) & set(' "=\\'):
        return value
    return orjson.dumps(value).decode("utf-8")
