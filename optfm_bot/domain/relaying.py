"""Relaying: what a customer did, as the ticket hears it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from channels.model import (
    ContactIn,
    EditedIn,
    Inbound,
    Media,
    MediaIn,
    MediaKind,
    Purpose,
    RemovedIn,
    StartIn,
    TextIn,
)
from optfm_bot.domain.say import Relay
from optfm_bot.domain.words import Words

_KINDS = {
    "photo": MediaKind.IMAGE,
    "video": MediaKind.VIDEO,
    "voice": MediaKind.AUDIO,
    "audio": MediaKind.AUDIO,
    "document": MediaKind.FILE,
}
_NAMED = frozenset({*_KINDS, "sticker", "location"})


def relays_of(events: Sequence[Inbound], words: Words, language: str) -> tuple[Relay, ...]:
    """What the ticket hears of events, each by itself: nothing a customer says to a person is left out.

    `language` is that of our own people, who read what has no words. In a group it says who of them it was.
    """
    heard = ((event, _relay(event, words, language)) for event in events)
    return tuple(replace(relay, by=member_of(event)) for event, relay in heard if relay is not None)


def member_of(event: Inbound) -> str:
    """What the member of a group who did this is called; empty where there is but one person."""
    return member_name(event.sender.display_name, event.sender.external_id) if event.is_group else ""


def member_name(display_name: str, external_id: str) -> str:
    """A name in one line; of somebody without one, what the platform calls them."""
    return " ".join(display_name.split()) or external_id


def _relay(event: Inbound, words: Words, language: str) -> Relay | None:  # noqa: PLR0911 - a table of events, read row by row
    match event:
        case TextIn(text=text):
            return _customer(text)
        case StartIn(payload=payload):
            return _customer(f"/start {payload}".rstrip())
        case MediaIn():
            return _file(event, words, language)
        case ContactIn(phone=phone):
            return _customer(words.label("desk.contact", language, phone=phone))
        case EditedIn(text=text):
            return _customer(words.label("desk.edited", language, text=text))
        case RemovedIn():
            return Relay(purpose=Purpose.NOTE, text=words.label("desk.removed", language))
    return None


def pressed(label: str, words: Words, language: str, *, by: str = "") -> tuple[Relay, ...]:
    """What the ticket hears of a button, which a member of a group, if `by` names one, has pressed."""
    return (replace(_customer(words.label("desk.pressed", language, label=label)), by=by),)


def wanted(words: Words, language: str, *, by: str = "") -> tuple[Relay, ...]:
    """What the ticket hears of a command, of a member of a group or not, that calls a person and says nothing else."""
    return (replace(_customer(words.label("desk.wants", language)), by=by),)


def _customer(text: str) -> Relay:
    return Relay(purpose=Purpose.CUSTOMER, text=text)


def _file(event: MediaIn, words: Words, language: str) -> Relay:
    kind = _KINDS.get(event.kind)
    if kind is None or (event.file_id is None and event.url is None):
        name = event.kind if event.kind in _NAMED else "other"
        what = words.label(f"desk.media.{name}", language)
        return _customer(f"{what}\n{event.caption}".rstrip())
    media = Media(
        kind=kind,
        url=event.url,
        name=event.name,
        mime=event.mime,
        origin=event.chat.channel,
        file_id=event.file_id,
        size=event.size,
        public=False,
    )
    return Relay(purpose=Purpose.CUSTOMER, text=event.caption, media=(media,))
