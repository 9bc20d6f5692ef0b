"""Cutting a message that is too long for its platform into several that fit, without losing a word.

A part ends after a paragraph if it can, else after a list item, a line, a sentence, a word, and inside a word
only between graphemes. A link is never cut: one that fits in no message becomes the plain words that it
stands for, and so does code. Emphasis that was open at a cut is opened again in the next part.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate

from channels.capabilities import Capabilities
from channels.graphemes import graphemes
from channels.ladder import Step, step_down
from channels.measure import measured, written
from channels.model import Body, Outbound
from channels.pieces import Cut, Piece, body_of, characters, in_place_of, pieces_of, words_of

_EMPTY = Body()
_WORTH_CUTTING = 4
"""A cut better than at a word is taken if the part is at least this fraction of what would fit."""
_SEPARATED = {Cut.BLOCK: 2, Cut.ITEM: 3}
_MARKUP_FACTOR = 8
_MARKUP_MARGIN = 64
_RESERVED_AT_MOST = 4
_FINENESS = 256
"""How many places to cut a message-long word should have; finer only costs time."""


def split_outbound(message: Outbound, capabilities: Capabilities) -> tuple[Outbound, ...]:
    """The message as one or more that fit the platform, in the order in which to send them.

    Each part carries at most one file. Files come first: a single file keeps the text as its caption if that
    fits, else files go alone and the text follows. `reply_to` and `replaces` stay with the first part;
    buttons, and the files that become links, with the last, where room is kept for the lines that `render`
    writes for them. The parts say the same words as the message, apart from white space at the cuts and
    stretches in which nothing can be seen. Raises `ValueError` if there is nothing to show.
    """
    step = step_down(message, capabilities)
    whole = written(message.body, capabilities)
    if not step.media and not step.tail and not whole.blank and whole.widest <= capabilities.text_limit:
        return (message,)
    if whole.blank and not step.tail and not step.media:
        raise ValueError("a message needs text or a file that can be seen; this one has neither")
    if whole.blank:
        message = replace(message, body=_EMPTY)
    if _is_one_part(message, step, capabilities, blank=whole.blank):
        return (message,)
    apart = step.media
    if step.tail and measured(Body(step.tail), capabilities).widest > capabilities.text_limit:
        apart = message.media  # so many lines about files that each needs a message of its own
    files = [replace(message, body=_EMPTY, actions=(), media=(item,)) for item in apart]
    rest = replace(message, media=tuple(item for item in message.media if item not in apart))
    step = step_down(rest, capabilities)
    if whole.blank and not step.tail:
        files[-1] = replace(files[-1], actions=message.actions)
        return _in_sequence(files)
    bodies = _bodies(message.body, step, capabilities)
    texts = [replace(message, body=body, actions=(), media=()) for body in bodies]
    texts[-1] = replace(rest, body=bodies[-1])
    return _in_sequence([*files, *texts])


def split_body(body: Body, *, limit: int, size: Callable[[Body], int]) -> tuple[Body, ...]:
    """Cut `body` into trees of at most `limit` by `size`; empty if there is nothing but white space.

    A piece that cannot be made to fit (a limit below one grapheme) is returned over the limit.
    """
    blocks = body.blocks
    pieces = _small_enough(
        pieces_of(body), limit=limit, fits=lambda piece: size(body_of(blocks, [piece])) <= limit
    )
    # About what each piece takes: what separates blocks and items is written too.
    lengths = [0, *accumulate(len(characters(piece)) + _SEPARATED.get(piece.cut, 0) for piece in pieces)]

    def fits(begin: int, end: int) -> bool:
        return size(body_of(blocks, pieces[begin:end])) <= limit

    bodies: list[Body] = []
    begin, expected = 0, limit
    while begin < len(pieces):
        if pieces[begin].blank:
            begin += 1
            continue
        end = _longest(lengths, begin, expected=expected, fits=fits)
        expected = lengths[end] - lengths[begin]
        end = _best_cut(pieces, lengths, begin, end)
        bodies.append(body_of(blocks, pieces[begin:end]))
        begin = end
    return tuple(bodies)


# -- the parts of a message ------------------------------------------------------------------------------


def _is_one_part(message: Outbound, step: Step, capabilities: Capabilities, *, blank: bool) -> bool:
    if len(step.media) > 1:
        return False
    body = Body((*message.body.blocks, *step.tail)) if step.tail else message.body
    limit = capabilities.caption_limit if step.media else capabilities.text_limit
    return (blank and not step.tail) or written(body, capabilities).widest <= limit


def _in_sequence(parts: Sequence[Outbound]) -> tuple[Outbound, ...]:
    return (parts[0], *(replace(part, reply_to=None, replaces=None) for part in parts[1:]))


def _bodies(body: Body, step: Step, capabilities: Capabilities) -> tuple[Body, ...]:
    """The texts of the parts; the last leaves room for the tail, or is empty if the tail is a part alone."""
    limit = capabilities.text_limit

    def size(part: Body) -> int:
        return measured(part, capabilities).widest

    def cut(whole: Body, limit: int) -> list[Body]:
        # A part of invisible characters only would be refused, and nobody misses it.
        parts = split_body(whole, limit=limit, size=size)
        return [part for part in parts if not measured(part, capabilities).blank]

    bodies = cut(body, limit)
    if not step.tail:
        return tuple(bodies)
    if not bodies:
        return (_EMPTY,)
    *before, last = bodies
    needed = size(Body((*last.blocks, *step.tail)))
    if needed <= limit:
        return tuple(bodies)
    room = limit - (needed - size(last))
    if room >= limit // _RESERVED_AT_MOST:
        again = cut(last, room)
        if size(Body((*again[-1].blocks, *step.tail))) <= limit:
            return (*before, *again)
    return (*bodies, _EMPTY)


# -- where to cut ----------------------------------------------------------------------------------------


def _longest(lengths: Sequence[int], begin: int, *, expected: int, fits: Callable[[int, int], bool]) -> int:
    """The end of the longest stretch from `begin` that fits, at least one piece.

    Begins with the guess that it is about as long as expected (as the limit, then as the part before: texts
    are alike all through), and looks around it in growing steps.
    """
    first, last = begin + 1, len(lengths) - 1
    good = min(last, max(first, bisect_right(lengths, lengths[begin] + expected) - 1))
    step = 1
    if fits(begin, good):
        while good < last and fits(begin, min(last, good + step)):
            good = min(last, good + step)
            step *= 2
        bad = min(last, good + step) if good < last else last + 1
    else:
        bad = good
        good = max(first, bad - step)
        while good > first and not fits(begin, good):
            step *= 2
            bad = good
            good = max(first, bad - step)
    while bad - good > 1:
        middle = (good + bad) // 2
        if fits(begin, middle):
            good = middle
        else:
            bad = middle
    return good


def _best_cut(pieces: Sequence[Piece], lengths: Sequence[int], begin: int, end: int) -> int:
    """The best place to end a part that may reach up to `end`."""
    if end >= len(pieces):
        return end
    worth = lengths[begin] + (lengths[end] - lengths[begin]) // _WORTH_CUTTING
    for cut in (Cut.BLOCK, Cut.ITEM, Cut.LINE, Cut.SENTENCE, Cut.WORD):
        for index in range(end, begin, -1):
            if lengths[index] < worth and cut > Cut.WORD:
                break
            if pieces[index].cut >= cut:
                return index
    return end


# -- pieces that are too long ----------------------------------------------------------------------------


def _small_enough(pieces: Sequence[Piece], *, limit: int, fits: Callable[[Piece], bool]) -> list[Piece]:
    def is_small(piece: Piece) -> bool:
        # Far below the limit, no markup can bring a piece above it: most pieces need not be measured.
        return len(characters(piece)) * _MARKUP_FACTOR + _MARKUP_MARGIN <= limit or fits(piece)

    small: list[Piece] = []
    for piece in pieces:
        if is_small(piece):
            small.append(piece)
            continue
        for word in words_of(piece):
            small += [word] if is_small(word) else _letters_of(word, limit=limit, is_small=is_small)
    return small


def _letters_of(word: Piece, *, limit: int, is_small: Callable[[Piece], bool]) -> list[Piece]:
    """A word that fits in no message: in graphemes (some at a time if the limit is large) or characters."""
    clusters = graphemes(characters(word))
    some = max(1, limit // _FINENESS)
    texts = ["".join(clusters[index : index + some]) for index in range(0, len(clusters), some)]
    small: list[Piece] = []
    for letters in in_place_of(word, texts, cut=Cut.GRAPHEME):
        if is_small(letters):
            small.append(letters)
        else:
            small += in_place_of(letters, list(characters(letters)), cut=Cut.GRAPHEME)
    return small
