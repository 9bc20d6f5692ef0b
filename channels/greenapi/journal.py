"""Reads the gateway's journals: rows as notifications that were missed, and our own messages among them. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from channels.errors import BadPayload, RetryLater
from channels.fields import Json, identifier, moment
from channels.greenapi.notifications import cut
from channels.greenapi.requests import file_name
from channels.model import RawUpdate, Rendered
from channels.phrase import phrase

_LONGEST = timedelta(days=7)
_FILES = frozenset({"imageMessage", "videoMessage", "documentMessage", "audioMessage", "stickerMessage"})
_PASSED_ON = (
    "quotedMessage",
    "locationMessageData",
    "contactMessageData",
    "editedMessageData",
    "deletedMessageData",
)


def minutes_since(since: datetime, now: datetime) -> int:
    """Give how far back to ask the journal: whole minutes, at least one, at most a week."""
    return max(1, math.ceil(min(now - since, _LONGEST) / timedelta(minutes=1)))


def rows_of(content: Any) -> Sequence[Json]:
    """Give the rows of a journal. Raises `RetryLater` if the answer is none."""
    if not isinstance(content, list):
        raise RetryLater(phrase("green_api.no_journal", "GREEN-API's answer is no journal"))
    return [row for row in content if isinstance(row, dict)]


def missed_updates(
    rows: Iterable[Json], *, since: datetime, instance: str, id_instance: str, oldest: datetime
) -> tuple[RawUpdate, ...]:
    """Give the incoming messages of a journal from that moment on as notifications, oldest first.

    Rows whose time cannot be read are left out: nobody could put them in order; so are messages that were taken back
    meanwhile, and journals give those that were edited as they are now. A row of the second of `since` itself
    is given: the inbox refuses what it knows.
    """
    kept = [row for row in rows if row.get("type") != "outgoing" and row.get("isDeleted") is not True]
    timed = [(at, row) for row in reversed(kept) if (at := _time(row)) is not None]
    timed.sort(
        key=lambda item: item[0]
    )  # the order within a second is the journal's own, which is newest first
    return tuple(
        cut(notification(row, id_instance), instance=instance, id_instance=id_instance, oldest=oldest)
        for at, row in timed
        if at >= since.replace(microsecond=0)
    )


def notification(row: Json, id_instance: str) -> dict[str, Any]:
    """Give a flat row of the journal the shape that the same message has as a notification."""
    kind = row.get("typeMessage")
    message: dict[str, Any] = {"typeMessage": kind}
    message |= {name: row[name] for name in _PASSED_ON if name in row}
    extended = row.get("extendedTextMessage")
    if isinstance(kind, str) and kind in _FILES:
        names = ("downloadUrl", "caption", "fileName", "mimeType", "isForwarded")
        message["fileMessageData"] = {name: row[name] for name in names if name in row}
    elif kind == "editedMessage" and "editedMessageData" not in row:
        message["editedMessageData"] = _targeted(row, "editedMessageId") | {
            "textMessage": row.get("textMessage")
        }
    elif kind == "deletedMessage" and "deletedMessageData" not in row:
        message["deletedMessageData"] = _targeted(row, "deletedMessageId")
    elif kind == "locationMessage" and "location" in row:
        message["locationMessageData"] = row["location"]
    elif kind == "contactMessage" and "contact" in row:
        message["contactMessageData"] = row["contact"]
    elif isinstance(row.get("textMessage"), str) and kind != "reactionMessage":
        words = {"textMessage": row["textMessage"]}
        if "isForwarded" in row:
            words["isForwarded"] = row["isForwarded"]
        message["textMessageData"] = words
    elif isinstance(extended, dict):
        message["extendedTextMessageData"] = extended
    return {
        "typeWebhook": "incomingMessageReceived",
        "instanceData": {"idInstance": id_instance},
        "timestamp": row.get("timestamp"),
        "idMessage": row.get("idMessage"),
        "senderData": {
            "chatId": row.get("chatId"),
            "chatType": row.get("chatType"),
            "sender": row.get("senderId"),
            "senderName": row.get("senderName"),
            "senderType": row.get("senderType"),
            "senderContactName": row.get("senderContactName"),
            "senderPhoneNumber": row.get("senderPhoneNumber"),
        },
        "messageData": message,
    }


def sent_ids(rows: Iterable[Json], message: Rendered, *, since: datetime) -> tuple[str, ...]:
    """Give the id of our `message` among the outgoing rows from that moment on; empty if it is not there.

    A message is known by its chat and its words, a file by its name or caption, as far as the row tells. What the
    gateway says it failed to send is not there.
    """
    for row in rows:
        at = _time(row)
        if row.get("type") == "incoming" or at is None or at < since.replace(microsecond=0):
            continue
        if _id(row, "chatId") != message.chat.chat_id or row.get("statusMessage") in {"failed", "noAccount"}:
            continue
        message_id = _id(row, "idMessage")
        if message_id is not None and _says(row, message):
            return (message_id,)
    return ()


def queued_ids(rows: Iterable[Json], message: Rendered) -> tuple[str, ...]:
    """Give the id of our `message` in the queue of what waits to be sent; empty if it is not there.

    The networks call the id of a queued message `idMessage` and `messageID`.
    """
    for row in rows:
        body = row.get("body")
        if not isinstance(body, dict) or _id(body, "chatId") != message.chat.chat_id:
            continue
        message_id = _id(row, "idMessage") or _id(row, "messageID")
        if message_id is not None and _says(body, message):
            return (message_id,)
    return ()


def _says(row: Json, message: Rendered) -> bool:
    if message.media:
        if "fileName" in row:
            return bool(row["fileName"] == file_name(message.media[0]))
        return bool(message.text) and _same(row.get("caption"), message.text)
    extended = row.get("extendedTextMessage")
    said = extended.get("text") if isinstance(extended, dict) else None
    return any(_same(words, message.text) for words in (row.get("textMessage"), row.get("message"), said))


def _same(words: Any, ours: str) -> bool:
    # Messengers trim what is sent and may change its line ends.
    return isinstance(words, str) and words.split() == ours.split()


def _time(row: Json) -> datetime | None:
    try:
        return moment(row, "timestamp")
    except BadPayload:
        return None


def _id(row: Json, name: str) -> str | None:
    try:
        return identifier(row, name)
    except BadPayload:
        return None


def _targeted(row: Json, name: str) -> dict[str, Any]:
    return {"stanzaId": row.get(name) or row.get("stanzaId") or row.get("idMessage")}
