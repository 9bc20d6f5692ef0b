"""A helpdesk in memory: its agents are a test."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from channels.contract import Health, HealthState, WebhookRequest
from channels.errors import BadPayload, ChannelError, Gone, TooLarge, Unauthorized, Unreachable
from channels.model import RawUpdate
from config.secret import Secret
from optfm_bot.helpdesk.contract import (
    AgentFile,
    Assigned,
    Closed,
    DeskMessage,
    Helpdesk,
    HelpdeskContext,
    HelpdeskEvent,
    HelpdeskSettings,
    HelpdeskSpec,
    Hooked,
    KnownTicket,
    Merged,
    Polled,
    Removed,
    Reopened,
    ThreadRef,
    TicketDraft,
    TicketRef,
    ticket_lane,
)
from optfm_bot.testing.memory_agents import MemoryAgents, MemoryTicket, agent_reply, ticket_ref

SECRET_HEADER = "x-desk-secret"  # noqa: S105 - the name of a header
SECRET = "desk-secret"  # noqa: S105 - guards nothing


class MemoryHelpdesk(MemoryAgents, Helpdesk, Hooked, Polled):
    """A helpdesk that a test drives: `tickets_here` is what agents see, and they do what `MemoryAgents` can.

    `refuse` is raised, one error per call about a ticket, before anything is done. The next `lose` calls that change
    something do it, and then nobody hears of it. While it is `down` nobody answers; while it is `revoked` the key is
    wrong. It outlives the house: a house that is started again may be given the same one.
    """

    spec: ClassVar[HelpdeskSpec] = HelpdeskSpec(
        kind="memory",
        title="Memory",
        settings=HelpdeskSettings,
        factory="optfm_bot.testing.memory_desk:MemoryHelpdesk",
    )

    def __init__(
        self, context: HelpdeskContext, *, secret: str = SECRET, file_limit: int | None = None
    ) -> None:
        Helpdesk.__init__(self, HelpdeskSettings(), context)
        MemoryAgents.__init__(self, context.clock)
        if file_limit is not None:
            self.spec = replace(type(self).spec, file_limit=file_limit)  # type: ignore[misc]
        self.refuse: list[ChannelError] = []
        self.lose = 0
        self.down = False
        self.revoked = False
        self.calls: list[str] = []
        """Every call that came through to it, by name."""
        self._secret = Secret(secret)

    def hook(self, ticket: str) -> WebhookRequest:
        """The webhook call that tells of the last change of a ticket."""
        body = json.dumps({"ticket": ticket, "change": self.tickets_here[ticket].changed})
        return WebhookRequest(headers={SECRET_HEADER: self._secret.reveal()}, body=body.encode())

    # -- what the house asks for --------------------------------------------------------------------------

    async def probe(self) -> Health:
        """Say how it is."""
        if self.down:
            return Health(state=HealthState.DOWN, hint="the helpdesk does not answer")
        if self.revoked:
            return Health(state=HealthState.BAD_CREDENTIALS, hint="the key is not valid any more")
        return Health(state=HealthState.OK, identity=self.instance)

    async def open_ticket(self, draft: TicketDraft) -> TicketRef:
        """Open a ticket."""
        self._begin("open_ticket")
        self._fits(draft.message)
        customer_id = draft.customer_id or self._customers.get(draft.customer.ref)
        customer_id = self._customers[draft.customer.ref] = customer_id or f"c{len(self._customers) + 1}"
        ticket = self._new(
            key=draft.key, subject=draft.subject, customer=draft.customer, customer_id=customer_id
        )
        self._say(ticket, "customer", draft.message.text, draft.message.files, key=draft.message.key)
        self._answer()
        return ticket_ref(ticket)

    async def find_ticket(
        self, draft: TicketDraft, *, since: datetime, known: Collection[str]
    ) -> TicketRef | None:
        """Look for the ticket by the draft's key."""
        self._begin("find_ticket")
        for ticket in self.tickets_here.values():
            if ticket.key == draft.key and ticket.id not in known and ticket.at >= since:
                return ticket_ref(ticket)
        return None

    async def add_customer_message(self, ticket: TicketRef, message: DeskMessage) -> ThreadRef:
        """Add it, and open the ticket."""
        self._begin("add_customer_message")
        found = self._there(ticket.id)
        self._fits(message)
        self._turn(found, is_open=True)
        thread = self._say(found, "customer", message.text, message.files, key=message.key)
        self._answer()
        return ThreadRef(id=thread.id)

    async def add_note(self, ticket: TicketRef, note: DeskMessage) -> ThreadRef:
        """Add it."""
        self._begin("add_note")
        found = self._there(ticket.id)
        self._fits(note)
        thread = self._say(found, "note", note.text, note.files, key=note.key)
        self._answer()
        return ThreadRef(id=thread.id)

    async def find_message(
        self, ticket: TicketRef, message: DeskMessage, *, since: datetime, known: Collection[str], note: bool
    ) -> ThreadRef | None:
        """Look for the message by its key."""
        self._begin("find_message")
        kind = "note" if note else "customer"
        for thread in self._there(ticket.id).threads:
            if thread.key == message.key and thread.kind == kind and thread.id not in known:
                return ThreadRef(id=thread.id) if thread.at >= since else None
        return None

    async def close_ticket(self, ticket: TicketRef) -> None:
        """Close it."""
        self._begin("close_ticket")
        self._turn(self._there(ticket.id), is_open=False)
        self._answer()

    async def locate(self, ticket: TicketRef, *, known: Collection[str]) -> TicketRef | None:
        """Look for the ticket that has these messages now."""
        self._begin("locate")
        for other in self.tickets_here.values():
            if other.id != ticket.id and not other.removed and any(one.id in known for one in other.threads):
                return ticket_ref(other)
        return None

    async def read(self, ticket_id: str, known: KnownTicket | None) -> Sequence[HelpdeskEvent]:
        """Compare the ticket with what the house knows."""
        self._begin("read")
        ticket = self.tickets_here.get(ticket_id)
        if ticket is None:
            raise Gone
        if ticket.removed:
            return self._ended(ticket, known)
        was_open, assignee = (known.open, known.assignee) if known is not None else (True, "")
        seen = known.threads if known is not None else frozenset()
        turned = f"{ticket.id}-{ticket.turned}"
        events: list[HelpdeskEvent] = []
        if ticket.open and not was_open:
            events.append(Reopened(key=f"open-{turned}", ticket=ticket.id, at=ticket.turned_at))
        if ticket.assignee != assignee:
            key = f"assigned-{ticket.id}-{ticket.changed}"
            events.append(Assigned(key=key, ticket=ticket.id, at=self.clock(), agent=ticket.assignee))
        said = [one for one in ticket.threads if one.kind == "agent" and one.id not in seen]
        events += [agent_reply(ticket, thread) for thread in said]
        if was_open and not ticket.open:
            events.append(Closed(key=f"closed-{turned}", ticket=ticket.id, at=ticket.turned_at))
        return events

    async def fetch(self, file: AgentFile, *, limit: int) -> bytes:
        """Give what is in the file."""
        self._begin("fetch")
        thread_id, _, place = file.id.partition("/")
        for ticket in self.tickets_here.values():
            for thread in ticket.threads:
                if thread.id == thread_id and int(place) < len(thread.files):
                    data = thread.files[int(place)].data
                    if len(data) > limit:
                        raise TooLarge(f"the file has {len(data)} bytes, the limit is {limit}")
                    return data
        raise Gone("there is no such file")

    def authenticate(self, request: WebhookRequest) -> None:
        """Compare the header."""
        given = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode(), self._secret.reveal().encode()):
            raise Unauthorized

    def tickets(self, request: WebhookRequest) -> Sequence[RawUpdate]:
        """Read which ticket a call is about."""
        try:
            ticket = json.loads(request.body)["ticket"]
        except (ValueError, KeyError, TypeError) as error:
            raise BadPayload("a webhook call names no ticket") from error
        digest = hashlib.sha256(request.body).hexdigest()[:32]
        return (
            RawUpdate(
                key=f"hook-{digest}",
                lane=ticket_lane(self.instance, str(ticket)),
                payload={"ticket": str(ticket)},
            ),
        )

    async def changes(self, cursor: str | None) -> tuple[Sequence[str], str]:
        """Name what has a higher number of change than the cursor."""
        self._reachable()
        following = str(self._changes)
        if cursor is None:
            return (), following
        changed = [one for one in self.tickets_here.values() if one.changed > int(cursor)]
        return [one.id for one in sorted(changed, key=lambda one: one.changed)], following

    # -- the parts ----------------------------------------------------------------------------------------

    def _reachable(self) -> None:
        if self.down:
            raise Unreachable(maybe_sent=False)
        if self.revoked:
            raise Unauthorized

    def _begin(self, call: str) -> None:
        self._reachable()
        if self.refuse:
            raise self.refuse.pop(0)
        self.calls.append(call)

    def _answer(self) -> None:
        if self.lose:
            self.lose -= 1
            raise Unreachable(maybe_sent=True)

    def _fits(self, message: DeskMessage) -> None:
        if any(len(file.data) > self.spec.file_limit for file in message.files):
            raise TooLarge

    def _ended(self, ticket: MemoryTicket, known: KnownTicket | None) -> Sequence[HelpdeskEvent]:
        if known is None:
            return ()
        if ticket.into:
            key = f"merged-{ticket.id}-{ticket.into}"
            return (Merged(key=key, ticket=ticket.id, at=self.clock(), into=ticket.into),)
        return (Removed(key=f"gone-{ticket.id}", ticket=ticket.id, at=self.clock(), spam=ticket.spam),)
