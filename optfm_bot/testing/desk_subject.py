"""What the checks of a helpdesk are made on: the helpdesk of one check, a ticket of it, what it cannot do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import pytest_asyncio

from optfm_bot.testing.desk_stage import HelpdeskStage, Record, draft


class DeskSubject:
    """The helpdesk under test."""

    def staged(self) -> AbstractAsyncContextManager[HelpdeskStage]:
        """Give an opened helpdesk on a fresh fake, and clear up afterwards."""
        raise NotImplementedError

    @pytest_asyncio.fixture
    async def stage(self) -> AsyncIterator[HelpdeskStage]:
        """The helpdesk of one check."""
        async with self.staged() as made:
            yield made

    @asynccontextmanager
    async def opened(self, stage: HelpdeskStage, text: str = "Здравствуйте") -> AsyncIterator[Record]:
        """A ticket with its record."""
        yield Record(stage, await stage.desk.open_ticket(draft(text)))

    @staticmethod
    def needs(stage: HelpdeskStage, *powers: str) -> None:
        """Leave the check out where the helpdesk cannot do that."""
        if missing := set(powers) - stage.powers:
            pytest.skip(f"this helpdesk has not: {', '.join(sorted(missing))}")
