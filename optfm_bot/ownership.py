"""Ownership: which conversations are this process's own, and whether it may still act for them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Protocol


class Ownership(Protocol):
    """What the parts of the house ask before they act for a conversation.

    A tenure is one stay of a process among those that share a database. It ends when the others have taken the process
    for dead; whatever was begun under it must then be left to them, and the process begins another one.
    """

    @property
    def tenure(self) -> int | None:
        """The number of the present tenure; None where nobody else can work with the store."""

    @property
    def name(self) -> str:
        """Under which name updates are held in the store."""

    @property
    def shards(self) -> Collection[int] | None:
        """The shards that are ours; None for all of them."""

    def owns(self, lane: str) -> bool:
        """Whether a conversation is ours."""

    def lasts(self, tenure: int | None) -> bool:
        """Whether what was begun under that tenure may go on."""

    async def certain(self, tenure: int | None) -> bool:
        """Wait until it is certain that nobody else has taken over; false once that tenure is over."""


class SoleOwner:
    """The ownership of a process that has its store for itself: everything is its own, always."""

    tenure: int | None = None
    shards: Collection[int] | None = None

    def __init__(self, name: str) -> None:
        self.name = name

    def owns(self, lane: str) -> bool:
        """Yes."""
        del lane
        return True

    def lasts(self, tenure: int | None) -> bool:
        """Yes."""
        del tenure
        return True

    async def certain(self, tenure: int | None) -> bool:
        """Yes."""
        del tenure
        return True


class Duty(Protocol):
    """Something that one process at a time does for all: receiving from a platform, keeping house."""

    @property
    def held(self) -> bool:
        """Whether it is ours now."""

    async def changed(self) -> None:
        """Return when it has become ours or has stopped being so."""


class OwnDuty:
    """A duty that nobody else could take over."""

    held = True

    async def changed(self) -> None:
        """Never return."""
        await asyncio.get_running_loop().create_future()
