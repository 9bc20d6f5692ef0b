"""The runners of a house together: opened, doubted and closed without one being in the way of another."""

from __future__ import annotations

import asyncio

import pytest

from channels.contract import ChannelContext
from channels.errors import Unauthorized
from faq import FaqManager
from optfm_bot.blueprint import ChannelPlan, HouseSettings
from optfm_bot.clock import ManualClock
from optfm_bot.house import House
from optfm_bot.observe.metrics import Metrics
from optfm_bot.observe.observer import MetricsObserver
from optfm_bot.receive.runners import Runners
from optfm_bot.store.memory import MemoryStore
from optfm_bot.testing.platform import MemoryPlatform


class Platform(MemoryPlatform):
    """A platform that may break when it is closed."""

    broken = False
    closed = False

    async def close(self) -> None:
        if self.broken:
            raise ValueError("a bug of the channel's own")
        self.closed = True


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def platforms(clock: ManualClock) -> list[Platform]:
    return [Platform(ChannelContext(instance=name, clock=clock.now)) for name in ("one", "two")]


@pytest.fixture
def runners(clock: ManualClock, platforms: list[Platform]) -> Runners:
    house = House(
        [ChannelPlan(channel=platform) for platform in platforms],
        FaqManager([]),
        store=MemoryStore(),
        clock=clock,
        observer=MetricsObserver(Metrics(version="test")),
        settings=HouseSettings(join_window=0),
    )
    return house.runners


async def test_they_are_known_by_the_names_of_their_channels(runners: Runners) -> None:
    assert (list(runners), len(runners)) == (["one", "two"], 2)
    assert runners["two"].channel.instance == "two"
    assert runners.desk is None


async def test_a_channel_that_breaks_when_it_is_closed_leaves_no_other_open(
    runners: Runners, platforms: list[Platform]
) -> None:
    platforms[0].broken = True
    await runners.close()

    assert platforms[1].closed


async def test_nobody_waits_for_a_channel_that_is_gone_or_for_one_that_will_not_open_any_more(
    runners: Runners, clock: ManualClock
) -> None:
    stopping = asyncio.Event()
    await runners.opened("removed", stopping)
    waiting = asyncio.create_task(runners.opened("one", stopping))
    await clock.advance(1)
    assert not waiting.done()
    stopping.set()
    await clock.advance(1)

    assert waiting.done()


async def test_whoever_waits_for_a_channel_goes_on_when_it_is_open(
    runners: Runners, clock: ManualClock
) -> None:
    waiting = asyncio.create_task(runners.opened("one", asyncio.Event()))
    await clock.advance(0)
    runners["one"].opened.set()
    await clock.advance(0)

    assert waiting.done()


async def test_without_a_helpdesk_nothing_of_it_can_be_doubted(runners: Runners) -> None:
    runners.doubt_desk(Unauthorized("revoked"))

    assert {runner.status.now.healthy for runner in runners.values()} == {True}
