"""The contract of a channel: what an adapter writes, and what the house promises to call and when."""

from __future__ import annotations

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, NewType, TypeAlias

from pydantic import BaseModel, ConfigDict

from channels.capabilities import Capabilities
from channels.model import ActionIn, ChatRef, Inbound, Media, Past, RawUpdate, Receipt, Rendered
from channels.values import dataclass

if TYPE_CHECKING:
    from aiohttp import web

Cursor = NewType("Cursor", str)
"""Where a polling channel stands in the platform's queue. Opaque to the house, stored with the updates it covers."""

INSTANCE_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
"""Names of channel instances: they become part of addresses, metrics and chat references."""


class ChannelSettings(BaseModel):
    """Base of the settings of every channel; unknown keys are errors."""

    # An error in one field must not print the value of another: a token may be among them.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Transport(StrEnum):
    """How updates reach us."""

    POLLING = "polling"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSpec:
    """Everything about a channel that can be known without importing its SDK.

    `factory` is `module:Class`, imported only when the channel is configured. `settings` is a pydantic model.
    """

    kind: str
    title: str
    settings: type[ChannelSettings]
    capabilities: Capabilities
    factory: str
    transports: frozenset[Transport]
    docs: str = ""
    extra: str | None = None
    """The extra of this distribution that installs the SDK, for the message that says how to get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one `fetch` brought. `cursor` is where to go on once these updates are committed."""

    updates: tuple[RawUpdate, ...]
    cursor: Cursor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """An HTTP request as a channel sees it. `headers` have lower-case names; `body` is within the size limit."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    remote: str = ""
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


class HealthState(StrEnum):
    """What a probe found."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"
    BAD_CREDENTIALS = "bad_credentials"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The answer of a probe: `identity` is who we are there (a bot's name), `hint` is what to do next."""

    state: HealthState
    identity: str = ""
    hint: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BotCommand:
    """A command for the platform's menu: name without the slash, and what it does."""

    name: str
    description: str


Transcript: TypeAlias = Callable[[ChatRef, int], Awaitable[Sequence[Past]]]
"""Gives the last messages of a talk, oldest first, at most so many of them. Raises what the store raises."""


async def no_transcript(_chat: ChatRef, _limit: int) -> Sequence[Past]:
    """The transcript where nobody keeps one."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelContext:
    """What the house gives to a channel when it makes one: its name, the time, and what was said in its talks."""

    instance: str
    clock: Callable[[], datetime]
    transcript: Transcript = no_transcript


class Channel(ABC):
    """One connected account on one platform.

    The house makes it as `Class(settings, context)`, calls `open` once before anything else and `close` once at the end
    (both are idempotent), and never calls `deliver` for the same chat twice at once. A channel is `Channel` plus
    `Polling` or `Webhook` or both. It contains no retry loops: it raises by reaction (`channels.errors`).
    """

    spec: ClassVar[ChannelSpec]

    def __init__(self, settings: Any, context: ChannelContext) -> None:
        self.settings = settings
        self.instance = context.instance
        self.clock = context.clock

    @property
    def capabilities(self) -> Capabilities:
        """What this instance can do: what its kind can, unless its settings decide (one kind, several networks)."""
        return self.spec.capabilities

    @property
    def title(self) -> str:
        """What people call its messenger: as its kind is called, unless its settings decide."""
        return self.spec.title

    @abstractmethod
    def parse(self, raw: RawUpdate) -> Sequence[Inbound]:
        """Read one raw update. Pure. Nothing of interest gives an empty sequence; nonsense raises `BadPayload` only."""

    @abstractmethod
    async def deliver(self, message: Rendered) -> Receipt:
        """Send one message. Raises by reaction; never raises anything of the SDK or of the HTTP client."""

    async def open(self) -> None:
        """Get ready to work; raises `Unauthorized`, `Unreachable` or `RetryLater` if that cannot be done now."""

    async def close(self) -> None:
        """Free connections and files. Does not deregister a webhook."""

    async def probe(self) -> Health:
        """Ask the platform, read-only and cheaply, whether the credentials work and updates can reach us.

        The only call, besides `close`, that a channel may get without having been opened: a check from the command line
        must not change anything on the platform, and opening may.
        """
        return Health(state=HealthState.OK, identity=self.instance)

    async def subscribe(self, url: str) -> None:
        """Make the platform deliver updates to `url` (webhook channels); changes nothing if it already does."""

    async def typing(self, chat: ChatRef) -> None:
        """Show that an answer is on its way, where the platform can."""

    async def acknowledge_action(self, action: ActionIn, notice: str = "") -> None:
        """Tell the platform that a button press was seen; a late or repeated acknowledgement is harmless."""

    async def publish_commands(self, commands: Mapping[str, Sequence[BotCommand]]) -> None:
        """Show the commands in the platform's menu, per language code; changes nothing if they are shown already."""


class Polling(ABC):
    """The power to ask the platform for updates."""

    @abstractmethod
    async def fetch(self, cursor: Cursor | None) -> Batch:
        """Wait for updates after `cursor` (None: from the oldest unconfirmed). Confirms nothing newer than `cursor`.

        Returns an empty batch after the platform's own long-poll time. Raises by reaction; `Conflict` when somebody
        else is receiving this bot's updates.
        """

    async def confirm(self, batch: Batch) -> None:
        """Tell the platform that `batch` is safe with us. Called only after our commit; may do nothing."""


class Webhook(ABC):
    """The power to receive updates that the platform pushes."""

    @abstractmethod
    def authenticate(self, request: WebhookRequest) -> None:
        """Compare the secret in constant time; raises `Unauthorized` if it is wrong or missing."""

    @abstractmethod
    def split(self, request: WebhookRequest) -> Sequence[RawUpdate]:
        """Read the updates out of a request. Pure; raises `BadPayload` for anything that is not this platform's."""


class Verifiable(ABC):
    """The power to look whether a message of ours has arrived; it allows the delivery policy `verify`."""

    @abstractmethod
    async def find(self, message: Rendered, *, since: datetime) -> Receipt | None:
        """Look for this message among those we sent to its chat since that moment; None if it is not there."""


class Addressable(ABC):
    """The power to find the chat of a person whose phone number is known."""

    @abstractmethod
    async def address(self, phone: str) -> str:
        """Give the chat id to write to; `phone` is digits alone, the country's first: `79001234567`.

        Raises `Gone` if nobody there has this number, `Rejected` if it is none that can be asked for, else by reaction.
        """


class Downloads(ABC):
    """The power to fetch a file that came in through this channel."""

    @abstractmethod
    async def download(self, file: Media, *, limit: int) -> bytes:
        """Get what is in it, by `file_id` or `url` as `MediaIn` had them.

        Raises `TooLarge` beyond `limit` bytes, `Gone` if the platform does not have it any more, else by reaction.
        """


class Topics(ABC):
    """The power to divide a group into topics."""

    @abstractmethod
    async def open_topic(self, chat_id: str, title: str) -> str:
        """Begin a topic; gives its thread id. Raises by reaction."""

    @abstractmethod
    async def close_topic(self, chat_id: str, thread_id: str, *, closed: bool = True) -> None:
        """Close a topic, or open it again; changes nothing if it is.

        Raises by reaction, `TopicGone` if it was deleted; so does `deliver` for a message into it.
        """


class Reconciling(ABC):
    """The power to look up what a platform's own journal has and its queue may have lost."""

    @abstractmethod
    async def missed(self, since: datetime) -> Sequence[RawUpdate]:
        """Give what arrived after that moment, oldest first, under the keys that fetching or pushing would give.

        The house asks at the start, after the channel is opened, with the moment of the last update it has, and
        whenever the account has `returned`; the inbox refuses what it knows already.
        """

    async def returned(self) -> datetime:
        """Wait until the account receives again after it did not; gives since when messages may have been missed.

        By default nothing is known of such times, and this never comes back. It raises nothing.
        """
        never: asyncio.Future[datetime] = asyncio.get_running_loop().create_future()
        return await never


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Something that a person may have done to the account: named for the command line, REST and the admin page.

    `params` is a pydantic model; its fields become options and a form. `changes` says that it changes something out
    there, so a page or a terminal asks first. `sensitive`: the result holds secrets and is shown once, never logged.
    """

    name: str
    summary: str
    params: type[ChannelSettings] = ChannelSettings
    changes: bool = False
    sensitive: bool = False


class Operable(ABC):
    """The power to be serviced: queues, journals, groups, the state of the account."""

    operations: ClassVar[Sequence[Operation]]

    @abstractmethod
    async def operate(self, name: str, params: ChannelSettings) -> Any:
        """Do it; `params` is an instance of the operation's model. Gives JSON. Raises by reaction.

        May be called without `open`. Raises `LookupError` for a name that is not among `operations`.
        """


class LoginState(StrEnum):
    """Where a login stands."""

    WAITING = "waiting"
    SCAN = "scan"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginStep:
    """What to show a person who logs an account in: a sentence, and in the state `SCAN` a QR code as PNG bytes."""

    state: LoginState
    message: str
    qr_png: bytes | None = field(default=None, repr=False)


class Login(ABC):
    """The power to be logged in by a person with a phone in their hand."""

    @abstractmethod
    def login(self) -> AsyncIterator[LoginStep]:
        """Go through the login: a step whenever something changes, the last one is `DONE` or `FAILED`.

        May be called without `open`; ends when the iteration is closed. Raises by reaction.
        """


Receive: TypeAlias = Callable[[WebhookRequest], Awaitable[int]]
"""The house's intake for one channel: authenticates, splits, stores, and gives the HTTP status to answer with."""


class Pages(ABC):
    """The power to serve pages of its own under `/chat/<instance>` on the house's server."""

    @abstractmethod
    def routes(
        self, receive: Receive, *, title: str, starters: Callable[[], Sequence[str]]
    ) -> Sequence[web.RouteDef]:
        """Give the routes. What visitors post goes to `receive`; `starters` are questions to begin with."""


class Shared(ABC):
    """The power to be one channel in several processes: people look at their talks in any of them.

    Needed where the platform is ourselves. Elsewhere a message is the same for everybody once the platform has it.
    """

    @abstractmethod
    def share(self, tell: Callable[[str], None]) -> None:
        """Work beside the same channel in other processes, from before `open` on.

        `tell` gives a short text (up to 4,000 bytes) to all of them, if there are any. It neither waits nor raises, and
        what is told may get lost: the record (`ChannelContext.transcript`) is the truth.
        """

    @abstractmethod
    def hear(self, text: str) -> None:
        """Take what the channel told in another process; empty when something may have been missed.

        Called in the event loop: neither blocks nor raises, whatever the text is.
        """
