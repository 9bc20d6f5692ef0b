"""What members rely on, wherever they meet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from optfm_bot.cluster.plan import ROLES, SHARD_LEASES, Role
from optfm_bot.cluster.registry import GONE_SECONDS, LEASE_SECONDS, Evicted, Registry
from optfm_bot.errors import StoreUnavailable
from optfm_bot.store.contract import Store
from optfm_bot.store.records import NewUpdate
from tests.conformance.cluster.conftest import Ears, Ground

ALL = ROLES["all"]
DUTIES = ["receive:t", "housekeeping"]
ONE, TWO, THREE = "shard:00", "shard:01", "shard:02"


async def joined(ground: Ground, roles: frozenset[Role] = ALL) -> tuple[Registry, int]:
    door = await ground.door()
    return door, await door.join(roles, DUTIES)


async def evicted(call: Callable[[], Awaitable[object]]) -> None:
    """Wait until a call learns that its member was removed. A connection that was cut just now is tried again first."""
    with pytest.raises(Evicted):
        while True:
            try:
                await call()
            except StoreUnavailable:
                continue
            break


async def holders(door: Registry, tenure: int, *names: str) -> list[int | None]:
    view = await door.beat(tenure, steady=False)
    return [view.leases[name] for name in names]


async def stored(store: Store, owner: int) -> None:
    async with store.unit() as unit:
        update = NewUpdate(channel="t", key="1", lane="t:1", payload=b"{}")
        unit.inbox.add(update, received_at=1, owner=str(owner), lease_until=10_000)


async def claimed(store: Store) -> int:
    return len(await store.claim(owner="heir", now=100, lease_until=10_000, limit=9))


# -- members -------------------------------------------------------------------------------------------


async def test_members_see_each_other_and_every_lease(ground: Ground) -> None:
    one, first = await joined(ground)
    two, second = await joined(ground, ROLES["web"])
    view = await one.beat(first, steady=True)

    assert first != second
    assert view.members == {first: ALL, second: ROLES["web"]}
    assert set(view.leases) == {*SHARD_LEASES, *DUTIES}
    assert set(view.leases.values()) == {None}
    assert await two.beat(second, steady=False) == view


async def test_tenures_are_never_given_again(ground: Ground) -> None:
    door, first = await joined(ground)
    await door.leave(first)
    _, second = await joined(ground)

    assert second > first


async def test_a_lease_is_one_members_until_it_is_given_back(ground: Ground) -> None:
    one, first = await joined(ground)
    two, second = await joined(ground)

    assert set(await one.take(first, [ONE, "receive:t"])) == {ONE, "receive:t"}
    assert set(await two.take(second, [ONE, TWO, "receive:t"])) == {TWO}
    assert await holders(two, second, ONE, TWO, "receive:t") == [first, second, first]
    await two.give(second, [ONE])
    assert await holders(two, second, ONE) == [first], "nobody gives away what is another's"
    await one.give(first, [ONE, "receive:t"])
    assert await holders(one, first, ONE, "receive:t") == [None, None]
    assert set(await two.take(second, [ONE])) == {ONE}


async def test_what_does_not_exist_cannot_be_taken(ground: Ground) -> None:
    one, first = await joined(ground)

    assert set(await one.take(first, [])) == set()
    await one.give(first, [])
    await one.give(first, [TWO])


async def test_members_that_reach_for_the_same_at_once_each_get_something_of_their_own(
    ground: Ground,
) -> None:
    doors = [await joined(ground) for _ in range(3)]
    taken = await asyncio.gather(*(door.take(tenure, SHARD_LEASES) for door, tenure in doors))

    assert sum(len(names) for names in taken) <= len(SHARD_LEASES)
    assert len(set().union(*taken)) == sum(len(names) for names in taken)
    view = await doors[0][0].beat(doors[0][1], steady=False)
    for (_, tenure), names in zip(doors, taken, strict=True):
        assert {name for name, holder in view.leases.items() if holder == tenure} == set(names)


async def test_who_leaves_frees_everything_at_once(ground: Ground) -> None:
    store = await ground.store()
    one, first = await joined(ground)
    two, second = await joined(ground)
    await one.take(first, [ONE, "housekeeping"])
    await stored(store, first)
    await one.leave(first)

    assert await holders(two, second, ONE, "housekeeping") == [None, None]
    assert set((await two.beat(second, steady=False)).members) == {second}
    assert await claimed(store) == 1, "and what it held is anybody's"
    await evicted(lambda: one.beat(first, steady=False))
    await evicted(lambda: one.take(first, [ONE]))


# -- the dead and the silent ---------------------------------------------------------------------------


async def test_who_has_died_is_removed_by_whoever_looks(ground: Ground) -> None:
    store = await ground.store()
    one, first = await joined(ground)
    two, second = await joined(ground)
    await one.take(first, [ONE, "receive:t"])
    await stored(store, first)
    await ground.die(one, first)
    assert set((await two.beat(second, steady=False)).members) == {first, second}, "it may be connecting anew"
    assert await claimed(store) == 0
    await ground.silent(first, GONE_SECONDS)
    view = await two.beat(second, steady=False)

    assert set(view.members) == {second}
    assert (view.leases[ONE], view.leases["receive:t"]) == (None, None)
    assert await claimed(store) == 1


async def test_who_is_silent_keeps_everything_until_its_lease_is_over(ground: Ground) -> None:
    one, first = await joined(ground)
    two, second = await joined(ground)
    await one.take(first, [ONE])
    await ground.silent(first, LEASE_SECONDS - 1)
    assert first in (await two.beat(second, steady=True)).members, "its connection is there"
    await ground.silent(first, 1.1)
    assert first in (await two.beat(second, steady=False)).members, "who was away itself cannot know"

    view = await two.beat(second, steady=True)
    assert set(view.members) == {second}
    assert view.leases[ONE] is None
    await evicted(lambda: one.beat(first, steady=True))


async def test_a_sign_of_life_counts_from_its_moment(ground: Ground) -> None:
    one, first = await joined(ground)
    two, second = await joined(ground)
    for _ in range(3):
        await ground.silent(first, LEASE_SECONDS - 1)
        await one.beat(first, steady=False)

    assert first in (await two.beat(second, steady=True)).members


async def test_who_was_removed_joins_again_under_another_tenure(ground: Ground) -> None:
    one, first = await joined(ground)
    two, second = await joined(ground)
    await one.take(first, [ONE])
    await ground.silent(first, LEASE_SECONDS + 1)
    await two.beat(second, steady=True)
    await evicted(lambda: one.take(first, [TWO]))
    await one.give(first, [ONE])
    third = await one.join(ALL, DUTIES)

    assert third > second
    assert set(await one.take(third, [ONE])) == {ONE}
    assert set((await one.beat(third, steady=False)).members) == {second, third}
    await ground.silent(third, LEASE_SECONDS - 1)
    assert third in (await two.beat(second, steady=True)).members


async def test_two_who_remove_the_same_do_no_harm(ground: Ground) -> None:
    _, first = await joined(ground)
    others = [await joined(ground) for _ in range(2)]
    await ground.silent(first, LEASE_SECONDS + 1)
    views = await asyncio.gather(*(door.beat(tenure, steady=True) for door, tenure in others))

    assert [first in view.members for view in views] == [False, False]
    assert {tenure for _, tenure in others} == set(views[0].members)


# -- pace ----------------------------------------------------------------------------------------------


async def test_places_are_given_in_turn_to_whoever_asks(ground: Ground) -> None:
    one, two = await ground.door(), await ground.door()

    assert await one.reserve("t", rate=10, burst=10, tokens=5) == 0
    assert await two.reserve("t", rate=10, burst=10, tokens=5) == 0
    assert await two.reserve("t", rate=10, burst=10, tokens=5) == pytest.approx(0.5, abs=0.4)
    assert await one.reserve("t", rate=10, burst=10, tokens=50) == pytest.approx(5.5, abs=1)
    assert await one.reserve("another", rate=10, burst=10, tokens=10) == 0


async def test_places_are_earned_with_time_up_to_the_burst(ground: Ground) -> None:
    one = await ground.door()
    await one.reserve("t", rate=1, burst=2, tokens=10)
    await ground.passes(5)
    assert await one.reserve("t", rate=1, burst=2, tokens=1) == pytest.approx(4, abs=0.9)
    await ground.passes(1000)

    assert await one.reserve("t", rate=1, burst=2, tokens=2) == 0
    assert await one.reserve("t", rate=1, burst=2, tokens=2) == pytest.approx(2, abs=0.9)


async def test_a_pause_holds_for_everybody_and_only_the_longest_counts(ground: Ground) -> None:
    one, two = await ground.door(), await ground.door()
    await one.reserve("t", rate=10, burst=10, tokens=1)
    await one.pause("t", 60)
    await two.pause("t", 5)
    assert await two.reserve("t", rate=10, burst=10, tokens=1) == pytest.approx(60, abs=2)
    assert await one.reserve("another", rate=10, burst=10, tokens=1) == 0
    await ground.passes(65)

    assert await two.reserve("t", rate=10, burst=10, tokens=1) == 0


async def test_a_pause_may_come_before_any_message(ground: Ground) -> None:
    one = await ground.door()
    await one.pause("t", 60)

    assert await one.reserve("t", rate=10, burst=10, tokens=1) == pytest.approx(60, abs=2)


async def test_what_is_asked_for_in_a_pause_leaves_one_after_another_when_it_is_over(ground: Ground) -> None:
    one = await ground.door()
    await one.reserve("t", rate=1, burst=3, tokens=3)
    await one.pause("t", 60)
    waits = [await one.reserve("t", rate=1, burst=3, tokens=1) for _ in range(5)]

    assert waits == [pytest.approx(60 + number, abs=2) for number in range(1, 6)]
    assert all(later - earlier == pytest.approx(1, abs=0.9) for earlier, later in pairwise(waits))
    await ground.passes(60)
    assert await one.reserve("t", rate=1, burst=3, tokens=1) == pytest.approx(6, abs=2), (
        "none was earned in it"
    )


# -- notices -------------------------------------------------------------------------------------------


async def test_what_one_tells_the_others_hear_and_not_itself(ground: Ground) -> None:
    mine, his, hers = Ears(), Ears(), Ears()
    one = await ground.door(mine.hear)
    two = await ground.door(his.hear)
    await ground.door(hers.hear)
    one.tell("inbox", "5")
    await his.until(("inbox", "5"))
    await hers.until(("inbox", "5"))
    two.tell("person", "t:1")
    await mine.until(("person", "t:1"))
    await hers.until(("person", "t:1"))

    assert mine.heard == [("person", "t:1")]
    assert his.heard == [("inbox", "5")]


async def test_notices_are_heard_in_their_order_and_unchanged(ground: Ground) -> None:
    ears = Ears()
    await ground.door(ears.hear)
    one = await ground.door()
    told = [("outbox", f"t {number} «ё» \U0001f600\x00'\"\\") for number in range(300)]
    for notice in told:
        one.tell(*notice)
    await ears.until(told[-1])

    assert ears.heard == told


async def test_who_begins_to_listen_is_told_that_it_may_have_missed_something(ground: Ground) -> None:
    ears = Ears()
    await ground.door(ears.hear)

    assert ears.missed == 1


async def test_who_has_closed_hears_nothing_and_may_close_again(ground: Ground) -> None:
    ears, others = Ears(), Ears()
    one = await ground.door(ears.hear)
    await ground.door(others.hear)
    two = await ground.door()
    await one.close()
    await one.close()
    two.tell("inbox", "1")
    await others.until(("inbox", "1"))

    assert ears.heard == []
