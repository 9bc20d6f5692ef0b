"""Wishes: what a command or a button asks for that is not about the knowledge base, as a cue. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from optfm_bot.domain.choices import BeginForm, CallPerson, Meaning, NoPerson
from optfm_bot.domain.handoff import Cue


@dataclass(frozen=True, slots=True)
class Wish:
    """A cue, and for a form that begins its name."""

    cue: Cue
    form: str | None = None


def wish_of_command(name: str, rest: str, *, form: str | None) -> Wish | None:
    """What a command (without its slash, in lower case) asks for; `form` is the form of `/request` without a name."""
    match name:
        case "operator":
            return Wish(Cue.ASKED)
        case "cancel":
            return Wish(Cue.CANCELLED)
        case "request" if rest or form is not None:
            return Wish(Cue.FORM_BEGUN, rest or form)
    return None


def wish_of_meaning(meaning: Meaning) -> Wish | None:
    """What a button asks for."""
    match meaning:
        case CallPerson():
            return Wish(Cue.ASKED)
        case NoPerson():
            return Wish(Cue.DECLINED)
        case BeginForm(form):
            return Wish(Cue.FORM_BEGUN, form)
    return None
