"""What the fake knows: chats, messages, presses, files and the log of what the bot sent. No network.

A chat exists for the bot only after it wrote to it (or a test registered it). Message ids are counted per
chat in supergroups and for the whole bot elsewhere, as Telegram does, so a bot that keys by message id alone
fails here too.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from channels.testing.telegram_server import updates
from channels.testing.telegram_server.keyboard import Button, Keyboard

MESSAGES_KEPT: Final = 1000
"""How many messages of one chat can still be edited or answered to; older ones are "not found"."""

LOG_KEPT: Final = 200_000


class Standing(StrEnum):
    """What a chat lets the bot do."""

    OPEN = "open"
    BLOCKED = "blocked"
    KICKED = "kicked"
    DEACTIVATED = "deactivated"


@dataclass(slots=True, kw_only=True)
class Post:
    """A message in a chat, ours or a person's."""

    body: dict[str, Any]
    own: bool
    plain: str = ""
    keyboard: Keyboard | None = None


@dataclass(slots=True, kw_only=True)
class Chat:
    """A chat as the bot's server knows it."""

    about: dict[str, Any]
    standing: Standing = Standing.OPEN
    migrated_to: int | None = None
    topics: set[int] = field(default_factory=set)
    closed_topics: set[int] = field(default_factory=set)
    topic_names: dict[int, str] = field(default_factory=dict)
    manages_topics: bool = False
    """Whether the bot is an administrator here that may manage topics: then it may write in closed ones, too."""
    last_message_id: int = 0
    posts: dict[int, Post] = field(default_factory=dict)

    @property
    def id(self) -> int:
        """The chat id."""
        return int(self.about["id"])

    @property
    def kind(self) -> str:
        """private, group, supergroup or channel."""
        return str(self.about["type"])

    def forget_topic(self, thread_id: int) -> None:
        """Delete a topic with everything in it."""
        self.topics.discard(thread_id)
        self.closed_topics.discard(thread_id)
        self.topic_names.pop(thread_id, None)
        for message_id in [
            number for number, post in self.posts.items() if post.body.get("message_thread_id") == thread_id
        ]:
            del self.posts[message_id]

    def keep(self, message_id: int, post: Post) -> None:
        """Remember a message, forgetting the oldest ones."""
        self.posts[message_id] = post
        if len(self.posts) > MESSAGES_KEPT:
            del self.posts[next(iter(self.posts))]


@dataclass(slots=True, kw_only=True)
class Sent:
    """One message (or edit) of the bot that reached a person.

    `outcome` is what the bot heard of it: "pending" while the answer is on its way, then "answered" or
    "lost". `update_id` is the update it answers by count: the i-th answer in a chat belongs to the i-th
    message there.
    """

    seq: int
    method: str
    chat_id: int
    message_id: int
    text: str
    plain: str
    parse_mode: str | None = None
    keyboard: Keyboard | None = None
    thread_id: int | None = None
    reply_to: int | None = None
    file_id: str | None = None
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
            [{"label": one.label, "data": one.data, "url": one.url} for one in row] for row in self.buttons
        ]
        names = (
            "seq", "method", "chat_id", "message_id", "text", "plain", "parse_mode", "thread_id", "reply_to",
            "file_id", "received_at", "answered_at", "outcome", "update_id",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names} | {"buttons": rows}


@dataclass(slots=True, kw_only=True)
class Press:
    """A button press that waits for `answerCallbackQuery`."""

    query_id: str
    chat_id: int
    created: float
    answered: bool = False
    notice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file that can be sent again by its id, and downloaded when it has content."""

    file_id: str
    path: str
    size: int
    content: bytes | None = field(default=None, repr=False)


class World:
    """Everything that would outlive the bot: it stays when the bot is killed."""

    def __init__(self, *, bot_id: int, username: str, callback_lifetime: float) -> None:
        self.bot: dict[str, Any] = {
            "id": bot_id,
            "is_bot": True,
            "first_name": "Test bot",
            "username": username,
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }
        self.author = {key: self.bot[key] for key in ("id", "is_bot", "first_name", "username")}
        self.callback_lifetime = callback_lifetime
        self._message_id = 0
        self._serial = 0
        self.seq = 0
        self.clear()

    def clear(self) -> None:
        """Forget chats, messages and logs; ids go on growing, so that a bot that lives on is not confused."""
        self.people: dict[int, dict[str, Any]] = {}
        self.chats: dict[int, Chat] = {}
        self.names: dict[str, int] = {}
        self.presses: dict[str, Press] = {}
        self.files: dict[str, StoredFile] = {}
        self.commands: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.sent: deque[Sent] = deque(maxlen=LOG_KEPT)
        self.edits: deque[Sent] = deque(maxlen=LOG_KEPT)
        self.sent_count = 0

    def next_seq(self) -> int:
        """The next number of the common order of calls and messages."""
        self.seq += 1
        return self.seq

    def serial(self, prefix: str) -> str:
        """A new id for a press, a file or an album."""
        self._serial += 1
        return f"{prefix}{self._serial:012d}"

    def person(self, user_id: int, **about: Any) -> dict[str, Any]:
        """The user with this id, made (or renamed) on the way."""
        if about or user_id not in self.people:
            self.people[user_id] = updates.user(user_id, **about)
        return self.people[user_id]

    def chat(self, chat_id: int, **about: Any) -> Chat:
        """The chat with this id, made known (or renamed) on the way."""
        found = self.chats.get(chat_id)
        if found is not None and not about:
            return found
        shown = (
            updates.private_chat(self.person(chat_id, **about))
            if chat_id > 0
            else updates.group_chat(chat_id, **about)
        )
        if found is None:
            found = self.chats[chat_id] = Chat(about=shown)
        else:
            found.about = shown
        if "username" in shown:
            self.names[f"@{shown['username']}".lower()] = chat_id
        return found

    def topic(self, chat: Chat, thread_id: int) -> None:
        """Make a topic of a forum known."""
        if chat.kind == "supergroup":
            chat.about["is_forum"] = True
        chat.topics.add(thread_id)

    def next_message_id(self, chat: Chat) -> int:
        """The next message id in this chat."""
        if chat.kind in {"supergroup", "channel"}:
            chat.last_message_id += 1
            return chat.last_message_id
        self._message_id += 1
        return self._message_id

    def log(self, record: Sent, *, edit: bool = False) -> Sent:
        """Write down what reached a person."""
        if edit:
            self.edits.append(record)
        else:
            self.sent.append(record)
            self.sent_count += 1
        return record

    def store_file(
        self, *, prefix: str, suffix: str, content: bytes | None, size: int | None = None
    ) -> StoredFile:
        """Keep a file and give it an id; without content it can be named but not downloaded."""
        file_id = self.serial(f"{prefix}-")
        measured = len(content) if content is not None else 0
        stored = StoredFile(
            file_id=file_id,
            path=f"{prefix}/{file_id}{suffix}",
            size=size if size is not None else measured,
            content=content,
        )
        self.files[file_id] = stored
        return stored
