"""The helpdesk: what the bot asks of the shelf, in the words of the contract."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from optfm_bot import sdk

from optfm_bot_shelf.spec import SPEC, ShelfSettings
from optfm_bot_shelf.tickets import Ticket, Tickets, content, say, turn


class Shelf(sdk.Helpdesk, sdk.Polled):
    """Tickets in a folder."""

    spec: ClassVar[sdk.HelpdeskSpec] = SPEC

    def __init__(self, settings: ShelfSettings, context: sdk.HelpdeskContext) -> None:
        super().__init__(settings, context)
        self._limit = settings.file_limit
        self.tickets = Tickets(Path(settings.path))

    async def probe(self) -> sdk.Health:
        """Look whether the folder is there."""
        try:
            self.tickets.all()
        except sdk.Unreachable:
            return sdk.Health(state=sdk.HealthState.DOWN, hint="make the folder that `path` names")
        return sdk.Health(state=sdk.HealthState.OK, identity=self.instance)

    # -- towards it

    async def open_ticket(self, draft: sdk.TicketDraft) -> sdk.TicketRef:
        """Make a file."""
        ticket = self.tickets.add(draft.key, draft.customer.ref, self.clock())
        self._say(ticket, "customer", draft.message)
        return _ref(ticket)

    async def find_ticket(
        self, draft: sdk.TicketDraft, *, since: datetime, known: Collection[str]
    ) -> sdk.TicketRef | None:
        """Look for the key of the draft: it is the same at every attempt."""
        for ticket in self.tickets.all():
            if ticket["key"] == draft.key and ticket["id"] not in known:
                return _ref(ticket) if datetime.fromisoformat(ticket["at"]) >= since else None
        return None

    async def add_customer_message(self, ticket: sdk.TicketRef, message: sdk.DeskMessage) -> sdk.ThreadRef:
        """Add it, and open the ticket."""
        found = self.tickets.get(ticket.id)
        turn(found, self.clock(), is_open=True)
        return sdk.ThreadRef(id=self._say(found, "customer", message))

    async def add_note(self, ticket: sdk.TicketRef, note: sdk.DeskMessage) -> sdk.ThreadRef:
        """Add it."""
        return sdk.ThreadRef(id=self._say(self.tickets.get(ticket.id), "note", note))

    async def find_message(
        self,
        ticket: sdk.TicketRef,
        message: sdk.DeskMessage,
        *,
        since: datetime,
        known: Collection[str],
        note: bool,
    ) -> sdk.ThreadRef | None:
        """Look for the key of the message."""
        kind = "note" if note else "customer"
        for thread in self.tickets.get(ticket.id)["threads"]:
            if (thread["key"], thread["kind"]) == (message.key, kind) and thread["id"] not in known:
                return (
                    sdk.ThreadRef(id=thread["id"]) if datetime.fromisoformat(thread["at"]) >= since else None
                )
        return None

    async def close_ticket(self, ticket: sdk.TicketRef) -> None:
        """Close it; twice is once."""
        found = self.tickets.get(ticket.id)
        turn(found, self.clock(), is_open=False)
        self.tickets.keep(found)

    # -- from it

    async def changes(self, cursor: str | None) -> tuple[Sequence[str], str]:
        """Every change has a number, and the cursor is the last one."""
        tickets = self.tickets.all()
        last = max((one["changed"] for one in tickets), default=0)
        seen = last if cursor is None else int(cursor)
        return [one["id"] for one in tickets if one["changed"] > seen], str(last)

    async def read(self, ticket_id: str, known: sdk.KnownTicket | None) -> Sequence[sdk.HelpdeskEvent]:
        """Tell the replies that are not known yet, then whether it was closed or opened."""
        try:
            ticket = self.tickets.get(ticket_id)
        except sdk.Gone:
            return [sdk.Removed(key=f"{ticket_id} removed", ticket=ticket_id, at=self.clock())]
        heard = known.threads if known is not None else frozenset()
        events: list[sdk.HelpdeskEvent] = [
            sdk.AgentReplied(
                key=thread["id"],
                ticket=ticket_id,
                at=datetime.fromisoformat(thread["at"]),
                thread_id=thread["id"],
                agent="",
                body=sdk.text_body(thread["text"]),
                files=tuple(
                    sdk.AgentFile(id=f"{thread['id']}/{number}", name=file["name"], mime=file["mime"])
                    for number, file in enumerate(thread["files"])
                ),
                customer_id=ticket["person"],
            )
            for thread in ticket["threads"]
            if thread["kind"] == "agent" and thread["id"] not in heard
        ]
        if known is not None and known.open is not ticket["open"]:
            kind = sdk.Reopened if ticket["open"] else sdk.Closed
            at = datetime.fromisoformat(ticket["turned_at"])
            events.append(kind(key=f"{ticket_id} turned {ticket['turned']}", ticket=ticket_id, at=at))
        return events

    async def fetch(self, file: sdk.AgentFile, *, limit: int) -> bytes:
        """Give what is in it."""
        data = content(self.tickets.get(file.id.partition("-")[0]), file.id)
        if len(data) > limit:
            raise sdk.TooLarge(f"the file has more than {limit} bytes")
        return data

    def _say(self, ticket: Ticket, kind: str, message: sdk.DeskMessage) -> str:
        if any(len(file.data) > self._limit for file in message.files):
            raise sdk.TooLarge(f"the shelf takes files of up to {self._limit} bytes")
        thread_id = say(ticket, kind, message.text, message.files, at=self.clock(), key=message.key)
        self.tickets.keep(ticket)
        return thread_id


def _ref(ticket: Ticket) -> sdk.TicketRef:
    return sdk.TicketRef(
        id=ticket["id"],
        number=ticket["id"],
        customer_id=ticket["person"],
        thread_id=ticket["threads"][0]["id"],
    )
