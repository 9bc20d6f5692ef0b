"""A message that the bot wants to send: its body, checked against everything that does not need the world.

The order is the server's: the body is checked before anybody looks for its recipient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from channels.testing.max_server.fields import Fields
from channels.testing.max_server.keyboard import Button, read_rows
from channels.testing.max_server.quirks import Quirks
from channels.testing.max_server.refusal import bad_payload, unreadable
from channels.testing.max_server.text import FORMATS, TEXT_LIMIT, Markup, read_text, utf16_length

MAX_ATTACHMENTS: Final = 12
MEDIA: Final = ("image", "video", "audio", "file")
ALONE: Final = frozenset({"audio", "file", "sticker", "contact"})
"""Attachments that stand alone but for a keyboard."""

_RECIPIENTS: Final = frozenset({"chat_id", "user_id", "recipient"})
_LINKS: Final = ("reply", "forward")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentDraft:
    """One attachment to be: `token` is set for media, `about` holds the rest."""

    kind: str
    token: str | None = None
    about: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A checked NewMessageBody. None in `text` and `attachments` means "not given"."""

    text: str | None
    plain: str | None
    markup: list[Markup]
    style: str | None
    attachments: list[AttachmentDraft] | None
    buttons: tuple[tuple[Button, ...], ...] | None
    link: tuple[str, str] | None
    notify: bool


def read_draft(value: object, quirks: Quirks) -> Draft:
    """Check a NewMessageBody. Raises a 400."""
    if isinstance(value, dict) and _RECIPIENTS & value.keys():
        raise bad_payload("Unknown recipient")
    given = Fields(value, "message")
    text = given.text("text")
    if text is not None and utf16_length(text) > TEXT_LIMIT:
        raise bad_payload(f"text: size must be between 0 and {TEXT_LIMIT}")
    style = given.text("format")
    if style not in {None, *FORMATS}:
        raise unreadable(f"format is one of {', '.join(FORMATS)}, not {style!r}")
    notify = given.flag("notify")
    link = _link(given.object("link"))
    attachments, buttons = _attachments(given.items("attachments", most=MAX_ATTACHMENTS), quirks)
    given.end()
    plain, markup = (None, []) if text is None else read_text(text, style)
    return Draft(
        text=text,
        plain=plain,
        markup=markup,
        style=style,
        attachments=attachments,
        buttons=buttons,
        link=link,
        notify=notify is not False,
    )


def _link(given: Fields | None) -> tuple[str, str] | None:
    if given is None:
        return None
    kind = given.required_text("type")
    if kind not in _LINKS:
        raise unreadable(f"link.type is reply or forward, not {kind!r}")
    mid = given.required_text("mid", least=1)
    given.end()
    return kind, mid


def _attachments(
    given: list[Any] | None, quirks: Quirks
) -> tuple[list[AttachmentDraft] | None, tuple[tuple[Button, ...], ...] | None]:
    if given is None:
        return None, None
    found: list[AttachmentDraft] = []
    rows: tuple[tuple[Button, ...], ...] | None = None
    for one in given:
        fields = Fields(one, "attachment")
        kind = fields.required_text("type")
        if kind == "inline_keyboard":
            if rows is not None:
                raise bad_payload("a message has one keyboard")
            rows = read_rows(fields.required_object("payload"))
            raw = {"buttons": [[_shown(button) for button in row] for row in one["payload"]["buttons"]]}
            found.append(AttachmentDraft(kind=kind, about=raw))
        else:
            found.append(_attachment(kind, fields, quirks))
        fields.end()
    others = [one.kind for one in found if one.kind != "inline_keyboard"]
    if len(others) > 1 and (alone := ALONE.intersection(others)):
        raise bad_payload(f"{min(alone)} must be the only attachment")
    return found, rows


def _shown(button: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in button.items() if value is not None}


def _attachment(kind: str, fields: Fields, quirks: Quirks) -> AttachmentDraft:
    if kind == "location":
        point = {"latitude": fields.real("latitude"), "longitude": fields.real("longitude")}
        return AttachmentDraft(kind=kind, about=point)
    payload = fields.required_object("payload")
    token: str | None = None
    about: dict[str, Any] = {}
    match kind:
        case "image":
            token, about = _image(payload, quirks)
        case "video" | "audio" | "file":
            token = payload.required_text("token", least=1)
        case "sticker":
            about = {"code": payload.required_text("code", least=1)}
        case "contact":
            about = {name: payload.text(name) for name in ("name", "vcf_info", "vcf_phone")}
            about["contact_id"] = payload.number("contact_id")
            if not any(about.values()):
                raise unreadable("a contact says something")
        case "share":
            about = {"url": payload.text("url", least=1), "token": payload.text("token")}
        case _:
            raise unreadable(f"there is no attachment of type {kind!r}")
    payload.end()
    return AttachmentDraft(kind=kind, token=token, about=about)


def _image(payload: Fields, quirks: Quirks) -> tuple[str | None, dict[str, Any]]:
    token = payload.text("token", least=1)
    url = payload.text("url", least=1)
    photos = payload.object("photos")
    if sum(one is not None for one in (token, url, photos)) != 1:
        raise unreadable("an image has exactly one of token, url and photos")
    if url is not None:
        if quirks.refuse_image_url or not url.startswith(("http://", "https://")):
            raise bad_payload("image url is not accepted")
        return None, {"url": url}
    if photos is not None:
        if quirks.refuse_photos or len(photos.given) != 1:
            raise unreadable("photos holds the token of one uploaded image")
        photo = photos.required_object(next(iter(photos.given)))
        photos.end()
        token = photo.required_text("token", least=1)
        photo.end()
    return token, {}
