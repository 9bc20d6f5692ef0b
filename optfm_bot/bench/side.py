"""The other side of the bot: people who ask, and what they saw. A fake of a platform, or visitors of the web chat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from optfm_bot.bench.judge import Answer, Offer
from optfm_bot.bench.load import Load


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How far a load is: questions that were written, messages that people saw, and whether more will be written."""

    offered: int
    seen: int
    running: bool


class Side(Protocol):
    """Where the load comes from. Everything after `open` raises `BenchFailed` if this side itself breaks."""

    keeps_order: bool
    """Whether the bot gets the questions of one chat in the order in which they were written."""

    async def open(self) -> None:
        """Be there."""

    async def close(self) -> None:
        """Be gone; may be called twice, and without `open`."""

    def channels(self) -> Mapping[str, Any]:
        """The section `channels` of the bot's settings. After `open`."""

    async def reach(self, addresses: Sequence[str]) -> None:
        """From now on the bot's HTTP server is at these addresses, to be used in turn."""

    async def begin(self, load: Load, first_chat: int) -> None:
        """Begin to write, in chats of these numbers; what was written and seen before counts no more."""

    async def end(self) -> None:
        """Write nothing more."""

    async def counts(self) -> Counts:
        """How far it is."""

    async def log(self) -> tuple[Sequence[Offer], Sequence[Answer]]:
        """What was written and what was seen since `begin`, each in its order."""
