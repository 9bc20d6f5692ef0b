"""The catalogue of the bot's words: one text per key and language, checked as a whole when it is loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, TypeAlias

import yaml

from optfm_bot.errors import OptfmError
from optfm_bot.i18n.markdown import escape_markdown
from optfm_bot.i18n.plural import FORMS, RULES

DEFAULT_LANGUAGE = "ru"
"""What is spoken to people whose language we do not know."""

LANGUAGES = ("ru", "en")

Message: TypeAlias = str | Mapping[str, str]
"""A text, or its plural forms by name."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the fast one is missing on some platforms
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")


class CatalogueError(OptfmError):
    """The message catalogues do not fit together."""


class UnknownMessageError(OptfmError, LookupError):
    """The code asks for a message, a plural form or a value that the catalogue does not know."""


class Catalogue:
    """What the bot says, by key and language.

    `text` is for bodies: values come from people, so they are escaped for our Markdown. `label` is for
    places without markup (buttons, menus, the terminal): values go in as they are. Neither evaluates anything
    inside a value. An unknown language is answered in Russian; an unknown key or a missing value is a mistake
    of ours: `UnknownMessageError`.
    """

    def __init__(self, messages: Mapping[str, Mapping[str, Message]]) -> None:
        _check(messages)
        self._messages = messages
        self._fixed: dict[tuple[str, str], str] = {}

    @classmethod
    def load(cls, part: str = "", languages: tuple[str, ...] = LANGUAGES) -> Catalogue:
        """Give a catalogue of this package, read and checked once per process. Raises `CatalogueError`.

        Without a `part` it holds the bot's own words; `cli` holds those of the command line, which the bot
        itself never reads. `languages` are those that the part is written in.
        """
        return _packaged(part, languages)

    def with_texts(self, texts: Mapping[str, Mapping[str, Message]]) -> Catalogue:
        """Give a catalogue that says `texts`, by language and key, instead of its own; a message is replaced whole.

        Raises `CatalogueError` if one does not fit: unknown language or key, other placeholders or plural forms, empty.
        """
        if not any(texts.values()):
            return self
        for code, own in texts.items():
            for key, message in own.items():
                reference = self._messages.get(code, {}).get(key)
                if reference is None:
                    raise CatalogueError(f"{code}: there is no {key}")
                # Against our own text: two languages that invent the same place would agree with each other.
                _check_message(code, key, message, reference)
        return Catalogue({code: {**ours, **texts.get(code, {})} for code, ours in self._messages.items()})

    def message(self, key: str, language: str | None = None) -> Message:
        """Give a message as it is written, placeholders unfilled: a text, or its plural forms."""
        return self._find(key, self.language(language))

    @property
    def keys(self) -> frozenset[str]:
        """Every key there is."""
        return frozenset(self._messages[DEFAULT_LANGUAGE])

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of the languages, the default one first."""
        return tuple(self._messages)

    def language(self, code: str | None) -> str:
        """Choose our language for a code as platforms send it (`en-US`, `RU`, None)."""
        short = re.split(r"[-_]", code.strip().lower(), maxsplit=1)[0] if code else ""
        return short if short in self._messages else DEFAULT_LANGUAGE

    def text(self, key: str, language: str | None = None, **values: object) -> str:
        """Give a text in our Markdown with `values` escaped."""
        if not values:
            return self._without_values(key, language)
        return _fill(key, self._plain(key, language), {k: escape_markdown(str(v)) for k, v in values.items()})

    def label(self, key: str, language: str | None = None, **values: object) -> str:
        """Give a text for a place without markup, with `values` as they are."""
        return self.filled(key, language, values)

    def filled(self, key: str, language: str | None, values: Mapping[str, object]) -> str:
        """Give what `label` gives; the values may have any names, also those of its own arguments."""
        if not values:
            return self._without_values(key, language)
        return _fill(key, self._plain(key, language), {k: str(v) for k, v in values.items()})

    def _without_values(self, key: str, language: str | None) -> str:
        """Give a text that is the same each time; most are, and the labels under answers are asked for all day."""
        if language is None or language not in self._messages:
            language = self.language(language)
        known = self._fixed.get((key, language))
        if known is None:
            known = self._fixed[key, language] = _fill(key, self._plain(key, language), {})
        return known

    def plural(self, key: str, n: int, language: str | None = None, **values: object) -> str:
        """Give the form of the text that goes with `n` things; `{n}` in it is the number itself."""
        code = self.language(language)
        message = self._find(key, code)
        if isinstance(message, str):
            raise UnknownMessageError(f"message {key!r} has no plural forms")
        form = message[RULES[code](n)]
        return _fill(key, form, {"n": str(n), **{k: escape_markdown(str(v)) for k, v in values.items()}})

    def _plain(self, key: str, language: str | None) -> str:
        message = self._find(key, self.language(language))
        if not isinstance(message, str):
            raise UnknownMessageError(f"message {key!r} has plural forms; ask for them by number")
        return message

    def _find(self, key: str, code: str) -> Message:
        try:
            return self._messages[code][key]
        except KeyError:
            raise UnknownMessageError(f"no message {key!r}") from None


def _fill(key: str, template: str, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        try:
            return values[match[1]]
        except KeyError:
            raise UnknownMessageError(f"message {key!r} needs a value for {match[0]}") from None

    return _PLACEHOLDER.sub(value, template)


@cache
def _packaged(part: str, languages: tuple[str, ...]) -> Catalogue:
    folder = files("optfm_bot.i18n")
    names = {code: f"{part}.{code}" if part else code for code in languages}
    return Catalogue(
        {
            code: _read(folder.joinpath(f"{name}.yaml").read_text("utf-8"), name)
            for code, name in names.items()
        }
    )


def _read(text: str, code: str) -> Mapping[str, Message]:
    loaded: object = _Loader(text).get_single_data()
    if not isinstance(loaded, dict):
        raise CatalogueError(f"{code}.yaml is not a mapping of keys to texts")
    messages: dict[str, Message] = {}
    for key, value in loaded.items():
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise CatalogueError(f"{code}.yaml: {key!r} is not a message key")
        if isinstance(value, str):
            messages[key] = value
        elif isinstance(value, dict) and all(
            isinstance(part, str) for item in value.items() for part in item
        ):
            messages[key] = MappingProxyType(value)
        else:
            raise CatalogueError(f"{code}.yaml: {key} is neither a text nor plural forms")
    return MappingProxyType(messages)


def _check(messages: Mapping[str, Mapping[str, Message]]) -> None:
    if DEFAULT_LANGUAGE not in messages:
        raise CatalogueError(f"the catalogue has no {DEFAULT_LANGUAGE!r}")
    reference = messages[DEFAULT_LANGUAGE]
    for code, own in messages.items():
        if code not in RULES:
            raise CatalogueError(f"the plural forms of {code!r} are not known")
        if difference := sorted(own.keys() ^ reference.keys()):
            raise CatalogueError(f"{code} and {DEFAULT_LANGUAGE} differ in keys: {', '.join(difference)}")
        for key, message in own.items():
            _check_message(code, key, message, reference[key])


def _check_message(code: str, key: str, message: Message, reference: Message) -> None:
    if isinstance(message, str) != isinstance(reference, str):
        raise CatalogueError(f"{code}: {key} has plural forms in one language only")
    if not isinstance(message, str) and message.keys() != FORMS[code]:
        raise CatalogueError(f"{code}: {key} needs the forms {', '.join(sorted(FORMS[code]))}")
    texts = [message] if isinstance(message, str) else list(message.values())
    if not all(text.strip() for text in texts):
        raise CatalogueError(f"{code}: {key} is empty")
    expected = _placeholders(reference if isinstance(reference, str) else next(iter(reference.values())))
    for text in texts:
        if _placeholders(text) != expected:
            raise CatalogueError(f"{code}: {key} has other placeholders than in {DEFAULT_LANGUAGE}")


def _placeholders(text: str) -> frozenset[str]:
    return frozenset(_PLACEHOLDER.findall(text))
