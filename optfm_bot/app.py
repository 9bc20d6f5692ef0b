"""The application: settings in, a running bot out. The only place that knows every part."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from aiohttp import web

from channels.contract import Channel, Pages, Shared, Webhook
from channels.phrase import phrase
from config.load import LoadedConfig
from config.secret import Secret
from config.validate import secrets_in
from faq.manager import MatcherFactory
from optfm_bot import __version__
from optfm_bot.api.application import BASE, Api
from optfm_bot.blueprint import ChannelPlan
from optfm_bot.clock import Clock, SystemClock, cut_off
from optfm_bot.cluster.membership import Membership
from optfm_bot.cluster.plan import ROLES, Role
from optfm_bot.cluster.sharing import Cluster, receiving
from optfm_bot.errors import StartRefused
from optfm_bot.helpdesk.contract import Helpdesk
from optfm_bot.helpdesk.hook import Hook
from optfm_bot.house import House
from optfm_bot.knowledge import Knowledge, demo_knowledge
from optfm_bot.matching import matcher_factory
from optfm_bot.neighbours import Neighbours
from optfm_bot.observe.metrics import Metrics
from optfm_bot.observe.observer import MetricsObserver
from optfm_bot.plan import house_settings, plan_channels
from optfm_bot.staffing import people_plan, people_settings
from optfm_bot.store.engine import database_url
from optfm_bot.store.lock import StoreLock
from optfm_bot.store.schema import is_current, upgrade
from optfm_bot.store.sql import SqlStore
from optfm_bot.transcript import Transcripts
from optfm_bot.tuning import tuned
from optfm_bot.web.server import HttpServer, StatusPages
from optfm_bot.web.webhooks import WebhookDoor

log = structlog.get_logger("optfm_bot")

_SCHEMA_SECONDS = 30.0
"""How long a process that starts waits for another one that is making the tables."""

_LOOK_SECONDS = 0.2

_CLOSE_SECONDS = 1.0

HOUSEKEEPING = "housekeeping"
"""The duty to remove what is old: one process at a time has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where something can be reached: what it is, and its address."""

    name: str
    url: str


class App:
    """Builds the house from settings, and serves it until it is told to stop.

    Construction reads the knowledge base and makes the channels, so it raises `ConfigError` or `KnowledgeError` before
    anything is started. `run` raises `StartRefused`, `SchemaMismatch` or `StoreUnavailable` if it cannot begin.
    `matcher` takes the place of the one that the settings name.

    It leaves the process as it is: signals, the log and the garbage collector belong to whoever runs it.
    """

    def __init__(
        self,
        loaded: LoadedConfig,
        *,
        cwd: Path,
        clock: Clock | None = None,
        roles: frozenset[Role] = ROLES["all"],
        matcher: MatcherFactory | None = None,
    ) -> None:
        self._settings = loaded.settings
        self._roles = roles
        self._name = f"optfm-bot {secrets.token_hex(6)}"
        self._cwd = cwd
        self._clock = clock or SystemClock()
        self._metrics = Metrics(version=__version__)
        self._observer = MetricsObserver(self._metrics)
        self._url = database_url(self._settings.database.url)
        self._store = SqlStore(self._settings.database.url, observer=self._observer, name=self._name)
        if roles != ROLES["all"] and not self._shared:
            raise StartRefused(
                phrase(
                    "start.roles",
                    "Several processes with roles need PostgreSQL: with SQLite one process does everything. "
                    "Start it without --role, or set database.url to a PostgreSQL database",
                )
            )
        transcripts = Transcripts(self._store)
        plans = plan_channels(loaded, clock=self._clock, cwd=cwd, transcript=transcripts)
        zone = ZoneInfo(self._settings.agent.timezone)
        path = cwd / self._settings.faq.path if self._settings.faq.path else demo_knowledge()
        found = tuned(matcher or matcher_factory(loaded, cwd=cwd), self._settings, cwd=cwd)
        if found.refused is not None:
            log.warning("knowledge.tuning_refused", problem=str(found.refused))
        self.knowledge = Knowledge(
            path,
            store=self._store,
            clock=self._clock,
            observer=self._observer,
            today=lambda: self._clock.now().astimezone(zone).date(),
            changed=lambda faq: self.house.voice.serve(faq) if hasattr(self, "house") else None,
            matcher=found.matcher,
            thresholds=found.thresholds,
        )
        people = people_plan(
            loaded,
            clock=self._clock,
            channels={plan.channel.instance: plan.channel for plan in plans},
        )
        self.house = House(
            plans,
            self.knowledge.load(),
            store=self._store,
            clock=self._clock,
            observer=self._observer,
            settings=house_settings(
                loaded,
                media_root=path if path.is_dir() else path.parent,
                people=people_settings(loaded, people.helpdesk),
            ),
            cluster=self._cluster([plan.channel.instance for plan in plans], people.helpdesk),
            people=people,
        )
        if self.house.neighbours is not None:
            self._follow_neighbours(self.house.neighbours)
        transcripts.channels = self.house.channels
        self._doors = [
            WebhookDoor(plan.channel, self.house.intake, self._observer)
            for plan in plans
            if isinstance(plan.channel, Webhook)
        ]
        hooked = self.house.staff.hooked
        if hooked is not None and people.helpdesk is not None:
            hook = Hook(people.helpdesk.instance, hooked)
            self._doors.append(WebhookDoor(hook, self.house.intake, self._observer))
        self._api = Api(self.house, self._clock)
        self._server = HttpServer(
            self._routes(plans),
            apps={BASE: self._api.application()},
            host=self._settings.server.host,
            port=self._settings.server.port,
            body_limit=self._settings.server.body_limit,
            observe=self._observer.http_request,
        )

    @property
    def _shared(self) -> bool:
        """Whether other processes may work with the database, too."""
        return self._url.get_backend_name() != "sqlite"

    def _cluster(self, channels: Sequence[str], helpdesk: Helpdesk | None) -> Cluster | None:
        if not self._shared:
            return None
        from optfm_bot.cluster.postgres import PostgresRegistry  # noqa: PLC0415 - its driver is an extra

        registry = PostgresRegistry(self._url, name=self._name)
        receivers = [*channels, *([helpdesk.instance] if helpdesk is not None else [])]
        duties = {receiving(name): Role.POLLER for name in receivers} | {HOUSEKEEPING: Role.WORKER}
        membership = Membership(registry, self._clock, roles=self._roles, duties=duties)
        return Cluster(membership=membership, registry=registry)

    def _follow_neighbours(self, neighbours: Neighbours) -> None:
        """Let a base that one process has taken be looked for by all, and channels speak with themselves there."""
        neighbours.on["knowledge"] = lambda _: self.knowledge.look_again()
        self.knowledge.taken = lambda fingerprint: neighbours.tell("knowledge", fingerprint)
        for channel in self.house.channels.values():
            if isinstance(channel, Shared):
                topic = f"channel {channel.instance}"
                neighbours.on[topic] = channel.hear
                channel.share(partial(_tell_others, neighbours, topic))

    # -- life ---------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until `stop` is set. `ready` is called once everything has begun."""
        lock = StoreLock(self._url)
        if self._shared:
            await self._prepare_schema(lock)
        else:
            await lock.acquire()
        try:
            if not self._shared:
                await self._upgrade_file()
            await self._store.open()
            try:
                await self._serve(stop, ready)
            finally:
                await self._close_store()
        finally:
            await lock.release()

    async def _close_store(self) -> None:
        """Disconnect. A file is waited for, a server that does not answer is not: nobody waits for its answers now."""
        closing = asyncio.create_task(self._store.close(), name="store close")
        if self._shared and await cut_off({closing}, self._clock, _CLOSE_SECONDS):
            log.warning("store.not_closed", error="the database does not answer")
            return
        await closing

    async def _upgrade_file(self) -> None:
        """Bring a SQLite file up to date, with a copy of what was before."""
        if not await is_current(self._url):
            from optfm_bot.housekeeping.backups import (  # noqa: PLC0415 - a start without an upgrade does without it
                back_up_before_upgrade,
                default_folder,
            )

            folder = default_folder(self._url, self._settings.database.backup.path, self._cwd)
            await back_up_before_upgrade(self._url, folder, now=self._clock.now())
        await upgrade(self._url)

    async def _keep_house(self, stop: asyncio.Event) -> None:
        """Remove what is old and make backups: one process at a time."""
        from optfm_bot.housekeeping.assembly import housekeeping  # noqa: PLC0415 - the first answer need not wait for it

        neighbours = self.house.neighbours
        keeper = housekeeping(
            self._settings,
            cwd=self._cwd,
            clock=self._clock,
            observer=self._observer,
            serving=lambda: [(entry.id, entry.version) for entry in self.knowledge.manager.entries],
            mine=lambda: neighbours is None or neighbours.membership.duties[HOUSEKEEPING].held,
        )
        await keeper.run(stop)

    async def _prepare_schema(self, lock: StoreLock) -> None:
        """Bring a shared schema up to date, alone, or wait until another process that starts has done so."""
        ends = self._clock.monotonic() + _SCHEMA_SECONDS
        while not await is_current(self._url):
            try:
                await lock.acquire()
            except StartRefused:
                if self._clock.monotonic() > ends:
                    raise
                await self._clock.sleep(_LOOK_SECONDS)
                continue
            try:
                await upgrade(self._url)
            finally:
                await lock.release()

    async def _serve(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        try:
            await self._server.start()
            await self.house.start()
            self.house.supervise("knowledge", self.knowledge.watch)
            self.house.supervise("housekeeping", self._keep_house)
            log.info("started", version=__version__, addresses=[address.url for address in self.addresses()])
            ready()
            await stop.wait()
            log.info("stopping")
        finally:
            for door in self._doors:
                door.draining = True
            await self._api.close()
            await self.house.stop()
            await self._server.stop()
            log.info("stopped")

    def secrets(self) -> Sequence[Secret]:
        """Every secret of the settings, for whoever must hide them."""
        desk = self.house.staff.plan.helpdesk
        channels = [channel.settings for channel in self.house.channels.values()]
        own = [self._settings.database.password, self._settings.notify]
        return list(secrets_in([*own, desk.settings if desk is not None else None, *channels]))

    # -- addresses ----------------------------------------------------------------------------------------

    def addresses(self) -> Sequence[Address]:
        """Where a person can click, once the server listens."""
        host = self._settings.server.host
        shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not listened on
        base = f"http://{shown}:{self._server.port}"
        pages = [
            Address(name=channel.instance, url=f"{base}/chat/{channel.instance}/")
            for channel in self._page_channels()
        ]
        return [*pages, Address(name="status", url=f"{base}/")]

    def _page_channels(self) -> Sequence[Channel]:
        return [channel for channel in self.house.channels.values() if isinstance(channel, Pages)]

    def _routes(self, plans: Sequence[ChannelPlan]) -> Sequence[web.RouteDef]:
        doors = {door.name: door for door in self._doors}
        pages = self._page_channels()
        routes = list(
            StatusPages(
                status=self.house.report.status,
                ready=self.house.watch.verdict,
                metrics=self._metrics.render,
                home=f"/chat/{pages[0].instance}/" if pages else None,
                language=self._settings.agent.language,
            ).routes()
        )
        desk = self.house.staff.desk
        if desk is not None and desk.instance in doors:
            door = doors[desk.instance]
            routes += [
                web.post(f"/{desk.instance}/webhook", door.post),
                web.get(f"/{desk.instance}/webhook", door.get),
            ]
        for plan in plans:
            channel = plan.channel
            if isinstance(channel, Pages):
                routes += channel.routes(
                    doors[channel.instance].receive,
                    title=self._settings.agent.name,
                    starters=self.knowledge.starters,
                )
            elif channel.instance in doors:
                door = doors[channel.instance]
                routes += [
                    web.post(f"/{channel.instance}/webhook", door.post),
                    web.get(f"/{channel.instance}/webhook", door.get),
                ]
        return routes


def _tell_others(neighbours: Neighbours, topic: str, text: str) -> None:
    if neighbours.membership.members > 1:
        neighbours.tell(topic, text)
