"""What the commands of the helpdesk do with the database: hints that tickets changed, and messages that failed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TypeVar

from channels.codec import decode_outbound
from channels.errors import Gone, Misconfigured, Unreachable
from channels.phrase import phrase
from optfm_bot.cli.desk_plan import DeskPlan
from optfm_bot.cli.probing import close_all
from optfm_bot.clock import Clock
from optfm_bot.dispatch.intake import encoded, fitting
from optfm_bot.helpdesk.contract import Helpdesk, Polled, ticket_lane
from optfm_bot.store.contract import Store
from optfm_bot.store.records import NewUpdate, OutboxRow
from optfm_bot.store.revival import REVIVABLE
from optfm_bot.store.ticket_records import TicketRow, TicketStatus

T = TypeVar("T")

_CALL_SECONDS = 90.0
_PAGE = 500
_MOST_CLOSED = 5_000
"""So many messages that ended badly are looked through, the newest."""


async def hint_changes(store: Store, plan: DeskPlan, clock: Clock) -> int:
    """Ask the helpdesk what has changed since it was asked last, and store that; gives how many tickets there are.

    Raises by reaction, `Misconfigured` for a helpdesk that cannot be asked.
    """
    helpdesk = plan.desk
    if not isinstance(helpdesk, Polled):
        await close_all([helpdesk, *plan.channels])
        raise Misconfigured(
            phrase(
                "desk.cannot_be_asked", "{title} cannot be asked what has changed", title=helpdesk.spec.title
            )
        )
    cursor = await store.cursor(helpdesk.instance)
    tickets, following = await _asked(plan, lambda _: helpdesk.changes(cursor))
    return await keep_hints(store, helpdesk.instance, tickets, clock, cursor=following)


async def hint_recent(store: Store, desk: str, since: int, clock: Clock) -> int:
    """Let every ticket of ours be read that is open or has changed since that moment (ms); gives how many."""
    rows = [
        row for row in await _every(store, desk) if row.status is TicketStatus.OPEN or row.updated_at >= since
    ]
    return await keep_hints(store, desk, _external(rows), clock)


async def hint_ticket(store: Store, plan: DeskPlan, name: str, clock: Clock) -> int:
    """Let one ticket be read, by its number or its id; 0 if neither we nor the helpdesk know it. Raises by reaction."""
    desk = plan.desk.instance
    row = await ticket_named(store, desk, name)
    if row is not None:
        return await keep_hints(store, desk, _external([row]), clock)
    try:
        await _asked(plan, lambda helpdesk: helpdesk.read(name, None))
    except Gone:
        return 0
    return await keep_hints(store, desk, [name], clock)


async def ticket_named(store: Store, desk: str, name: str) -> TicketRow | None:
    """The ticket that people call by that number, or that the helpdesk has under that id."""
    rows = await _every(store, desk)
    numbered = next((row for row in rows if row.number and row.number == name), None)
    return numbered or await store.ticket_of(desk, name)


async def keep_hints(
    store: Store, desk: str, tickets: Collection[str], clock: Clock, *, cursor: str | None = None
) -> int:
    """Store that these tickets changed, as if the helpdesk had said so now; gives how many."""
    now = clock.ms()
    if not tickets and cursor is None:
        return 0
    async with store.unit() as unit:
        for ticket in tickets:
            hint = NewUpdate(
                channel=desk,
                key=fitting(f"sync {now} {ticket}"),
                lane=fitting(ticket_lane(desk, ticket)),
                payload=encoded({"ticket": ticket}),
            )
            unit.inbox.add(hint, received_at=now, owner=None, lease_until=0)
        if cursor is not None:
            unit.cursors.save(desk, cursor, at=now)
    return len(tickets)


async def undelivered(store: Store, desk: str, ticket: TicketRow | None) -> Sequence[OutboxRow]:
    """What the helpdesk did not get for sure: of this ticket, or (None) of all."""
    rows = [row for row in await store.closed(desk, limit=_MOST_CLOSED) if row.state in REVIVABLE]
    return rows if ticket is None else [row for row in rows if _ticket_id(row) == ticket.id]


async def tickets_of(store: Store, rows: Sequence[OutboxRow]) -> Sequence[str]:
    """The helpdesk's ids of the tickets that these messages are for, as far as it has them."""
    found = [await store.ticket(number) for number in sorted({_ticket_id(row) for row in rows})]
    return _external([row for row in found if row is not None])


async def _asked(plan: DeskPlan, work: Callable[[Helpdesk], Awaitable[T]]) -> T:
    """Open the helpdesk, ask it, and close it. Raises by reaction."""
    try:
        async with asyncio.timeout(_CALL_SECONDS):
            await plan.desk.open()
            return await work(plan.desk)
    except TimeoutError as error:
        raise Unreachable(
            phrase("desk.silent", "The helpdesk did not answer in time"), maybe_sent=False
        ) from error
    finally:
        await close_all([plan.desk, *plan.channels])


async def _every(store: Store, desk: str) -> list[TicketRow]:
    rows: list[TicketRow] = []
    while True:
        page = await store.tickets(desk, before=rows[-1].id if rows else None, limit=_PAGE)
        rows += page
        if len(page) < _PAGE:
            return rows


def _external(rows: Sequence[TicketRow]) -> Sequence[str]:
    return list(dict.fromkeys(row.external_id for row in rows if row.external_id is not None))


def _ticket_id(row: OutboxRow) -> int:
    return int(decode_outbound(row.message).chat.chat_id)
