"""After an outage: the first call that succeeds wakes those that wait for nothing else, a few at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from channels.errors import ChannelError, RetryLater, Unreachable
from channels.model import Media, MediaKind, Receipt, Rendered
from optfm_bot.outbox.outgoing import DeliverySettings
from optfm_bot.store.records import OutboxState
from tests.unit.outbox.conftest import UNPACED

AWAY = Unreachable("refused", maybe_sent=False)
BROKEN = RetryLater("HTTP 502")
MANY = 40
PATIENT = DeliverySettings(per_chat=0, per_bot=0, max_attempts=1000, concurrency=8)


async def outage(d: Any, chats: int, seconds: float, error: ChannelError = AWAY) -> list[str]:
    """Let so many chats try in vain for so long, each begun at another moment; then the platform is there again."""
    names = [f"c{number}" for number in range(chats)]
    for name in names:
        d.platform.script[name] = [error] * 1000
        await d.promise(name, "1", "2")
        await d.clock.advance(0.7)
    await d.clock.advance(seconds)
    d.platform.script.clear()
    d.platform.calls.clear()
    assert d.platform.delivered == []
    return names


@pytest.mark.parametrize("error", [AWAY, BROKEN])
async def test_who_waits_for_the_platform_alone_goes_on_when_anybody_gets_through(
    desk: Any, error: ChannelError
) -> None:
    async with desk(PATIENT) as d:
        names = await outage(d, MANY, 600, error)
        await d.promise("new", "x")
        await d.clock.advance(0)

        assert all(d.platform.texts(name) == ["1", "2"] for name in names)
        assert set((await d.states()).values()) == {OutboxState.SENT}
        await d.burst()


async def test_they_do_not_all_come_in_one_instant(desk: Any) -> None:
    async with desk(DeliverySettings(per_chat=0, per_bot=0, max_attempts=1000, concurrency=32)) as d:
        await outage(d, MANY, 600)
        deliver = d.platform.deliver

        async def slowly(message: Rendered) -> Receipt:
            receipt: Receipt = await deliver(message)
            await d.clock.sleep(0.1)
            return receipt

        d.platform.deliver = slowly
        await d.promise("new", "x")
        under_way = []
        for _ in range(4):
            before = len(d.platform.calls)
            await d.clock.advance(0.1)
            under_way.append(len(d.platform.calls) - before)
        assert under_way[:3] == [1 + 2, 2 * 2 + 2, 6 * 2 + 4]  # each that got through is followed by two
        await d.clock.advance(1)
        assert len(d.platform.delivered) == 2 * MANY + 1


async def test_a_platform_that_is_gone_again_is_left_alone(desk: Any) -> None:
    async with desk(PATIENT) as d:
        names = await outage(d, MANY, 600)
        for name in names:
            d.platform.script[name] = [AWAY] * 1000
        await d.promise("new", "x")
        await d.clock.advance(0)
        assert len(d.platform.calls) <= 1 + 2


async def test_the_pace_of_the_bot_is_kept(desk: Any) -> None:
    settings = DeliverySettings(per_chat=0, per_bot=2, max_attempts=1000, concurrency=8)
    async with desk(settings) as d:
        await outage(d, 10, 600)
        await d.promise("new", "x")
        await d.clock.advance(4)
        assert 8 <= len(d.platform.calls) <= 2 + 2 * 4
        await d.clock.advance(10)
        assert len(d.platform.delivered) == 21


async def test_the_pace_of_a_chat_is_kept(desk: Any) -> None:
    settings = DeliverySettings(per_chat=0.1, per_bot=0, burst=1, max_attempts=1000)
    async with desk(settings) as d:
        d.platform.script["a"] = [AWAY] * 1000
        await d.promise("a", "1")
        await d.clock.advance(25)
        tried = d.times("a")[-1]
        d.platform.script.clear()
        await d.promise("b", "x")
        await d.clock.advance(60)
        assert d.times("a")[-1] >= tried + 10


async def test_a_moment_that_the_platform_named_is_kept(desk: Any) -> None:
    async with desk(PATIENT) as d:
        d.platform.script["a"] = [AWAY, AWAY, AWAY, RetryLater(after=timedelta(minutes=5), limited=False)]
        await d.promise("a", "1")
        await d.clock.advance(10)
        asked = d.times("a")[-1]
        await d.promise("b", "x")
        d.delivery.resume()
        await d.clock.advance(296)
        assert d.platform.texts("a") == []
        await d.clock.advance(10)
        assert d.times("a")[-1] == asked + 300


async def test_a_message_with_a_trouble_of_its_own_is_not_tried_each_time_that_others_get_through(
    desk: Any,
) -> None:
    async with desk(UNPACED) as d:
        d.platform.script["a"] = [AWAY] * 4
        await d.promise("a", "1")
        for number in range(300):
            await d.promise(f"b{number}", "x")
            await d.clock.advance(0.1)
        assert d.times("a") == [0, 1, 3, 7, 15]


async def test_to_be_there_again_wakes_who_waits_alone(desk: Any) -> None:
    async with desk(PATIENT) as d:
        await outage(d, 1, 600)
        d.delivery.resume()
        await d.clock.advance(0)
        assert d.platform.texts("c0") == ["1", "2"]


async def test_an_early_try_costs_no_message_its_last_chance(desk: Any) -> None:
    async with desk(UNPACED) as d:
        d.platform.script["a"] = [AWAY] * 20
        (row,) = await d.promise("a", "1")
        await d.clock.advance(64)
        assert len(d.times("a")) == UNPACED.max_attempts - 1
        for _ in range(60):
            d.delivery.resume()  # a poll each second is no reason to try each second
            await d.clock.advance(1)
        assert (await d.states())[row] is OutboxState.READY
        assert len(d.times("a")) == UNPACED.max_attempts - 1 + 12
        d.platform.script.clear()
        d.delivery.resume()
        await d.clock.advance(1)
        assert (await d.states())[row] is OutboxState.SENT


async def test_a_file_whose_origin_is_away_does_not_wait_for_the_platform(desk: Any) -> None:
    asked = 0

    async def fetch(_file: Media, _limit: int) -> bytes:
        nonlocal asked
        asked += 1
        raise AWAY

    bill = Media(kind=MediaKind.FILE, name="счёт.pdf", origin="freescout", file_id="7")
    async with desk(PATIENT, fetchers={"freescout": fetch}) as d:
        await d.promise("a", "1", media=(bill,))
        await d.clock.advance(4)
        before = asked
        for _ in range(5):
            d.delivery.resume()
            await d.clock.advance(0.1)
        assert asked == before


async def test_who_waits_for_the_platform_is_sent_away_when_the_house_stops(desk: Any) -> None:
    async with desk(PATIENT) as d:
        await outage(d, 3, 600)
        await d.delivery.stop(0)
        assert d.platform.calls == []
