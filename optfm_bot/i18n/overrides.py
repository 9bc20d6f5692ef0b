"""Texts that the owner of a bot has written over ours: whether they fit, told with the place of each mistake. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from config.messages import problem
from config.problem import KeyPath, Problem, dotted
from config.validate import Locate
from optfm_bot.i18n.catalogue import Catalogue, Message
from optfm_bot.i18n.plural import FORMS

SECTION = "texts"
"""Where they stand in the settings."""

_BRACES = re.compile(r"\{[^{}]*\}")
"""Whatever looks like a place for a value: one that is misspelt would be shown to customers as it is."""


def check_texts(
    texts: Mapping[str, Mapping[str, Message]], catalogue: Catalogue, *, locate: Locate
) -> list[Problem]:
    """Give every problem that `Catalogue.with_texts` would refuse, and values that nobody would put in."""
    return [found for language, own in texts.items() for found in _language(language, own, catalogue, locate)]


def _language(
    language: str, texts: Mapping[str, Message], catalogue: Catalogue, locate: Locate
) -> Iterator[Problem]:
    path: KeyPath = (SECTION, language)
    if language not in catalogue.languages:
        names = ", ".join(catalogue.languages)
        yield problem(
            "text_language", where=locate(path), key=dotted(path), hint="texts_example", names=names
        )
        return
    for key, text in texts.items():
        yield from _message(language, key, text, catalogue, locate)


def _message(
    language: str, key: str, message: Message, catalogue: Catalogue, locate: Locate
) -> Iterator[Problem]:
    path: KeyPath = (SECTION, language, key)
    where, name = locate(path), dotted(path)
    if key not in catalogue.keys:
        inside = [] if isinstance(message, str) else [f"{key}.{part}" for part in message]
        close = [one for one in inside if one in catalogue.keys]  # `handoff:` with `queued:` under it
        close = close or get_close_matches(key.lower(), catalogue.keys, n=1, cutoff=0.6)
        hint, nearest = ("nearest", close[0]) if close else ("texts_page", "")
        yield problem("text_key", where=where, key=name, hint=hint, name=nearest)
        return
    ours = catalogue.message(key, language)
    if isinstance(message, str) and isinstance(ours, str):
        yield from _text(message, ours, where=where, name=name)
    elif isinstance(ours, str):
        yield problem("text_plain", where=where, key=name)
    elif isinstance(message, str) or message.keys() != FORMS[language]:
        yield problem("text_forms", where=where, key=name, names=", ".join(ours))
    else:
        for form, text in message.items():
            place = (*path, form)
            yield from _text(text, ours[form], where=locate(place), name=dotted(place))


def _text(text: str, ours: str, *, where: str, name: str) -> Iterator[Problem]:
    if not text.strip():
        yield problem("text_empty", where=where, key=name)
        return
    wanted, given = _places(ours), _places(text)
    if missing := [place for place in wanted if place not in given]:
        yield problem("text_missing", where=where, key=name, names=", ".join(missing))
    if unknown := [place for place in given if place not in wanted]:
        hint = "places" if wanted else ""
        yield problem(
            "text_unknown",
            where=where,
            key=name,
            hint=hint,
            names=", ".join(unknown),
            known=", ".join(wanted),
        )


def _places(text: str) -> list[str]:
    return list(dict.fromkeys(_BRACES.findall(text)))
