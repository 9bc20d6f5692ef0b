"""FreeScout as a helpdesk: tickets are conversations of one mailbox, messages are their threads."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

import structlog

from channels.contract import Health, WebhookRequest
from channels.errors import BadPayload, ChannelError, Gone, Rejected, TooLarge, Unauthorized, Unreachable
from channels.fields import Json, child, children, identifier, required_id, text
from channels.http import json_value
from channels.model import RawUpdate
from channels.phrase import phrase
from optfm_bot.helpdesk.contract import (
    AgentFile,
    DeskMessage,
    Helpdesk,
    HelpdeskContext,
    HelpdeskEvent,
    HelpdeskSpec,
    Hooked,
    KnownTicket,
    Merged,
    Polled,
    Removed,
    ThreadRef,
    TicketDraft,
    TicketRef,
    ticket_lane,
)
from optfm_bot.helpdesk.freescout import customers
from optfm_bot.helpdesk.freescout.client import FreeScoutClient
from optfm_bot.helpdesk.freescout.health import diagnose, refused_probe
from optfm_bot.helpdesk.freescout.signature import HEADER, is_genuine
from optfm_bot.helpdesk.freescout.spec import SPEC, FreeScoutSettings
from optfm_bot.helpdesk.freescout.threads import (
    Conversation,
    agent_text,
    find_thread,
    first_thread,
    is_draft,
    is_older,
    moment,
    news,
    read_attachment,
    read_conversation,
    refused,
    written,
)
from optfm_bot.helpdesk.markup import write_html

_OVERLAP = timedelta(seconds=60)
"""What changed within this time before the cursor is named again: FreeScout's times are whole seconds, and one
transaction may end after a later one."""
_MOST_PAGES = 20
_MOST_CHANGED = 1000
_LOOKED_THROUGH = 4
"""Pages of a customer's conversations in which a ticket is looked for."""
_FILE_PARTS = 3

log = structlog.get_logger("optfm_bot.helpdesk.freescout")


class FreeScout(Helpdesk, Hooked, Polled):
    """One mailbox of a FreeScout installation with the API & Webhooks module."""

    spec: ClassVar[HelpdeskSpec] = SPEC
    settings: FreeScoutSettings

    def __init__(self, settings: FreeScoutSettings, context: HelpdeskContext) -> None:
        super().__init__(settings, context)
        self._client = FreeScoutClient(settings, context.clock)
        self._user = settings.user_id
        self._undo = timedelta(seconds=settings.undo_seconds)

    async def close(self) -> None:
        """Free connections."""
        await self._client.close()

    async def probe(self) -> Health:
        """Ask whether the key works, the mailbox is there, and there is a user who can write notes."""
        try:
            mailboxes = [
                one async for one in self._client.pages("/mailboxes", "mailboxes", {}, most=_MOST_PAGES)
            ]
            users = [one async for one in self._client.pages("/users", "users", {}, most=_MOST_PAGES)]
        except ChannelError as error:
            return refused_probe(error)
        return diagnose(self.settings, mailboxes, users)

    # -- towards it ---------------------------------------------------------------------------------------

    async def open_ticket(self, draft: TicketDraft) -> TicketRef:
        """Open a conversation in the mailbox; its tags follow, and do not matter if they cannot be set."""
        files, empty = self._attachments(draft.message)
        customer_id = await customers.resolve(self._client, draft.customer, draft.customer_id)
        thread = {
            "type": "customer",
            "customer": {"id": int(customer_id)},
            "text": write_html(draft.message.text),
        }
        body = {
            "type": self.settings.conversation_type.value,
            "mailboxId": self.settings.mailbox_id,
            "subject": draft.subject,
            "status": "active",
            "customer": {"id": int(customer_id)},
            "threads": [{**thread, "attachments": files} if files else thread],
        }
        made = await self._client.post("/conversations", body)
        if made.id is None:
            raise Unreachable(
                phrase("freescout.ticket_unnamed", "FreeScout opened a ticket and did not say which"),
                maybe_sent=True,
            )
        ref = self._opened(made.id, made.content, draft.message, customer_id, empty)
        if ref.refused:
            log.warning(
                "helpdesk.files_refused", instance=self.instance, ticket=made.id, files=len(ref.refused)
            )
        await self._tag(made.id)
        return ref

    async def find_ticket(
        self, draft: TicketDraft, *, since: datetime, known: Collection[str]
    ) -> TicketRef | None:
        """Look among the customer's newest conversations for one with this subject and these words."""
        customer_id = await customers.search(self._client, draft.customer, draft.customer_id)
        if customer_id is None:
            return None
        since = self._client.there(since)
        async for conversation in self._conversations(customer_id):
            if is_older(conversation, since):
                break
            if is_draft(conversation, draft.subject, draft.message, since=since, known=known):
                return self._ref(conversation, customer_id, draft.message)
        return None

    async def add_customer_message(self, ticket: TicketRef, message: DeskMessage) -> ThreadRef:
        """Add a thread of the customer."""
        about: dict[str, Any] = {"type": "customer"}
        if ticket.customer_id is not None and ticket.customer_id.isdigit():
            about["customer"] = {"id": int(ticket.customer_id)}
        return await self._add(ticket, message, about)

    async def add_note(self, ticket: TicketRef, note: DeskMessage) -> ThreadRef:
        """Add a note in the name of the user who writes ours."""
        return await self._add(ticket, note, {"type": "note", "user": await self._writer()})

    async def find_message(
        self, ticket: TicketRef, message: DeskMessage, *, since: datetime, known: Collection[str], note: bool
    ) -> ThreadRef | None:
        """Look among the threads that came by API and that the house does not know."""
        conversation = await self._read(ticket.id)
        return find_thread(conversation, message, since=self._client.there(since), known=known, note=note)

    async def close_ticket(self, ticket: TicketRef) -> None:
        """Set the status to closed, in the name of the user who writes our notes."""
        body = {"byUser": await self._writer(), "status": "closed"}
        await self._client.put(f"/conversations/{ticket.id}", body)

    async def locate(self, ticket: TicketRef, *, known: Collection[str]) -> TicketRef | None:
        """Look for the conversation of the same customer that has any of these threads now: a merge moves them."""
        if ticket.customer_id is None or not known:
            return None
        async for conversation in self._conversations(ticket.customer_id):
            if conversation.id != ticket.id and any(one.id in known for one in conversation.threads):
                return self._ref(conversation, ticket.customer_id)
        return None

    # -- from it ------------------------------------------------------------------------------------------

    async def read(self, ticket_id: str, known: KnownTicket | None) -> Sequence[HelpdeskEvent]:
        """Ask what is new. A ticket of another mailbox that nobody here knows is not ours."""
        try:
            conversation = await self._read(ticket_id)
        except Gone:
            return await self._vanished(known) if known is not None else ()
        if known is None and conversation.mailbox_id != self.settings.mailbox_id:
            return ()
        now = self._client.there(self.clock())
        return news(conversation, known, now=now, undo=self._undo, base=self._client.base)

    async def fetch(self, file: AgentFile, *, limit: int) -> bytes:
        """Get a file from its address, which is looked up anew if it is not told."""
        if file.size is not None and file.size > limit:
            raise TooLarge(
                phrase(
                    "file.size_over_limit",
                    "the file has {size} bytes, the limit is {limit}",
                    size=file.size,
                    limit=limit,
                )
            )
        return await self._client.file(file.link or await self._link(file.id), limit=limit)

    def authenticate(self, request: WebhookRequest) -> None:
        """Check the signature over the raw body."""
        secret = self.settings.webhook_secret
        if secret is None:
            raise Unauthorized(
                phrase("freescout.no_secret", "webhook_secret is not set, so no webhook call can be trusted")
            )
        if not is_genuine(request.body, request.headers.get(HEADER, ""), secret):
            raise Unauthorized(
                phrase(
                    "freescout.wrong_signature",
                    "the signature of a webhook call is not FreeScout's; compare webhook_secret",
                )
            )

    def tickets(self, request: WebhookRequest) -> Sequence[RawUpdate]:
        """Say which conversation a call is about. It may be an old snapshot, so nothing else in it is used."""
        event = request.headers.get("x-freescout-event", "")
        try:
            content = json_value(request.body)
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise BadPayload("a webhook call has no JSON object in it")
        if event.startswith("customer.") or (not event and "mailboxId" not in content):
            return ()
        ticket = required_id(content, "id")
        digest = hashlib.sha256(event.encode("utf-8", "replace") + b"\0" + request.body).hexdigest()
        return (
            RawUpdate(
                key=f"hook-{digest[:32]}", lane=ticket_lane(self.instance, ticket), payload={"ticket": ticket}
            ),
        )

    async def changes(self, cursor: str | None) -> tuple[Sequence[str], str]:
        """Name the conversations of the mailbox that were touched since the cursor, a time of FreeScout's."""
        after = _moment(cursor)
        if after is None:
            return (), written(await self._newest())
        query: dict[str, int | str] = {
            "mailboxId": self.settings.mailbox_id,
            "updatedSince": written(after - _OVERLAP),
            "sortField": "updatedAt",
            # What changes meanwhile moves to the front: in the other order it would push others out of sight.
            "sortOrder": "desc",
        }
        found: dict[str, None] = {}
        async for entry in self._client.pages("/conversations", "conversations", query, most=_MOST_CHANGED):
            number = identifier(entry, "id")
            if number is not None:
                found[number] = None
            after = max(after, moment(entry, "updatedAt") or after)
        return tuple(found), written(after)

    # -- the parts ----------------------------------------------------------------------------------------

    def _attachments(self, message: DeskMessage) -> tuple[list[dict[str, str]], tuple[str, ...]]:
        """Give files as the module takes them, and the names of empty ones, which it cannot take."""
        for file in message.files:
            if len(file.data) > self.settings.file_limit:
                raise TooLarge(
                    phrase(
                        "file.one_over_limit",
                        "a file has {count} bytes, the limit is {file_limit}",
                        count=len(file.data),
                        file_limit=self.settings.file_limit,
                    )
                )
        attachments = [
            {
                "fileName": file.name or "file",
                "mimeType": file.mime or "application/octet-stream",
                "data": base64.b64encode(file.data).decode(),
            }
            for file in message.files
            if file.data
        ]
        return attachments, tuple(file.name for file in message.files if not file.data)

    async def _add(self, ticket: TicketRef, message: DeskMessage, about: Mapping[str, Any]) -> ThreadRef:
        files, empty = self._attachments(message)
        body: dict[str, Any] = {**about, "text": write_html(message.text)}
        if files:
            body["attachments"] = files
        made = await self._client.post(f"/conversations/{ticket.id}/threads", body)
        if made.id is None:
            raise Unreachable(
                phrase("freescout.message_unnamed", "FreeScout took a message and did not say as what"),
                maybe_sent=True,
            )
        missing = empty
        if files and "_embedded" in made.content:
            embedded = child(made.content, "_embedded") or {}
            missing = refused(message, [read_attachment(one) for one in children(embedded, "attachments")])
        if missing:
            log.warning(
                "helpdesk.files_refused", instance=self.instance, ticket=ticket.id, files=len(missing)
            )
        return ThreadRef(id=made.id, refused=missing)

    def _opened(
        self, number: str, content: Json, message: DeskMessage, customer_id: str, empty: tuple[str, ...]
    ) -> TicketRef:
        try:
            return self._ref(read_conversation(content), customer_id, message)
        except BadPayload:
            # Some versions answer with the id alone.
            return TicketRef(id=number, url=self._address(number), customer_id=customer_id, refused=empty)

    def _ref(
        self, conversation: Conversation, customer_id: str, message: DeskMessage | None = None
    ) -> TicketRef:
        first = first_thread(conversation)
        return TicketRef(
            id=conversation.id,
            number=conversation.number,
            url=self._address(conversation.id),
            customer_id=customer_id,
            thread_id=first.id if first else None,
            refused=refused(message, first.files) if first and message else (),
        )

    def _address(self, ticket_id: str) -> str:
        return f"{self._client.base}/conversation/{ticket_id}"

    async def _tag(self, ticket_id: str) -> None:
        if not self.settings.tags:
            return
        try:
            await self._client.put(f"/conversations/{ticket_id}/tags", {"tags": self.settings.tags})
        except ChannelError as error:
            log.warning("helpdesk.no_tags", instance=self.instance, ticket=ticket_id, why=str(error))

    async def _writer(self) -> int:
        """Give the user who writes notes: the one that is set, or the first active one."""
        if self._user is None:
            async for user in self._client.pages("/users", "users", {}, most=1):
                number = identifier(user, "id")
                if number and number.isdigit() and (text(user, "status") or "active") == "active":
                    self._user = int(number)
                    break
            else:
                raise Rejected(
                    phrase(
                        "freescout.nobody_writes_notes",
                        "FreeScout has no active user who could write notes: make one, or set user_id",
                    )
                )
        return self._user

    async def _read(self, ticket_id: str) -> Conversation:
        return read_conversation(await self._client.get(f"/conversations/{ticket_id}"))

    async def _conversations(self, customer_id: str) -> AsyncIterator[Conversation]:
        """Give the customer's conversations in the mailbox, the newest first."""
        query: dict[str, int | str] = {
            "customerId": customer_id,
            "mailboxId": self.settings.mailbox_id,
            "sortField": "createdAt",
            "sortOrder": "desc",
            "embed": "threads",
        }
        async for entry in self._client.pages("/conversations", "conversations", query, most=_LOOKED_THROUGH):
            yield read_conversation(entry)

    async def _vanished(self, known: KnownTicket) -> Sequence[HelpdeskEvent]:
        ticket = TicketRef(id=known.id, customer_id=known.customer_id)
        into = await self.locate(ticket, known=known.threads)
        if into is not None:
            return (
                Merged(key=f"merged-{known.id}-{into.id}", ticket=known.id, at=self.clock(), into=into.id),
            )
        return (Removed(key=f"gone-{known.id}", ticket=known.id, at=self.clock()),) if known.open else ()

    async def _link(self, file_id: str) -> str:
        parts = file_id.split("/")
        if len(parts) != _FILE_PARTS:
            raise Gone(phrase("freescout.no_file", "this is no file of FreeScout's"))
        ticket, thread_id, name = parts
        for thread in (await self._read(ticket)).threads:
            if thread.id != thread_id:
                continue
            for file in thread.files:
                if file.id == name and file.url:
                    return file.url
            for number, image in enumerate(agent_text(thread).images):
                if name == f"image-{number}":
                    return image.src
        raise Gone(phrase("freescout.file_gone", "FreeScout does not have this file any more"))

    async def _newest(self) -> datetime:
        """Give the time of the last change there is: changes are asked for from there on."""
        query: dict[str, int | str] = {
            "mailboxId": self.settings.mailbox_id,
            "sortField": "updatedAt",
            "sortOrder": "desc",
        }
        async for entry in self._client.pages("/conversations", "conversations", query, most=1):
            if (found := moment(entry, "updatedAt")) is not None:
                return found
        return self._client.there(self.clock())


def _moment(cursor: str | None) -> datetime | None:
    """Read a cursor; one that is no time begins anew, because nobody else could."""
    try:
        return moment({"at": cursor}, "at") if cursor else None
    except BadPayload:
        return None
