"""The pace of one bot in several processes: together they keep it, and a pause is everybody's."""

from __future__ import annotations

from collections import Counter

import pytest

from optfm_bot.clock import ManualClock
from optfm_bot.cluster.pace import SharedPace
from optfm_bot.errors import StoreUnavailable
from optfm_bot.store.memory import MemoryStore
from optfm_bot.testing.cluster import MemoryCluster

RATE = 30.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def cluster(clock: ManualClock) -> MemoryCluster:
    return MemoryCluster(MemoryStore(), clock)


def shared(cluster: MemoryCluster, per_bot: float = RATE) -> SharedPace:
    return SharedPace(cluster.door(), cluster.clock, channel="t", per_bot=per_bot)


async def moments(paces: list[SharedPace], clock: ManualClock, messages: int) -> list[float]:
    """When messages may leave (seconds from now) that many processes ask for in turns, all at once."""
    now = clock.monotonic()
    return [await paces[number % len(paces)].reserve(now) for number in range(messages)]


@pytest.mark.parametrize("processes", [1, 2, 3])
async def test_processes_keep_one_pace_together(
    cluster: MemoryCluster, clock: ManualClock, processes: int
) -> None:
    waits = await moments([shared(cluster) for _ in range(processes)], clock, 150)

    by_second = Counter(int(wait) for wait in waits)
    assert sum(wait == 0 for wait in waits) <= RATE
    # After the burst no second has more than the rate, but for one block of each process.
    assert max(count for second, count in by_second.items() if second > 0) <= RATE + 3 * processes
    assert 3.5 <= max(waits) <= 4.5


async def test_most_messages_cost_no_question(
    cluster: MemoryCluster, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pace = shared(cluster)
    asked = []
    reserve = cluster.doors[0].reserve

    async def counted(channel: str, *, rate: float, burst: int, tokens: int) -> float:
        asked.append(tokens)
        return await reserve(channel, rate=rate, burst=burst, tokens=tokens)

    monkeypatch.setattr(cluster.doors[0], "reserve", counted)
    for _ in range(30):
        assert await pace.reserve(clock.monotonic()) == 0

    assert asked == [3] * 10


async def test_a_place_is_ready_when_it_is_at_hand(cluster: MemoryCluster, clock: ManualClock) -> None:
    pace = shared(cluster)
    assert not pace.ready(clock.monotonic()), "nobody knows yet"
    assert await pace.reserve(clock.monotonic()) == 0
    assert pace.ready(clock.monotonic())
    for _ in range(2):
        await pace.reserve(clock.monotonic())
    assert not pace.ready(clock.monotonic()), "the block is used up"


async def test_places_that_nobody_used_are_given_up(cluster: MemoryCluster, clock: ManualClock) -> None:
    pace = shared(cluster)
    await pace.reserve(clock.monotonic())
    await clock.advance(1)

    assert not pace.ready(clock.monotonic())
    assert await pace.reserve(clock.monotonic()) == 0
    assert cluster.paces["t"].tokens == RATE - 3, "saved up, they would be a burst that nobody counted"


async def test_places_that_have_to_be_waited_for_are_not_ready_before(
    cluster: MemoryCluster, clock: ManualClock
) -> None:
    one, two = shared(cluster, 10), shared(cluster, 10)
    for _ in range(10):
        assert await one.reserve(clock.monotonic()) == 0
    assert await two.reserve(clock.monotonic()) == pytest.approx(0.1)
    assert not two.ready(clock.monotonic())
    await clock.advance(0.2)
    assert await two.reserve(clock.monotonic()) == 0


async def test_a_slow_bot_takes_one_place_at_a_time(cluster: MemoryCluster, clock: ManualClock) -> None:
    one, two = shared(cluster, 0.5), shared(cluster, 0.5)

    assert [await pace.reserve(clock.monotonic()) for pace in (one, two, one)] == [
        0,
        pytest.approx(2),
        pytest.approx(4),
    ]


async def test_a_pause_is_heard_by_all(cluster: MemoryCluster, clock: ManualClock) -> None:
    one, two = shared(cluster), shared(cluster)
    await one.reserve(clock.monotonic())
    await one.pause(10)

    assert not one.ready(clock.monotonic())
    assert await two.reserve(clock.monotonic()) == pytest.approx(10)
    assert await one.reserve(clock.monotonic()) >= 10
    await one.pause(1)
    assert await shared(cluster).reserve(clock.monotonic()) >= 10, "a shorter one takes nothing back"
    await clock.advance(11)
    assert await two.reserve(clock.monotonic()) == 0


async def test_what_gathered_during_a_pause_leaves_at_the_pace(
    cluster: MemoryCluster, clock: ManualClock
) -> None:
    one, two = shared(cluster), shared(cluster)
    await one.pause(60)
    waits = await moments([one, two], clock, 120)
    await clock.advance(60)
    waits += [60 + wait for wait in await moments([one, two], clock, 30)]

    assert min(waits) >= 60
    by_second = Counter(int(wait + 1e-6) - 60 for wait in waits)
    assert by_second[0] <= RATE + 6
    assert max(count for second, count in by_second.items() if second > 0) <= RATE + 6


async def test_a_registry_that_is_away_is_told_to_whoever_asks(
    cluster: MemoryCluster, clock: ManualClock
) -> None:
    pace = shared(cluster)
    cluster.doors[0].reachable = False
    with pytest.raises(StoreUnavailable):
        await pace.reserve(clock.monotonic())
    with pytest.raises(StoreUnavailable):
        await pace.pause(1)
    cluster.doors[0].reachable = True

    assert await pace.reserve(clock.monotonic()) == 0
