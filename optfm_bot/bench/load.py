"""What is asked of the bot: how many messages, from how many chats, how fast. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from optfm_bot.bench.codes import period_for

MOST_MESSAGES = 150_000
"""A fake keeps a log of so many messages and some more; beyond that nothing could be judged."""
MOST_CHATS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Messages of `chats` people in turn: `messages` in all, `per_second` of them evenly; 0 is all at once.

    Raises `ValueError` for what is beyond the limits above.
    """

    chats: int
    messages: int
    per_second: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.chats <= MOST_CHATS:
            raise ValueError(f"chats are 1 to {MOST_CHATS}, not {self.chats}")
        if not 1 <= self.messages <= MOST_MESSAGES:
            raise ValueError(f"messages are 1 to {MOST_MESSAGES}, not {self.messages}")
        if self.per_second < 0:
            raise ValueError("a rate is not below 0")

    @property
    def seconds(self) -> float:
        """How long it takes to write them all; 0 for a burst."""
        return self.messages / self.per_second if self.per_second else 0.0

    @property
    def period(self) -> int:
        """How many codes there are."""
        return period_for(self.chats)

    def chat(self, number: int) -> int:
        """Which chat writes the message of this number, counted from 0."""
        return number % self.chats

    def code(self, number: int) -> int:
        """The code that the message of this number asks for."""
        return number % self.period

    def due(self, number: int) -> float:
        """Seconds after the first message at which this one is to be written."""
        return number / self.per_second if self.per_second else 0.0
