"""An update about which a helpdesk has to be asked waits for it, and nobody else does."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from channels.errors import BadPayload, ChannelError, RetryLater, Unauthorized, Unreachable


@pytest.mark.parametrize("error", [Unreachable(maybe_sent=True), RetryLater(), Unauthorized()])
async def test_it_is_tried_with_growing_pauses_and_never_parked(desk: Any, error: ChannelError) -> None:
    async with desk() as d:
        d.handler.script["ticket"] = [error] * 10
        await d.push("a", "ticket")
        start = d.clock.monotonic()
        await d.clock.advance(900)

        times = [at - start for at in d.handler.times("ticket")]
        pauses = [after - before for before, after in pairwise(times)]
        assert pauses == [2, 4, 8, 16, 32, 60, 60, 60, 60, 60]
        assert (d.handler.texts(), await d.store.parked()) == (["ticket"], [])
        assert d.observer.channels == []


async def test_it_blocks_what_follows_in_its_lane_and_no_other_lane(desk: Any) -> None:
    async with desk() as d:
        d.handler.script["ticket"] = [Unreachable(maybe_sent=False)] * 3
        await d.push("a", "ticket", "after")
        for lane in "bcd":
            await d.push(lane, f"in {lane}")
        await d.clock.advance(1)
        assert sorted(d.handler.texts()) == ["in b", "in c", "in d"]

        await d.clock.advance(20)
        assert d.handler.texts("a") == ["ticket", "after"]


async def test_it_is_not_written_as_a_failure(desk: Any) -> None:
    """What fails is parked after its tries: those of waiting must not count among them."""
    async with desk() as d:
        d.handler.script["ticket"] = [Unreachable(maybe_sent=False)] * 9
        await d.push("a", "ticket")
        await d.clock.advance(100)

        (row,) = await d.store.waiting("a")
        assert (row.attempts, row.error) == (0, None)


async def test_a_bug_after_the_waiting_has_all_its_tries(desk: Any) -> None:
    async with desk() as d:
        waiting: list[Exception] = [Unreachable(maybe_sent=False)] * 6
        d.handler.script["ticket"] = [*waiting, KeyError("bug"), KeyError("bug")]
        await d.push("a", "ticket")
        await d.clock.advance(600)

        assert (d.handler.texts(), await d.store.parked()) == (["ticket"], [])


async def test_what_cannot_be_read_is_parked_all_the_same(desk: Any) -> None:
    async with desk() as d:
        d.handler.script["ticket"] = [Unreachable(maybe_sent=False), BadPayload()]
        await d.push("a", "ticket", "after")
        await d.clock.advance(10)

        assert len(await d.store.parked()) == 1
        assert d.handler.texts() == ["after"]


async def test_the_end_does_not_wait_for_it_and_the_next_start_tries_it(desk: Any) -> None:
    async with desk() as d:
        d.handler.script["ticket"] = [Unreachable(maybe_sent=False)] * 99
        await d.push("a", "ticket")
        await d.clock.advance(100)
        before = d.clock.monotonic()
        await d.stop()
        assert d.clock.monotonic() - before <= 1
        store, clock = d.store, d.clock
    async with desk(store=store, clock=clock) as d:
        await d.clock.advance(1)
        assert d.handler.texts() == ["ticket"]
