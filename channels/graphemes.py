"""Characters as people see them: a letter with its accents, a flag, a family emoji are one each."""

from __future__ import annotations

import unicodedata

_JOINER = "\u200d"
_NON_JOINER = "\u200c"
_MARKS = frozenset({"Mn", "Mc", "Me"})
_ELLIPSIS = "…"


def graphemes(text: str) -> list[str]:
    """Cut `text` into pieces that must not be cut further; joined together they are `text` again.

    A conservative reading of Unicode's extended grapheme clusters: when in doubt, characters stay together.
    """
    clusters: list[str] = []
    start = 0
    for index in range(1, len(text)):
        if not _belongs(text, start, index):
            clusters.append(text[start:index])
            start = index
    if start < len(text):
        clusters.append(text[start:])
    return clusters


def shorten(text: str, limit: int) -> str:
    """`text` cut to at most `limit` characters at a grapheme, an ellipsis in place of what was cut off."""
    if len(text) <= limit:
        return text
    kept, length = [], len(_ELLIPSIS)
    for cluster in graphemes(text[: limit + 64]):
        length += len(cluster)
        if length > limit:
            break
        kept.append(cluster)
    return "".join(kept).rstrip() + _ELLIPSIS


def _belongs(text: str, start: int, index: int) -> bool:
    """Whether the character at `index` continues the cluster that began at `start`."""
    previous, char = text[index - 1], text[index]
    if char < "\u0300":
        return (previous == "\r" and char == "\n") or previous == _JOINER
    if char in {_JOINER, _NON_JOINER} or previous == _JOINER or unicodedata.category(char) in _MARKS:
        return True
    if "\U0001f3fb" <= char <= "\U0001f3ff" or "\U000e0020" <= char <= "\U000e007f":
        return True  # skin tones; the tags that spell the flags of regions
    if _is_regional(char) and _is_regional(previous):
        return (index - start) % 2 == 1  # flags are pairs
    return _is_jamo_tail(char) and (_is_jamo(previous) or "\uac00" <= previous <= "\ud7a3")


def _is_regional(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _is_jamo(char: str) -> bool:
    return "\u1100" <= char <= "\u11ff"


def _is_jamo_tail(char: str) -> bool:
    return "\u1160" <= char <= "\u11ff"
