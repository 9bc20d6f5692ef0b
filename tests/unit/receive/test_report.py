"""The report on channels: what is wrong with the helpdesk is advised in words of the helpdesk."""

from __future__ import annotations

import pytest

from channels.contract import ChannelContext
from channels.errors import ChannelError, Conflict, Unauthorized, Unreachable
from faq import FaqManager
from optfm_bot.blueprint import ChannelPlan, HouseSettings
from optfm_bot.clock import ManualClock
from optfm_bot.helpdesk.contract import HelpdeskContext
from optfm_bot.house import House
from optfm_bot.observe.metrics import Metrics
from optfm_bot.observe.observer import MetricsObserver
from optfm_bot.people import PeoplePlan
from optfm_bot.store.memory import MemoryStore
from optfm_bot.testing.memory_desk import MemoryHelpdesk
from optfm_bot.testing.platform import MemoryPlatform


@pytest.fixture
def house() -> House:
    clock = ManualClock()
    return House(
        [ChannelPlan(channel=MemoryPlatform(ChannelContext(instance="stage", clock=clock.now)))],
        FaqManager([]),
        store=MemoryStore(),
        clock=clock,
        observer=MetricsObserver(Metrics(version="test")),
        settings=HouseSettings(join_window=0),
        people=PeoplePlan(helpdesk=MemoryHelpdesk(HelpdeskContext(instance="desk", clock=clock.now))),
    )


def test_a_helpdesk_that_has_not_answered_yet_is_starting(house: House) -> None:
    assert house.report.states()["desk"]["state"] == "starting"
    assert "to_do" not in house.report.states()["desk"]


@pytest.mark.parametrize("error", [Unauthorized(), Unreachable(maybe_sent=False), Conflict()])
def test_the_advice_for_a_helpdesk_speaks_of_the_helpdesk(house: House, error: ChannelError) -> None:
    assert house.runners.desk is not None
    house.runners.desk.status.failed(error)
    house.runners["stage"].status.failed(error)
    states = house.report.states()

    assert states["desk"]["state"] == states["stage"]["state"]
    assert states["desk"]["to_do"] != states["stage"]["to_do"]
    assert "канал" not in states["desk"]["to_do"]
