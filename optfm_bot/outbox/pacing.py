"""How fast messages may leave: token buckets per chat and per bot, without a clock of their own."""

from __future__ import annotations

from collections import OrderedDict
from itertools import islice
from typing import Protocol

_REMEMBERED_CHATS = 10_000
_LOOKED_AT = 100
"""Buckets that are looked at when there are too many; more would cost each message too much time."""


class Bucket:
    """A token bucket that lends: `reserve` always takes a token and says how long to wait until it is earned.

    `rate` is tokens per second (0: no limit), `burst` how many may be taken at once after a quiet time.
    """

    __slots__ = ("_burst", "_rate", "_tokens", "_updated")

    def __init__(self, rate: float, burst: int = 1) -> None:
        self._rate = rate
        self._burst = max(1, burst)
        self._tokens = float(self._burst)
        self._updated: float | None = None

    def reserve(self, now: float) -> float:
        """Take a token at that moment (seconds that only grow); gives the seconds to wait, 0 if it may go at once."""
        if self._rate <= 0:
            return 0.0
        if self._updated is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._updated) * self._rate)
        self._updated = now
        self._tokens -= 1
        return max(0.0, -self._tokens / self._rate)

    def ready(self, now: float) -> bool:
        """Whether `reserve` would let one pass at once."""
        return (
            self._rate <= 0 or self._updated is None or self._tokens + (now - self._updated) * self._rate >= 1
        )

    def full(self, now: float) -> bool:
        """Whether forgetting the bucket would change nothing."""
        return self._updated is None or self._tokens + (now - self._updated) * self._rate >= self._burst


class BotPace(Protocol):
    """How fast a whole bot may send."""

    def ready(self, now: float) -> bool:
        """Whether one message may go at once."""

    async def reserve(self, now: float) -> float:
        """Take a place; gives the seconds to wait until it may be used. Raises `StoreUnavailable` if nobody knows."""

    async def pause(self, seconds: float) -> None:
        """The platform wants to be left alone for so long. Raises `StoreUnavailable`."""


class OwnPace:
    """The pace of a bot that sends from one process: a bucket here."""

    def __init__(self, per_bot: float) -> None:
        self._bucket = Bucket(per_bot, max(1, round(per_bot)))

    def ready(self, now: float) -> bool:
        """Whether one message may go at once."""
        return self._bucket.ready(now)

    async def reserve(self, now: float) -> float:
        """Take a place."""
        return self._bucket.reserve(now)

    async def pause(self, seconds: float) -> None:
        """Nobody else has to be told."""


class ChatPacer:
    """Paces each chat of a bot by its own bucket."""

    def __init__(self, *, per_chat: float, burst: int) -> None:
        self._per_chat = per_chat
        self._burst = burst
        self._chats: OrderedDict[str, Bucket] = OrderedDict()

    def reserve(self, lane: str, now: float) -> float:
        """Take a place for one message to that chat; gives the seconds to wait.

        The bot's place is taken when this wait is over: taken together, waits of many chats that end at once would let
        them pass all at once.
        """
        if self._per_chat <= 0:
            return 0.0
        bucket = self._chats.pop(lane, None) or Bucket(self._per_chat, self._burst)
        self._chats[lane] = bucket
        if len(self._chats) > _REMEMBERED_CHATS:
            self._forget(now)
        return bucket.reserve(now)

    def ready(self, lane: str, now: float) -> bool:
        """Whether a message to that chat may go at once."""
        chat = self._chats.get(lane)
        return chat is None or chat.ready(now)

    def _forget(self, now: float) -> None:
        """Drop buckets that have recovered, oldest first; a debtor is never forgotten."""
        for lane in list(islice(self._chats, _LOOKED_AT)):
            if self._chats[lane].full(now):
                del self._chats[lane]
