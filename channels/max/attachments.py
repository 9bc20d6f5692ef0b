"""Reads what people attach: files, places, stickers and contacts. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from channels.fields import Json, child, number, text
from config.secret import Secret

_KINDS = {
    "image": "photo",
    "video": "video",
    "audio": "voice",  # what MAX records itself; a song is sent as a file
    "file": "document",
    "sticker": "sticker",
    "location": "location",
}
_NOT_SENT = frozenset({"inline_keyboard"})
_DIGEST_SIZE = hashlib.sha256().digest_size
_PHONE = re.compile(r"^(?:[\w-]+\.)?TEL(?:;[^:\r\n]*)?:\s*(?:tel:)?([^\r\n]+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """One thing that is not text, with what MAX tells of it; the fields mean what those of `MediaIn` do."""

    kind: str
    file_id: str | None = None
    url: str | None = field(default=None, repr=False)
    name: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A visiting card with a phone; `own` says that MAX vouches that it is its sender's."""

    phone: str = field(repr=False)
    own: bool = False


class ContactSeal:
    """Checks MAX's seal on a visiting card: HMAC-SHA256 over the card, keyed by the bot's token.

    How the digest is written down is documented nowhere, so hexadecimal digits and both alphabets of base64 are read.
    """

    __slots__ = ("_key",)

    def __init__(self, token: Secret) -> None:
        self._key = token.reveal().encode()

    def is_on(self, card: str, seal: str) -> bool:
        """Whether `seal` is the right one for `card`."""
        expected = hmac.digest(self._key, card.encode("utf-8", "surrogatepass"), "sha256")
        return any(hmac.compare_digest(expected, given) for given in _digests(seal))


def attached(attachments: Sequence[Json], *, has_text: bool) -> list[Attached]:
    """Give everything but contacts with a phone and keyboards.

    The preview of an address comes as an attachment too: beside a text it is only the look of that text.
    """
    found = []
    for attachment in attachments:
        kind = text(attachment, "type")
        if kind in _NOT_SENT or (kind == "share" and has_text):
            continue
        if kind == "contact" and _phone(attachment) is not None:
            continue
        found.append(_read(attachment, kind))
    return found


def contacts(
    attachments: Sequence[Json], *, sender_id: int | None, forwarded: bool, seal: ContactSeal
) -> list[Contact]:
    """Give the contacts that have a phone.

    A phone is the sender's own if the seal on the card is right, the card names nobody else, and the message is not
    passed on: a forwarded card keeps its seal, and is somebody else's.
    """
    found = []
    for attachment in attachments:
        phone = _phone(attachment) if text(attachment, "type") == "contact" else None
        if phone is None:
            continue
        payload = child(attachment, "payload") or {}
        card, given = text(payload, "vcf_info") or "", text(payload, "hash")
        user = child(payload, "max_info")
        named = None if user is None else number(user, "user_id")
        own = given is not None and not forwarded and named in {None, sender_id} and seal.is_on(card, given)
        found.append(Contact(phone=phone, own=own))
    return found


def _read(attachment: Json, kind: str | None) -> Attached:
    payload = child(attachment, "payload") or {}
    size = number(attachment, "size")
    return Attached(
        kind=_KINDS.get(kind or "", "other"),
        file_id=text(payload, "token") or text(payload, "code"),
        url=text(payload, "url") or None,
        name=_name(attachment, payload),
        size=size if size is not None and size >= 0 else None,
    )


def _name(attachment: Json, payload: Json) -> str:
    given = text(attachment, "filename") or text(attachment, "title")
    if given:
        return given
    latitude, longitude = attachment.get("latitude"), attachment.get("longitude")
    if isinstance(latitude, int | float) and isinstance(longitude, int | float):
        return f"{float(latitude):.6f}, {float(longitude):.6f}" if _on_earth(latitude, longitude) else ""
    person = child(payload, "max_info") or {}
    names = (text(person, "first_name"), text(person, "last_name"))
    return " ".join(name for name in names if name)


def _on_earth(latitude: float, longitude: float) -> bool:
    return -90 <= latitude <= 90 and -180 <= longitude <= 180  # noqa: PLR2004 - degrees


def _phone(attachment: Json) -> str | None:
    payload = child(attachment, "payload") or {}
    found = _PHONE.search(text(payload, "vcf_info") or "")
    return found[1].strip() or None if found else None


def _digests(seal: str) -> list[bytes]:
    seal = seal.strip()
    found = []
    with suppress(ValueError):
        found.append(bytes.fromhex(seal))
    with suppress(binascii.Error, ValueError):
        plain = seal.rstrip("=").replace("-", "+").replace("_", "/")
        found.append(base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True))
    return [digest for digest in found if len(digest) == _DIGEST_SIZE]
