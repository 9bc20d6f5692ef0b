"""The pace of a bot that several processes send for: places are taken in blocks from one row that all share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from optfm_bot.clock import Clock
from optfm_bot.cluster.registry import Registry

_BLOCKS_PER_SECOND = 10
_KEPT_SECONDS = 1.0
"""Places that are not used for so long are given up: saved up, they would be a burst that nobody counted."""


class SharedPace:
    """Takes its share of a tenth of a second's places at a time: asking costs little, and nobody hoards.

    `members` says among how many processes the pace is shared.
    """

    def __init__(
        self,
        registry: Registry,
        clock: Clock,
        *,
        channel: str,
        per_bot: float,
        members: Callable[[], int] = lambda: 1,
    ) -> None:
        self._registry = registry
        self._clock = clock
        self._channel = channel
        self._rate = per_bot
        self._members = members
        self._left = 0
        self._from = 0.0
        self._asking = asyncio.Lock()

    def ready(self, now: float) -> bool:
        """Whether one message may go at once."""
        return self._left > 0 and self._from <= now < self._from + _KEPT_SECONDS

    async def reserve(self, now: float) -> float:
        """Take a place; gives the seconds to wait until it may be used. Raises `StoreUnavailable`."""
        if not self.ready(now):
            async with self._asking:
                now = self._clock.monotonic()
                if self._left <= 0 or now >= self._from + _KEPT_SECONDS:
                    burst = max(1, round(self._rate))
                    block = max(1, round(self._rate / _BLOCKS_PER_SECOND / max(1, self._members())))
                    wait = await self._registry.reserve(
                        self._channel, rate=self._rate, burst=burst, tokens=block
                    )
                    self._left, self._from = block, self._clock.monotonic() + wait
                self._left -= 1
                return max(0.0, self._from - now)
        self._left -= 1
        return 0.0

    async def pause(self, seconds: float) -> None:
        """The platform wants to be left alone for so long. Raises `StoreUnavailable`."""
        self._left = 0
        await self._registry.pause(self._channel, seconds)
