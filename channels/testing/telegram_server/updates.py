"""Builders of realistic update payloads. Pure: ids, times and people come in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from channels.testing.telegram_server.entities import incoming_entities

Json = dict[str, Any]

SUPERGROUP_BELOW: Final = -1_000_000_000_000
"""Ids below this are supergroups and channels, negative ones above it basic groups, positive ones people."""


def user(
    user_id: int,
    *,
    first_name: str | None = None,
    last_name: str | None = None,
    username: str | None = None,
    language_code: str | None = "ru",
    is_bot: bool = False,
) -> Json:
    """A `User`; without a name it is called after its id."""
    found = {
        "id": user_id,
        "is_bot": is_bot,
        "first_name": first_name if first_name is not None else f"User {user_id}",
        "last_name": last_name,
        "username": username,
        "language_code": language_code,
    }
    return {key: value for key, value in found.items() if value is not None}


def chat_type(chat_id: int) -> str:
    """What kind of chat an id looks like: private, group or supergroup."""
    if chat_id > 0:
        return "private"
    return "supergroup" if chat_id < SUPERGROUP_BELOW else "group"


def private_chat(person: Mapping[str, Any]) -> Json:
    """The private `Chat` with this person."""
    names = {key: person[key] for key in ("first_name", "last_name", "username") if key in person}
    return {"id": person["id"], **names, "type": "private"}


def group_chat(
    chat_id: int, *, title: str | None = None, username: str | None = None, is_forum: bool = False
) -> Json:
    """A group or supergroup `Chat`; `is_forum` is a supergroup with topics."""
    found: Json = {"id": chat_id, "title": title or f"Group {abs(chat_id)}", "type": chat_type(chat_id)}
    if username:
        found["username"] = username
    if is_forum:
        found["is_forum"] = True
    return found


def message(
    *,
    message_id: int,
    date: int,
    chat: Mapping[str, Any],
    sender: Mapping[str, Any] | None,
    content: Mapping[str, Any],
    topic: int | None = None,
    reply_to: Mapping[str, Any] | None = None,
) -> Json:
    """A `Message` with this content. `topic` makes it a topic message of a forum."""
    found: Json = {"message_id": message_id}
    if sender is not None:
        found["from"] = sender
    found |= {"chat": chat, "date": date}
    if topic is not None:
        found |= {"message_thread_id": topic, "is_topic_message": True}
    if reply_to is not None:
        # Telegram cuts the chain here: a quoted message never carries the one that it answered itself.
        found["reply_to_message"] = {
            key: value for key, value in reply_to.items() if key != "reply_to_message"
        }
    found |= content
    return found


def text(words: str) -> Json:
    """The content of a text message, with the entities that Telegram would find in it."""
    found = incoming_entities(words)
    return {"text": words, "entities": found} if found else {"text": words}


def caption(words: str | None) -> Json:
    """The caption part of a media message; nothing without words."""
    if not words:
        return {}
    found = incoming_entities(words)
    return {"caption": words, "caption_entities": found} if found else {"caption": words}


def _file(file_id: str, size: int) -> Json:
    return {"file_id": file_id, "file_unique_id": f"u{file_id[-12:]}", "file_size": size}


def photo(file_id: str, *, size: int = 90_000, words: str | None = None, album: str | None = None) -> Json:
    """A photo in two sizes; `album` is the `media_group_id` that joins the parts of an album."""
    sizes = [
        {**_file(f"{file_id}s", min(size, 1_500)), "width": 90, "height": 67},
        {**_file(file_id, size), "width": 1280, "height": 960},
    ]
    found: Json = {"photo": sizes, **caption(words)}
    if album:
        found["media_group_id"] = album
    return found


def voice(file_id: str, *, seconds: int = 3, size: int = 9_000) -> Json:
    """A voice message."""
    return {"voice": {**_file(file_id, size), "duration": seconds, "mime_type": "audio/ogg"}}


def document(file_id: str, *, name: str, mime: str, size: int, words: str | None = None) -> Json:
    """A file."""
    return {"document": {**_file(file_id, size), "file_name": name, "mime_type": mime}, **caption(words)}


def video(file_id: str, *, size: int = 400_000, words: str | None = None) -> Json:
    """A video."""
    about = {"width": 640, "height": 360, "duration": 5, "mime_type": "video/mp4"}
    return {"video": {**_file(file_id, size), **about}, **caption(words)}


def audio(file_id: str, *, size: int = 300_000, words: str | None = None) -> Json:
    """A piece of music."""
    about = {"duration": 60, "mime_type": "audio/mpeg", "title": "Track"}
    return {"audio": {**_file(file_id, size), **about}, **caption(words)}


def sticker(file_id: str, *, emoji: str = "👍", size: int = 12_000) -> Json:
    """A sticker."""
    about = {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}
    return {"sticker": {**_file(file_id, size), **about, "emoji": emoji}}


def contact(phone: str, *, first_name: str, user_id: int | None) -> Json:
    """A shared contact. It is the sender's own exactly when `user_id` is the sender's id."""
    found: Json = {"phone_number": phone, "first_name": first_name}
    if user_id is not None:
        found["user_id"] = user_id
    return {"contact": found}


def location(latitude: float, longitude: float) -> Json:
    """A point on the map."""
    return {"location": {"latitude": latitude, "longitude": longitude}}


def poison(words: str, *, date: int) -> Json:
    """A forwarded text whose hidden author has no name: Telegram sends it, strict models refuse it."""
    return {"forward_origin": {"type": "hidden_user", "date": date}, **text(words)}


def callback_query(
    *,
    query_id: str,
    sender: Mapping[str, Any],
    data: str,
    chat: Mapping[str, Any],
    message: Mapping[str, Any] | None,
    message_id: int,
) -> Json:
    """A press of an inline button; without a message it is inaccessible, like a very old one."""
    shown = message if message is not None else {"chat": chat, "message_id": message_id, "date": 0}
    return {
        "id": query_id,
        "from": sender,
        "message": shown,
        "chat_instance": str(-7_000_000_000 - int(chat["id"])),
        "data": data,
    }


def membership(
    *,
    chat: Mapping[str, Any],
    sender: Mapping[str, Any],
    bot: Mapping[str, Any],
    date: int,
    old: str,
    new: str,
) -> Json:
    """A `ChatMemberUpdated` about the bot itself; blocking a bot in a private chat is "kicked"."""
    return {
        "chat": chat,
        "from": sender,
        "date": date,
        "old_chat_member": _member(bot, old),
        "new_chat_member": _member(bot, new),
    }


def _member(bot: Mapping[str, Any], status: str) -> Json:
    about = {key: bot[key] for key in ("id", "is_bot", "first_name", "username")}
    found: Json = {"user": about, "status": status}
    if status == "kicked":
        found["until_date"] = 0
    return found
