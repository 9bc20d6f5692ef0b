"""What people do: each method puts one update (an album: several) into the bot's queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from channels.testing.latency import LatencyBook
from channels.testing.telegram_server import updates
from channels.testing.telegram_server.update_queue import UpdateQueue
from channels.testing.telegram_server.world import Chat, Post, Press, Standing, World

SOMEBODY: Final = 1000
"""Who writes in a group when a test does not say."""

_MEMBERSHIPS: Final = {
    "blocked": ("member", "kicked", Standing.BLOCKED),
    "unblocked": ("kicked", "member", Standing.OPEN),
    "added": ("left", "member", Standing.OPEN),
    "kicked": ("member", "kicked", Standing.KICKED),
    "left": ("member", "left", Standing.KICKED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What was put into the queue. `update_id` is None when `allowed_updates` filtered it."""

    update_id: int | None
    message_id: int = 0
    query_id: str = ""
    body: Mapping[str, Any] = field(repr=False)


class Inbound:
    """The hands of the people.

    A positive `chat` is the private chat with that person, a negative one a group. `user` is who acts (in a
    private chat the person itself), `topic` a thread of a forum, `reply_to` a message id. Nothing here looks
    at privacy mode: a test decides what the bot gets to see.
    """

    def __init__(
        self, world: World, queue: UpdateQueue, book: LatencyBook, clock: Callable[[], float]
    ) -> None:
        self.world = world
        self.queue = queue
        self.book = book
        self.clock = clock

    def _sender(self, chat: int, user: int | None) -> dict[str, Any]:
        return self.world.person(user if user is not None else (chat if chat > 0 else SOMEBODY))

    def _message(
        self,
        content: Mapping[str, Any],
        *,
        chat: int,
        user: int | None = None,
        topic: int | None = None,
        reply_to: int | None = None,
    ) -> Pushed:
        home = self.world.chat(chat)
        if topic is not None:
            self.world.topic(home, topic)
        quoted = None
        if reply_to is not None:
            if reply_to not in home.posts:
                raise LookupError(f"chat {chat} has no message {reply_to} to reply to")
            quoted = home.posts[reply_to].body
        now = self.clock()
        message_id = self.world.next_message_id(home)
        body = updates.message(
            message_id=message_id,
            date=int(now),
            chat=home.about,
            sender=self._sender(chat, user),
            content=content,
            topic=topic,
            reply_to=quoted,
        )
        home.keep(message_id, Post(body=body, own=False, plain=str(content.get("text", ""))))
        update_id = self.queue.put("message", body, lane=str(chat), now=now)
        if update_id is not None:
            self.book.offer(chat, update_id, now)
        return Pushed(update_id=update_id, message_id=message_id, body=body)

    def text(self, words: str, *, chat: int, **place: Any) -> Pushed:
        """A text; mentions, commands and addresses in it become entities."""
        return self._message(updates.text(words), chat=chat, **place)

    def poison(self, words: str = "forwarded", *, chat: int, **place: Any) -> Pushed:
        """A forwarded text that strict models refuse."""
        return self._message(updates.poison(words, date=int(self.clock())), chat=chat, **place)

    def photo(
        self, *, chat: int, words: str | None = None, content: bytes = b"\xff\xd8\xff photo", **place: Any
    ) -> Pushed:
        """A photo; `content` can be downloaded through getFile."""
        file = self.world.store_file(prefix="photo", suffix=".jpg", content=content)
        return self._message(
            updates.photo(file.file_id, size=max(1, file.size), words=words), chat=chat, **place
        )

    def album(self, *, chat: int, count: int = 3, words: str | None = None, **place: Any) -> list[Pushed]:
        """Several photos at once: messages with one `media_group_id`, the words under the first."""
        album = self.world.serial("album")
        files = [
            self.world.store_file(prefix="photo", suffix=".jpg", content=b"\xff\xd8\xff")
            for _ in range(count)
        ]
        return [
            self._message(
                updates.photo(file.file_id, words=None if index else words, album=album), chat=chat, **place
            )
            for index, file in enumerate(files)
        ]

    def voice(self, *, chat: int, seconds: int = 3, content: bytes = b"OggS voice", **place: Any) -> Pushed:
        """A voice message."""
        file = self.world.store_file(prefix="voice", suffix=".oga", content=content)
        return self._message(
            updates.voice(file.file_id, seconds=seconds, size=max(1, file.size)), chat=chat, **place
        )

    def document(
        self,
        *,
        chat: int,
        name: str = "invoice.pdf",
        words: str | None = None,
        size: int | None = None,
        content: bytes = b"%PDF",
        **place: Any,
    ) -> Pushed:
        """A file; a `size` above 20 MB can be named but not downloaded."""
        file = self.world.store_file(prefix="documents", suffix=f"-{name}", content=content, size=size)
        about = updates.document(file.file_id, name=name, mime="application/pdf", size=file.size, words=words)
        return self._message(about, chat=chat, **place)

    def topic_changed(self, what: str, *, chat: int, topic: int, user: int | None = None) -> Pushed:
        """Somebody `closed` or `reopened` a topic, as a service message tells, or `deleted` it, as nothing tells."""
        home = self.world.chat(chat)
        self.world.topic(home, topic)
        match what:
            case "closed":
                home.closed_topics.add(topic)
            case "reopened":
                home.closed_topics.discard(topic)
            case "deleted":
                home.forget_topic(topic)
                return Pushed(update_id=None, body={})
            case _:
                raise ValueError(f"a topic is closed, reopened or deleted, not {what!r}")
        return self._message({f"forum_topic_{what}": {}}, chat=chat, user=user, topic=topic)

    def sticker(self, *, chat: int, emoji: str = "👍", **place: Any) -> Pushed:
        """A sticker."""
        file = self.world.store_file(prefix="stickers", suffix=".webp", content=b"RIFF")
        return self._message(updates.sticker(file.file_id, emoji=emoji), chat=chat, **place)

    def contact(
        self,
        phone: str = "+79990000000",
        *,
        chat: int,
        own: bool = True,
        user: int | None = None,
        **place: Any,
    ) -> Pushed:
        """A shared contact: the sender's own, or somebody else's."""
        sender = self._sender(chat, user)
        name = sender["first_name"] if own else "Somebody else"
        content = updates.contact(phone, first_name=name, user_id=sender["id"] if own else None)
        return self._message(content, chat=chat, user=user, **place)

    def location(
        self, *, chat: int, latitude: float = 55.7558, longitude: float = 37.6173, **place: Any
    ) -> Pushed:
        """A point on the map."""
        return self._message(updates.location(latitude, longitude), chat=chat, **place)

    def edited(self, words: str, *, chat: int, message_id: int) -> Pushed:
        """A person changed the text of an earlier message."""
        post = self._post(chat, message_id)
        now = self.clock()
        body = {key: value for key, value in post.body.items() if key != "entities"}
        body |= {"edit_date": int(now), **updates.text(words)}
        post.body = body
        update_id = self.queue.put("edited_message", body, lane=str(chat), now=now)
        return Pushed(update_id=update_id, message_id=message_id, body=body)

    def press(
        self, label: str, *, chat: int, user: int | None = None, message_id: int | None = None
    ) -> Pushed:
        """A press of the button with this label, in the newest message that shows it (or in `message_id`).

        A button of a reply keyboard sends its label, or the person's contact if it asks for it. Raises
        `LookupError` when nobody could press such a button.
        """
        home = self.world.chat(chat)
        posts = (
            [self._post(chat, message_id)] if message_id is not None else list(reversed(home.posts.values()))
        )
        for post in posts:
            for button in (one for row in (post.keyboard.rows if post.keyboard else ()) for one in row):
                if button.label != label:
                    continue
                if button.data is not None:
                    return self.callback(
                        button.data, chat=chat, user=user, message_id=post.body["message_id"]
                    )
                if post.keyboard is not None and post.keyboard.kind == "reply":
                    return (
                        self.contact(chat=chat, user=user)
                        if button.asks_contact
                        else self.text(label, chat=chat, user=user)
                    )
                raise LookupError(f"the button {label!r} in chat {chat} sends nothing to the bot")
        seen = [one.label for post in posts if post.keyboard for row in post.keyboard.rows for one in row]
        raise LookupError(f"no button {label!r} in chat {chat}; buttons there: {seen[:20]}")

    def callback(
        self, data: str, *, chat: int, message_id: int, user: int | None = None, inaccessible: bool = False
    ) -> Pushed:
        """A press with this data, button or no button; `inaccessible` hides the message itself."""
        home = self.world.chat(chat)
        now = self.clock()
        query_id = self.world.serial("query")
        post = home.posts.get(message_id)
        body = updates.callback_query(
            query_id=query_id,
            sender=self._sender(chat, user),
            data=data,
            chat=home.about,
            message=None if inaccessible or post is None else post.body,
            message_id=message_id,
        )
        self.world.presses[query_id] = Press(query_id=query_id, chat_id=chat, created=now)
        update_id = self.queue.put("callback_query", body, lane=str(chat), now=now)
        return Pushed(update_id=update_id, message_id=message_id, query_id=query_id, body=body)

    def membership(self, what: str, *, chat: int, user: int | None = None) -> Pushed:
        """The bot was `blocked`, `unblocked`, `added`, `kicked` or `left`; sending follows suit at once."""
        if what not in _MEMBERSHIPS:
            raise ValueError(f"membership is one of {', '.join(_MEMBERSHIPS)}, not {what!r}")
        old, new, standing = _MEMBERSHIPS[what]
        home = self.world.chat(chat)
        home.standing = standing
        now = self.clock()
        body = updates.membership(
            chat=home.about,
            sender=self._sender(chat, user),
            bot=self.world.bot,
            date=int(now),
            old=old,
            new=new,
        )
        return Pushed(update_id=self.queue.put("my_chat_member", body, lane=str(chat), now=now), body=body)

    def migrated(self, *, chat: int, to: int, announce: bool = True) -> Pushed:
        """A group became a supergroup: sending to the old id is refused with the new one from now on."""
        old, new = self.world.chat(chat), self.world.chat(to)
        if not announce:
            old.migrated_to = new.id
            return Pushed(update_id=None, body={})
        self._service({"migrate_to_chat_id": to}, old)
        old.migrated_to = new.id
        return self._service({"migrate_from_chat_id": chat}, new)

    def _service(self, content: Mapping[str, Any], home: Chat) -> Pushed:
        now = self.clock()
        body = updates.message(
            message_id=self.world.next_message_id(home),
            date=int(now),
            chat=home.about,
            sender=self._sender(home.id, None),
            content=content,
        )
        update_id = self.queue.put("message", body, lane=str(home.id), now=now)
        return Pushed(update_id=update_id, message_id=body["message_id"], body=body)

    def unknown(self, kind: str = "telepathy", *, chat: int = 1) -> Pushed:
        """An update of a kind that nobody has heard of."""
        body = {"chat": self.world.chat(chat).about, "date": int(self.clock())}
        return Pushed(update_id=self.queue.put(kind, body, lane=str(chat), now=self.clock()), body=body)

    def raw(self, update: Mapping[str, Any], *, lane: str = "raw") -> Pushed:
        """Exactly this update, with an `update_id` of its own."""
        fields = {key: value for key, value in update.items() if key != "update_id"}
        return Pushed(update_id=self.queue.put_raw(fields, lane=lane, now=self.clock()), body=fields)

    def _post(self, chat: int, message_id: int) -> Post:
        post = self.world.chat(chat).posts.get(message_id)
        if post is None:
            raise LookupError(f"chat {chat} has no message {message_id}")
        return post
