"""The house: one dispatcher, one FAQ, one store and one log behind any number of channels."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from channels.contract import BotCommand, Channel
from faq import FaqManager
from optfm_bot import __version__
from optfm_bot.clock import Clock
from optfm_bot.dispatch.dispatcher import Dispatcher, DispatchObserver
from optfm_bot.dispatch.flood import FloodGuard
from optfm_bot.dispatch.handler import HandlingObserver, UpdateHandler
from optfm_bot.dispatch.intake import Intake
from optfm_bot.dispatch.notice import Notices
from optfm_bot.dispatch.promise import Promises
from optfm_bot.domain.smalltalk import SmallTalk, SmallTalkPhrases
from optfm_bot.domain.talk import Talk, TalkSettings
from optfm_bot.domain.words import Words
from optfm_bot.errors import StoreUnavailable
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.i18n.smalltalk import load_smalltalk
from optfm_bot.ids import IdSource, short
from optfm_bot.outbox.delivery import Delivery
from optfm_bot.outbox.outgoing import DeliveryObserver, DeliverySettings, Outgoing
from optfm_bot.receive.runner import ChannelRunner
from optfm_bot.receive.status import ChannelState, ChannelStatus, Snapshot
from optfm_bot.store.contract import Store
from optfm_bot.store.records import StoreCounts
from optfm_bot.supervise import Supervisor

log = structlog.get_logger("optfm_bot")

COMMANDS = ("start", "faq", "help", "language")
STOP_SECONDS = 8.0
"""What a stop may take in all, however many parts want to finish something: service managers kill after ten."""

_COUNT_SECONDS = 5.0
_OPENED_SECONDS = 0.5
"""How often those who wait for a channel to open look whether the house stops."""


class HouseObserver(HandlingObserver, DispatchObserver, Protocol):
    """Hears of everything that metrics and alerts are made of."""

    def delivery(self, channel: str) -> DeliveryObserver:
        """The observer of one channel's sending."""

    def channel_state(self, channel: str, before: Snapshot, now: Snapshot) -> None:
        """A channel became healthy or stopped being so."""

    def counted(self, counts: StoreCounts, now: int) -> None:
        """How much work waits."""

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
    """What the house itself needs to know."""

    talk: TalkSettings = field(default_factory=TalkSettings)
    language: str = "ru"
    join_window: float = 1.2
    person_per_minute: int = 30
    alone: bool = True
    """Whether no other process uses the store: then every lease found at the start is a dead one's."""


class House:
    """Joins the parts and gives them a life: `start`, then `stop`. Nothing here knows a platform or a database.

    `talk` makes what answers, anew for each base: a bot with other manners passes a subclass of `Talk`.
    """

    def __init__(
        self,
        plans: Sequence[ChannelPlan],
        faq: FaqManager,
        *,
        store: Store,
        clock: Clock,
        observer: HouseObserver,
        settings: HouseSettings | None = None,
        talk: Callable[[FaqManager, Words, SmallTalkPhrases, TalkSettings], Talk] = Talk,
        rng: random.Random | None = None,
    ) -> None:
        self._make_talk = talk
        self.settings = settings or HouseSettings()
        self.store = store
        self.channels = {plan.channel.instance: plan.channel for plan in plans}
        self._clock = clock
        self._observer = observer
        self._rng = rng or random.Random()  # noqa: S311 - spreads retries, keeps no secret
        self._words = Catalogue.load()
        self._phrases = _phrases()
        self.serve(faq)
        ids = IdSource(clock.ms, self._rng.randrange(1024))
        promises = Promises(ids)
        self._handler = UpdateHandler(
            self.channels,
            store,
            clock,
            promises,
            observer,
            talk=lambda: self.talk,
            outlet=self,
            language_of=self._language_of,
            flood=FloodGuard(self.settings.person_per_minute),
        )
        self.deliveries = {plan.channel.instance: self._delivery(plan) for plan in plans}
        self.dispatcher = Dispatcher(
            store,
            self._handler,
            clock,
            observer,
            owner=short(ids.next()),
            join_window=self.settings.join_window,
            room=self._room,
        )
        self.intake = Intake(store, self.dispatcher, clock)
        self.notices = Notices(self.channels, store, clock, promises, outlet=self)
        self.supervisor = Supervisor(clock, observer.part_failed)
        self.runners = {plan.channel.instance: self._runner(plan) for plan in plans}

    # -- parts --------------------------------------------------------------------------------------------

    def serve(self, faq: FaqManager) -> None:
        """Answer with this base from the next message on."""
        self.talk = self._make_talk(faq, self._words, self._phrases, self.settings.talk)

    def _delivery(self, plan: ChannelPlan) -> Delivery:
        return Delivery(
            plan.channel,
            plan.delivery,
            store=self.store,
            clock=self._clock,
            observer=self._observer.delivery(plan.channel.instance),
            guard=self._handler.refusal,
            gone=self._handler.gone,
            # The runner is made after its delivery, so it is looked up when it is needed.
            unauthorized=lambda error: self.runners[plan.channel.instance].doubt(error),  # noqa: PLW0108
            spread=self._spread,
        )

    def _runner(self, plan: ChannelPlan) -> ChannelRunner:
        name = plan.channel.instance

        def changed(before: Snapshot, now: Snapshot) -> None:
            expected = now.healthy or now.state is ChannelState.STOPPED
            level = log.info if expected else log.warning
            level("channel.state", channel=name, state=now.state.value, why=now.why)
            self._observer.channel_state(name, before, now)

        return ChannelRunner(
            plan.channel,
            intake=self.intake,
            store=self.store,
            clock=self._clock,
            status=ChannelStatus(self._clock.now, changed),
            webhook_url=plan.webhook_url,
            commands=self._commands(),
            healthy=self.deliveries[name].resume,
            spread=self._spread,
        )

    def _commands(self) -> Mapping[str, Sequence[BotCommand]]:
        return {
            language: [
                BotCommand(name=name, description=self._words.label(f"command.{name}", language))
                for name in COMMANDS
            ]
            for language in self.settings.talk.languages
        }

    def _language_of(self, locale: str | None) -> str:
        if not locale:
            return self.settings.language
        base = locale.replace("_", "-").partition("-")[0].lower()
        return base if base in self.settings.talk.languages else self.settings.language

    def _spread(self) -> float:
        return self._rng.uniform(0.8, 1.2)

    async def reserve(self, channel: str, lane: str) -> bool:
        """Take a place for a message that would leave the moment it is committed."""
        return await self.deliveries[channel].reserve(lane)

    def cancel(self, channel: str) -> None:
        """Give the place back."""
        self.deliveries[channel].cancel()

    def accept(self, channel: str, outgoing: Sequence[Outgoing]) -> None:
        """Hand committed messages to the channel's delivery."""
        self.deliveries[channel].accept(outgoing)

    def waiting(self, channel: str) -> int:
        """How many messages of a channel wait or are under way."""
        return self.deliveries[channel].depth

    async def _room(self, channel: str) -> None:
        runner = self.runners.get(channel)
        while runner is not None and not runner.opened.is_set() and not self.dispatcher.stopping.is_set():
            await self._clock.wait(runner.opened, _OPENED_SECONDS)
        delivery = self.deliveries.get(channel)
        if delivery is not None:
            await delivery.room()

    # -- life ---------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up what an earlier run left, then begin to receive."""
        for delivery in self.deliveries.values():
            await delivery.recover()
        self.notices.open()
        await self.dispatcher.start(alone=self.settings.alone)
        for name, runner in self.runners.items():
            self.supervisor.start(f"channel {name}", runner.run)
        self.supervisor.start("counts", self._count)

    def supervise(self, name: str, work: Callable[[asyncio.Event], Any]) -> None:
        """Run a part of the composition (a watcher, a report) beside the others until the house stops."""
        self.supervisor.start(name, lambda: work(self.supervisor.stopping))

    async def idle(self) -> None:
        """Wait until everything that was received is answered and sent."""
        await self.dispatcher.idle()
        for delivery in self.deliveries.values():
            await delivery.idle()

    async def stop(self) -> None:
        """Stop receiving, finish what is under way, leave the rest in the store, close the channels."""
        self.notices.close()
        for runner in self.runners.values():
            runner.stop()
        ends = self._clock.monotonic() + STOP_SECONDS

        def left() -> float:
            return max(1.0, ends - self._clock.monotonic())

        await self.supervisor.stop(left())
        await self.dispatcher.stop(left())
        await asyncio.gather(*(delivery.stop(left()) for delivery in self.deliveries.values()))
        for channel in self.channels.values():
            try:
                await channel.close()
            except Exception:  # the channel's own bug must not leave the others open
                log.exception("channel.close_failed", channel=channel.instance)

    async def _count(self) -> None:
        while True:
            try:
                self._observer.counted(await self.store.counts(), self._clock.ms())
            except StoreUnavailable as error:
                log.error("store.unavailable", error=str(error))
            if await self._clock.wait(self.supervisor.stopping, _COUNT_SECONDS):
                return

    # -- what others see ----------------------------------------------------------------------------------

    def status(self) -> Mapping[str, Any]:
        """The JSON of `/`: nothing secret, nothing personal."""
        healthy = all(runner.status.now.healthy for runner in self.runners.values())
        return {
            "service": self.settings.talk.name,
            "status": "running" if healthy else "degraded",
            "version": __version__,
            "channels": self.channel_states(),
        }

    def channel_states(self) -> Mapping[str, Mapping[str, str]]:
        """The state of each channel: `state`, `since` when, and where there is trouble `why` and what `to_do`."""
        return {name: self._shown(runner.status.now) for name, runner in self.runners.items()}

    def _shown(self, now: Snapshot) -> Mapping[str, str]:
        shown = {"state": now.state.value, "since": now.since.isoformat(timespec="seconds")}
        if now.why:
            shown["why"] = now.why
        if not now.healthy and now.state is not ChannelState.STOPPED:
            shown["to_do"] = self._words.label(f"channel.to_do.{now.state.value}", self.settings.language)
        return shown

    async def problems(self) -> Sequence[str]:
        """Why the house cannot work right now; empty when it can. Platforms that are down do not count."""
        found = []
        if self.supervisor.stopping.is_set():
            found.append("stopping")
        if not self.talk.faq.entries:
            found.append("the knowledge base is empty")
        try:
            async with asyncio.timeout(3):
                await self.store.check()
        except (StoreUnavailable, TimeoutError) as error:
            found.append(str(error) or "the database does not answer")
        return found


def _phrases() -> SmallTalkPhrases:
    groups: dict[SmallTalk, list[str]] = {kind: [] for kind in SmallTalk}
    for phrases in load_smalltalk().values():
        groups[SmallTalk.GREETING] += phrases.greetings
        groups[SmallTalk.THANKS] += phrases.thanks
        groups[SmallTalk.BYE] += phrases.goodbyes
        groups[SmallTalk.HOW_ARE_YOU] += phrases.how_are_you
        groups[SmallTalk.OPERATOR] += phrases.operator
    return SmallTalkPhrases(
        groups, fillers=("вам", "всем", "вас", "вы", "и", "ну", "ок", "хорошо", "понятно", "ясно", "все")
    )
