"""Sharing: whether a process has its store for itself, and what follows from that for the parts of its house."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from optfm_bot.clock import Clock
from optfm_bot.cluster.membership import Membership
from optfm_bot.cluster.pace import SharedPace
from optfm_bot.cluster.registry import Registry
from optfm_bot.outbox.pacing import BotPace
from optfm_bot.ownership import Duty, OwnDuty, Ownership, SoleOwner
from optfm_bot.shards import shard_of


def receiving(channel: str) -> str:
    """The name of the duty to receive for a channel."""
    return f"receive:{channel}"


class Sharing(Protocol):
    """What a house asks and tells wherever it might not be alone with its store."""

    @property
    def ownership(self) -> Ownership:
        """Which conversations are this process's own."""

    def duty(self, channel: str) -> Duty:
        """The duty to receive for a channel or a helpdesk."""

    def pace(self, channel: str, per_bot: float, clock: Clock) -> BotPace | None:
        """The pace of a bot that others send for, too; None if nobody does or there is no limit."""

    def updates_stored(self, lanes: Sequence[str]) -> None:
        """Tell whoever handles these lanes that there is something to do."""

    def promised(self, channel: str, ids: Sequence[int]) -> None:
        """Tell whoever sends for their conversations that these messages wait."""

    def person_changed(self, ref: str) -> None:
        """Tell those who may remember this person."""


class Alone:
    """A process that has its store for itself: everything is its own, and there is nobody to tell."""

    def __init__(self, name: str) -> None:
        self.ownership: Ownership = SoleOwner(name)

    def duty(self, channel: str) -> Duty:
        """One that nobody else could take over."""
        del channel
        return OwnDuty()

    def pace(self, channel: str, per_bot: float, clock: Clock) -> BotPace | None:
        """None: the delivery keeps it by itself."""
        del channel, per_bot, clock
        return None

    def updates_stored(self, lanes: Sequence[str]) -> None:
        """Nobody has to hear."""

    def promised(self, channel: str, ids: Sequence[int]) -> None:
        """Nobody has to hear."""

    def person_changed(self, ref: str) -> None:
        """Nobody has to hear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What a house needs to share its store with others. `membership` has a duty `receiving(name)` for each channel."""

    membership: Membership
    registry: Registry

    @property
    def ownership(self) -> Ownership:
        """The shards that this member holds at the moment."""
        return self.membership

    def duty(self, channel: str) -> Duty:
        """The one that members take over from each other. Raises `KeyError` for a channel that has none."""
        return self.membership.duties[receiving(channel)]

    def pace(self, channel: str, per_bot: float, clock: Clock) -> BotPace | None:
        """The pace that all members keep together."""
        if per_bot <= 0:
            return None
        return SharedPace(
            self.registry, clock, channel=channel, per_bot=per_bot, members=lambda: self.membership.members
        )

    def updates_stored(self, lanes: Sequence[str]) -> None:
        """Name the shards to all."""
        for shard in {shard_of(lane) for lane in lanes}:
            self.registry.tell("inbox", str(shard))

    def promised(self, channel: str, ids: Sequence[int]) -> None:
        """Name the messages to all."""
        self.registry.tell("outbox", f"{channel} {' '.join(map(str, ids))}")

    def person_changed(self, ref: str) -> None:
        """Name the person to the others, if there are any."""
        if self.membership.members > 1:
            self.registry.tell("person", ref)
