"""The runner of a channel: what it does after each failure, and what it never does before a commit."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from channels.capabilities import Capabilities
from channels.contract import (
    Batch,
    BotCommand,
    Channel,
    ChannelContext,
    ChannelSettings,
    ChannelSpec,
    Cursor,
    Health,
    HealthState,
    Polling,
    Reconciling,
)
from channels.errors import Conflict, RetryLater, Unauthorized, Unreachable
from channels.model import Inbound, RawUpdate, Receipt, Rendered
from optfm_bot.clock import ManualClock, SystemClock
from optfm_bot.cluster.membership import LeasedDuty
from optfm_bot.errors import StoreUnavailable
from optfm_bot.ownership import Duty
from optfm_bot.receive.runner import ChannelRunner
from optfm_bot.receive.status import ChannelState, ChannelStatus, Snapshot
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import NewUpdate

COMMANDS: Mapping[str, Sequence[BotCommand]] = {"ru": [BotCommand(name="start", description="Начать")]}


class Scripted(Channel):
    """A channel whose calls take what a test has prepared: a result, or an error to raise."""

    spec: ClassVar[ChannelSpec] = ChannelSpec(
        kind="scripted",
        title="Scripted",
        settings=ChannelSettings,
        capabilities=Capabilities(text_limit=100),
        factory="",
        transports=frozenset(),
    )

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(ChannelSettings(), ChannelContext(instance="s", clock=clock.now))
        self._manual = clock
        self.script: dict[str, list[Any]] = {}
        self.log: list[tuple[float, str]] = []

    async def probe(self) -> Health:
        prepared = self.script.get("probe")
        found = prepared.pop(0) if prepared else Health(state=HealthState.OK)
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, Health)
        return found

    async def do(self, name: str, details: str = "") -> Any:
        self.log.append((self._manual.monotonic(), name + details))
        script = self.script.get(name)
        found = script.pop(0) if script else None
        if isinstance(found, Exception):
            raise found
        return found

    def parse(self, raw: RawUpdate) -> Sequence[Inbound]:
        return ()

    async def deliver(self, message: Rendered) -> Receipt:
        raise NotImplementedError

    async def open(self) -> None:
        await self.do("open")

    async def subscribe(self, url: str) -> None:
        await self.do(f"subscribe {url}")

    async def publish_commands(self, commands: Mapping[str, Sequence[BotCommand]]) -> None:
        assert commands == COMMANDS
        await self.do("commands")


class ScriptedPolling(Scripted, Polling):
    """Polls: with nothing prepared, `fetch` waits for ever, as a long poll does."""

    async def fetch(self, cursor: Cursor | None) -> Batch:
        prepared = bool(self.script.get("fetch"))
        found = await self.do("fetch", f" {cursor}")
        if not prepared:
            await asyncio.Event().wait()
        assert isinstance(found, Batch)
        return found

    async def confirm(self, batch: Batch) -> None:
        await self.do("confirm")


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class ScriptedReconciling(ScriptedPolling, Reconciling):
    """Has a journal with one update that nobody has received, and may have been away."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.away: asyncio.Queue[datetime | Exception] = asyncio.Queue()

    async def returned(self) -> datetime:
        found = await self.away.get()
        if isinstance(found, Exception):
            raise found
        return found

    async def missed(self, since: datetime) -> Sequence[RawUpdate]:
        await self.do("missed", f" {since}")
        return [RawUpdate(key="lost", lane="x", payload={})]


class Intake:
    """Takes batches, or fails as it is told."""

    def __init__(self, log: list[tuple[float, str]], clock: ManualClock) -> None:
        self._log = log
        self._clock = clock
        self.errors: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.cursors: list[str | None] = []

    async def receive(
        self,
        channel: str,
        updates: Sequence[RawUpdate],
        *,
        cursor: str | None = None,
        only_here: bool = False,
    ) -> int:
        assert only_here, "nobody else polls meanwhile"
        self._log.append((self._clock.monotonic(), f"store {' '.join(update.key for update in updates)}"))
        await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.cursors.append(cursor)
        return len(updates)


class Desk:
    """A runner in a test's hands."""

    def __init__(
        self,
        *,
        polling: bool,
        url: str | None,
        store: MemoryStore | None,
        reconciling: bool,
        duty: Duty | None = None,
    ) -> None:
        self.clock = ManualClock()
        kind = ScriptedReconciling if reconciling else ScriptedPolling if polling else Scripted
        self.channel = kind(self.clock)
        self.intake = Intake(self.channel.log, self.clock)
        self.store = store or MemoryStore()
        self.changes: list[ChannelState] = []
        self.healthy = 0
        self.runner = ChannelRunner(
            self.channel,
            intake=self.intake,  # type: ignore[arg-type] - a double with the same call
            store=self.store,
            clock=self.clock,
            status=ChannelStatus(self.clock.now, self._changed),
            webhook_url=url,
            commands=COMMANDS,
            healthy=self._healthy,
            duty=duty,
        )

    def _changed(self, before: Snapshot, now: Snapshot) -> None:
        assert before.state is not now.state
        self.changes.append(now.state)

    def _healthy(self) -> None:
        self.healthy += 1

    @property
    def state(self) -> ChannelState:
        return self.runner.status.now.state

    def did(self) -> list[str]:
        return [name for _, name in self.channel.log if name not in {"open", "commands"}]

    def pauses(self, name: str) -> list[float]:
        at = [moment for moment, one in self.channel.log if one == name]
        return [b - a for a, b in itertools.pairwise(at)]


def batch(*keys: str, cursor: str | None) -> Batch:
    return Batch(
        updates=tuple(RawUpdate(key=key, lane="x", payload={}) for key in keys),
        cursor=Cursor(cursor) if cursor is not None else None,
    )


OpenDesk = Callable[..., Any]


@asynccontextmanager
async def _desk(
    script: dict[str, list[Any]] | None = None,
    *,
    polling: bool = True,
    url: str | None = None,
    store: MemoryStore | None = None,
    errors: Sequence[Exception] = (),
    reconciling: bool = False,
    known: bool = False,
    duty: Duty | None = None,
) -> AsyncIterator[Desk]:
    made = Desk(polling=polling, url=url, store=store, reconciling=reconciling, duty=duty)
    if known:
        await made.store.open()
        async with made.store.unit() as unit:
            row = NewUpdate(channel="s", key="old", lane="x", payload=b"{}")
            unit.inbox.add(row, received_at=made.clock.ms(), owner=None, lease_until=0)
    made.channel.script = script or {}
    made.intake.errors = list(errors)
    task = asyncio.create_task(made.runner.run())
    await made.clock.advance(0)
    try:
        yield made
    finally:
        made.intake.gate.set()
        made.runner.stop()
        await made.clock.advance(1)
        assert task.done()
        await task


@pytest.fixture
def desk() -> OpenDesk:
    return _desk


async def test_a_channel_is_opened_then_tells_its_commands_then_is_polled(desk: OpenDesk) -> None:
    async with desk() as d:
        assert [name for _, name in d.channel.log] == ["open", "commands", "fetch None"]
        assert d.state is ChannelState.CONNECTED


async def test_a_batch_is_stored_then_confirmed_and_only_then_is_there_another(desk: OpenDesk) -> None:
    async with desk({"fetch": [batch("1", "2", cursor="3"), batch("3", cursor="4")]}) as d:
        assert d.did() == [
            "fetch None",
            "store 1 2",
            "confirm",
            "fetch 3",
            "store 3",
            "confirm",
            "fetch 4",
        ]
        assert d.intake.cursors == ["3", "4"]


async def test_an_empty_batch_with_the_same_cursor_is_not_worth_a_commit(desk: OpenDesk) -> None:
    async with desk({"fetch": [batch(cursor=None), batch(cursor="5")]}) as d:
        assert d.did() == ["fetch None", "fetch None", "store ", "confirm", "fetch 5"]


async def test_while_the_store_is_down_nothing_is_confirmed_and_nothing_newer_fetched(desk: OpenDesk) -> None:
    async with desk({"fetch": [batch("1", cursor="2")]}, errors=[StoreUnavailable()] * 3) as d:
        await d.clock.advance(1.4)
        assert d.did() == ["fetch None", "store 1", "store 1", "store 1"]
        await d.clock.advance(0.2)

        assert d.did()[-3:] == ["store 1", "confirm", "fetch 2"]


async def test_polling_goes_on_where_the_store_says(desk: OpenDesk) -> None:
    store = MemoryStore()
    await store.open()
    async with store.unit() as unit:
        unit.cursors.save("s", "41", at=0)
    async with desk(store=store) as d:
        assert d.did() == ["fetch 41"]


async def test_the_stored_cursor_is_waited_for_and_stopping_is_not(desk: OpenDesk) -> None:
    class Down(MemoryStore):
        async def cursor(self, channel: str) -> str | None:
            raise StoreUnavailable

    async with desk(store=Down()) as d:
        await d.clock.advance(30)

        assert d.did() == []


async def test_a_confirmation_that_fails_is_not_insisted_on(desk: OpenDesk) -> None:
    script = {"fetch": [batch("1", cursor="2")], "confirm": [Unreachable(maybe_sent=True)]}
    async with desk(script) as d:
        assert d.did()[-1] == "fetch 2"


async def test_commands_that_cannot_be_shown_hold_nothing_up(desk: OpenDesk) -> None:
    async with desk({"commands": [Unreachable(maybe_sent=False)]}) as d:
        assert d.did() == ["fetch None"]


async def test_pauses_grow_while_the_platform_cannot_be_reached(desk: OpenDesk) -> None:
    async with desk({"open": [Unreachable(maybe_sent=False)] * 9}) as d:
        assert d.state is ChannelState.WAITING
        await d.clock.advance(300)

        assert d.pauses("open") == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
        assert d.changes == [ChannelState.WAITING, ChannelState.CONNECTED]


async def test_a_second_copy_of_the_bot_is_waited_for_up_to_a_minute(desk: OpenDesk) -> None:
    async with desk({"fetch": [Conflict("two of us")] * 8}) as d:
        assert (d.state, d.runner.status.now.why) == (ChannelState.CONFLICT, "two of us")
        await d.clock.advance(400)

        assert d.pauses("fetch None") == [3, 6, 12, 24, 48, 60, 60, 60]


async def test_bad_credentials_are_tried_again_ever_more_slowly(desk: OpenDesk) -> None:
    async with desk({"fetch": [Unauthorized("revoked")] * 7}) as d:
        assert d.state is ChannelState.BAD_CREDENTIALS
        await d.clock.advance(15 + 30 + 60 + 120 + 240 + 300 + 300)

        assert d.pauses("fetch None") == [15, 30, 60, 120, 240, 300, 300]
        # The long poll that follows has not come back yet, so nobody knows better.
        assert d.state is ChannelState.BAD_CREDENTIALS


@pytest.mark.parametrize(("after", "expected"), [(7, 7), (0, 0.5), (-3, 0.5)])
async def test_a_platform_that_names_a_time_is_obeyed(desk: OpenDesk, after: float, expected: float) -> None:
    async with desk({"fetch": [RetryLater(after=timedelta(seconds=after))]}) as d:
        await d.clock.advance(60)

        assert d.pauses("fetch None") == [expected]


async def test_an_answer_means_that_the_channel_is_healthy_and_sending_may_go_on(desk: OpenDesk) -> None:
    """Sending may have met bad credentials while receiving never did: each answer gives it another chance."""
    async with desk(
        {"fetch": [batch(cursor=None), batch(cursor=None), Unauthorized(), batch(cursor=None)]}
    ) as d:
        await d.clock.advance(20)

        assert d.changes == [ChannelState.CONNECTED, ChannelState.BAD_CREDENTIALS, ChannelState.CONNECTED]
        assert d.healthy == 5  # open, commands, three batches


async def test_failures_in_a_row_begin_anew_after_a_success(desk: OpenDesk) -> None:
    down = Unreachable(maybe_sent=False)
    async with desk({"fetch": [down, down, down, batch(cursor=None), down]}) as d:
        await d.clock.advance(60)

        assert d.pauses("fetch None") == [0.5, 1, 2, 0, 0.5]


async def test_a_bug_of_the_channel_is_shown_and_tried_again_for_ever(desk: OpenDesk) -> None:
    async with desk({"fetch": [KeyError("bug")] * 99}) as d:
        assert (d.state, d.runner.status.now.why) == (ChannelState.FAILED, "KeyError: 'bug'")
        await d.clock.advance(126)
        assert d.pauses("fetch None") == [2, 4, 8, 16, 32, 60]
        d.runner.status.now = Snapshot(state=ChannelState.FAILED, since=d.clock.now(), failures=5000)
        await d.clock.advance(180)

        assert d.pauses("fetch None")[-1] == 60


async def test_stopping_ends_a_long_poll_at_once(desk: OpenDesk) -> None:
    async with desk() as d:
        d.runner.stop()
        await d.clock.advance(0)

        assert d.state is ChannelState.STOPPED


async def test_stopping_ends_a_pause_at_once(desk: OpenDesk) -> None:
    async with desk({"open": [Unauthorized()] * 9}) as d:
        d.runner.stop()
        await d.clock.advance(0)

        assert d.state is ChannelState.STOPPED


async def test_storing_is_never_cut_off_by_stopping() -> None:
    made = Desk(polling=True, url=None, store=None, reconciling=False)
    made.channel.script = {"fetch": [batch("1", cursor="2")]}
    made.intake.gate.clear()
    task = asyncio.create_task(made.runner.run())
    await made.clock.advance(0)
    made.runner.stop()
    await made.clock.advance(5)
    assert not task.done()
    made.intake.gate.set()
    await made.clock.advance(0)

    assert task.done()
    assert made.intake.cursors == ["2"]
    assert "confirm" not in made.did()


async def test_stopping_while_the_store_is_down_gives_the_batch_back_to_the_platform(desk: OpenDesk) -> None:
    async with desk({"fetch": [batch("1", cursor="2")]}, errors=[StoreUnavailable()] * 99) as d:
        await d.clock.advance(3)
        d.runner.stop()
        await d.clock.advance(0)

        assert d.state is ChannelState.STOPPED
        assert "confirm" not in d.did()


async def test_a_webhook_is_subscribed_and_looked_at_again_every_ten_minutes(desk: OpenDesk) -> None:
    url = "https://bot.example.ru/s/webhook"
    async with desk(url=url, polling=False) as d:
        await d.clock.advance(1801)

        assert d.pauses(f"subscribe {url}") == [600, 600, 600]
        assert d.state is ChannelState.CONNECTED


async def test_a_subscription_that_fails_is_insisted_on(desk: OpenDesk) -> None:
    script = {"subscribe u": [Unreachable(maybe_sent=False), Unauthorized()]}
    async with desk(script, url="u") as d:
        await d.clock.advance(60)

        assert d.pauses("subscribe u") == [0.5, 30]
        assert d.state is ChannelState.CONNECTED


async def test_a_channel_with_a_webhook_is_not_polled(desk: OpenDesk) -> None:
    async with desk(url="u") as d:
        assert d.did() == ["subscribe u"]


async def test_a_channel_that_needs_neither_is_just_open(desk: OpenDesk) -> None:
    async with desk(polling=False) as d:
        await d.clock.advance(3600)

        assert (d.did(), d.state) == ([], ChannelState.CONNECTED)


async def test_a_message_refused_for_its_credentials_makes_a_webhook_be_looked_at_soon(
    desk: OpenDesk,
) -> None:
    """Nothing else would tell that they work again, and sending waits for that."""
    async with desk(url="u", polling=False) as d:
        before = d.healthy
        d.runner.doubt(Unauthorized())
        assert d.state is ChannelState.BAD_CREDENTIALS
        await d.clock.advance(60)

        assert d.pauses("subscribe u") == [15]
        assert d.state is ChannelState.CONNECTED
        assert d.healthy > before


async def test_messages_refused_meanwhile_do_not_put_off_the_next_try(desk: OpenDesk) -> None:
    """They tell the same trouble again; only our own tries in a row make the pauses longer."""
    async with desk({"open": [Unauthorized(), Unauthorized()]}) as d:
        for _ in range(5):
            d.runner.doubt(Unauthorized())
        assert d.state is ChannelState.BAD_CREDENTIALS
        await d.clock.advance(60)

        assert d.pauses("open") == [15, 30]
        assert d.state is ChannelState.CONNECTED


async def test_a_channel_is_open_once_it_knows_who_it_is(desk: OpenDesk) -> None:
    async with desk({"open": [Unreachable(maybe_sent=False)]}) as d:
        assert not d.runner.opened.is_set()
        await d.clock.advance(1)
        assert d.runner.opened.is_set()


async def test_a_poll_that_died_silently_is_given_up_shown_and_asked_again(desk: OpenDesk) -> None:
    async with desk({"fetch": [batch(cursor="1")]}) as d:
        assert d.state is ChannelState.CONNECTED
        await d.clock.advance(179)
        assert d.state is ChannelState.CONNECTED
        await d.clock.advance(2)

        assert d.state is ChannelState.WAITING
        assert "did not come back within 180 s" in d.runner.status.now.why
        assert d.did()[-2:] == ["fetch 1", "fetch 1"]


async def test_a_working_channel_is_asked_now_and_then_how_it_is(desk: OpenDesk) -> None:
    async with desk({}, polling=False, url="u") as d:
        restricted = Health(state=HealthState.DEGRADED, hint="the account is restricted")
        d.channel.script["probe"] = [restricted, Unreachable(maybe_sent=False), Health(state=HealthState.OK)]
        await d.clock.advance(61)
        assert (d.state, d.runner.status.now.why) == (ChannelState.DEGRADED, "the account is restricted")

        # What a failed call hides is still there when it works again.
        d.runner.status.failed(RetryLater("busy"))
        d.runner.status.connected()
        assert d.state is ChannelState.DEGRADED
        await d.clock.advance(300)
        assert d.state is ChannelState.DEGRADED, "a probe that failed tells nothing"
        await d.clock.advance(300)
        assert (d.state, d.runner.status.now.why) == (ChannelState.CONNECTED, "")


async def test_what_arrived_while_we_were_away_is_taken_in_before_anything_new(desk: OpenDesk) -> None:
    async with desk({}, reconciling=True, known=True) as d:
        assert d.did()[:3] == [f"missed {d.clock.now() - timedelta(minutes=5)}", "store lost", "fetch None"]


async def test_who_never_received_anything_has_missed_nothing(desk: OpenDesk) -> None:
    async with desk({}, reconciling=True) as d:
        assert not [step for step in d.did() if step.startswith("missed")]


async def test_a_journal_that_cannot_be_read_keeps_nobody_waiting(desk: OpenDesk) -> None:
    async with desk({"missed": [RetryLater("one a second")]}, reconciling=True, known=True) as d:
        await d.clock.advance(1)
        assert d.did()[-1] == "fetch None"


async def test_what_was_written_while_the_account_was_away_is_looked_up_when_it_returns(
    desk: OpenDesk,
) -> None:
    """And once more when the journal, too, has had time to know it."""
    async with desk({}, reconciling=True, url="u") as d:
        before = d.did()
        d.channel.away.put_nowait(NOON)
        await d.clock.advance(1)
        look_up = [f"missed {NOON - timedelta(minutes=5)}", "store lost"]
        assert d.did() == [*before, *look_up]
        await d.clock.advance(150)
        assert d.did() == [*before, *look_up, *look_up]
        await d.clock.advance(3600)
        assert [step for step in d.did() if not step.startswith("subscribe")] == look_up * 2


async def test_who_returns_again_soon_is_not_kept_waiting(desk: OpenDesk) -> None:
    async with desk({}, reconciling=True, url="u") as d:
        for _ in range(3):
            d.channel.away.put_nowait(NOON)
            await d.clock.advance(1)
        assert sum(step.startswith("missed") for step in d.did()) == 3


async def test_a_look_up_that_fails_is_made_again_and_a_bug_in_it_ends_nothing(desk: OpenDesk) -> None:
    async with desk({"missed": [RetryLater("one a second")]}, reconciling=True, url="u") as d:
        d.channel.away.put_nowait(KeyError("bug"))
        d.channel.away.put_nowait(NOON)
        await d.clock.advance(1)
        assert d.state is ChannelState.CONNECTED
        await d.clock.advance(300)
        assert d.did()[-1] == "store lost"
        assert d.state is ChannelState.CONNECTED


async def test_a_channel_that_cannot_say_when_it_returns_holds_up_no_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On the clock of a real run: with a stop it waits for nothing, not even for the turn of others."""
    calls, polled = 0, asyncio.Event()

    async def broken(_: object) -> datetime:
        nonlocal calls
        calls += 1
        if calls > 1000:  # this test ends, though the loop did not
            await asyncio.Event().wait()
        raise KeyError("bug")

    async def poll(_: object, __: Cursor | None) -> Batch:
        polled.set()
        return await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(ScriptedReconciling, "returned", broken)
    monkeypatch.setattr(ScriptedReconciling, "fetch", poll)
    d = Desk(polling=True, url=None, store=None, reconciling=True)
    d.runner._clock = SystemClock()
    running = asyncio.create_task(d.runner.run())
    await polled.wait()
    d.runner.stop()
    async with asyncio.timeout(5):
        await running

    assert d.state is ChannelState.STOPPED
    assert calls == 1


# -- a duty that moves between processes ---------------------------------------------------------------


def duty(*, held: bool) -> LeasedDuty:
    made = LeasedDuty()
    made.set(held=held)
    return made


async def test_whoever_does_not_have_the_duty_is_open_and_stands_by(desk: OpenDesk) -> None:
    async with desk(duty=duty(held=False)) as d:
        await d.clock.advance(700)

        assert [name for _, name in d.channel.log] == ["open"]
        assert d.state is ChannelState.STANDBY
        assert d.runner.status.now.healthy
        assert d.runner.opened.is_set(), "what others receive may be answered here"


async def test_a_duty_that_is_gained_begins_where_the_store_says_and_one_that_is_lost_ends_the_poll(
    desk: OpenDesk,
) -> None:
    mine = duty(held=False)
    script = {"fetch": [batch("1", cursor="9")]}
    async with desk(script, duty=mine) as d:
        await d.store.open()
        async with d.store.unit() as unit:
            unit.cursors.save("s", "8", at=0)
        mine.set(held=True)
        await d.clock.advance(0)
        assert d.did() == ["fetch 8", "store 1", "confirm", "fetch 9"]
        assert d.state is ChannelState.CONNECTED

        mine.set(held=False)
        await d.clock.advance(0)
        assert d.runner._call is None, "the poll is ended: another process polls now"
        assert d.state is ChannelState.STANDBY
        await d.clock.advance(600)
        assert len(d.did()) == 4

        async with d.store.unit() as unit:
            unit.cursors.save("s", "20", at=0)
        mine.set(held=True)
        await d.clock.advance(0)
        assert d.did()[4:] == ["fetch 20"], "from where the other process has come to"
        assert d.changes == [
            ChannelState.CONNECTED,
            ChannelState.STANDBY,
            ChannelState.CONNECTED,
            ChannelState.STANDBY,
            ChannelState.CONNECTED,
        ]


async def test_a_duty_that_is_lost_while_a_batch_is_stored_confirms_nothing(desk: OpenDesk) -> None:
    mine = duty(held=True)
    async with desk({}, duty=mine) as d:
        d.intake.gate.clear()
        d.channel.script["fetch"] = [batch("1", cursor="9")]
        mine.set(held=False)
        await d.clock.advance(0)
        mine.set(held=True)
        await d.clock.advance(0)
        assert d.did()[-1] == "store 1"
        mine.set(held=False)
        await d.clock.advance(0)
        d.intake.gate.set()
        await d.clock.advance(10)

        assert "confirm" not in d.did()
        assert d.state is ChannelState.STANDBY


async def test_a_duty_that_is_lost_in_a_pause_ends_it_and_its_trouble(desk: OpenDesk) -> None:
    mine = duty(held=True)
    async with desk({"fetch": [Unauthorized()] * 9}, duty=mine) as d:
        assert d.state is ChannelState.BAD_CREDENTIALS
        mine.set(held=False)
        await d.clock.advance(0)
        tries = len(d.did())
        assert d.state is ChannelState.STANDBY
        await d.clock.advance(1000)
        assert len(d.did()) == tries


async def test_a_webhook_is_subscribed_by_the_one_who_has_the_duty(desk: OpenDesk) -> None:
    mine = duty(held=False)
    async with desk(polling=False, url="https://b.ru/x", duty=mine) as d:
        assert d.did() == []
        mine.set(held=True)
        await d.clock.advance(0)
        assert d.did() == ["subscribe https://b.ru/x"]
        mine.set(held=False)
        await d.clock.advance(1300)
        assert len(d.did()) == 1


async def test_a_duty_that_changes_in_the_very_moment_of_looking_is_not_missed() -> None:
    mine = duty(held=False)

    class Racing(ScriptedPolling):
        async def open(self) -> None:
            loop = asyncio.get_running_loop()
            # Two turns later: after the runner has looked at its duty, before what it has begun then runs.
            loop.call_soon(lambda: loop.call_soon(lambda: mine.set(held=True)))

    d = Desk(polling=True, url=None, store=None, reconciling=False, duty=mine)
    d.channel = d.runner.channel = Racing(d.clock)
    task = asyncio.create_task(d.runner.run())
    await d.clock.advance(0)
    assert d.did() == ["fetch None"]
    d.runner.stop()
    await task


async def test_stopping_while_standing_by_is_at_once(desk: OpenDesk) -> None:
    async with desk(duty=duty(held=False)) as d:
        d.runner.stop()
        await d.clock.advance(0)

        assert d.state is ChannelState.STOPPED
