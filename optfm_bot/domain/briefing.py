"""The briefing: what an agent reads when a person is called, so that nobody is asked twice. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from optfm_bot.domain.words import Words

_MOST = 6000
"""Characters; of a longer talk the last words are what matters."""
_LINE = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message of the talk so far: `by` is `customer`, `bot` or `agent`, `clock` the time of day as people read it.

    `entry` is the question of the entry that answered, if one did; `name` is what the customer is called in a group.
    """

    by: str
    clock: str
    text: str = field(repr=False)
    entry: str | None = None
    name: str = field(default="", repr=False)


def briefing(lines: Sequence[Line], nearest: Sequence[str], words: Words, language: str) -> str:
    """The talk so far, and `nearest`: questions that the bot took for the nearest ones when it had no answer."""
    parts: list[str] = []
    size = 0
    for line in reversed(lines):
        text = " ".join(line.text.split())
        text = text if len(text) <= _LINE else f"{text[: _LINE - 1]}…"
        who = line.name or words.label(f"desk.by.{line.by}", language)
        because = f" [{line.entry}]" if line.entry is not None else ""
        written = f"{line.clock} {who}: {text}{because}"
        size += len(written) + 1
        if size > _MOST:
            parts.append("…")
            break
        parts.append(written)
    told = [words.label("desk.briefing", language), *reversed(parts)]
    if nearest:
        told += ["", words.label("desk.nearest", language), *(f"- {question}" for question in nearest)]
    return "\n".join(told)
