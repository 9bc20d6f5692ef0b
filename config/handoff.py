"""Settings of the way to a person: when one is called, where they answer, and what the bot says instead of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from config.section import Section, TypedEntry, named


class HandoffSection(Section):
    """How a talk passes from the bot to a person of ours and back."""

    offer_after: int = Field(
        2,
        ge=0,
        le=100,
        description="After how many questions in a row without an answer the bot offers to call a person; 0 is never.",
    )
    answer_within: float = Field(
        30,
        ge=0,
        le=10_080,
        description="Minutes in which your people mean to answer. After them a customer who waits hears that nobody"
        " was free yet; outside your hours they are counted from the opening. 0 says nothing.",
    )
    silence: float = Field(
        4,
        ge=0,
        le=720,
        description="Hours after which the bot says sorry for a person who began to answer and stopped; 0 is never.",
    )
    human_hours: float = Field(
        24,
        gt=0,
        le=8_760,
        description="Hours without a word after which a talk with a person is over and the bot answers again.",
    )
    queue_days: float = Field(
        7,
        gt=0,
        le=365,
        description="Days that a customer stays in the queue if nobody answers; then the bot answers again.",
    )
    wrapped_hours: float = Field(
        24,
        gt=0,
        le=8_760,
        description="Hours for which the bot remembers that a person has finished the talk.",
    )
    reopen_days: float = Field(
        7,
        ge=0,
        le=3_650,
        description="Days in which a customer who calls a person again gets the ticket that was closed, with all that"
        " was said in it; 0 opens a new ticket each time.",
    )
    form_hours: float = Field(
        24,
        gt=0,
        le=8_760,
        description="Hours for which a form that was begun waits for the next answer. Then the person is told, and may"
        " go on with it for as long again.",
    )


# -- the helpdesk ----------------------------------------------------------------------------------------


class HelpdeskEntry(TypedEntry):
    """Where people of ours answer: the kind of helpdesk, and options that its kind will validate."""

    type: str = Field(
        min_length=1, max_length=64, description="Kind of helpdesk; the name of the entry if missing."
    )


def _at_most_one(helpdesks: dict[str, HelpdeskEntry]) -> dict[str, HelpdeskEntry]:
    if len(helpdesks) > 1:
        raise PydanticCustomError("one_helpdesk", "several helpdesks", {"names": ", ".join(helpdesks)})
    return helpdesks


Helpdesks = Annotated[
    dict[str, HelpdeskEntry],
    BeforeValidator(named),
    AfterValidator(_at_most_one),
    Field(json_schema_extra={"maxProperties": 1}),
]
"""The helpdesk by its name; nothing for none."""


# -- the bot's words -------------------------------------------------------------------------------------


def _message(value: object) -> str | Mapping[str, str]:
    """Take a text, or its plural forms by name; what says nothing is an empty text, which is refused later."""
    match value:
        case None:
            return ""
        case str():
            return value.strip()
        case Mapping() if value and all(isinstance(text, str) for text in value.values()):
            return {str(form): text.strip() for form, text in value.items()}
    raise PydanticCustomError("message_shape", "no message")


def _nothing(value: object) -> object:
    return {} if value is None else value


_Message = Annotated[
    str | Mapping[str, str],
    PlainValidator(_message),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}]}
    ),
]
_Messages = Annotated[Mapping[str, _Message], BeforeValidator(_nothing)]

MessageTexts = Mapping[str, _Messages]
"""What the bot says instead of its own words: texts by language and key."""
