"""Shares with their uncertainty: hits out of a total, and between which limits the true share lies."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

Z95 = 1.959963984540054
"""How many standard deviations hold 95 % of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` out of `total`. Without a total there is nothing to tell: value and limits are None."""

    hits: int
    total: int

    @property
    def value(self) -> float | None:
        """The share, from 0 to 1."""
        return self.hits / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval after Wilson; it stays between 0 and 1, and is right for few questions too."""
        if not self.total:
            return None
        share, square = self.hits / self.total, Z95 * Z95 / self.total
        middle = share + square / 2
        half = Z95 * sqrt(share * (1 - share) / self.total + square / 4 / self.total)
        low, high = (middle - half) / (1 + square), (middle + half) / (1 + square)
        # The limits of none and of all are exact; what rounding makes of them is not.
        return (0.0 if self.hits == 0 else low), (1.0 if self.hits == self.total else high)
