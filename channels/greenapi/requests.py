"""What to ask of the gateway: pure functions from our data to a method and its body."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote, urlsplit

from channels.errors import Rejected
from channels.greenapi.chats import chat_to_write_to
from channels.greenapi.spec import GreenApiSettings
from channels.model import Media, MediaKind, Rendered
from channels.phrase import phrase

CAPTIONED = frozenset({MediaKind.IMAGE, MediaKind.VIDEO})
"""The gateway shows captions under these only; it drops those of other files without a word."""

_TOLD = (
    "incomingWebhook",
    "outgoingMessageWebhook",
    "stateWebhook",
    "editedMessageWebhook",
    "deletedMessageWebhook",
)
"""Not `outgoingWebhook`: that a message failed is told anyway, and "delivered" and "read" would be two more to fetch
for every answer. Nor the echo of what we send, which is passed over."""

_EXTENSIONS = {
    MediaKind.IMAGE: ".jpg",
    MediaKind.VIDEO: ".mp4",
    MediaKind.AUDIO: ".mp3",
    MediaKind.FILE: ".bin",
}


@dataclass(frozen=True, slots=True)
class GreenRequest:
    """One call that sends something. With a `path` the body goes out as a form with that file."""

    method: str
    body: dict[str, Any] = field(repr=False)
    path: str | None = None


def send(message: Rendered, settings: GreenApiSettings) -> tuple[GreenRequest, ...]:
    """Build the calls that send `message`, in their order: nearly always one.

    A file whose text nobody would see as a caption takes two: its text goes first, because the words matter more than
    the file if only one of them arrives. Raises `Rejected` for more than one file.
    """
    common: dict[str, Any] = {"chatId": chat_to_write_to(message.chat.chat_id, settings.network)}
    if settings.typing_time:
        common["typingTime"] = int(settings.typing_time * 1000)
    quoted = {} if message.reply_to is None else {"quotedMessageId": message.reply_to}
    if not message.media:
        return (GreenRequest("sendMessage", {**common, "message": message.text, **quoted}),)
    if len(message.media) > 1:
        raise Rejected(
            phrase(
                "file.one_each_green_api",
                "GREEN-API takes one file with each message; send the files one by one",
            )
        )
    media = message.media[0]
    if message.text and media.kind not in CAPTIONED:
        words = GreenRequest("sendMessage", {**common, "message": message.text, **quoted})
        return words, _file({**common}, media)
    caption = {"caption": message.text} if message.text else {}
    return (_file({**common, **caption, **quoted}, media),)


def file_name(media: Media) -> str:
    """Give the name a file is sent under. Its ending decides what people see, so it always has one."""
    name = PurePath(media.name.strip() or PurePath(media.path or "").name or _name_in(media.url or "")).name
    if PurePath(name).suffix:
        return name
    ending = mimetypes.guess_extension(media.mime) if media.mime else None
    return f"{name or media.kind.value}{ending or _EXTENSIONS[media.kind]}"


def wanted_settings(settings: GreenApiSettings, *, url: str | None = None) -> dict[str, Any]:
    """Give the instance's settings that the channel needs: what is to be told and, with `url`, where to.

    Without `url` the address is left alone: one that is set while we poll belongs to somebody else.
    """
    wanted: dict[str, Any] = {}
    if url is not None:
        secret = settings.webhook_secret
        wanted |= {"webhookUrl": url, "webhookUrlToken": secret.reveal() if secret else ""}
    if settings.manage_settings:
        wanted |= dict.fromkeys(_TOLD, "yes")
        if settings.send_delay is not None:
            wanted["delaySendMessagesMilliseconds"] = int(settings.send_delay * 1000)
    return wanted


def difference(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Give those of the wanted settings that the instance does not have.

    What the instance does not name it does not know, or does not show: that is written along with something else and
    never alone, because writing restarts the instance and what it never shows would differ for ever.
    """
    differing = {
        name: value for name, value in wanted.items() if name in present and str(present[name]) != str(value)
    }
    hidden = {name: wanted[name] for name in ("webhookUrlToken",) if name in wanted and name not in present}
    return differing | hidden if differing else {}


def _file(body: dict[str, Any], media: Media) -> GreenRequest:
    body["fileName"] = file_name(media)
    if media.path is not None:
        # The reference names no typingTime for uploads.
        body.pop("typingTime", None)
        return GreenRequest("sendFileByUpload", body, media.path)
    if media.url is None:
        raise Rejected(phrase("file.no_address", "a file to send needs an address or a path"))
    return GreenRequest("sendFileByUrl", {**body, "urlFile": media.url})


def _name_in(url: str) -> str:
    return unquote(urlsplit(url).path.rsplit("/", 1)[-1])
