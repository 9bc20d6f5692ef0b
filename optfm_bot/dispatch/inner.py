"""Inner events: what reaches a conversation from the helpdesk, from our own people, or because it is time.

They are stored like updates of a platform, in the lane of the conversation, and so keep its order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, TypeAlias

from channels.codec import decode_body, encode_body
from channels.errors import BadPayload
from channels.model import RawUpdate
from optfm_bot.domain.handoff import Cue
from optfm_bot.helpdesk.contract import (
    AgentFile,
    AgentReplied,
    Assigned,
    Closed,
    HelpdeskEvent,
    Merged,
    Removed,
    Reopened,
)

CLOCK = "clock"
"""What alarms come as, where updates have their channel."""
STAFF = "staff"
"""What our own people's doings come as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskIn:
    """Something happened in the ticket of this conversation."""

    desk: str
    event: HelpdeskEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class DownIn:
    """The helpdesk cannot be reached since a moment (ms), and our ticket of that id waits."""

    ticket: int
    since: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LostIn:
    """A message of an agent's did not reach the customer."""

    reason: str
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutIn:
    """A message of an agent's reached the customer without these files: their names, each with the reason."""

    files: tuple[tuple[str, str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedIn:
    """The helpdesk took a message of the customer's without these files."""

    files: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedIn:
    """Our ticket of that id goes on at another helpdesk, beginning with the message `by`: its number in the outbox."""

    ticket: int
    by: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmIn:
    """What was to happen at `due_at` (ms)."""

    name: str
    due_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffIn:
    """One of us, `by` name, does something to the conversation."""

    cue: Cue
    by: str = ""


Inner: TypeAlias = DeskIn | DownIn | LostIn | LeftOutIn | RefusedIn | MovedIn | AlarmIn | StaffIn

_EVENTS: Mapping[str, type[HelpdeskEvent]] = {
    kind.__name__: kind for kind in (AgentReplied, Assigned, Closed, Reopened, Removed, Merged)
}
STAFF_CUES = frozenset({Cue.TAKEN_OVER, Cue.HELD, Cue.RELEASED})


def desk_update(event: HelpdeskEvent, lane: str) -> RawUpdate:
    """An event of the helpdesk as an update of the conversation in that lane."""
    data: dict[str, Any] = {
        one.name: getattr(event, one.name) for one in fields(event) if one.name not in {"body", "files", "at"}
    }
    data["at"] = event.at.astimezone(UTC).isoformat()
    if isinstance(event, AgentReplied):
        data["body"] = encode_body(event.body)
        data["files"] = [asdict(file) for file in event.files]
    return RawUpdate(key=event.key, lane=lane, payload={"event": type(event).__name__, "data": data})


def down_update(ticket: int, lane: str, *, since: int) -> RawUpdate:
    """That a ticket waits for its helpdesk, gone since a moment (ms); said once for each ticket."""
    return RawUpdate(key=f"down-{ticket}", lane=lane, payload={"down": ticket, "since": since})


def lost_update(outbox_id: int, lane: str, *, reason: str, text: str) -> RawUpdate:
    """That an agent's message did not arrive."""
    return RawUpdate(key=f"lost-{outbox_id}", lane=lane, payload={"lost": reason, "text": text})


def left_out_update(outbox_id: int, lane: str, files: Sequence[tuple[str, str]]) -> RawUpdate:
    """That an agent's message arrived without these files: names, each with the reason."""
    return RawUpdate(key=f"left-out-{outbox_id}", lane=lane, payload={"left_out": list(map(list, files))})


def refused_update(outbox_id: int, lane: str, files: Sequence[str]) -> RawUpdate:
    """That the helpdesk took a message of the customer's without these files."""
    return RawUpdate(key=f"refused-{outbox_id}", lane=lane, payload={"refused": list(files)})


def moved_update(ticket: int, lane: str, *, by: int) -> RawUpdate:
    """That a ticket goes on at this helpdesk, beginning with that message."""
    return RawUpdate(key=f"moved-{by}", lane=lane, payload={"moved": ticket, "by": by})


def alarm_update(name: str, due_at: int, lane: str) -> RawUpdate:
    """That it is time."""
    return RawUpdate(key=f"{lane} {name} {due_at}", lane=lane, payload={"alarm": name, "due": due_at})


def staff_update(key: str, lane: str, cue: Cue, *, by: str) -> RawUpdate:
    """That one of us does something; `key` is new for each time."""
    return RawUpdate(key=key, lane=lane, payload={"cue": cue.value, "by": by})


def read_inner(channel: str, payload: Mapping[str, Any]) -> Inner:  # noqa: PLR0911 - a table of payloads, read row by row
    """Read an update that one of the functions above has made. Raises `BadPayload` for anything else."""
    try:
        match payload:
            case {"event": str(kind), "data": dict(data)}:
                return DeskIn(desk=channel, event=_event(kind, data))
            case {"down": int(ticket)}:
                return DownIn(ticket=ticket, since=int(payload.get("since", 0)))
            case {"lost": str(reason), "text": str(text)}:
                return LostIn(reason=reason, text=text)
            case {"left_out": list(left)}:
                return LeftOutIn(files=tuple((str(name), str(why)) for name, why in left))
            case {"refused": list(files)}:
                return RefusedIn(files=tuple(map(str, files)))
            case {"moved": int(ticket), "by": int(by)}:
                return MovedIn(ticket=ticket, by=by)
            case {"alarm": str(name), "due": int(due_at)}:
                return AlarmIn(name=name, due_at=due_at)
            case {"cue": str(cue), "by": str(by)} if cue in STAFF_CUES:
                return StaffIn(cue=Cue(cue), by=by)
    except (TypeError, ValueError, KeyError) as error:
        raise BadPayload(f"an inner event cannot be read: {error}") from error
    raise BadPayload("an inner event of a kind that this release does not know")


def _event(kind: str, data: dict[str, Any]) -> HelpdeskEvent:
    known = {**data, "at": datetime.fromisoformat(data["at"])}
    if kind == AgentReplied.__name__:
        known["body"] = decode_body(data["body"])
        known["files"] = tuple(AgentFile(**file) for file in data["files"])
    return _EVENTS[kind](**known)
