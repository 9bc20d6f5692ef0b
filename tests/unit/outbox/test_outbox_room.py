"""Room in an outbox: who is let in, who waits, and for whom."""

from __future__ import annotations

import asyncio

import pytest

from optfm_bot.outbox.room import Room


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def full_of(room: Room, *lanes: str) -> Room:
    for lane in lanes:
        room.take(lane)
    return room


async def test_while_there_is_room_nobody_waits() -> None:
    room = full_of(Room(total=3, per_chat=2), "a", "b")
    async with asyncio.timeout(1):
        await room.wait("a")
    assert (room.full, list(room.crowded)) == (False, [])


async def test_everybody_waits_for_a_full_outbox() -> None:
    room = full_of(Room(total=3, per_chat=2), "a", "b", "c")
    waiting = [asyncio.create_task(room.wait(lane)) for lane in ("a", "d")]
    await turns()
    assert room.full
    assert not any(one.done() for one in waiting)
    room.leave("b")
    await turns()

    assert all(one.done() for one in waiting)


async def test_a_chat_waits_until_it_is_shorter_itself() -> None:
    room = full_of(Room(total=10, per_chat=2), "a", "a", "a", "b")
    waiting = asyncio.create_task(room.wait("a"))
    for lane in ("b", "a"):
        room.leave(lane)
        await turns()
        assert list(room.crowded) == ["a"]
        assert not waiting.done()
    room.leave("a")
    await turns()

    assert waiting.done()
    assert list(room.crowded) == []


@pytest.mark.parametrize("lanes", [("a", "a"), ("a", "b", "c")], ids=["a long chat", "a full outbox"])
async def test_an_open_room_holds_nobody_back_whatever_comes(lanes: tuple[str, ...]) -> None:
    room = full_of(Room(total=3, per_chat=2), *lanes)
    waiting = asyncio.create_task(room.wait("a"))
    await turns()
    assert not waiting.done()
    room.open()
    full_of(room, *"abc" * 5)
    await turns()

    assert waiting.done()
    async with asyncio.timeout(1):
        await room.wait("a")


async def test_what_has_left_is_forgotten() -> None:
    room = Room(total=3, per_chat=2)
    for number in range(100):
        room.take(str(number))
        room.leave(str(number))
    assert (len(room._waiting), len(room._shorter), room.full) == (0, 0, False)
