"""What the cells of a column look like, without knowing what they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from faq.transfer.table import Row
from faq.wording import ASKING_WORDS

SAMPLE = 300
"""Rows that are looked at."""


@dataclass(frozen=True, slots=True)
class Stats:
    """What the cells of a column look like. All but `filled` are shares or means over the cells with text."""

    number: int
    filled: float = 0.0
    asks: float = 0.0
    length: float = 0.0
    unique: float = 0.0
    numbers: float = 0.0
    codes: float = 0.0
    lists: float = 0.0
    count: int = 0

    @classmethod
    def of(cls, number: int, rows: Sequence[Row]) -> Stats:
        """Look at the first rows of a column."""
        sample = rows[:SAMPLE]
        texts = [text for row in sample if (text := row.cell(number).strip())]
        if not texts:
            return cls(number)
        total = len(texts)
        return cls(
            number,
            filled=total / len(sample),
            asks=sum(map(_asks, texts)) / total,
            length=sum(map(len, texts)) / total,
            unique=len(set(texts)) / total,
            numbers=sum(text.isdigit() for text in texts) / total,
            codes=sum(bool(re.fullmatch(r"[A-Za-z][\w.-]{0,63}", text)) for text in texts) / total,
            lists=sum(map(_is_list, texts)) / total,
            count=total,
        )


def _asks(text: str) -> bool:
    words = re.findall(r"\w+", text[:80].casefold().replace("ё", "е"))
    return text.endswith("?") or bool(words and len(text) < 200 and words[0] in ASKING_WORDS)  # noqa: PLR2004 - a longer text tells something


def _is_list(text: str) -> bool:
    parts = [part for part in re.split(r"[,;\n#]", text) if part.strip()]
    return len(parts) > 1 and all(len(part.split()) <= 3 for part in parts)  # noqa: PLR2004 - a keyword has few words
