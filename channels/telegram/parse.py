"""Reads Telegram's updates: cuts a batch into raw updates, and a raw update into our events. Pure."""

from __future__ import annotations

import hashlib
import pickle
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from channels.contract import Batch, Cursor
from channels.errors import BadPayload
from channels.fields import (
    Json,
    child,
    children,
    moment,
    number,
    required_child,
    required_number,
    text,
)
from channels.model import (
    ActionIn,
    ChatRef,
    ContactIn,
    EchoIn,
    EditedIn,
    Inbound,
    LeftIn,
    MediaIn,
    RawUpdate,
    SenderRef,
    StartIn,
    TextIn,
    TopicIn,
)
from channels.telegram.address import BotIdentity, replied_message, spoken

_START_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{0,64}")
_GROUPS = frozenset({"group", "supergroup", "channel"})
_NEW = ("message", "channel_post")
_EDITED = ("edited_message", "edited_channel_post")
_CARRIERS = (*_NEW, "callback_query", *_EDITED, "my_chat_member")
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

# In this order: an animation carries a `document` too, a venue a `location`, a live photo a `photo`.
_MEDIA_KINDS = {
    "photo": "photo",
    "voice": "voice",
    "audio": "audio",
    "video": "video",
    "video_note": "video",
    "animation": "video",
    "document": "document",
    "sticker": "sticker",
    "location": "location",
    "poll": "other",
    "dice": "other",
    "story": "other",
    "game": "other",
    "paid_media": "other",
    "checklist": "other",
    "rich_message": "other",
    "invoice": "other",
}

_MIMES = {"photo": "image/jpeg", "voice": "audio/ogg"}
"""What a file is where Telegram has only one form of it, or leaves its type out."""

_TOPIC_CHANGES = {"forum_topic_closed": True, "forum_topic_reopened": False}


# -- cutting ---------------------------------------------------------------------------------------------


def read_batch(result: list[Any], *, instance: str, bot_id: int, cursor: Cursor | None) -> Batch:
    """Cut a result of `getUpdates` into updates, so that an odd one never holds up the others. Never raises.

    The cursor goes behind the newest update; without one it stays. It may go back: after a quiet week
    Telegram starts counting anew.
    """
    ids = [item["update_id"] for item in result if isinstance(item, dict) and _is_id(item.get("update_id"))]
    return Batch(
        updates=tuple(cut(item, instance=instance, bot_id=bot_id) for item in result),
        cursor=Cursor(str(max(ids) + 1)) if ids else cursor,
    )


def cut(item: Any, *, instance: str, bot_id: int) -> RawUpdate:
    """Give one update its key and its lane. Never raises: what has no id is known by its content.

    The key names the bot: two bots count alike, and an instance may be given another bot's token.
    """
    if not isinstance(item, dict):
        item = {"unreadable": item}
    update_id = item.get("update_id")
    key = f"{bot_id}:{update_id}" if _is_id(update_id) else f"{bot_id}:content-{_fingerprint(item)}"
    return RawUpdate(key=key, lane=_lane(item, instance), payload=item)


def _is_id(value: Any) -> bool:
    return type(value) is int and abs(value) < 2**63


def _fingerprint(item: Any) -> str:
    try:
        content = orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # what orjson would not have read either, such as a number of a hundred digits
        content = pickle.dumps(item, protocol=5)
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _lane(item: Mapping[str, Any], instance: str) -> str:
    try:
        for name in _CARRIERS:
            carrier = child(item, name)
            if carrier is not None:
                return str(_where(carrier, instance)[0])
    except BadPayload:
        pass
    return f"{instance}/other"


# -- understanding ---------------------------------------------------------------------------------------


def parse_update(raw: RawUpdate, *, instance: str, bot: BotIdentity) -> tuple[Inbound, ...]:
    """Read one raw update into at most one event, none for kinds unknown to us. Raises `BadPayload` only.

    Telegram does not say when a button was pressed: an `ActionIn` carries the time of the message under the
    button, or the start of 1970 when Telegram no longer shows that message.
    """
    payload = raw.payload
    required_number(payload, "update_id")
    for name in _NEW:
        message = child(payload, name)
        if message is not None:
            return _read_message(message, raw, instance, bot)
    press = child(payload, "callback_query")
    if press is not None:
        return _read_press(press, raw, instance)
    for name in _EDITED:
        message = child(payload, name)
        if message is not None:
            return _read_edit(message, raw, instance, bot)
    change = child(payload, "my_chat_member")
    if change is not None:
        return _read_membership(change, raw, instance)
    return ()


def _read_message(message: Json, raw: RawUpdate, instance: str, bot: BotIdentity) -> tuple[Inbound, ...]:
    event = _event(message, raw, instance)
    if event["sender"].external_id == str(bot.id):
        return (EchoIn(**event),)
    in_group = event["is_group"]
    words = text(message, "text")
    if words is not None:
        said = spoken(message, words, children(message, "entities"), in_group=in_group, bot=bot)
        event["addressed"] = said.addressed
        if said.command == "start":
            return (StartIn(**event, payload=_start_payload(said.words)),)
        replied = replied_message(message)
        reply_to = None if replied is None else number(replied, "message_id")
        return (TextIn(**event, text=said.words, reply_to=None if reply_to is None else str(reply_to)),)
    caption = text(message, "caption") or ""
    said = spoken(message, caption, children(message, "caption_entities"), in_group=in_group, bot=bot)
    event["addressed"] = said.addressed
    contact = child(message, "contact")
    if contact is not None:
        return _read_contact(message, contact, event)
    for name, kind in _MEDIA_KINDS.items():
        if message.get(name) is not None:
            about = _file(message, name)
            return (
                MediaIn(
                    **event,
                    kind=kind,
                    caption=said.words,
                    file_id=text(about, "file_id"),
                    group_id=text(message, "media_group_id"),
                    name=text(about, "file_name") or "",
                    mime=text(about, "mime_type") or _MIMES.get(name, ""),
                    size=_size(about),
                ),
            )
    return _read_service(message, event)


def _read_service(message: Json, event: dict[str, Any]) -> tuple[Inbound, ...]:
    """Read what became of a topic; nothing else of this kind (somebody joined, a title changed) is of interest."""
    for name, closed in _TOPIC_CHANGES.items():
        if message.get(name) is not None and event["chat"].thread_id is not None:
            return (TopicIn(**event | {"addressed": False}, closed=closed),)
    return ()


def _read_contact(message: Json, contact: Json, event: dict[str, Any]) -> tuple[Inbound, ...]:
    phone = text(contact, "phone_number")
    if not phone:
        raise BadPayload("phone_number is missing")
    author = child(message, "from")
    owner = number(contact, "user_id")
    own = owner is not None and author is not None and number(author, "id") == owner
    return (ContactIn(**event, phone=phone, own=own),)


def _read_edit(message: Json, raw: RawUpdate, instance: str, bot: BotIdentity) -> tuple[Inbound, ...]:
    event = _event(message, raw, instance)
    if event["sender"].external_id == str(bot.id):
        return (EchoIn(**event),)
    words, marks = text(message, "text"), "entities"
    if words is None:
        words, marks = text(message, "caption"), "caption_entities"
    if words is None:
        return ()  # a live location moved, a poll was closed
    said = spoken(message, words, children(message, marks), in_group=event["is_group"], bot=bot)
    event["addressed"] = said.addressed
    event["at"] = moment(message, "edit_date") or event["at"]
    return (EditedIn(**event, text=said.words),)


def _read_press(press: Json, raw: RawUpdate, instance: str) -> tuple[Inbound, ...]:
    token = text(press, "data")
    if token is None:
        return ()  # a game
    chat, in_group = _where(press, instance)
    message = child(press, "message") or {}
    message_id = number(message, "message_id")
    return (
        ActionIn(
            event_id=raw.key,
            raw_ref=raw.key,
            chat=chat,
            sender=_person(required_child(press, "from")),
            at=moment(message, "date") or _LONG_AGO,
            message_id=None if message_id is None else str(message_id),
            is_group=in_group,
            token=token,
            callback_id=text(press, "id") or "",
        ),
    )


def _read_membership(change: Json, raw: RawUpdate, instance: str) -> tuple[Inbound, ...]:
    now = required_child(change, "new_chat_member")
    status = text(now, "status")
    if status in {"kicked", "left"} or (status == "restricted" and now.get("is_member") is False):
        return (LeftIn(**_event(change, raw, instance)),)
    return ()


def _event(message: Json, raw: RawUpdate, instance: str) -> dict[str, Any]:
    chat, in_group = _where(message, instance)
    at = moment(message, "date")
    if at is None:
        raise BadPayload("date is missing")
    message_id = number(message, "message_id")
    return {
        "event_id": raw.key,
        "raw_ref": raw.key,
        "chat": chat,
        "sender": _sender(message),
        "at": at,
        "message_id": None if message_id is None else str(message_id),
        "is_group": in_group,
    }


def _where(carrier: Json, instance: str) -> tuple[ChatRef, bool]:
    """Find the conversation of a message, a press or a membership change, and whether others read along."""
    message = carrier if "chat" in carrier else child(carrier, "message")
    chat = None if message is None else child(message, "chat")
    if message is None or chat is None:
        # A press under a message that Telegram does not show: the person's private chat has the person's id.
        person = required_child(carrier, "from")
        return ChatRef(channel=instance, chat_id=str(required_number(person, "id"))), False
    thread = None
    if (
        message.get("is_topic_message") is True
    ):  # a plain chain of replies has a thread id too, but is no topic
        thread = number(message, "message_thread_id")
    chat_id = str(required_number(chat, "id"))
    thread_id = None if thread is None else str(thread)
    return ChatRef(channel=instance, chat_id=chat_id, thread_id=thread_id), text(chat, "type") in _GROUPS


def _sender(message: Json) -> SenderRef:
    # Who writes in a chat's name (an anonymous admin, a channel) has a stand-in under `from`.
    author = child(message, "sender_chat")
    if author is not None:
        return SenderRef(
            external_id=str(required_number(author, "id")), display_name=text(author, "title") or ""
        )
    person = child(message, "from")
    if person is not None:
        return _person(person)
    chat = required_child(message, "chat")
    return SenderRef(external_id=str(required_number(chat, "id")), display_name=text(chat, "title") or "")


def _person(person: Json) -> SenderRef:
    names = (text(person, "first_name"), text(person, "last_name"))
    return SenderRef(
        external_id=str(required_number(person, "id")),
        display_name=" ".join(name for name in names if name),
        locale=text(person, "language_code"),
        is_bot=person.get("is_bot") is True,
    )


def _start_payload(words: str) -> str:
    _, *rest = words.split(maxsplit=1)
    payload = rest[0].strip() if rest else ""
    return payload if _START_PAYLOAD.fullmatch(payload) else ""


def _file(message: Json, name: str) -> Json:
    if name == "photo":
        sizes = children(message, name)
        return sizes[-1] if sizes else {}  # the largest comes last
    content = message[name]
    return content if isinstance(content, dict) else {}


def _size(about: Json) -> int | None:
    size = number(about, "file_size")
    return size if size is not None and size >= 0 else None
