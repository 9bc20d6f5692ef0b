"""One channel's delivery over a store in memory, with a platform that does what a test scripts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any

import pytest

from channels.capabilities import Capabilities
from channels.contract import ChannelContext, Verifiable
from channels.errors import ChannelError
from channels.model import Body, ChatRef, Outbound, Paragraph, Receipt, Rendered, Text
from optfm_bot.clock import ManualClock
from optfm_bot.errors import StoreUnavailable
from optfm_bot.outbox.delivery import Delivery
from optfm_bot.outbox.files import Fetch, FileDoor
from optfm_bot.outbox.outgoing import DeliverySettings, Outgoing
from optfm_bot.ownership import Ownership, SoleOwner
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import OutboxRow, OutboxState
from optfm_bot.store.unit import UnitOfWork
from optfm_bot.testing.platform import WITH_BUTTONS, MemoryPlatform

UNPACED = DeliverySettings(per_chat=0, per_bot=0)


class ShakyStore(MemoryStore):
    """A store in memory that can be made to refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False

    async def _commit(self, unit: UnitOfWork) -> None:
        if self.down:
            raise StoreUnavailable
        await super()._commit(unit)


class Platform(MemoryPlatform, Verifiable):
    """Refuses chat by chat, hangs while a gate is closed, and remembers when and how many at once."""

    def __init__(self, clock: ManualClock, capabilities: Capabilities) -> None:
        super().__init__(ChannelContext(instance="stage", clock=clock.now), capabilities)
        self._manual = clock
        self.script: dict[str, list[ChannelError | Exception]] = {}
        self.calls: list[tuple[float, str, str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.at_once = 0
        self.most_at_once = 0
        self.found: Receipt | ChannelError | None = None
        self.asked: list[datetime] = []

    async def deliver(self, message: Rendered) -> Receipt:
        self.calls.append((self._manual.monotonic(), message.chat.chat_id, message.text))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.gate.wait()
            await asyncio.sleep(0)
            if self.script.get(message.chat.chat_id):
                raise self.script[message.chat.chat_id].pop(0)
            return await super().deliver(message)
        finally:
            self.at_once -= 1

    async def find(self, message: Rendered, *, since: datetime) -> Receipt | None:
        self.asked.append(since)
        await self.gate.wait()
        if isinstance(self.found, ChannelError):
            raise self.found
        return self.found

    def texts(self, chat: str | None = None) -> list[str]:
        return [one.message.text for one in self.delivered if chat in {None, one.message.chat.chat_id}]


@dataclass
class Observer:
    """Hears everything."""

    results: list[str] = field(default_factory=list)
    retries: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    def resolved(self, result: str, seconds: float) -> None:
        assert seconds >= 0
        self.results.append(result)

    def retried(self, reason: str) -> None:
        self.retries.append(reason)

    def unauthorized(self, hint: str) -> None:
        self.hints.append(hint)


class Desk:
    """A delivery in a test's hands."""

    def __init__(
        self,
        settings: DeliverySettings,
        capabilities: Capabilities,
        store: ShakyStore | None,
        owner: Ownership | None,
        fetchers: Mapping[str, Fetch] | None = None,
    ) -> None:
        self.owner: Ownership = owner or SoleOwner("me")
        self.clock = ManualClock()
        self.start = self.clock.monotonic()
        self.store = store or ShakyStore()
        self.platform = Platform(self.clock, capabilities)
        self.observer = Observer()
        self.settings = settings
        self.left: list[str] = []
        self.lost: list[tuple[tuple[tuple[str, str], ...], str | None]] = []
        self.refusals: dict[str, str] = {}
        self.guard_errors: list[Exception] = []
        self.gone_errors: list[Exception] = []
        self._ids = count(1)
        self.delivery = Delivery(
            self.platform,
            settings,
            store=self.store,
            clock=self.clock,
            observer=self.observer,
            guard=self._guard,
            gone=self._gone,
            ownership=self.owner,
            files=None if fetchers is None else FileDoor(fetchers, self.clock),
            lost=self._lost,
        )

    async def _guard(self, message: Outbound, lane: str) -> str | None:
        if self.guard_errors:
            raise self.guard_errors.pop(0)
        return self.refusals.get(lane)

    async def _lost(self, outgoing: Outgoing, reason: str | None) -> None:
        self.lost.append((outgoing.left_out, reason))

    async def _gone(self, lane: str) -> None:
        if self.gone_errors:
            raise self.gone_errors.pop(0)
        self.left.append(lane)

    async def promise(self, chat: str, *texts: str, begun: bool = False, **changes: Any) -> list[int]:
        """Commit messages to a chat and hand them over, as the handler does."""
        outgoing = []
        for text in texts:
            body = Body((Paragraph((Text(text),)),))
            ref = ChatRef(channel="stage", chat_id=chat)
            message = replace(Outbound(chat=ref, body=body), **changes)
            outgoing.append(
                Outgoing(
                    id=next(self._ids),
                    lane=str(ref),
                    message=message,
                    created_at=self.clock.ms(),
                    begun=begun,
                    tenure=self.owner.tenure,
                )
            )
        await self.keep(outgoing, OutboxState.SENDING if begun else OutboxState.READY)
        self.delivery.accept(outgoing)
        return [one.id for one in outgoing]

    async def keep(self, outgoing: list[Outgoing], state: OutboxState) -> None:
        from channels.codec import encode_outbound  # noqa: PLC0415 - used once

        async with self.store.unit() as unit:
            for one in outgoing:
                unit.outbox.add(
                    OutboxRow(
                        id=one.id,
                        channel="stage",
                        lane=one.lane,
                        message=encode_outbound(one.message),
                        purpose="answer",
                        created_at=one.created_at,
                        state=state,
                    )
                )

    async def burst(self, size: int | None = None) -> None:
        """Every place for a call is free: so many chats are served at once."""
        size = size or self.settings.concurrency
        self.platform.gate.clear()
        self.platform.most_at_once = 0
        before = len(self.platform.delivered)
        for number in range(size):
            await self.promise(f"burst-{number}", "x")
        await self.clock.advance(0)
        assert size == self.platform.at_once
        self.platform.gate.set()
        await self.clock.advance(0)
        assert before + size == len(self.platform.delivered)
        assert self.delivery.places == self.settings.concurrency

    async def states(self) -> dict[int, OutboxState]:
        return {row.id: row.state for row in self.store._messages("stage")}

    async def stop(self, seconds: float = 10) -> None:
        stopping = asyncio.create_task(self.delivery.stop(seconds))
        for _ in range(100):
            if stopping.done():
                break
            await self.clock.advance(1)
        assert stopping.done(), "stopping takes for ever"
        await stopping

    def times(self, chat: str) -> list[float]:
        return [at - self.start for at, one, _ in self.platform.calls if one == chat]


OpenDesk = Callable[..., Any]


@asynccontextmanager
async def _desk(
    settings: DeliverySettings = UNPACED,
    *,
    capabilities: Capabilities = WITH_BUTTONS,
    store: ShakyStore | None = None,
    owner: Ownership | None = None,
    fetchers: Mapping[str, Fetch] | None = None,
) -> AsyncIterator[Desk]:
    made = Desk(settings, capabilities, store, owner, fetchers)
    await made.store.open()
    try:
        yield made
    finally:
        made.store.down = False
        made.platform.gate.set()
        await made.stop()


@pytest.fixture
def desk() -> OpenDesk:
    """Make deliveries, each for an `async with` block."""
    return _desk
