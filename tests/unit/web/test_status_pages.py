"""`/readyz` of a whole house: red before harm is done, green when it is over, and why."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from channels.errors import Unauthorized
from faq import FaqEntry
from optfm_bot.blueprint import HouseSettings
from optfm_bot.dispatch.joining import Parsed
from optfm_bot.observe.metrics import Metrics
from optfm_bot.testing.stage import Stage
from optfm_bot.web.server import StatusPages

PAY = FaqEntry(id="pay", question="Как оплатить заказ?", answer="Картой.")
QUICK = HouseSettings(join_window=0, person_per_minute=0)
MB = 1024 * 1024


async def readyz(on: Stage) -> tuple[int, str, list[str]]:
    """Ask as a balancer does; gives the code, the status and the problems."""
    pages = StatusPages(
        status=on.house.report.status,
        ready=on.house.watch.verdict,
        metrics=Metrics(version="1").render,
        home=None,
    )
    (route,) = (one for one in pages.routes() if one.path == "/readyz")
    response = await route.handler(make_mocked_request("GET", "/readyz"))  # type: ignore[arg-type] # a plain handler
    assert isinstance(response, web.Response)
    assert isinstance(response.body, bytes)
    found = orjson.loads(response.body)
    assert found["channels"]["stage"]["state"]
    return response.status, found["status"], found["problems"]


async def watched(on: Stage, seconds: int) -> list[int]:
    """The codes of that time, asked every ten seconds."""
    codes = []
    for _ in range(0, seconds, 10):
        await on.clock.advance(10)
        codes.append((await readyz(on))[0])
    return codes


async def test_updates_that_nobody_catches_up_with_turn_it_red_and_it_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Stage([PAY], settings=QUICK) as on:
        handle, mended = on.house._handler.handle, asyncio.Event()

        async def stuck(group: Sequence[Parsed]) -> None:
            await mended.wait()
            await handle(group)

        monkeypatch.setattr(on.house._handler, "handle", stuck)
        anna = on.person()
        for _ in range(5):
            anna.writes("как оплатить заказ")

        assert (await watched(on, 60)) == [200] * 6
        codes = await watched(on, 60)
        assert codes[-1] == 503
        assert codes == sorted(codes), "once red, it stays so"
        code, status, (problem,) = await readyz(on)
        assert (code, status) == (503, "unavailable")
        assert problem.startswith("stage: updates have been waiting for 120 s (limit 60 s)")
        assert on.metric("optfm_ready") == 0

        mended.set()
        await on.settle()
        assert len(anna.inbox) == 5
        codes = await watched(on, 60)
        assert codes[-1] == 200
        assert (await readyz(on)) == (200, "ok", [])
        assert on.metric("optfm_ready") == 1


async def test_a_platform_that_takes_nothing_is_named_and_leaves_it_green() -> None:
    async with Stage([PAY], settings=QUICK) as on:
        on.platform.refuse = [Unauthorized("revoked")] * 100_000
        people = [on.person(str(number)) for number in range(1100)]
        for person in people * 2:
            person.writes("как оплатить заказ")

        assert await watched(on, 180) == [200] * 18
        code, status, problems = await readyz(on)
        assert (code, status) == (200, "degraded")
        assert any("the platform holds them up" in problem for problem in problems), problems


class Disk:
    """What the disk of the database has left, as a test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free = 10_000 * MB
        monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, self.free))  # type: ignore[attr-defined] # what the real one gives


async def test_a_disk_that_fills_turns_it_red_while_there_is_room_to_write_and_it_comes_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    disk = Disk(monkeypatch)
    settings = HouseSettings(join_window=0, database=tmp_path / "optfm.db")
    async with Stage([PAY], settings=settings) as on:

        async def until(wanted: tuple[int, str]) -> list[str]:
            """Let the watch look until it says so; the disk is asked in a thread, which needs real time."""
            async with asyncio.timeout(20):
                while (found := await readyz(on))[:2] != wanted:
                    await on.clock.advance(1)
                    await asyncio.to_thread(Path)
            return found[2]

        assert await until((200, "ok")) == []
        disk.free = 900 * MB
        (said,) = await until((200, "degraded"))
        assert said.startswith("the disk of the database has 900 MB left")
        disk.free = 150 * MB
        (said,) = await until((503, "unavailable"))
        assert said.startswith("the disk of the database has 150 MB left (limit 200 MB)")
        anna: Any = on.person()
        anna.writes("как оплатить заказ")
        await on.clock.advance(1)
        anna.sees("Картой")
        disk.free = 10_000 * MB
        assert await until((200, "ok")) == []
