"""What the house may ask any store about people: tickets, requests, alarms, proposals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence

from optfm_bot.store.request_records import (
    AlarmRow,
    ProposalRow,
    ProposalStatus,
    RequestEventRow,
    RequestRow,
    RequestStatus,
)
from optfm_bot.store.ticket_records import DeskMessageRow, TicketRow, TicketStatus


class PeopleReads(ABC):
    """This part of a store's contract; what is said of every method of a `Store` holds here, too.

    Pages are given newest first; with the last id of a page as `before`, the next page follows.
    """

    # -- tickets ------------------------------------------------------------------------------------------

    @abstractmethod
    async def ticket(self, ticket_id: int) -> TicketRow | None:
        """The ticket with that id of ours."""

    @abstractmethod
    async def open_ticket(self, desk: str, lane: str) -> TicketRow | None:
        """The open ticket of a conversation at a desk: there is one at most."""

    @abstractmethod
    async def ticket_of(self, desk: str, external_id: str) -> TicketRow | None:
        """The ticket that the helpdesk knows under that id."""

    @abstractmethod
    async def last_ticket(self, desk: str, lane: str) -> TicketRow | None:
        """The newest ticket of a conversation at a desk, however it stands."""

    @abstractmethod
    async def tickets(
        self,
        desk: str | None = None,
        *,
        status: TicketStatus | None = None,
        lane: str | None = None,
        person: str | None = None,
        limit: int = 100,
        before: int | None = None,
    ) -> Sequence[TicketRow]:
        """Tickets, newest first: of this desk, status, conversation, person (None: any), ids below `before` only."""

    @abstractmethod
    async def desk_message(self, message_id: int) -> DeskMessageRow | None:
        """One message that went through a ticket."""

    @abstractmethod
    async def desk_messages(self, ticket_id: int) -> Sequence[DeskMessageRow]:
        """The messages of a ticket, in order of id."""

    @abstractmethod
    async def known_threads(self, desk: str, external_ids: Collection[str]) -> Mapping[str, DeskMessageRow]:
        """Those of a helpdesk's messages that went through us, by the helpdesk's id."""

    @abstractmethod
    async def desk_customer(self, desk: str, person: str) -> str | None:
        """Who a person is at a helpdesk."""

    @abstractmethod
    async def desk_people(self, desk: str, customer_id: str) -> Sequence[str]:
        """The people whom a helpdesk has as that customer, the one found out last first."""

    # -- requests -----------------------------------------------------------------------------------------

    @abstractmethod
    async def requests(
        self,
        *,
        person: str | None = None,
        lane: str | None = None,
        status: RequestStatus | None = None,
        form: str | None = None,
        since: int | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> Sequence[RequestRow]:
        """Requests, newest first: of this person, conversation, status and form (None: of any).

        None made before the moment `since` (ms), ids below `before` only.
        """

    @abstractmethod
    async def request(self, request_id: int) -> RequestRow | None:
        """The request with that id."""

    @abstractmethod
    async def request_numbered(self, number: str) -> RequestRow | None:
        """The request that people call by that number."""

    @abstractmethod
    async def request_events(self, request_id: int) -> Sequence[RequestEventRow]:
        """The life of a request, oldest first."""

    # -- alarms and proposals -----------------------------------------------------------------------------

    @abstractmethod
    async def alarms_due(
        self, *, now: int, limit: int, shards: Collection[int] | None = None
    ) -> Sequence[AlarmRow]:
        """Alarms of these shards whose moment has come by `now` (ms), the earliest first."""

    @abstractmethod
    async def alarms(self, lane: str) -> Sequence[AlarmRow]:
        """The alarms of a conversation, the earliest first."""

    @abstractmethod
    async def proposals(
        self, *, status: ProposalStatus | None = None, before: int | None = None, limit: int = 100
    ) -> Sequence[ProposalRow]:
        """Answers that our people gave, newest first: of this status (None: of any), ids below `before` only."""
