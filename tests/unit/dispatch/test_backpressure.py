"""Far more updates than fit into memory: what is held is bounded, each conversation has a share, order is kept."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from channels.model import RawUpdate
from optfm_bot.dispatch.joining import Parsed
from optfm_bot.outbox.room import Room

FLOOD = 50_000
CHATS = 500


class Promising:
    """Instead of the desk's handler: each update becomes one message, which takes its room and stays."""

    def __init__(self, desk: Any, room: Room) -> None:
        self._desk = desk
        self._room = room
        self.said: dict[str, list[str]] = defaultdict(list)
        self.unsent: list[str] = []

    async def handle(self, group: Sequence[Parsed]) -> None:
        update = group[0].update
        async with self._desk.store.unit() as unit:
            unit.inbox.done(update.id, at=self._desk.clock.ms())
        self.said[update.lane].append(update.key)
        self.unsent.append(update.lane)
        self._room.take(update.lane)

    def send_all(self) -> None:
        sent, self.unsent = self.unsent, []
        for lane in sent:
            self._room.leave(lane)


async def test_fifty_thousand_updates_are_held_within_bounds_and_handled_in_order(
    desk: Any, monkeypatch: Any
) -> None:
    room = Room(total=1000, per_chat=50)

    async def wait(channel: str, lane: str) -> None:
        await room.wait(lane)

    async with desk(room=wait) as d:
        promising = Promising(d, room)
        monkeypatch.setattr(d.handler, "handle", promising.handle)
        most_held = most_unsent = 0

        async def turn() -> None:
            nonlocal most_held, most_unsent
            for _ in range(20):
                await asyncio.sleep(0)
                most_held = max(most_held, d.dispatcher.held)
                most_unsent = max(most_unsent, len(promising.unsent))

        for start in range(0, FLOOD, 100):
            batch = [
                RawUpdate(key=str(number), lane=str(number % CHATS), payload={"key": "k", "text": "x"})
                for number in range(start, start + 100)
            ]
            assert await d.intake.receive("t", batch) == 100
            await turn()
        await d.clock.advance(30)
        await turn()
        assert len(promising.unsent) == most_unsent <= 1000 + CHATS, "the platform stands still"
        assert (most_held, d.dispatcher.fullness) == (5000, 1.0)
        assert d.dispatcher.size == d.dispatcher.held * len(b'{"key":"k","text":"x"}')

        async with asyncio.timeout(240):
            while await d.store.unclaimed(now=d.clock.ms()) or d.dispatcher.held:
                promising.send_all()
                await turn()
                await d.clock.advance(0.5)

        assert most_held == 5000
        assert most_unsent <= 1000 + CHATS
        assert sum(map(len, promising.said.values())) == FLOOD
        for lane, keys in promising.said.items():
            assert keys == [str(number) for number in range(int(lane), FLOOD, CHATS)]


async def test_after_a_restart_one_long_conversation_does_not_fill_the_memory(desk: Any) -> None:
    async with desk() as d:
        await d.stop()
        await d.push("a", *map(str, range(7000)))
        await d.push("b", "hello")
        store = d.store
    gate = asyncio.Event()

    async def room(channel: str, lane: str) -> None:
        if lane == "a":
            await gate.wait()

    async with desk(store=store, room=room) as d:
        await d.clock.advance(1)

        assert d.handler.texts("b") == ["hello"]
        assert d.dispatcher.held < 1000
        gate.set()
        async with asyncio.timeout(60):
            while len(d.handler.handled) < 7001:  # noqa: ASYNC110 - gives the others their turns
                await asyncio.sleep(0)
        assert d.handler.texts("a") == [str(number) for number in range(7000)]


async def test_a_batch_with_much_of_one_conversation_goes_through_the_store(desk: Any) -> None:
    async with desk(per_lane=5) as d:
        await d.push("a", *map(str, range(6)))
        assert d.dispatcher.held == 0
        await d.clock.advance(30)

        assert d.handler.texts() == [str(number) for number in range(6)]
