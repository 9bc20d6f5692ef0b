"""How long messages wait for a bot's common pace when several processes send: the real pace, simulated time."""

from __future__ import annotations

import asyncio
import random
from statistics import fmean

from optfm_bot.clock import ManualClock
from optfm_bot.cluster.pace import SharedPace
from optfm_bot.store.memory import MemoryStore
from optfm_bot.testing.cluster import MemoryCluster

PER_BOT = 30.0
"""Telegram's pace of a bot, messages a second."""
SENDERS = (8, 16, 32, 64)
RATES = (12, 20, 28)
_SECONDS = 60.0


async def mean_wait(senders: int, rate: float, *, seed: int = 1) -> float:
    """Seconds that a message waits on average, once that is steady; they come at random and to any of the senders."""
    clock, dice = ManualClock(), random.Random(seed)  # noqa: S311 - makes arrivals, keeps no secret
    cluster = MemoryCluster(store=MemoryStore(), clock=clock)
    paces = [
        SharedPace(cluster.door(), clock, channel="bot", per_bot=PER_BOT, members=lambda: senders)
        for _ in range(senders)
    ]
    waits: list[float] = []
    passed = 0.0
    while passed < _SECONDS:
        pause = dice.expovariate(rate)
        passed += pause
        await clock.advance(pause)
        waits.append(await dice.choice(paces).reserve(clock.monotonic()))
    return fmean(waits[len(waits) // 2 :])


def waits() -> dict[str, dict[str, float]]:
    """Mean waits in seconds: by how many processes send, then by messages a second of the whole bot."""

    async def all_of_them() -> dict[str, dict[str, float]]:
        return {
            str(senders): {str(rate): round(await mean_wait(senders, rate), 3) for rate in RATES}
            for senders in SENDERS
        }

    return asyncio.run(all_of_them())
