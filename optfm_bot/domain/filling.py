"""Filling in: a form as part of a conversation, from what a person does to what the bot says and remembers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from optfm_bot.domain import form_state, forms
from optfm_bot.domain.answers import parsed
from optfm_bot.domain.choices import Choice
from optfm_bot.domain.choices import FormInput as InputChoice
from optfm_bot.domain.conversation import Conversation
from optfm_bot.domain.form_questions import FormSay, thanks
from optfm_bot.domain.form_state import FormState
from optfm_bot.domain.form_steps import Form, StepKind
from optfm_bot.domain.forms import FormInput, FormOutcome, FormTurn, Typed
from optfm_bot.domain.handoff import Cue
from optfm_bot.domain.say import NewRequest, Response, Say
from optfm_bot.domain.words import Words


@dataclass(frozen=True, slots=True)
class Numbered:
    """The id and the number that a request gets if it is finished now."""

    id: int
    number: str


class Filling:
    """Leads people through forms. Stateless: how far somebody is stands in their conversation."""

    def __init__(self, known: Mapping[str, Form], words: Words) -> None:
        self.forms = known
        self._words = words

    def begin(self, name: str | None, talk: Conversation, *, now: int, language: str) -> Response:
        """Ask the first question of a form, or the one where it was left; a name that is none is said to be wrong."""
        form = self.forms.get(name or "")
        if form is None:
            say = Say(kind="form", body=parsed(self._words.text("form.unknown", language)))
            return Response(outcome="form", conversation=_over(talk), says=(say,))
        left, talk = _loaded(talk.left), replace(talk, left=None, left_until=0)
        if left is not None and left.form == form.name:
            turn = forms.ask_again(form, left)
            turn = replace(turn, says=(FormSay(key="form.resumed"), *turn.says))
            return self._response(turn, form, talk, language, None)
        return self._response(forms.begin(form, now=now), form, talk, language, None)

    def go_on(self, heard: FormInput, talk: Conversation, language: str, numbered: Numbered) -> Response:
        """Take what a person did; `numbered` is what the request is called if it is finished with that."""
        found = self._underway(talk)
        if found is None:
            return self._expired(talk, language)
        form, state = found
        if isinstance(heard, Typed):
            heard = forms.labelled(form, state, heard.text, self._words, language) or heard
        return self._response(forms.step_through(form, state, heard), form, talk, language, numbered)

    def again(self, talk: Conversation, language: str) -> Response:
        """Ask what the form asked last."""
        found = self._underway(talk)
        if found is None:
            return self._expired(talk, language)
        form, state = found
        return self._response(forms.ask_again(form, state), form, talk, language, None)

    def at(self, talk: Conversation) -> str | None:
        """The step that the person is asked, None without a form: a button of another step means nothing any more."""
        state = self._state(talk)
        return state.at if state is not None else None

    def takes_anything(self, talk: Conversation) -> bool:
        """Whether whatever words a person may write are an answer to what the form asks now."""
        found = self._underway(talk)
        step = found[0].step(found[1].at) if found is not None else None
        return step is not None and step.kind is StepKind.TEXT

    def _underway(self, talk: Conversation) -> tuple[Form, FormState] | None:
        """The form and how far it is filled in; None if the owner has taken the form away."""
        state = self._state(talk)
        form = self.forms.get(state.form) if state is not None else None
        return (form, state) if form is not None and state is not None else None

    def _expired(self, talk: Conversation, language: str) -> Response:
        say = Say(kind="form", body=parsed(self._words.text("form.expired", language)))
        return Response(outcome="form", conversation=_over(talk), says=(say,))

    def _state(self, talk: Conversation) -> FormState | None:
        return _loaded(talk.form)

    def _response(
        self, turn: FormTurn, form: Form, talk: Conversation, language: str, numbered: Numbered | None
    ) -> Response:
        says = turn.says
        request: NewRequest | None = None
        if turn.outcome is FormOutcome.DONE and numbered is not None:
            request = NewRequest(id=numbered.id, number=numbered.number, form=form.name, fields=turn.answers)
            says = (*says, thanks(form, numbered.number))
        talk = _over(talk) if turn.state is None else replace(talk, form=form_state.dump(turn.state))
        at = turn.state.at if turn.state is not None else ""
        return Response(
            outcome="request" if request is not None else "form",
            conversation=talk,
            says=tuple(self._say(say, language, at) for say in says),
            request=request,
        )

    def _say(self, say: FormSay, language: str, at: str) -> Say:
        rows = [
            (Choice(label=button.label.plain(self._words, language), meaning=InputChoice(at, button.token)),)
            for button in say.buttons
        ]
        if say.asks_phone:
            rows.insert(0, (Choice(label=self._words.label("contact.share", language), ask_contact=True),))
        spoken = say.spoken(self._words, language)
        return Say(
            kind="form",
            body=parsed(say.text(self._words, language)),
            choices=tuple(rows),
            spoken=parsed(spoken) if spoken is not None else None,
        )


def _loaded(data: Mapping[str, Any] | None) -> FormState | None:
    try:
        return form_state.load(data) if data is not None else None
    except ValueError:
        return None


def _over(talk: Conversation) -> Conversation:
    talk, _ = talk.moved(Cue.FORM_OVER)
    return replace(talk, form=None)
