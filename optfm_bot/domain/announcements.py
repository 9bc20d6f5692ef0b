"""Announcements: what customers are told of people, from the effects of the table. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from channels.model import Purpose
from optfm_bot.domain.answers import parsed
from optfm_bot.domain.choices import BeginForm, CallPerson, Choice, NoPerson, OpenTopics
from optfm_bot.domain.handoff import Effect
from optfm_bot.domain.manners import Here
from optfm_bot.domain.say import Say
from optfm_bot.domain.words import Words


class Announcements:
    """Gives the words of effects. `form_name` is the form that is offered where nobody can be called; None for none."""

    def __init__(self, words: Words, *, form_name: str | None) -> None:
        self._words = words
        self._form_name = form_name

    def nobody(self, here: Here) -> Say:
        """Say that nobody can be called, and what can be done instead."""
        topics = (Choice(label=self._words.label("faq.all_topics", here.language), meaning=OpenTopics()),)
        rows: tuple[tuple[Choice, ...], ...] = (topics,)
        form = self._form_name
        key = "operator.not_available"
        if form is not None:
            key = "operator.leave_request"
            label = self._words.label("handoff.leave_request", here.language)
            rows = ((Choice(label=label, meaning=BeginForm(form)),), topics)
        return self._say(key, here, rows, person=False)

    def request_instead(self, here: Here) -> Say | None:
        """Offer to leave a request where nobody can be called; None if there is no form for one."""
        leave = self._leave(here)
        return self._say("handoff.offer_request", here, leave, person=False) if leave else None

    def nobody_but_form(self, here: Here) -> Say:
        """Say that nobody can be called, to somebody who is filling a form in."""
        return self._say("operator.finish_form", here, person=False)

    def tells(self, effects: Sequence[Effect], here: Here, *, left: str | None = None) -> tuple[Say, ...]:
        """What is said of effects, in their order; most say nothing. `left` is a form that can be gone on with."""
        if left is not None and Effect.TELL_FORM_EXPIRED in effects:
            return (self._left(left, here),)
        return tuple(say for effect in effects if (say := self._tell(effect, here)) is not None)

    def _left(self, form: str, here: Here) -> Say:
        """Say that a form was not finished, and how to go on with it."""
        command = "/request" if form == self._form_name else f"/request {form}"
        label = self._words.label("form.go_on", here.language)
        rows = ((Choice(label=label, meaning=BeginForm(form)),),)
        return self._say("form.left", here, rows, person=False, command=command)

    def _tell(self, effect: Effect, here: Here) -> Say | None:  # noqa: PLR0911 - a table of effects, read row by row
        closed = here.opens is not None
        match effect:
            case Effect.TELL_QUEUED if here.desk_down:
                return self._say("handoff.queued_down", here)
            case Effect.TELL_QUEUED | Effect.TELL_STILL_QUEUED if closed and not here.opens:
                return self._say("handoff.queued_never", here)
            case Effect.TELL_QUEUED | Effect.TELL_STILL_QUEUED if closed:
                return self._say("handoff.queued_closed", here, opens=here.opens)
            case Effect.TELL_LATE if closed and here.opens:
                return self._say("handoff.late_closed", here, self._leave(here), opens=here.opens)
            case Effect.TELL_LATE:
                return self._say("handoff.late", here, self._leave(here))
            case Effect.OFFER | Effect.TELL_SILENT:
                key = "handoff.offer" if effect is Effect.OFFER else "handoff.silent"
                return self._say(key, here, self._offer(here), person=effect is Effect.TELL_SILENT)
            case (
                Effect.TELL_QUEUED
                | Effect.TELL_STILL_QUEUED
                | Effect.TELL_JOINED
                | Effect.TELL_CLOSED
                | Effect.TELL_DOWN
            ):
                return self._say(_KEYS[effect], here)
            case (
                Effect.TELL_DECLINED
                | Effect.TELL_CANCELLED
                | Effect.TELL_NOTHING
                | Effect.TELL_FORM_CANCELLED
                | Effect.TELL_FORM_EXPIRED
            ):
                return self._say(_KEYS[effect], here, person=False)
        return None

    def _offer(self, here: Here) -> tuple[tuple[Choice, ...], ...]:
        label = self._words.label
        return (
            (Choice(label=label("handoff.call", here.language), meaning=CallPerson()),),
            (Choice(label=label("handoff.no_thanks", here.language), meaning=NoPerson()),),
        )

    def _leave(self, here: Here) -> tuple[tuple[Choice, ...], ...]:
        form = self._form_name
        if form is None:
            return ()
        label = self._words.label("handoff.leave_request", here.language)
        return ((Choice(label=label, meaning=BeginForm(form)),),)

    def _say(
        self,
        key: str,
        here: Here,
        rows: tuple[tuple[Choice, ...], ...] = (),
        /,
        *,
        person: bool = True,
        **values: object,
    ) -> Say:
        """Words about people; with `person` they are said also while one of us has the word."""
        body = parsed(self._words.text(key, here.language, **values))
        return Say(
            kind="handoff", body=body, choices=rows, purpose=Purpose.SYSTEM if person else Purpose.NOTICE
        )


_KEYS: Mapping[Effect, str] = {
    Effect.TELL_QUEUED: "handoff.queued",
    Effect.TELL_STILL_QUEUED: "handoff.still_queued",
    Effect.TELL_JOINED: "handoff.joined",
    Effect.TELL_CLOSED: "handoff.closed",
    Effect.TELL_DOWN: "handoff.down",
    Effect.TELL_DECLINED: "handoff.declined",
    Effect.TELL_CANCELLED: "handoff.cancelled",
    Effect.TELL_NOTHING: "handoff.nothing",
    Effect.TELL_FORM_CANCELLED: "form.cancelled",
    Effect.TELL_FORM_EXPIRED: "form.expired",
}
