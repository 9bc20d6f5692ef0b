"""The shelf keeps every promise of a helpdesk."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from optfm_bot.sdk import DeskFile, HelpdeskConformance, HelpdeskContext, HelpdeskStage, Seen, TicketRef

from optfm_bot_shelf.helpdesk import Shelf
from optfm_bot_shelf.spec import ShelfSettings
from optfm_bot_shelf.tickets import say, turn


def now() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


class ShelfStage(HelpdeskStage):
    """Agents who change the files."""

    powers = HelpdeskStage.powers - {"revoked", "busy", "lost_answer"}

    def __init__(self, desk: Shelf, folder: Path) -> None:
        super().__init__(desk)
        self.tickets = desk.tickets
        self.folder = folder

    async def seen(self, ticket: TicketRef) -> list[Seen]:
        return [
            Seen(
                kind=thread["kind"],
                text=thread["text"],
                files=tuple((file["name"], b64decode(file["data"])) for file in thread["files"]),
            )
            for thread in self.tickets.get(ticket.id)["threads"]
        ]

    async def agent_reply(self, ticket: TicketRef, text: str, files: Sequence[DeskFile] = ()) -> None:
        found = self.tickets.get(ticket.id)
        say(found, "agent", text, files, at=now())
        self.tickets.keep(found)

    async def agent_note(self, ticket: TicketRef, text: str) -> None:
        found = self.tickets.get(ticket.id)
        say(found, "note", text, (), at=now())
        self.tickets.keep(found)

    async def agent_close(self, ticket: TicketRef) -> None:
        self._turn(ticket, is_open=False)

    async def agent_reopen(self, ticket: TicketRef) -> None:
        self._turn(ticket, is_open=True)

    async def remove(self, ticket: TicketRef) -> None:
        self.tickets.remove(ticket.id)

    async def is_open(self, ticket: TicketRef) -> bool:
        return bool(self.tickets.get(ticket.id)["open"])

    @asynccontextmanager
    async def fault(self, name: str) -> AsyncIterator[None]:
        away = self.folder.with_name("away")
        if name == "down":
            self.folder.rename(away)
        yield
        if name == "down":
            away.rename(self.folder)

    def _turn(self, ticket: TicketRef, *, is_open: bool) -> None:
        found = self.tickets.get(ticket.id)
        turn(found, now(), is_open=is_open)
        self.tickets.keep(found)


class TestShelf(HelpdeskConformance):
    """Every check, on a folder of its own."""

    @asynccontextmanager
    async def staged(self) -> AsyncIterator[HelpdeskStage]:
        with TemporaryDirectory() as place:
            folder = Path(place) / "shelf"
            folder.mkdir()
            settings = ShelfSettings(path=str(folder), file_limit=100_000)
            desk = Shelf(settings, HelpdeskContext(instance="desk", clock=now))
            await desk.open()
            try:
                yield ShelfStage(desk, folder)
            finally:
                await desk.close()
