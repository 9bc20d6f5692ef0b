"""The agents of the helpdesk in memory: their tickets, and what they do with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from channels.body import text_body
from channels.errors import Gone
from optfm_bot.helpdesk.contract import AgentFile, AgentReplied, Customer, DeskFile, TicketRef


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryThread:
    """A message in a ticket; `kind` is customer, agent or note, `key` that of a message of the house."""

    id: str
    kind: str
    text: str = field(repr=False)
    files: tuple[DeskFile, ...] = field(default=(), repr=False)
    at: datetime
    agent: str = ""
    key: str = ""


@dataclass(slots=True, kw_only=True)
class MemoryTicket:
    """A ticket as agents see it. `changed` and `turned` number its last change, and the last of its status."""

    id: str
    subject: str = field(repr=False)
    customer: Customer | None
    customer_id: str
    key: str
    at: datetime
    threads: list[MemoryThread] = field(default_factory=list)
    open: bool = True
    assignee: str = ""
    removed: bool = False
    spam: bool = False
    into: str = ""
    """The ticket that it was merged into."""
    changed: int = 0
    turned: int = 0
    turned_at: datetime

    @property
    def texts(self) -> list[str]:
        """What was said in it, oldest first, each with its kind: `customer: where is it?`."""
        return [f"{one.kind}: {one.text}" for one in self.threads]


class MemoryAgents:
    """The side of the helpdesk that a test plays. Every method raises `Gone` for a ticket that is no more."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.tickets_here: dict[str, MemoryTicket] = {}
        self._customers: dict[str, str] = {}
        self._threads = 0
        self._changes = 0

    def open_ticket_of(self, person: str) -> MemoryTicket | None:
        """The open ticket of a person (`stage:id-Анна`), the newest if there are several."""
        theirs = [one for one in self.tickets_here.values() if one.customer_id == self._customers.get(person)]
        return next((one for one in reversed(theirs) if one.open and not one.removed), None)

    def agent_replies(
        self, ticket: str, text: str, files: Sequence[DeskFile] = (), name: str = "Ольга"
    ) -> MemoryThread:
        """An agent answers; that opens a closed ticket."""
        found = self._there(ticket)
        self._turn(found, is_open=True)
        return self._say(found, "agent", text, tuple(files), agent=name)

    def agent_opens(self, person: str, text: str, name: str = "Ольга") -> MemoryTicket:
        """An agent begins a ticket for somebody who has had one."""
        ticket = self._new(key="", subject=text, customer=None, customer_id=self._customers[person])
        self._say(ticket, "agent", text, (), agent=name)
        return ticket

    def note(self, ticket: str, text: str, name: str = "Ольга") -> MemoryThread:
        """An agent writes for other agents only."""
        return self._say(self._there(ticket), "note", text, (), agent=name)

    def close_by_agent(self, ticket: str) -> None:
        """An agent closes it."""
        self._turn(self._there(ticket), is_open=False)

    def reopen(self, ticket: str) -> None:
        """An agent opens it again."""
        self._turn(self._there(ticket), is_open=True)

    def assign(self, ticket: str, name: str = "Ольга") -> None:
        """Give it to an agent; empty: to nobody."""
        found = self._there(ticket)
        found.assignee = name
        self._touch(found)

    def delete(self, ticket: str) -> None:
        """It is no more."""
        found = self._there(ticket)
        found.removed = True
        self._touch(found)

    def spam(self, ticket: str) -> None:
        """It is spam, and so no more."""
        self._there(ticket).spam = True
        self.delete(ticket)

    def merge(self, ticket: str, into: str) -> None:
        """It lives on as another ticket, which has its messages from now on."""
        found, other = self._there(ticket), self._there(into)
        other.threads = sorted([*other.threads, *found.threads], key=lambda one: int(one.id[1:]))
        found.threads, found.into = [], into
        self._touch(other)
        self.delete(ticket)

    # -- the parts ----------------------------------------------------------------------------------------

    def _there(self, ticket_id: str) -> MemoryTicket:
        ticket = self.tickets_here.get(ticket_id)
        if ticket is None or ticket.removed:
            raise Gone
        return ticket

    def _new(self, *, key: str, subject: str, customer: Customer | None, customer_id: str) -> MemoryTicket:
        now = self.clock()
        ticket = MemoryTicket(
            id=str(len(self.tickets_here) + 1),
            subject=subject,
            customer=customer,
            customer_id=customer_id,
            key=key,
            at=now,
            turned_at=now,
        )
        self.tickets_here[ticket.id] = ticket
        return ticket

    def _say(
        self,
        ticket: MemoryTicket,
        kind: str,
        text: str,
        files: tuple[DeskFile, ...],
        *,
        agent: str = "",
        key: str = "",
    ) -> MemoryThread:
        self._threads += 1
        thread = MemoryThread(
            id=f"m{self._threads}",
            kind=kind,
            text=text,
            files=files,
            at=self.clock(),
            agent=agent,
            key=key,
        )
        ticket.threads.append(thread)
        self._touch(ticket)
        return thread

    def _turn(self, ticket: MemoryTicket, *, is_open: bool) -> None:
        if ticket.open is not is_open:
            self._touch(ticket)
            ticket.open, ticket.turned, ticket.turned_at = is_open, ticket.changed, self.clock()

    def _touch(self, ticket: MemoryTicket) -> None:
        self._changes += 1
        ticket.changed = self._changes


def ticket_ref(ticket: MemoryTicket) -> TicketRef:
    """The ticket as the house refers to it."""
    return TicketRef(
        id=ticket.id,
        number=ticket.id,
        url=f"https://desk.test/{ticket.id}",
        customer_id=ticket.customer_id,
        thread_id=ticket.threads[0].id if ticket.threads else None,
    )


def agent_reply(ticket: MemoryTicket, thread: MemoryThread) -> AgentReplied:
    """An agent's message as the house hears of it."""
    return AgentReplied(
        key=f"thread-{thread.id}",
        ticket=ticket.id,
        at=thread.at,
        thread_id=thread.id,
        agent=thread.agent,
        body=text_body(thread.text),
        files=tuple(
            AgentFile(id=f"{thread.id}/{place}", name=file.name, mime=file.mime, size=len(file.data))
            for place, file in enumerate(thread.files)
        ),
        customer_id=ticket.customer_id,
    )
