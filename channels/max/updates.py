"""Cuts what MAX sends into raw updates, each with a key and a lane. Updates of MAX carry no id, so keys are derived.

The key of an update is the same at every delivery, polled or pushed: a message has its own id, an edit adds its time,
a press is known by its keyboard and its time, and anything else by its kind, chat, person and time. Pure.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from channels.contract import Batch, Cursor
from channels.errors import BadPayload
from channels.fields import Json, child, number, text
from channels.max.chats import by_chat, by_user
from channels.model import ChatRef, RawUpdate


def read_batch(updates: Sequence[Any], *, instance: str, cursor: Cursor | None) -> Batch:
    """Cut a batch so that an odd update never holds up the others. Never raises."""
    return Batch(updates=tuple(cut(item, instance=instance) for item in updates), cursor=cursor)


def cut(item: Any, *, instance: str) -> RawUpdate:
    """Give one update its key and its lane. Never raises: what cannot be told otherwise is known by its content."""
    if not isinstance(item, dict):
        item = {"unreadable": item}
    return RawUpdate(key=_key(item), lane=_lane(item, instance), payload=item)


def conversation(update: Json, instance: str) -> ChatRef:
    """Give the conversation that an update belongs to. Raises `BadPayload` if it names none."""
    message = child(update, "message")
    recipient = None if message is None else child(message, "recipient")
    chat_id = number(update, "chat_id") if recipient is None else number(recipient, "chat_id")
    if chat_id is not None:
        return by_chat(instance, chat_id)
    # Under a deleted message MAX tells who pressed and not where.
    person = presser(update)
    if person is None and message is not None:
        sender = child(message, "sender")
        person = None if sender is None else number(sender, "user_id")
    if person is None:
        raise BadPayload("the update names no chat")
    return by_user(instance, person)


def presser(update: Json) -> int | None:
    """Give the id of the person who pressed a button, None if the update is no press."""
    press = child(update, "callback")
    user = None if press is None else child(press, "user")
    return None if user is None else number(user, "user_id")


def _key(update: Mapping[str, Any]) -> str:
    try:
        kind = text(update, "update_type")
        facts = None if kind is None else _facts(kind, update)
    except BadPayload:
        facts = None
    if facts is None or None in facts:
        return f"content-{_fingerprint(update)}"
    return ":".join(map(str, facts))


def _facts(kind: str, update: Json) -> tuple[object, ...] | None:
    """Give what tells this update from all others, with None for what is missing."""
    at = number(update, "timestamp")
    match kind:
        case "message_created":
            return (_mid(update),)
        case "message_edited":
            return (_mid(update), at)
        case "message_callback":
            press = child(update, "callback") or {}
            return text(press, "callback_id") or None, number(press, "timestamp")
        case "message_removed":
            # One tap may remove several messages in one millisecond.
            return kind, text(update, "message_id"), at
        case _ if child(update, "message") is not None:
            return kind, _mid(update), at
        case _:
            user = child(update, "user")
            person = number(update, "user_id") if user is None else number(user, "user_id")
            return kind, number(update, "chat_id"), person, at


def _mid(update: Json) -> str | None:
    message = child(update, "message")
    body = None if message is None else child(message, "body")
    if body is None:
        return None
    return text(body, "mid") or None


def _fingerprint(item: Any) -> str:
    try:
        content = orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # what orjson would not have read either, such as a number of a hundred digits
        content = pickle.dumps(item, protocol=5)
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _lane(update: Json, instance: str) -> str:
    try:
        return str(conversation(update, instance))
    except BadPayload:
        return f"{instance}/other"
