"""The walk over a tree that all writers share; a dialect overrides what it writes differently."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from channels.links import link_scheme, shown_address
from channels.model import (
    Block,
    Body,
    Bold,
    Break,
    Code,
    Inline,
    Italic,
    Link,
    ListBlock,
    Paragraph,
    Quote,
    Text,
)

_BULLET = "• "


class Dialect(Protocol):
    """What a platform wants a text to look like. Both methods are pure and never raise."""

    @property
    def name(self) -> str:
        """The name that capabilities refer to."""

    @property
    def markup(self) -> bool:
        """Whether the text must be sent with the platform's markup switched on."""

    def __hash__(self) -> int:
        """Dialects are keys of the memory of written texts."""

    def write(self, body: Body) -> str:
        """The text to send."""

    def visible(self, body: Body) -> str:
        """What the person will see of `write(body)`; platforms measure this unless they count markup."""


class Writer:
    """Writes plain text; the base of the dialects that ship with the house, and of a channel's own.

    Blocks are separated by an empty line. A link whose scheme is in `link_schemes` is written by `anchor`,
    any other as `label (address)`, or just the address if the label says the same. Nothing of the tree is
    left out.
    """

    name = "plain"
    markup = False
    quote_prefix = "> "
    link_schemes: frozenset[str] = frozenset()

    def write(self, body: Body) -> str:
        """The text to send."""
        return "\n\n".join([self._block(block) for block in body.blocks])

    def visible(self, body: Body) -> str:
        """What the person will see of `write(body)`."""
        return _Shown(self).write(body) if self.markup else self.write(body)

    # -- what a dialect overrides -------------------------------------------------------------------------

    def text(self, value: str) -> str:
        """Characters that must arrive as they are."""
        return value

    def address(self, value: str) -> str:
        """An address that stands in the text."""
        return self.text(value)

    def code(self, value: str) -> str:
        """A piece to be copied literally."""
        return self.text(value)

    def bold(self, inner: str) -> str:
        """Strong emphasis around text that is already written."""
        return inner

    def italic(self, inner: str) -> str:
        """Emphasis around text that is already written."""
        return inner

    def anchor(self, url: str, inner: str) -> str:
        """A real link around a label that is already written."""
        del url
        return inner

    def quote(self, inner: str) -> str:
        """A quotation of text that is already written."""
        return self.quote_prefix + inner.replace("\n", "\n" + self.quote_prefix)

    def lines(self, written: str) -> str:
        """The last look at the lines of a paragraph, an item or a quotation."""
        return written

    # -- the walk -----------------------------------------------------------------------------------------

    def _block(self, block: Block) -> str:
        match block:
            case Paragraph(children):
                return self.lines(self._inlines(children))
            case Quote(children):
                return self.quote(self.lines(self._inlines(children)))
            case ListBlock(items, ordered, start):
                return "\n".join(
                    (f"{number}. " if ordered else _BULLET) + self.lines(self._inlines(item))
                    for number, item in enumerate(items, start)
                )

    def _inlines(self, children: Iterable[Inline], styles: str = "") -> str:
        return "".join([self._inline(child, styles) for child in _merged(children)])

    def _inline(self, child: Inline, styles: str) -> str:
        match child:
            case Text(value):
                return self.text(value)
            case Break():
                return "\n"
            case Code(value):
                return self.code(value)
            case Bold(children):
                inner = self._inlines(children, styles + "b")
                return inner if "b" in styles else self.bold(inner)
            case Italic(children):
                inner = self._inlines(children, styles + "i")
                return inner if "i" in styles else self.italic(inner)
            case Link(url, children):
                return self._link(url, children, styles)

    def _link(self, url: str, children: tuple[Inline, ...], styles: str) -> str:
        label = self._inlines(children, styles)
        if link_scheme(url) in self.link_schemes and "l" not in styles:
            inner = self._inlines(children, styles + "l") if label.strip() else self.address(url)
            return self.anchor(url, inner)
        address = shown_address(url)
        if not label.strip() or words(children).strip() in {address, url}:
            return self.address(address)
        return f"{label} {self.text('(')}{self.address(address)}{self.text(')')}"


class _Shown(Writer):
    """What is left of another writer's text when the platform has read its markup."""

    def __init__(self, writer: Writer) -> None:
        self.quote_prefix = writer.quote_prefix
        self.link_schemes = writer.link_schemes


def words(children: Iterable[Inline]) -> str:
    """The bare characters of `children`: no markup, no addresses."""
    parts: list[str] = []
    for child in children:
        match child:
            case Text(value) | Code(value):
                parts.append(value)
            case Bold(inner) | Italic(inner) | Link(_, inner):
                parts.append(words(inner))
            case Break():
                parts.append("\n")
    return "".join(parts)


def _merged(children: Iterable[Inline]) -> list[Inline]:
    """Neighbouring texts joined: a dialect sees `+` and `+` as the `++` that its platform will see."""
    merged: list[Inline] = []
    for child in children:
        match merged, child:
            case [*_, Text(before)], Text(value):
                merged[-1] = Text(before + value)
            case _:
                merged.append(child)
    return merged
