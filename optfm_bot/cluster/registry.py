"""The contract of the place where processes find each other, divide the work, and call each other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import Final

from optfm_bot.cluster.plan import Role, View
from optfm_bot.errors import OptfmError

BEAT_SECONDS: Final = 0.5
"""How often a process shows that it lives."""

GONE_SECONDS: Final = 1.5
"""A process that is silent for so long, and whose connection is gone, is dead."""

LEASE_SECONDS: Final = 5.0
"""A process that is silent for so long is taken for dead, whatever it still holds: stopped, cut off, hung."""

SURE_SECONDS: Final = 3.5
"""For so long after its last sign of life a process may be sure that nobody works in its place."""


class Evicted(OptfmError):
    """The others have taken this process for dead."""


Hear = Callable[[str, str], None]
"""Hears of a topic and what was said of it. An empty topic says that something may have been missed."""


class Registry(ABC):
    """Where processes find each other. Every method raises `StoreUnavailable` while it cannot be reached."""

    @abstractmethod
    async def open(self, hear: Hear, cut_off: Callable[[], None] = lambda: None) -> None:
        """Connect, and tell `hear` what the others say from now on.

        `cut_off` is called when the others may believe that we are gone: the session that shows our life has ended.
        """

    @abstractmethod
    async def close(self) -> None:
        """Disconnect; idempotent."""

    @abstractmethod
    async def join(self, roles: Collection[Role], leases: Sequence[str]) -> int:
        """Become a member; gives the tenure. `leases` are made if nobody knows them yet."""

    @abstractmethod
    async def beat(self, tenure: int, *, steady: bool) -> View:
        """Show that we live, and see who else does. Raises `Evicted`.

        Members whose connection is gone are removed; if we have been `steady` for as long as a lease lasts, so are
        those that were silent for that long.
        """

    @abstractmethod
    async def take(self, tenure: int, names: Collection[str]) -> Collection[str]:
        """Take those of these leases that are free; gives which. Raises `Evicted`."""

    @abstractmethod
    async def give(self, tenure: int, names: Collection[str]) -> None:
        """Give leases back."""

    @abstractmethod
    async def leave(self, tenure: int) -> None:
        """Stop being a member; what was held is free at once."""

    @abstractmethod
    async def reserve(self, channel: str, *, rate: float, burst: int, tokens: int) -> float:
        """Take so many places of a bot's common pace (`rate` a second, `burst` at once after a quiet time).

        Gives the seconds until they may be used.
        """

    @abstractmethod
    async def pause(self, channel: str, seconds: float) -> None:
        """Let nobody use the bot's pace for so long: the platform asked for it."""

    @abstractmethod
    def tell(self, topic: str, text: str) -> None:
        """Tell the other processes something, soon, if they can hear it. What must not be lost is in the store."""
