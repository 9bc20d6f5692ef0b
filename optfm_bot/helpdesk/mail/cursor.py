"""How far a mailbox has been read: a number of its own, the last mail, and the day, as one short text. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

_TEXT = re.compile(r"(\d{1,12}) (\d{1,12}) (\d{4}-\d{2}-\d{2})")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MARGIN = timedelta(days=2)
"""Servers compare days in a time zone of their own."""


@dataclass(frozen=True, slots=True)
class Place:
    """Every mail up to the uid `last` was looked at, on that day; uids hold as long as `validity` does."""

    validity: int
    last: int
    day: date

    def __str__(self) -> str:
        return f"{self.validity} {self.last} {self.day.isoformat()}"

    @classmethod
    def read(cls, text: str | None) -> Place | None:
        """Read what `str` wrote; None for anything else."""
        found = _TEXT.fullmatch(text or "")
        if found is None:
            return None
        try:
            return cls(int(found[1]), int(found[2]), date.fromisoformat(found[3]))
        except ValueError:
            return None

    def criteria(self, validity: int) -> tuple[str, ...]:
        """What to search for to see what came later, even if the uids were given anew."""
        if validity == self.validity:
            return ("UID", f"{self.last + 1}:*")
        day = self.day - _MARGIN
        return ("SINCE", f"{day.day}-{_MONTHS[day.month - 1]}-{day.year}")


def today(now: datetime) -> date:
    """The day of a moment."""
    return now.astimezone(UTC).date()
