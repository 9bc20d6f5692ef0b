"""What people do: each method puts one update into the bot's queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from channels.testing.latency import LatencyBook
from channels.testing.max_server import updates
from channels.testing.max_server.keyboard import Button
from channels.testing.max_server.update_queue import UpdateQueue
from channels.testing.max_server.world import Chat, Post, Press, Standing, Upload, World

SOMEBODY: Final = 600_001_000
"""Who writes in a group when a test does not say."""

LOCALE: Final = "ru"

_MEMBERSHIPS: Final = ("blocked", "unblocked", "added", "kicked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What was put into the queue; `update_id` is its number there, which the bot never sees."""

    update_id: int
    message_id: str = ""
    callback_id: str = ""
    chat_id: int = 0
    user_id: int = 0
    body: Mapping[str, Any] = field(repr=False)


class Inbound:
    """The hands of the people.

    `chat` is the id of a dialog or a group; a positive one that is new is a dialog with a person of its own,
    whose id is another number. `user` is who acts (in a dialog the person itself). `reply_to` and `forward_of`
    are message ids. Nothing here looks at the rights of the bot in a group: a test decides what it gets to see.
    """

    def __init__(
        self,
        world: World,
        queue: UpdateQueue,
        book: LatencyBook,
        *,
        clock: Callable[[], float],
        token: str,
        media_url: Callable[[Upload], str],
    ) -> None:
        self.world = world
        self.queue = queue
        self.book = book
        self.clock = clock
        self.token = token
        self.media_url = media_url

    # -- messages ----------------------------------------------------------------------------------

    def text(self, words: str, *, chat: int, **place: Any) -> Pushed:
        """A text."""
        return self._message(words, (), chat=chat, **place)

    def poison(self, words: str = "forwarded", *, chat: int, **place: Any) -> Pushed:
        """A forwarded text whose own body is null: allowed by the schema, refused by strict models."""
        mid, seq = self.world.next_message()
        original = {"body": updates.body(mid=mid, seq=seq, text=words)}
        linked = updates.link("forward", original, chat)
        return self._message(None, (), chat=chat, linked=linked, **place)

    def photo(
        self,
        *,
        chat: int,
        words: str = "",
        count: int = 1,
        content: bytes = b"\xff\xd8\xff photo",
        **place: Any,
    ) -> Pushed:
        """One picture or several in one message; they can be downloaded."""
        found = []
        for _ in range(count):
            upload = self.world.store("image", content, name="photo.webp")
            found.append(updates.image(upload.token, photo_id=upload.id, url=self.media_url(upload)))
        return self._message(words, found, chat=chat, **place)

    def video(self, *, chat: int, words: str = "", content: bytes = b"\x00video", **place: Any) -> Pushed:
        """A video."""
        upload = self.world.store("video", content, name="video.mp4")
        return self._message(
            words, [updates.video(upload.token, url=self.media_url(upload))], chat=chat, **place
        )

    def voice(
        self, *, chat: int, content: bytes = b"OggS voice", transcription: str | None = None, **place: Any
    ) -> Pushed:
        """A voice message."""
        upload = self.world.store("audio", content, name="voice.ogg")
        found = updates.audio(upload.token, url=self.media_url(upload), transcription=transcription)
        return self._message("", [found], chat=chat, **place)

    def document(
        self,
        *,
        chat: int,
        name: str = "invoice.pdf",
        words: str = "",
        size: int | None = None,
        content: bytes = b"%PDF",
        **place: Any,
    ) -> Pushed:
        """A file; `size` is what MAX says of it."""
        upload = self.world.store("file", content, name=name, size=size)
        found = updates.file(upload.token, url=self.media_url(upload), name=name, size=upload.size)
        return self._message(words, [found], chat=chat, **place)

    def sticker(self, *, chat: int, code: str = "0a1b2c", **place: Any) -> Pushed:
        """A sticker."""
        found = updates.sticker(code, url=f"https://media.example/getSmile?smileId={code}")
        return self._message("", [found], chat=chat, **place)

    def contact(
        self,
        phone: str = "79990000000",
        *,
        chat: int,
        own: bool = True,
        user: int | None = None,
        asked: bool = False,
        **place: Any,
    ) -> Pushed:
        """A shared contact: the sender's own, or somebody else's; `asked` for by a button, it carries a hash."""
        sender = self._sender(self.world.chat(chat), user)
        vcf = updates.vcard(sender["first_name"] if own else "Somebody else", phone)
        signature = updates.signed(vcf, self.token) if asked else None
        found = updates.contact(vcf, about=sender if own else None, signature=signature)
        return self._message("", [found], chat=chat, user=user, **place)

    def location(
        self, *, chat: int, latitude: float = 55.7558, longitude: float = 37.6173, **place: Any
    ) -> Pushed:
        """A point on the map."""
        return self._message("", [updates.location(latitude, longitude)], chat=chat, **place)

    def share(
        self, *, chat: int, url: str = "https://example.ru/page", words: str = "", **place: Any
    ) -> Pushed:
        """A link with its preview."""
        return self._message(words, [updates.share(url)], chat=chat, **place)

    def edited(self, words: str, *, chat: int, message_id: str) -> Pushed:
        """A person changed the text of an earlier message."""
        post = self._post(chat, message_id)
        content = {**post.body["body"], "text": words}
        content.pop("markup", None)
        post.body = {**post.body, "body": content}
        return self._put("message_edited", {"message": post.body}, self.world.chat(chat), message_id=post.mid)

    def removed(self, *, chat: int, message_id: str, user: int | None = None) -> Pushed:
        """A person removed a message."""
        post = self._post(chat, message_id)
        self.world.forget(post)
        home = self.world.chat(chat)
        fields = {
            "message_id": message_id,
            "chat_id": chat,
            "user_id": self._sender(home, user)["user_id"],
        }
        return self._put("message_removed", fields, home, message_id=message_id)

    def _message(
        self,
        words: str | None,
        attachments: Sequence[Mapping[str, Any]],
        *,
        chat: int,
        user: int | None = None,
        reply_to: str | None = None,
        forward_of: str | None = None,
        linked: Mapping[str, Any] | None = None,
    ) -> Pushed:
        home = self.world.chat(chat)
        now = self.clock()
        mid, seq = self.world.next_message()
        for kind, target in (("reply", reply_to), ("forward", forward_of)):
            if target is not None:
                original = self.world.posts.get(target)
                if original is None:
                    raise LookupError(f"there is no message {target} to {kind}")
                linked = updates.link(kind, original.body, original.chat_id)
        recipient: dict[str, Any] = {"chat_id": chat, "chat_type": home.kind}
        if home.kind == "dialog":
            recipient["user_id"] = self.world.bot["user_id"]
        content = (
            None if words is None else updates.body(mid=mid, seq=seq, text=words, attachments=attachments)
        )
        body = updates.message(
            sender=self._sender(home, user),
            recipient=recipient,
            timestamp=int(now * 1000),
            content=content,
            link=linked,
        )
        if content is not None:
            self.world.keep(Post(mid=mid, chat_id=chat, body=body, own=False, created=now))
        number = self._queue("message_created", {"message": body}, home, int(now * 1000), now)
        self.book.offer(chat, number, now)
        return Pushed(
            update_id=number, message_id=mid, chat_id=chat, user_id=body["sender"]["user_id"], body=body
        )

    # -- presses -----------------------------------------------------------------------------------

    def press(
        self, label: str, *, chat: int, user: int | None = None, message_id: str | None = None
    ) -> Pushed:
        """A press of the button with this label, in the newest message that shows it (or in `message_id`).

        A `message` button writes its label, a contact or location button sends that. Raises `LookupError` when
        nobody could press such a button.
        """
        home = self.world.chat(chat)
        posts = (
            [self._post(chat, message_id)] if message_id is not None else list(reversed(home.posts.values()))
        )
        for post in posts:
            for button in (one for row in (post.keyboard.rows if post.keyboard else ()) for one in row):
                if button.label == label:
                    return self._pressed(button, post, chat, user)
        seen = [one.label for post in posts if post.keyboard for row in post.keyboard.rows for one in row]
        raise LookupError(f"no button {label!r} in chat {chat}; buttons there: {seen[:20]}")

    def _pressed(self, button: Button, post: Post, chat: int, user: int | None) -> Pushed:
        match button.kind:
            case "callback":
                return self.callback(button.data or "", chat=chat, user=user, message_id=post.mid)
            case "message":
                return self.text(button.label, chat=chat, user=user)
            case "request_contact":
                return self.contact(chat=chat, user=user, asked=True)
            case "request_geo_location":
                return self.location(chat=chat, user=user)
            case _:
                raise LookupError(f"the button {button.label!r} in chat {chat} sends nothing to the bot")

    def callback(
        self,
        data: str,
        *,
        chat: int,
        message_id: str,
        user: int | None = None,
        inaccessible: bool = False,
    ) -> Pushed:
        """A press with this data, button or no button; `inaccessible` hides the message: it was deleted."""
        home = self.world.chat(chat)
        post = self.world.posts.get(message_id)
        keyboard = post.keyboard if post is not None else None
        callback_id = keyboard.keyboard_id if keyboard else f"cb-{self.world.serial():010x}"
        sender = self._sender(home, user)
        now = self.clock()
        stamp = self.world.stamp(now)
        self.world.press(
            Press(callback_id=callback_id, chat_id=chat, message_id=message_id, user_id=sender["user_id"])
        )
        about = {"timestamp": stamp, "callback_id": callback_id, "payload": data, "user": sender}
        shown = None if inaccessible or post is None else post.body
        number = self._queue("message_callback", {"callback": about, "message": shown}, home, stamp, now)
        return Pushed(
            update_id=number,
            message_id=message_id,
            callback_id=callback_id,
            chat_id=chat,
            user_id=sender["user_id"],
            body=about,
        )

    # -- events ------------------------------------------------------------------------------------

    def started(self, payload: str | None = None, *, chat: int, user: int | None = None) -> Pushed:
        """A person pressed Start, perhaps after a link with a payload; the bot may write from now on."""
        home = self.world.chat(chat)
        home.standing = Standing.OPEN
        fields = {"chat_id": chat, "user": self._sender(home, user)}
        return self._put("bot_started", fields if payload is None else {**fields, "payload": payload}, home)

    def stopped(self, *, chat: int) -> Pushed:
        """A person stopped the bot: sending is refused at once."""
        home = self.world.chat(chat)
        home.standing = Standing.SUSPENDED
        return self._put("bot_stopped", {"chat_id": chat, "user": self._sender(home, None)}, home)

    def membership(self, what: str, *, chat: int, user: int | None = None) -> Pushed:
        """The bot was `blocked` or `unblocked` by a person, `added` to or `kicked` from a group."""
        if what == "blocked":
            return self.stopped(chat=chat)
        if what == "unblocked":
            return self.started(chat=chat)
        if what not in _MEMBERSHIPS:
            raise ValueError(f"membership is one of {', '.join(_MEMBERSHIPS)}, not {what!r}")
        return self.event("bot_added" if what == "added" else "bot_removed", chat=chat, user=user)

    def event(self, kind: str, *, chat: int, user: int | None = None, **fields: Any) -> Pushed:
        """Any other event of a dialog or a group; `fields` are added to what such an event always has."""
        home = self.world.chat(chat)
        sender = self._sender(home, user)
        found: dict[str, Any] = {"chat_id": chat, "user": sender}
        match kind:
            case "bot_added" | "bot_removed":
                home.standing = Standing.OPEN if kind == "bot_added" else Standing.REMOVED
                found["is_channel"] = home.kind == "channel"
            case "user_added" | "user_removed":
                about = {"inviter_id": SOMEBODY} if kind == "user_added" else {"admin_id": SOMEBODY}
                found |= {**about, "is_channel": home.kind == "channel"}
            case "chat_title_changed":
                home.title = str(fields.get("title", "New title"))
                found["title"] = home.title
            case "dialog_muted":
                found["muted_until"] = int(self.clock() * 1000) + 3_600_000
            case "dialog_cleared" | "dialog_removed" | "dialog_unmuted":
                pass
            case "bot_admin_permissions_changed":
                home.admin = bool(fields.get("is_admin", True))
                permissions = ["read_all_messages", "write"] if home.admin else []
                found = {
                    "chat_id": chat,
                    "user_id": sender["user_id"],
                    "bot_id": self.world.bot["user_id"],
                    "is_channel": home.kind == "channel",
                    "is_admin": home.admin,
                    "permissions": permissions,
                }
            case _:
                raise ValueError(f"there is no event {kind!r}; see `unknown` and `raw`")
        return self._put(kind, found | fields, home)

    def unknown(self, kind: str = "telepathy", *, chat: int = 1) -> Pushed:
        """An update of a type that nobody has heard of."""
        return self._put(kind, {"chat_id": chat}, self.world.chat(chat))

    def raw(self, update: Mapping[str, Any]) -> Pushed:
        """Exactly this update."""
        return Pushed(update_id=self.queue.put(update, now=self.clock()), body=update)

    # -- common ------------------------------------------------------------------------------------

    def _sender(self, home: Chat, user: int | None) -> dict[str, Any]:
        if user is not None:
            return self.world.person(user)
        return self.world.person(home.user_id if home.user_id is not None else SOMEBODY)

    def _put(self, kind: str, fields: Mapping[str, Any], home: Chat, *, message_id: str = "") -> Pushed:
        now = self.clock()
        number = self._queue(kind, fields, home, self.world.stamp(now), now)
        return Pushed(update_id=number, message_id=message_id, chat_id=home.id, body=fields)

    def _queue(self, kind: str, fields: Mapping[str, Any], home: Chat, stamp: int, now: float) -> int:
        locale = LOCALE if home.kind == "dialog" else None
        return self.queue.put(updates.update(kind, stamp, fields, locale=locale), now=now)

    def _post(self, chat: int, message_id: str) -> Post:
        post = self.world.posts.get(message_id)
        if post is None or post.chat_id != chat:
            raise LookupError(f"chat {chat} has no message {message_id}")
        return post
