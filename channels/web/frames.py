"""What travels between a page and us over a socket: small JSON objects, the same events as on the stream. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from channels.errors import BadPayload
from channels.phrase import phrase
from channels.web.window import StreamEvent

FRAME_LIMIT = 64 * 1024
"""Bytes of the longest frame that is read."""

SESSION = re.compile(r"[A-Za-z0-9_-]{16,64}")
"""A talk's name, made at random by the browser. Who knows it may read the talk: it is kept from others."""
EVENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""A message's name, made by the browser: the same one at every attempt to send it."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The first frame: which talk this page follows."""

    session: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Send:
    """Something the visitor said or pressed: what `POST …/messages` takes, without the session."""

    event_id: str
    given: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ping:
    """The page asks whether we are there."""


Frame: TypeAlias = Hello | Send | Ping


def read_frame(text: str) -> Frame:
    """Read a frame of a page. Raises `BadPayload`, and nothing else, for what is none."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadPayload(phrase("web.frame_no_json", "the frame is not JSON")) from error
    if not isinstance(given, dict):
        raise BadPayload(phrase("web.frame_no_object", "the frame is not a JSON object"))
    match given.pop("type", None):
        case "hello":
            return Hello(talk_name(given.get("session")))
        case "send":
            if "session" in given:
                raise BadPayload(
                    phrase("web.session_told_twice", "a socket has one session, told in its hello")
                )
            return Send(event_name(given.get("id")), given)
        case "ping":
            return Ping()
    raise BadPayload(phrase("web.frame_unknown", "the frame has no type that this chat knows"))


def talk_name(value: object) -> str:
    """Check a session. Raises `BadPayload`."""
    if not isinstance(value, str) or not SESSION.fullmatch(value):
        raise BadPayload(phrase("web.malformed", "{name} is missing or malformed", name="session"))
    return value


def event_name(value: object) -> str:
    """Check the id of a message. Raises `BadPayload`."""
    if not isinstance(value, str) or not EVENT_ID.fullmatch(value):
        raise BadPayload(phrase("web.malformed", "{name} is missing or malformed", name="id"))
    return value


def written(kind: str, data: Mapping[str, Any]) -> str:
    """Write an event as one JSON text; it has no raw line ends."""
    return json.dumps({"type": kind, **data}, ensure_ascii=False, separators=(",", ":"))


def streamed(event: StreamEvent) -> str:
    """Write an event the way `EventSource` reads it."""
    return f"data: {written(event.kind, event.data)}\n\n"
