"""The Markdown of MAX: emphasis, code and links by marks; user text escaped with backslashes."""

from __future__ import annotations

import re
from collections.abc import Callable

from channels.dialects.writer import Writer
from channels.links import WEB_SCHEMES

_MARKS = re.compile(r"[\\`*_\[\]]|\+\++|~~+|\^\^+|<(?=[A-Za-z/!?])|&(?=#?\w+;)", re.ASCII)
_LINE_MARKS = re.compile(r"^([^\S\n]*)(?=[#>])", re.MULTILINE)
_EVERY_MARK = re.compile(r"[-_.!~*'();/?:@&=+$,#%A-Za-z0-9\[\]]", re.ASCII)


class MaxMarkdownWriter(Writer):
    """`**bold**`, `_italic_`, `` `code` `` and `[label](address)`; every other mark is escaped.

    A mark works only next to a word, so white space moves outside, and each line carries its own marks.
    """

    name = "max-markdown"
    markup = True
    link_schemes = WEB_SCHEMES

    def text(self, value: str) -> str:
        """A backslash before every character that would be read as a mark."""
        return _MARKS.sub(_escaped, value)

    def code(self, value: str) -> str:
        """In backticks; code that a backtick would end, or that has lines, is written as text."""
        if "`" in value or "\n" in value or not value.strip() or value != value.strip():
            return self.text(value)
        return f"`{value}`"

    def bold(self, inner: str) -> str:
        """In double asterisks, line by line."""
        return marked_lines(inner, "**")

    def italic(self, inner: str) -> str:
        """In underscores, line by line."""
        return marked_lines(inner, "_")

    def anchor(self, url: str, inner: str) -> str:
        """A link; characters that would end the address are percent-encoded."""
        return f"[{inner}]({_encoded(url)})"

    def lines(self, written: str) -> str:
        """Characters that begin a heading or a quotation are escaped."""
        return _LINE_MARKS.sub(r"\1\\", written)


def marked_lines(inner: str, mark: str) -> str:
    """`inner` with `mark` around the words of every line that has any."""
    return "\n".join(map(_around(mark), inner.split("\n")))


def _around(mark: str) -> Callable[[str], str]:
    def wrap(line: str) -> str:
        core = line.strip()
        if not core:
            return line
        begin = line.index(core)
        return f"{line[:begin]}{mark}{core}{mark}{line[begin + len(core) :]}"

    return wrap


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"\\{char}" for char in match[0])


def _encoded(url: str) -> str:
    return "".join(
        char if not char.isascii() or (_EVERY_MARK.match(char) and char not in "()") else f"%{ord(char):02X}"
        for char in url
    )


MAX_MARKDOWN = MaxMarkdownWriter()
