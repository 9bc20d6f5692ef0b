"""Reading a JSON object strictly: each field is asked for by name and type, and what is left over is refused.

The sources are silent about unknown fields; this fake refuses them, because a misspelt one is a bug that
nobody would notice otherwise. Null is "not given" wherever a field is not required.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from channels.testing.max_server.refusal import unreadable


class Fields:
    """One JSON object of a request; `where` names it in refusals."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise unreadable(f"{where} is an object")
        self.where = where
        self.given: Mapping[str, Any] = {name: one for name, one in value.items() if one is not None}
        self._asked: set[str] = set()

    def any(self, name: str, *, required: bool = False) -> Any:
        """The value as it is, or None."""
        self._asked.add(name)
        value = self.given.get(name)
        if value is None and required:
            raise unreadable(f"{self.where}.{name} is required")
        return value

    def text(self, name: str, *, least: int = 0, most: int = 10**9, required: bool = False) -> str | None:
        """A string with that many characters, or None."""
        value = self.any(name, required=required)
        if value is None:
            return None
        if not isinstance(value, str):
            raise unreadable(f"{self.where}.{name} is a string")
        if not least <= len(value) <= most:
            raise unreadable(f"{self.where}.{name} has {least} to {most} characters")
        return value

    def required_text(self, name: str, *, least: int = 0, most: int = 10**9) -> str:
        """A string that has to be there."""
        return self.text(name, least=least, most=most, required=True) or ""

    def flag(self, name: str) -> bool | None:
        """True or false, or None."""
        value = self.any(name)
        if value is not None and not isinstance(value, bool):
            raise unreadable(f"{self.where}.{name} is a boolean")
        return value

    def number(self, name: str) -> int | None:
        """A whole number, or None."""
        value = self.any(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise unreadable(f"{self.where}.{name} is an integer")
        return value

    def real(self, name: str) -> float:
        """A number that has to be there."""
        value = self.any(name, required=True)
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise unreadable(f"{self.where}.{name} is a number")
        return float(value)

    def items(self, name: str, *, most: int, required: bool = False) -> list[Any] | None:
        """A list of at most so many, or None."""
        value = self.any(name, required=required)
        if value is None:
            return None
        if not isinstance(value, list):
            raise unreadable(f"{self.where}.{name} is a list")
        if len(value) > most:
            raise unreadable(f"{self.where}.{name} has at most {most} items")
        return value

    def object(self, name: str, *, required: bool = False) -> Fields | None:
        """An object inside this one, or None."""
        value = self.any(name, required=required)
        return None if value is None else Fields(value, f"{self.where}.{name}")

    def required_object(self, name: str) -> Fields:
        """An object that has to be there."""
        return Fields(self.any(name, required=True), f"{self.where}.{name}")

    def end(self) -> None:
        """Refuse the fields that nobody asked for."""
        if unknown := self.given.keys() - self._asked:
            raise unreadable(f"unknown field {min(unknown)!r} in {self.where}")
