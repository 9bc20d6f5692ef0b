"""Several quick messages of one person are one question: which updates belong together. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from channels.model import EditedIn, Inbound, MediaIn, TextIn
from channels.values import dataclass
from optfm_bot.dispatch.inner import Inner
from optfm_bot.domain.talk import Said
from optfm_bot.store.records import StoredUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """An update with what the channel read in it."""

    update: StoredUpdate
    events: Sequence[Inbound] = field(default=(), repr=False)
    inner: Inner | None = field(default=None, repr=False)
    """What it is instead, if it did not come from a channel."""
    hint: str | None = None
    """The ticket that it says something has happened to."""

    @property
    def event(self) -> Inbound | None:
        """The only event, or None if there are none or several."""
        return self.events[0] if len(self.events) == 1 else None


def begins(parsed: Parsed) -> bool:
    """Whether more messages may belong to this one: plain text, or a picture of an album, spoken to us by a person."""
    match parsed.event:
        case TextIn(text=text) as event:
            return event.addressed and not event.sender.is_bot and not text.lstrip().startswith("/")
        case MediaIn() as event:
            return event.addressed and not event.sender.is_bot
    return False


def continues(group: Sequence[Parsed], following: Parsed) -> bool:
    """Whether the next update belongs to the group: by the same person, or a correction of a message in it."""
    first, event = group[0].event, following.event
    if first is None or event is None or event.sender.external_id != first.sender.external_id:
        return False
    if isinstance(event, EditedIn):
        return event.message_id in {p.event.message_id for p in group if p.event is not None}
    return begins(following)


def join(group: Sequence[Parsed]) -> Said:
    """Make one message of a group: texts line by line, corrected where they were edited on the way."""
    texts: dict[str, str] = {}
    media: list[str] = []
    album: str | None = None
    last: TextIn | MediaIn | None = None
    for number, parsed in enumerate(group):
        match parsed.event:
            case TextIn(text=text) as event:
                texts[event.message_id or str(number)] = text
                last = event
            case MediaIn(caption=caption, kind=kind) as event:
                texts[event.message_id or str(number)] = caption
                media.append(kind)
                album = event.group_id or album
                last = event
            case EditedIn(text=text, message_id=message_id) if message_id in texts:
                texts[message_id] = text
    return Said(
        text="\n".join(text for text in texts.values() if text.strip()),
        media=tuple(media),
        album=album,
        message_id=last.message_id if last else None,
        is_group=last.is_group if last else False,
    )
