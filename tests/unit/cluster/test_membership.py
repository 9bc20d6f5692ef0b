"""The life of a member: it takes its share, keeps it while it is sure, and drops it when the others took over."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import pytest

from optfm_bot.clock import unfinished
from optfm_bot.cluster.registry import BEAT_SECONDS, GONE_SECONDS, LEASE_SECONDS, SURE_SECONDS
from optfm_bot.errors import StoreUnavailable
from optfm_bot.shards import SHARDS
from optfm_bot.testing.cluster import MemoryRegistry

BALANCED = {"receive:t", "housekeeping"}


class ForgetfulRegistry(MemoryRegistry):
    """Does what it is asked, and its answer is lost as often as a test says."""

    lose_takes = 0
    lose_gives = 0
    lose_joins = 0

    async def take(self, tenure: int, names: Collection[str]) -> Collection[str]:
        taken = await super().take(tenure, names)
        if names and self.lose_takes:
            self.lose_takes -= 1
            raise StoreUnavailable
        return taken

    async def give(self, tenure: int, names: Collection[str]) -> None:
        await super().give(tenure, names)
        if self.lose_gives:
            self.lose_gives -= 1
            raise StoreUnavailable

    async def join(self, *given: Any) -> int:
        tenure = await super().join(*given)
        if self.lose_joins:
            self.lose_joins -= 1
            raise StoreUnavailable
        return tenure


# -- joining and sharing -------------------------------------------------------------------------------


async def test_a_member_that_is_alone_takes_everything(cluster: Any) -> None:
    one = await cluster.member()

    assert one.shares == SHARDS
    assert set(one.duties) == BALANCED
    assert one.tenant.story == ["joined 1", "prepare", "took"]
    assert (one.membership.tenure, one.membership.name) == (1, "1")
    assert one.membership.owns("any:lane")
    assert one.membership.lasts(1)
    assert not one.membership.lasts(2)
    assert not one.membership.lasts(None)


async def test_nothing_is_owned_before_what_others_left_is_taken_up(cluster: Any) -> None:
    one = await cluster.member()
    one.tenant.gate.clear()
    cluster.memory.remove(1)
    await cluster.clock.advance(30)

    assert one.tenant.story[-3:] == ["displaced", "joined 2", "prepare"]
    assert one.shares == 0
    assert one.membership.tenure == 2, "heartbeats go on meanwhile"
    one.tenant.gate.set()
    await cluster.clock.advance(0)
    assert one.shares == SHARDS


async def test_a_second_member_gets_half_within_two_seconds(cluster: Any) -> None:
    one = await cluster.member()
    two = await cluster.member()

    assert cluster.divided
    assert (one.shares, two.shares) == (SHARDS // 2, SHARDS // 2)
    assert sorted([*one.duties, *two.duties]) == sorted(BALANCED), "a duty is one's, and stays where it is"
    assert one.membership.members == two.membership.members == 2


async def test_shards_change_hands_only_when_what_was_under_way_is_finished(cluster: Any) -> None:
    one = await cluster.member()
    one.tenant.leaving_gate.clear()
    two = await cluster.member()
    await cluster.clock.advance(30)

    assert one.shares == SHARDS // 2, "what is being given away takes nothing new"
    assert two.shares == 0
    assert "displaced" not in one.tenant.story, "heartbeats go on meanwhile"
    one.tenant.leaving_gate.set()
    await cluster.clock.advance(1)
    assert cluster.divided
    assert two.shares == SHARDS // 2


async def test_shards_that_must_be_given_before_they_are_ready_are_never_owned(cluster: Any) -> None:
    one = await cluster.member()
    await one.killed()
    cluster.memory.remove(1)
    cluster.members.remove(one)
    two = await cluster.member()
    two.tenant.gate.clear()
    cluster.memory.remove(2)
    await cluster.clock.advance(1)
    three = await cluster.member()
    assert (two.shares, three.shares) == (0, 0)
    two.tenant.gate.set()
    await cluster.clock.advance(2)

    assert cluster.divided
    assert (two.shares, three.shares) == (SHARDS // 2, SHARDS // 2)


async def test_three_members_share_and_only_those_with_the_role_do(cluster: Any) -> None:
    worker, web, poller, another = [
        await cluster.member(roles) for roles in ("worker", "web", "poller", "worker")
    ]

    assert cluster.divided
    assert [one.shares for one in (worker, web, poller, another)] == [SHARDS // 2, 0, 0, SHARDS // 2]
    assert (worker.duties, web.duties, poller.duties) == (["housekeeping"], [], ["receive:t"])


# -- dying ---------------------------------------------------------------------------------------------


async def test_every_member_knows_when_nobody_answers_any_more(cluster: Any) -> None:
    web = await cluster.member("web")
    assert set(web.membership.missing) == {"worker", "poller"}
    worker, _ = await cluster.member("worker"), await cluster.member("poller")
    assert not web.membership.missing
    await worker.killed()
    await cluster.clock.advance(GONE_SECONDS + BEAT_SECONDS)

    assert set(web.membership.missing) == {"worker"}


async def test_the_shards_of_one_that_was_killed_are_taken_within_seconds(cluster: Any) -> None:
    one, two = await cluster.member(), await cluster.member()
    await one.killed()
    await cluster.clock.advance(GONE_SECONDS - BEAT_SECONDS - 0.1)
    assert two.shares == SHARDS // 2
    await cluster.clock.advance(2 * BEAT_SECONDS + 0.1)

    assert two.shares == SHARDS
    assert set(two.duties) == BALANCED, "and so are its duties"
    assert two.membership.members == 1


async def test_one_that_stands_still_keeps_its_shards_for_a_lease_and_no_longer(cluster: Any) -> None:
    one, two = await cluster.member(), await cluster.member()
    await cluster.clock.advance(LEASE_SECONDS + 1)
    one.door.reachable = False
    await cluster.clock.advance(LEASE_SECONDS - BEAT_SECONDS)
    assert two.shares == SHARDS // 2
    await cluster.clock.advance(3 * BEAT_SECONDS)

    assert two.shares == SHARDS
    assert set(two.duties) == BALANCED


async def test_one_that_has_just_come_back_takes_nobody_for_dead(cluster: Any) -> None:
    """Who was cut off itself cannot know who was silent."""
    one, two = await cluster.member(), await cluster.member()
    await cluster.clock.advance(LEASE_SECONDS + 1)
    one.door.reachable = two.door.reachable = False
    await cluster.clock.advance(LEASE_SECONDS + 1)
    one.door.reachable = True
    await cluster.clock.advance(1)
    assert 2 in cluster.memory.members
    two.door.reachable = True
    await cluster.clock.advance(LEASE_SECONDS + 1)

    assert (one.membership.tenure, two.membership.tenure) == (1, 2)
    assert "displaced" not in [*one.tenant.story, *two.tenant.story]
    assert cluster.divided


async def test_one_that_was_cut_off_is_not_certain_any_more_and_begins_anew(cluster: Any) -> None:
    one, two = await cluster.member(), await cluster.member()
    await cluster.clock.advance(LEASE_SECONDS + 1)
    assert await one.membership.certain(1)

    one.door.reachable = False
    await cluster.clock.advance(SURE_SECONDS + BEAT_SECONDS)
    asked = asyncio.create_task(one.membership.certain(1))
    await cluster.clock.advance(LEASE_SECONDS)
    assert not asked.done(), "while it cannot be known, nothing may happen"
    assert one.membership.lasts(1), "nor is anything dropped"
    assert two.shares == SHARDS

    one.door.reachable = True
    await cluster.clock.advance(1)
    assert asked.done()
    assert await asked is False
    assert "displaced" in one.tenant.story
    assert not one.membership.lasts(1)
    await cluster.clock.advance(2)
    assert one.membership.tenure == 3
    assert "joined 3" in one.tenant.story
    assert cluster.divided
    assert (one.shares, two.shares) == (SHARDS // 2, SHARDS // 2)


async def test_a_short_interruption_changes_nothing_and_certainty_comes_back(cluster: Any) -> None:
    one, _ = await cluster.member(), await cluster.member()
    await cluster.clock.advance(LEASE_SECONDS + 1)
    one.door.reachable = False
    await cluster.clock.advance(SURE_SECONDS + 0.3)
    asked = asyncio.create_task(one.membership.certain(1))
    await cluster.clock.advance(0.2)
    assert not asked.done()
    one.door.reachable = True
    await cluster.clock.advance(0.3)

    assert asked.done()
    assert await asked is True
    assert "displaced" not in one.tenant.story


async def test_certainty_never_lasts_until_others_may_take_over(cluster: Any) -> None:
    """Whatever the moment of asking: from the last sign of life on, no yes is heard after the lease."""
    one, two = await cluster.member(), await cluster.member()
    await cluster.clock.advance(LEASE_SECONDS + 1)
    one.door.reachable = False
    sure_until = cluster.clock.monotonic()
    while two.shares < SHARDS:
        asked = asyncio.create_task(one.membership.certain(1))
        await cluster.clock.advance(0.05)
        if asked.done():
            sure_until = cluster.clock.monotonic()
        else:
            asked.cancel()
    taken_over = cluster.clock.monotonic()

    assert taken_over - sure_until > (LEASE_SECONDS - SURE_SECONDS) / 2


async def test_the_fence_makes_a_member_look_at_once(cluster: Any) -> None:
    one = await cluster.member()
    await cluster.clock.advance(0.1)
    cluster.memory.remove(1)
    one.membership.ended(99)
    await cluster.clock.advance(0)
    assert one.membership.tenure == 1, "that was somebody else's"
    one.membership.ended(1)
    await cluster.clock.advance(0)

    assert one.membership.tenure == 2
    await cluster.clock.advance(0.1)
    assert one.shares == SHARDS


async def test_one_that_was_displaced_while_it_gave_away_does_not_go_on_giving(cluster: Any) -> None:
    """What was under way is somebody else's; waiting for it would keep the next share from being taken up."""
    one = await cluster.member()
    one.tenant.leaving_gate.clear()
    await cluster.member()
    assert one.tenant.story[-1] == "leave"
    cluster.memory.remove(1)
    await cluster.clock.advance(3)

    assert one.membership.tenure == 3
    assert cluster.divided
    assert one.shares == SHARDS // 2
    assert not one.tenant.left


# -- duties --------------------------------------------------------------------------------------------


async def test_whoever_waits_for_a_duty_hears_of_its_coming_and_going(cluster: Any) -> None:
    one = await cluster.member("poller")
    two = await cluster.member("poller")
    gained = asyncio.create_task(two.membership.duties["receive:t"].changed())
    lost = asyncio.create_task(one.membership.duties["receive:t"].changed())
    await cluster.clock.advance(10)
    assert not gained.done()
    assert not lost.done()
    one.door.reachable = False
    await cluster.clock.advance(LEASE_SECONDS + 2 * BEAT_SECONDS)

    assert gained.done()
    assert two.duties == ["receive:t"]
    one.door.reachable = True
    await cluster.clock.advance(1)
    assert lost.done()
    assert one.duties == []


# -- ending --------------------------------------------------------------------------------------------


async def test_one_that_ends_in_peace_frees_everything_at_once(cluster: Any) -> None:
    one, two = await cluster.member(), await cluster.member()
    one.stop.set()
    await cluster.clock.advance(BEAT_SECONDS)
    await one.membership.end()
    await cluster.clock.advance(0.1)  # less than a beat: it was told

    assert two.shares == SHARDS
    assert set(two.duties) == BALANCED
    assert one.duties == []
    assert not one.membership.lasts(1)
    await one.membership.end()  # again, and nothing happens


async def test_one_that_cannot_say_goodbye_ends_nevertheless(cluster: Any) -> None:
    one = await cluster.member()
    one.stop.set()
    await cluster.clock.advance(BEAT_SECONDS)
    one.door.reachable = False
    await one.membership.end()

    assert not one.membership.lasts(1)
    assert one.duties == []


# -- answers that get lost -----------------------------------------------------------------------------


@pytest.mark.parametrize("lost", ["lose_takes", "lose_joins"])
async def test_a_lost_answer_leaves_no_shard_without_an_owner(cluster: Any, lost: str) -> None:
    door = ForgetfulRegistry(cluster.memory)
    setattr(door, lost, 1)
    one = await cluster.member(door=door)
    await cluster.clock.advance(2 * LEASE_SECONDS)

    assert one.shares == SHARDS
    assert cluster.divided
    assert set(one.duties) == BALANCED


async def test_a_lost_answer_to_giving_back_is_asked_for_again(cluster: Any) -> None:
    door = ForgetfulRegistry(cluster.memory)
    door.lose_gives = 2
    one = await cluster.member(door=door)
    two = await cluster.member()
    await cluster.clock.advance(3)

    assert cluster.divided
    assert (one.shares, two.shares) == (SHARDS // 2, SHARDS // 2)


async def test_a_join_is_tried_until_the_registry_can_be_reached(cluster: Any) -> None:
    door = cluster.memory.door()
    door.reachable = False
    cluster.memory.doors.remove(door)
    one = await cluster.member(door=door)
    await cluster.clock.advance(60)
    assert one.membership.tenure == 0
    door.reachable = True
    await cluster.clock.advance(1)

    assert one.shares == SHARDS


# -- trouble of our own --------------------------------------------------------------------------------


async def test_a_house_that_cannot_take_up_what_is_left_begins_again_with_everything(cluster: Any) -> None:
    one = await cluster.member()
    cluster.memory.remove(1)
    one.tenant.errors = [RuntimeError("broken")]
    await cluster.clock.advance(1)
    assert one.task is not None
    assert not await unfinished([one.task], cluster.clock, 0)
    with pytest.raises(RuntimeError, match="broken"):
        one.task.result()
    assert one.tenant.story[-1] == "displaced"
    assert one.duties == []

    await one.begin()  # as the supervisor does
    await cluster.clock.advance(2)
    assert one.shares == SHARDS, "what the last tenure took is not waited for"
    assert set(one.duties) == BALANCED
    assert set(cluster.memory.members) == {one.membership.tenure}
