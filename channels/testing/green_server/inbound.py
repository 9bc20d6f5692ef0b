"""What people do, the owner of the account among them: each method may put one notification into the queue.

A message is in the messenger whether the gateway sees it or not: while nobody is logged in it is in the journals of
MAX afterwards, and nobody was notified.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from channels.testing.green_server import notices
from channels.testing.green_server.account import Account
from channels.testing.green_server.book import Book, Message, kind_of_file, mime_of
from channels.testing.green_server.fields import MAX
from channels.testing.green_server.notifications import NotificationQueue
from channels.testing.green_server.outgoing import OutgoingQueue

SOMEBODY = 1000
"""Who writes in a group when a test does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What came of it. `receipt_id` is None when the settings filtered it, or nobody was logged in."""

    receipt_id: int | None
    message_id: str = ""
    chat_id: str = ""
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Inbound:
    """The hands of the people.

    `chat` is the id of a conversation, or a number it is made of; a group's is negative. `user` is who writes in a
    group. `reply_to` is the id of a message of that chat.
    """

    def __init__(
        self,
        *,
        book: Book,
        account: Account,
        queue: NotificationQueue,
        outgoing: OutgoingQueue,
        clock: Callable[[], float],
        head: Callable[[str, float], dict[str, Any]],
        base_url: Callable[[], str],
    ) -> None:
        self.book = book
        self.account = account
        self.queue = queue
        self.outgoing = outgoing
        self.clock = clock
        self.head = head
        self.base_url = base_url

    # -- messages ----------------------------------------------------------------------------------

    def _sender(self, chat: str, user: int | str | None) -> str:
        if not self.book.is_group(chat):
            return self.book.person(chat).id
        group = self.book.group(chat, created=int(self.clock()))
        who = self.book.person(SOMEBODY if user is None else user).id
        group.members.setdefault(who, False)
        return who

    def _message(
        self,
        kind: str,
        *,
        chat: int | str,
        user: int | str | None = None,
        text: str = "",
        content: Mapping[str, Any] | None = None,
        reply_to: str = "",
        age: float = 0.0,
        notified: bool = True,
        typed: str = "incomingMessageReceived",
    ) -> Pushed:
        ident = self.book.address(chat)
        own = typed == "outgoingMessageReceived"
        who = self._sender(ident, user)
        if reply_to and self.book.find(ident, reply_to) is None:
            raise LookupError(f"chat {ident} has no message {reply_to} to reply to")
        message = Message(
            id=self.book.next_id(ident),
            chat_id=ident,
            sender=self.book.own.id if own else who,
            at=self.clock() - age,
            kind=kind,
            outgoing=own,
            text=text,
            content=dict(content or {}),
            quoted=reply_to,
            status="delivered" if own else "",
        )
        on = self.account.settings["incomingWebhook"] == "yes"
        if self.book.network == MAX or (on and self.account.connected):
            self.book.keep(message)
        body = self.head(typed, message.at) | notices.message(self.book, message)
        return self._offer(body, message, notified=notified)

    def _offer(self, body: dict[str, Any], message: Message, *, notified: bool = True) -> Pushed:
        seen = notified and self.account.connected
        receipt = self.queue.put(body) if seen else None
        return Pushed(receipt_id=receipt, message_id=message.id, chat_id=message.chat_id, body=body)

    def text(self, words: str, *, chat: int | str, **place: Any) -> Pushed:
        """A text; `reply_to` makes it an answer, `age` dates it back, `notified=False` loses its notification."""
        if place.get("reply_to") and self.book.network != MAX:
            return self._message("quotedMessage", chat=chat, text=words, **place)
        return self._message("textMessage", chat=chat, text=words, **place)

    def link(self, words: str, *, chat: int | str, **place: Any) -> Pushed:
        """A text with an address in it, which comes as another kind of message."""
        return self._message("extendedTextMessage", chat=chat, text=words, **place)

    def forwarded(self, words: str, *, chat: int | str, **place: Any) -> Pushed:
        """Somebody else's text, passed on."""
        data = {"textMessage": words, "isForwarded": True, "forwardingScore": 1}
        return self._message("textMessage", chat=chat, text=words, content={"textMessageData": data}, **place)

    def reaction(self, emoji: str, *, chat: int | str, message_id: str, **place: Any) -> Pushed:
        """An emoji on a message: not a question."""
        return self._message("reactionMessage", chat=chat, text=emoji, reply_to=message_id, **place)

    def file(
        self,
        name: str = "invoice.pdf",
        *,
        chat: int | str,
        words: str = "",
        content: bytes = b"%PDF",
        gone: bool = False,
        **place: Any,
    ) -> Pushed:
        """A file; its name decides whether it is a picture. `gone`: its link is empty, it has to be asked for."""
        url = "" if gone else self.base_url() + self.book.store_file(name, content)
        data = notices.file_data(url=url, name=name, mime=mime_of(name), caption=words)
        return self._message(kind_of_file(name), chat=chat, text=words, content=data, **place)

    def sticker(self, *, chat: int | str, **place: Any) -> Pushed:
        """A sticker."""
        url = self.base_url() + self.book.store_file("sticker.webp", b"RIFF")
        data = notices.file_data(url=url, name="sticker.webp", mime="image/webp")
        return self._message("stickerMessage", chat=chat, content=data, **place)

    def location(
        self, *, chat: int | str, latitude: float = 55.7558, longitude: float = 37.6173, **place: Any
    ) -> Pushed:
        """A point on the map."""
        return self._message(
            "locationMessage", chat=chat, content=notices.location_data(latitude, longitude), **place
        )

    def contact(
        self, phone: int = 79990000000, *, chat: int | str, name: str = "Somebody else", **place: Any
    ) -> Pushed:
        """A shared contact."""
        return self._message(
            "contactMessage", chat=chat, content=notices.contact_data(phone, name=name), **place
        )

    def unknown_message(self, kind: str = "hologramMessage", *, chat: int | str, **place: Any) -> Pushed:
        """A message of a kind that nobody has heard of."""
        return self._message(kind, chat=chat, content={f"{kind}Data": {"light": "green"}}, **place)

    def owner(self, words: str, *, chat: int | str, **place: Any) -> Pushed:
        """The owner of the account writes on the phone."""
        return self._message("textMessage", chat=chat, text=words, typed="outgoingMessageReceived", **place)

    def edited(self, words: str, *, chat: int | str, message_id: str) -> Pushed:
        """A person changed an earlier message."""
        message = self._known(chat, message_id)
        message.text = words
        message.edited = True
        return self._changed(
            message, "editedMessage", {"editedMessageData": {"textMessage": words, "stanzaId": message_id}}
        )

    def deleted(self, *, chat: int | str, message_id: str) -> Pushed:
        """A person took an earlier message back."""
        message = self._known(chat, message_id)
        message.deleted = True
        return self._changed(message, "deletedMessage", {"deletedMessageData": {"stanzaId": message_id}})

    def _known(self, chat: int | str, message_id: str) -> Message:
        found = self.book.find(self.book.address(chat), message_id)
        if found is None:
            raise LookupError(f"chat {chat} has no message {message_id}")
        return found

    def _changed(self, message: Message, kind: str, content: Mapping[str, Any]) -> Pushed:
        typed = "outgoingMessageReceived" if message.outgoing else "incomingMessageReceived"
        change = Message(
            id=self.book.next_id(message.chat_id),
            chat_id=message.chat_id,
            sender=message.sender,
            at=self.clock(),
            kind=kind,
            content=dict(content),
        )
        body = self.head(typed, change.at) | notices.message(self.book, change)
        return self._offer(body, change)

    # -- the rest ----------------------------------------------------------------------------------

    def status(self, status: str, *, chat: int | str, message_id: str) -> Pushed:
        """What became of a message of ours: read, failed, noAccount."""
        before = self.queue.next_id
        ident = self.book.address(chat)
        self.outgoing.tell(ident, message_id, status)
        told = self.queue.next_id > before
        return Pushed(receipt_id=before if told else None, message_id=message_id, chat_id=ident)

    def quota(self) -> Pushed:
        """The tariff is used up; this notification has no timestamp."""
        body = self.head("quotaExceeded", self.clock())
        del body["timestamp"]
        body["quotaData"] = {"method": "correspondents", "used": 3, "total": 3, "status": "QUOTE_EXCEEDED"}
        return Pushed(receipt_id=self.queue.put(body), body=body)

    def unknown(self, kind: str = "telepathyReceived", **fields: Any) -> Pushed:
        """A notification of a kind that nobody has heard of."""
        body = self.head(kind, self.clock()) | fields
        return Pushed(receipt_id=self.queue.put(body), body=body)

    def raw(self, body: Any) -> Pushed:
        """Exactly this body, unfiltered; a text that is no JSON object included."""
        content = body.encode() if isinstance(body, str) else orjson.dumps(body)
        return Pushed(receipt_id=self.queue.put_raw(content), body=body if isinstance(body, dict) else {})
