"""Notifications and journal rows in the shapes that the gateway gives them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from channels.testing.green_server.book import Book, Message, Person
from channels.testing.green_server.fields import MAX

Json = dict[str, Any]

TYPE_INSTANCE: Final = {MAX: "v3", "whatsapp": "whatsapp"}
FILES: Final = frozenset(
    {"imageMessage", "videoMessage", "audioMessage", "documentMessage", "stickerMessage"}
)


def head(kind: str, *, id_instance: str, wid: str, network: str, at: float) -> Json:
    """What every notification begins with."""
    return {
        "typeWebhook": kind,
        "instanceData": {
            "idInstance": int(id_instance),
            "wid": wid,
            "typeInstance": TYPE_INSTANCE[network],
        },
        "timestamp": int(at),
    }


def message(book: Book, found: Message) -> Json:
    """The part of a notification that tells of a message: its id, who wrote where, and what."""
    return {
        "idMessage": found.id,
        "senderData": sender(book, found.chat_id, found.sender),
        "messageData": content(book, found),
    }


def sender(book: Book, chat: str, who: str) -> Json:
    """Who wrote where. In what the account itself has written the chat is the partner and the sender the account."""
    person = book.people.get(who) or Person(id=who, name="")
    group = book.groups.get(chat)
    partner = book.people.get(chat)
    name = group.name if group else (partner.name if partner else "")
    found: Json = {"chatId": chat, "chatName": name}
    if book.network != MAX:
        return found | {
            "sender": who,
            "senderName": person.name,
            "senderContactName": person.contact_name,
        }
    kind = "user"
    if group is not None:
        kind = "channel" if group.is_channel else "group"
    elif partner is not None and partner.is_bot:
        kind = "bot"
    return found | {
        "chatType": kind,
        "sender": who,
        "senderName": person.name,
        "senderType": "bot" if person.is_bot else "user",
        "senderContactName": person.contact_name,
        "senderPhoneNumber": person.phone if group is None else 0,
    }


def content(book: Book, found: Message) -> Json:
    """What a message says, under its own kind."""
    data: Json = {"typeMessage": found.kind, **found.content}
    if found.kind in FILES:
        return data | ({"quotedMessage": quoted(book, found)} if found.quoted else {})
    if found.kind == "textMessage":
        data["textMessageData"] = {"textMessage": found.text, "isForwarded": False, "forwardingScore": 0}
        if book.network == MAX:
            data["textMessageData"] |= found.content.get("textMessageData", {})
        if found.quoted:
            data["quotedMessage"] = quoted(book, found)
    elif found.kind in {"extendedTextMessage", "quotedMessage", "reactionMessage"}:
        data["extendedTextMessageData"] = {"text": found.text}
        if found.quoted:
            data["extendedTextMessageData"]["stanzaId"] = found.quoted
            data["quotedMessage"] = quoted(book, found)
    return data


def quoted(book: Book, found: Message) -> Json:
    """Which message is answered, and whose it was."""
    before = book.find(found.chat_id, found.quoted)
    return {"stanzaId": found.quoted, "participant": before.sender if before else ""}


def file_data(*, url: str, name: str, mime: str, caption: str = "") -> Json:
    """The content of a message with a file."""
    return {
        "fileMessageData": {
            "downloadUrl": url,
            "caption": caption,
            "fileName": name,
            "mimeType": mime,
            "jpegThumbnail": "",
            "isForwarded": False,
            "forwardingScore": 0,
        }
    }


def location_data(latitude: float, longitude: float, *, name: str = "", address: str = "") -> Json:
    """The content of a place."""
    return {
        "locationMessageData": {
            "nameLocation": name,
            "address": address,
            "latitude": latitude,
            "longitude": longitude,
            "jpegThumbnail": "",
            "isForwarded": False,
            "forwardingScore": 0,
        }
    }


def contact_data(phone: int, *, name: str) -> Json:
    """The content of a shared contact."""
    card = f"BEGIN:VCARD\nVERSION:3.0\nN:;{name};;;\nFN:{name}\nTEL;TYPE=CELL:+{phone}\nEND:VCARD"
    return {
        "contactMessageData": {"displayName": name, "vcard": card, "isForwarded": False, "forwardingScore": 0}
    }


def journal_row(book: Book, found: Message) -> Json:
    """A row of a journal: flat, unlike a notification."""
    row: Json = {
        "type": "outgoing" if found.outgoing else "incoming",
        "idMessage": found.id,
        "timestamp": int(found.at),
        "typeMessage": found.kind,
        "chatId": found.chat_id,
    }
    if found.kind in FILES:
        data = found.content["fileMessageData"]
        row |= {name: data[name] for name in ("downloadUrl", "caption", "fileName", "mimeType")}
    elif found.kind in {"textMessage", "extendedTextMessage", "quotedMessage", "reactionMessage"}:
        row["textMessage"] = found.text
        if found.kind != "textMessage":
            row["extendedTextMessage"] = {"text": found.text}
        if found.quoted:
            row["quotedMessage"] = quoted(book, found)
    else:
        row |= _flat(found.content)
    if found.outgoing:
        row |= {"statusMessage": found.status, "sendByApi": found.by_api}
    else:
        person = book.people.get(found.sender) or Person(id=found.sender, name="")
        row |= {
            "senderId": person.id,
            "senderName": person.name,
            "senderContactName": person.contact_name,
        }
    if book.network == MAX:
        group = book.groups.get(found.chat_id)
        row |= {
            "chatType": "user" if group is None else ("channel" if group.is_channel else "group"),
            "isEdited": found.edited,
            "isDeleted": found.deleted,
            "editedMessageId": "",
            "deletedMessageId": "",
        }
    return row


def _flat(given: Mapping[str, Any]) -> Json:
    """Places and cards keep their own names in a row, without the word "Message" and "Data" around them."""
    return {name.removesuffix("MessageData"): dict(value) for name, value in given.items()}
