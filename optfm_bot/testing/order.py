"""Order: an update is safe with us before the platform hears so; killed in between, nothing is lost or doubled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, NoReturn

from channels.contract import Polling, Transport
from channels.testing.conformance.subject import Connection, Subject, promise
from optfm_bot.clock import SystemClock
from optfm_bot.store.memory import MemoryStore
from optfm_bot.testing.housed import Housed

_COST, _COST_SAID = "Сколько стоит доставка?", "300 ₽"
_PAYMENT, _PAYMENT_SAID = "Как оплатить заказ?", "По счёту"


class OrderChecks(Subject):
    """Stored first, acknowledged afterwards."""

    async def test_fetching_confirms_nothing(self, transport: Transport) -> None:
        """Fetching again, also from another instance, gives the same updates until they are confirmed."""
        self.needs_mode(transport, Transport.POLLING)
        self.needs("queue")
        async with self.connected(transport) as it:
            it.platform.writes(self.chat, _COST)
            first = await _polled(it).fetch(None)
            again = await _polled(it).fetch(None)
            other = self.channel(it.front.address, transport, it.platform, clock=SystemClock().now)
            try:
                await other.open()
                third = await _polled(other).fetch(None)
            finally:
                await other.close()
            keys = [[raw.key for raw in batch.updates] for batch in (first, again, third)]
            promise(len(keys[0]) == 1, f"one update was fetched as {len(keys[0])}")
            promise(
                keys[0] == keys[1], f"fetched again without a confirmation: {keys[1]} instead of {keys[0]}"
            )
            promise(
                keys[0] == keys[2], f"after a restart without a confirmation: {keys[2]} instead of {keys[0]}"
            )

    async def test_what_is_confirmed_does_not_come_again(self, transport: Transport) -> None:
        """After `confirm` and with the new cursor only new updates come."""
        self.needs_mode(transport, Transport.POLLING)
        async with self.connected(transport) as it:
            it.platform.writes(self.chat, _COST)
            known = {raw.key for raw in await it.arrivals()}
            it.platform.writes(self.chat, _PAYMENT)
            fresh = {raw.key for raw in await it.arrivals()}
            promise(len(known) == len(fresh) == 1, f"first {sorted(known)}, then {sorted(fresh)}")
            promise(not known & fresh, f"confirmed, and fetched again: {sorted(known & fresh)}")

    async def test_killed_between_fetch_and_commit_nothing_is_lost(self, transport: Transport) -> None:
        """The house is killed after `fetch`, before it has stored anything: the next life answers, once."""
        self.needs_mode(transport, Transport.POLLING)
        self.needs("queue")
        async with self.connected(transport, opened=False, clock=SystemClock().now) as it:
            store = MemoryStore()
            async with self.killed(it, store) as (life, reached):
                vars(life.house.intake)["receive"] = _stands_still(reached)
                it.platform.writes(self.chat, _COST)
            promise(not _answers(it), "answered before it was stored")
            await self._afterwards(it, store)

    async def test_killed_between_commit_and_confirm_nothing_is_lost_or_doubled(
        self, transport: Transport
    ) -> None:
        """The house is killed after the commit, before `confirm`: the next life does not answer again."""
        self.needs_mode(transport, Transport.POLLING)
        self.needs("queue")
        async with self.connected(transport, opened=False, clock=SystemClock().now) as it:
            store = MemoryStore()
            async with self.killed(it, store) as (life, reached):
                vars(life.channel)["confirm"] = _stands_still(reached)
                it.platform.writes(self.chat, _COST)
                promise(
                    await life.until(lambda: len(_answers(it)) == 1, self.patience),
                    "the question was not answered",
                )
            await self._afterwards(it, store)

    async def test_a_push_that_is_repeated_is_handled_once(self, transport: Transport) -> None:
        """The same push twice, and once more after the house was killed: one answer."""
        self.needs_mode(transport, Transport.WEBHOOK)
        async with self.connected(transport, opened=False, clock=SystemClock().now) as it:
            store = MemoryStore()
            life = await _begun(Housed(it, it.channel, store))
            try:
                question = _question(it, self.chat)
                statuses = [await life.push(question), await life.push(question)]
                promise(statuses == [200, 200], f"a push and its repetition were answered {statuses}")
                promise(
                    await life.until(lambda: len(_answers(it)) >= 1, self.patience),
                    "the question was not answered",
                )
            finally:
                await life.kill()
            later = await self._next_life(it, store)
            repeated = await later.push(question)
            await self._ends(it, later)
            promise(repeated == HTTPStatus.OK, f"repeated after a restart, it was answered {repeated}")

    async def test_a_push_that_cannot_be_stored_is_not_acknowledged(self, transport: Transport) -> None:
        """While the store is gone a push is answered by an error; repeated later it is handled."""
        self.needs_mode(transport, Transport.WEBHOOK)
        async with self.connected(transport, opened=False, clock=SystemClock().now) as it:
            store = MemoryStore()
            life = await _begun(Housed(it, it.channel, store))
            question = _question(it, self.chat)
            await store.close()
            refused = await life.push(question)
            await store.open()
            repeated = await life.push(question)
            await self._ends(it, life)
            promise(
                refused >= HTTPStatus.INTERNAL_SERVER_ERROR,
                f"it could not be stored, and the answer was {refused}",
            )
            promise(repeated == HTTPStatus.OK, f"repeated later, it was answered {repeated}")

    @asynccontextmanager
    async def killed(self, it: Connection, store: MemoryStore) -> AsyncIterator[tuple[Housed, asyncio.Event]]:
        """A life that is killed at the end of the block, once the given event was set."""
        life, reached = Housed(it, it.channel, store), asyncio.Event()
        await life.begin()
        try:
            yield life, reached
            async with asyncio.timeout(self.patience):
                await reached.wait()
        finally:
            await life.kill()

    async def _afterwards(self, it: Connection, store: MemoryStore) -> None:
        """In the next life the question is answered, once, and so is the one after it."""
        await self._ends(it, await self._next_life(it, store))

    async def _next_life(self, it: Connection, store: MemoryStore) -> Housed:
        channel = self.channel(it.front.address, it.transport, it.platform, clock=SystemClock().now)
        return await _begun(Housed(it, channel, store, life=2))

    async def _ends(self, it: Connection, life: Housed) -> None:
        it.platform.writes(self.chat, _PAYMENT)
        try:
            ended = await life.until(
                lambda: any(_PAYMENT_SAID in text for text in _answers(it)), self.patience
            )
            await life.rests(self.patience)
        finally:
            await life.stop()
        said = _answers(it)
        promise(ended, f"the next question was not answered: {said}")
        count = sum(_COST_SAID in text for text in said)
        promise(count == 1, f"the first question was answered {count} times")


async def _begun(life: Housed) -> Housed:
    await life.begin()
    return life


def _polled(thing: Connection | Any) -> Polling:
    channel = thing.channel if isinstance(thing, Connection) else thing
    if not isinstance(channel, Polling):
        raise AssertionError(f"{type(channel).__name__} cannot be polled")  # noqa: TRY004 - a failed check
    return channel


def _question(it: Connection, chat: str) -> Any:
    """The update of a question, as the platform pushes it."""
    it.platform.take()  # what the platform tells of itself is not asked about here
    it.platform.writes(chat, _COST)
    (update,) = it.platform.take()
    return update


def _answers(it: Connection) -> list[str]:
    return [one.text for one in it.platform.sent()]


def _stands_still(reached: asyncio.Event) -> Any:
    async def stand_still(*_given: Any, **_named: Any) -> NoReturn:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    return stand_still
