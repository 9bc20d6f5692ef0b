"""What sections of the settings have in common: they are fixed, and unknown keys in them are errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """Base of all sections."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TypedEntry(Section):
    """One named thing of some kind: a channel, a helpdesk.

    It is read from the flat mapping of the file: `own` keys are ours, all others are options that the kind itself will
    validate. Options may hold secrets in clear, so they stay out of `repr`.
    """

    own: ClassVar[tuple[str, ...]] = ("type",)

    type: str = Field(min_length=1, max_length=64, description="Kind; the name of the entry if missing.")
    options: Mapping[str, Any] = Field(
        default_factory=dict, repr=False, description="Settings of the kind itself."
    )

    @model_validator(mode="before")
    @classmethod
    def _split(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        own = {key: data[key] for key in cls.own if data.get(key) is not None}
        return {**own, "options": {key: value for key, value in data.items() if key not in cls.own}}


_SETTINGS_OF_ENTRIES = ("type", "token", "url", "api_key")
"""Keys with a text that show that somebody has left out the name of the entry."""


def named(value: object) -> object:
    """Let an entry that says no `type` have its name as one. Settings that stand where names should are refused."""
    if not isinstance(value, Mapping):
        return value
    if any(isinstance(value.get(key), str) for key in _SETTINGS_OF_ENTRIES):
        raise PydanticCustomError("nameless", "settings without a name")
    entries = {}
    for name, entry in value.items():
        if entry is None:
            entries[name] = {"type": name}
        elif isinstance(entry, Mapping) and entry.get("type") is None:
            entries[name] = {**entry, "type": name}
        else:
            entries[name] = entry
    return entries
