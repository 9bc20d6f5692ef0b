"""A house around one real channel and its platform, on the real clock, that can be stopped, killed and begun again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final

from aiohttp import ClientSession, ClientTimeout, web

from channels.contract import Channel, Pages, Transport
from channels.testing.conformance.platform import Update
from channels.testing.conformance.subject import Connection
from faq import EntryButton, FaqEntry, FaqManager
from optfm_bot.blueprint import ChannelPlan, HouseSettings
from optfm_bot.clock import SystemClock
from optfm_bot.house import House
from optfm_bot.observe.metrics import Metrics
from optfm_bot.observe.observer import DeliveryMetrics, MetricsObserver
from optfm_bot.outbox.outgoing import DeliverySettings
from optfm_bot.store.contract import Store
from optfm_bot.testing.life import Life
from optfm_bot.web.server import HttpServer
from optfm_bot.web.webhooks import WebhookDoor

ENTRIES: Final = (
    FaqEntry(
        id="delivery-cost",
        question="Сколько стоит доставка?",
        aliases=("почём доставка", "цена доставки"),
        answer="Доставка по России — **от 300 ₽**.",
        buttons=(EntryButton(text="Сроки", faq="delivery-time"),),
    ),
    FaqEntry(id="delivery-time", question="Какие сроки доставки?", answer="Обычно 2–7 дней."),
    FaqEntry(
        id="payment",
        question="Как оплатить заказ?",
        aliases=("способы оплаты",),
        answer="По счёту или картой.",
    ),
    FaqEntry(
        id="return-goods",
        question="Как вернуть товар?",
        aliases=("возврат товара",),
        answer="В течение 14 дней.",
    ),
    FaqEntry(
        id="return-money",
        question="Как вернуть деньги?",
        aliases=("возврат денег",),
        answer="Деньги придут за 10 дней.",
    ),
)
"""What the bot of the checks knows."""

_BODY_LIMIT: Final = 1024 * 1024
_PUSH_SECONDS: Final = 10.0


class Housed:
    """One life of a bot: the house with this channel, from `begin` to `stop` or `kill`.

    A second life over the same store and another channel on the same platform is a restart.
    """

    def __init__(self, it: Connection, channel: Channel, store: Store, *, life: int = 1) -> None:
        self.channel = channel
        self.store = store
        self._it = it
        self._changed = asyncio.Event()
        self._life = Life()
        self._observer = _Listener(Metrics(version="test"), self._changed)
        self._pushed = it.transport is Transport.WEBHOOK
        self._path = f"/{channel.instance}/webhook"
        self._server = HttpServer(
            [web.post(self._path, self._post)],
            host="127.0.0.1",
            port=0,
            body_limit=_BODY_LIMIT,
            observe=self._observer.http_request,
        )
        self._house: House | None = None
        self._rng = random.Random(life)  # noqa: S311 - a restart is another process, with other numbers
        self._clock = SystemClock()

    @property
    def house(self) -> House:
        """The house, once it has begun."""
        if self._house is None:
            raise RuntimeError("this life has not begun")
        return self._house

    @property
    def address(self) -> str:
        """Where updates are pushed to."""
        return f"http://127.0.0.1:{self._server.port}{self._path}"

    async def begin(self) -> None:
        """Open the store, listen for pushes, and start the house."""
        with self._life.lived():
            await self.store.open()
            await self._server.start()
            # A page that the house serves itself is subscribed to nothing.
            subscribed = self._pushed and not isinstance(self.channel, Pages)
            url = self._it.platform.hook(self.address) if subscribed else None
            self._house = House(
                [
                    ChannelPlan(
                        channel=self.channel,
                        delivery=DeliverySettings(per_chat=0, per_bot=0),
                        webhook_url=url,
                    )
                ],
                FaqManager(ENTRIES),
                store=self.store,
                clock=self._clock,
                observer=self._observer,
                settings=HouseSettings(join_window=0, person_per_minute=0),
                rng=self._rng,
            )
            ready = self._house_is_subscribed() if url is not None else self._opened
            await self._house.start()
            await asyncio.wait_for(ready.wait(), _PUSH_SECONDS)

    @property
    def _opened(self) -> asyncio.Event:
        return self.house.runners[self.channel.instance].opened

    def _house_is_subscribed(self) -> asyncio.Event:
        """Set once the platform knows where to push: before that nothing of this life arrives."""
        subscribe, done = self.channel.subscribe, asyncio.Event()

        async def subscribed(url: str) -> None:
            await subscribe(url)
            done.set()

        vars(self.channel)["subscribe"] = subscribed
        return done

    async def stop(self) -> None:
        """End this life in peace."""
        await self.house.stop()
        await self._server.stop()
        await self.store.close()

    async def kill(self) -> None:
        """End this life as a power cut does: nothing more is written, nothing is finished, connections break."""
        await self.store.close()
        await self._life.end()
        await self._server.stop()
        await self.channel.close()

    async def _post(self, request: web.Request) -> web.Response:
        return await WebhookDoor(self.channel, self.house.intake, self._observer).post(request)

    async def push(self, update: Update) -> int:
        """Push one update to the house over HTTP, as the platform does; gives the status of the answer."""
        request = self._it.request(update, {})
        headers = {"content-type": "application/json", **request.headers}
        async with (
            ClientSession(timeout=ClientTimeout(total=_PUSH_SECONDS)) as session,
            session.post(self.address, data=request.body, headers=headers) as answer,
        ):
            return answer.status

    async def rests(self, seconds: float) -> None:
        """Return when everything that arrived is answered and sent. Raises `AssertionError` after so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self.house.idle()
        except TimeoutError:
            raise AssertionError(f"the house did not come to rest within {seconds:g} seconds") from None

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Bring in what waits on the platform, and wait for the condition; false after so many seconds."""
        if self._pushed:
            for update in self._it.platform.take():
                await self.push(update)
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return condition()
        return True


class _Listener(MetricsObserver):
    """Tells at once whenever the house has done something."""

    def __init__(self, metrics: Metrics, changed: asyncio.Event) -> None:
        super().__init__(metrics)
        self._own = metrics
        self._changed = changed

    def handled(self, channel: str, outcome: str, seconds: float) -> None:
        super().handled(channel, outcome, seconds)
        self._changed.set()

    def parked(self, channel: str) -> None:
        super().parked(channel)
        self._changed.set()

    def delivery(self, channel: str) -> DeliveryMetrics:
        return _DeliveryListener(self._own, channel, self._changed)


class _DeliveryListener(DeliveryMetrics):
    def __init__(self, metrics: Metrics, channel: str, changed: asyncio.Event) -> None:
        super().__init__(metrics.channel(channel))
        self._changed = changed

    def resolved(self, result: str, seconds: float) -> None:
        super().resolved(result, seconds)
        self._changed.set()
