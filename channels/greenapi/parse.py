"""Reads GREEN-API's notifications into our events. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from channels.errors import BadPayload
from channels.fields import (
    Json,
    child,
    identifier,
    required_child,
    required_id,
    required_moment,
    text,
)
from channels.greenapi.chats import ChatKind, kind_of_chat, phone_of_chat
from channels.greenapi.notifications import LATE
from channels.model import (
    ChatRef,
    ContactIn,
    EchoIn,
    EditedIn,
    Inbound,
    MediaIn,
    OwnerIn,
    RawUpdate,
    RemovedIn,
    SenderRef,
    TextIn,
    UndeliveredIn,
)

_FAILURES = frozenset({"failed", "noAccount", "notInGroup"})
_NO_QUESTIONS = frozenset({"reactionMessage", "pollMessage", "pollUpdateMessage", "deletedMessage"})
_CONTACTS = frozenset({"contactMessage", "contactsArrayMessage"})
_MEDIA_KINDS = {
    "imageMessage": "photo",
    "videoMessage": "video",
    "documentMessage": "document",
    "audioMessage": "audio",
    "voiceMessage": "voice",
    "stickerMessage": "sticker",
    "locationMessage": "location",
}
_TEXTS = (("textMessageData", "textMessage"), ("extendedTextMessageData", "text"))
_CONTENTS = ("textMessageData", "extendedTextMessageData", "fileMessageData")
_VCARD_PHONE = re.compile(r"^(?:item\d+\.)?TEL[^:\n]*:(?P<shown>[^\n]*)$", re.IGNORECASE | re.MULTILINE)
_NO_DIGIT = re.compile(r"\D+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reader:
    """How an instance reads: its name, whether groups are listened to, and `own`, the ids of the account itself."""

    instance: str
    groups: bool = False
    own: frozenset[str] = field(default=frozenset(), repr=False)


def parse_notification(raw: RawUpdate, reader: Reader) -> tuple[Inbound, ...]:
    """Read one notification into at most one event, none for kinds of no interest. Raises `BadPayload` only.

    Channels and bots are passed over: two programs that answer each other never stop.
    """
    body = raw.payload
    kind = text(body, "typeWebhook")
    if kind is None:
        raise BadPayload("typeWebhook is missing")
    match kind:
        case "incomingMessageReceived":
            return () if body.get(LATE) is True else _read_incoming(body, raw, reader)
        case "outgoingMessageReceived":
            return _read_outgoing(body, raw, reader)
        case "outgoingAPIMessageReceived":
            return _read_echo(body, raw, reader)
        case "outgoingMessageStatus":
            return _read_status(body, raw, reader)
    return ()


# -- kinds -----------------------------------------------------------------------------------------------


def _read_incoming(body: Json, raw: RawUpdate, reader: Reader) -> tuple[Inbound, ...]:
    sender = required_child(body, "senderData")
    message = required_child(body, "messageData")
    chat_id = required_id(sender, "chatId")
    kind = kind_of_chat(chat_id, text(sender, "chatType") or "")
    in_group = kind is ChatKind.GROUP
    if not _is_for_us(kind, reader) or text(sender, "senderType") in {"bot", "channel"}:
        return ()
    event = _event(body, raw, reader, chat_id) | {"sender": _person(sender, chat_id), "is_group": in_group}
    own = reader.own | _own_ids(body)
    match text(message, "typeMessage"):
        case "deletedMessage":
            taken = identifier(child(message, "deletedMessageData") or {}, "stanzaId")
            return (RemovedIn(**event | {"message_id": taken or event["message_id"]}),)
        case "editedMessage":
            return _read_edit(message, event, own)
        case type_message if type_message not in _NO_QUESTIONS:
            return (_read_content(message, type_message or "", event, own, sender),)
    return ()


def _read_edit(message: Json, event: dict[str, Any], own: frozenset[str]) -> tuple[Inbound, ...]:
    edited = required_child(message, "editedMessageData")
    now = text(edited, "textMessage")
    if now is None:
        return ()  # the caption of a file, which nobody reads as a question
    words, mentioned = _without_mention(now, own)
    event |= {"message_id": identifier(edited, "stanzaId") or event["message_id"]}
    event["addressed"] = mentioned or not event["is_group"]
    return (EditedIn(**event, text=words),)


def _read_content(
    message: Json, type_message: str, event: dict[str, Any], own: frozenset[str], sender: Json
) -> Inbound:
    in_group = event["is_group"]
    replied = child(message, "quotedMessage")
    to_us = replied is not None and identifier(replied, "participant") in own
    words = _words(message)
    file = child(message, "fileMessageData")
    if type_message in _CONTACTS:
        phone = _contact_phone(message)
        if phone:
            event["addressed"] = to_us or not in_group
            return ContactIn(**event, phone=phone, own=_is_own_phone(phone, sender))
    if words is not None and file is None and type_message not in _MEDIA_KINDS:
        said, mentioned = _without_mention(words, own)
        event["addressed"] = mentioned or to_us or not in_group
        reply_to = None if replied is None else identifier(replied, "stanzaId")
        return TextIn(**event, text=said, reply_to=reply_to, forwarded=_is_forwarded(message))
    content = file or {}
    mime = text(content, "mimeType") or ""
    kind = _MEDIA_KINDS.get(type_message, "other")
    if kind == "audio" and mime.startswith("audio/ogg"):
        kind = "voice"  # what is spoken into a phone is recorded so; music is not
    caption, mentioned = _without_mention(text(content, "caption") or "", own)
    event["addressed"] = mentioned or to_us or not in_group
    return MediaIn(
        **event,
        kind=kind,
        caption=caption,
        file_id=_file_name(event) if file is not None else None,
        url=text(content, "downloadUrl") or None,
        name=text(content, "fileName") or "",
        mime=mime,
    )


def _file_name(event: dict[str, Any]) -> str | None:
    """What a file is asked for by: GREEN-API wants both the chat and the message."""
    message_id = event["message_id"]
    return None if message_id is None else f"{event['chat'].chat_id}/{message_id}"


def _read_outgoing(body: Json, raw: RawUpdate, reader: Reader) -> tuple[Inbound, ...]:
    sender, message = required_child(body, "senderData"), required_child(body, "messageData")
    chat_id = required_id(sender, "chatId")
    kind = kind_of_chat(chat_id, text(sender, "chatType") or "")
    if not _is_for_us(kind, reader):
        return ()
    if text(message, "typeMessage") in {*_NO_QUESTIONS, "editedMessage"}:
        return ()  # nobody began to speak: an emoji, a correction
    event = _event(body, raw, reader, chat_id)
    event |= {"sender": _person(sender, chat_id), "is_group": kind is ChatKind.GROUP}
    words = _words(message)
    if words is None:
        words = text(child(message, "fileMessageData") or {}, "caption")
    return (OwnerIn(**event, text=words or ""),)


def _read_echo(body: Json, raw: RawUpdate, reader: Reader) -> tuple[Inbound, ...]:
    sender = required_child(body, "senderData")
    chat_id = required_id(sender, "chatId")
    kind = kind_of_chat(chat_id, text(sender, "chatType") or "")
    event = _event(body, raw, reader, chat_id)
    event |= {"sender": _person(sender, chat_id), "is_group": kind is ChatKind.GROUP}
    return (EchoIn(**event),)


def _read_status(body: Json, raw: RawUpdate, reader: Reader) -> tuple[Inbound, ...]:
    """Read what became of a message of ours; only that it did not arrive is told.

    `noAccount` is no `LeftIn`: nobody has left, the number never had an account, and there is no talk to be closed.
    """
    status = text(body, "status")
    if status not in _FAILURES:
        return ()
    chat_id = required_id(body, "chatId")
    in_group = kind_of_chat(chat_id) is ChatKind.GROUP
    event = _event(body, raw, reader, chat_id)
    event |= {"sender": SenderRef(external_id=chat_id, phone=_phone(chat_id)), "is_group": in_group}
    detail = text(body, "description") or ""
    return (UndeliveredIn(**event, reason=f"{status}: {detail}"[:300] if detail else status),)


def _is_for_us(kind: ChatKind, reader: Reader) -> bool:
    return kind is ChatKind.PERSON or (kind is ChatKind.GROUP and reader.groups)


# -- parts -----------------------------------------------------------------------------------------------


def _event(body: Json, raw: RawUpdate, reader: Reader, chat_id: str) -> dict[str, Any]:
    return {
        "event_id": raw.key,
        "raw_ref": raw.key,
        "chat": ChatRef(channel=reader.instance, chat_id=chat_id),
        "at": required_moment(body, "timestamp"),
        "message_id": identifier(body, "idMessage"),
    }


def _person(sender: Json, chat_id: str) -> SenderRef:
    external_id = identifier(sender, "sender") or chat_id
    names = (text(sender, name) for name in ("senderName", "senderContactName"))
    number = identifier(sender, "senderPhoneNumber")
    phone = f"+{number.lstrip('+')}" if number and number != "0" else _phone(external_id)
    return SenderRef(
        external_id=external_id, display_name=next((name for name in names if name), ""), phone=phone
    )


def _phone(chat_id: str) -> str | None:
    digits = phone_of_chat(chat_id)
    return f"+{digits}" if digits else None


def _own_ids(body: Json) -> frozenset[str]:
    wid = identifier(child(body, "instanceData") or {}, "wid")
    return frozenset() if wid is None else frozenset({wid})


def _words(message: Json) -> str | None:
    """Give the text from either place whatever the type: links and replies move it."""
    for parent, name in _TEXTS:
        words = text(child(message, parent) or {}, name)
        if words is not None:
            return words
    return None


def _is_forwarded(message: Json) -> bool:
    return any((child(message, name) or {}).get("isForwarded") is True for name in _CONTENTS)


def _without_mention(words: str, own: frozenset[str]) -> tuple[str, bool]:
    """Take `@79990000000` out of a text, if that is us. MAX shows mentions by name, which nobody can tell apart."""
    for name in own:
        number = name.partition("@")[0]
        if number and (match := re.search(rf"(?<!\w)@{re.escape(number)}(?!\w)[ ,:]*", words)):
            return (words[: match.start()].rstrip() + " " + words[match.end() :]).strip(), True
    return words, False


def _contact_phone(message: Json) -> str:
    data: Mapping[str, Any] = child(message, "contactMessageData") or {}
    if not data:
        listed = (child(message, "messageData") or message).get("contacts")
        data = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
    for match in _VCARD_PHONE.finditer((text(data, "vcard") or "").replace("\r", "")):
        digits = _NO_DIGIT.sub("", match["shown"])
        if digits:
            return f"+{digits}"
    return ""


def _is_own_phone(phone: str, sender: Json) -> bool:
    """Tell whether a card shows the sender's own number, as the platform names it: the card itself proves nothing."""
    person = _person(sender, required_id(sender, "chatId"))
    return person.phone is not None and person.phone == phone
