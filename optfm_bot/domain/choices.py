"""What a button means. The platform sees a short token; the meaning is kept with the message in our history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeAlias

import orjson

from channels.values import dataclass


@dataclass(frozen=True, slots=True)
class OpenEntry:
    """Answer with this entry."""

    entry_id: str


@dataclass(frozen=True, slots=True)
class OpenTopics:
    """List the categories, this page of them (from 0)."""

    page: int = 0


@dataclass(frozen=True, slots=True)
class OpenCategory:
    """List the questions of a category (None: those without one), this page of them (from 0)."""

    category_id: str | None
    page: int = 0


@dataclass(frozen=True, slots=True)
class NoneOfThese:
    """None of the offered questions is the one that was meant."""


@dataclass(frozen=True, slots=True)
class Rate:
    """An opinion on the answer that carries the button: 1 helped, -1 did not."""

    value: int
    entry_id: str
    entry_version: str


@dataclass(frozen=True, slots=True)
class SpeakLanguage:
    """Talk to this person in that language from now on."""

    code: str


@dataclass(frozen=True, slots=True)
class CallPerson:
    """Let a person of ours answer."""


@dataclass(frozen=True, slots=True)
class NoPerson:
    """No person is needed."""


@dataclass(frozen=True, slots=True)
class BeginForm:
    """Fill in this form."""

    form: str


@dataclass(frozen=True, slots=True)
class FormInput:
    """What is said to the form that is being filled in, at that step of it."""

    step: str
    text: str


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Take this request back."""

    request_id: int


Meaning: TypeAlias = (
    OpenEntry
    | OpenTopics
    | OpenCategory
    | NoneOfThese
    | Rate
    | SpeakLanguage
    | CallPerson
    | NoPerson
    | BeginForm
    | FormInput
    | CancelRequest
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A button before it has a token: a label, and a meaning, an outside address, or a question for the contact."""

    label: str
    meaning: Meaning | None = None
    url: str | None = None
    ask_contact: bool = False


@dataclass(frozen=True, slots=True)
class KeptChoice:
    """What is remembered of a button."""

    label: str
    meaning: Meaning


def encode(choices: Sequence[KeptChoice]) -> str:
    """Write choices as compact JSON; `decode` reads it back."""
    return orjson.dumps([[choice.label, *_parts(choice.meaning)] for choice in choices]).decode()


def decode(text: str) -> tuple[KeptChoice, ...]:
    """Read what `encode` wrote. Raises `ValueError` for anything else."""
    try:
        return tuple(KeptChoice(label, _meaning(kind, rest)) for label, kind, *rest in orjson.loads(text))
    except (TypeError, ValueError, KeyError) as error:
        raise ValueError(f"not a list of choices: {text[:80]!r}") from error


_KINDS: Mapping[str, type[Meaning]] = {
    "entry": OpenEntry,
    "topics": OpenTopics,
    "category": OpenCategory,
    "none": NoneOfThese,
    "rate": Rate,
    "language": SpeakLanguage,
    "person": CallPerson,
    "no_person": NoPerson,
    "form": BeginForm,
    "input": FormInput,
    "cancel_request": CancelRequest,
}


def _meaning(kind: str, rest: list[Any]) -> Meaning:
    return _KINDS[kind](*rest)


_NAMES = {kind: name for name, kind in _KINDS.items()}
_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in _NAMES}


def _parts(meaning: Meaning) -> list[Any]:
    kind = type(meaning)
    return [_NAMES[kind], *(getattr(meaning, name) for name in _FIELDS[kind])]
