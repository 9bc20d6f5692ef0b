"""A desk between a store and a helpdesk, both in memory, and what happens there in short words."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import orjson

from channels.model import ChatRef, Media, Purpose, RawUpdate, Rendered
from optfm_bot.clock import ManualClock
from optfm_bot.dispatch.inner import Inner, read_inner
from optfm_bot.dispatch.intake import encoded
from optfm_bot.errors import StoreUnavailable
from optfm_bot.helpdesk.contract import DeskMessage, HelpdeskContext, ThreadRef, TicketRef
from optfm_bot.helpdesk.desk import Desk
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import NewUpdate
from optfm_bot.store.ticket_records import TicketRow
from optfm_bot.store.unit import UnitOfWork
from optfm_bot.testing.memory_agents import MemoryTicket
from optfm_bot.testing.memory_desk import MemoryHelpdesk

ANNA, BORIS = "stage:anna", "stage:boris"


class ShakyStore(MemoryStore):
    """A store that can refuse to write."""

    down = False

    async def _commit(self, unit: UnitOfWork) -> None:
        if self.down:
            raise StoreUnavailable
        await super()._commit(unit)


class Reader(MemoryHelpdesk):
    """A helpdesk that finds messages by their words, and that can fall silent in the middle of a call."""

    silent = False

    async def find_message(
        self, ticket: TicketRef, message: DeskMessage, *, since: datetime, known: Collection[str], note: bool
    ) -> ThreadRef | None:
        found = await super().find_message(ticket, message, since=since, known=known, note=note)
        texts = {thread.id: thread.text for thread in self.tickets_here[ticket.id].threads}
        return found if found is not None and texts[found.id] == message.text else None

    async def add_customer_message(self, ticket: TicketRef, message: DeskMessage) -> ThreadRef:
        if self.silent:
            await asyncio.Event().wait()
        return await super().add_customer_message(ticket, message)


class Scene:
    """A desk between a store and a helpdesk, both in memory, and short words for what happens there."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        self.store = ShakyStore()
        self.helpdesk = Reader(HelpdeskContext(instance="desk", clock=self.clock.now), **options)
        self._id = 1000
        self.desk = self.begun()

    def begun(self) -> Desk:
        """The desk of a process that has just begun."""
        channels: Any = {"stage": SimpleNamespace(title="Сцена")}
        return Desk(
            self.helpdesk,
            self.store,
            self.clock,
            channels=channels,
            receive=self.receive,
            new_id=self.new_id,
        )

    def new_id(self) -> int:
        self._id += 1
        return self._id

    async def receive(self, channel: str, updates: Sequence[RawUpdate]) -> int:
        async with self.store.unit() as unit:
            for one in updates:
                new = NewUpdate(channel=channel, key=one.key, lane=one.lane, payload=encoded(one.payload))
                unit.inbox.add(new, received_at=self.clock.ms(), owner=None, lease_until=0)
        return len(unit.added)

    async def heard(self, lane: str = ANNA) -> list[Inner]:
        """What has been stored for a conversation."""
        rows = await self.store.waiting(lane)
        return [read_inner(row.channel, orjson.loads(row.payload)) for row in rows]

    async def keep(self, **facts: Any) -> TicketRow:
        """Put a ticket into the record."""
        now = self.clock.ms()
        row = TicketRow(
            **{
                "id": 1,
                "desk": "desk",
                "lane": ANNA,
                "person": ANNA,
                "subject": "Где заказ?",
                "opened_at": now,
                "updated_at": now,
                **facts,
            }
        )
        async with self.store.unit() as unit:
            unit.desk.save_ticket(row)
        return row

    async def ticket(self, ticket: int = 1) -> TicketRow:
        found = await self.store.ticket(ticket)
        assert found is not None
        return found

    async def bring(
        self,
        key: int,
        text: str = "",
        *,
        ticket: int = 1,
        purpose: Purpose = Purpose.CUSTOMER,
        media: Sequence[Media] = (),
    ) -> tuple[str, ...]:
        """Deliver a message to a ticket; gives the ids that the receipt has."""
        chat = ChatRef(channel="desk", chat_id=str(ticket))
        message = Rendered(
            key=str(key), chat=chat, text=f"*{text}*", plain=text, purpose=purpose, media=tuple(media)
        )
        return (await self.desk.deliver(message)).external_ids

    async def opened(self, **facts: Any) -> MemoryTicket:
        """A ticket that is open, with its first message; the calls so far are forgotten."""
        row = await self.keep(**facts)
        await self.bring(row.id + 100, "Где заказ?", ticket=row.id)
        self.helpdesk.calls.clear()
        return self.there[(await self.ticket(row.id)).external_id or ""]

    @property
    def there(self) -> dict[str, MemoryTicket]:
        return self.helpdesk.tickets_here

    @property
    def calls(self) -> list[str]:
        return self.helpdesk.calls
