"""Recorded updates and what they mean: a JSON file for each, and the comparison that tells differences in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import orjson

from channels import model
from channels.model import ChatRef, Inbound, SenderRef

_EVENTS: Mapping[str, type] = {kind.__name__: kind for kind in get_args(Inbound)}
_KEYS = frozenset({"about", "update", "events", "key", "lane", "headers", "unreadable"})


class BadRecording(ValueError):
    """A file of recorded payloads is not as it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One recorded update.

    `update` is exactly what the platform sent. `events` is what it means, each as its type and the fields that matter:
    `{"type": "TextIn", "chat": "vk:7", "sender": "7", "text": "hello"}`. `key` is the key that the channel derives,
    `lane` the lane of an update without events. `headers` travel with the update when it is pushed, besides those that
    prove where it comes from. `unreadable`: the platform sent it, and `parse` refuses it by `BadPayload`.
    """

    name: str
    update: Mapping[str, Any] = field(repr=False)
    events: Sequence[Mapping[str, Any]] = ()
    key: str = ""
    lane: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    unreadable: bool = False

    def has(self, kind: type) -> bool:
        """Whether one of the expected events is of this type."""
        return any(event["type"] == kind.__name__ for event in self.events)


def load_recorded(folder: Path) -> Sequence[Recorded]:
    """Read every `*.json` of a folder, by name. Raises `BadRecording` with the file and what is wrong with it."""
    if not folder.is_dir():
        raise BadRecording(f"there is no folder of recorded payloads at {folder}")
    return tuple(_load(path) for path in sorted(folder.glob("*.json")))


def differences(expected: Sequence[Mapping[str, Any]], events: Sequence[Inbound]) -> list[str]:
    """What differs between the expected events and those that came, a sentence for each; empty if nothing does."""
    found = []
    if len(expected) != len(events):
        kinds = [type(event).__name__ for event in events]
        found.append(f"expected {[event['type'] for event in expected]}, got {kinds}")
    for number, (wanted, event) in enumerate(zip(expected, events, strict=False)):
        if wanted["type"] != type(event).__name__:
            found.append(f"event {number}: expected a {wanted['type']}, got a {type(event).__name__}")
            continue
        for name, value in wanted.items():
            if name != "type" and value != (got := shown(getattr(event, name))):
                found.append(f"event {number}: {name} should be {value!r}, is {got!r}")
    return found


def shown(value: Any) -> Any:
    """A field of an event as a recording writes it: a chat as text, a sender as their id, a moment in ISO 8601."""
    match value:
        case ChatRef():
            return str(value)
        case SenderRef():
            return value.external_id
        case datetime():
            return value.isoformat()
    return value


def _load(path: Path) -> Recorded:
    try:
        data = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise BadRecording(f"{path.name} is not JSON: {error}") from error
    if not isinstance(data, dict) or not isinstance(data.get("update"), dict):
        raise BadRecording(f"{path.name} has no `update`: that is what the platform sent, a JSON object")
    if unknown := sorted(data.keys() - _KEYS):
        raise BadRecording(
            f"{path.name} has unknown keys: {', '.join(unknown)}; known are {', '.join(sorted(_KEYS))}"
        )
    if not isinstance(data.get("key"), str) or not data["key"]:
        raise BadRecording(f"{path.name} has no `key`: the key that the channel derives from it, a text")
    events = data.get("events")
    if not isinstance(events, list):
        raise BadRecording(f"{path.name} has no `events`: a list, empty when the update means nothing to us")
    for event in events:
        _check(path, event)
    if events and data.get("unreadable"):
        raise BadRecording(f"{path.name} is unreadable, so it has no events")
    return Recorded(
        name=path.stem,
        update=data["update"],
        events=tuple(events),
        key=data["key"],
        lane=data.get("lane"),
        headers=data.get("headers", {}),
        unreadable=data.get("unreadable", False),
    )


def _check(path: Path, event: Any) -> None:
    kind = _EVENTS.get(event.get("type", "")) if isinstance(event, dict) else None
    if kind is None:
        raise BadRecording(f"{path.name}: `type` of an event is one of {', '.join(_EVENTS)}")
    known = {one.name for one in fields(kind)}
    if unknown := sorted(event.keys() - known - {"type"}):
        raise BadRecording(f"{path.name}: a {kind.__name__} has no field {', '.join(unknown)}")
    if kind in {model.TextIn, model.EditedIn, model.OwnerIn} and "text" not in event:
        raise BadRecording(
            f"{path.name}: say the `text` of the {kind.__name__}, it is what the answer is looked up by"
        )
