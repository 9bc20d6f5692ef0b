"""A Telegram group with topics keeps what a helpdesk promises, against the strict local Bot API."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from channels.contract import ChannelContext, Cursor
from channels.telegram.channel import TelegramChannel
from channels.telegram.client import DirectApi
from channels.telegram.spec import TelegramSettings
from channels.testing.telegram_server import TelegramServer
from config.secret import Secret
from optfm_bot.helpdesk.contract import (
    DeskFile,
    HelpdeskContext,
    HelpdeskEvent,
    KnownTicket,
    TicketRef,
)
from optfm_bot.helpdesk.topics.helpdesk import NOTE_SIGN, TelegramTopics
from optfm_bot.helpdesk.topics.spec import TopicsSettings
from optfm_bot.testing.desk_conformance import HelpdeskConformance
from optfm_bot.testing.desk_stage import ALL, LOOKUP, HelpdeskStage, Seen, steady

GROUP = -1001234567890
AGENT = 501
TOKEN = "123456:canary-0123456789abcdef"
LIMIT = 20_000


class GroupStage(HelpdeskStage):
    """A group, and an agent in it."""

    powers = ALL - {LOOKUP}
    secrets = (TOKEN.partition(":")[2],)

    def __init__(self, desk: TelegramTopics, server: TelegramServer, channel: TelegramChannel) -> None:
        super().__init__(desk)
        self.topics = desk
        self.server = server
        self.channel = channel
        self.cursor: Cursor | None = None

    async def seen(self, ticket: TicketRef) -> list[Seen]:
        found = []
        for one in self.server.sent_to(GROUP):
            if one.thread_id != int(ticket.id):
                continue
            stored = self.server.world.files.get(one.file_id or "")
            files = () if stored is None else ((stored.path, stored.content or b""),)
            kind = "note" if one.plain.startswith(NOTE_SIGN) else "customer"
            found.append(Seen(kind=kind, text=one.plain, files=files))
        return found

    async def agent_reply(self, ticket: TicketRef, text: str, files: Sequence[DeskFile] = ()) -> None:
        topic = int(ticket.id)
        if not files:
            self.server.push.text(text, chat=GROUP, user=AGENT, topic=topic)
        for file in files:
            self.server.push.document(
                name=file.name, content=file.data, words=text, chat=GROUP, user=AGENT, topic=topic
            )

    async def agent_note(self, ticket: TicketRef, text: str) -> None:
        self.server.push.text(f"// {text}", chat=GROUP, user=AGENT, topic=int(ticket.id))

    async def agent_close(self, ticket: TicketRef) -> None:
        self.server.push.topic_changed("closed", chat=GROUP, user=AGENT, topic=int(ticket.id))

    async def agent_reopen(self, ticket: TicketRef) -> None:
        self.server.push.topic_changed("reopened", chat=GROUP, user=AGENT, topic=int(ticket.id))

    async def remove(self, ticket: TicketRef) -> None:
        self.server.push.topic_changed("deleted", chat=GROUP, topic=int(ticket.id))

    async def is_open(self, ticket: TicketRef) -> bool:
        return int(ticket.id) not in self.server.world.chat(GROUP).closed_topics

    @asynccontextmanager
    async def fault(self, name: str) -> AsyncIterator[None]:
        direct = self.channel._direct
        match name:
            case "revoked":
                self.server.revoke_token()
            case "busy":
                self.server.fail("429", times=None)
            case "lost_answer":
                self.server.fail("drop_after", "sendMessage")
            case "down":
                with socket.socket() as free:
                    free.bind(("127.0.0.1", 0))
                    nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
                self.channel._direct = DirectApi(
                    self.channel._http, api_base=nowhere, token=self.channel.settings.token
                )
        try:
            yield
        finally:
            self.channel._direct = direct
            self.server.faults.clear()

    async def events(self, ticket: TicketRef, known: KnownTicket) -> Sequence[HelpdeskEvent]:
        batch = await self.channel.fetch(self.cursor)
        self.cursor = batch.cursor
        heard = [event for raw in batch.updates for event in self.channel.parse(raw)]
        return [found for event in heard for found in self.topics.understand(event)]


class TestTopics(HelpdeskConformance):
    @asynccontextmanager
    async def staged(self) -> AsyncIterator[HelpdeskStage]:
        async with TelegramServer(token=TOKEN) as server:
            server.set_forum(GROUP)
            settings = TelegramSettings(token=Secret(TOKEN), api_base=server.base_url, poll_timeout=0)
            channel = TelegramChannel(settings, ChannelContext(instance="staff", clock=steady))
            await channel.open()
            context = HelpdeskContext(instance="desk", clock=steady, channel={"staff": channel}.get)
            desk = TelegramTopics(
                TopicsSettings(channel="staff", group=str(GROUP), file_limit=LIMIT), context
            )
            await desk.open()
            try:
                yield GroupStage(desk, server, channel)
            finally:
                await desk.close()
                await channel.close()
