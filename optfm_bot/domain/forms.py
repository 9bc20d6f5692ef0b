"""A form filled in by talking: from where a person is and what they said to what is asked next. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeAlias

from optfm_bot.domain.form_steps import (
    Form,
    Invalid,
    Label,
    StepKind,
    answer,
    folded,
    phone,
    readable,
)
from optfm_bot.domain.words import Words

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


# -- what is said ----------------------------------------------------------------------------------------


class FormOutcome(StrEnum):
    """What came of it."""

    ASKED = "asked"
    INVALID = "invalid"
    BACK = "back"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormButton:
    """A button: what comes back as `Pressed` when it is pressed, and its words."""

    token: str
    label: Label


@dataclass(frozen=True, slots=True, kw_only=True)
class FormSay:
    """One message: a key of the catalogue with its values, buttons one below the other.

    `own` fills the place `{text}`, `fields` the place `{fields}`, line by line. `hint` is the key of a sentence after
    it, empty for none. `asks_phone`: the answer may be a shared contact, so a button that asks for it fits here.
    `counted`: where there are no buttons, their numbers may be typed; else only their words, as a number may answer.
    """

    key: str
    values: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    own: Label | None = None
    fields: tuple[tuple[Label, str], ...] = field(default=(), repr=False)
    hint: str = ""
    buttons: tuple[FormButton, ...] = ()
    asks_phone: bool = False
    counted: bool = True

    def text(self, words: Words, language: str) -> str:
        """The message in our Markdown; what people and owners wrote is escaped."""
        values = dict(self.values)
        if self.own is not None:
            values["text"] = self.own.plain(words, language)
        if self.fields:
            values["fields"] = "\n".join(
                f"{label.plain(words, language)}: {value or words.label('form.empty_value', language)}"
                for label, value in self.fields
            )
        said = words.text(self.key, language, **values)
        return f"{said}\n\n{words.text(self.hint, language)}" if self.hint else said

    def spoken(self, words: Words, language: str) -> str | None:
        """The message where there are no buttons, with the words for them; None if numbers may stand for them."""
        if self.counted or not self.buttons:
            return None
        labels = {one.token: one.label.plain(words, language) for one in self.buttons}
        options = [label for token, label in labels.items() if token.startswith("option:")]
        ways = [label.lower() for token, label in labels.items() if not token.startswith("option:")]
        parts = [replace(self, hint="").text(words, language)]
        if options:
            parts.append(words.text("form.options", language, options=_listed(options, words, language)))
        parts.append(words.text("form.ways", language, ways=_listed(ways, words, language)))
        return "\n\n".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormTurn:
    """What follows from one message: the outcome, where the person is now (None: the form is over), what is said.

    `answers` are those of a form that is done, in its order and without the skipped ones; what is said then is the
    house's to add (`thanks`), as it knows the number.
    """

    outcome: FormOutcome
    state: FormState | None
    says: tuple[FormSay, ...] = ()
    answers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)


def begin(form: Form, *, now: int) -> FormTurn:
    """Ask the first question; `now` is the moment in ms."""
    state = FormState(form=form.name, at=form.steps[0].name, began_at=now)
    return _asked(form, state, hint=True)


def thanks(form: Form, number: str) -> FormSay:
    """What is said when a request is accepted."""
    if not form.thanks.own:
        return FormSay(key=form.thanks.key, values={"number": number})
    own = {code: text.replace("{number}", number) for code, text in form.thanks.own.items()}
    return FormSay(key="form.own", own=Label(own=own))


def ask_again(form: Form, state: FormState) -> FormTurn:
    """Ask what was asked last, for a person who has come back to it."""
    return _asked(form, state, hint=True)


def labelled(form: Form, state: FormState, text: str, words: Words, language: str) -> Pressed | None:
    """The button whose words were typed, if the question that is asked has such a button."""
    typed = folded(readable(text))
    for button in _buttons(form, _sound(form, state)):
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
    buttons = _buttons(form, state)
    number = text.rstrip(".)").strip()
    if number.isdecimal() and len(number) <= 2 and 0 < int(number) <= len(buttons):  # noqa: PLR2004 - a number of a list
        return buttons[int(number) - 1].token
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
        asked = _question(form, state)
        return FormTurn(outcome=FormOutcome.BACK, state=state, says=(FormSay(key="form.first"), asked))
    return _asked(form, replace(state, at=names[here - 1]), outcome=FormOutcome.BACK)


def _asked(
    form: Form, state: FormState, *, outcome: FormOutcome = FormOutcome.ASKED, hint: bool = False
) -> FormTurn:
    state = _sound(form, state)
    say = _question(form, state)
    if hint:
        say = replace(say, hint="form.hint")
    return FormTurn(outcome=outcome, state=state, says=(say,))


def _refused(form: Form, state: FormState, why: Invalid) -> FormTurn:
    """Say what is wrong, with the buttons of the question that is still open."""
    step = form.step(state.at)
    say = FormSay(
        key=why.key,
        values=why.values,
        buttons=_buttons(form, state),
        asks_phone=step is not None and step.kind is StepKind.PHONE,
        counted=step is None or step.counted,
    )
    return FormTurn(outcome=FormOutcome.INVALID, state=state, says=(say,))


def _question(form: Form, state: FormState) -> FormSay:
    buttons = _buttons(form, state)
    if state.at == SUMMARY:
        fields = tuple((step.label, state.values.get(step.name, "")) for step in form.steps)
        return FormSay(key="form.summary", fields=fields, buttons=buttons)
    step = form.step(state.at)
    if step is None:
        return FormSay(key="form.change", buttons=buttons)
    return FormSay(
        key="form.own" if step.prompt.own else step.prompt.key,
        own=step.prompt if step.prompt.own else None,
        buttons=buttons,
        asks_phone=step.kind is StepKind.PHONE,
        counted=step.counted,
    )


def _buttons(form: Form, state: FormState) -> tuple[FormButton, ...]:
    if state.at == SUMMARY:
        return (_button("send"), _button("change"), _button("cancel"))
    step = form.step(state.at)
    if step is None:
        changes = tuple(FormButton(token=f"change:{one.name}", label=one.label) for one in form.steps)
        return (*changes, _button("back"), _button("cancel"))
    options = tuple(
        FormButton(token=f"option:{step.name}:{index}", label=label)
        for index, label in enumerate(step.options)
    )
    skip = () if step.required else (_button("skip"),)
    first = step is form.steps[0] and not state.editing
    return (*options, *skip, *(() if first else (_button("back"),)), _button("cancel"))


def _listed(labels: Sequence[str], words: Words, language: str) -> str:
    return ", ".join(words.label("form.word", language, word=label) for label in labels)


def _button(token: str) -> FormButton:
    return FormButton(token=token, label=Label(key=f"form.button.{token}"))
