"""A dispatcher over a store in memory, with a handler that does what a test scripts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from channels.errors import BadPayload
from channels.model import ChatRef, EditedIn, Inbound, MediaIn, RawUpdate, SenderRef, TextIn
from optfm_bot.clock import ManualClock
from optfm_bot.dispatch.dispatcher import Dispatcher
from optfm_bot.dispatch.intake import Intake
from optfm_bot.dispatch.joining import Parsed, join
from optfm_bot.errors import StoreUnavailable
from optfm_bot.ownership import Ownership, SoleOwner
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import StoredUpdate
from optfm_bot.store.unit import UnitOfWork

AT = datetime(2026, 1, 15, tzinfo=UTC)


class ShakyStore(MemoryStore):
    """A store in memory that can be made to refuse, or to forget to answer."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.lose_replies = 0
        self.commits = 0

    async def _commit(self, unit: UnitOfWork) -> None:
        if self.down:
            raise StoreUnavailable
        await super()._commit(unit)
        self.commits += 1
        if self.lose_replies:
            self.lose_replies -= 1
            unit.added = ()
            raise StoreUnavailable

    async def claim(self, **options: Any) -> Sequence[StoredUpdate]:
        if self.down:
            raise StoreUnavailable
        return await super().claim(**options)


def event(payload: dict[str, Any], lane: str) -> Inbound:
    """Read the small language of these tests: text, or edit of a message, or media."""
    facts: dict[str, Any] = {
        "event_id": payload["key"],
        "message_id": payload.get("id", payload["key"]),
        "chat": ChatRef(channel="t", chat_id=lane),
        "sender": SenderRef(external_id=payload.get("who", "anna"), is_bot=payload.get("bot", False)),
        "at": AT,
        "is_group": payload.get("group", False),
        "addressed": payload.get("addressed", True),
    }
    if "media" in payload:
        return MediaIn(kind=payload["media"], caption=payload["text"], group_id=payload.get("album"), **facts)
    return (EditedIn if payload.get("edit") else TextIn)(text=payload["text"], **facts)


class Handler:
    """Answers by writing down what it was given. `script` holds errors by text, `gates` what to wait for."""

    def __init__(self, store: ShakyStore, clock: ManualClock) -> None:
        self._store = store
        self._clock = clock
        self.handled: list[tuple[str, str]] = []
        self.typed: list[str] = []
        self.groups: list[list[str]] = []
        self.tries: list[tuple[float, str]] = []
        self.script: dict[str, list[Exception]] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.unreadable: dict[str, Exception] = {}
        self.sure = frozenset({"sure"})

    def parse(self, update: StoredUpdate) -> Parsed:
        try:
            payload = orjson.loads(update.payload)
        except orjson.JSONDecodeError as error:
            raise BadPayload from error
        if payload["text"] in self.unreadable:
            raise self.unreadable[payload["text"]]
        return Parsed(update=update, events=(event(payload, update.lane),))

    async def settled(self, group: Sequence[Parsed]) -> bool:
        return join(group).text.rpartition("\n")[2] in self.sure

    async def typing(self, parsed: Parsed) -> None:
        self.typed.append(parsed.update.lane)

    async def handle(self, group: Sequence[Parsed]) -> None:
        text = join(group).text if len(group) > 1 else orjson.loads(group[0].update.payload)["text"]
        self.tries.append((self._clock.monotonic(), text))
        if text in self.gates:
            await self.gates[text].wait()
        await asyncio.sleep(0)
        if self.script.get(text):
            raise self.script[text].pop(0)
        async with self._store.unit() as unit:
            for parsed in group:
                unit.inbox.done(parsed.update.id, at=self._clock.ms())
        self.groups.append([parsed.update.key for parsed in group])
        self.handled.append((group[0].update.lane, text))

    def texts(self, lane: str | None = None) -> list[str]:
        return [text for one, text in self.handled if lane in {None, one}]

    def times(self, text: str) -> list[float]:
        return [at for at, one in self.tries if one == text]


class Observer:
    """Counts what was put aside."""

    def __init__(self) -> None:
        self.channels: list[str] = []
        self.passed_over: list[tuple[str, str]] = []

    def parked(self, channel: str) -> None:
        self.channels.append(channel)

    def dropped(self, channel: str, reason: str) -> None:
        self.passed_over.append((channel, reason))


class Desk:
    """A dispatcher in a test's hands."""

    def __init__(
        self,
        *,
        store: ShakyStore | None,
        clock: ManualClock | None,
        owner: str | Ownership,
        alone: bool,
        **options: Any,
    ) -> None:
        self.clock = clock or ManualClock()
        self.store = store or ShakyStore()
        self.handler = Handler(self.store, self.clock)
        self.observer = Observer()
        self.alone = alone
        ownership = SoleOwner(owner) if isinstance(owner, str) else owner
        self.dispatcher = Dispatcher(
            self.store, self.handler, self.clock, self.observer, ownership=ownership, **options
        )
        self.intake = Intake(self.store, self.dispatcher, self.clock, dropped=self.observer.dropped)
        self._number = 0

    async def push(
        self, lane: str, *texts: str, key: str | None = None, only_here: bool = False, **facts: Any
    ) -> int:
        """Let updates of one conversation arrive in one batch."""
        updates = []
        for text in texts:
            self._number += 1
            name = key or f"{lane}-{self._number}"
            updates.append(RawUpdate(key=name, lane=lane, payload={"key": name, "text": text, **facts}))
        return await self.intake.receive("t", updates, only_here=only_here)

    async def stop(self, seconds: float = 10) -> None:
        stopping = asyncio.create_task(self.dispatcher.stop(seconds))
        for _ in range(100):
            if stopping.done():
                break
            await self.clock.advance(1)
        assert stopping.done(), "stopping takes for ever"
        await stopping

    async def rest(self) -> None:
        """Let everything happen that needs no time."""
        for _ in range(5000):
            if not self.dispatcher.held and not await self.left():
                return
            await asyncio.sleep(0)

    async def left(self) -> list[str]:
        """The texts that are still new in the store, in order."""
        return [
            orjson.loads(row["payload"])["text"] for row in self.store._inbox.values() if row["state"] == 0
        ]


OpenDesk = Callable[..., Any]


@asynccontextmanager
async def _desk(
    *,
    store: ShakyStore | None = None,
    clock: ManualClock | None = None,
    owner: str | Ownership = "me",
    alone: bool = True,
    **options: Any,
) -> AsyncIterator[Desk]:
    made = Desk(store=store, clock=clock, owner=owner, alone=alone, **options)
    await made.store.open()
    await made.dispatcher.start(alone=alone)
    try:
        yield made
    finally:
        made.store.down = False
        for gate in made.handler.gates.values():
            gate.set()
        await made.stop()


@pytest.fixture
def desk() -> OpenDesk:
    """Make dispatchers, each for an `async with` block."""
    return _desk
