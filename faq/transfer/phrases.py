"""Several questions or words in one cell: parted where they clearly are a list, left alone elsewhere."""

from __future__ import annotations

import re

_BULLET = re.compile(r"^\s*(?:[-–—•*·▪●]\s+|\(?\d{1,2}[.)]\s+)")
_LONG = 160
_SHORT = 60
_FEW_WORDS = 5


def split_questions(text: str) -> list[str]:
    """The questions of a cell: by lines, by `;`, or by ` / `; one question if it is not clear."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1:
        bullets = sum(bool(_BULLET.match(line)) for line in lines)
        plain = [_BULLET.sub("", line).strip() for line in lines]
        asking = sum(line.endswith("?") for line in plain)
        short = all(len(line) <= _SHORT and not line.endswith((",", ":", "-")) for line in plain)
        if bullets == len(lines) or asking > 1 or (asking == 0 and short):
            return [item for line in plain for item in _in_line(line)]
        return [" ".join(text.split())]
    return _in_line(_BULLET.sub("", text).strip()) if text.strip() else []


def split_phrases(text: str) -> list[str]:
    """The other wordings of a cell: as questions, and by commas where all parts are short and none asks."""
    phrases: list[str] = []
    for line in text.splitlines():
        phrases += _in_line(_BULLET.sub("", line).strip())
    if len(phrases) == 1 and "," in text and "?" not in text:
        parts = [part.strip() for part in phrases[0].split(",")]
        if all(part and len(part.split()) <= _FEW_WORDS for part in parts):
            return parts
    return phrases


def split_words(text: str) -> list[str]:
    """The keywords of a cell: by lines, `,`, `;`, `|`, ` / ` or `#`."""
    parts = re.split(r"[,;|\n\r]|\s/\s|(?:^|\s)#(?=\w)", text)
    return [word for part in parts if (word := _BULLET.sub("", part).strip())]


def _in_line(line: str) -> list[str]:
    line = " ".join(line.split())
    for mark in (";", " / ", "|"):
        parts = [part.strip() for part in line.split(mark)]
        parts = [part for part in parts if part]
        if len(parts) > 1 and all(_stands_alone(part, mark) for part in parts):
            return parts
    return [line] if line else []


def _stands_alone(part: str, mark: str) -> bool:
    words = re.findall(r"\w{2,}", part)
    enough = 2 if mark == " / " and not part.endswith("?") else 1
    return enough <= len(words) and len(part) <= _LONG and not part.endswith((",", ":"))
