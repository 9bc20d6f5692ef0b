"""WhatsApp's marks. There is no escape character: marks in user text are kept apart from their words."""

from __future__ import annotations

import re

from channels.dialects.max_markdown import marked_lines
from channels.dialects.writer import Writer

_WORD_JOINER = "\u2060"
_TOUCHING = re.compile(r"(https?://\S+)|(?<!\w)([*_~`]+)(?=\S)|(?<=\S)([*_~`]+)(?!\w)")


class WhatsAppWriter(Writer):
    """`*bold*`, `_italic_`, `` `code` ``; links as text, because WhatsApp has no labelled ones.

    A mark of the user that would begin or end formatting gets an invisible word joiner next to it.
    """

    name = "whatsapp"
    markup = True

    def text(self, value: str) -> str:
        """The same characters, with word joiners where a mark could be read."""
        return _TOUCHING.sub(_apart, value)

    def address(self, value: str) -> str:
        """As it is: an invisible character would break it."""
        return value

    def code(self, value: str) -> str:
        """In backticks; code that a backtick would end, or that has lines, is written as text."""
        if "`" in value or "\n" in value or not value.strip():
            return self.text(value)
        return f"`{value}`"

    def bold(self, inner: str) -> str:
        """In single asterisks, line by line."""
        return marked_lines(inner, "*")

    def italic(self, inner: str) -> str:
        """In underscores, line by line."""
        return marked_lines(inner, "_")


def _apart(match: re.Match[str]) -> str:
    if match[2]:
        return match[2] + _WORD_JOINER
    if match[3]:
        return _WORD_JOINER + match[3]
    return match[0]


WHATSAPP = WhatsAppWriter()
