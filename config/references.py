"""References inside values: `${NAME}`, `${NAME:-default}` and `${file:/run/secrets/name}`."""

from __future__ import annotations

import re
from collections.abc import Callable

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class BrokenReference(Exception):
    """A reference cannot be followed; `code` and `params` are for the catalogue of messages."""

    def __init__(self, code: str, hint: str, **params: str) -> None:
        super().__init__(code)
        self.code = code
        self.hint = hint
        self.params = params


def expand(text: str, *, variable: Callable[[str], str | None], read_file: Callable[[str], str]) -> str:
    """Replace every reference in `text`; what it brings is not looked into again. `$${` gives a plain `${`.

    `variable` gives None for a name that is not set; an empty value counts as not set. A default and a file
    name may contain references themselves. Raises `BrokenReference`, also from `read_file`.
    """
    result: list[str] = []
    position = 0
    while (start := text.find("${", position)) >= 0:
        if start > position and text[start - 1] == "$":
            result.append(text[position : start - 1] + "${")
            position = start + 2
            continue
        end = _closing(text, start)
        result.append(text[position:start])
        result.append(_follow(text[start + 2 : end], variable, read_file))
        position = end + 1
    result.append(text[position:])
    return "".join(result)


def names_in(text: str) -> frozenset[str]:
    """Give the names of all variables that a text refers to."""
    return frozenset(re.findall(r"\$\{([A-Za-z_][A-Za-z0-9_]*)", text))


def _closing(text: str, start: int) -> int:
    depth = 0
    position = start
    while position < len(text):
        if text.startswith("${", position):
            depth += 1
            position += 2
            continue
        if text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
        position += 1
    raise BrokenReference("bad_reference", "reference", reference=text[start : start + 30])


def _follow(body: str, variable: Callable[[str], str | None], read_file: Callable[[str], str]) -> str:
    if body.startswith("file:"):
        return read_file(expand(body.removeprefix("file:"), variable=variable, read_file=read_file).strip())
    name, has_default, default = body.partition(":-")
    if not _NAME.fullmatch(name):
        raise BrokenReference("bad_reference", "reference", reference=f"${{{body[:30]}}}")
    value = variable(name)
    if value:
        return value
    if has_default:
        return expand(default, variable=variable, read_file=read_file)
    raise BrokenReference("no_variable", "set_variable", name=name)
