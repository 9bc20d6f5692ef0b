"""Changes of requests by people of ours: decided by what a request is, and made only if it still is that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from optfm_bot.clock import Clock
from optfm_bot.domain.requests import Actor, Refusal, RequestStage, refusal
from optfm_bot.errors import StoreOutdated
from optfm_bot.store.contract import Store
from optfm_bot.store.request_records import RequestEventRow, RequestRow, RequestStatus

_TRIES = 5
_FINISHED = frozenset({RequestStatus.DONE, RequestStatus.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestChange:
    """What one of us, `by` name, wants of a request. None: that stays as it is; an empty `assignee`: nobody.

    `seen` is the `updated_at` (ms) of the request that they have looked at; None: whatever is there now.
    """

    by: str
    status: RequestStatus | None = None
    assignee: str | None = None
    comment: str = field(default="", repr=False)
    seen: int | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """What came of a change: the request as it is now, and why it was refused; None: it was made."""

    row: RequestRow
    refused: Refusal | None = None


class RequestChanges:
    """Changes requests, each with the step of its life. `new_id` names steps.

    Of any number of people, processes and commands that change one request in the same moment one is first. The others
    overwrite nothing: they are told what they may not do any more, or that somebody was faster (`Refusal.OVERTAKEN`).
    """

    def __init__(self, store: Store, clock: Clock, new_id: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id

    async def make(self, number: str, wanted: RequestChange) -> Changed | None:
        """Change the request of that number; None if there is none. Raises `StoreUnavailable` and `StoreRefused`."""
        row = await self._store.request_numbered(number)
        if row is None:
            return None
        why = _refused(row, wanted)
        for _ in range(_TRIES):
            if why is not None:
                return Changed(row, why)
            try:
                return Changed(await self._made(row, wanted))
            except StoreOutdated:
                row = await self._store.request(row.id)
            if row is None:
                return None
            why = _refused(row, wanted) or _overtaken(wanted)
        return Changed(row, Refusal.OVERTAKEN)

    async def _made(self, row: RequestRow, wanted: RequestChange) -> RequestRow:
        """Write a change of a request that is as it was read. Raises `StoreOutdated` if it is not."""
        status = wanted.status or row.status
        assignee = row.assignee if wanted.assignee is None else wanted.assignee
        async with self._store.unit() as unit:
            at = unit.requests.change(
                row.id, seen=row.updated_at, status=status, assignee=assignee, at=self._clock.ms()
            )
            unit.requests.add_event(
                RequestEventRow(
                    id=self._new_id(),
                    request_id=row.id,
                    at=at,
                    by=wanted.by,
                    status=status,
                    comment=wanted.comment,
                )
            )
        return replace(row, status=status, assignee=assignee, updated_at=at)


def _refused(row: RequestRow, wanted: RequestChange) -> Refusal | None:
    """Why a change is refused. A remark may be added to any request, a finished one is given to nobody."""
    if wanted.status is not None:
        why = refusal(RequestStage(row.status.value), RequestStage(wanted.status.value), Actor.MANAGER)
        if why is not None:
            return why
    if wanted.assignee is not None and row.status in _FINISHED:
        return Refusal.FINISHED
    return Refusal.OVERTAKEN if wanted.seen not in {None, row.updated_at} else None


def _overtaken(wanted: RequestChange) -> Refusal | None:
    """Why a change that is still possible is not made after somebody else's: a remark is, it fits beside any."""
    remark = wanted.status is None and wanted.assignee is None
    return None if remark else Refusal.OVERTAKEN
