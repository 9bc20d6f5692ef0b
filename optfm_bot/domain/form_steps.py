"""What a form asks, step by step, and what counts as an answer to each kind of step. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from optfm_bot.domain.words import Words

_ANY = ""
"""The language of a text that is the same in all."""


class StepKind(StrEnum):
    """What a step asks for."""

    NAME = "name"
    PHONE = "phone"
    EMAIL = "email"
    TEXT = "text"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Words of the owner by language (`""` is any), or else a key of our catalogue. Plain text, never markup."""

    key: str = ""
    own: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def plain(self, words: Words, language: str) -> str:
        """The words in a language, in the first one there is if it is missing."""
        if not self.own:
            return words.label(self.key, language)
        return self.own.get(language) or self.own.get(_ANY) or next(iter(self.own.values()))

    @property
    def name(self) -> str:
        """The words that are kept: the same whichever language was spoken."""
        return self.own.get(_ANY) or next(iter(self.own.values()), self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One question of a form. `options` are for a choice, and only for that."""

    name: str
    kind: StepKind
    label: Label
    prompt: Label
    required: bool = True
    max_length: int = 1000
    options: tuple[Label, ...] = ()

    @property
    def counted(self) -> bool:
        """Whether a number that is typed stands for its place in a list: not where it may be the answer itself."""
        if self.kind is not StepKind.CHOICE:
            return False
        return not any(_number(text) for option in self.options for text in option.own.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What is asked for a request. The names of its steps differ, and there is at least one.

    `thanks` stands for our own words when it has any; `{number}` in it is the request's. `category` leads to managers.
    `region` is the country of phone numbers that are written without one.
    """

    name: str
    title: Label
    steps: tuple[Step, ...]
    thanks: Label = Label(key="form.thanks")
    category: str = ""
    region: str = "RU"

    def step(self, name: str) -> Step | None:
        """The step of that name; None if the form has no such step (any more)."""
        return next((step for step in self.steps if step.name == name), None)


def default_step(
    name: str,
    kind: StepKind,
    *,
    required: bool = True,
    label: Label | None = None,
    prompt: Label | None = None,
) -> Step:
    """A step in our own words, as far as there are none of the owner's."""
    return Step(
        name=name,
        kind=kind,
        label=label or Label(key=f"form.label.{kind.value}"),
        prompt=prompt or Label(key=f"form.ask.{kind.value}"),
        required=required,
    )


REQUEST = Form(
    name="request",
    title=Label(key="form.request.title"),
    steps=(
        default_step("name", StepKind.NAME),
        default_step("phone", StepKind.PHONE),
        default_step("email", StepKind.EMAIL, required=False),
        default_step("description", StepKind.TEXT),
    ),
)
"""The form that exists without configuration."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """An answer that does not fit: the key of the sentence that says what is wrong and how to write it."""

    key: str
    values: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


_NAME_LENGTH = 100
_LOOSE = "<>()[]{}.,;:!?\"'«»„“” \t\n"
_LINK = re.compile(r"https?://|www\.|@", re.IGNORECASE)


def readable(text: str) -> str:
    """A text without characters that nobody can see, and without white space around it."""
    return "".join(one for one in text if one in "\n\u200d" or one.isprintable() or one.isspace()).strip()


def answer(step: Step, text: str, *, region: str) -> str | Invalid:  # noqa: PLR0911 - one return for each kind
    """The answer as it is kept, or why it is none. Any text is accepted as it is by a step of free text."""
    text = readable(text)
    if not text:
        return Invalid("form.bad.empty")
    limit = min(step.max_length, _NAME_LENGTH) if step.kind is StepKind.NAME else step.max_length
    if step.kind is not StepKind.CHOICE and len(text) > limit:
        return Invalid("form.bad.too_long", {"limit": limit, "length": len(text)})
    match step.kind:
        case StepKind.NAME:
            return _name(text)
        case StepKind.PHONE:
            return phone(text, region)
        case StepKind.EMAIL:
            return _email(text)
        case StepKind.CHOICE:
            return _choice(step, text)
        case StepKind.TEXT:
            return text


def _name(text: str) -> str | Invalid:
    name = " ".join(text.split())
    letters = sum(one.isalpha() for one in name)
    if not letters or letters < sum(one.isdecimal() for one in name) or "?" in name or _LINK.search(name):
        return Invalid("form.bad.name")
    return name


def phone(text: str, region: str, *, shared: bool = False) -> str | Invalid:
    """A phone number as `+79001234567`, whichever way it is written; a number that cannot exist is none.

    `shared`: it is that of a contact, which messengers tell with the country and often without its plus.
    """
    import phonenumbers  # noqa: PLC0415 - the first answer of a bot need not wait for its tables

    readings = [(text, region)]
    if text.isdecimal() and not text.startswith("0"):
        readings.insert(0 if shared else 1, (f"+{text}", region))
    for written, country in readings:
        try:
            found = phonenumbers.parse(written, country)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(found) and not phonenumbers.is_alpha_number(written):
            if found.extension:
                return Invalid("form.bad.phone_extension")
            return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
    return Invalid("form.bad.phone")


def _email(text: str) -> str | Invalid:
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - as above

    address = text.removeprefix("mailto:").strip(_LOOSE)
    try:
        return validate_email(address, check_deliverability=False).normalized
    except EmailNotValidError:
        return Invalid("form.bad.email")


def _choice(step: Step, text: str) -> str | Invalid:
    number = _number(text)
    if step.counted and number and len(number) <= 3 and 0 < int(number) <= len(step.options):  # noqa: PLR2004 - a number of a list
        return step.options[int(number) - 1].name
    typed = folded(text)
    for option in step.options:
        if typed in {folded(one) for one in option.own.values()}:
            return option.name
    return Invalid("form.bad.choice" if step.counted else "form.bad.option")


def _number(text: str) -> str:
    """The digits of a text that is nothing but a number, as lists have them; empty for any other."""
    number = text.rstrip(".)").strip()
    return number if number.isdecimal() else ""


def folded(text: str) -> str:
    """A text as it is compared: small letters, ё as е, no punctuation around it."""
    return " ".join(text.casefold().replace("ё", "е").split()).strip(_LOOSE)
