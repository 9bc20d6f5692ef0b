"""What channels, helpdesks and the store tell whoever runs the bot, in their language. English comes from the code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from channels.errors import Misconfigured
from channels.phrase import Phrase
from config.problem import Problem
from optfm_bot.i18n.catalogue import Catalogue, UnknownMessageError

TRANSLATED = ("ru",)
"""Languages that have a catalogue of hints."""


def translate(text: str, language: str) -> str:
    """Give a hint in `language`. What is no phrase of ours, as a stranger's channel may write it, stays as it is."""
    if not isinstance(text, Phrase):
        return text
    values = {name: translate(value, language) for name, value in text.values.items()}
    if language in TRANSLATED:
        try:
            return Catalogue.load("hints", TRANSLATED).filled(text.code, language, values)
        except UnknownMessageError:  # a channel of another package has phrases of its own
            pass
    return "".join(text)


def misconfigured(error: Misconfigured, *, where: str, key: str) -> Problem:
    """Write down in both languages that something cannot be made from the settings at `where`."""
    said = str(error)
    return Problem(where=where, key=key, message=said, message_ru=translate(said, "ru"))


def in_both(problems: Sequence[Problem]) -> list[Problem]:
    """Give problems of settings with the Russian of those that a channel or a helpdesk found by itself."""
    return [
        replace(problem, message_ru=translate(problem.message, "ru"))
        if isinstance(problem.message, Phrase)
        else problem
        for problem in problems
    ]
