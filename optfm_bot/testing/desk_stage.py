"""The other side of a helpdesk under test: what agents do and see there, what goes wrong, what the house would know."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

from channels.model import Body, Bold, Break, Code, Inline, Italic, Link, ListBlock, Text
from optfm_bot.helpdesk.contract import (
    AgentReplied,
    Closed,
    Customer,
    DeskFile,
    DeskMessage,
    Helpdesk,
    HelpdeskEvent,
    KnownTicket,
    Reopened,
    TicketDraft,
    TicketRef,
)

E = TypeVar("E", bound=HelpdeskEvent)

LOOKUP = "lookup"
"""`find_ticket` and `find_message` can be trusted."""
CLOSES = "closes"
"""Agents can close a ticket, and so can we; `read` tells of it."""
REOPENS = "reopens"
"""Agents can open a closed ticket again; `read` tells of it."""
REMOVES = "removes"
"""A ticket can vanish: then it is `Gone`."""
FAULTS = ("revoked", "busy", "down", "lost_answer")
"""`HelpdeskStage.fault`: wrong credentials, "slow down", nobody listens, the next change is done and not answered."""
ALL: frozenset[str] = frozenset({LOOKUP, CLOSES, REOPENS, REMOVES, *FAULTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One message as agents see it. `kind` is customer, note or agent; `files` are names and contents."""

    kind: str
    text: str
    files: tuple[tuple[str, bytes], ...] = ()


class HelpdeskStage(ABC):
    """The fake's side of one helpdesk: what agents do there, what they see, what goes wrong.

    `powers` is all that a helpdesk may be able to do; take away what yours cannot, and the checks of it are skipped and
    say so (`powers = HelpdeskStage.powers - {"removes"}`). `secrets` must appear in no error, log or repr. A helpdesk
    that is told instead of asked (a group of a messenger) overrides `events`.
    """

    powers: frozenset[str] = ALL
    secrets: Sequence[str] = ()

    def __init__(self, desk: Helpdesk) -> None:
        self.desk = desk

    def now(self) -> datetime:
        """The moment as the helpdesk's clock has it."""
        return self.desk.clock()

    @abstractmethod
    async def seen(self, ticket: TicketRef) -> list[Seen]:
        """What agents see in a ticket, oldest first."""

    @abstractmethod
    async def agent_reply(self, ticket: TicketRef, text: str, files: Sequence[DeskFile] = ()) -> None:
        """An agent answers the customer; the reply is final when this returns."""

    @abstractmethod
    async def agent_note(self, ticket: TicketRef, text: str) -> None:
        """An agent writes to other agents."""

    async def agent_close(self, ticket: TicketRef) -> None:
        """An agent closes the ticket."""
        raise NotImplementedError

    async def agent_reopen(self, ticket: TicketRef) -> None:
        """An agent opens it again."""
        raise NotImplementedError

    async def remove(self, ticket: TicketRef) -> None:
        """The ticket is no more."""
        raise NotImplementedError

    async def is_open(self, ticket: TicketRef) -> bool:
        """Whether agents see it as open."""
        raise NotImplementedError

    def fault(self, name: str) -> AbstractAsyncContextManager[None]:
        """Let something go wrong inside the block: see `FAULTS`."""
        raise NotImplementedError(name)

    async def events(self, ticket: TicketRef, known: KnownTicket) -> Sequence[HelpdeskEvent]:
        """What the house would hear of this ticket now."""
        return await self.desk.read(ticket.id, known)


@dataclass(slots=True)
class Record:
    """What the house would have written down of one ticket: `hear` asks what is new and remembers it."""

    stage: HelpdeskStage
    ticket: TicketRef
    known: KnownTicket = field(init=False)

    def __post_init__(self) -> None:
        first = self.ticket.thread_id
        self.known = KnownTicket(
            id=self.ticket.id,
            open=True,
            customer_id=self.ticket.customer_id,
            threads=frozenset({first} if first else ()),
        )

    def add(self, *threads: str) -> None:
        """Remember messages of ours."""
        self.known = replace(self.known, threads=self.known.threads | set(threads))

    async def say(self, text: str, *files: DeskFile, key: str = "m") -> None:
        """The customer writes."""
        ref = await self.stage.desk.add_customer_message(self.ticket, message(text, *files, key=key))
        self.add(ref.id)

    async def note(self, text: str, *, key: str = "n") -> None:
        """The house writes a note."""
        self.add((await self.stage.desk.add_note(self.ticket, message(text, key=key))).id)

    async def hear(self) -> list[HelpdeskEvent]:
        """Ask what is new, and remember it as the house does."""
        events = list(await self.stage.events(self.ticket, self.known))
        for event in events:
            match event:
                case AgentReplied():
                    self.add(event.thread_id)
                case Closed():
                    self.known = replace(self.known, open=False)
                case Reopened():
                    self.known = replace(self.known, open=True)
        return events


def message(text: str, *files: DeskFile, key: str = "m") -> DeskMessage:
    """Something to put into a ticket."""
    return DeskMessage(key=key, text=text, files=files)


def draft(text: str = "Здравствуйте", *, key: str = "t", ref: str = "max:4217") -> TicketDraft:
    """A ticket to open."""
    customer = Customer(ref=ref, name="Мария К.", channel="MAX", phone="+79001112233")
    return TicketDraft(
        key=key, subject="MAX: доставка", customer=customer, customer_id=None, message=message(text, key=key)
    )


def plain(body: Body) -> str:
    """What a body says, blocks and breaks as lines."""
    lines: list[str] = []
    for block in body.blocks:
        items = block.items if isinstance(block, ListBlock) else (block.children,)
        lines += [_words(item) for item in items]
    return "\n".join(lines)


def _words(children: Sequence[Inline]) -> str:
    words = ""
    for child in children:
        match child:
            case Text(value) | Code(value):
                words += value
            case Bold(inner) | Italic(inner) | Link(_, inner):
                words += _words(inner)
            case Break():
                words += "\n"
    return words


def squeezed(text: str) -> str:
    """A text without white space: how lines are wrapped is the helpdesk's own affair."""
    return "".join(text.split())


def replies(events: Sequence[HelpdeskEvent]) -> list[AgentReplied]:
    """The replies among events."""
    return only(events, AgentReplied)


def only(events: Sequence[HelpdeskEvent], kind: type[E]) -> list[E]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def steady() -> datetime:
    """The time of day, for a `HelpdeskContext` of a test that needs none of its own."""
    return datetime.now(UTC)
