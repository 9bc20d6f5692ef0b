"""Placing: bringing to a ticket what it is to hear, once.

An attempt is written down before the call, and one whose outcome nobody knows is looked for at the helpdesk before it
is repeated. Decision 0019.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import structlog

from channels.body import plain_text
from channels.codec import decode_outbound
from channels.contract import Channel
from channels.errors import Gone, Rejected, RetryLater, TooLarge, Unauthorized, Unreachable
from channels.model import Media, MediaKind, Purpose, RawUpdate, Receipt, Rendered
from channels.phrase import phrase
from optfm_bot.clock import Clock
from optfm_bot.dispatch.inner import down_update, moved_update, refused_update
from optfm_bot.errors import StoreUnavailable
from optfm_bot.helpdesk.contract import (
    Customer,
    DeskFile,
    DeskMessage,
    Helpdesk,
    ThreadRef,
    TicketDraft,
    TicketRef,
)
from optfm_bot.helpdesk.sentences import FileSentences
from optfm_bot.scratch import safe_name
from optfm_bot.store.contract import Store
from optfm_bot.store.records import Direction
from optfm_bot.store.ticket_records import DeskCustomerRow, DeskMessageRow, TicketRow, TicketStatus

log = structlog.get_logger("optfm_bot.helpdesk")

CALL_SECONDS = 80.0
"""The longest that a call of the helpdesk may take; adapters have shorter limits of their own."""

_STORE_AGAIN = timedelta(seconds=1)

_SETTLE_MS = 5_000
"""A call that broke off may still be carried out there: before it is missed, it has so much time."""

Found = TypeVar("Found", TicketRef, ThreadRef)

Receive = Callable[[str, Sequence[RawUpdate]], Awaitable[int]]
"""Stores updates of an instance, as the intake does."""


class Placing:
    """Delivers messages to tickets. `receive` stores what follows from it, `channels` are those of the customers."""

    def __init__(
        self,
        helpdesk: Helpdesk,
        store: Store,
        clock: Clock,
        *,
        channels: Mapping[str, Channel],
        receive: Receive,
        sentences: FileSentences,
    ) -> None:
        self.helpdesk = helpdesk
        self.down = False
        """Whether the last call found nobody there."""
        self._store = store
        self._clock = clock
        self._channels = channels
        self._receive = receive
        self._sentences = sentences
        self._begun = clock.ms()
        self._down_since = 0
        self._tried: dict[int, int] = {}
        self._in_doubt: set[int] = set()
        self._named: set[int] = set()
        """Messages whose files it has refused as too large: their names go there instead."""

    async def deliver(self, message: Rendered) -> Receipt:
        """Bring one message to its ticket, opening that if need be. Raises by reaction; then it may be repeated."""
        try:
            return await self._brought(message)
        except Gone as error:  # to the outbox this would mean that the customer has left
            raise RetryLater(phrase("desk.ticket_moved", "The ticket went elsewhere meanwhile")) from error
        except StoreUnavailable as error:
            raise RetryLater(
                phrase("desk.no_record", "The record of tickets cannot be reached"), after=_STORE_AGAIN
            ) from error

    async def _brought(self, message: Rendered) -> Receipt:
        try:
            async with self._clock.limit(CALL_SECONDS):
                receipt = await self._deliver(message)
        except TimeoutError as error:
            await self._is_down(message)
            raise Unreachable(
                phrase("desk.silent", "The helpdesk did not answer in time"), maybe_sent=True
            ) from error
        except (RetryLater, Unauthorized, Unreachable) as error:
            if isinstance(error, Unreachable):
                await self._is_down(message)
            if not (isinstance(error, Unreachable) and error.maybe_sent):
                await self._not_sent(int(message.key))
            raise
        self.down = False
        return receipt

    async def _not_sent(self, key: int) -> None:
        """Take back that a call was tried: it has surely done nothing, so nobody has to look for what it did."""
        if key in self._in_doubt:
            return  # of an earlier one that is not sure
        async with self._store.unit() as unit:
            unit.desk.withdraw_message(key)

    async def _deliver(self, message: Rendered) -> Receipt:
        key = int(message.key)
        ticket = await self._store.ticket(int(message.chat.chat_id))
        if ticket is None:
            raise Rejected(phrase("desk.not_in_record", "The ticket is not in our record any more"))
        if ticket.desk != self.helpdesk.instance:
            ticket = await self._moved_here(ticket, message)
        if message.purpose is Purpose.CLOSE:
            return await self._closed(ticket)
        before = await self._store.desk_message(key)
        if before is not None and before.done_at is not None:
            return self._receipt(before.external_id)
        words = DeskMessage(key=str(key), text=message.plain, files=await _files(message.media))
        note = message.purpose is Purpose.NOTE
        if key in self._named:
            words = self._in_words(words, ticket)
        try:
            placed = await self._placed(ticket, words, before, note=note)
        except TooLarge:
            if not words.files:
                raise
            log.warning("desk.files_too_large", desk=self.helpdesk.instance, files=len(words.files))
            self._named.add(key)
            # An earlier attempt may have come as far as this, too: `before` has it looked for in these words.
            placed = await self._placed(ticket, self._in_words(words, ticket), before, note=note)
        self._named.discard(key)
        return self._receipt(placed)

    async def _moved_here(self, ticket: TicketRow, message: Rendered) -> TicketRow:
        """A ticket of the helpdesk that the settings named before, as one of this: its number means another one here.

        Whoever reads the new one has not read the talk so far, unless that waits here, too. Raises `Rejected` for a
        note: it opens no ticket.
        """
        there = await self._store.open_ticket(self.helpdesk.instance, ticket.lane)
        if there is not None:
            return there
        if message.purpose is Purpose.NOTE:
            raise Rejected(
                phrase(
                    "desk.at_another",
                    "The ticket is at {desk}, which is not the helpdesk now",
                    desk=ticket.desk,
                )
            )
        log.warning(
            "desk.changed", desk=self.helpdesk.instance, before=ticket.desk, ticket=ticket.external_id
        )
        if message.purpose is Purpose.CUSTOMER and ticket.external_id is not None:
            moved = moved_update(ticket.id, ticket.lane, by=int(message.key))
            await self._receive(self.helpdesk.instance, [moved])
        return replace(
            ticket,
            desk=self.helpdesk.instance,
            external_id=None,
            number="",
            url="",
            customer_id=None,
            assignee="",
            status=TicketStatus.OPEN,
            closed_at=None,
        )

    async def _placed(
        self, ticket: TicketRow, words: DeskMessage, before: DeskMessageRow | None, *, note: bool
    ) -> str | None:
        if ticket.external_id is None:
            return await self._opened(ticket, words, before)
        try:
            return await self._added(ticket, words, before, note=note)
        except Gone:
            return await self._elsewhere(ticket, words, before, note=note)

    async def _closed(self, ticket: TicketRow) -> Receipt:
        if ticket.external_id is not None and ticket.status is TicketStatus.OPEN:
            try:
                await self.helpdesk.close_ticket(ref_of(ticket))
            except Gone:
                log.info("desk.gone", desk=self.helpdesk.instance, ticket=ticket.external_id)
        if ticket.status is not TicketStatus.GONE:
            now = self._clock.ms()
            async with self._store.unit() as unit:
                unit.desk.save_ticket(
                    replace(ticket, status=TicketStatus.CLOSED, closed_at=now, updated_at=now)
                )
        return self._receipt(None)

    async def _opened(
        self, ticket: TicketRow, words: DeskMessage, before: DeskMessageRow | None
    ) -> str | None:
        """Open the ticket with these words; gives the id of the thread that they became, if it has one."""
        draft = await self._draft(ticket, words)
        found: TicketRef | None = None
        if before is None:
            await self._attempt(ticket, words, "customer")
        else:
            rows = await self._store.tickets(self.helpdesk.instance, lane=ticket.lane)
            known = [row.external_id for row in rows if row.external_id is not None]
            sought = replace(draft, message=await self._sought(words))
            found = await self._doubted(
                words, before, self.helpdesk.find_ticket(sought, since=moment_of(before.at), known=known)
            )
        if found is None:
            found = await self.helpdesk.open_ticket(draft)
        await self._refused(ticket, words, found.refused)
        now = self._clock.ms()
        async with self._store.unit() as unit:
            unit.desk.save_ticket(
                replace(
                    ticket,
                    external_id=found.id,
                    number=found.number,
                    url=found.url,
                    customer_id=found.customer_id,
                    updated_at=now,
                )
            )
            unit.desk.message_done(int(words.key), external_id=found.thread_id, at=now)
            if found.customer_id is not None:
                unit.desk.save_customer(
                    DeskCustomerRow(
                        desk=self.helpdesk.instance,
                        person=ticket.person,
                        customer_id=found.customer_id,
                        at=now,
                    )
                )
        self._tried.pop(int(words.key), None)
        log.info("desk.opened", desk=self.helpdesk.instance, ticket=found.id)
        return found.thread_id

    async def _added(
        self, ticket: TicketRow, words: DeskMessage, before: DeskMessageRow | None, *, note: bool
    ) -> str:
        ref = ref_of(ticket)
        found: ThreadRef | None = None
        if before is None:
            await self._attempt(ticket, words, "note" if note else "customer")
        else:
            rows = await self._store.desk_messages(ticket.id)
            known = [row.external_id for row in rows if row.external_id is not None]
            sought = await self._sought(words)
            found = await self._doubted(
                words,
                before,
                self.helpdesk.find_message(ref, sought, since=moment_of(before.at), known=known, note=note),
            )
        if found is None:
            add = self.helpdesk.add_note if note else self.helpdesk.add_customer_message
            found = await add(ref, words)
        await self._refused(ticket, words, found.refused)
        now = self._clock.ms()
        latest = await self._store.ticket(ticket.id)
        there = await self._store.open_ticket(self.helpdesk.instance, ticket.lane)
        async with self._store.unit() as unit:
            unit.desk.message_done(int(words.key), external_id=found.id, at=now)
            if not note and latest is not None and there is None:
                # The customer's words have opened it again.
                unit.desk.save_ticket(
                    replace(latest, status=TicketStatus.OPEN, closed_at=None, updated_at=now)
                )
        self._tried.pop(int(words.key), None)
        return found.id

    async def _elsewhere(
        self, ticket: TicketRow, words: DeskMessage, before: DeskMessageRow | None, *, note: bool
    ) -> str | None:
        """The ticket is gone: go on where it was merged into, or with a new one."""
        found = await located(self.helpdesk, self._store, ticket)
        log.warning(
            "desk.moved", desk=self.helpdesk.instance, ticket=ticket.external_id, into=found and found.id
        )
        if found is not None:
            other = await self._store.ticket_of(self.helpdesk.instance, found.id)
            if other is not None:  # that it was merged into one of ours, reading it will tell
                return await self._added(other, words, before, note=note)
            moved = replace(ticket, external_id=found.id, number=found.number, url=found.url)
            async with self._store.unit() as unit:
                unit.desk.save_ticket(moved)
            return await self._added(moved, words, before, note=note)
        if note:
            raise Rejected("The ticket is gone, and a note opens no new one")
        anew = replace(ticket, external_id=None, number="", url="")
        if await self._store.open_ticket(self.helpdesk.instance, ticket.lane) is None:
            anew = replace(anew, status=TicketStatus.OPEN, closed_at=None)  # as the new one is there
        return await self._opened(anew, words, before)

    async def _refused(self, ticket: TicketRow, words: DeskMessage, names: Sequence[str]) -> None:
        """Let agents hear which files of a message they do not see: stored before the message counts as brought."""
        if not names:
            return
        log.warning(
            "desk.files_refused", desk=self.helpdesk.instance, ticket=ticket.external_id, files=len(names)
        )
        await self._receive(self.helpdesk.instance, [refused_update(int(words.key), ticket.lane, names)])

    def _in_words(self, words: DeskMessage, ticket: TicketRow) -> DeskMessage:
        """The message with a sentence for each file instead of it: nobody shall lose words because of a file."""
        origin = ticket.person.partition(":")[0]
        text = self._sentences.too_large(words.text, [file.name for file in words.files], origin)
        return replace(words, text=text, files=())

    async def _sought(self, words: DeskMessage) -> DeskMessage:
        """The message with what an earlier attempt may have said of its files, or had of them."""
        for row in await self._store.outgoing([int(words.key)]):
            promised = decode_outbound(row.message)
            files = [
                replace(one, name=safe_name(one.name, mime=one.mime, otherwise=one.kind.value))
                for one in promised.media
            ]
            if files:
                also = self._sentences.variants(plain_text(promised.body), files)
                return replace(words, also=also, named=tuple(file.name for file in files))
        return words

    async def _attempt(self, ticket: TicketRow, words: DeskMessage, kind: str) -> None:
        """Write down that a call is about to begin."""
        now = self._clock.ms()
        async with self._store.unit() as unit:
            unit.desk.add_message(
                DeskMessageRow(
                    id=int(words.key),
                    ticket_id=ticket.id,
                    desk=self.helpdesk.instance,
                    direction=Direction.OUT,
                    kind=kind,
                    at=now,
                )
            )
        self._tried[int(words.key)] = now

    async def _doubted(
        self, words: DeskMessage, before: DeskMessageRow, looking: Awaitable[Found | None]
    ) -> Found | None:
        """What became of an earlier attempt; None if it is sure that nothing did."""
        key = int(words.key)
        self._in_doubt.add(key)
        found = await looking
        now = self._clock.ms()
        if found is None:
            if not self.helpdesk.spec.lookup:
                raise Rejected(
                    phrase("desk.in_doubt", "It was being added, and nobody can know whether it arrived")
                )
            settled = max(self._tried.get(key, self._begun), before.at) + _SETTLE_MS
            if now < settled:
                raise RetryLater(
                    phrase("desk.may_still_arrive", "An earlier call may still arrive"),
                    after=timedelta(milliseconds=settled - now),
                    limited=False,
                )
            self._tried[key] = now
        self._in_doubt.discard(key)
        log.info("desk.doubt_settled", desk=self.helpdesk.instance, there=found is not None)
        return found

    async def _is_down(self, message: Rendered) -> None:
        """Let the customer hear, once for each ticket, that their words wait."""
        if not self.down:
            self.down, self._down_since = True, self._clock.ms()
        ticket = await self._store.ticket(int(message.chat.chat_id))
        if ticket is not None and message.purpose is Purpose.CUSTOMER:
            await self._receive(
                self.helpdesk.instance, [down_update(ticket.id, ticket.lane, since=self._down_since)]
            )

    async def _draft(self, ticket: TicketRow, words: DeskMessage) -> TicketDraft:
        people = await self._store.people([ticket.person])
        person = people.get(ticket.person)
        instance, _, external_id = ticket.person.partition(":")
        channel = self._channels.get(instance)
        title = channel.title if channel is not None else instance
        name = person.display_name.strip() if person is not None else ""
        customer = Customer(
            ref=ticket.person,
            name=name or f"{title} {external_id}",
            channel=title,
            phone=person.phone if person is not None else None,
        )
        known = ticket.customer_id or await self._store.desk_customer(self.helpdesk.instance, ticket.person)
        about = ticket.subject or customer.name
        return TicketDraft(
            key=str(ticket.id),
            subject=f"{title}: {about}",
            customer=customer,
            customer_id=known,
            message=words,
        )

    def _receipt(self, external_id: str | None) -> Receipt:
        ids = (external_id,) if external_id is not None else ()
        return Receipt(external_ids=ids, sent_at=self._clock.now())


def ref_of(ticket: TicketRow) -> TicketRef:
    """A ticket of ours as the helpdesk knows it."""
    return TicketRef(
        id=ticket.external_id or "", number=ticket.number, url=ticket.url, customer_id=ticket.customer_id
    )


def moment_of(ms: int) -> datetime:
    """A moment in ms as a date."""
    return datetime.fromtimestamp(ms / 1000, UTC)


async def located(helpdesk: Helpdesk, store: Store, ticket: TicketRow) -> TicketRef | None:
    """Find out what a ticket that is gone lives on as; None if it does not. Raises by reaction."""
    rows = await store.desk_messages(ticket.id)
    threads = [row.external_id for row in rows if row.external_id is not None]
    return await helpdesk.locate(ref_of(ticket), known=threads)


async def _files(media: Sequence[Media]) -> tuple[DeskFile, ...]:
    """What is in files that lie here. Raises `Rejected` for one that does not."""
    return await asyncio.to_thread(_read_files, media) if media else ()


def _read_files(media: Sequence[Media]) -> tuple[DeskFile, ...]:
    files = []
    for item in media:
        try:
            data = Path(item.path or "").read_bytes()
        except OSError as error:
            raise Rejected(
                phrase("desk.file_unreadable", "A file cannot be read: {why}", why=error.strerror)
            ) from error
        files.append(DeskFile(name=item.name or "file", mime=item.mime or _MIMES[item.kind], data=data))
    return tuple(files)


_MIMES = {
    MediaKind.IMAGE: "image/jpeg",
    MediaKind.VIDEO: "video/mp4",
    MediaKind.AUDIO: "audio/ogg",
    MediaKind.FILE: "application/octet-stream",
}
