"""Errors that repeat are logged the first time and then each time their number has doubled."""

from __future__ import annotations

from collections import OrderedDict


class RepeatGate:
    """Counts equal things and says which of them are worth a line: number 1, 2, 4, 8, 16 and so on.

    `quiet` seconds without a repetition make the next one the first again. At most `capacity` different
    things are remembered; the longest silent one is forgotten first. Time is passed in.
    """

    def __init__(self, *, quiet: float = 600.0, capacity: int = 1_024) -> None:
        self._quiet = quiet
        self._capacity = capacity
        self._seen: OrderedDict[object, tuple[int, float]] = OrderedDict()

    def admit(self, key: object, now: float) -> int | None:
        """Give how many times this has happened if it should be logged now, else None."""
        count, last = self._seen.pop(key, (0, now))
        if now - last > self._quiet:
            count = 0
        count += 1
        self._seen[key] = (count, now)
        if len(self._seen) > self._capacity:
            self._seen.popitem(last=False)
        return count if count & (count - 1) == 0 else None
