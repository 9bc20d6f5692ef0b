"""What a form says: each question with its buttons, the summary, the thanks. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from optfm_bot.domain.form_state import SUMMARY, FormState
from optfm_bot.domain.form_steps import Form, Label, StepKind
from optfm_bot.domain.words import Words


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


def thanks(form: Form, number: str) -> FormSay:
    """What is said when a request is accepted."""
    if not form.thanks.own:
        return FormSay(key=form.thanks.key, values={"number": number})
    own = {code: text.replace("{number}", number) for code, text in form.thanks.own.items()}
    return FormSay(key="form.own", own=Label(own=own))


def question(form: Form, state: FormState) -> FormSay:
    """What is asked where the person is, or the summary, or which answer to change."""
    offered = buttons(form, state)
    if state.at == SUMMARY:
        fields = tuple((step.label, state.values.get(step.name, "")) for step in form.steps)
        return FormSay(key="form.summary", fields=fields, buttons=offered)
    step = form.step(state.at)
    if step is None:
        return FormSay(key="form.change", buttons=offered)
    return FormSay(
        key="form.own" if step.prompt.own else step.prompt.key,
        own=step.prompt if step.prompt.own else None,
        buttons=offered,
        asks_phone=step.kind is StepKind.PHONE,
        counted=step.counted,
    )


def buttons(form: Form, state: FormState) -> tuple[FormButton, ...]:
    """The buttons of that question."""
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
