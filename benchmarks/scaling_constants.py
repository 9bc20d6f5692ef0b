"""The measured constants of results/scaling.json as the model takes them. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

UNITS_PER_MESSAGE = 3
"""Stored, answered, sent: three units of work; a fourth (about to be sent) when no place could be reserved."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Microseconds (or bytes) by size, measured at some sizes: straight lines between them and beyond the last."""

    points: Sequence[tuple[float, float]]

    def __call__(self, size: float) -> float:
        """The cost at a size; below the first measured one it is that of the first."""
        points = self.points
        if size <= points[0][0] or len(points) == 1:
            return points[0][1]
        place = min(max(1, bisect_left(points, (size, -math.inf))), len(points) - 1)
        (x0, y0), (x1, y1) = points[place - 1], points[place]
        return y0 + (y1 - y0) * (size - x0) / (x1 - x0)

    def line(self) -> tuple[float, float]:
        """The straight line nearest to the points (least squares): the cost of none, and of one more."""
        count = len(self.points)
        mean_x, mean_y = (sum(point[axis] for point in self.points) / count for axis in (0, 1))
        spread = sum((x - mean_x) ** 2 for x, _ in self.points)
        slope = sum((x - mean_x) * (y - mean_y) for x, y in self.points) / spread
        return max(0.0, mean_y - slope * mean_x), max(0.0, slope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One kind of work by its size: microseconds of the process and of the server, bytes of the journal."""

    client: Curve
    server: Curve
    journal: Curve

    @classmethod
    def read(cls, found: Mapping[str, Mapping[str, float]], sizes: Mapping[int, Sequence[str]]) -> Work:
        """Take it from measurements; where a size has several, their mean."""

        def curve(name: str) -> Curve:
            return Curve([
                (size, sum(found[key][name] for key in keys) / len(keys)) for size, keys in sorted(sizes.items())
            ])  # fmt: skip

        return cls(client=curve("client_us"), server=curve("server_us"), journal=curve("journal_bytes"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """What was measured. `message_us` is the processor time of a process for a message without the store."""

    message_us: float
    transaction: Work
    claim: Work
    look_up: Work
    ready: Work
    counts: Work
    pace: Work
    beat: Work
    notice: Work
    flush_us: float
    journal_bytes_per_second: float
    bytes_per_message: float
    sqlite: Work

    @classmethod
    def read(cls, measured: Mapping[str, Any], telegram: Mapping[str, Any]) -> Constants:
        """Take them from results/scaling.json and results/telegram.json."""
        medians, machine = measured["medians"], measured["machine"]
        postgresql, sqlite, cluster = medians["postgresql"], medians["sqlite"], medians["cluster"]
        mixed = {1: ["ingest 1", "answer 1", "sent 1"]} | {
            size: [f"mixed {size}"] for size in (3, 12, 102, 510)
        }
        on_sqlite = Work.read(sqlite, mixed)
        listeners = {
            int(key.split()[1]): [key] for key in cluster if key.startswith("notice ") and " of " not in key
        }
        single = {name: Work.read(postgresql, {1: [name]}) for name in ("look_up", "ready", "counts")}
        whole = telegram["medians"]["optfm-polling"]["cpu_ms_per_message"] * 1000
        return cls(
            # In that benchmark's burst about a hundred units share a transaction.
            message_us=max(0.0, whole - UNITS_PER_MESSAGE * on_sqlite.client(102) / 102),
            transaction=Work.read(postgresql, mixed),
            claim=Work.read(postgresql, {size: [f"claim {size}"] for size in (0, 1, 10, 100)}),
            pace=Work.read(cluster, {1: ["pace"]}),
            beat=Work.read(cluster, {size: [f"beat {size}"] for size in (10, 100, 1000)}),
            notice=Work.read(cluster, listeners),
            flush_us=machine["flush_us"],
            journal_bytes_per_second=machine["journal_mb_per_second"] * (1 << 20),
            bytes_per_message=postgresql["message"]["bytes"],
            sqlite=on_sqlite,
            **single,
        )
