"""What every helpdesk promises, as checks to inherit: subclass in a test module and say how agents act.

    from optfm_bot.sdk import HelpdeskConformance, HelpdeskStage

    class TestTicketbox(HelpdeskConformance):
        @asynccontextmanager
        async def staged(self):
            async with FakeTicketbox() as server:
                desk = Ticketbox(settings_of(server), HelpdeskContext(instance="desk", clock=clock))
                await desk.open()
                try:
                    yield TicketboxStage(desk, server)
                finally:
                    await desk.close()

It needs pytest and pytest-asyncio: `pip install "optfm-bot[testing]"`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from channels.testing.conformance.guard import CheckRemovedError, checks_of, faults_of_check
from optfm_bot.testing.desk_tickets import TicketChecks
from optfm_bot.testing.desk_trouble import TroubleChecks


class HelpdeskConformance(TicketChecks, TroubleChecks):
    """Every promise that the house relies on, whatever the helpdesk. `staged` is what a subclass has to give.

    A subclass that takes a check away, or overrides one without a strict and reasoned `xfail`, cannot be made: that
    raises `CheckRemovedError`, which pytest reports as a failed collection. What a helpdesk cannot do is said by the
    `powers` of its stage.
    """

    pytestmark: ClassVar[pytest.MarkDecorator] = pytest.mark.asyncio

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        faults = [fault for name in checks_of(HelpdeskConformance) for fault in faults_of_check(cls, name)]
        if faults:
            raise CheckRemovedError(f"{cls.__name__}: " + "; ".join(faults))
