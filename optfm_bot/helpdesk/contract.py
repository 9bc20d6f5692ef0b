"""The contract of a helpdesk: what an adapter writes, and what the house promises to call and when.

An adapter knows its helpdesk only: neither conversations, nor the store, nor other channels. It contains no retry
loops and raises by reaction (`channels.errors`): `Gone` means that the ticket is not there any more.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, TypeAlias

from channels.contract import ChannelSettings, Health, HealthState, WebhookRequest
from channels.model import Body, Inbound, RawUpdate
from optfm_bot.i18n.catalogue import Catalogue


class HelpdeskSettings(ChannelSettings):
    """Base of the settings of every helpdesk; unknown keys are errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpdeskSpec:
    """Everything about a helpdesk that can be known without importing what it needs. `factory` is `module:Class`."""

    kind: str
    title: str
    settings: type[HelpdeskSettings]
    factory: str
    docs: str = ""
    file_limit: int = 20_000_000
    """The largest file, in bytes, that it takes."""
    lookup: bool = True
    """Whether `find_ticket` and `find_message` can be trusted: without, what is in doubt is not repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpdeskContext:
    """What the house gives to a helpdesk when it makes one: its name, the time, and the bot's words.

    `channel` finds a configured channel by its instance name, for a helpdesk that lives inside one (Telegram topics);
    None for a name that there is not. `words` has the owner's texts in the place of ours.
    """

    instance: str
    clock: Callable[[], datetime]
    channel: Callable[[str], Any] = lambda _: None
    words: Catalogue = field(default_factory=Catalogue.load)


# -- towards the helpdesk --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who has written. `ref` (`max:4217`) is the same for ever; `name` is never empty; the rest may be unknown."""

    ref: str
    name: str = field(repr=False)
    channel: str
    """What people call the channel: MAX, Telegram."""
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskFile:
    """A file with what is in it."""

    name: str
    mime: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskMessage:
    """Something to put into a ticket: plain text with line breaks, and files. `key` is the same at every attempt.

    What is said of a file that could not be had differs from attempt to attempt. So a message that is looked for has
    `also`, the other texts that an earlier one may have had, and `named`, the files that it was to have.
    """

    key: str
    text: str = field(repr=False)
    files: tuple[DeskFile, ...] = field(default=(), repr=False)
    also: tuple[str, ...] = field(default=(), repr=False)
    named: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketDraft:
    """A ticket to open, with its first message by the customer. `key` is the same at every attempt."""

    key: str
    subject: str = field(repr=False)
    customer: Customer
    customer_id: str | None
    """Who the customer is there, if we know."""
    message: DeskMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRef:
    """A ticket at the helpdesk."""

    id: str
    number: str = ""
    url: str = ""
    customer_id: str | None = None
    thread_id: str | None = None
    """The message that opened it, where that has an id of its own."""
    refused: tuple[str, ...] = field(default=(), repr=False)
    """Names of files of the first message that it did not take, unless that message says so itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadRef:
    """A message at the helpdesk. `refused` names files that it did not take, unless the message says so itself.

    The house tells the agents of those in a note.
    """

    id: str
    refused: tuple[str, ...] = ()


# -- from the helpdesk -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFile:
    """A file that an agent attached: enough to `fetch` it. `size` is in bytes, None where it is not told.

    `link` is an address under which the customer may open it without an account, if there is one.
    """

    id: str
    name: str
    mime: str = ""
    size: int | None = None
    link: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """What every event carries. `key` is the same however often the event is seen; `ticket` the helpdesk's own id."""

    key: str
    ticket: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentReplied(_Event):
    """An agent answered the customer. Never a note, a draft, or something that we posted ourselves.

    `customer_id` is whom the ticket belongs to, for a ticket that an agent has begun.
    """

    thread_id: str
    agent: str
    body: Body = field(repr=False)
    files: tuple[AgentFile, ...] = ()
    customer_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned(_Event):
    """The ticket has an agent; empty: nobody any more."""

    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(_Event):
    """The ticket is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened(_Event):
    """The ticket is open, perhaps again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed(_Event):
    """The ticket was deleted, or marked as spam."""

    spam: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged(_Event):
    """The ticket lives on as another one."""

    into: str


HelpdeskEvent: TypeAlias = AgentReplied | Assigned | Closed | Reopened | Removed | Merged


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTicket:
    """What the house knows of a ticket when it asks what has changed: its status, its agent, the threads it has."""

    id: str
    open: bool
    assignee: str = ""
    customer_id: str | None = None
    threads: frozenset[str] = frozenset()


class Helpdesk(ABC):
    """One helpdesk account.

    The house makes it as `Class(settings, context)`, calls `open` once before anything but `probe`, and `close` once at
    the end. For one ticket it never calls two things that change it at once.
    """

    spec: ClassVar[HelpdeskSpec]

    def __init__(self, settings: Any, context: HelpdeskContext) -> None:
        self.settings = settings
        self.instance = context.instance
        self.clock = context.clock

    async def open(self) -> None:
        """Get ready to work. Raises by reaction."""

    async def close(self) -> None:
        """Free connections."""

    async def probe(self) -> Health:
        """Ask, read-only and cheaply, whether the credentials work and everything that is configured is there."""
        return Health(state=HealthState.OK, identity=self.instance)

    # -- towards it ---------------------------------------------------------------------------------------

    @abstractmethod
    async def open_ticket(self, draft: TicketDraft) -> TicketRef:
        """Open a ticket, its customer found or created without doubles. Raises by reaction."""

    @abstractmethod
    async def find_ticket(
        self, draft: TicketDraft, *, since: datetime, known: Collection[str]
    ) -> TicketRef | None:
        """Look for the ticket that an earlier call with this draft may have opened, after that moment.

        `known` are tickets of this customer that the house knows already; None if there is no other one.
        """

    @abstractmethod
    async def add_customer_message(self, ticket: TicketRef, message: DeskMessage) -> ThreadRef:
        """Add what the customer wrote; a closed ticket is open again by it. Raises by reaction."""

    @abstractmethod
    async def add_note(self, ticket: TicketRef, note: DeskMessage) -> ThreadRef:
        """Add what only agents see. Raises by reaction."""

    @abstractmethod
    async def find_message(
        self, ticket: TicketRef, message: DeskMessage, *, since: datetime, known: Collection[str], note: bool
    ) -> ThreadRef | None:
        """Look for the message that an earlier call may have added after that moment; `known` threads are others."""

    async def close_ticket(self, ticket: TicketRef) -> None:
        """Close it: the customer needs nobody any more. Raises by reaction; where it cannot be done, does nothing."""

    async def locate(self, ticket: TicketRef, *, known: Collection[str]) -> TicketRef | None:
        """Find out what a ticket that is `Gone` lives on as, by the threads that were in it; None if it does not."""
        del ticket, known
        return None

    # -- from it ------------------------------------------------------------------------------------------

    async def read(self, ticket_id: str, known: KnownTicket | None) -> Sequence[HelpdeskEvent]:
        """Ask what is new in a ticket, oldest first; with `known` None, of a ticket the house has not heard of.

        Reads the state of now: however late or often it is called, it tells the truth. Raises by reaction.
        """
        del ticket_id, known
        return ()

    @abstractmethod
    async def fetch(self, file: AgentFile, *, limit: int) -> bytes:
        """Get an agent's file. Raises `TooLarge` beyond `limit` bytes, else by reaction."""


class Hooked(ABC):
    """The power to be told of changes by a webhook."""

    @abstractmethod
    def authenticate(self, request: WebhookRequest) -> None:
        """Check the signature in constant time; raises `Unauthorized`."""

    @abstractmethod
    def tickets(self, request: WebhookRequest) -> Sequence[RawUpdate]:
        """Say which tickets a call is about. Pure; raises `BadPayload`.

        `payload` is `{"ticket": id}` and nothing personal, `key` differs from call to call unless the call is the same,
        `lane` is `ticket_lane(instance, id)`.
        """


class Polled(ABC):
    """The power to say which tickets have changed."""

    @abstractmethod
    async def changes(self, cursor: str | None) -> tuple[Sequence[str], str]:
        """Give the ids of tickets that changed since that cursor (None: since now), and where to go on.

        A ticket may be named again that has not changed. Raises by reaction.
        """


class Resident(ABC):
    """The power of a helpdesk that lives inside a messenger's channel: what is written there is said by agents."""

    @property
    @abstractmethod
    def chat(self) -> tuple[str, str]:
        """The channel instance and the id of the chat that is the helpdesk."""

    @abstractmethod
    def understand(self, event: Inbound) -> Sequence[HelpdeskEvent]:
        """Read what happened in that chat. Pure."""


def ticket_lane(instance: str, ticket_id: str) -> str:
    """The lane of what a helpdesk tells about a ticket, before it is known whose conversation that is."""
    return f"{instance}:ticket {ticket_id}"
