"""The slip behind a YAML error: where it was made and what to do, for people who have never seen YAML. Pure.

A YAML parser names the place where it could not go on, which is often a line below the slip, in words of its grammar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

_NEAR = 3
"""How many lines above an error an open quote is looked for."""
_TAB = re.compile(r"[ ]*\t")
_STRANGE_SPACE = re.compile(r"[ ]*(?![ \t])\s")
_LONG_DASH = re.compile(r"\s*[\u2012-\u2015\u2212]\s*\w")
_GLUED_DASH = re.compile(r"\s*-\w")
_GLUED_COLON = re.compile(r"\s*(?:- +)?\w[\w-]*(?::(?=[^\s/])|\uff1a)")
_KEY = r"\s*(?:- +)?[\w.-]+\s*:\s+"
_OPEN_QUOTE = re.compile(_KEY + r"""(?:"[^"]*|'[^']*)$""")
_QUOTE_FIRST = re.compile(_KEY + r"""["']""")
_BRACKET_FIRST = re.compile(_KEY + r"[\[{]")
_TWO_COLONS = re.compile(_KEY + r"\S.*:(?:\s|$)")

HINTS = {
    "": "look at the indentation, the quotes and the colons of this line and the one before it",
    "tab": "there is a tab here: indent with spaces",
    "space": "this line is indented with unusual spaces, as they are copied from a page: type plain ones",
    "long-dash": "an item begins with `-`, the minus of the keyboard, and a space",
    "glued-dash": "put a space after `-`",
    "glued-colon": "put a plain colon and a space after the key",
    "colon": "the text has a colon: put the whole of it in quotes, or write it below after `|`",
    "sign": "the text begins with a sign that means something in YAML: put the whole of it in quotes",
    "quote": "the text goes on after its quotes: put the whole of it in 'single quotes', or write it below after `|`",
    "open-quote": "this quote is not closed: put the same one at the end of the text",
    "bracket": "close this bracket, and put texts inside it in quotes if they have `:`, `,`, `#` or brackets",
    "list": "begin the list in the next line, or write a text with dashes below after `|`",
    "indent": "this line is not indented as those beside it: keys of one entry begin at the same place",
    "loose": "this line has no key: indent a text further than its key, which ends with `|`",
    "hash": "after a space, `#` begins a remark: put the text in quotes, or a space after `#` if it is one",
    "documents": "take the line `---` out",
    "character": "delete this character; it cannot be seen in most editors",
}
"""What to do, by kind of slip; an empty kind is not known."""


@dataclass(frozen=True, slots=True)
class Slip:
    """One slip: its kind, a key of `HINTS`, and its line, counted from one."""

    kind: str
    line: int


def find_slip(text: str, error: yaml.MarkedYAMLError) -> Slip:
    """Say what was most likely written wrong in `text`, of which a parser says `error`."""
    lines = re.split(r"\r\n|\r|\n", text)
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Slip("", 0)
    at = min(mark.line, len(lines) - 1)
    began = min(error.context_mark.line, at) if error.context_mark else at
    context = error.context or ""
    if "quoted scalar" in context:
        return Slip("open-quote", began + 1)
    if "document" in context:
        return Slip("documents", at + 1)
    seen = _seen(lines, at, began if "simple key" in context else at)
    if seen is not None:
        return seen
    if "flow" in context or "simple key" in context:
        return Slip("bracket" if "flow" in context else "loose", began + 1)
    return Slip(_of_problem(lines[at], context, error.problem or ""), at + 1)


def _seen(lines: list[str], at: int, began: int) -> Slip | None:
    """The slip that can be seen in the line where something began, in that of the error, or shortly above it."""
    above = next((number for number in range(at - 1, -1, -1) if lines[number].strip()), at)
    for number in (began, at, above):
        if kind := _of_line(lines[number]):
            return Slip(kind, number + 1)
    for number in range(at, max(at - _NEAR, -1), -1):
        if _OPEN_QUOTE.match(lines[number]):
            return Slip("open-quote", number + 1)
    return None


def _of_line(line: str) -> str:
    """The slip that a line shows by itself; empty if it shows none."""
    shown = {
        "tab": _TAB,
        "space": _STRANGE_SPACE,
        "long-dash": _LONG_DASH,
        "glued-dash": _GLUED_DASH,
        "glued-colon": _GLUED_COLON,
    }
    return next((kind for kind, sign in shown.items() if line.strip() and sign.match(line)), "")


def _of_problem(line: str, context: str, problem: str) -> str:
    """The slip that the parser's words hint at."""
    if "mapping values" in problem:
        return "colon" if _TWO_COLONS.match(line) else "indent"
    if "block sequence entries" in problem:
        return "list"
    if "start any token" in problem or re.search(r"scanning an? (?:alias|anchor|tag)", context):
        return "sign"
    if "parsing a block" in context:
        if _QUOTE_FIRST.match(line):
            return "quote"
        return "sign" if _BRACKET_FIRST.match(line) else "indent"
    return ""


def cut_short(line: str, column: int) -> bool:
    """Whether a text that ends at this column of its line was cut by a `#` that hardly begins a remark: `order #5`."""
    return re.match(r"\s+#[^\s#]", line[column:]) is not None
