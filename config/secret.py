"""A secret value that masks itself wherever it is printed."""

from __future__ import annotations

from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

_MASK = "••••"


class Secret:
    """A string that only `reveal()` shows.

    `str`, `repr`, formatting, logging and JSON all give the mask, so a secret cannot leak by being printed.
    Two secrets are equal when their values are; a secret is hashable and false when empty.
    Surrounding white space (a file's trailing newline) is removed.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value.strip()

    def reveal(self) -> str:
        """Give the value itself. Call it only where the value leaves for the service it belongs to."""
        return self._value

    def masked(self) -> str:
        """Give a hint for people: the last four characters of a long secret, the bare mask of a short one."""
        tail = self._value[-4:] if len(self._value) >= 12 else ""  # noqa: PLR2004 - shorter ones would be given away
        return f"{_MASK}{tail}"

    def __repr__(self) -> str:
        return f"Secret({_MASK})"

    def __str__(self) -> str:
        return _MASK

    def __format__(self, spec: str) -> str:
        return format(_MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> Any:
        raise TypeError("a Secret is not pickled; pass the setting's source instead")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Accept a string or a Secret in settings, and serialise to the mask only."""
        del source, handler
        return core_schema.no_info_plain_validator_function(
            cls._read, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe the field to forms and editors as a password that is written and never read."""
        del schema, handler
        return {"type": "string", "format": "password", "writeOnly": True}

    @classmethod
    def _read(cls, value: object) -> Secret:
        if isinstance(value, Secret):
            return value
        if isinstance(value, str):
            return cls(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return cls(str(value))  # YAML reads an all-digit secret as a number
        raise ValueError("must be a text value")
