"""The dispatcher: a conversation in order, conversations in parallel, nothing lost, nothing in anybody's way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from channels.errors import BadPayload
from optfm_bot.errors import StoreConflict, StoreOutdated, StoreUnavailable


async def test_each_conversation_is_handled_in_its_order(desk: Any) -> None:
    async with desk() as d:
        for number in range(20):
            for lane in "abc":
                await d.push(lane, f"{lane}{number}")
        await d.clock.advance(0)

        for lane in "abc":
            assert d.handler.texts(lane) == [f"{lane}{number}" for number in range(20)]
        assert d.dispatcher.held == 0


async def test_a_slow_conversation_holds_nobody_back(desk: Any) -> None:
    async with desk() as d:
        d.handler.gates["slow"] = asyncio.Event()
        await d.push("a", "slow", "after")
        await d.push("b", "quick")
        await d.clock.advance(0)
        assert d.handler.texts() == ["quick"]
        d.handler.gates["slow"].set()
        await d.dispatcher.idle()

        assert d.handler.texts("a") == ["slow", "after"]


async def test_a_duplicate_is_handled_once(desk: Any) -> None:
    async with desk() as d:
        assert await d.push("a", "1", key="k") == 1
        assert await d.push("a", "1", key="k") == 0
        await d.clock.advance(0)

        assert d.handler.texts() == ["1"]
        assert d.dispatcher.held == 0


async def test_an_update_that_cannot_be_read_is_parked_and_the_rest_handled(desk: Any) -> None:
    async with desk() as d:
        d.handler.unreadable["poison"] = BadPayload("nonsense")
        await d.push("a", "1", "poison", "2")
        await d.clock.advance(0)

        (parked,) = await d.store.parked()
        assert parked.error == "cannot be read: nonsense"
        assert (d.handler.texts(), d.observer.channels) == (["1", "2"], ["t"])
        assert d.dispatcher.held == 0


async def test_what_fails_is_tried_again_after_1_5_and_20_seconds(desk: Any) -> None:
    async with desk() as d:
        d.handler.script["1"] = [KeyError("bug")] * 3
        await d.push("a", "1", "2")
        start = d.clock.monotonic()
        await d.clock.advance(30)

        assert [at - start for at in d.handler.times("1")] == [0, 1, 6, 26]
        assert d.handler.texts() == ["1", "2"]
        assert await d.store.parked() == []


async def test_what_always_fails_is_parked_after_the_last_try(desk: Any) -> None:
    async with desk() as d:
        d.handler.script["1"] = [KeyError("bug")] * 99
        await d.push("a", "1", "2")
        await d.clock.advance(30)

        (parked,) = await d.store.parked()
        assert (parked.attempts, parked.error) == (3, "KeyError: 'bug'")
        assert len(d.handler.times("1")) == 4
        assert d.handler.texts() == ["2"]


async def test_a_store_that_is_down_costs_no_try(desk: Any) -> None:
    async with desk() as d:
        d.handler.script["1"] = [StoreUnavailable()] * 50
        await d.push("a", "1", "2")
        await d.clock.advance(30)

        assert d.handler.texts() == ["1", "2"]
        assert (await d.store.parked(), d.observer.channels) == ([], [])


async def test_parking_waits_for_the_store(desk: Any) -> None:
    async with desk() as d:
        d.handler.unreadable["poison"] = BadPayload("nonsense")
        await d.push("a", "poison", "2")
        d.store.down = True
        await d.clock.advance(5)
        assert d.handler.texts() == []
        d.store.down = False
        await d.clock.advance(1)

        assert len(await d.store.parked()) == 1
        assert d.handler.texts() == ["2"]


async def test_what_somebody_else_has_done_is_let_go(desk: Any) -> None:
    async with desk() as d:
        d.handler.gates["1"] = asyncio.Event()
        d.handler.script["1"] = [StoreConflict()]
        await d.push("a", "1", "2")
        await d.clock.advance(0)
        async with d.store.unit() as unit:
            unit.inbox.done(1, at=0)
        d.handler.gates["1"].set()
        await d.clock.advance(0)

        assert len(d.handler.times("1")) == 1
        assert d.handler.texts() == ["2"]


async def test_a_conflict_over_an_update_that_nobody_has_done_is_tried_again(desk: Any) -> None:
    """Two processes may give out the same id for different rows; calling that done would lose an answer."""
    async with desk() as d:
        d.handler.script["1"] = [StoreConflict()]
        await d.push("a", "1", "2")
        await d.clock.advance(2)

        assert d.handler.texts() == ["1", "2"]


async def test_a_conflict_that_never_ends_is_parked_like_any_failure(desk: Any) -> None:
    async with desk() as d:
        d.handler.script["1"] = [StoreConflict()] * 99
        await d.push("a", "1", "2")
        await d.clock.advance(30)

        assert len(d.handler.times("1")) == 4
        assert [row.key for row in await d.store.parked()] == ["a-1"]
        assert d.handler.texts() == ["2"]


async def test_what_was_decided_by_something_that_has_changed_is_decided_anew_at_once(desk: Any) -> None:
    async with desk() as d:
        d.handler.script["1"] = [StoreOutdated()]
        await d.push("a", "1", "2")
        await d.clock.advance(0)

        assert d.handler.texts() == ["1", "2"]


async def test_what_changes_whenever_it_is_decided_is_parked_like_any_failure(desk: Any) -> None:
    async with desk() as d:
        d.handler.script["1"] = [StoreOutdated()] * 99
        await d.push("a", "1", "2")
        await d.clock.advance(30)

        assert len(d.handler.times("1")) == 8
        assert [row.key for row in await d.store.parked()] == ["a-1"]
        assert d.handler.texts() == ["2"]


# -- more than memory holds ----------------------------------------------------------------------------


async def test_what_memory_cannot_hold_waits_in_the_store_and_keeps_its_order(desk: Any) -> None:
    async with desk(memory=3) as d:
        for number in range(50):
            await d.push("abcd"[number % 4], str(number))
        await d.rest()

        for first, lane in enumerate("abcd"):
            assert d.handler.texts(lane) == [str(number) for number in range(first, 50, 4)]
        assert (d.dispatcher.held, await d.left()) == (0, [])


async def test_a_batch_larger_than_memory_is_handled_too(desk: Any) -> None:
    async with desk(memory=3) as d:
        await d.push("a", *map(str, range(50)))
        await d.rest()

        assert d.handler.texts() == [str(number) for number in range(50)]


async def test_no_more_is_held_than_memory_allows(desk: Any) -> None:
    async with desk(memory=3) as d:
        for number in range(10):
            d.handler.gates[str(number)] = asyncio.Event()
            await d.push(f"lane{number}", str(number))
        await d.clock.advance(10)
        assert d.dispatcher.held == len(d.handler.tries) == 3
        for gate in d.handler.gates.values():
            gate.set()
        await d.clock.advance(10)

        assert len(d.handler.texts()) == 10


async def test_a_conversation_never_overtakes_its_own_part_in_the_store(desk: Any) -> None:
    """The first is in hand, the second had to stay in the store: the third must not go past it."""
    async with desk(memory=2) as d:
        d.handler.gates = {"1": asyncio.Event(), "other": asyncio.Event()}
        await d.push("a", "1")
        await d.push("b", "other")
        await d.clock.advance(0)
        await d.push("a", "2")
        d.handler.gates["other"].set()
        await d.clock.advance(10)
        await d.push("a", "3")
        await d.clock.advance(10)
        d.handler.gates["1"].set()
        await d.clock.advance(10)

        assert d.handler.texts("a") == ["1", "2", "3"]


async def test_once_the_backlog_is_gone_updates_go_the_short_way_again(desk: Any) -> None:
    async with desk(memory=2) as d:
        await d.push("a", *map(str, range(10)))
        await d.clock.advance(30)
        lease = d.dispatcher.lease(["a"])
        d.dispatcher.accept(lease, [])

        assert lease.owners == ["me"]


# -- leases, restarts, other processes -----------------------------------------------------------------


async def test_a_lease_is_kept_while_the_work_takes_long(desk: Any) -> None:
    async with desk() as d:
        d.handler.gates["long"] = asyncio.Event()
        await d.push("a", "long")
        await d.clock.advance(300)

        assert await d.store.claim(owner="other", now=d.clock.ms(), lease_until=0, limit=9) == []


async def test_the_expired_leases_of_another_process_are_taken_over_in_order(desk: Any) -> None:
    async with desk(alone=False) as d:
        d.handler.gates["1"] = asyncio.Event()
        await d.push("a", "1", "2")
        await d.clock.advance(0)
        assert d.dispatcher._sweeper is not None
        d.dispatcher._sweeper.cancel()  # the process is as good as dead
        async with desk(store=d.store, clock=d.clock, owner="heir", alone=False) as heir:
            await d.clock.advance(55)
            assert heir.handler.texts() == []
            await d.clock.advance(10)
            assert heir.handler.texts() == ["1", "2"]


async def test_a_process_that_is_alone_takes_over_at_once(desk: Any) -> None:
    async with desk() as d:
        d.handler.gates["1"] = asyncio.Event()
        await d.push("a", "1", "2")
        await d.clock.advance(0)
        async with desk(store=d.store, clock=d.clock, owner="next") as again:
            await d.clock.advance(0)
            assert again.handler.texts() == ["1", "2"]


async def test_stopping_leaves_what_is_not_begun_to_the_next_start(desk: Any) -> None:
    async with desk() as d:
        d.handler.gates["1"] = asyncio.Event()
        await d.push("a", "1", "2", "3")
        await d.clock.advance(0)
        stopping = asyncio.create_task(d.dispatcher.stop(10))
        await d.clock.advance(1)
        d.handler.gates["1"].set()
        await d.clock.advance(0)
        await stopping

        assert (d.handler.texts(), await d.left()) == (["1"], ["2", "3"])
        async with desk(store=d.store, clock=d.clock, owner="next", alone=False) as again:
            await d.clock.advance(0)
            assert again.handler.texts() == ["2", "3"]


async def test_stopping_cuts_off_what_hangs_and_frees_its_lease(desk: Any) -> None:
    async with desk() as d:
        d.handler.gates["1"] = asyncio.Event()
        await d.push("a", "1")
        await d.clock.advance(0)
        await d.stop(10)

        assert not d.dispatcher._lanes.tasks
        claimed = await d.store.claim(owner="x", now=d.clock.ms(), lease_until=0, limit=9)
        assert len(claimed) == 1


async def test_stopping_does_not_wait_for_a_store_that_does_not_answer(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk() as d:

        async def never(**_: object) -> int:
            return int(await asyncio.get_running_loop().create_future())

        with monkeypatch.context() as patched:
            patched.setattr(d.store, "release", never)
            stopping = asyncio.create_task(d.dispatcher.stop(10))
            await d.clock.advance(2)

            assert stopping.done()


async def test_stopping_does_not_wait_for_the_next_try(desk: Any) -> None:
    async with desk() as d:
        d.handler.script["1"] = [KeyError("bug")] * 99
        await d.push("a", "1")
        await d.clock.advance(2)
        now = d.clock.monotonic()
        await d.dispatcher.stop(10)

        assert d.clock.monotonic() == now
        assert await d.left() == ["1"]


async def test_a_restart_keeps_the_moment_and_the_number_of_a_try(desk: Any) -> None:
    async with desk() as d:
        d.handler.script["1"] = [KeyError("bug")] * 2
        await d.push("a", "1", "2")
        await d.clock.advance(2)  # failed at 0 and at 1, due at 6
        await d.stop()
        async with desk(store=d.store, clock=d.clock, owner="next") as again:
            again.handler.script["1"] = [KeyError("bug")] * 2
            await again.push("a", "3", key="later")
            await d.clock.advance(2)
            assert again.handler.tries == []
            await d.clock.advance(30)
            (parked,) = await d.store.parked()
            assert parked.attempts == 3
            assert again.handler.texts() == ["2", "3"]


async def test_what_arrives_while_stopping_is_stored_for_the_next_start(desk: Any) -> None:
    async with desk() as d:
        await d.stop()
        assert await d.push("a", "1") == 1
        await d.clock.advance(10)

        assert d.handler.texts() == []
        assert await d.left() == ["1"]


async def test_an_update_that_was_stored_while_the_reply_got_lost_is_handled(desk: Any) -> None:
    """The platform repeats it, the store knows it already: nobody would ever handle it but for its lease's end."""
    async with desk() as d:
        d.handler.gates["long"] = asyncio.Event()
        await d.push("b", "long")  # leases that are in hand go on being renewed meanwhile
        d.store.lose_replies = 1
        with pytest.raises(StoreUnavailable):
            await d.push("a", "1", key="k")
        assert await d.push("a", "1", key="k") == 0
        await d.clock.advance(70)

        assert d.handler.texts() == ["1"]
        assert d.dispatcher.held == 1


async def test_the_sweeper_survives_whatever_the_store_does(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(memory=1) as d:
        claim, broken = d.store.claim, [KeyError("bug"), StoreUnavailable()]

        async def shaky(**options: Any) -> Any:
            if broken:
                raise broken.pop(0)
            return await claim(**options)

        monkeypatch.setattr(d.store, "claim", shaky)
        await d.push("a", "1", "2")
        await d.clock.advance(10)

        assert d.handler.texts() == ["1", "2"]


async def test_a_long_outbox_holds_handling_back(desk: Any) -> None:
    gate = asyncio.Event()

    async def room(channel: str, lane: str) -> None:
        assert (channel, lane) == ("t", "a")
        await gate.wait()

    async with desk(room=room) as d:
        await d.push("a", "1")
        await d.clock.advance(10)
        assert d.handler.texts() == []
        gate.set()
        await d.clock.advance(0)

        assert d.handler.texts() == ["1"]


async def test_updates_in_a_storm_of_trouble_are_each_handled_once_and_in_order(desk: Any) -> None:
    async with desk(memory=50) as d:
        for number in range(300):
            if number % 7 == 0:
                d.handler.script[str(number)] = [StoreUnavailable(), StoreConflict()]
            await d.push(f"lane{number % 11}", str(number))
        await d.clock.advance(60)

        for lane in range(11):
            assert d.handler.texts(f"lane{lane}") == [str(number) for number in range(lane, 300, 11)]
        assert d.dispatcher.held == 0
