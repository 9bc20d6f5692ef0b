"""What the command line says, in the language that was asked for or that the terminal speaks."""

from __future__ import annotations

import locale
import os
from collections.abc import Mapping

import click

from optfm_bot.i18n.catalogue import DEFAULT_LANGUAGE, Catalogue

META = "optfm_bot.language"
"""Where the context of a command keeps what `--lang` said."""

_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


class Words:
    """The command line's words in one language: `words("init.exists", path=…)`."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._catalogue = Catalogue.load("cli")

    def __call__(self, key: str, **values: object) -> str:
        """Give a text with `values` as they are. Raises `UnknownMessageError`: a mistake of ours."""
        return self._catalogue.label(key, self.language, **values)

    def count(self, key: str, n: int) -> str:
        """Give the form that goes with `n` things: `2 ошибки`."""
        return self._catalogue.plural(key, n, self.language)

    def number(self, value: float, digits: int = 1) -> str:
        """Write a number the way the language does: `1,8` or `1.8`."""
        text = f"{value:.{digits}f}"
        return text.replace(".", ",") if self.language == "ru" else text


def chosen_language() -> str | None:
    """The language that `--lang` asked for in the running command; None if it did not."""
    context = click.get_current_context(silent=True)
    value = context.meta.get(META) if context is not None else None
    return value if isinstance(value, str) else None


def current_words() -> Words:
    """The words of the running command: those of `--lang`, else those of the terminal's locale."""
    return Words(chosen_language() or locale_language(os.environ))


def locale_language(env: Mapping[str, str]) -> str:
    """Our language for a terminal: Russian where the locale is Russian or says nothing, English elsewhere."""
    name = next((env[variable] for variable in _VARIABLES if env.get(variable)), "") or _system_locale()
    code = name.partition(".")[0].partition("_")[0].lower()
    if code in {"", "c", "posix"}:
        return DEFAULT_LANGUAGE
    return "ru" if code.startswith("ru") else "en"  # Windows writes `Russian_Russia`


def _system_locale() -> str:
    try:
        return locale.getlocale()[0] or ""
    except ValueError:  # a locale whose name Python cannot read
        return ""
