"""What the same chat tells itself in other processes: that a talk has something new. The record says what. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from channels.errors import BadPayload
from channels.web.frames import talk_name
from channels.web.window import StreamEvent


@dataclass(frozen=True, slots=True)
class Changed:
    """Something was said in this talk, or a message of it was changed."""

    session: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Passing:
    """Something to show for a moment to those who look at this talk."""

    session: str = field(repr=False)
    event: StreamEvent


@dataclass(frozen=True, slots=True)
class Missed:
    """Something that was told may not have been heard by anybody."""


Hearsay: TypeAlias = Changed | Passing | Missed


def told(hearsay: Hearsay) -> str:
    """Write it, the way `heard` reads it."""
    given: dict[str, Any]
    match hearsay:
        case Changed(session):
            given = {"kind": "changed", "session": session}
        case Passing(session, event):
            given = {"kind": event.kind, "session": session, "data": dict(event.data)}
        case Missed():
            given = {"kind": "missed"}
    return json.dumps(given, ensure_ascii=False, separators=(",", ":"))


def heard(text: str) -> Hearsay:
    """Read it; nothing at all is `Missed`. Raises `BadPayload` for what this version does not tell."""
    if not text:
        return Missed()
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadPayload("what another process told is not JSON") from error
    match given:
        case {"kind": "changed", "session": session}:
            return Changed(talk_name(session))
        case {"kind": "typing" | "notice" as kind, "session": session, "data": dict(data)}:
            return Passing(talk_name(session), StreamEvent(kind=kind, data=data))
        case {"kind": "missed"}:
            return Missed()
    raise BadPayload("another process told something that this version does not know")
