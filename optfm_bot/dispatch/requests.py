"""The book of requests: what a person has asked for, taking it back, and which of us is told of a new one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from channels.contract import Channel
from channels.model import ChatRef
from optfm_bot.clock import Clock
from optfm_bot.domain.answers import parsed
from optfm_bot.domain.choices import CancelRequest, Choice
from optfm_bot.domain.conversation import Conversation
from optfm_bot.domain.form_steps import REQUEST, Form
from optfm_bot.domain.requests import (
    Actor,
    Assign,
    Manager,
    Refusal,
    RequestStage,
    Told,
    assignee,
    labelled,
    listed,
    notice,
    refusal,
    refusal_words,
)
from optfm_bot.domain.say import NewRequest, Response, Say, Withdrawn
from optfm_bot.domain.words import Words
from optfm_bot.store.contract import Store
from optfm_bot.store.request_records import RequestRow

_SHOWN = 10
_LOOKED_BACK = 50
"""So many requests say whose turn it is."""


def _nobody(_: str) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Who of us looks after requests, and how: forms, managers, the rule, the language, the targets by manager."""

    forms: Mapping[str, Form] = field(default_factory=lambda: {REQUEST.name: REQUEST})
    managers: Sequence[Manager] = ()
    rule: Assign = Assign.NONE
    language: str = "ru"
    hearers: Callable[[str], Sequence[str]] = _nobody


class Requests:
    """Reads requests and says what follows; what it says is written by the orders."""

    def __init__(
        self,
        office: Office,
        channels: Mapping[str, Channel],
        store: Store,
        clock: Clock,
        *,
        words: Words,
        zone: ZoneInfo,
    ) -> None:
        self._office = office
        self._channels = channels
        self._store = store
        self._clock = clock
        self._words = words
        self._zone = zone

    async def mine(self, person: str, talk: Conversation, language: str) -> Response:
        """List what a person has asked for, the newest first, with a button for each that can still be taken back."""
        rows = await self._store.requests(person=person, limit=_SHOWN)
        text = listed(
            [self._told(row, language) for row in rows], zone=self._zone, words=self._words, language=language
        )
        choices = tuple(
            (
                Choice(
                    label=self._words.label("request.cancel_button", language, number=row.number),
                    meaning=CancelRequest(row.id),
                ),
            )
            for row in rows
            if _refused(row) is None
        )
        say = Say(kind="requests", body=parsed(text), choices=choices)
        return Response(outcome="command", conversation=talk, says=(say,))

    async def withdraw(self, request_id: int, person: str, talk: Conversation, language: str) -> Response:
        """Take a request of that person back, if it is theirs and not finished.

        It is taken back only if it is then still as it was found here.
        """
        row = await self._store.request(request_id)
        withdrawn: Withdrawn | None = None
        if row is None or row.person != person:
            text = self._words.text("request.gone", language)
        elif (why := _refused(row)) is not None:
            stage = RequestStage(row.status.value)
            text = refusal_words(why, number=row.number, stage=stage, words=self._words, language=language)
        else:
            text = self._words.text("request.cancelled", language, number=row.number)
            withdrawn = Withdrawn(row.id, row.updated_at)
        say = Say(kind="requests", body=parsed(text))
        return Response(outcome="command", conversation=talk, says=(say,), withdrawn=withdrawn)

    async def received(self, response: Response, request: NewRequest, lane: str, person: str) -> Response:
        """The response to a finished form, with who looks after the request and who is told of it."""
        office, moment = self._office, self._clock.now()
        form = office.forms.get(request.form)
        chosen: Manager | None = None
        if office.managers and office.rule is not Assign.NONE:
            rows = await self._store.requests(limit=_LOOKED_BACK)
            last = [row.assignee for row in rows if row.assignee]
            category = form.category if form is not None else ""
            chosen = assignee(office.managers, office.rule, category=category, moment=moment, last=last)
        name = chosen.name if chosen is not None else ""
        hearers = office.hearers(name)
        if not hearers:
            return replace(response, assignee=name)
        people = await self._store.people([person])
        known = people.get(person)
        channel = self._channels.get(ChatRef.parse(lane).channel)
        told = Told(
            number=request.number,
            title=self._title(request.form, office.language),
            stage=RequestStage.NEW,
            created_at=moment,
            person=known.display_name if known is not None else "",
            channel=channel.title if channel is not None else "",
            assignee=name,
            fields=labelled(form, request.fields, words=self._words, language=office.language),
        )
        text = notice(told, words=self._words, language=office.language).text
        return replace(response, assignee=name, told=tuple((hearer, text) for hearer in hearers))

    def _title(self, form: str, language: str) -> str:
        known = self._office.forms.get(form)
        return known.title.plain(self._words, language) if known is not None else form

    def _told(self, row: RequestRow, language: str) -> Told:
        return Told(
            number=row.number,
            title=self._title(row.form, language),
            stage=RequestStage(row.status.value),
            created_at=datetime.fromtimestamp(row.created_at / 1000, UTC),
        )


def _refused(row: RequestRow) -> Refusal | None:
    return refusal(RequestStage(row.status.value), RequestStage.CANCELLED, Actor.PERSON)
