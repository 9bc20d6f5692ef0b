"""The runner of a helpdesk: opens it, asks for changes, and survives what may happen on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from channels.contract import Health, HealthState
from channels.errors import ChannelError, RetryLater, Unauthorized, Unreachable
from optfm_bot.clock import ManualClock
from optfm_bot.dispatch.intake import Intake
from optfm_bot.errors import StoreUnavailable
from optfm_bot.helpdesk.contract import Customer, DeskMessage, HelpdeskContext, HelpdeskSettings, TicketDraft
from optfm_bot.helpdesk.runner import DeskRunner
from optfm_bot.ownership import Duty
from optfm_bot.receive.status import ChannelState, ChannelStatus
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.unit import Op, UnitOfWork
from optfm_bot.testing.memory_desk import MemoryHelpdesk

ANNA = Customer(ref="stage:anna", name="Анна", channel="Сцена")


class ShakyStore(MemoryStore):
    """A store that can refuse to write, and remembers what was written together."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.units: list[list[Op]] = []

    async def _commit(self, unit: UnitOfWork) -> None:
        if self.down:
            raise StoreUnavailable
        self.units.append([op for op, _ in unit.changes])
        await super()._commit(unit)


class Slow(HelpdeskSettings):
    """Settings that say how often to ask."""

    poll_seconds: float = 7.0


class Stubborn(MemoryHelpdesk):
    """A helpdesk that does not open at once, can hang, and remembers when it was asked for changes."""

    def __init__(self, context: HelpdeskContext, now: Callable[[], float]) -> None:
        super().__init__(context)
        self._now = now
        self.closed_doors: list[ChannelError] = []
        self.hangs = False
        self.answers: asyncio.Event | None = None
        self.health: Health | None = None
        self.opened = 0
        self.asked: list[float] = []

    async def open(self) -> None:
        await self._hang()
        if self.closed_doors:
            raise self.closed_doors.pop(0)
        self.opened += 1

    async def changes(self, cursor: str | None) -> tuple[Sequence[str], str]:
        self.asked.append(self._now())
        await self._hang()
        await self._silence()
        return await super().changes(cursor)

    async def probe(self) -> Health:
        await self._silence()
        return self.health or await super().probe()

    async def _silence(self) -> None:
        if self.answers is not None:
            await self.answers.wait()

    async def _hang(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()


class Silent:
    """A duty that another process has, until it is taken."""

    held = False


class Receiver:
    """Stands where the dispatcher is: keeps nothing in hand."""

    def lease(self, lanes: Sequence[str], *, only_here: bool) -> Any:
        del only_here
        return _Lease([None] * len(lanes))

    def accept(self, lease: Any, added: Sequence[Any], *, unsure: bool) -> Sequence[str]:
        del lease, added, unsure
        return ()


class _Lease:
    until = 0

    def __init__(self, owners: list[str | None]) -> None:
        self.owners = owners


class Scene:
    """A runner between a store and a helpdesk, all in memory."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = ShakyStore()
        self.began = self.clock.monotonic()
        self.helpdesk = Stubborn(HelpdeskContext(instance="desk", clock=self.clock.now), self.seconds)
        self.status = ChannelStatus(self.clock.now)
        self.healthy: list[float] = []

    def seconds(self) -> float:
        return self.clock.monotonic() - self.began

    def state(self) -> ChannelState:
        return self.status.now.state

    @asynccontextmanager
    async def running(self, *, hooked: bool = False, duty: Any = None) -> AsyncIterator[DeskRunner]:
        await self.store.open()
        dispatcher: Any = Receiver()
        asked: Duty | None = duty
        runner = DeskRunner(
            self.helpdesk,
            intake=Intake(self.store, dispatcher, self.clock),
            store=self.store,
            clock=self.clock,
            status=self.status,
            healthy=lambda: self.healthy.append(self.seconds()),
            hooked=hooked,
            duty=asked,
        )
        stop = asyncio.Event()
        task = asyncio.create_task(runner.run(stop))
        await self.clock.advance(0)
        try:
            yield runner
            assert not task.done(), "nothing may end it but the end"
        finally:
            stop.set()
            await task
        assert self.state() is ChannelState.STOPPED

    async def ticket(self) -> str:
        message = DeskMessage(key="5", text="Где заказ?")
        draft = TicketDraft(key="1", subject="Вопрос", customer=ANNA, customer_id=None, message=message)
        return (await self.helpdesk.open_ticket(draft)).id

    async def told(self, ticket: str = "1") -> list[str]:
        """The tickets that stored hints are about."""
        rows = await self.store.waiting(f"desk:ticket {ticket}")
        return [orjson.loads(row.payload)["ticket"] for row in rows]


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_opening_is_tried_until_it_works(scene: Scene) -> None:
    scene.helpdesk.closed_doors = [Unreachable(maybe_sent=False), Unauthorized(), RetryLater()]
    async with scene.running():
        assert (scene.state(), scene.healthy) == (ChannelState.WAITING, [])
        await scene.clock.advance(1)
        assert scene.state() is ChannelState.BAD_CREDENTIALS
        await scene.clock.advance(60)

        assert scene.state() is ChannelState.CONNECTED
        assert scene.helpdesk.opened == 1
        assert scene.healthy


@pytest.mark.parametrize("asks", [True, False])
async def test_it_is_starting_until_it_has_answered_for_the_first_time(scene: Scene, *, asks: bool) -> None:
    scene.helpdesk.answers = asyncio.Event()
    async with scene.running(duty=None if asks else Silent()):
        await scene.clock.advance(5)
        assert scene.helpdesk.opened == 1
        assert (scene.state(), scene.healthy) == (ChannelState.STARTING, [])
        scene.helpdesk.answers.set()
        await scene.clock.advance(0)
        assert (scene.state(), scene.healthy) == (ChannelState.CONNECTED, [5])


async def test_a_first_answer_that_is_a_refusal_is_the_first_state(scene: Scene) -> None:
    scene.helpdesk.health = Health(state=HealthState.BAD_CREDENTIALS, hint="key")
    async with scene.running(duty=Silent()):
        assert (scene.state(), scene.healthy) == (ChannelState.BAD_CREDENTIALS, [])


async def test_opening_that_never_ends_is_tried_anew(scene: Scene) -> None:
    scene.helpdesk.hangs = True
    async with scene.running():
        await scene.clock.advance(90)
        assert scene.state() is ChannelState.WAITING
        scene.helpdesk.hangs = False
        await scene.clock.advance(1)
        assert scene.state() is ChannelState.CONNECTED


async def test_the_end_does_not_wait_for_a_helpdesk_that_does_not_open(scene: Scene) -> None:
    scene.helpdesk.closed_doors = [Unauthorized() for _ in range(99)]
    async with scene.running():
        await scene.clock.advance(100)
    assert scene.helpdesk.opened == 0


async def test_what_has_changed_is_stored_with_the_cursor_in_one_transaction(scene: Scene) -> None:
    async with scene.running():
        assert await scene.store.cursor("desk") == "0"
        ticket = await scene.ticket()
        scene.store.units.clear()
        await scene.clock.advance(30)

        assert await scene.told(ticket) == [ticket]
        assert await scene.store.cursor("desk") == "1"
        assert scene.store.units == [[Op.INBOX_ADD, Op.CURSOR_SAVE]]
        await scene.clock.advance(300)
        assert await scene.told(ticket) == [ticket], "nothing has changed since"
        assert len(scene.store.units) == 1, "nothing new, nothing written"


async def test_a_restart_goes_on_from_the_cursor(scene: Scene) -> None:
    async with scene.running():
        pass
    ticket = await scene.ticket()
    async with scene.running():
        assert await scene.told(ticket) == [ticket]


async def test_a_store_that_is_down_loses_nothing(scene: Scene) -> None:
    async with scene.running():
        scene.store.down = True
        ticket = await scene.ticket()
        await scene.clock.advance(30)
        assert await scene.told(ticket) == []
        assert await scene.store.cursor("desk") == "0"
        scene.store.down = False
        await scene.clock.advance(30)
        assert await scene.told(ticket) == [ticket]


async def test_who_has_not_the_duty_opens_and_does_not_ask(scene: Scene) -> None:
    duty = Silent()
    async with scene.running(duty=duty):
        await scene.clock.advance(100)
        assert (scene.state(), scene.helpdesk.asked) == (ChannelState.CONNECTED, [])
        duty.held = True
        await scene.clock.advance(30)
        assert len(scene.helpdesk.asked) == 1


@pytest.mark.parametrize(
    ("hooked", "settings", "times"),
    [
        (False, HelpdeskSettings(), [0, 30, 60, 90]),
        (False, Slow(poll_seconds=40), [0, 40, 80]),
        (True, HelpdeskSettings(), [0]),
        (True, Slow(poll_seconds=40), [0]),
    ],
)
async def test_how_often_changes_are_asked_for(
    scene: Scene, *, hooked: bool, settings: HelpdeskSettings, times: list[float]
) -> None:
    scene.helpdesk.settings = settings
    async with scene.running(hooked=hooked):
        await scene.clock.advance(100)
        assert scene.helpdesk.asked == times


async def test_credentials_that_are_refused_are_seen_and_their_recovery_too(scene: Scene) -> None:
    async with scene.running():
        scene.helpdesk.revoked = True
        await scene.clock.advance(30)
        assert scene.state() is ChannelState.BAD_CREDENTIALS
        scene.healthy.clear()
        await scene.clock.advance(31)
        assert (scene.state(), scene.healthy) == (ChannelState.BAD_CREDENTIALS, [])
        scene.helpdesk.revoked = False
        await scene.clock.advance(30)
        assert scene.state() is ChannelState.CONNECTED
        assert scene.healthy, "what waits for better credentials may be tried again"


async def test_where_webhooks_bring_the_news_looking_sees_that_it_works_again(scene: Scene) -> None:
    async with scene.running(hooked=True) as runner:
        runner.doubt(Unauthorized())
        assert scene.state() is ChannelState.BAD_CREDENTIALS
        scene.healthy.clear()
        await scene.clock.advance(60)
        assert (scene.state(), scene.healthy) == (ChannelState.CONNECTED, [60])
        assert scene.helpdesk.asked == [0]


@pytest.mark.parametrize(
    ("health", "state"),
    [
        (Health(state=HealthState.DEGRADED, hint="no mailbox"), ChannelState.DEGRADED),
        (Health(state=HealthState.BAD_CREDENTIALS, hint="key"), ChannelState.BAD_CREDENTIALS),
        (Health(state=HealthState.DOWN, hint="503"), ChannelState.WAITING),
    ],
)
async def test_what_looking_finds_is_the_state(scene: Scene, health: Health, state: ChannelState) -> None:
    async with scene.running(hooked=True):
        scene.helpdesk.health = health
        await scene.clock.advance(60)
        assert (scene.state(), scene.status.now.why) == (state, health.hint)


async def test_a_question_that_never_ends_is_given_up(scene: Scene) -> None:
    async with scene.running():
        scene.helpdesk.hangs = True
        await scene.clock.advance(29.5)
        ticket = await scene.ticket()
        await scene.clock.advance(30)
        scene.helpdesk.health = Health(state=HealthState.DOWN, hint="silence")
        await scene.clock.advance(60.5)
        assert scene.state() is ChannelState.WAITING
        scene.helpdesk.hangs, scene.helpdesk.health = False, None
        await scene.clock.advance(60)
        assert scene.state() is ChannelState.CONNECTED
        assert await scene.told(ticket) == [ticket]


class Coarse(Stubborn):
    """A helpdesk whose times are whole seconds: the last change is named again and again."""

    async def changes(self, cursor: str | None) -> tuple[Sequence[str], str]:
        self.asked.append(self._now())
        return ["1"], "12:00:00"


async def test_a_cursor_that_stands_still_may_hide_a_change_for_a_while_and_not_for_ever(
    scene: Scene,
) -> None:
    scene.helpdesk = Coarse(HelpdeskContext(instance="desk", clock=scene.clock.now), scene.seconds)
    async with scene.running():
        await scene.clock.advance(170)
        within = len(await scene.told())
        await scene.clock.advance(3600)
        assert within == 6
        assert len(await scene.told()) == within + 1, "each look would cost a call otherwise"
