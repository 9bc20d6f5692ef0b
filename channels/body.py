"""The text tree: read from the small Markdown of FAQ authors, or made of plain text left as it is.

The Markdown: paragraphs separated by empty lines (a single newline is a line break), `**bold**`, `*italic*`
and `_italic_`, `` `code` ``, `[label](address)` with http, https, mailto and tel, bare web addresses, `- `
and `1. ` lists, `> ` quotes, and a backslash before a character that is meant literally. There is nothing
else: no HTML, no headings, no nested lists. Whatever is malformed stays on the page as it was typed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from channels.dialects.plain import PLAIN
from channels.inline import parse_inline
from channels.model import Block, Body, Break, Inline, ListBlock, Paragraph, Quote, Text

_NEWLINES = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_UNSENDABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufffe\uffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")

_BULLET = re.compile(r"[-*•]\s+(.+)", re.DOTALL)
_NUMBER = re.compile(r"(0|[1-9]\d{0,5})\.\s+(.+)", re.DOTALL | re.ASCII)
_QUOTE = re.compile(r">(.*)", re.DOTALL)
_INDENT = 2
_REMEMBERED_LENGTH = 8192


def parse_body(markdown: str) -> Body:
    """The tree of an author's Markdown. Never raises; time is linear in the length; recent trees are kept."""
    if len(markdown) > _REMEMBERED_LENGTH:
        return _parse(markdown)
    return _parse_remembered(markdown)


def text_body(text: str) -> Body:
    """The tree of plain text from outside: nothing in it is interpreted, every newline and space is kept.

    Characters that no platform accepts (control characters, halves of surrogate pairs) are left out or
    replaced.
    """
    return Body(tuple(Paragraph(_lines(part)) for part in _clean(text).split("\n\n"))) if text else Body()


def plain_text(body: Body) -> str:
    """The words of `body` as the plain dialect writes them: links as `label (address)`, bullets, numbers."""
    return PLAIN.write(body)


def _clean(text: str) -> str:
    text = _NEWLINES.sub("\n", text)
    return _SURROGATES.sub("\ufffd", _UNSENDABLE.sub("", text))


def _lines(text: str) -> tuple[Inline, ...]:
    children: list[Inline] = []
    for index, line in enumerate(text.split("\n")):
        if index:
            children.append(Break())
        if line:
            children.append(Text(line))
    return tuple(children)


def _parse(markdown: str) -> Body:
    reader = _BlockReader()
    for line in _clean(markdown).removeprefix("\ufeff").split("\n"):
        reader.take(line)
    reader.flush()
    return Body(tuple(reader.blocks))


_parse_remembered = lru_cache(maxsize=1024)(_parse)


@dataclass(slots=True)
class _BlockReader:
    """Lines in, blocks out. `kind` is the open block: `p`, `u` (bullets), `o` (numbers), `q` or none."""

    blocks: list[Block] = field(default_factory=list)
    kind: str = ""
    items: list[list[str]] = field(default_factory=list)
    start: int = 1
    repeats: bool = False
    after_blank: bool = False

    def take(self, line: str) -> None:
        stripped = line.strip()
        if not stripped:
            self.after_blank = True
            return
        if (match := _QUOTE.fullmatch(stripped)) and self.kind == "q" and not self.after_blank:
            self.items[-1].append(match[1].strip())
        elif match and match[1].strip():
            self._begin("q", match[1].strip())
        elif match := _BULLET.fullmatch(stripped):
            if self.kind == "u":
                self.items.append([match[1]])
            else:
                self._begin("u", match[1])
        elif (match := _NUMBER.fullmatch(stripped)) and self._takes_number(int(match[1])):
            self._number(int(match[1]), match[2])
        elif self._continues(line):
            self.items[-1].append(stripped)
        else:
            self._begin("p", stripped)
        self.after_blank = False

    def _takes_number(self, number: int) -> bool:
        """A year that wrapped to the next line of a paragraph begins no list."""
        return self.kind != "p" or self.after_blank or number == 1

    def _number(self, number: int, text: str) -> None:
        if self.kind == "o":
            if len(self.items) == 1 and number == self.start:
                self.repeats = True  # 1. 1. 1.: the author leaves the counting to us
            if number == (self.start if self.repeats else self.start + len(self.items)):
                self.items.append([text])
                return
        self._begin("o", text)
        self.start = number

    def _continues(self, line: str) -> bool:
        if self.kind == "p":
            return not self.after_blank
        return self.kind in {"u", "o"} and line[:_INDENT].isspace() and len(line) > _INDENT

    def _begin(self, kind: str, text: str) -> None:
        self.flush()
        self.kind, self.items, self.repeats = kind, [[text]], False

    def flush(self) -> None:
        """Finish the block being read."""
        items = tuple(parse_inline("\n".join(lines)) for lines in self.items)
        match self.kind:
            case "p":
                self.blocks.append(Paragraph(items[0]))
            case "q":
                self.blocks.append(Quote(items[0]))
            case "u":
                self.blocks.append(ListBlock(items))
            case "o":
                self.blocks.append(ListBlock(items, ordered=True, start=self.start))
        self.kind, self.items = "", []
