"""Plural forms of the languages that the house speaks, by the rules of the Unicode CLDR for whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType


def russian(n: int) -> str:
    """Name the form: one (1, 21), few (2, 34), many (5, 11, 112)."""
    n = abs(n)
    if n % 10 == 1 and n % 100 != 11:  # noqa: PLR2004 - eleven is the exception of the rule
        return "one"
    if 2 <= n % 10 <= 4 and not 12 <= n % 100 <= 14:  # noqa: PLR2004 - the rule itself
        return "few"
    return "many"


def english(n: int) -> str:
    """Name the form: one (1), other (everything else)."""
    return "one" if abs(n) == 1 else "other"


RULES: Mapping[str, Callable[[int], str]] = MappingProxyType({"ru": russian, "en": english})
FORMS: Mapping[str, frozenset[str]] = MappingProxyType(
    {"ru": frozenset({"one", "few", "many"}), "en": frozenset({"one", "other"})}
)
