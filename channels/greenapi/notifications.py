"""Cuts notifications: gives each one its key, its lane, and a note when it came too late. Pure."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from channels.errors import BadPayload
from channels.fields import Json, child, identifier, moment, required_id, text
from channels.model import ChatRef, RawUpdate

LATE = "optfm_late"
"""The note on a message that was too old when it reached us: it is stored, and nobody answers it."""

_MESSAGES = {
    "incomingMessageReceived": "in",
    "outgoingMessageReceived": "out",
    "outgoingAPIMessageReceived": "api",
}


def cut(body: Any, *, instance: str, id_instance: str, oldest: datetime | None = None) -> RawUpdate:
    """Give one notification its key and its lane. Never raises: what has no id is known by its content.

    A message id is unique only within a chat, so the key names the account, the chat, the message and what happened to
    it: a message may be delivered, read, edited and deleted under the same id. Polling, webhook and journals of an
    account give the same key. Incoming messages before `oldest` get the note `LATE`.
    """
    if not isinstance(body, dict):
        body = {"unreadable": body}
    try:
        name = _name(body)
    except BadPayload:
        name = None
    key = f"{id_instance}:{name or f'content-{fingerprint(body)}'}"
    lane = _lane(body, instance)
    late = oldest is not None and _is_old(body, oldest)
    return RawUpdate(key=key, lane=lane, payload={**body, LATE: True} if late else body)


def oldest_answered(now: datetime, hours: float) -> datetime:
    """Give the moment before which messages are too old to be answered."""
    return now - timedelta(hours=hours)


def chat_of(body: Json) -> str | None:
    """Give the id of the chat that a notification belongs to: at the top of statuses, else with the sender."""
    if body.get("typeWebhook") == "outgoingMessageStatus":
        return identifier(body, "chatId")
    return identifier(child(body, "senderData") or {}, "chatId")


def fingerprint(content: Any) -> str:
    """Give a short text that is the same for the same content, and for no other."""
    try:
        data = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # what orjson would not have read either, such as a number of a hundred digits
        data = pickle.dumps(content, protocol=5)
    return hashlib.blake2b(data, digest_size=12).hexdigest()


def _name(body: Mapping[str, Any]) -> str | None:
    """Give the part of the key that names what happened; None where only the content can tell."""
    kind = text(body, "typeWebhook")
    if kind == "outgoingMessageStatus":
        return f"{required_id(body, 'chatId')}:{required_id(body, 'idMessage')}:status-{text(body, 'status')}"
    direction = _MESSAGES.get(kind or "")
    message = child(body, "messageData")
    chat_id, message_id = chat_of(body), identifier(body, "idMessage")
    if direction is None or message is None or chat_id is None or message_id is None:
        return None
    match text(message, "typeMessage"):
        case "editedMessage":
            # Edited twice it may say the same again, so its time counts too.
            data = child(message, "editedMessageData") or {}
            said = fingerprint([identifier(data, "stanzaId"), data.get("textMessage"), body.get("timestamp")])
            return f"{chat_id}:{message_id}:{direction}-edit-{said}"
        case "deletedMessage":
            data = child(message, "deletedMessageData") or {}
            return f"{chat_id}:{identifier(data, 'stanzaId') or message_id}:{direction}-deleted"
        case "reactionMessage":
            return f"{chat_id}:{message_id}:{direction}-reaction"  # its id may be that of the message it is about
    return f"{chat_id}:{message_id}:{direction}"


def _lane(body: Mapping[str, Any], instance: str) -> str:
    try:
        chat_id = chat_of(body)
    except BadPayload:
        chat_id = None
    return f"{instance}/other" if chat_id is None else str(ChatRef(channel=instance, chat_id=chat_id))


def _is_old(body: Mapping[str, Any], oldest: datetime) -> bool:
    if body.get("typeWebhook") != "incomingMessageReceived":
        return False  # the owner's own messages and the fate of ours count whenever they are told
    try:
        at = moment(body, "timestamp")
    except BadPayload:
        return False
    return at is not None and at < oldest
