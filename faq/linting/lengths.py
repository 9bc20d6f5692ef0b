"""Answers that are longer than one message of a channel. Pure; what a channel counts is told from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from faq.entry import FaqEntry, base_language
from faq.linting.contents import answers_of
from faq.linting.finding import Code, Facts, Finding, finding

USUAL_LIMIT = 4_096
"""What a message takes where no channel is named."""
_LANGUAGE = 2
"""Letters of a language code: a key of `answers` that is neither this nor a channel here is a channel elsewhere."""
_HINT = "shorten it, or write a shorter one for the channel under `answers:`"


@dataclass(frozen=True, slots=True)
class Limit:
    """How much one message of a channel takes; `kind` is its type, the less specific name in `answers`.

    `length` is how the channel counts a text, for those that leave markup out of the count or count other units.
    """

    characters: int
    kind: str = ""
    length: Callable[[str], int] = len


def long_answers(entry: FaqEntry, limits: Mapping[str, Limit] | None) -> Iterator[Finding]:
    """Answers that do not fit in one message, each with the channels of which that is true.

    A channel cuts nothing off: it sends the text in several messages. Without limits every answer is held against
    `USUAL_LIMIT`.
    """
    if limits is None:
        for field, text in answers_of(entry).items():
            if len(text) > USUAL_LIMIT:
                message = f"the answer has {len(text)} characters, more than {USUAL_LIMIT}"
                hint = "shorten it; long texts are sent in several messages"
                facts: Facts = {"length": len(text), "limit": USUAL_LIMIT}
                yield finding(Code.LONG_ANSWER, entry, field, message, hint, facts=facts)
        return
    too_long: dict[str, list[str]] = {}
    for channel, limit in limits.items():
        for field, text in _shown(entry, channel, limit.kind).items():
            length = limit.length(text)
            if length > limit.characters:
                too_long.setdefault(field, []).append(f"{channel}: {length} > {limit.characters}")
    for field, places in too_long.items():
        where = ", ".join(places)
        message = f"the answer does not fit in one message and is sent in several ({where})"
        yield finding(Code.LONG_ANSWER, entry, field, message, _HINT, facts={"channels": where})


def _shown(entry: FaqEntry, channel: str, kind: str) -> dict[str, str]:
    """The answers that a channel shows to anybody, by field."""
    names = [name for name in dict.fromkeys((channel, kind)) if name]
    languages = {entry.language, *(key.rpartition(".")[2] for key in entry.answers)}
    codes = sorted(code for code in languages if len(base_language(code)) == _LANGUAGE)
    texts = {entry.answer_for(names, code) for code in (*codes, "")}
    return {field: text for field, text in answers_of(entry).items() if text in texts}
