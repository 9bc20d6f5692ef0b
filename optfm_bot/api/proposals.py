"""Proposals by REST: answers of our people that the base may learn, and what its owner thinks of them."""

from __future__ import annotations

from dataclasses import replace

import structlog

from optfm_bot.api.call import Answer, Call
from optfm_bot.api.people_models import (
    AskProposals,
    DecideProposal,
    ProposalList,
    ProposalView,
    cut,
    moment,
)
from optfm_bot.api.refusals import Refusal
from optfm_bot.ids import from_short, short
from optfm_bot.store.contract import Store
from optfm_bot.store.request_records import ProposalRow, ProposalStatus

log = structlog.get_logger("optfm_bot.api")

_LARGEST = (1 << 63) - 1


class ProposalDesk:
    """Lists proposals and keeps what is decided of them. An owner may change their mind."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def proposals(self, call: Call) -> Answer:
        """List them, newest first."""
        asked = call.asked(AskProposals)
        found = await self._store.proposals(status=asked.status, before=asked.place, limit=asked.limit + 1)
        rows, after = cut(found, asked.limit)
        return Answer(body=ProposalList(proposals=[_view(row) for row in rows], next=after))

    async def decide(self, call: Call) -> Answer:
        """Take or reject one."""
        row = await self._found(call.places["id"])
        status = ProposalStatus(call.read(DecideProposal).status)
        async with self._store.unit() as unit:
            unit.history.change_proposal(row.id, status=status)
        log.info("api.proposal", client=call.client, proposal=short(row.id), status=status.value)
        return Answer(body=_view(replace(row, status=status)))

    async def _found(self, name: str) -> ProposalRow:
        try:
            number = from_short(name)
        except ValueError:
            raise Refusal("no_proposal") from None
        rows = await self._store.proposals(before=min(number + 1, _LARGEST), limit=1)
        if not rows or rows[0].id != number:
            raise Refusal("no_proposal")
        return rows[0]


def _view(row: ProposalRow) -> ProposalView:
    return ProposalView(
        id=short(row.id),
        chat=row.lane,
        question=row.question,
        answer=row.answer,
        source=row.source,
        by=row.by,
        at=moment(row.at),
        status=row.status,
    )
