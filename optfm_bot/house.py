"""The house: one dispatcher, one FAQ, one store and one log behind any number of channels."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import structlog

from channels.body import plain_text
from channels.contract import BotCommand, Channel
from channels.errors import ChannelError
from channels.model import Outbound, RawUpdate
from faq import FaqManager
from optfm_bot import __version__
from optfm_bot.clock import Clock
from optfm_bot.cluster.membership import Membership
from optfm_bot.cluster.pace import SharedPace
from optfm_bot.cluster.registry import Registry
from optfm_bot.dispatch.alarms import Alarms
from optfm_bot.dispatch.dispatcher import Dispatcher
from optfm_bot.dispatch.flood import FloodGuard
from optfm_bot.dispatch.handler import HandlingObserver, UpdateHandler
from optfm_bot.dispatch.inner import lost_update
from optfm_bot.dispatch.intake import Intake
from optfm_bot.dispatch.lanes import DispatchObserver
from optfm_bot.dispatch.notice import Notices
from optfm_bot.dispatch.promise import Promises
from optfm_bot.domain.smalltalk import SmallTalk, SmallTalkPhrases
from optfm_bot.domain.talk import Talk, TalkSettings
from optfm_bot.domain.words import Words
from optfm_bot.helpdesk.contract import Helpdesk
from optfm_bot.helpdesk.runner import DeskRunner
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.i18n.smalltalk import load_smalltalk
from optfm_bot.ids import IdSource, short
from optfm_bot.neighbours import Neighbours
from optfm_bot.observe.readiness import ReadinessLimits, Verdict
from optfm_bot.observe.watch import Watch, WatchObserver
from optfm_bot.outbox.delivery import Delivery
from optfm_bot.outbox.outgoing import Carrier, DeliveryObserver, DeliverySettings, Outgoing
from optfm_bot.outbox.pacing import BotPace
from optfm_bot.ownership import Ownership, SoleOwner
from optfm_bot.people import PeoplePlan, PeopleSettings, Staff
from optfm_bot.receive.runner import ChannelRunner
from optfm_bot.receive.status import ChannelState, ChannelStatus, Snapshot
from optfm_bot.store.contract import Store
from optfm_bot.supervise import Supervisor
from optfm_bot.vitals import HouseVitals

log = structlog.get_logger("optfm_bot")

COMMANDS = ("start", "faq", "operator", "request", "my_requests", "cancel", "help", "language")
STOP_SECONDS = 8.0
"""What a stop may take in all, however many parts want to finish something: service managers kill after ten."""

_OPENED_SECONDS = 0.5
"""How often those who wait for a channel to open look whether the house stops."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What a house needs to share its store with others. `membership` has a duty `receiving(name)` for each channel."""

    membership: Membership
    registry: Registry


def receiving(channel: str) -> str:
    """The name of the duty to receive for a channel."""
    return f"receive:{channel}"


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
        cluster: Cluster | None = None,
        people: PeoplePlan | None = None,
    ) -> None:
        self._make_talk = talk
        self.settings = settings or HouseSettings()
        self.store = store
        self.channels = {plan.channel.instance: plan.channel for plan in plans}
        self._clock = clock
        self._observer = observer
        self._rng = rng or random.Random()  # noqa: S311 - spreads retries, keeps no secret
        self._words = self.settings.words or Catalogue.load()
        self._phrases = _phrases()
        self.serve(faq)
        ids = IdSource(clock.ms, self._rng.randrange(1024))
        promises = Promises(ids)
        self._cluster = cluster
        self._ownership: Ownership = (
            cluster.membership if cluster is not None else SoleOwner(short(ids.next()))
        )
        if cluster is not None:
            store.fence = cluster.membership
        self.staff = Staff(
            people or PeoplePlan(),
            self.settings.people,
            channels=self.channels,
            store=store,
            clock=clock,
            ids=ids,
            words=self._words,
            receive=self._receive,
        )
        self._handler = UpdateHandler(
            self.channels,
            store,
            clock,
            promises,
            observer,
            front=self.staff.front(lambda: self.talk),
            people=self.staff.people(lambda: self.talk.faq),
            outlet=self,
            language_of=self._language_of,
            flood=FloodGuard(self.settings.person_per_minute),
            person_changed=self._person_changed,
        )
        self.deliveries = {plan.channel.instance: self._delivery(plan) for plan in plans}
        self.deliveries |= {
            name: self._carried(carrier, delivery)
            for name, (carrier, delivery) in self.staff.carriers().items()
        }
        self.dispatcher = Dispatcher(
            store,
            self._handler,
            clock,
            observer,
            ownership=self._ownership,
            join_window=self.settings.join_window,
            room=self._room,
            answered=None if cluster is None else self._answered,
            sweep_seconds=2.0 if cluster is None else 1.0,
        )
        self.neighbours = None if cluster is None else self._neighbours(cluster, ids)
        self.intake = Intake(store, self.dispatcher, clock, self._updates_stored, dropped=observer.dropped)
        self.notices = Notices(self.channels, store, clock, promises, outlet=self)
        self.supervisor = Supervisor(clock, observer.part_failed)
        self._membership = Supervisor(clock, observer.part_failed)
        self.runners = {plan.channel.instance: self._runner(plan) for plan in plans}
        self.desk_runner = self._desk_runner()
        self.alarms = Alarms(store, self.intake, clock, lambda: self._ownership.shards)
        self.watch = self._watch()

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
            ownership=self._ownership,
            pace=self._pace(plan),
            files=self.staff.files,
            lost=self._lost if self.staff.desk is not None else None,
        )

    def _carried(self, carrier: Carrier, settings: DeliverySettings) -> Delivery:
        """The delivery of what does not go to customers."""
        return Delivery(
            carrier,
            settings,
            store=self.store,
            clock=self._clock,
            observer=self._observer.delivery(carrier.instance),
            guard=_always,
            gone=_nobody_left,
            unauthorized=self._desk_doubted,
            spread=self._spread,
            ownership=self._ownership,
            files=self.staff.files,
        )

    def _desk_doubted(self, error: ChannelError) -> None:
        if self.desk_runner is not None:
            self.desk_runner.doubt(error)

    def _desk_runner(self) -> DeskRunner | None:
        helpdesk = self.staff.plan.helpdesk
        if helpdesk is None:
            return None
        name = helpdesk.instance
        return DeskRunner(
            helpdesk,
            intake=self.intake,
            store=self.store,
            clock=self._clock,
            status=ChannelStatus(self._clock.now, partial(self._state_changed, name)),
            healthy=self.deliveries[name].resume,
            hooked=self.staff.hooked is not None,
            duty=None if self._cluster is None else self._cluster.membership.duties[receiving(name)],
        )

    async def _receive(self, channel: str, updates: Sequence[RawUpdate]) -> int:
        return await self.intake.receive(channel, updates)

    async def _lost(self, outgoing: Outgoing, reason: str) -> None:
        """Let the agent know that their message did not arrive."""
        desk = self.staff.desk
        if desk is not None:
            text = plain_text(outgoing.message.body)
            update = lost_update(outgoing.id, outgoing.lane, reason=reason, text=text)
            await self.intake.receive(desk.instance, [update])

    def _pace(self, plan: ChannelPlan) -> BotPace | None:
        if self._cluster is None or plan.delivery.per_bot <= 0:
            return None
        name = plan.channel.instance
        membership = self._cluster.membership
        return SharedPace(
            self._cluster.registry,
            self._clock,
            channel=name,
            per_bot=plan.delivery.per_bot,
            members=lambda: membership.members,
        )

    def _neighbours(self, cluster: Cluster, ids: IdSource) -> Neighbours:
        return Neighbours(
            cluster.membership,
            cluster.registry,
            store=self.store,
            clock=self._clock,
            ids=ids,
            dispatcher=self.dispatcher,
            handler=self._handler,
            deliveries=self.deliveries,
        )

    def _runner(self, plan: ChannelPlan) -> ChannelRunner:
        name = plan.channel.instance
        return ChannelRunner(
            plan.channel,
            intake=self.intake,
            store=self.store,
            clock=self._clock,
            status=ChannelStatus(self._clock.now, partial(self._state_changed, name)),
            webhook_url=plan.webhook_url,
            commands=self._commands(),
            healthy=self.deliveries[name].resume,
            spread=self._spread,
            duty=None if self._cluster is None else self._cluster.membership.duties[receiving(name)],
        )

    def _state_changed(self, name: str, before: Snapshot, now: Snapshot) -> None:
        expected = now.healthy or now.state is ChannelState.STOPPED
        level = log.info if expected else log.warning
        level("channel.state", channel=name, state=now.state.value, why=now.why)
        self._observer.channel_state(name, before, now)

    def _watch(self) -> Watch:
        vitals = HouseVitals(
            store=self.store,
            clock=self._clock,
            dispatcher=self.dispatcher,
            runners=self.runners,
            deliveries=self.deliveries,
            membership=None if self._cluster is None else self._cluster.membership,
            stopping=self.supervisor.stopping,
            entries=lambda: len(self.talk.faq.entries),
        )
        return Watch(
            vitals,
            clock=self._clock,
            observer=self._observer,
            limits=self.settings.readiness,
            database=self.settings.database,
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

    def owns(self, lane: str) -> bool:
        """Whether it is this process that sends to that conversation."""
        return self._ownership.owns(lane)

    def leave_to_others(self, channel: str, outgoing: Sequence[Outgoing]) -> None:
        """Tell whoever sends to their conversations that these messages are committed."""
        if self.neighbours is not None:
            self.neighbours.promised(channel, [one.id for one in outgoing])

    def _updates_stored(self, lanes: Sequence[str]) -> None:
        if self.neighbours is not None:
            self.neighbours.updates_stored(lanes)

    def _person_changed(self, ref: str) -> None:
        if self.neighbours is not None:
            self.neighbours.person_changed(ref)

    async def _answered(self, updates: Sequence[int]) -> None:
        """Send the answers to updates that were committed without our hearing of it."""
        for row in await self.store.answers(updates):
            if row.channel in self.deliveries:
                await self.deliveries[row.channel].take_up([row], given_up=True)

    def waiting(self, channel: str) -> int:
        """How many messages of a channel wait or are under way."""
        return self.deliveries[channel].depth

    async def _room(self, channel: str, lane: str) -> None:
        runner = self.runners.get(channel)
        while runner is not None and not runner.opened.is_set() and not self.dispatcher.stopping.is_set():
            await self._clock.wait(runner.opened, _OPENED_SECONDS)
        delivery = self.deliveries.get(channel)
        if delivery is not None:
            await delivery.room(lane)

    # -- life ---------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up what an earlier run left, then begin to receive."""
        if self.neighbours is not None:
            await self.neighbours.open()
        else:
            for delivery in self.deliveries.values():
                await delivery.recover()
        self.notices.open()
        await self.dispatcher.start(alone=self.neighbours is None)
        if self.neighbours is not None:
            # Others would take a process for dead that stops to show that it lives while it finishes its work.
            stopping = self._membership.stopping
            self._membership.start("cluster", partial(self.neighbours.run, stopping))
            self._membership.start("cluster messages", partial(self.neighbours.follow, stopping))
        for name, runner in self.runners.items():
            self.supervisor.start(f"channel {name}", runner.run)
        if self.desk_runner is not None:
            self.supervise("helpdesk", self.desk_runner.run)
        self.supervise("alarms", self.alarms.run)
        self.supervise("watch", self.watch.run)
        self.supervise("lag", self.watch.lag.run)

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

        if self.neighbours is not None:
            self.neighbours.retire()
        await self.supervisor.stop(left())
        self.dispatcher.close()
        for delivery in self.deliveries.values():
            delivery.let_pass()
        await self.dispatcher.stop(left())
        await asyncio.gather(*(delivery.stop(left()) for delivery in self.deliveries.values()))
        if self.neighbours is not None:
            self.neighbours.finish()
            await self._membership.stop(left())
            await self.neighbours.close()
        parts: list[Channel | Helpdesk] = list(self.channels.values())
        if self.staff.plan.helpdesk is not None:
            parts.append(self.staff.plan.helpdesk)
        for part in parts:
            try:
                await part.close()
            except Exception:  # the part's own bug must not leave the others open
                log.exception("channel.close_failed", channel=part.instance)

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
        shown = {name: self._shown(runner.status.now) for name, runner in self.runners.items()}
        if self.desk_runner is not None:
            shown[self.desk_runner.helpdesk.instance] = self._shown(self.desk_runner.status.now)
        return shown

    def _shown(self, now: Snapshot) -> Mapping[str, str]:
        shown = {"state": now.state.value, "since": now.since.isoformat(timespec="seconds")}
        if now.why:
            shown["why"] = now.why
        if not now.healthy and now.state is not ChannelState.STOPPED:
            shown["to_do"] = self._words.label(f"channel.to_do.{now.state.value}", self.settings.language)
        return shown

    async def verdict(self) -> Verdict:
        """Whether the house can work right now, and what is wrong. Platforms that are down do not make it unready."""
        return await self.watch.verdict()


async def _always(_message: Outbound, _lane: str) -> str | None:
    """What our own people are to hear is never out of place."""
    return None


async def _nobody_left(_lane: str) -> None:
    """That a ticket is gone says nothing of the customer."""


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
