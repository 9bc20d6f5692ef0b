"""A text tree laid out as a line of small pieces; any stretch of them can become a tree of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import groupby

from channels.dialects.writer import words
from channels.links import shown_address
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

_SPACE = " \t\n"
_WORDS = re.compile(r"[^ \t\n]+[ \t\n]*|[ \t\n]+")
_SENTENCE_END = re.compile(r"\w{3,}[.!?…]+[\"»”’')\]]*[ \t\n]+\Z")


class Cut(IntEnum):
    """How good it is to begin a new message before a piece."""

    GRAPHEME = 0
    WORD = 1
    SENTENCE = 2
    LINE = 3
    ITEM = 4
    BLOCK = 5


@dataclass(frozen=True, slots=True)
class Wrap:
    """One node of emphasis around pieces; `order` tells neighbours of the same kind apart."""

    kind: type[Bold | Italic]
    order: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A word with the space after it, a link, code or a line break, and where it stands in the tree."""

    leaf: Text | Code | Link | Break
    block: int
    item: int = 0
    leads: bool = False
    wraps: tuple[Wrap, ...] = ()
    cut: Cut = Cut.WORD

    @property
    def blank(self) -> bool:
        """Whether it is only white space, which may be left out where a message ends or begins."""
        if self.leads:
            return False
        return isinstance(self.leaf, Break) or (
            isinstance(self.leaf, Text) and not self.leaf.value.strip(_SPACE)
        )


def pieces_of(body: Body) -> list[Piece]:
    """All of `body` in order. `body_of` makes the same tree of them again, neighbouring texts joined."""
    return [piece for index, block in enumerate(body.blocks) for piece in _pieces_of_block(block, index)]


def body_of(blocks: Sequence[Block], pieces: Sequence[Piece]) -> Body:
    """The tree of a stretch of pieces of `blocks`, without white space at its ends.

    A list that was begun before counts on; what is left of an item or quotation becomes a paragraph or
    quotation.
    """
    begin, end = 0, len(pieces)
    while begin < end and pieces[begin].blank:
        begin += 1
    while end > begin and pieces[end - 1].blank:
        end -= 1
    stretch = list(pieces[begin:end])
    if stretch and isinstance(leaf := stretch[-1].leaf, Text):
        stretch[-1] = replace(stretch[-1], leaf=Text(leaf.value.rstrip(_SPACE)))
    made: list[Block] = []
    for index, group in groupby(stretch, key=lambda piece: piece.block):
        made.extend(_block_of(blocks[index], list(group)))
    return Body(tuple(made))


def characters(piece: Piece) -> str:
    """What a piece says in plain words."""
    match piece.leaf:
        case Text(value) | Code(value):
            return value
        case Break():
            return "\n"
        case Link(url, children):
            label, address = words(children).strip(), shown_address(url)
            return address if label in {"", url, address} else f"{label} ({address})"


def words_of(piece: Piece) -> list[Piece]:
    """What a piece says, word by word, as plain text in its place."""
    return in_place_of(piece, _WORDS.findall(characters(piece)), cut=Cut.WORD)


def in_place_of(piece: Piece, texts: Sequence[str], *, cut: Cut) -> list[Piece]:
    """Several texts where one piece stood; before each but the first one may cut as `cut` says."""
    return [
        replace(piece, leaf=Text(text), leads=piece.leads and not index, cut=cut if index else piece.cut)
        for index, text in enumerate(texts)
    ]


# -- taking apart ----------------------------------------------------------------------------------------


def _pieces_of_block(block: Block, index: int) -> Iterator[Piece]:
    if isinstance(block, ListBlock):
        for number, item in enumerate(block.items):
            yield from _Layout(block=index, item=number, leads=True).pieces(item)
    else:
        yield from _Layout(block=index).pieces(block.children)


@dataclass(slots=True)
class _Layout:
    block: int
    item: int = 0
    leads: bool = False
    order: int = 0
    before: str | None = None
    """The characters before the next piece; None at the beginning."""

    def pieces(self, children: tuple[Inline, ...]) -> Iterator[Piece]:
        yield from self._walk(children, ())
        if self.before is None:
            yield self._piece(Text(""), ())

    def _walk(self, children: tuple[Inline, ...], wraps: tuple[Wrap, ...]) -> Iterator[Piece]:
        for child in children:
            match child:
                case Text(value):
                    for word in _WORDS.findall(value):
                        yield self._piece(Text(word), wraps)
                        self.before = word
                case Bold(inner) | Italic(inner):
                    self.order += 1
                    kind = Bold if isinstance(child, Bold) else Italic
                    yield from self._walk(inner, (*wraps, Wrap(kind, self.order)))
                case Break():
                    yield self._piece(child, wraps)
                    self.before = "\n"
                case Code() | Link():
                    yield self._piece(child, wraps)
                    self.before = "."  # whatever it ends with, what follows belongs to it

    def _piece(self, leaf: Text | Code | Link | Break, wraps: tuple[Wrap, ...]) -> Piece:
        return Piece(
            leaf=leaf,
            block=self.block,
            item=self.item,
            leads=self.leads and self.before is None,
            wraps=wraps,
            cut=self._cut(leaf),
        )

    def _cut(self, leaf: Text | Code | Link | Break) -> Cut:
        before = self.before
        if before is None:
            return Cut.ITEM if self.item else Cut.BLOCK
        if before == "\n" or isinstance(leaf, Break):
            return Cut.LINE
        if not before.endswith((" ", "\t", "\n")):
            return Cut.GRAPHEME
        if isinstance(leaf, Text) and leaf.value[:1].islower():
            return Cut.WORD
        return Cut.SENTENCE if _SENTENCE_END.search(before) else Cut.WORD


# -- putting together ------------------------------------------------------------------------------------


def _block_of(block: Block, pieces: list[Piece]) -> Iterator[Block]:
    if isinstance(block, Quote):
        yield Quote(_inlines_of(pieces))
    elif isinstance(block, Paragraph):
        yield Paragraph(_inlines_of(pieces))
    else:
        groups = [list(group) for _, group in groupby(pieces, key=lambda piece: piece.item)]
        if not groups[0][0].leads:
            yield Paragraph(_inlines_of(groups.pop(0)))
        if groups:
            items = tuple(map(_inlines_of, groups))
            yield ListBlock(items, ordered=block.ordered, start=block.start + groups[0][0].item)


def _inlines_of(pieces: Sequence[Piece]) -> tuple[Inline, ...]:
    return tuple(inline for inline in _unwrapped(pieces, 0) if inline != Text(""))


def _unwrapped(pieces: Sequence[Piece], depth: int) -> list[Inline]:
    inlines: list[Inline] = []
    for wrap, group in groupby(
        pieces, key=lambda piece: piece.wraps[depth] if len(piece.wraps) > depth else None
    ):
        if wrap is not None:
            inlines.append(wrap.kind(tuple(_unwrapped(list(group), depth + 1))))
            continue
        letters: list[str] = []
        for piece in group:
            if isinstance(piece.leaf, Text):
                letters.append(piece.leaf.value)
                continue
            if letters:
                inlines.append(Text("".join(letters)))
                letters = []
            inlines.append(piece.leaf)
        if letters:
            inlines.append(Text("".join(letters)))
    return inlines
