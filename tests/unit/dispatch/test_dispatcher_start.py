"""The first moments: what arrives before the dispatcher has taken up what an earlier run left."""

from __future__ import annotations

import asyncio
from typing import Any


async def test_a_push_before_the_start_does_not_overtake_what_an_earlier_run_left(desk: Any) -> None:
    """The server listens before the house has begun, so that a platform is never sent away."""
    async with desk() as d:
        d.handler.gates["1"] = asyncio.Event()
        await d.push("a", "1", "2")
        await d.clock.advance(0)
        again = type(d)(store=d.store, clock=d.clock, owner="next", alone=True)
        await again.push("a", "3", key="early")
        assert again.handler.texts() == []

        await again.dispatcher.start(alone=True)
        await again.rest()
        assert again.handler.texts() == ["1", "2", "3"]
        await again.stop()
