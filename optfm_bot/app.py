"""The application: settings in, a running bot out. The only place that knows every part."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from aiohttp import web

from channels.contract import Channel, ChannelSettings, Pages, Webhook
from config.load import LoadedConfig
from optfm_bot import __version__
from optfm_bot.api.application import BASE, Api
from optfm_bot.clock import Clock, SystemClock
from optfm_bot.house import ChannelPlan, House
from optfm_bot.knowledge import Knowledge, demo_knowledge
from optfm_bot.matching import matcher_factory
from optfm_bot.observe.metrics import Metrics
from optfm_bot.observe.observer import MetricsObserver
from optfm_bot.plan import house_settings, plan_channels
from optfm_bot.store.engine import database_url
from optfm_bot.store.lock import StoreLock
from optfm_bot.store.schema import upgrade
from optfm_bot.store.sql import SqlStore
from optfm_bot.transcript import Transcripts
from optfm_bot.tuning import tuned
from optfm_bot.web.server import HttpServer, StatusPages
from optfm_bot.web.webhooks import WebhookDoor

log = structlog.get_logger("optfm_bot")

_COLLECT_AFTER = (20_000, 20, 50)
"""A message makes hundreds of short-lived objects and no cycles: looking for them rarely spares a tenth of the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where something can be reached: what it is, and its address."""

    name: str
    url: str


class App:
    """Builds the house from settings, and serves it until it is told to stop.

    Construction reads the knowledge base and makes the channels, so it raises `ConfigError` or `KnowledgeError` before
    anything is started. `run` raises `StartRefused`, `SchemaMismatch` or `StoreUnavailable` if it cannot begin.
    """

    def __init__(self, loaded: LoadedConfig, *, cwd: Path, clock: Clock | None = None) -> None:
        self._settings = loaded.settings
        self._cwd = cwd
        self._clock = clock or SystemClock()
        self._metrics = Metrics(version=__version__)
        self._observer = MetricsObserver(self._metrics)
        self._url = database_url(self._settings.database.url)
        self._store = SqlStore(self._settings.database.url, observer=self._observer)
        transcripts = Transcripts(self._store)
        plans = plan_channels(loaded, clock=self._clock, cwd=cwd, transcript=transcripts)
        zone = ZoneInfo(self._settings.agent.timezone)
        path = cwd / self._settings.faq.path if self._settings.faq.path else demo_knowledge()
        found = tuned(matcher_factory(loaded, cwd=cwd), self._settings, cwd=cwd)
        if found.refused is not None:
            log.warning("knowledge.tuning_refused", problem=str(found.refused))
        self.knowledge = Knowledge(
            path,
            store=self._store,
            clock=self._clock,
            observer=self._observer,
            today=lambda: self._clock.now().astimezone(zone).date(),
            changed=lambda faq: self.house.serve(faq) if hasattr(self, "house") else None,
            matcher=found.matcher,
            thresholds=found.thresholds,
        )
        self.house = House(
            plans,
            self.knowledge.load(),
            store=self._store,
            clock=self._clock,
            observer=self._observer,
            settings=house_settings(loaded, media_root=path if path.is_dir() else path.parent),
        )
        transcripts.channels = self.house.channels
        self._doors = [
            WebhookDoor(plan.channel, self.house.intake, self._observer)
            for plan in plans
            if isinstance(plan.channel, Webhook)
        ]
        self._api = Api(self.house, self._clock)
        self._server = HttpServer(
            self._routes(plans),
            apps={BASE: self._api.application()},
            host=self._settings.server.host,
            port=self._settings.server.port,
            body_limit=self._settings.server.body_limit,
            observe=self._observer.http_request,
        )

    # -- life ---------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until `stop` is set. `ready` is called once everything has begun."""
        lock = StoreLock(self._url)
        await lock.acquire()
        try:
            await upgrade(self._url)
            await self._store.open()
            try:
                await self._serve(stop, ready)
            finally:
                await self._store.close()
        finally:
            await lock.release()

    async def _serve(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        try:
            await self._server.start()
            await self.house.start()
            self.house.supervise("knowledge", self.knowledge.watch)
            # What exists now lives as long as the process: the collector need not walk over it for every message.
            gc.collect()
            gc.freeze()
            gc.set_threshold(*_COLLECT_AFTER)
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

    def channel_settings(self) -> Sequence[ChannelSettings]:
        """The settings of the channels, for whoever must know their secrets to hide them."""
        return [channel.settings for channel in self.house.channels.values()]

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
                status=self.house.status,
                ready=self.house.problems,
                metrics=self._metrics.render,
                home=f"/chat/{pages[0].instance}/" if pages else None,
            ).routes()
        )
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
