"""The message model: what comes in from any platform and what goes out to it. Data only, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self, TypeAlias
from urllib.parse import quote, unquote

from channels.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRef:
    """Where a conversation lives: the channel instance, the platform's chat id, and a topic inside it.

    The parts are opaque strings. `str(ref)` is `channel:chat[:thread]` with `:` and `%` escaped in each part, and
    `ChatRef.parse` gives the same reference back.
    """

    channel: str
    chat_id: str
    thread_id: str | None = None

    def __str__(self) -> str:
        parts = (
            [self.channel, self.chat_id]
            if self.thread_id is None
            else [self.channel, self.chat_id, self.thread_id]
        )
        if ":" in "".join(parts) or "%" in "".join(parts):
            parts = [part.replace("%", "%25").replace(":", "%3A") for part in parts]
        return ":".join(parts)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text form. Raises `ValueError` unless it has two or three parts."""
        match [unquote(part) for part in text.split(":")]:
            case [channel, chat_id]:
                return cls(channel=channel, chat_id=chat_id)
            case [channel, chat_id, thread_id]:
                return cls(channel=channel, chat_id=chat_id, thread_id=thread_id)
        raise ValueError(f"not a chat reference: {quote(text)[:80]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderRef:
    """Who wrote. The name and the phone are personal data and stay out of `repr`."""

    external_id: str
    display_name: str = field(default="", repr=False)
    locale: str | None = None
    is_bot: bool = False
    phone: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawUpdate:
    """One untouched update as the platform sent it.

    `key` is derived by the channel and is the same for every delivery of the same update; the inbox refuses a second
    row with the same key. `lane` names what must stay in order: the text form of the conversation's `ChatRef`,
    or another stable name for updates that belong to no conversation.
    """

    key: str
    lane: str
    payload: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """What every inbound event carries. `at` is the platform's own time, aware, in UTC."""

    event_id: str
    chat: ChatRef
    sender: SenderRef
    at: datetime
    raw_ref: str = ""
    message_id: str | None = None
    is_group: bool = False
    addressed: bool = True
    """Whether the bot is spoken to. Always true in private chats; in a group only for a command of this bot, a mention
    of it, or a reply to it. The channel has removed the mention from the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextIn(_Event):
    """A text message. A command keeps its slash and loses the bot's name: `/help@our_bot` arrives as `/help`.

    `forwarded`: the words are somebody else's, passed on by the sender.
    """

    text: str = field(repr=False)
    reply_to: str | None = None
    forwarded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedIn(_Event):
    """A message was edited; `message_id` is the one it had, `text` is what it says now."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionIn(_Event):
    """A button was pressed. `token` is what `Action.token` was; `callback_id` acknowledges the press."""

    token: str
    callback_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaIn(_Event):
    """Something that is not text: `kind` is photo, voice, audio, video, document, sticker, location or other.

    Where the platform tells: `file_id` is its name for the file, `url` where it can be fetched (perhaps not for long),
    `name`, `mime` and `size` (bytes) what the sender called and sent. `group_id` is shared by what was sent together.
    """

    kind: str
    caption: str = field(default="", repr=False)
    file_id: str | None = None
    group_id: str | None = None
    url: str | None = field(default=None, repr=False)
    name: str = field(default="", repr=False)
    mime: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactIn(_Event):
    """A contact was shared. `own` is true when the phone is the sender's own, as the platform vouches."""

    phone: str = field(repr=False)
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StartIn(_Event):
    """The person started the bot, with the payload of a deep link if there was one."""

    payload: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftIn(_Event):
    """The person blocked the bot or the bot was removed from the chat: nothing can be sent there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerIn(_Event):
    """A person of ours wrote in this chat from the platform itself (the owner's phone, a business account)."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoIn(_Event):
    """A message that we sent ourselves, seen again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedIn(_Event):
    """The person took a message back; `message_id` is the one it had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndeliveredIn(_Event):
    """A message of ours that the platform had accepted did not arrive; `message_id` is ours, `reason` the platform's.

    `sender` is the person it was for.
    """

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicIn(_Event):
    """The topic `chat.thread_id` was closed by `sender`, or opened again. Nobody is spoken to by it."""

    closed: bool
    addressed: bool = False


Inbound: TypeAlias = (
    TextIn
    | EditedIn
    | ActionIn
    | MediaIn
    | ContactIn
    | StartIn
    | LeftIn
    | OwnerIn
    | EchoIn
    | RemovedIn
    | UndeliveredIn
    | TopicIn
)


# -- body: a small tree, parsed once from a small Markdown (channels/body.py), written by a dialect ------


@dataclass(frozen=True, slots=True)
class Text:
    """Plain characters."""

    value: str


@dataclass(frozen=True, slots=True)
class Bold:
    """Strong emphasis."""

    children: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Italic:
    """Emphasis."""

    children: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """A piece to be copied literally."""

    value: str


@dataclass(frozen=True, slots=True)
class Link:
    """A labelled address (http, https, mailto or tel)."""

    url: str
    children: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Break:
    """A line break inside a paragraph."""


Inline: TypeAlias = Text | Bold | Italic | Code | Link | Break


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A run of inline pieces; blocks are separated by an empty line."""

    children: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class ListBlock:
    """A bulleted or numbered list; each item is a run of inline pieces. Numbers begin at `start`."""

    items: tuple[tuple[Inline, ...], ...]
    ordered: bool = False
    start: int = 1


@dataclass(frozen=True, slots=True)
class Quote:
    """A quotation."""

    children: tuple[Inline, ...]


Block: TypeAlias = Paragraph | ListBlock | Quote


@dataclass(frozen=True, slots=True)
class Body:
    """A formatted text. There is no HTML inside the house: only this tree.

    It knows its hash: what is made of a text is remembered by it in several places, and most are said again and again.
    """

    blocks: tuple[Block, ...] = ()
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(self.blocks))

    def __hash__(self) -> int:
        return self._hash


# -- outbound --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A button: exactly one of `token` (its meaning lives in our database), `url` or `ask_contact`.

    A token is at most 16 characters of `[A-Za-z0-9_-]`, so no platform's limit is near.
    """

    label: str
    token: str | None = None
    url: str | None = None
    ask_contact: bool = False

    def __post_init__(self) -> None:
        if (self.token is not None) + (self.url is not None) + self.ask_contact != 1:
            raise ValueError(f"a button does exactly one thing: {self.label!r}")


class MediaKind(StrEnum):
    """What a file is to the person who receives it."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file to send: a public `url`, a local `path` that the house has checked, or one that lies somewhere else.

    With an `origin`, the name of a channel instance or a helpdesk, the file is fetched there right before it is sent:
    `file_id` and `url` are what the origin calls it, `size` (bytes) is what it told. Then `url` is shown to people only
    as far as `public` says.
    """

    kind: MediaKind
    url: str | None = field(default=None, repr=False)
    path: str | None = None
    name: str = ""
    mime: str = ""
    origin: str | None = None
    file_id: str | None = None
    size: int | None = None
    public: bool = True


class Purpose(StrEnum):
    """Why a message is sent; guards and metrics read it."""

    ANSWER = "answer"
    CLARIFY = "clarify"
    NOTICE = "notice"
    AGENT = "agent"
    SYSTEM = "system"
    CUSTOMER = "customer"
    """Towards a helpdesk: what the customer wrote."""
    NOTE = "note"
    """Towards a helpdesk: for the eyes of agents."""
    CLOSE = "close"
    """Towards a helpdesk: the ticket is not needed any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """A message to one chat, before rendering.

    `guard` names a condition that the house checks again right before sending; `expires_at` is the moment after which
    sending makes no sense; `replaces` is the platform id of our message that this one takes the place of, where the
    platform can edit (elsewhere a new message is sent).
    """

    chat: ChatRef
    body: Body
    actions: tuple[tuple[Action, ...], ...] = ()
    media: tuple[Media, ...] = ()
    reply_to: str | None = None
    replaces: str | None = None
    purpose: Purpose = Purpose.ANSWER
    expires_at: datetime | None = None
    guard: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One platform call, ready to be made: `text` in the channel's dialect, `plain` the same words without markup.

    `actions` are real buttons within the channel's limits (buttons that had to become a numbered list are already in
    the text). `degraded` names what was simplified on the way. `key` is the house's own name for this message, the same
    at every attempt to send it: a platform that takes a client's id gets this one.
    """

    chat: ChatRef
    text: str
    plain: str
    key: str = ""
    markup: bool = True
    actions: tuple[tuple[Action, ...], ...] = ()
    media: tuple[Media, ...] = ()
    reply_to: str | None = None
    replaces: str | None = None
    purpose: Purpose = Purpose.ANSWER
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the platform said of a sent message."""

    external_ids: tuple[str, ...]
    sent_at: datetime
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One message of a talk as the house keeps it: the person's `text`, or what we sent as `message`.

    `id` is the platform's id of a person's message where there is one, and the `Rendered.key` of ours. `pressed`: the
    text is that of a button, and the id is the `event_id` of the press.
    """

    id: str
    at: datetime
    text: str = field(default="", repr=False)
    message: Outbound | None = field(default=None, repr=False)
    pressed: bool = False
