"""A house with two accounts in memory, its API on a port of its own, and a client that talks to it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import Field

from channels.contract import (
    Addressable,
    ChannelContext,
    ChannelSettings,
    Login,
    LoginState,
    LoginStep,
    Operable,
    Operation,
)
from config.secret import Secret
from faq import FaqEntry, FaqManager
from optfm_bot.api.application import Api
from optfm_bot.api.tokens import Scope, digest, new_token
from optfm_bot.blueprint import ChannelPlan, HouseSettings
from optfm_bot.clock import ManualClock
from optfm_bot.house import House
from optfm_bot.observe.metrics import Metrics
from optfm_bot.observe.observer import MetricsObserver
from optfm_bot.outbox.outgoing import DeliverySettings
from optfm_bot.store.contract import Store
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import TokenRow
from optfm_bot.testing.platform import WITH_BUTTONS, MemoryPlatform

CANARY = "CANARY-account-key"
PNG = b"\x89PNG\r\n\x1a\n-not-really"


class AccountSettings(ChannelSettings):
    """Settings with a secret."""

    key: Secret = Secret(CANARY)


class GroupParams(ChannelSettings):
    """What creating a group takes."""

    name: str = Field(min_length=1, max_length=20, description="Name of the group.")
    size: int = Field(2, ge=2, description="How many may be in it.")


class Account(MemoryPlatform, Operable, Login, Addressable):
    """A platform that can be serviced, logged in, and asked for phones. What it does is in its attributes."""

    operations: ClassVar[Sequence[Operation]] = (
        Operation(name="queue", summary="Show the queue"),
        Operation(name="create_group", summary="Create a group", params=GroupParams, changes=True),
        Operation(name="new_key", summary="Make a key", changes=True, sensitive=True),
    )

    def __init__(self, clock: ManualClock, instance: str = "acc") -> None:
        super().__init__(ChannelContext(instance=instance, clock=clock.now), WITH_BUTTONS)
        self.settings = AccountSettings()
        self.phones: dict[str, str] = {}
        self.asked: list[str] = []
        self.done: list[tuple[str, Any]] = []
        self.result: Any = {"queue": []}
        self.fails: BaseException | None = None
        self.hangs = False
        self.steps: asyncio.Queue[LoginStep | BaseException | None] = asyncio.Queue()
        self.logins: list[AsyncIterator[LoginStep]] = []
        self.left = 0

    async def address(self, phone: str) -> str:
        self.asked.append(phone)
        await self._trouble()
        return self.phones[phone]

    async def operate(self, name: str, params: ChannelSettings) -> Any:
        self.done.append((name, params))
        await self._trouble()
        return self.result

    async def _trouble(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.fails is not None:
            raise self.fails

    def login(self) -> AsyncIterator[LoginStep]:
        self.logins.append(self._login())  # kept, so that only whoever closes it ends it
        return self.logins[-1]

    async def _login(self) -> AsyncIterator[LoginStep]:
        try:
            while (step := await self.steps.get()) is not None:
                if isinstance(step, BaseException):
                    raise step
                yield step
        finally:
            self.left += 1

    def shows(self, state: LoginState, message: str = "", qr: bytes | None = None) -> None:
        self.steps.put_nowait(LoginStep(state=state, message=message, qr_png=qr))


@dataclass(kw_only=True)
class Answered:
    """An answer as a client sees it."""

    status: int
    headers: Mapping[str, str]
    text: str
    json: Any = None

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


@dataclass(kw_only=True)
class Office:
    """Everything that a test of the API touches."""

    house: House
    store: Store
    clock: ManualClock
    account: Account
    plain: MemoryPlatform
    api: Api
    client: TestClient[Any, Any]
    tokens: dict[str, str] = field(default_factory=dict)

    async def token(self, *scopes: Scope, name: str = "", **fields: Any) -> str:
        """A live token with these scopes; the same one for the same question."""
        name = name or "-".join(scopes) or "none"
        if name not in self.tokens:
            made = self.tokens[name] = new_token(random.Random(name).randbytes)  # noqa: S311 - a test repeats itself
            row = TokenRow(
                id=len(self.tokens),
                name=name,
                digest=digest(made),
                scopes=" ".join(scopes),
                created_at=self.clock.ms(),
                **fields,
            )
            async with self.store.unit() as unit:
                unit.api.add_token(row)
        return self.tokens[name]

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        scope: Scope | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> Answered:
        """Make a request with a token of that scope, or with that token, or with none."""
        given = dict(headers or {})
        if token is None and scope is not None:
            token = await self.token(scope)
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        content = {"data": data} if data is not None else {"json": body} if body is not None else {}
        async with self.client.request(method, path, headers=given, **content) as answer:
            text = await answer.text()
            is_json = answer.content_type == "application/json"
            return Answered(
                status=answer.status,
                headers=answer.headers,
                text=text,
                json=await answer.json() if is_json else None,
            )

    async def send(self, body: Mapping[str, Any], channel: str = "plain", **given: Any) -> Answered:
        """Send a message."""
        given.setdefault("scope", Scope.MESSAGES)
        return await self.ask("POST", f"/api/channels/{channel}/messages", body, **given)

    async def settle(self) -> None:
        """Let everything that was promised be sent."""
        await self.house.idle()


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    clock, store = ManualClock(), MemoryStore()
    account = Account(clock)
    plain = MemoryPlatform(ChannelContext(instance="plain", clock=clock.now))
    unpaced = DeliverySettings(per_chat=0, per_bot=0)
    house = House(
        [ChannelPlan(channel=account, delivery=unpaced), ChannelPlan(channel=plain, delivery=unpaced)],
        FaqManager([FaqEntry(id="pay", question="Как оплатить заказ?", answer="Картой.")]),
        store=store,
        clock=clock,
        observer=MetricsObserver(Metrics(version="test")),
        settings=HouseSettings(join_window=0),
        rng=random.Random(1),  # noqa: S311 - keeps no secret
    )
    await store.open()
    await house.start()
    api = Api(house, clock)
    app = web.Application()
    app.add_subapp("/api", api.application())
    async with TestClient(TestServer(app)) as client:
        yield Office(
            house=house, store=store, clock=clock, account=account, plain=plain, api=api, client=client
        )
        closing = asyncio.create_task(api.close())
        while not closing.done():
            await clock.advance(1)
    stopping = asyncio.create_task(house.stop())
    while not stopping.done():
        await clock.advance(1)
    await store.close()
