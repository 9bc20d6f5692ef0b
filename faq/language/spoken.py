"""Spoken and chat spellings of ordinary words, and phrases of small talk: data that are kept as readable files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@cache
def spoken_words() -> Mapping[str, str]:
    """What a folded word of chats stands for: «скока» is «сколько», «лк» is «личный кабинет»."""
    loaded = _load("spoken.yaml")
    return MappingProxyType({str(key): str(value) for part in loaded.values() for key, value in part.items()})


@cache
def chat_phrases() -> tuple[tuple[str, str], ...]:
    """Kinds and phrases of small talk, as they are typed, in all languages."""
    kinds = _load("chat.yaml")["kinds"]
    return tuple(
        (str(kind), str(phrase))
        for kind, languages in kinds.items()
        for own in languages.values()
        for phrase in own
    )


def _load(name: str) -> dict[str, dict[str, dict[str, list[str]]]]:
    import yaml  # noqa: PLC0415 - `import faq` stays cheap

    text = files("faq").joinpath("data", name).read_text("utf-8")
    loader = (
        yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    )  # ten times faster where libyaml is
    data: dict[str, dict[str, dict[str, list[str]]]] = yaml.load(text, loader)  # noqa: S506 - both are safe loaders
    return data
