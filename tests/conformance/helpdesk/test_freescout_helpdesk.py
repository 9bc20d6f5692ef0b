"""FreeScout keeps every promise of a helpdesk."""

from __future__ import annotations

import html
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

from optfm_bot.clock import ManualClock
from optfm_bot.helpdesk.contract import DeskFile, HelpdeskContext, TicketRef
from optfm_bot.helpdesk.freescout.helpdesk import FreeScout
from optfm_bot.helpdesk.freescout.spec import FreeScoutSettings
from optfm_bot.testing.desk_conformance import HelpdeskConformance
from optfm_bot.testing.desk_stage import HelpdeskStage, Seen
from optfm_bot.testing.freescout_server import FreeScoutServer
from optfm_bot.testing.freescout_server.world import words

KEY = "canary-key-/+=0123456789"
SECRET = "canary-secret-0123456789"


class FreeScoutStage(HelpdeskStage):
    secrets = (KEY, SECRET)

    def __init__(self, desk: FreeScout, server: FreeScoutServer, clock: ManualClock) -> None:
        super().__init__(desk)
        self.server = server
        self.clock = clock

    async def seen(self, ticket: TicketRef) -> list[Seen]:
        kinds = {"customer": "customer", "note": "note", "message": "agent"}
        return [
            Seen(
                kind=kinds[thread.type],
                text=words(thread.body or ""),
                files=tuple((file.name, file.data) for file in thread.files),
            )
            for thread in self.server.world.conversation(int(ticket.id)).threads
            if thread.type in kinds
        ]

    async def agent_reply(self, ticket: TicketRef, text: str, files: Sequence[DeskFile] = ()) -> None:
        body = f"<p>{html.escape(text)}</p>"
        self.server.agents.reply(int(ticket.id), body, [(one.name, one.mime, one.data) for one in files])
        await self.clock.advance(15)

    async def agent_note(self, ticket: TicketRef, text: str) -> None:
        self.server.agents.note(int(ticket.id), text)

    async def agent_close(self, ticket: TicketRef) -> None:
        self.server.agents.close(int(ticket.id))

    async def agent_reopen(self, ticket: TicketRef) -> None:
        self.server.agents.reopen(int(ticket.id))

    async def remove(self, ticket: TicketRef) -> None:
        self.server.agents.delete_forever(int(ticket.id))

    async def is_open(self, ticket: TicketRef) -> bool:
        return self.server.world.conversation(int(ticket.id)).status in {"active", "pending"}

    @asynccontextmanager
    async def fault(self, name: str) -> AsyncIterator[None]:
        if name == "down":
            # A connection that is kept would be cut in the middle: that is another trouble than nobody listening.
            await self.desk.close()
            async with self.server.away():
                yield
            return
        kinds = {"revoked": "401", "busy": "429", "lost_answer": "drop_after"}
        path = "/conversations*" if name == "lost_answer" else "*"
        verb = "POST" if name == "lost_answer" else "*"
        self.server.fail(kinds[name], verb=verb, path=path, times=None)
        yield
        self.server.faults.rules.clear()


class TestFreeScout(HelpdeskConformance):
    @asynccontextmanager
    async def staged(self) -> AsyncIterator[HelpdeskStage]:
        clock = ManualClock()
        async with FreeScoutServer(api_key=KEY, webhook_secret=SECRET, clock=clock.now) as server:
            settings = FreeScoutSettings.model_validate(
                {
                    "url": server.base_url,
                    "api_key": KEY,
                    "webhook_secret": SECRET,
                    "mailbox_id": 2,
                    "file_limit": 100_000,
                }
            )
            desk = FreeScout(settings, HelpdeskContext(instance="desk", clock=clock.now))
            await desk.open()
            try:
                yield FreeScoutStage(desk, server, clock)
            finally:
                await desk.close()
                assert cast("int", server.state()["refused_keys"]) == 0
