"""The flood guard: one person cannot keep the bot from the others. Counts only, no clock of its own."""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum, auto

_WINDOW_MS = 60_000
_REMEMBERED = 20_000


class Passage(Enum):
    """Whether a message may pass."""

    PASS = auto()
    NOTICE = auto()
    SILENT = auto()


class FloodGuard:
    """Counts the messages of each person in windows of a minute; 0 switches it off.

    The first message over the limit gets a notice, the others of that minute are passed over in silence.
    """

    def __init__(self, per_minute: int) -> None:
        self._limit = per_minute
        self._windows: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def check(self, person: str, now: int) -> Passage:
        """Count a message of a person at that moment (ms)."""
        if self._limit <= 0:
            return Passage.PASS
        began, count = self._windows.pop(person, (now, 0))
        if now - began >= _WINDOW_MS:
            began, count = now, 0
        count += 1
        self._windows[person] = (began, count)
        if len(self._windows) > _REMEMBERED:
            self._windows.popitem(last=False)
        if count <= self._limit:
            return Passage.PASS
        return Passage.NOTICE if count == self._limit + 1 else Passage.SILENT

    def take_back(self, person: str) -> None:
        """Uncount the last message of a person: handling it failed, and it will come again."""
        if person in self._windows:
            began, count = self._windows[person]
            self._windows[person] = (began, max(0, count - 1))
