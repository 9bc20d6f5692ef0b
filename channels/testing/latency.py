"""How long people waited, from "the update is there" to "the answer arrived", by count within a chat."""

from __future__ import annotations

import math
from array import array
from collections import deque
from typing import Any


def quantile(ordered: array[float], share: float) -> float:
    """The value below which `share` of the ordered values lie (nearest rank); 0 for none."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


class LatencyBook:
    """The i-th answer in a chat belongs to the i-th message of that chat; the words are not compared.

    Only `message` updates and sent messages count; edits, typing and pressed buttons do not. A bot that
    sends two messages for one makes `unmatched` grow.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Start a new measurement."""
        self.offered = 0
        self.answered = 0
        self.unmatched = 0
        self.first_offer = 0.0
        self.last_answer = 0.0
        self._waiting: dict[int, deque[tuple[int, float]]] = {}
        self._latencies: array[float] = array("d")

    def offer(self, chat_id: int, update_id: int, now: float) -> None:
        """A message of this chat became available to the bot."""
        if not self.offered:
            self.first_offer = now
        self.offered += 1
        self._waiting.setdefault(chat_id, deque()).append((update_id, now))

    def answer(self, chat_id: int, now: float) -> int | None:
        """A message arrived in this chat; returns the update that it answers."""
        waiting = self._waiting.get(chat_id)
        if not waiting:
            self.unmatched += 1
            return None
        update_id, offered_at = waiting.popleft()
        self.answered += 1
        self.last_answer = now
        self._latencies.append(now - offered_at)
        return update_id

    def as_json(self) -> dict[str, Any]:
        """The measurement: counts, quantiles in milliseconds, answers per second from first offer on."""
        ordered = array("d", sorted(self._latencies))
        seconds = max(0.0, self.last_answer - self.first_offer)
        return {
            "offered": self.offered,
            "answered": self.answered,
            "outstanding": self.offered - self.answered,
            "unmatched": self.unmatched,
            "seconds": seconds,
            "throughput": self.answered / seconds if seconds else 0.0,
            "mean_ms": 1000 * sum(ordered) / len(ordered) if ordered else 0.0,
            "p50_ms": 1000 * quantile(ordered, 0.50),
            "p90_ms": 1000 * quantile(ordered, 0.90),
            "p99_ms": 1000 * quantile(ordered, 0.99),
            "max_ms": 1000 * ordered[-1] if ordered else 0.0,
        }
