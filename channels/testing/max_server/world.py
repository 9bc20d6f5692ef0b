"""What the fake knows: people, chats, messages, presses, uploads and the log of what the bot sent. No network.

The id of a dialog is never the id of its person, and a dialog exists only after the person started the bot
or wrote to it (or a test made it known), so a bot that mixes the two ids, or writes first, fails here too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from channels.testing.max_server import updates
from channels.testing.max_server.keyboard import Button, Keyboard

MESSAGES_KEPT: Final = 1000
"""How many messages of one chat can still be edited or answered to; older ones are "not found"."""

LOG_KEPT: Final = 200_000
PEOPLE_FROM: Final = 500_000_000
"""The person of the dialog 1 is 500000001."""

_FIRST_SEQ: Final = 117_000_000_000_000_000
"""Above 2^53, so that a client which puts it through a float is found out."""


class Standing(StrEnum):
    """What a chat lets the bot do; the values are the statuses of a chat."""

    OPEN = "active"
    SUSPENDED = "suspended"
    REMOVED = "removed"
    LEFT = "left"
    CLOSED = "closed"


@dataclass(slots=True, kw_only=True)
class Post:
    """A message in a chat, ours or a person's; `created` is in seconds."""

    mid: str
    chat_id: int
    body: dict[str, Any]
    own: bool
    created: float
    keyboard: Keyboard | None = None


@dataclass(slots=True, kw_only=True)
class Chat:
    """A chat as MAX knows it; `kind` is dialog, chat or channel, `user_id` the person of a dialog."""

    id: int
    kind: str
    user_id: int | None = None
    title: str | None = None
    standing: Standing = Standing.OPEN
    admin: bool = True
    last_event: int = 0
    posts: dict[str, Post] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Sent:
    """One message (or edit) of the bot that reached a person.

    `outcome` is what the bot heard of it: "pending" while the answer is on its way, then "answered" or
    "lost". `update_id` is the update it answers by count: the i-th answer in a chat belongs to the i-th
    message there. `attachments` are as people's clients get them, the keyboard left out.
    """

    seq: int
    method: str
    chat_id: int
    message_id: str
    text: str
    plain: str
    format: str | None = None
    markup: Sequence[Mapping[str, Any]] = ()
    keyboard: Keyboard | None = None
    attachments: Sequence[Mapping[str, Any]] = ()
    link: Mapping[str, Any] | None = None
    notify: bool = True
    received_at: float
    answered_at: float | None = None
    outcome: str = "pending"
    update_id: int | None = None

    @property
    def buttons(self) -> tuple[tuple[Button, ...], ...]:
        """The rows of buttons under it."""
        return self.keyboard.rows if self.keyboard else ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of all buttons, in reading order."""
        return tuple(button.label for row in self.buttons for button in row)

    def as_json(self) -> dict[str, Any]:
        """The record as plain JSON, for the control endpoints."""
        rows = [
            [{"label": one.label, "kind": one.kind, "data": one.data, "url": one.url} for one in row]
            for row in self.buttons
        ]
        names = (
            "seq", "method", "chat_id", "message_id", "text", "plain", "format", "markup", "attachments",
            "link", "notify", "received_at", "answered_at", "outcome", "update_id",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names} | {"buttons": rows}


@dataclass(slots=True, kw_only=True)
class Press:
    """A press that waits for POST /answers. Presses of one keyboard share their `callback_id`."""

    callback_id: str
    chat_id: int
    message_id: str
    user_id: int
    answered: bool = False
    notice: str = ""

    def as_json(self) -> dict[str, Any]:
        """The press as plain JSON."""
        names = ("callback_id", "chat_id", "message_id", "user_id", "answered", "notice")
        return {name: getattr(self, name) for name in names}


@dataclass(slots=True, kw_only=True)
class Upload:
    """A file on its way to MAX, or in it: `content` is None until all of it is there."""

    id: int
    token: str
    kind: str
    name: str = "file"
    content: bytes | None = field(default=None, repr=False)
    size: int = 0
    parts: dict[int, bytes] = field(default_factory=dict, repr=False)
    not_ready: int = 0


class World:
    """Everything that would outlive the bot: it stays when the bot is killed."""

    def __init__(self, *, bot_id: int, username: str) -> None:
        self.bot = updates.user(bot_id, first_name="Test bot", username=username, is_bot=True)
        self.commands: list[dict[str, Any]] = []
        self._serial = 0
        self._stamp = 0
        self.seq = 0
        self.clear()

    def clear(self) -> None:
        """Forget chats, messages and logs; ids go on growing, so that a bot that lives on is not confused."""
        self.people: dict[int, dict[str, Any]] = {}
        self.chats: dict[int, Chat] = {}
        self.dialogs: dict[int, int] = {}
        self.posts: dict[str, Post] = {}
        self.presses: dict[str, Press] = {}
        self.press_log: deque[Press] = deque(maxlen=LOG_KEPT)
        self.uploads: dict[str, Upload] = {}
        self.commands = []
        self.sent: deque[Sent] = deque(maxlen=LOG_KEPT)
        self.edits: deque[Sent] = deque(maxlen=LOG_KEPT)
        self.removed: deque[str] = deque(maxlen=LOG_KEPT)
        self.actions: deque[dict[str, Any]] = deque(maxlen=LOG_KEPT)
        self.sent_count = 0

    def next_seq(self) -> int:
        """The next number of the common order of calls and messages."""
        self.seq += 1
        return self.seq

    def serial(self) -> int:
        """A new number for a message, a keyboard or a file."""
        self._serial += 1
        return self._serial

    def stamp(self, now: float) -> int:
        """The time in milliseconds, never twice the same: events have nothing else to be told apart by."""
        self._stamp = max(self._stamp + 1, int(now * 1000))
        return self._stamp

    def next_message(self) -> tuple[str, int]:
        """A new `mid` and its `seq`."""
        serial = self.serial()
        return f"mid.{serial:016x}{serial * 0x9E3779B97F4A7C15 % 2**64:016x}", _FIRST_SEQ + serial

    def person(self, user_id: int, **about: Any) -> dict[str, Any]:
        """The user with this id, made (or renamed) on the way."""
        if about or user_id not in self.people:
            self.people[user_id] = updates.user(user_id, **about)
        return self.people[user_id]

    def chat(
        self,
        chat_id: int,
        *,
        kind: str | None = None,
        user_id: int | None = None,
        title: str | None = None,
        admin: bool | None = None,
    ) -> Chat:
        """The chat with this id, made known (or changed) on the way.

        Without a `kind` a positive id is a dialog and a negative one a group, but nothing in MAX promises that:
        a test may make a dialog with a negative id.
        """
        found = self.chats.get(chat_id)
        if found is None:
            found = Chat(id=chat_id, kind=kind or ("dialog" if chat_id > 0 else "chat"))
            self.chats[chat_id] = found
            if found.kind == "dialog":
                found.user_id = user_id or PEOPLE_FROM + abs(chat_id)
                self.person(found.user_id)
                self.dialogs[found.user_id] = chat_id
            else:
                found.title = f"Group {abs(chat_id)}"
        if title is not None:
            found.title = title
        if admin is not None:
            found.admin = admin
        return found

    def keep(self, post: Post) -> None:
        """Remember a message, forgetting the oldest ones of its chat."""
        chat = self.chats[post.chat_id]
        chat.posts[post.mid] = post
        self.posts[post.mid] = post
        chat.last_event = int(post.created * 1000)
        if len(chat.posts) > MESSAGES_KEPT:
            self.forget(next(iter(chat.posts.values())))

    def forget(self, post: Post) -> None:
        """A message is gone."""
        self.chats[post.chat_id].posts.pop(post.mid, None)
        self.posts.pop(post.mid, None)

    def press(self, press: Press) -> None:
        """Somebody pressed: the newest press of a keyboard is the one that gets answered."""
        self.presses[press.callback_id] = press
        self.press_log.append(press)

    def log(self, record: Sent, *, edit: bool = False) -> Sent:
        """Write down what reached a person."""
        if edit:
            self.edits.append(record)
        else:
            self.sent.append(record)
            self.sent_count += 1
        return record

    def upload(self, kind: str, *, not_ready: int = 0) -> Upload:
        """A new place for a file."""
        number = self.serial()
        upload = Upload(id=number, token=f"{kind}-token-{number:08d}", kind=kind, not_ready=not_ready)
        self.uploads[upload.token] = upload
        return upload

    def store(self, kind: str, content: bytes, *, name: str, size: int | None = None) -> Upload:
        """A file that a person sent; without `size` it is as big as its content."""
        upload = self.upload(kind)
        upload.name, upload.content = name, content
        upload.size = len(content) if size is None else size
        return upload
