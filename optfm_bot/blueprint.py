"""The blueprint of a house: what it is given to be built from, and who hears of what happens in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from channels.contract import Channel
from optfm_bot.dispatch.handler import HandlingObserver
from optfm_bot.dispatch.lanes import DispatchObserver
from optfm_bot.domain.talk import TalkSettings
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.observe.readiness import ReadinessLimits
from optfm_bot.observe.watch import WatchObserver
from optfm_bot.outbox.outgoing import DeliveryObserver, DeliverySettings
from optfm_bot.people import PeopleSettings
from optfm_bot.receive.status import Snapshot


class HouseObserver(HandlingObserver, DispatchObserver, WatchObserver, Protocol):
    """Hears of everything that metrics and alerts are made of."""

    def delivery(self, channel: str) -> DeliveryObserver:
        """The observer of one channel's sending."""

    def channel_state(self, channel: str, before: Snapshot, now: Snapshot) -> None:
        """A channel became healthy or stopped being so."""

    def part_failed(self, name: str) -> None:
        """A supervised part broke and is started again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPlan:
    """A channel to run: how it sends, and where its platform shall push (None: it is polled or needs neither)."""

    channel: Channel
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    webhook_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseSettings:
    """What the house itself needs to know. `database` is the file whose disk is watched, if there is such a file."""

    talk: TalkSettings = field(default_factory=TalkSettings)
    language: str = "ru"
    join_window: float = 1.2
    person_per_minute: int = 30
    readiness: ReadinessLimits = field(default_factory=ReadinessLimits)
    database: Path | None = None
    people: PeopleSettings = field(default_factory=PeopleSettings)
    words: Catalogue | None = None
    """What the bot says; None for what it is shipped with."""
