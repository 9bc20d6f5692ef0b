"""What the messenger knows of one account: people, groups, conversations, files. No network and no clock.

It outlives the gateway: what people write while the account is logged out is here, though nobody is notified.
"""

from __future__ import annotations

import mimetypes
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from channels.testing.green_server.fields import MAX

LOG_KEPT: Final = 200_000
PAGES_KEPT: Final = 5000
"""How far back one conversation can be looked up."""

_SERIAL_BASE: Final = 1_795_000_000_000
_SESSION_STEP: Final = 1_000_000_000
_LONG_ID: Final = 115_000_000_000_000_000
"""Beyond 2^53: an id that a program must not take for a number of JavaScript."""


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody with an account. `phone` is 0 when it is hidden; `saved` people are in the phone book."""

    id: str
    name: str
    phone: int = 0
    contact_name: str = ""
    avatar: str = ""
    is_bot: bool = False

    @property
    def saved(self) -> bool:
        """Whether the owner of the account has this person in the phone book."""
        return bool(self.contact_name)


@dataclass(slots=True, kw_only=True)
class Group:
    """A group: its members by id, true for administrators. The account itself is one of them while it is inside."""

    id: str
    name: str
    created: int
    owner: str
    members: dict[str, bool] = field(default_factory=dict)
    description: str = ""
    flags: dict[str, bool] = field(default_factory=dict)
    is_channel: bool = False


@dataclass(slots=True, kw_only=True)
class Message:
    """One message of a conversation, either way. `content` is what its kind says in a notification."""

    id: str
    chat_id: str
    sender: str
    at: float
    kind: str
    outgoing: bool = False
    by_api: bool = False
    text: str = ""
    content: dict[str, Any] = field(default_factory=dict)
    quoted: str = ""
    status: str = ""
    read: bool = False
    edited: bool = False
    deleted: bool = False


@dataclass(slots=True, kw_only=True)
class Sent:
    """One message of the bot that reached a person (or a group).

    `chat_id` is where it was sent, `person` whose phone showed it: in MAX they differ for `phone@c.us`. `plain` is
    what is seen: under a document nobody sees the caption. `outcome` is what the caller heard: "pending" while the
    answer is on its way, then "answered" or "lost"; a message that waited in the queue was answered long before.
    """

    seq: int
    method: str
    chat_id: str
    person: str
    message_id: str
    text: str
    plain: str
    reply_to: str = ""
    file_name: str = ""
    file_url: str = ""
    mime: str = ""
    content: dict[str, Any] = field(default_factory=dict)
    accepted_at: float = 0.0
    reached_at: float = 0.0
    answered_at: float | None = None
    outcome: str = "pending"

    def as_json(self) -> dict[str, Any]:
        """The record as plain JSON, for the control endpoints."""
        names = (
            "seq", "method", "chat_id", "person", "message_id", "text", "plain", "reply_to", "file_name",
            "file_url", "mime", "content", "accepted_at", "reached_at", "answered_at", "outcome",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file that a link leads to."""

    name: str
    mime: str
    content: bytes = field(repr=False)


def kind_of_file(name: str) -> str:
    """What a file is to the person who receives it; its extension decides."""
    family = (mimetypes.guess_type(name)[0] or "").partition("/")[0]
    return {"image": "imageMessage", "video": "videoMessage", "audio": "audioMessage"}.get(
        family, "documentMessage"
    )


def mime_of(name: str) -> str:
    """The MIME type that a file name promises."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


class Book:
    """People, groups and conversations of one account in one network."""

    def __init__(self, *, network: str, phone: int, name: str) -> None:
        self.network = network
        self.phone = phone
        self.own = Person(
            id="10000001" if network == MAX else f"{phone}@c.us", name=name, phone=phone, contact_name=name
        )
        self.session = 0
        self._serial = 0
        self.clear()

    def clear(self) -> None:
        """Forget everybody and everything; ids go on growing, so that a bot that lives on is not confused."""
        self.people: dict[str, Person] = {self.own.id: self.own}
        self.groups: dict[str, Group] = {}
        self.chats: dict[str, deque[Message]] = {}
        self.files: dict[str, StoredFile] = {}
        self.sent: deque[Sent] = deque(maxlen=LOG_KEPT)
        self.edits: deque[Sent] = deque(maxlen=LOG_KEPT)
        self.reads: list[tuple[str, str]] = []
        self.typing: list[str] = []
        self.sent_count = 0

    # -- names -------------------------------------------------------------------------------------

    def address(self, chat: int | str) -> str:
        """The id of a chat: as it is, or made of a number (a negative one is a group)."""
        if isinstance(chat, str):
            return chat
        if self.network == MAX:
            return str(chat)
        return f"{chat}@c.us" if chat > 0 else f"{120_363_000_000_000_000 - chat}@g.us"

    def is_group(self, chat: str) -> bool:
        """Whether an id is one of a group."""
        return chat.startswith("-") or chat.endswith("@g.us")

    def person(self, chat: int | str, **about: Any) -> Person:
        """The person with this id, made (or changed) on the way."""
        ident = self.address(chat)
        found = self.people.get(ident)
        if found is None:
            phone = 0 if self.network == MAX else int(ident.partition("@")[0] or 0)
            found = self.people[ident] = Person(id=ident, name=f"Person {ident}", phone=phone)
        for name, value in about.items():
            if name not in {"name", "phone", "contact_name", "avatar", "is_bot"}:
                raise ValueError(f"a person has no {name!r}")
            setattr(found, name, value)
        return found

    def group(self, chat: int | str, *, created: int = 0, **about: Any) -> Group:
        """The group with this id, made (or changed) on the way; the account is a plain member of it."""
        ident = self.address(chat)
        found = self.groups.get(ident)
        if found is None:
            found = self.groups[ident] = Group(
                id=ident, name=f"Group {ident}", created=created, owner="", members={self.own.id: False}
            )
        for name, value in about.items():
            if name not in {"name", "description", "owner", "is_channel"}:
                raise ValueError(f"a group has no {name!r}")
            setattr(found, name, value)
        return found

    def behind(self, chat: str) -> str:
        """Whose phone shows what is sent to this id: "" when nobody's.

        In MAX `phone@c.us` is another conversation than the one in which that person will answer.
        """
        if chat in self.people or chat in self.groups:
            return chat
        if self.network == MAX and chat.endswith("@c.us"):
            phone = int(chat.partition("@")[0])
            return next((one.id for one in self.people.values() if one.phone == phone), "")
        return ""

    # -- messages ----------------------------------------------------------------------------------

    def next_id(self, chat: str) -> str:
        """The id of the next message in a chat: in MAX it is unique within that chat only."""
        if self.network == MAX:
            base = _SERIAL_BASE if not self.is_group(chat) else _LONG_ID
            count = len(self.chats.get(chat, ())) + 1
            last = self.chats[chat][-1].id if self.chats.get(chat) else ""
            fresh = base + self.session * _SESSION_STEP + count
            return str(max(fresh, int(last) + 1 if last else 0))
        self._serial += 1
        return f"3EB0{self._serial:016X}"

    def keep(self, message: Message) -> Message:
        """Remember a message of a conversation."""
        self.chats.setdefault(message.chat_id, deque(maxlen=PAGES_KEPT)).append(message)
        return message

    def find(self, chat: str, message_id: str) -> Message | None:
        """A message by its id within its chat."""
        return next((one for one in self.chats.get(chat, ()) if one.id == message_id), None)

    def log(self, record: Sent) -> Sent:
        """Write down what reached a person."""
        self.sent.append(record)
        self.sent_count += 1
        return record

    def store_file(self, name: str, content: bytes, mime: str = "") -> str:
        """Keep a file; gives the path of its link."""
        self._serial += 1
        path = f"/files/{self.session}{self._serial:08d}/{name}"
        self.files[path] = StoredFile(name=name, mime=mime or mime_of(name), content=content)
        return path
