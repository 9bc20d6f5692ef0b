"""The `.env` file: `NAME=VALUE` lines with quotes, comments and `export`; values are not expanded."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from config.messages import problem
from config.problem import Problem

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(?:#.*)?')
_SINGLE = re.compile(r"'([^']*)'\s*(?:#.*)?")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DotenvValue:
    """One value and the line it stands in."""

    value: str = field(repr=False)
    line: int


def read_dotenv(text: str, *, name: str) -> tuple[dict[str, DotenvValue], list[Problem]]:
    """Read the text of a `.env` file; the last of several equal names wins, as in a shell."""
    values: dict[str, DotenvValue] = {}
    problems: list[Problem] = []
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            problems.append(problem("dotenv_line", where=f"{name}:{number}", key=""))
            continue
        key, rest = match.groups()
        value = _unquote(rest)
        if value is None:
            problems.append(problem("dotenv_quote", where=f"{name}:{number}", key=key))
            continue
        values[key] = DotenvValue(value=value, line=number)
    return values, problems


def _unquote(text: str) -> str | None:
    if text.startswith('"'):
        match = _DOUBLE.fullmatch(text)
        return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), match[1]) if match else None
    if text.startswith("'"):
        match = _SINGLE.fullmatch(text)
        return match[1] if match else None
    if text.startswith("#"):
        return ""
    return re.split(r"\s#", text, maxsplit=1)[0].rstrip()
