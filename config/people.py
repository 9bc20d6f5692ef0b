"""Settings of what people of ours do: their hours, the forms they are asked with, and how they are told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from config.secret import Secret
from config.section import Section

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""How days are written in the file."""

_DAY_OF: Mapping[str, int] = {
    **{name: number for number, name in enumerate(WEEKDAYS)},
    **{name: number for number, name in enumerate(("пн", "вт", "ср", "чт", "пт", "сб", "вс"))},
}
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])|(24):(00)")
_MINUTES = 24 * 60
_MOST_STEPS = 30
_BRACES = re.compile(r"\{[^{}]*\}")
_NUMBER = "{number}"
_LANGUAGES = frozenset({"ru", "en"})


# -- hours -----------------------------------------------------------------------------------------------


def weekdays(text: str) -> tuple[int, ...]:
    """Read `mon-fri` or `sat, sun` as numbers of days, Monday is 0. Raises `ValueError` for anything else."""
    days: list[int] = []
    for part in text.casefold().replace("–", "-").split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        try:
            begin, end = _DAY_OF[first], _DAY_OF[last if dash else first]
        except KeyError:
            raise ValueError("not days of the week") from None
        days += [(begin + step) % 7 for step in range((end - begin) % 7 + 1)]
    return tuple(days)


def intervals(text: str) -> tuple[tuple[int, int], ...]:
    """Read `09:00-13:00, 14:00-18:00` as minutes of the day. Raises `ValueError` for anything else."""
    found = []
    for part in text.replace("–", "-").split(","):
        first, _, last = part.partition("-")
        start, end = _minutes(first), _minutes(last)
        if start in {end, _MINUTES}:
            raise ValueError("no time between them")
        found.append((start, end))
    return tuple(found)


def _minutes(text: str) -> int:
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise ValueError("not a time of day")
    hours, minutes = match[1] or match[3], match[2] or match[4]
    return int(hours) * 60 + int(minutes)


def _days_key(text: str) -> str:
    try:
        weekdays(text)
    except ValueError:
        raise PydanticCustomError("hours_days", "not days of the week") from None
    return text


def _spans(value: object) -> tuple[str, ...]:
    """Take one text or a list of them."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise PydanticCustomError("hours_span", "not hours")
    try:
        spans = sorted(_forward(*span) for text in texts for span in intervals(text))
    except ValueError:
        raise PydanticCustomError("hours_span", "not hours") from None
    if any(end > start for (_, end), (start, _) in pairwise(spans)):
        raise PydanticCustomError("hours_overlap", "hours overlap")
    return tuple(texts)


def _forward(start: int, end: int) -> tuple[int, int]:
    return start, end if end > start else end + _MINUTES


def _whole_week(days: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    seen: set[int] = set()
    for key in days:
        for day in weekdays(key):
            if day in seen:
                raise PydanticCustomError("hours_twice", "a day twice", {"day": WEEKDAYS[day]})
            seen.add(day)
    return days


def _day(value: object) -> object:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise PydanticCustomError("date", "not a date") from None


def _country(code: str) -> str:
    import holidays  # noqa: PLC0415 - who names no country does not wait for it

    known = holidays.list_supported_countries(include_aliases=False)
    if code.upper() not in known:
        raise PydanticCustomError("country", "no holidays of that country are known")
    return code.upper()


def _timezone(name: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - the default zone needs no look-up

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PydanticCustomError("timezone", "no such time zone") from None
    return name


_Spans = Annotated[
    tuple[str, ...],
    PlainValidator(_spans),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
_Day = Annotated[date, BeforeValidator(_day)]


class HoursSection(Section):
    """When people of ours are there. Without anything: always."""

    days: Annotated[
        Mapping[Annotated[str, AfterValidator(_days_key)], _Spans], AfterValidator(_whole_week)
    ] = Field(
        default_factory=dict,
        description="Hours by days: `mon-fri: 09:00-18:00`, with a break `sat: [10:00-13:00, 14:00-16:00]`; a day that"
        " is missing is closed. Empty: at all times.",
    )
    holidays: Annotated[str, AfterValidator(_country)] | None = Field(
        None,
        description="Country whose public holidays are closed and whose moved working days are open, such as `RU`.",
    )
    days_off: tuple[_Day, ...] = Field((), description="More dates that are closed: `2026-12-30`.")
    working_days: tuple[_Day, ...] = Field(
        (), description="Dates that are open whatever the week and the country say."
    )
    timezone: Annotated[str, AfterValidator(_timezone)] | None = Field(
        None, description="Time zone of these hours; empty is `agent.timezone`."
    )

    @model_validator(mode="after")
    def _no_contradiction(self) -> Self:
        both = sorted(set(self.days_off) & set(self.working_days))
        if both:
            raise PydanticCustomError("day_both", "off and working", {"day": both[0].isoformat()})
        return self


# -- forms -----------------------------------------------------------------------------------------------


def _texts(value: object) -> Mapping[str, str]:
    """Take one text for all languages, or one for each."""
    if isinstance(value, str) and value.strip():
        return {"": value.strip()}
    if (
        isinstance(value, Mapping)
        and value
        and (value.keys() <= _LANGUAGES or value.keys() == {""})
        and all(isinstance(text, str) and text.strip() for text in value.values())
    ):
        return {str(code): text.strip() for code, text in value.items()}
    raise PydanticCustomError("texts", "not words")


Texts = Annotated[
    Mapping[str, str],
    PlainValidator(_texts),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {"ru": {"type": "string"}, "en": {"type": "string"}},
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
"""Words of the owner by language; `""` is any."""


class FormStepSection(Section):
    """One question of a form."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,31}$", description="Name under which the answer is kept and exported."
    )
    kind: Literal["name", "phone", "email", "text", "choice"] = Field(
        "text", description="What is asked for; the answer is checked accordingly."
    )
    required: bool = Field(default=True, description="Whether the question cannot be skipped.")
    label: Texts | None = Field(
        None, description="What the answer is called in the summary; empty takes our word for the kind."
    )
    prompt: Texts | None = Field(None, description="The question; empty takes ours for the kind.")
    max_length: int = Field(1000, ge=1, le=4000, description="Characters of an answer that are accepted.")
    options: tuple[Texts, ...] = Field((), description="What can be chosen, for the kind `choice`.")

    @model_validator(mode="after")
    def _options_fit(self) -> Self:
        if self.kind == "choice" and not self.options:
            raise PydanticCustomError("choice_without_options", "no options")
        if self.kind != "choice" and self.options:
            raise PydanticCustomError("options_without_choice", "options of another kind")
        seen: set[str] = set()
        for text in (text.casefold() for option in self.options for text in set(option.values())):
            if text in seen:
                raise PydanticCustomError("option_twice", "an option twice", {"option": text[:40]})
            seen.add(text)
        return self


def _some_steps(steps: tuple[FormStepSection, ...]) -> tuple[FormStepSection, ...]:
    if not 1 <= len(steps) <= _MOST_STEPS:
        raise PydanticCustomError("steps", "no or too many steps", {"limit": _MOST_STEPS})
    return steps


def _thanks(texts: Mapping[str, str]) -> Mapping[str, str]:
    unknown = {place for text in texts.values() for place in _BRACES.findall(text)} - {_NUMBER}
    if unknown:
        context = {"names": ", ".join(sorted(unknown)), "known": _NUMBER}
        raise PydanticCustomError("text_unknown", "nothing to put there", context)
    return texts


class FormSection(Section):
    """What is asked for a request, one question after the other."""

    title: Texts = Field(description="What the request is called.")
    steps: Annotated[tuple[FormStepSection, ...], AfterValidator(_some_steps)] = Field(
        description="The questions, 1 to 30."
    )
    thanks: Annotated[Texts, AfterValidator(_thanks)] | None = Field(
        None, description="What is said when it is sent; `{number}` becomes the request's number."
    )
    category: str = Field(
        "", max_length=64, description="Category by which `notify.assign: category` finds a manager."
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if name := _first_twice(step.name for step in self.steps):
            raise PydanticCustomError("step_twice", "a step twice", {"name": name})
        return self


def _form_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", name):
        raise PydanticCustomError("form_name", "not a name")
    return name


Forms = Mapping[Annotated[str, AfterValidator(_form_name)], FormSection]
"""Forms by name."""


# -- telling managers ------------------------------------------------------------------------------------


class ManagerSection(Section):
    """One of our own people who takes care of requests."""

    name: str = Field(min_length=1, max_length=64, description="Name under which requests are assigned.")
    urls: tuple[Secret, ...] = Field((), description="Where they are told, as in `notify.urls`.")
    categories: tuple[str, ...] = Field(
        (), description="Categories of forms that they know of; empty is any."
    )
    hours: HoursSection | None = Field(
        None, description="When they are there, keys as in `hours`; empty is always."
    )


class NotifySection(Section):
    """Who is told of a new request."""

    urls: tuple[Secret, ...] = Field(
        (),
        description="Addresses of apprise (`mailto://…`, `tgram://…`) that hear of requests nobody else is told of.",
    )
    managers: tuple[ManagerSection, ...] = Field((), description="People who take care of requests.")
    assign: Literal["none", "round_robin", "category"] = Field(
        "none",
        description="How a new request gets its manager: not at all, in turn, or in turn among those who know of its"
        " category.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if name := _first_twice(manager.name for manager in self.managers):
            raise PydanticCustomError("manager_twice", "a manager twice", {"name": name})
        if self.assign != "none" and not self.managers:
            raise PydanticCustomError("nobody_to_assign", "no managers")
        return self


def _first_twice(names: Iterator[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
