"""A form filled in by talking: from where a person is and what they said to what is asked next. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from optfm_bot.domain.form_questions import FormSay, buttons, question
from optfm_bot.domain.form_state import CHANGE, SUMMARY, FormState
from optfm_bot.domain.form_steps import Form, Invalid, StepKind, answer, folded, phone, readable
from optfm_bot.domain.words import Words

# -- what a person does ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Typed:
    """The person wrote something."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pressed:
    """The person pressed a button; `token` is that of the `FormButton`."""

    token: str


@dataclass(frozen=True, slots=True)
class SharedPhone:
    """The person shared a contact."""

    phone: str = field(repr=False)


FormInput: TypeAlias = Typed | Pressed | SharedPhone


# -- what comes of it ------------------------------------------------------------------------------------


class FormOutcome(StrEnum):
    """What came of it."""

    ASKED = "asked"
    INVALID = "invalid"
    BACK = "back"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormTurn:
    """What follows from one message: the outcome, where the person is now (None: the form is over), what is said.

    `answers` are those of a form that is done, in its order and without the skipped ones; what is said then is the
    house's to add (`form_questions.thanks`), as it knows the number.
    """

    outcome: FormOutcome
    state: FormState | None
    says: tuple[FormSay, ...] = ()
    answers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)


def begin(form: Form, *, now: int) -> FormTurn:
    """Ask the first question; `now` is the moment in ms."""
    state = FormState(form=form.name, at=form.steps[0].name, began_at=now)
    return _asked(form, state, hint=True)


def ask_again(form: Form, state: FormState) -> FormTurn:
    """Ask what was asked last, for a person who has come back to it."""
    return _asked(form, state, hint=True)


def labelled(form: Form, state: FormState, text: str, words: Words, language: str) -> Pressed | None:
    """The button whose words were typed, if the question that is asked has such a button."""
    typed = folded(readable(text))
    for button in buttons(form, _sound(form, state)):
        if typed and typed == folded(button.label.plain(words, language)):
            return Pressed(button.token)
    return None


def step_through(form: Form, state: FormState, heard: FormInput) -> FormTurn:
    """Take one message of a person who is filling in the form."""
    state = _sound(form, state)
    match heard:
        case SharedPhone(number):
            return _shared(form, state, number)
        case Pressed(token):
            return _pressed(form, state, token)
        case Typed(text):
            return _typed(form, state, readable(text))


# -- input -----------------------------------------------------------------------------------------------

_COMMANDS: Mapping[str, str] = {
    **dict.fromkeys(("назад", "back", "/back"), "back"),
    **dict.fromkeys(("пропустить", "skip", "/skip"), "skip"),
    **dict.fromkeys(("отмена", "отменить", "cancel", "/cancel"), "cancel"),
}
_AT_SUMMARY: Mapping[str, str] = {
    **dict.fromkeys(("да", "верно", "все верно", "отправить", "ок", "yes", "send", "right", "ok"), "send"),
    **dict.fromkeys(("нет", "изменить", "исправить", "no", "change"), "change"),
}
_COMMAND = re.compile(r"/[a-z_]+(?:\s|$)", re.IGNORECASE)


def _typed(form: Form, state: FormState, text: str) -> FormTurn:  # noqa: PLR0911 - one return for each thing a text can be
    word = folded(text)
    if word in _COMMANDS:
        return _pressed(form, state, _COMMANDS[word])
    if _COMMAND.match(text):
        return _refused(form, state, Invalid("form.bad.command"))
    if state.at == SUMMARY and word in _AT_SUMMARY:
        return _pressed(form, state, _AT_SUMMARY[word])
    step = form.step(state.at)
    if (step is None or step.counted) and (token := _numbered(form, state, text)):
        return _pressed(form, state, token)
    if step is not None:
        found = answer(step, text, region=form.region)
        return _refused(form, state, found) if isinstance(found, Invalid) else _next(form, state, found)
    if state.at == CHANGE:
        for one in form.steps:
            if word in {folded(label) for label in one.label.own.values()} | {folded(one.name)}:
                return _pressed(form, state, f"change:{one.name}")
    return _refused(form, state, Invalid("form.bad.choice"))


def _numbered(form: Form, state: FormState, text: str) -> str | None:
    """The button that a number stands for, where a channel shows buttons as a numbered list."""
    offered = buttons(form, state)
    number = text.rstrip(".)").strip()
    if number.isdecimal() and len(number) <= 2 and 0 < int(number) <= len(offered):  # noqa: PLR2004 - a number of a list
        return offered[int(number) - 1].token
    return None


def _shared(form: Form, state: FormState, number: str) -> FormTurn:
    step = form.step(state.at)
    if step is None or step.kind is not StepKind.PHONE:
        return _refused(form, state, Invalid("form.bad.contact"))
    found = phone(readable(number), form.region, shared=True)
    return _refused(form, state, found) if isinstance(found, Invalid) else _next(form, state, found)


def _pressed(form: Form, state: FormState, token: str) -> FormTurn:  # noqa: PLR0911 - one return for each button
    """Act on a button; one that belongs to another question asks this one again."""
    step = form.step(state.at)
    match token.split(":"):
        case ["cancel"]:
            return FormTurn(outcome=FormOutcome.CANCELLED, state=None, says=(FormSay(key="form.cancelled"),))
        case ["back"]:
            return _back(form, state)
        case ["skip"] if step is not None:
            if step.required:
                return _refused(form, state, Invalid("form.bad.required"))
            return _next(form, state, "")
        case ["send"] if state.at == SUMMARY:
            kept = {one.name: value for one in form.steps if (value := state.values.get(one.name))}
            return FormTurn(outcome=FormOutcome.DONE, state=None, answers=kept)
        case ["change"] if state.at == SUMMARY:
            return _asked(form, replace(state, at=CHANGE))
        case ["change", name] if state.at in {SUMMARY, CHANGE} and form.step(name) is not None:
            return _asked(form, replace(state, at=name, editing=True))
        case ["option", name, index] if step is not None and step.name == name and index.isdecimal():
            if int(index) < len(step.options):
                return _next(form, state, step.options[int(index)].name)
    return _asked(form, state)


# -- where it goes ---------------------------------------------------------------------------------------


def _sound(form: Form, state: FormState) -> FormState:
    """The state as it fits to the form, which may have been changed since: whatever is missing is asked."""
    if state.at in {SUMMARY, CHANGE}:
        missing = next((step.name for step in form.steps if step.name not in state.values), None)
        return state if missing is None else replace(state, at=missing, editing=False)
    return state if form.step(state.at) is not None else replace(state, at=_unanswered(form, state))


def _unanswered(form: Form, state: FormState) -> str:
    return next((step.name for step in form.steps if step.name not in state.values), SUMMARY)


def _next(form: Form, state: FormState, value: str) -> FormTurn:
    values = {**state.values, state.at: value}
    state = replace(state, values=values)
    if state.editing:
        return _asked(form, replace(state, at=SUMMARY, editing=False))
    names = [step.name for step in form.steps]
    following = names.index(state.at) + 1
    return _asked(form, replace(state, at=names[following] if following < len(names) else SUMMARY))


def _back(form: Form, state: FormState) -> FormTurn:
    if state.editing or state.at == CHANGE:
        return _asked(form, replace(state, at=SUMMARY, editing=False), outcome=FormOutcome.BACK)
    names = [step.name for step in form.steps]
    here = len(names) if state.at == SUMMARY else names.index(state.at)
    if here == 0:
        asked = question(form, state)
        return FormTurn(outcome=FormOutcome.BACK, state=state, says=(FormSay(key="form.first"), asked))
    return _asked(form, replace(state, at=names[here - 1]), outcome=FormOutcome.BACK)


def _asked(
    form: Form, state: FormState, *, outcome: FormOutcome = FormOutcome.ASKED, hint: bool = False
) -> FormTurn:
    state = _sound(form, state)
    say = question(form, state)
    if hint:
        say = replace(say, hint="form.hint")
    return FormTurn(outcome=outcome, state=state, says=(say,))


def _refused(form: Form, state: FormState, why: Invalid) -> FormTurn:
    """Say what is wrong, with the buttons of the question that is still open."""
    step = form.step(state.at)
    say = FormSay(
        key=why.key,
        values=why.values,
        buttons=buttons(form, state),
        asks_phone=step is not None and step.kind is StepKind.PHONE,
        counted=step is None or step.counted,
    )
    return FormTurn(outcome=FormOutcome.INVALID, state=state, says=(say,))
