"""MAX's inline keyboard: its buttons, and rows that MAX accepts. Pure.

A row holds seven buttons, but three as soon as one of them opens or asks for something; whether that limit is the row's
or the kind's is not documented, so it is taken for the row's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from channels.errors import Rejected
from channels.model import Action
from channels.phrase import phrase

MAX_ROWS = 30
PER_ROW = 7
WIDE_PER_ROW = 3


class ButtonKind(StrEnum):
    """What pressing a button does, by MAX's names."""

    CALLBACK = "callback"
    LINK = "link"
    CONTACT = "request_contact"
    LOCATION = "request_geo_location"


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """One button: `payload` comes back when a callback is pressed, `url` is where a link leads."""

    kind: ButtonKind
    text: str
    payload: str | None = None
    url: str | None = None

    @property
    def wide(self) -> bool:
        """Whether only three of a row may be beside it."""
        return self.kind is not ButtonKind.CALLBACK

    def as_json(self) -> dict[str, str]:
        """Give the button as MAX reads it: without the fields of other kinds, which it would refuse."""
        fields = {"type": self.kind.value, "text": self.text, "payload": self.payload, "url": self.url}
        return {name: value for name, value in fields.items() if value is not None}


Rows = Sequence[Sequence[Button]]


def button(action: Action) -> Button:
    """Give the button that does what `action` says."""
    if action.url is not None:
        return Button(kind=ButtonKind.LINK, text=action.label, url=action.url)
    if action.ask_contact:
        return Button(kind=ButtonKind.CONTACT, text=action.label)
    return Button(kind=ButtonKind.CALLBACK, text=action.label, payload=action.token)


def fitting(rows: Rows) -> Rows:
    """Give the same buttons in rows that MAX accepts, in the same order; the very rows if they fit.

    Raises `Rejected` for more buttons than a keyboard holds.
    """
    rows = [row for row in rows if row]
    if all(len(row) <= _room(row) for row in rows) and len(rows) <= MAX_ROWS:
        return rows
    cut = [piece for row in rows for piece in _filled(row)]
    if len(cut) > MAX_ROWS:
        cut = _filled([one for row in rows for one in row])
    if len(cut) > MAX_ROWS:
        raise Rejected(
            phrase(
                "max.too_many_buttons",
                "{count} buttons do not fit a keyboard of MAX: it has {rows} rows",
                count=sum(map(len, rows)),
                rows=MAX_ROWS,
            )
        )
    return cut


def attachment(rows: Rows) -> dict[str, Any]:
    """Give the attachment that is the keyboard; there is at most one in a message."""
    return {
        "type": "inline_keyboard",
        "payload": {"buttons": [[one.as_json() for one in row] for row in rows]},
    }


def _room(row: Sequence[Button]) -> int:
    return WIDE_PER_ROW if any(one.wide for one in row) else PER_ROW


def _filled(buttons: Sequence[Button]) -> list[list[Button]]:
    """Put buttons into as few rows as their order allows."""
    rows: list[list[Button]] = []
    for one in buttons:
        if rows and len(rows[-1]) < _room([*rows[-1], one]):
            rows[-1].append(one)
        else:
            rows.append([one])
    return rows
