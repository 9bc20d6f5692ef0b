"""Inline keyboards, checked strictly: one wrong button loses the whole message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from channels.testing.max_server.fields import Fields
from channels.testing.max_server.refusal import bad_payload, unreadable
from channels.testing.max_server.text import utf16_length

MAX_ROWS: Final = 30
MAX_IN_ROW: Final = 7
MAX_IN_WIDE_ROW: Final = 3
MAX_BUTTONS: Final = 210
MAX_LABEL: Final = 128
MAX_PAYLOAD: Final = 1024
MAX_URL: Final = 2048
MAX_APP_PAYLOAD: Final = 512
WIDE: Final = frozenset({"link", "open_app", "request_contact", "request_geo_location"})
INTENTS: Final = frozenset({"default", "positive", "negative"})
_APP_PAYLOAD: Final = re.compile(r"[\w-]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button of a sent message. `data` is its payload; what a press does depends on `kind`."""

    kind: str
    label: str
    data: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyboard:
    """A checked keyboard; `raw` is its attachment as people's clients get it, `keyboard_id` its callback_id."""

    keyboard_id: str
    rows: tuple[tuple[Button, ...], ...]
    raw: Mapping[str, Any]


def read_rows(payload: Fields) -> tuple[tuple[Button, ...], ...]:
    """Check the payload of an `inline_keyboard`. Raises a 400 with the keys that MAX answers with."""
    given = payload.any("buttons", required=True)
    payload.end()
    if not isinstance(given, list) or not all(isinstance(row, list) for row in given):
        raise unreadable("buttons is a list of rows of buttons")
    if not given or not all(given):
        raise unreadable("a keyboard and its rows are not empty")
    if len(given) > MAX_ROWS:
        raise bad_payload("errors.maxRows")
    rows = tuple(tuple(_button(Fields(one, "button")) for one in row) for row in given)
    for row in rows:
        wide = any(one.kind in WIDE for one in row)
        if len(row) > (MAX_IN_WIDE_ROW if wide else MAX_IN_ROW):
            raise bad_payload("errors.maxRowSize")
    if sum(map(len, rows)) > MAX_BUTTONS:
        raise bad_payload("errors.maxButtons")
    return rows


def _button(given: Fields) -> Button:
    kind = given.required_text("type")
    label = given.required_text("text", least=1)
    if utf16_length(label) > MAX_LABEL or not label.strip():
        raise unreadable(f"button.text has 1 to {MAX_LABEL} characters")
    data: str | None = None
    url: str | None = None
    match kind:
        case "callback":
            data = given.required_text("payload", most=MAX_PAYLOAD)
            if given.text("intent") not in {None, *INTENTS}:
                raise unreadable("button.intent is default, positive or negative")
        case "link":
            url = given.required_text("url", least=1, most=MAX_URL)
        case "clipboard":
            data = given.required_text("payload", most=MAX_PAYLOAD)
        case "open_app":
            given.required_text("web_app", least=1)
            given.number("contact_id")
            data = given.text("payload", most=MAX_APP_PAYLOAD)
            if data is not None and _APP_PAYLOAD.fullmatch(data) is None:
                raise unreadable("the payload of open_app is made of letters, digits, _ and -")
        case "request_geo_location":
            given.flag("quick")
        case "request_contact" | "message":
            pass
        case _:
            raise unreadable(f"there is no button of type {kind!r}")
    given.end()
    return Button(kind=kind, label=label, data=data, url=url)
