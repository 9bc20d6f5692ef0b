"""Requests by REST: what people asked for with forms, to read, to pass on and to finish."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from config.problem import Problem as FieldProblem
from optfm_bot.api.call import Answer, Call
from optfm_bot.api.models import Error, Problem
from optfm_bot.api.people_models import (
    AskRequests,
    ChangeRequest,
    RequestAnswer,
    RequestDetails,
    RequestEventView,
    RequestList,
    RequestRefused,
    RequestView,
    cut,
    moment,
)
from optfm_bot.api.refusals import Refusal
from optfm_bot.clock import Clock
from optfm_bot.dispatch.request_changes import RequestChange, RequestChanges
from optfm_bot.domain.requests import RequestStage, labelled, refusal_words
from optfm_bot.house import House
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.store.request_records import RequestRow

log = structlog.get_logger("optfm_bot.api")

_NUMBER = 64


class RequestDesk:
    """Shows requests and changes them. The customer is not told of a change. `new_id` names steps in their life."""

    def __init__(self, house: House, clock: Clock, new_id: Callable[[], int]) -> None:
        self._store = house.store
        self._changes = RequestChanges(house.store, clock, new_id)
        self._office = house.settings.people.office
        self._words = house.settings.words or Catalogue.load()

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
        """Change one, if it may be changed so and nobody was faster, and add the step to its life."""
        wanted = call.read(ChangeRequest)
        self._check_assignee(wanted.assignee)
        change = RequestChange(
            by=wanted.by or call.client,
            status=wanted.status,
            assignee=wanted.assignee,
            comment=wanted.comment,
            seen=None if wanted.updated_at is None else round(wanted.updated_at.timestamp() * 1000),
        )
        changed = await self._changes.make(_number(call), change)
        if changed is None:
            raise Refusal("no_request")
        row = changed.row
        details = await self._details(row, call.language)
        if changed.refused is not None:
            said = refusal_words(
                changed.refused,
                number=row.number,
                stage=RequestStage(row.status.value),
                words=self._words,
                language=call.language,
                assignee=row.assignee,
            )
            raise _Refused(details, said)
        log.info("api.request", client=call.client, number=row.number, status=row.status.value)
        return Answer(body=details)

    async def _found(self, call: Call) -> RequestRow:
        row = await self._store.request_numbered(_number(call))
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


class _Refused(Refusal):
    """A change is refused, and the request is shown as it is now."""

    def __init__(self, details: RequestDetails, said: str) -> None:
        super().__init__("request_refused", detail=said, number=details.number)
        self.details = details

    def body(self, problem: Problem) -> Error:
        """What went wrong, and the request."""
        return RequestRefused(error=problem, request=self.details)


def _number(call: Call) -> str:
    """The number that was asked for. Raises `Refusal` for what can be none."""
    number = call.places["number"]
    if not number.isprintable() or len(number) > _NUMBER:
        raise Refusal("no_request")
    return number


def _answers(row: RequestRow, labels: Sequence[tuple[str, str]]) -> list[RequestAnswer]:
    return [
        RequestAnswer(name=name, label=label, value=value)
        for name, (label, value) in zip(row.fields, labels, strict=True)
    ]
