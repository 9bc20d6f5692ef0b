"""What the fake knows: mailboxes, users, customers, conversations, threads, files. No network."""

from __future__ import annotations

import hashlib
import html
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from optfm_bot.testing.freescout_server.refusal import not_found

CONVERSATION_TYPES = ("email", "phone", "chat")
THREAD_TYPES = ("customer", "message", "note")
STATUSES = ("active", "pending", "closed", "spam")


@dataclass(slots=True, kw_only=True)
class User:
    """Somebody who works with FreeScout."""

    id: int
    first_name: str
    last_name: str = ""
    email: str = ""
    status: str = "active"


@dataclass(slots=True, kw_only=True)
class Customer:
    """Somebody who writes; only mail addresses are unique."""

    id: int
    first_name: str = ""
    last_name: str = ""
    notes: str = ""
    emails: list[tuple[str, str]] = field(default_factory=list)
    phones: list[tuple[str, str]] = field(default_factory=list)
    profiles: list[tuple[str, str]] = field(default_factory=list)
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True, kw_only=True)
class Stored:
    """A file of a thread; the token opens it without a key."""

    id: int
    name: str
    mime: str
    data: bytes = field(repr=False)

    @property
    def token(self) -> str:
        """What has to be in its address."""
        return hashlib.md5(f"file {self.id}".encode(), usedforsecurity=False).hexdigest()


@dataclass(slots=True, kw_only=True)
class Thread:
    """One entry of a conversation. `by` is ("user" or "customer", id); `body` is None for a line item."""

    id: int
    type: str
    body: str | None
    status: str
    state: str = "published"
    source: tuple[str, str] = ("api", "customer")
    by: tuple[str, int] | None = None
    action: str = ""
    created_at: datetime
    files: list[Stored] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Conversation:
    """A ticket; threads oldest first here, newest first in every answer."""

    id: int
    number: int
    type: str
    mailbox_id: int
    subject: str
    customer_id: int
    status: str
    state: str = "published"
    source: tuple[str, str] = ("api", "customer")
    created_by: tuple[str, int]
    assignee_id: int | None = None
    tags: list[str] = field(default_factory=list)
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    closed_by: int | None = None
    threads: list[Thread] = field(default_factory=list)


class World:
    """Everything that outlives a bridge. Ids of all kinds grow and never come again."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.ahead = timedelta()
        """How far this server's clock is ahead of the one that was passed in."""
        self.mailboxes: dict[int, str] = {2: "Поддержка", 3: "Продажи"}
        self.users = {
            7: User(id=7, first_name="Бывший", status="disabled"),
            9: User(id=9, first_name="Ольга", last_name="Петрова", email="olga@desk.test"),
            10: User(id=10, first_name="Павел", last_name="Иванов", email="pavel@desk.test"),
        }
        self.customers: dict[int, Customer] = {}
        self.conversations: dict[int, Conversation] = {}
        self.files: dict[int, Stored] = {}
        self._ids: Counter[str] = Counter(customer=400, conversation=70, number=1000, thread=900, file=30)

    def now(self) -> datetime:
        """The moment, in whole seconds: the database keeps no others."""
        return (self.clock() + self.ahead).replace(microsecond=0)

    def next_id(self, kind: str) -> int:
        """Give a new id."""
        self._ids[kind] += 1
        return self._ids[kind]

    def conversation(self, number: int) -> Conversation:
        """Give a conversation, deleted ones too. Raises a 404."""
        if number not in self.conversations:
            raise not_found()
        return self.conversations[number]

    def thread(self, conversation: Conversation, **about: Any) -> Thread:
        """Add a thread."""
        now = self.now()
        about.setdefault("status", conversation.status)
        thread = Thread(id=self.next_id("thread"), created_at=now, **about)
        conversation.threads.append(thread)
        conversation.updated_at = now
        return thread

    def line(self, conversation: Conversation, action: str, user: int | None) -> None:
        """Add the line that a change leaves."""
        self.thread(
            conversation,
            type="lineitem",
            body=None,
            action=action,
            source=("web", "user"),
            by=None if user is None else ("user", user),
        )

    def set_status(self, conversation: Conversation, status: str, user: int | None) -> None:
        """Change the status, with what goes with it."""
        conversation.status = status
        closed = status == "closed"
        conversation.closed_at = self.now() if closed else None
        conversation.closed_by = user if closed else None

    def store(self, name: str, mime: str, data: bytes) -> Stored:
        """Keep a file."""
        file = Stored(id=self.next_id("file"), name=name, mime=mime, data=data)
        self.files[file.id] = file
        return file

    # -- looking ------------------------------------------------------------------------------------------

    def dump(self) -> list[dict[str, Any]]:
        """Every conversation as plain JSON, threads oldest first, with the words that people read."""
        return [
            {
                "id": one.id,
                "number": one.number,
                "subject": one.subject,
                "status": one.status,
                "state": one.state,
                "type": one.type,
                "mailbox_id": one.mailbox_id,
                "customer_id": one.customer_id,
                "assignee_id": one.assignee_id,
                "tags": one.tags,
                "threads": [
                    {
                        "id": thread.id,
                        "type": thread.type,
                        "state": thread.state,
                        "text": words(thread.body or ""),
                        "source": thread.source[0],
                        "files": [{"name": file.name, "size": len(file.data)} for file in thread.files],
                    }
                    for thread in one.threads
                ],
            }
            for one in self.conversations.values()
        ]

    def doubles(self) -> dict[str, int]:
        """How often something is there twice: tickets of a customer that begin alike, threads, customers."""
        tickets = Counter(
            (one.customer_id, one.subject, words(one.threads[0].body or "") if one.threads else "")
            for one in self.conversations.values()
        )
        threads = Counter(
            (one.id, thread.type, words(thread.body or ""), tuple(file.data for file in thread.files))
            for one in self.conversations.values()
            for thread in one.threads
            if thread.type in {"customer", "note"} and thread.source[0] == "api"
        )
        profiles = Counter(value for one in self.customers.values() for _, value in one.profiles)
        return {
            name: sum(count - 1 for count in found.values())
            for name, found in (("conversations", tickets), ("threads", threads), ("customers", profiles))
        }


def words(body: str) -> str:
    """What a reader of this HTML sees."""
    lines = re.sub(r"\s*<br\s*/?>\s*|</(?:p|div|li)>\s*", "\n", body)
    return html.unescape(re.sub(r"<[^>]*>", "", lines)).replace("\u00a0", " ").strip("\n")
