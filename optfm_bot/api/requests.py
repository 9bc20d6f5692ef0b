"""Requests by REST: what people asked for with forms, to read, to pass on and to finish."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from config.problem import Problem as FieldProblem
from optfm_bot.api.call import Answer, Call
from optfm_bot.api.people_models import (
    AskRequests,
    ChangeRequest,
    RequestAnswer,
    RequestDetails,
    RequestEventView,
    RequestList,
    RequestView,
    cut,
    moment,
)
from optfm_bot.api.refusals import Refusal
from optfm_bot.clock import Clock
from optfm_bot.domain.requests import Actor, RequestStage, labelled, refusal, refusal_words
from optfm_bot.domain.requests import Refusal as Why
from optfm_bot.house import House
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.store.request_records import RequestEventRow, RequestRow, RequestStatus

log = structlog.get_logger("optfm_bot.api")

_FINISHED = frozenset({RequestStatus.DONE, RequestStatus.CANCELLED})
_NUMBER = 64


class RequestDesk:
    """Shows requests and changes them. The customer is not told of a change. `new_id` names steps in their life."""

    def __init__(self, house: House, clock: Clock, new_id: Callable[[], int]) -> None:
        self._store = house.store
        self._clock = clock
        self._new_id = new_id
        self._office = house.settings.people.office
        self._words = house.settings.words or Catalogue.load()
        self._changing = asyncio.Lock()

    async def requests(self, call: Call) -> Answer:
        """List them, newest first."""
        asked = call.asked(AskRequests)
        if not asked.form.isprintable():
            return Answer(body=RequestList(requests=[], next=None))
        found = await self._store.requests(
            status=asked.status,
            form=asked.form or None,
            since=None if asked.since is None else round(asked.since.timestamp() * 1000),
            before=asked.place,
            limit=asked.limit + 1,
        )
        rows, after = cut(found, asked.limit)
        return Answer(body=RequestList(requests=[self._view(row, call.language) for row in rows], next=after))

    async def request(self, call: Call) -> Answer:
        """Show one, with its life."""
        return Answer(body=await self._details(await self._found(call), call.language))

    async def change(self, call: Call) -> Answer:
        """Change one, if it may be changed so, and add the step to its life."""
        wanted = call.read(ChangeRequest)
        self._check_assignee(wanted.assignee)
        async with self._changing:  # of two who take one request at once, the second is told of the first
            row = await self._found(call)
            why = _refused(row, wanted)
            if why is not None:
                stage = RequestStage(row.status.value)
                said = refusal_words(
                    why, number=row.number, stage=stage, words=self._words, language=call.language
                )
                raise Refusal("request_refused", detail=said, number=row.number)
            status, now = wanted.status or row.status, self._clock.ms()
            event = RequestEventRow(
                id=self._new_id(),
                request_id=row.id,
                at=now,
                by=wanted.by or call.client,
                status=status,
                comment=wanted.comment,
            )
            async with self._store.unit() as unit:
                unit.requests.change(row.id, status=status, assignee=wanted.assignee, at=now)
                unit.requests.add_event(event)
        log.info("api.request", client=call.client, number=row.number, status=status.value)
        return Answer(body=await self._details(await self._found(call), call.language))

    async def _found(self, call: Call) -> RequestRow:
        number = call.places["number"]
        fits = number.isprintable() and len(number) <= _NUMBER
        row = await self._store.request_numbered(number) if fits else None
        if row is None:
            raise Refusal("no_request")
        return row

    def _check_assignee(self, name: str | None) -> None:
        known = [manager.name for manager in self._office.managers]
        if name and known and name not in known:
            raise Refusal(
                "bad_request", problems=[FieldProblem(where="", key="assignee", message="field.manager")]
            )

    async def _details(self, row: RequestRow, language: str) -> RequestDetails:
        history = [
            RequestEventView(at=moment(one.at), by=one.by, status=one.status, comment=one.comment)
            for one in await self._store.request_events(row.id)
        ]
        return RequestDetails(**dict(self._view(row, language)), history=history)

    def _view(self, row: RequestRow, language: str) -> RequestView:
        labels = labelled(self._office.forms.get(row.form), row.fields, words=self._words, language=language)
        return RequestView(
            number=row.number,
            form=row.form,
            status=row.status,
            assignee=row.assignee,
            person=row.person,
            chat=row.lane,
            answers=_answers(row, labels),
            created_at=moment(row.created_at),
            updated_at=moment(row.updated_at),
        )


def _refused(row: RequestRow, wanted: ChangeRequest) -> Why | None:
    """Why a change is refused. A remark may be added to any request, a finished one is given to nobody."""
    if wanted.status is not None:
        return refusal(RequestStage(row.status.value), RequestStage(wanted.status.value), Actor.MANAGER)
    if wanted.assignee is not None and row.status in _FINISHED:
        return Why.FINISHED
    return None


def _answers(row: RequestRow, labels: Sequence[tuple[str, str]]) -> list[RequestAnswer]:
    return [
        RequestAnswer(name=name, label=label, value=value)
        for name, (label, value) in zip(row.fields, labels, strict=True)
    ]
