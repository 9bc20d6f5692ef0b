"""POST, PUT, DELETE and GET of messages, and the answers to presses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from channels.testing.max_server import updates
from channels.testing.max_server.attachments import Attachments
from channels.testing.max_server.draft import Draft, read_draft
from channels.testing.max_server.fields import Fields
from channels.testing.max_server.keyboard import Keyboard
from channels.testing.max_server.limits import RateLimits
from channels.testing.max_server.quirks import Quirks
from channels.testing.max_server.refusal import bad_payload, denied, not_found
from channels.testing.max_server.text import is_visible
from channels.testing.max_server.world import Chat, Post, Sent, Standing, Upload, World

EDITABLE_SECONDS: Final = 24 * 3600.0
MOST_MESSAGES: Final = 100
DEFAULT_MESSAGES: Final = 50
_BOOLEANS: Final = frozenset({"true", "false"})


@dataclass(frozen=True, slots=True)
class Reply:
    """What an operation answers; `sent` is the record of what it sent to a person."""

    result: Mapping[str, Any]
    sent: Sent | None = None


def whole(given: Mapping[str, str], name: str) -> int | None:
    """A whole number of the query, or None. Raises a 400."""
    text = given.get(name)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise bad_payload(f"{name} is a number, not {text!r}") from error


def open_chat(world: World, chat_id: int) -> Chat:
    """The chat, if the bot may speak there. Raises a 404 or a 403."""
    chat = world.chats.get(chat_id)
    if chat is None:
        raise not_found("chat.not.found", f"Chat {chat_id} not found")
    if chat.standing is Standing.SUSPENDED:
        raise denied("error.dialog.suspended")
    if chat.standing is not Standing.OPEN:
        raise denied(f"error.chat.{chat.standing}")
    return chat


class Messages:
    """The operations on messages; `media_url` gives the address under which a file can be fetched."""

    def __init__(
        self, world: World, limits: RateLimits, quirks: Quirks, media_url: Callable[[Upload], str]
    ) -> None:
        self.world = world
        self.limits = limits
        self.quirks = quirks
        self.attachments = Attachments(world, media_url)

    # -- sending -----------------------------------------------------------------------------------

    def send(self, given: Mapping[str, str], value: object, now: float) -> Reply:
        """POST /messages."""
        draft = read_draft(value, self.quirks)
        self._visible(draft.plain, draft.attachments, forward=bool(draft.link and draft.link[0] == "forward"))
        _check_flag(given)
        chat = self._recipient(given)
        if chat.kind == "channel" and not draft.notify:
            raise bad_payload("notify must not be false in a channel")
        self.limits.message(chat.id, now)
        link = self._link(draft)
        attachments, keyboard = self.attachments.build(draft)
        mid, seq = self.world.next_message()
        content = updates.body(
            mid=mid, seq=seq, text=draft.plain or "", attachments=attachments, markup=draft.markup
        )
        body = updates.message(
            sender=self.world.bot,
            recipient=_recipient_of(chat),
            timestamp=int(now * 1000),
            content=content,
            link=link,
        )
        self.world.keep(Post(mid=mid, chat_id=chat.id, body=body, own=True, created=now, keyboard=keyboard))
        return Reply({"message": body}, self._record("sendMessage", chat, body, draft, keyboard, now))

    def _recipient(self, given: Mapping[str, str]) -> Chat:
        chat_id, user_id = whole(given, "chat_id"), whole(given, "user_id")
        if (chat_id is None) == (user_id is None):
            raise bad_payload("Unknown recipient")
        if chat_id is None:
            chat_id = self.world.dialogs.get(user_id or 0)
            if chat_id is None:
                raise not_found("dialog.not.found", f"Dialog with user {user_id} not found")
        return open_chat(self.world, chat_id)

    @staticmethod
    def _visible(plain: str | None, attachments: list[Any] | None, *, forward: bool) -> None:
        seen = any(_kind(one) != "inline_keyboard" for one in attachments or ())
        if not (seen or forward or is_visible(plain or "")):
            raise bad_payload("a message has text or attachments")

    def _link(self, draft: Draft) -> dict[str, Any] | None:
        if draft.link is None:
            return None
        kind, mid = draft.link
        post = self.world.posts.get(mid)
        if post is None:
            raise not_found("not.found", f"Message {mid} not found")
        return updates.link(kind, post.body, post.chat_id)

    def _record(
        self,
        method: str,
        chat: Chat,
        body: Mapping[str, Any],
        draft: Draft,
        keyboard: Keyboard | None,
        now: float,
    ) -> Sent:
        content = body["body"]
        sent = Sent(
            seq=self.world.next_seq(),
            method=method,
            chat_id=chat.id,
            message_id=content["mid"],
            text=draft.text or "",
            plain=content["text"] or "",
            format=draft.style,
            markup=content.get("markup", ()),
            keyboard=keyboard,
            attachments=[one for one in content.get("attachments", ()) if one["type"] != "inline_keyboard"],
            link=body.get("link"),
            notify=draft.notify,
            received_at=now,
        )
        return self.world.log(sent, edit=method != "sendMessage")

    # -- changing ----------------------------------------------------------------------------------

    def edit(self, given: Mapping[str, str], value: object, now: float) -> Reply:
        """PUT /messages: own messages, for a day."""
        draft = read_draft(value, self.quirks)
        post = self._own(given)
        if now - post.created > EDITABLE_SECONDS:
            return Reply({"success": False, "message": "The message is older than 24 hours"})
        return self._replace("editMessage", post, draft, now)

    def _own(self, given: Mapping[str, str]) -> Post:
        mid = given.get("message_id")
        if not mid:
            raise bad_payload("message_id is required")
        post = self.world.posts.get(mid)
        if post is None:
            raise not_found("not.found", f"Message {mid} not found")
        if not post.own:
            raise denied("This message is not the bot's")
        return post

    def _replace(self, method: str, post: Post, draft: Draft, now: float) -> Reply:
        chat = open_chat(self.world, post.chat_id)
        old = post.body["body"]
        keyboard, attachments = post.keyboard, list(old.get("attachments", ()))
        text, markup = old["text"], old.get("markup", ())
        if draft.attachments is not None:
            attachments, keyboard = self.attachments.build(draft)
        if draft.plain is not None:
            text, markup = draft.plain, draft.markup
        self._visible(text, attachments, forward="link" in post.body)
        content = updates.body(
            mid=post.mid, seq=old["seq"], text=text, attachments=attachments, markup=markup
        )
        post.body, post.keyboard = {**post.body, "body": content}, keyboard
        return Reply({"success": True}, self._record(method, chat, post.body, draft, keyboard, now))

    def delete(self, given: Mapping[str, str], now: float) -> Reply:
        """DELETE /messages: as editing."""
        post = self._own(given)
        if now - post.created > EDITABLE_SECONDS:
            return Reply({"success": False, "message": "The message is older than 24 hours"})
        open_chat(self.world, post.chat_id)
        self.world.forget(post)
        self.world.removed.append(post.mid)
        return Reply({"success": True})

    def answer(self, given: Mapping[str, str], value: object, now: float) -> Reply:
        """POST /answers: a toast, a new content for the pressed message, or both."""
        callback_id = given.get("callback_id", "")
        if not callback_id.strip():
            raise bad_payload("callback_id is required")
        _check_flag(given)
        body = Fields(value, "answer")
        message, notice = body.any("message"), body.text("notification")
        body.end()
        if message is None and notice is None and not self.quirks.accept_empty_answers:
            raise bad_payload("`message` or `notification` required")
        draft = None if message is None else read_draft(message, self.quirks)
        press = self.world.presses.get(callback_id)
        if press is None:
            raise not_found("not.found", "Callback not found")
        chat = open_chat(self.world, press.chat_id)
        self.limits.message(chat.id, now)
        reply = Reply({"success": True})
        if draft is not None:
            post = self.world.posts.get(press.message_id)
            if post is None:
                return Reply({"success": False, "message": "The message is gone"})
            reply = self._replace("answerOnCallback", post, draft, now)
        press.answered = True
        press.notice = notice or ""
        return reply

    # -- reading -----------------------------------------------------------------------------------

    def one(self, given: Mapping[str, str]) -> Reply:
        """GET /messages/{messageId}."""
        post = self.world.posts.get(given["message_id"])
        if post is None:
            raise not_found("not.found", f"Message {given['message_id']} not found")
        return Reply(post.body)

    def many(self, given: Mapping[str, str]) -> Reply:
        """GET /messages, newest first; `from` and `to` are the old names of `before` and `after`."""
        count = whole(given, "count")
        count = DEFAULT_MESSAGES if count is None else count
        if not 1 <= count <= MOST_MESSAGES:
            raise bad_payload(f"count is 1 to {MOST_MESSAGES}")
        before = whole(given, "before") or whole(given, "from") or 2**63
        after = whole(given, "after") or whole(given, "to") or 0
        if ids := given.get("message_ids"):
            posts = [post for mid in ids.split(",") if (post := self.world.posts.get(mid))]
        elif (chat_id := whole(given, "chat_id")) is not None:
            posts = list(open_chat(self.world, chat_id).posts.values())
        else:
            raise bad_payload("chat_id or message_ids is required")
        chosen = [one.body for one in reversed(posts) if after <= one.body["timestamp"] <= before]
        return Reply({"messages": chosen[:count]})


def _recipient_of(chat: Chat) -> dict[str, Any]:
    found: dict[str, Any] = {"chat_id": chat.id, "chat_type": chat.kind}
    if chat.kind == "dialog":
        found["user_id"] = chat.user_id
    return found


def _kind(one: Any) -> Any:
    return one["type"] if isinstance(one, dict) else one.kind


def _check_flag(given: Mapping[str, str]) -> None:
    if given.get("disable_link_preview", "true") not in _BOOLEANS:
        raise bad_payload("disable_link_preview is true or false")
