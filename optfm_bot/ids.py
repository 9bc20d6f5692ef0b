"""Identifiers: ordered by time, unique across processes, short when written into a button."""

from __future__ import annotations

from collections.abc import Callable

_EPOCH_MS = 1_735_689_600_000  # 2025-01-01: leaves 41 bits of milliseconds, enough until 2094
_WORKER_BITS = 10
_SEQUENCE_BITS = 12
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LARGEST = (1 << 63) - 1
WORKERS = 1 << _WORKER_BITS
"""How many sources may give ids at the same time: their worker numbers are 0 to one less."""

_VALUES = {character: value for value, character in enumerate(_ALPHABET)}


class IdSource:
    """Gives 63-bit ids that grow: milliseconds, then a worker number, then a sequence.

    Within one source every id is greater than the one before it, even when the clock jumps back.
    Two processes with different worker numbers (0–1023) never give the same id.
    """

    def __init__(self, ms: Callable[[], int], worker: int) -> None:
        if not 0 <= worker < WORKERS:
            raise ValueError(f"a worker number is 0–{WORKERS - 1}, not {worker}")
        self._ms = ms
        self._tick = 0
        self._sequence = 0
        self.renumber(worker)

    def renumber(self, member: int) -> None:
        """Give ids as another worker from now on: its number is what is left of the member's."""
        self._worker = member % WORKERS << _SEQUENCE_BITS
        # Within one tick a smaller number would give smaller ids.
        self._tick, self._sequence = self._tick + 1, -1

    def next(self) -> int:
        """Give the next id."""
        tick = self._ms() - _EPOCH_MS
        if tick > self._tick:
            self._tick, self._sequence = tick, 0
        else:
            self._sequence += 1
            if self._sequence >> _SEQUENCE_BITS:
                self._tick, self._sequence = self._tick + 1, 0
        return self._tick << (_WORKER_BITS + _SEQUENCE_BITS) | self._worker | self._sequence


def short(number: int) -> str:
    """Write a non-negative id with letters and digits: at most 11 characters for 63 bits."""
    digits = ""
    while True:
        number, rest = divmod(number, 62)
        digits = _ALPHABET[rest] + digits
        if not number:
            return digits


def from_short(text: str) -> int:
    """Read what `short` wrote. Raises `ValueError` for anything else."""
    if not 0 < len(text) <= 11:  # noqa: PLR2004 - the length of 63 bits in base 62
        raise ValueError("not a short id")
    number = 0
    for character in text:
        try:
            number = number * 62 + _VALUES[character]
        except KeyError:
            raise ValueError("not a short id") from None
    if number > _LARGEST:
        raise ValueError("not a short id")  # a database would refuse it as a number
    return number
