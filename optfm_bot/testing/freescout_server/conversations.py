"""The conversation part of the module's API, which replaces what it does not know instead of refusing it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any

from optfm_bot.testing.freescout_server import customers
from optfm_bot.testing.freescout_server.refusal import ApiError, bad_input, required
from optfm_bot.testing.freescout_server.webhook import Webhooks
from optfm_bot.testing.freescout_server.world import (
    CONVERSATION_TYPES,
    STATUSES,
    THREAD_TYPES,
    Conversation,
    Stored,
    Thread,
    World,
)

_AFTER = {"customer": "active", "message": "pending"}
"""The status that a new thread gives, if none is said."""


class Conversations:
    """What may be asked of conversations, and what follows from it."""

    def __init__(self, world: World, webhooks: Webhooks) -> None:
        self.world = world
        self.webhooks = webhooks
        self.tags_module = True

    def create(self, given: dict[str, Any]) -> Conversation:
        """POST /conversations. The customer is made before the mailbox is looked at."""
        required(given, "type", "mailboxId", "subject", "customer", "threads")
        before = len(self.world.customers)
        customer = customers.of_conversation(self.world, given["customer"])
        if len(self.world.customers) > before:
            self.webhooks.customer(customer.id)
        if given["mailboxId"] not in self.world.mailboxes:
            raise bad_input("mailboxId", "Mailbox not found")
        threads = given["threads"] if isinstance(given["threads"], list) else []
        now = self.world.now()
        made = Conversation(
            id=0,
            number=0,
            type=given["type"] if given["type"] in CONVERSATION_TYPES else "email",
            mailbox_id=given["mailboxId"],
            subject=str(given["subject"]),
            customer_id=customer.id,
            status=_status(given.get("status")) or "active",
            created_by=("customer", customer.id),
            created_at=now,
            updated_at=now,
        )
        error: ApiError | None = None
        for one in reversed(threads):  # they are given newest first
            try:
                self._thread(
                    made, one if isinstance(one, dict) else {}, imported=given.get("imported") is True
                )
            except ApiError as refused:
                error = refused
        if not made.threads:
            raise error or bad_input("threads", "`threads` parameter is required")
        made.id, made.number = self.world.next_id("conversation"), self.world.next_id("number")
        made.status = _status(given.get("status")) or "active"
        if isinstance(given.get("assignTo"), int):
            made.assignee_id = self._user(given, "assignTo")
        self.world.conversations[made.id] = made
        if made.threads[0].by and made.threads[0].by[0] == "user":
            made.created_by = made.threads[0].by
        if given.get("imported") is not True:
            self.webhooks.event("convo.created", made)
        return made

    def add(self, number: int, given: dict[str, Any]) -> Thread:
        """POST /conversations/{id}/threads. A customer's thread brings a closed or deleted conversation back."""
        conversation = self.world.conversation(number)
        thread = self._thread(conversation, given, imported=given.get("imported") is True)
        status = _status(given.get("status")) or _AFTER.get(thread.type)
        if thread.type == "customer":
            conversation.state = "published"
        if status and thread.state == "published":
            self.world.set_status(conversation, status, None)
            thread.status = status
        name = {"customer": "convo.customer.reply.created", "message": "convo.agent.reply.created"}.get(
            thread.type, "convo.note.created"
        )
        self.webhooks.event(name, conversation, late=thread.type == "message")
        return thread

    def change(self, number: int, given: dict[str, Any]) -> None:
        """PUT /conversations/{id}. The order of the keys is the order of the changes."""
        conversation = self.world.conversation(number)
        user = None
        if given.keys() & {"status", "assignTo", "mailboxId"}:
            required(given, "byUser")
            user = self._user(given, "byUser")
        for name, value in given.items():
            match name:
                case "status":
                    self.status(conversation, _status(value) or "active", user)
                case "assignTo":
                    self.assign(conversation, self._user(given, "assignTo"), user)
                case "mailboxId":
                    self.move(conversation, value, user)
                case "customerId":
                    conversation.customer_id = customers.of_conversation(self.world, {"id": value}).id
                case "subject":
                    conversation.subject = str(value)

    def tag(self, number: int, given: dict[str, Any]) -> None:
        """PUT /conversations/{id}/tags: the whole set."""
        conversation = self.world.conversation(number)
        if not self.tags_module:
            raise bad_input("tags", "Tags module is not installed")
        if not isinstance(given.get("tags"), list):
            raise bad_input("tags", "`tags` parameter is required")
        conversation.tags = [str(tag) for tag in given["tags"]]

    # -- changes, whoever makes them ----------------------------------------------------------------------

    def status(self, conversation: Conversation, status: str, user: int | None) -> None:
        """Set the status, leaving a line."""
        self.world.set_status(conversation, status, user)
        self.world.line(conversation, "changed-ticket-status", user)
        self.webhooks.event("convo.status", conversation)

    def assign(self, conversation: Conversation, assignee: int | None, user: int | None) -> None:
        """Give it to somebody; nobody is told when it is nobody's again."""
        conversation.assignee_id = assignee
        self.world.line(conversation, "changed-ticket-assignee", user)
        if assignee is not None:
            self.webhooks.event("convo.assigned", conversation)

    def move(self, conversation: Conversation, mailbox: Any, user: int | None) -> None:
        """Put it into another mailbox."""
        if mailbox not in self.world.mailboxes:
            raise bad_input("mailboxId", "Mailbox not found")
        conversation.mailbox_id = mailbox
        self.world.line(conversation, "moved-from-mailbox", user)
        self.webhooks.event("convo.moved", conversation)

    # -- asking -------------------------------------------------------------------------------------------

    def search(self, query: dict[str, str]) -> list[Conversation]:
        """GET /conversations with the filters that the module knows; others are passed over silently."""
        found = list(self.world.conversations.values())
        for name, keep in _FILTERS.items():
            if value := query.get(name):
                found = [one for one in found if keep(one, value)]
        if email := query.get("customerEmail"):
            wanted = {one.id for one in customers.search(self.world, {"email": email})}
            found = [one for one in found if one.customer_id in wanted]
        field = _SORTS.get(query.get("sortField", ""), _SORTS["createdAt"])
        descending = query.get("sortOrder", "desc") == "desc"
        return sorted(found, key=lambda one: (field(one), one.id), reverse=descending)

    # -- the parts ----------------------------------------------------------------------------------------

    def _thread(self, conversation: Conversation, given: dict[str, Any], *, imported: bool) -> Thread:
        del imported  # it only keeps mail and notifications back, and there are none here
        required(given, "type", "text")
        kind = given["type"] if given["type"] in THREAD_TYPES else "customer"
        by = ("customer", conversation.customer_id)
        if kind == "customer":
            if isinstance(given.get("customer"), dict):
                by = ("customer", customers.of_conversation(self.world, given["customer"]).id)
        else:
            by = ("user", self._user(given, "user"))
        return self.world.thread(
            conversation,
            type=kind,
            body=str(given["text"]),
            state=given.get("state") if given.get("state") in {"published", "draft"} else "published",
            source=("api", by[0]),
            by=by,
            files=self._files(given.get("attachments")),
        )

    def _files(self, given: Any) -> list[Stored]:
        """Keep what is whole; leave out the rest without a word."""
        stored = []
        for one in given if isinstance(given, list) else []:
            if not isinstance(one, dict) or not all(
                one.get(name) for name in ("fileName", "mimeType", "data")
            ):
                continue
            try:
                data = base64.b64decode(one["data"], validate=True)
            except (binascii.Error, ValueError, TypeError):
                continue
            if data and not str(one["fileName"]).lower().endswith(".php"):
                stored.append(self.world.store(str(one["fileName"]), str(one["mimeType"]), data))
        return stored

    def _user(self, given: dict[str, Any], name: str) -> int:
        required(given, name)
        number = given[name]
        if not isinstance(number, int) or number not in self.world.users:
            raise bad_input(name, "User not found")
        return number


def _status(value: Any) -> str | None:
    """The status that is meant: none if none is given, active if it is unknown."""
    return None if value is None else value if value in STATUSES else "active"


def _list(value: str) -> set[str]:
    return {one.strip() for one in value.split(",")}


def _since(at: datetime, value: str) -> bool:
    return at >= datetime.fromisoformat(value)


_FILTERS: dict[str, Callable[[Conversation, str], bool]] = {
    "mailboxId": lambda one, value: str(one.mailbox_id) in _list(value),
    "status": lambda one, value: one.status in _list(value),
    "state": lambda one, value: one.state == value,
    "type": lambda one, value: one.type == value,
    "assignedTo": lambda one, value: str(one.assignee_id) == value,
    "customerId": lambda one, value: str(one.customer_id) == value,
    "number": lambda one, value: str(one.number) == value,
    "subject": lambda one, value: one.subject == value,
    "tag": lambda one, value: value in one.tags,
    "createdSince": lambda one, value: _since(one.created_at, value),
    "updatedSince": lambda one, value: _since(one.updated_at, value),
}
_SORTS: dict[str, Callable[[Conversation], Any]] = {
    "createdAt": lambda one: one.created_at,
    "updatedAt": lambda one: one.updated_at,
    "mailboxId": lambda one: one.mailbox_id,
    "number": lambda one: one.number,
    "subject": lambda one: one.subject,
}
