"""The house: one dispatcher, one FAQ, one store and one log behind any number of channels."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from channels.model import RawUpdate
from faq import FaqManager
from optfm_bot.blueprint import ChannelPlan, HouseObserver, HouseSettings
from optfm_bot.clock import Clock
from optfm_bot.cluster.sharing import Alone, Cluster, Sharing
from optfm_bot.dispatch.alarms import Alarms
from optfm_bot.dispatch.dispatcher import Dispatcher
from optfm_bot.dispatch.flood import FloodGuard
from optfm_bot.dispatch.handler import UpdateHandler
from optfm_bot.dispatch.intake import Intake
from optfm_bot.dispatch.notice import Notices
from optfm_bot.dispatch.promise import Promises
from optfm_bot.domain.talk import Talk
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.ids import IdSource, short
from optfm_bot.neighbours import Neighbours
from optfm_bot.observe.watch import Watch
from optfm_bot.outbox.deliveries import Deliveries, OurPeople
from optfm_bot.people import PeoplePlan, Staff
from optfm_bot.receive.report import Report
from optfm_bot.receive.runners import Runners
from optfm_bot.store.contract import Store
from optfm_bot.supervise import Supervisor
from optfm_bot.vitals import HouseVitals
from optfm_bot.voice import MakeTalk, Voice

STOP_SECONDS = 8.0
"""What a stop may take in all, however many parts want to finish something: service managers kill after ten."""


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
        talk: MakeTalk = Talk,
        rng: random.Random | None = None,
        cluster: Cluster | None = None,
        people: PeoplePlan | None = None,
    ) -> None:
        self.settings = own = settings or HouseSettings()
        self.store = store
        self.channels = {plan.channel.instance: plan.channel for plan in plans}
        self._clock = clock
        rng = rng or random.Random()  # noqa: S311 - spreads retries, keeps no secret
        spread = partial(rng.uniform, 0.8, 1.2)
        ids = IdSource(clock.ms, rng.randrange(1024))
        promises = Promises(ids)
        sharing: Sharing = cluster or Alone(short(ids.next()))
        if cluster is not None:
            store.fence = cluster.membership
        self.supervisor = Supervisor(clock, observer.part_failed)

        # Who answers: the voice of the bot, and the people of ours behind it.
        words = own.words or Catalogue.load()
        self.voice = Voice(faq, words, own.talk, language=own.language, make=talk)
        self.staff = Staff(
            people or PeoplePlan(),
            own.people,
            channels=self.channels,
            store=store,
            clock=clock,
            ids=ids,
            words=words,
            receive=self._receive,
        )

        # From the inbox through the handler to the outbox.
        self.deliveries = Deliveries(
            store,
            clock,
            observer.delivery,
            sharing=sharing,
            files=self.staff.files,
            spread=spread,
            desk=self.staff.desk.instance if self.staff.desk is not None else None,
        )
        self._handler = UpdateHandler(
            self.channels,
            store,
            clock,
            promises,
            observer,
            front=self.staff.front(lambda: self.voice.talk),
            people=self.staff.people(lambda: self.voice.talk.faq),
            outlet=self.deliveries,
            language_of=self.voice.language_of,
            flood=FloodGuard(own.person_per_minute),
            person_changed=sharing.person_changed,
        )
        self.dispatcher = Dispatcher(
            store,
            self._handler,
            clock,
            observer,
            ownership=sharing.ownership,
            join_window=own.join_window,
            room=self._room,
            answered=None if cluster is None else self.deliveries.answered,
            sweep_seconds=2.0 if cluster is None else 1.0,
        )
        self.intake = Intake(store, self.dispatcher, clock, sharing.updates_stored, dropped=observer.dropped)

        # The doors: to channels both ways, to the helpdesk both ways, out to whoever hears of requests.
        self.runners = Runners(
            self.intake, store, clock, sharing, healthy=self.deliveries.resume, changed=observer.channel_state
        )
        commands = self.voice.commands()
        for plan in plans:
            runner = self.runners.add(plan.channel, plan.webhook_url, commands=commands, spread=spread)
            self.deliveries.add(
                plan.channel, plan.delivery, self._handler, unauthorized=runner.doubt, lost=self.staff.lost
            )
        if self.staff.plan.helpdesk is not None:
            self.runners.add_desk(self.staff.plan.helpdesk, hooked=self.staff.hooked is not None)
        for carrier, delivery in self.staff.carriers().values():
            self.deliveries.add(carrier, delivery, OurPeople(), unauthorized=self.runners.doubt_desk)

        # What comes without anybody writing to us.
        self.notices = Notices(self.channels, store, clock, promises, outlet=self.deliveries)
        self.alarms = Alarms(store, self.intake, clock, lambda: sharing.ownership.shards)
        self.neighbours: Neighbours | None = None
        if cluster is not None:
            self.neighbours = Neighbours(
                cluster,
                store=store,
                clock=clock,
                ids=ids,
                dispatcher=self.dispatcher,
                handler=self._handler,
                deliveries=self.deliveries,
                failed=observer.part_failed,
            )

        # What others see.
        self.report = Report(self.runners, words, name=own.talk.name, language=own.language)
        vitals = HouseVitals(
            store=store,
            clock=clock,
            dispatcher=self.dispatcher,
            runners=self.runners,
            deliveries=self.deliveries,
            membership=None if cluster is None else cluster.membership,
            stopping=self.supervisor.stopping,
            entries=lambda: len(self.voice.talk.faq.entries),
        )
        self.watch = Watch(
            vitals, clock=clock, observer=observer, limits=own.readiness, database=own.database
        )

    async def _receive(self, channel: str, updates: Sequence[RawUpdate]) -> int:
        return await self.intake.receive(channel, updates)

    async def _room(self, channel: str, lane: str) -> None:
        await self.runners.opened(channel, self.dispatcher.stopping)
        await self.deliveries.room(channel, lane)

    # -- life ---------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up what an earlier run left, then begin to receive."""
        if self.neighbours is not None:
            await self.neighbours.open()
        else:
            await self.deliveries.recover()
        self.notices.open()
        await self.dispatcher.start(alone=self.neighbours is None)
        if self.neighbours is not None:
            self.neighbours.start()
        self.runners.start(self.supervisor)
        self.supervise("alarms", self.alarms.run)
        self.supervise("watch", self.watch.run)
        self.supervise("lag", self.watch.lag.run)

    def supervise(self, name: str, work: Callable[[asyncio.Event], Any]) -> None:
        """Run a part of the composition (a watcher, a report) beside the others until the house stops."""
        self.supervisor.start(name, partial(work, self.supervisor.stopping))

    async def idle(self) -> None:
        """Wait until everything that was received is answered and sent."""
        await self.dispatcher.idle()
        await self.deliveries.idle()

    async def stop(self) -> None:
        """Stop receiving, finish what is under way, leave the rest in the store, close the channels."""
        ends = self._clock.monotonic() + STOP_SECONDS

        def left() -> float:
            return max(1.0, ends - self._clock.monotonic())

        self.notices.close()
        self.runners.stop()
        if self.neighbours is not None:
            self.neighbours.retire()
        await self.supervisor.stop(left() / 2)  # the other half is for what is being answered and sent
        self.dispatcher.close()
        self.deliveries.let_pass()
        await self.dispatcher.stop(left())
        await self.deliveries.stop(left())
        if self.neighbours is not None:
            await self.neighbours.stop(left())
        await self.runners.close()
