"""A small template: `$name` is a value, and lines between `#% flag` and `#% end` are there if the flag is set. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from string import Template

_MARK = re.compile(r"\s*#% (?P<word>[a-z]+)\s*")


class TemplateError(ValueError):
    """A template of ours is broken: a mark that is not closed, or a value that nobody gives."""


def render(template: str, values: Mapping[str, str], flags: Collection[str]) -> str:
    """Fill a template in. `$$` is a dollar sign. Raises `TemplateError`."""
    try:
        return Template(_chosen(template, flags)).substitute(values)
    except (KeyError, ValueError) as error:
        raise TemplateError(f"the template does not fit its values: {error}") from error


def _chosen(template: str, flags: Collection[str]) -> str:
    kept: list[str] = []
    flag: str | None = None
    for line in template.splitlines(keepends=True):
        mark = _MARK.fullmatch(line)
        if mark is None:
            if flag is None or flag in flags:
                kept.append(line)
        elif (mark["word"] == "end") == (flag is None):
            raise TemplateError(f"{mark['word']!r} stands where it cannot: sections do not nest")
        else:
            flag = None if flag is not None else mark["word"]
    if flag is not None:
        raise TemplateError(f"the section {flag!r} has no end")
    return "".join(kept)
