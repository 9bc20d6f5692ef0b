"""How far a form is filled in, and how that is kept. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

SUMMARY = "*summary"
"""Where a person is when everything is answered; no step has such a name."""

CHANGE = "*change"
"""Where a person is while they say which answer to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormState:
    """How far a form is filled in: answers by step (empty: skipped), the step that is asked now, since when (ms).

    `editing`: the step is asked a second time, and after it comes the summary again.
    """

    form: str
    at: str
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    editing: bool = False
    began_at: int = 0


def dump(state: FormState) -> dict[str, Any]:
    """Write a state as plain data for JSON."""
    return {
        "form": state.form,
        "at": state.at,
        "values": dict(state.values),
        "editing": state.editing,
        "began_at": state.began_at,
    }


def load(data: Mapping[str, Any]) -> FormState:
    """Read what `dump` wrote. Raises `ValueError` for anything else."""
    try:
        return FormState(
            form=str(data["form"]),
            at=str(data["at"]),
            values={str(name): str(value) for name, value in data["values"].items()},
            editing=bool(data["editing"]),
            began_at=int(data["began_at"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not the state of a form") from error
