"""What the store keeps of the helpdesk: whose ticket is which, and what was said through it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from optfm_bot.store.records import Direction


class TicketStatus(StrEnum):
    """Where a ticket stands; `GONE` is deleted there, or marked as spam, for good."""

    OPEN = "open"
    CLOSED = "closed"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRow:
    """A ticket of one conversation at one helpdesk.

    `id` is ours, and known before the helpdesk has heard of anything: what is to be said there refers to it.
    `external_id`, `number` (what people see), `url` and `customer_id` are the helpdesk's, None or empty until it was
    opened there. A conversation has one open ticket at most, an external id belongs to one ticket.
    """

    id: int
    desk: str
    lane: str
    person: str
    subject: str = field(repr=False)
    status: TicketStatus = TicketStatus.OPEN
    external_id: str | None = None
    number: str = ""
    url: str = ""
    customer_id: str | None = None
    assignee: str = ""
    opened_at: int
    updated_at: int
    closed_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskMessageRow:
    """One message that went through a ticket.

    Towards the helpdesk (`Direction.OUT`) `id` is the id of the outbox row, and the row is written before the call:
    while `external_id` is None nobody knows whether the call arrived. From it (`Direction.IN`) `id` is the id of the
    history row. `(desk, external_id)` is unique: nothing goes through twice.
    """

    id: int
    ticket_id: int
    desk: str
    direction: Direction
    kind: str
    """`customer`, `agent` or `note`."""
    external_id: str | None = None
    at: int
    """When it was tried for the first time, or came."""
    done_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskCustomerRow:
    """Who a person is at a helpdesk. `(desk, person)` is unique."""

    desk: str
    person: str
    customer_id: str
    at: int
