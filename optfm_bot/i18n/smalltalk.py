"""Phrases of small talk, per language: greetings, thanks, good-byes, calls for a person, yes and no."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import yaml

from optfm_bot.errors import OptfmError

_NOT_WORD = re.compile(r"[^\w]+|_+")


class SmalltalkError(OptfmError):
    """The file of small talk is not what it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """What people say besides questions, in one language; every phrase is folded."""

    greetings: frozenset[str]
    thanks: frozenset[str]
    goodbyes: frozenset[str]
    how_are_you: frozenset[str]
    operator: frozenset[str]
    yes: frozenset[str]
    no: frozenset[str]

    def kind(self, text: str) -> str | None:
        """Name the group that `text` is a phrase of, or None for anything else."""
        folded = fold(text)
        for name in ("operator", "greetings", "thanks", "goodbyes", "how_are_you", "yes", "no"):
            if folded in getattr(self, name):
                return name
        return None


def fold(text: str) -> str:
    """Give the words of `text` in lower case, ё as е, joined by single spaces, without punctuation and emoji.

    >>> fold("  Спасибо, всё ПОНЯТНО!! 🙏")
    'спасибо все понятно'
    """
    lowered = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    return " ".join(_NOT_WORD.sub(" ", lowered).split())


@cache
def load_smalltalk() -> Mapping[str, Phrases]:
    """Give the phrases of this package by language code, read once per process. Raises `SmalltalkError`."""
    loaded: object = yaml.safe_load(files("optfm_bot.i18n").joinpath("smalltalk.yaml").read_text("utf-8"))
    if not isinstance(loaded, dict):
        raise SmalltalkError("smalltalk.yaml is not a mapping of languages")
    return MappingProxyType({str(code): _phrases(str(code), groups) for code, groups in loaded.items()})


def _phrases(code: str, groups: object) -> Phrases:
    names = set(Phrases.__dataclass_fields__)
    if not isinstance(groups, dict) or groups.keys() != names:
        raise SmalltalkError(f"smalltalk.yaml: {code} needs exactly {', '.join(sorted(names))}")
    read: dict[str, frozenset[str]] = {}
    for name, phrases in groups.items():
        if not isinstance(phrases, list) or not all(isinstance(item, str) and fold(item) for item in phrases):
            raise SmalltalkError(f"smalltalk.yaml: {code}.{name} is not a list of phrases")
        read[str(name)] = frozenset(map(fold, phrases))
    return Phrases(**read)
