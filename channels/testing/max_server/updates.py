"""Builders of realistic payloads. Pure: ids, times (milliseconds) and people come in."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Final

Json = dict[str, Any]

UPDATE_TYPES: Final = (
    "message_created", "message_callback", "message_edited", "message_removed", "comment_created",
    "comment_edited", "comment_removed", "bot_added", "bot_removed", "user_added", "user_removed",
    "bot_started", "bot_stopped", "dialog_cleared", "dialog_removed", "dialog_muted", "dialog_unmuted",
    "chat_title_changed", "bot_admin_permissions_changed",
)  # fmt: skip


def user(
    user_id: int,
    *,
    first_name: str | None = None,
    last_name: str | None = "",
    username: str | None = None,
    is_bot: bool = False,
    last_activity_time: int = 0,
) -> Json:
    """A `User`; without a name it is called after its id. The deprecated `name` comes too."""
    first = first_name if first_name is not None else f"Person {user_id}"
    found: Json = {
        "user_id": user_id,
        "first_name": first,
        "last_name": last_name,
        "is_bot": is_bot,
        "last_activity_time": last_activity_time,
        "name": f"{first} {last_name or ''}".strip(),
    }
    if username is not None:
        found["username"] = username
    return found


def body(
    *,
    mid: str,
    seq: int,
    text: str | None,
    attachments: Sequence[Mapping[str, Any]] = (),
    markup: Sequence[Mapping[str, Any]] = (),
) -> Json:
    """A `MessageBody`; attachments and markup are absent when there are none."""
    found: Json = {"mid": mid, "seq": seq, "text": text}
    if attachments:
        found["attachments"] = list(attachments)
    if markup:
        found["markup"] = list(markup)
    return found


def message(
    *,
    sender: Mapping[str, Any] | None,
    recipient: Mapping[str, Any],
    timestamp: int,
    content: Mapping[str, Any] | None,
    link: Mapping[str, Any] | None = None,
) -> Json:
    """A `Message`; a pure forward may have no body at all."""
    found: Json = {}
    if sender is not None:
        found["sender"] = sender
    found |= {"recipient": recipient, "timestamp": timestamp, "body": content}
    if link is not None:
        found["link"] = link
    return found


def link(kind: str, linked: Mapping[str, Any], chat_id: int) -> Json:
    """A `LinkedMessage`: `linked` is the message that is replied to or forwarded."""
    found: Json = {"type": kind, "chat_id": chat_id, "message": linked["body"]}
    if "sender" in linked:
        found["sender"] = linked["sender"]
    return found


def update(kind: str, timestamp: int, fields: Mapping[str, Any], *, locale: str | None = None) -> Json:
    """An `Update`; the locale comes in dialogs only."""
    found: Json = {"update_type": kind, "timestamp": timestamp, **fields}
    if locale is not None:
        found["user_locale"] = locale
    return found


# -- attachments as people's clients and bots get them -------------------------------------------------


def image(token: str, *, photo_id: int, url: str) -> Json:
    """A picture."""
    return {"type": "image", "payload": {"photo_id": photo_id, "token": token, "url": url}}


def video(token: str, *, url: str) -> Json:
    """A video."""
    thumbnail = {"url": f"{url}.jpg"}
    sizes = {"width": 640, "height": 360, "duration": 5}
    return {"type": "video", "payload": {"url": url, "token": token}, "thumbnail": thumbnail, **sizes}


def audio(token: str, *, url: str, transcription: str | None = None) -> Json:
    """A voice message or a piece of music."""
    found: Json = {"type": "audio", "payload": {"url": url, "token": token}}
    if transcription is not None:
        found["transcription"] = transcription
    return found


def file(token: str, *, url: str, name: str, size: int) -> Json:
    """A file."""
    return {"type": "file", "filename": name, "size": size, "payload": {"url": url, "token": token}}


def sticker(code: str, *, url: str) -> Json:
    """A sticker."""
    return {"type": "sticker", "payload": {"url": url, "code": code}, "width": 512, "height": 512}


def contact(vcf: str | None, *, about: Mapping[str, Any] | None, signature: str | None = None) -> Json:
    """A contact; `signature` is there when a button asked for it."""
    payload: Json = {"vcf_info": vcf, "max_info": about}
    if signature is not None:
        payload["hash"] = signature
    return {"type": "contact", "payload": payload}


def vcard(name: str, phone: str) -> str:
    """A contact in the VCF format."""
    return f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nTEL;TYPE=cell:{phone}\r\nEND:VCARD\r\n"


def signed(vcf: str, token: str) -> str:
    """The hash of a contact that was asked for: HMAC-SHA256 keyed by the token; its encoding is a guess."""
    return hmac.new(token.encode(), vcf.encode(), hashlib.sha256).hexdigest()


def share(url: str, *, title: str = "A page", description: str = "About something") -> Json:
    """The preview of a link."""
    return {"type": "share", "payload": {"url": url}, "title": title, "description": description}


def location(latitude: float, longitude: float) -> Json:
    """A point on the map."""
    return {"type": "location", "latitude": latitude, "longitude": longitude}
