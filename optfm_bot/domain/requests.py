"""Requests of people: their numbers, what may become of them, who takes care of them, how they are told of. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from zoneinfo import ZoneInfo

from optfm_bot.domain.form_steps import Form
from optfm_bot.domain.hours import Hours
from optfm_bot.domain.words import Words


def number_of(request_id: int, moment: datetime, zone: ZoneInfo, *, attempt: int = 0) -> str:
    """What people call a request: the day in our zone and four digits that follow from the id, `261121-4807`.

    Two of one day may get the same: the store refuses the second, and the next `attempt` gives another one.
    """
    digest = blake2b(f"{request_id}:{attempt}".encode(), digest_size=8).digest()
    return f"{moment.astimezone(zone):%y%m%d}-{int.from_bytes(digest) % 10_000:04}"


# -- what may become of them -----------------------------------------------------------------------------


class RequestStage(StrEnum):
    """Where a request stands; the same words as in the store, which the domain does not know."""

    NEW = "new"
    IN_WORK = "in_work"
    DONE = "done"
    CANCELLED = "cancelled"


class Actor(StrEnum):
    """Who wants to change a request."""

    PERSON = "person"
    MANAGER = "manager"


class Refusal(StrEnum):
    """Why a change is refused; `request.refused_…` of the catalogues has the sentence."""

    ALREADY = "already"
    FINISHED = "finished"
    NOT_YOURS = "not_yours"
    NOT_BACK = "not_back"
    OVERTAKEN = "overtaken"
    """Somebody else has changed it meanwhile."""


_FINISHED = frozenset({RequestStage.DONE, RequestStage.CANCELLED})


def refusal(stage: RequestStage, to: RequestStage, actor: Actor) -> Refusal | None:
    """Why a request at this stage may not go there; None if it may.

    A manager takes a new one into work, and finishes or cancels any that is not over. A person cancels their own.
    """
    if stage is to:
        return Refusal.ALREADY
    if stage in _FINISHED:
        return Refusal.FINISHED
    if actor is Actor.PERSON and to is not RequestStage.CANCELLED:
        return Refusal.NOT_YOURS
    if to is RequestStage.NEW:
        return Refusal.NOT_BACK
    return None


def refusal_words(
    why: Refusal, *, number: str, stage: RequestStage, words: Words, language: str, assignee: str = ""
) -> str:
    """The sentence of a refusal, for a place without markup. The request stands there now and is that `assignee`'s."""
    status = words.label(f"request.status_{stage.value}", language)
    if why in {Refusal.ALREADY, Refusal.FINISHED}:
        return words.label(f"request.refused_{why.value}", language, number=number, status=status)
    if why is Refusal.OVERTAKEN:
        who = assignee or words.label("request.notice_nobody", language)
        return words.label("request.refused_overtaken", language, number=number, status=status, assignee=who)
    return words.label(f"request.refused_{why.value}", language, number=number)


# -- who takes care of them ------------------------------------------------------------------------------


class Assign(StrEnum):
    """How a manager is chosen for a new request."""

    NONE = "none"
    ROUND_ROBIN = "round_robin"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """One of our own people: `categories` are what they know of (none: anything), `hours` when they are there."""

    name: str
    categories: frozenset[str] = frozenset()
    hours: Hours | None = None


def assignee(
    managers: Sequence[Manager], rule: Assign, *, category: str, moment: datetime, last: Sequence[str] = ()
) -> Manager | None:
    """Choose a manager; None if nobody is to be chosen.

    Of those who know of the category (for `category`: else those who know of anything), those who are there now; if
    none of them is, all of them. Of these, the one whose last request is longest ago; `last` are the names to whom the
    last requests went, newest first.
    """
    if rule is Assign.NONE:
        return None
    fit = list(managers)
    if rule is Assign.CATEGORY:
        fit = [one for one in managers if category and category in one.categories]
        fit = fit or [one for one in managers if not one.categories]
    fit = [one for one in fit if one.hours is None or one.hours.open_at(moment)] or fit
    since = {name: ago for ago, name in reversed(list(enumerate(last)))}
    return max(fit, key=lambda one: since.get(one.name, len(last)), default=None)


# -- how they are told of --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A request as people read of it. `fields` are labels and answers in the order of the form."""

    number: str
    title: str
    stage: RequestStage
    created_at: datetime
    person: str = field(default="", repr=False)
    channel: str = ""
    assignee: str = ""
    fields: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestNotice:
    """What a manager is told: plain text."""

    subject: str
    body: str = field(repr=False)

    @property
    def text(self) -> str:
        """Both, the subject as the first line: that is how the carrier of notices takes it."""
        return f"{self.subject}\n\n{self.body}"


def labelled(
    form: Form | None, answers: Mapping[str, str], *, words: Words, language: str
) -> tuple[tuple[str, str], ...]:
    """Answers with the labels of their steps; an answer whose step is not there any more keeps its name."""
    steps = {} if form is None else {step.name: step.label for step in form.steps}
    return tuple(
        (steps[name].plain(words, language) if name in steps else name, value)
        for name, value in answers.items()
    )


def listed(requests: Sequence[Told], *, zone: ZoneInfo, words: Words, language: str) -> str:
    """The requests of a person, as a message in our Markdown."""
    if not requests:
        return words.text("request.none", language)
    lines = [
        words.text(
            "request.listed",
            language,
            number=one.number,
            date=f"{one.created_at.astimezone(zone):%d.%m.%Y}",
            title=one.title,
            status=words.label(f"request.status_{one.stage.value}", language),
        )
        for one in requests
    ]
    return "\n\n".join([words.text("request.list_title", language), "\n".join(f"- {line}" for line in lines)])


def notice(told: Told, *, words: Words, language: str) -> RequestNotice:
    """What a manager is told of a new request."""
    rows = [f"{label}: {value}" for label, value in told.fields]
    about = [
        words.label("request.notice_person", language, person=told.person) if told.person else "",
        words.label("request.notice_channel", language, channel=told.channel) if told.channel else "",
        words.label(
            "request.notice_assignee",
            language,
            assignee=told.assignee or words.label("request.notice_nobody", language),
        ),
    ]
    subject = words.label("request.notice_subject", language, number=told.number, title=told.title)
    body = "\n".join(rows) + "\n\n" + "\n".join(line for line in about if line)
    return RequestNotice(subject=" ".join(subject.split()), body=body.strip())
