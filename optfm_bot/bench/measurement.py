"""One measurement from beginning to end: processes up, load on, kills between, everything judged, everything gone."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from optfm_bot.bench.codes import write_base
from optfm_bot.bench.database import Ledger, database
from optfm_bot.bench.fake import FakeSide
from optfm_bot.bench.judge import Verdict, judge
from optfm_bot.bench.load import Load
from optfm_bot.bench.plan import WEB, Plan, settings
from optfm_bot.bench.processes import BenchFailed, Fleet
from optfm_bot.bench.report import Kill, ProcessUse, Report, by_second, throughput, waits_of
from optfm_bot.bench.side import Side
from optfm_bot.bench.visitors import VisitorSide
from optfm_bot.clock import Clock
from optfm_bot.errors import OptfmError
from optfm_bot.store.records import OutboxState

WARM = Load(chats=20, messages=60)
"""What is asked before anything is measured: connections are made, memory is taken."""
FIRST, WARMED, MEASURED = 0, 1_000, 10_000
"""From which number on the chats of each part are counted."""
_ASK_EVERY = 0.25
_STANDS_STILL = 1.0
"""After so many seconds without a new answer the database is asked whether anything is left to do."""
_PATIENCE = 30.0
"""After so many seconds without a new answer the run is over, whatever is left."""


STUCK = "stuck"
"""A note of a report: nothing moved any more, and something was left to do."""


class Stopped(OptfmError):
    """The measurement was stopped before it had begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is; `stage` is starting, warming, running or settling."""

    stage: str
    offered: int = 0
    answered: int = 0


class Measurement:
    """Runs one plan, once. `stop` ends it early, `told` hears how far it is; time and chance are passed in."""

    def __init__(
        self,
        plan: Plan,
        *,
        clock: Clock,
        dice: random.Random,
        stop: asyncio.Event,
        told: Callable[[Progress], object],
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._dice = dice
        self._stop = stop
        self._told = told
        self._kills: list[Kill] = []
        self._notes: list[str] = []

    async def run(self) -> Report:
        """Measure. When it returns or raises, none of its processes is left, and no database that it made.

        Raises `Stopped`, `BenchFailed` if a process breaks, `StoreUnavailable`, `KnowledgeError`, and `BaseUnfit` for a
        base that hides the codes.
        """
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="optfm-bench-")))
            knowledge = folder / "knowledge"
            await asyncio.to_thread(write_base, knowledge, self._plan.load.period, self._plan.knowledge)
            name = f"optfm_bench_{self._dice.getrandbits(48):012x}"
            url = await stack.enter_async_context(database(self._plan.database, folder, name))
            side = self._side()
            stack.push_async_callback(side.close)
            await side.open()
            given = settings(database=url, knowledge=knowledge, channels=side.channels())
            fleet = Fleet(folder, given, self._plan.processes, self._plan.roles)
            stack.push_async_callback(fleet.stop)
            ledger = Ledger(url)
            stack.push_async_callback(ledger.close)
            http = await stack.enter_async_context(aiohttp.ClientSession())
            first_answer = await self._begin(side, fleet, http)
            await self._load(side, fleet, ledger, http)
            uses = [one.use() for one in fleet.processes]
            await fleet.stop()  # whatever they still had to send is sent now, and is judged
            return await self._report(side, ledger, first_answer, uses)

    def _side(self) -> Side:
        if self._plan.channel == WEB:
            return VisitorSide()
        return FakeSide(self._plan.channel, webhook=self._plan.webhook, latency=self._plan.latency)

    # -- before ----------------------------------------------------------------------------------------------

    async def _begin(self, side: Side, fleet: Fleet, http: aiohttp.ClientSession) -> float:
        """Start and warm everything; gives the seconds from the start of the bot to its first answer."""
        self._told(Progress(stage="starting"))
        begun = self._clock.monotonic()
        await fleet.start()
        await side.reach(fleet.addresses)
        if self._plan.channel == WEB:
            await fleet.wait_ready(
                http
            )  # a platform keeps a question for the bot, a visitor has to find it there
        await self._answered(side, fleet, Load(chats=1, messages=1), FIRST)
        first_answer = self._clock.monotonic() - begun
        await fleet.wait_ready(http)
        self._told(Progress(stage="warming"))
        await self._answered(side, fleet, WARM, WARMED)
        return first_answer

    async def _answered(self, side: Side, fleet: Fleet, load: Load, first_chat: int) -> None:
        await side.begin(load, first_chat)
        try:
            async with self._clock.limit(_PATIENCE):
                while (await side.counts()).seen < load.messages:
                    fleet.check()
                    if await self._clock.wait(self._stop, 0.01):
                        raise Stopped
        except TimeoutError:
            said = " ".join(one.last_words() for one in fleet.processes)
            raise BenchFailed(
                f"The bot did not answer within {_PATIENCE:.0f} s after its start. {said}"
            ) from None

    # -- the load --------------------------------------------------------------------------------------------

    async def _load(self, side: Side, fleet: Fleet, ledger: Ledger, http: aiohttp.ClientSession) -> None:
        for one in fleet.processes:
            one.mark()
        await side.begin(self._plan.load, MEASURED)
        killing = asyncio.create_task(self._kill_now_and_then(side, fleet, ledger, http))
        try:
            await self._until_over(side, fleet, ledger, killing)
        finally:
            killing.cancel()
            await asyncio.wait([killing])
        if self._stop.is_set():
            await side.end()

    async def _until_over(
        self, side: Side, fleet: Fleet, ledger: Ledger, killing: asyncio.Task[None]
    ) -> None:
        """Watch until everything is answered, nothing is left to do, nothing moves, or somebody stops it."""
        seen, moved = -1, self._clock.monotonic()
        while not await self._clock.wait(self._stop, _ASK_EVERY):
            fleet.check()
            for one in fleet.processes:
                one.look()
            if killing.done():
                killing.result()
            counts = await side.counts()
            now = self._clock.monotonic()
            if counts.seen != seen or counts.running or not killing.done():
                seen, moved = counts.seen, now
            stage = "running" if counts.running else "settling"
            self._told(Progress(stage=stage, offered=counts.offered, answered=counts.seen))
            if now - moved >= _PATIENCE:
                self._notes.append(
                    f"Nothing moved any more for {_PATIENCE:.0f} s, and something was left to do"
                )
                return
            if now - moved >= _STANDS_STILL and not await ledger.open_work():
                return

    async def _kill_now_and_then(
        self, side: Side, fleet: Fleet, ledger: Ledger, http: aiohttp.ClientSession
    ) -> None:
        """While there is load: kill one process, start it again, and wait until it is ready."""
        if self._plan.kill_every is None:
            return
        begun = self._clock.monotonic()
        while True:
            await self._clock.sleep(self._plan.kill_every)
            if not (await side.counts()).running:
                return
            victim = self._dice.choice(fleet.processes)
            at = self._clock.monotonic()
            await victim.kill()
            in_flight = await ledger.in_state(OutboxState.SENDING)
            await victim.start()
            await fleet.wait_ready(http, victim)
            recovered = self._clock.monotonic() - at
            self._kills.append(
                Kill(at=at - begun, process=victim.name, in_flight=in_flight, recovered=recovered)
            )

    # -- after -----------------------------------------------------------------------------------------------

    async def _report(
        self, side: Side, ledger: Ledger, first_answer: float, uses: Sequence[ProcessUse]
    ) -> Report:
        offers, answers = await side.log()
        verdict: Verdict = judge(
            offers,
            answers,
            uncertain=await ledger.questions_in(OutboxState.UNCERTAIN),
            stored=None if side.keeps_order else await ledger.stored(),
        )
        first = offers[0].at if offers else 0.0
        return Report(
            setting=self._plan.as_json(),
            verdict=verdict,
            seconds=by_second(first, [one.at for one in offers], verdict.answered),
            waits=waits_of([one.seconds for one in verdict.answered]),
            throughput=throughput(first, verdict.answered),
            processes=uses,
            kills=tuple(self._kills),
            first_answer=first_answer,
            failed=await ledger.in_state(OutboxState.FAILED),
            interrupted=self._stop.is_set(),
            notes=tuple(self._notes),
        )
