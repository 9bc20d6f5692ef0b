"""How many requests MAX takes: 30 a second in all, 2 messages a second in one chat, 2 polls a second."""

from __future__ import annotations

from typing import Final

from channels.testing.max_server.refusal import too_many_requests

PER_BOT: Final = 30.0
PER_CHAT: Final = 2.0
POLLS: Final = 2.0
_ROUNDING: Final = 1e-6
"""A wait this short is an error of floating point, not a limit."""


class RateLimits:
    """A bucket for the bot, one per chat and one for polls; 0 is no limit, and that is how it begins.

    A bucket holds what comes in one second, so that many may come at once. `retry_after` makes a 429 say how
    long to wait, which the real server is not known to do.
    """

    def __init__(self) -> None:
        self.set()

    def set(
        self,
        *,
        per_chat: float = 0.0,
        per_bot: float = 0.0,
        polls: float = 0.0,
        retry_after: bool = False,
    ) -> None:
        """Start to limit requests per second; what is not named is not limited."""
        self.per_chat = per_chat
        self.per_bot = per_bot
        self.polls = polls
        self.retry_after = retry_after
        self._ready_at: dict[object, float] = {}

    def official(self, *, retry_after: bool = False) -> None:
        """Limit as MAX does."""
        self.set(per_chat=PER_CHAT, per_bot=PER_BOT, polls=POLLS, retry_after=retry_after)

    def request(self, now: float) -> None:
        """Count one request of the bot. Raises a 429; a refused one is not counted."""
        self._count("bot", self.per_bot, now)

    def poll(self, now: float) -> None:
        """Count one request for updates. Raises a 429."""
        self._count("polls", self.polls, now)

    def message(self, chat_id: int, now: float) -> None:
        """Count one message or answer in a chat. Raises a 429."""
        self._count(chat_id, self.per_chat, now)

    def _count(self, key: object, rate: float, now: float) -> None:
        if not rate:
            return
        burst = max(1, round(rate))
        ready = self._ready_at.get(key, 0.0)
        wait = ready - now - (burst - 1) / rate
        if wait > _ROUNDING:
            raise too_many_requests(wait if self.retry_after else None)
        self._ready_at[key] = max(now, ready) + 1 / rate
