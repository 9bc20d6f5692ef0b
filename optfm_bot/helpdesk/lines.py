"""Runs of styled text, collected into lines and made into the blocks of a body. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

from channels.model import Block, Bold, Break, Code, Inline, Italic, Link, Paragraph, Text

_INVISIBLE = str.maketrans("", "", "\u200b\ufeff\u00ad")


@dataclass(frozen=True, slots=True)
class Style:
    """How a run looks: `b` bold, `i` italic, `c` code, `a` a link to `url`."""

    name: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """Text under styles, the outermost first; a text of None is a line break."""

    text: str | None
    styles: tuple[Style, ...] = ()


Line: TypeAlias = tuple[Run, ...]


class Lines:
    """A text being read: lines, gaps between paragraphs, and blocks that stand for themselves."""

    def __init__(self) -> None:
        self._parts: list[Line | Block | None] = []
        self._current: list[Run] = []

    @property
    def at_start(self) -> bool:
        """Whether nothing stands in the current line."""
        return not _visible(self._current)

    def put(self, text: str, styles: tuple[Style, ...]) -> None:
        """Add text to the current line."""
        if text := text.translate(_INVISIBLE):
            self._current.append(Run(text, styles))

    def break_line(self) -> None:
        """End the current line; an empty one divides paragraphs."""
        if self.at_start:
            self._current.clear()
            self.gap()
        else:
            self.end_line()

    def end_line(self) -> None:
        """End the current line if there is anything in it."""
        line, self._current = tuple(self._current), []
        if _visible(line):
            self._parts.append(_trimmed(line))
        elif any("\u00a0" in (run.text or "") for run in line):
            self.gap()

    def gap(self) -> None:
        """End a paragraph."""
        if not self.at_start:
            self.end_line()
        if self._parts and self._parts[-1] is not None:
            self._parts.append(None)

    def add(self, block: Block) -> None:
        """Add a block of its own."""
        self.end_line()
        self._parts.append(block)

    def last(self, number: int) -> str:
        """The words of the last line but so many; empty if that is no line. Gaps do not count."""
        lines = self._last(number)
        return _words(self._parts[lines[-1]]) if len(lines) == number else ""

    def drop(self, number: int) -> None:
        """Take the last lines away."""
        for place in self._last(number):
            del self._parts[place]

    def joined(self) -> list[Run]:
        """Everything as one run of inline pieces, lines divided by breaks."""
        self.end_line()
        runs: list[Run] = []
        for part in self._parts:
            if isinstance(part, tuple):
                runs += [Run(None), *part] if runs else part
        return runs

    def blocks(self) -> tuple[Block, ...]:
        """Everything as blocks: lines that no gap divides are one paragraph."""
        self.end_line()
        blocks: list[Block] = []
        lines: list[Run] = []
        for part in (*self._parts, None):
            if isinstance(part, tuple):
                lines += [Run(None), *part] if lines else part
                continue
            if lines:
                blocks.append(Paragraph(inlines(lines)))
                lines = []
            if part is not None:
                blocks.append(part)
        return tuple(blocks)

    def _last(self, number: int) -> list[int]:
        """The places of the last lines, the last one first, ended by a block."""
        found: list[int] = []
        for place in range(len(self._parts) - 1, -1, -1):
            part = self._parts[place]
            if len(found) == number or (part is not None and not isinstance(part, tuple)):
                break
            if isinstance(part, tuple):
                found.append(place)
        return found


def inlines(runs: Sequence[Run]) -> tuple[Inline, ...]:
    """Give runs as a tree: neighbours under the same style are one piece."""
    found: list[Inline] = []
    for style, group in groupby(runs, key=lambda run: run.styles[0] if run.styles else None):
        members = list(group)
        if style is None:
            found += [Break() if run.text is None else Text(run.text) for run in members]
        elif style.name == "c":
            found += [Break() if run.text is None else Code(run.text) for run in members]
        else:
            children = inlines([Run(run.text, run.styles[1:]) for run in members])
            match style.name:
                case "b":
                    found.append(Bold(children))
                case "i":
                    found.append(Italic(children))
                case _:
                    found.append(Link(style.url, children))
    return tuple(found)


def _visible(line: Sequence[Run]) -> bool:
    return any(run.text and run.text.strip() for run in line)


def _words(part: Line | Block | None) -> str:
    return "".join(run.text or "" for run in part) if isinstance(part, tuple) else ""


def _trimmed(line: Line) -> Line:
    """Join runs of equal style, collapse white space between them, and make no-break spaces ordinary."""
    merged: list[Run] = []
    after_space = True
    for run in line:
        text = run.text or ""
        if after_space:
            text = text.lstrip(" ")
        if not text:
            continue
        after_space = text.endswith(" ")
        text = text.replace("\u00a0", " ")
        if merged and merged[-1].styles == run.styles:
            merged[-1] = Run((merged[-1].text or "") + text, run.styles)
        else:
            merged.append(Run(text, run.styles))
    while merged and not (merged[-1].text or "").rstrip():
        merged.pop()
    if merged:
        merged[-1] = Run((merged[-1].text or "").rstrip(), merged[-1].styles)
    return tuple(merged)
