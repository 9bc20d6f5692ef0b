"""The mail helpdesk keeps every promise of a helpdesk, on a strict mail server of this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from optfm_bot.helpdesk.contract import DeskFile, HelpdeskContext, TicketRef
from optfm_bot.helpdesk.mail.helpdesk import MailHelpdesk
from optfm_bot.helpdesk.mail.spec import MailSettings
from optfm_bot.testing.desk_conformance import HelpdeskConformance
from optfm_bot.testing.desk_stage import ALL, REMOVES, HelpdeskStage, Seen, steady
from optfm_bot.testing.mail_server import Fault, MailServer

BOT, STAFF, AGENT = "bot@shop.test", "staff@shop.test", "olga@shop.test"
PASSWORD = "canary-mail-password-4711"
KINDS = {"ticket": "customer", "customer": "customer", "note": "note"}


class MailStage(HelpdeskStage):
    """A staff with a mailbox, and a bot with another one."""

    powers = ALL - {REMOVES}
    secrets = (PASSWORD,)

    def __init__(self, desk: MailHelpdesk, server: MailServer) -> None:
        super().__init__(desk)
        self._server = server
        self._sent = 0

    def _mails(self, ticket: TicketRef) -> list[EmailMessage]:
        mails = [
            message_from_bytes(stored.data, EmailMessage, policy=default)
            for stored in self._server.accounts[STAFF].inbox.mails
        ]
        return [mail for mail in mails if f"[#{ticket.number}]" in str(mail["Subject"])]

    async def seen(self, ticket: TicketRef) -> list[Seen]:
        found = []
        for mail in self._mails(ticket):
            kind = KINDS.get(str(mail["X-OptFM-Kind"]))
            body = mail.get_body(("plain",))
            if kind is None or body is None:
                continue
            files = tuple(
                (part.get_filename() or "", part.get_payload(decode=True)) for part in mail.iter_attachments()
            )
            found.append(Seen(kind=kind, text=body.get_content(), files=files))
        return found

    async def agent_reply(self, ticket: TicketRef, text: str, files: Sequence[DeskFile] = ()) -> None:
        asked = self._mails(ticket)[-1]
        quoted = str(asked.get_body(("plain",)).get_content())
        self._sent += 1
        reply = EmailMessage(policy=default)
        reply["From"] = f"Ольга <{AGENT}>"
        reply["To"] = BOT
        reply["Subject"] = f"Re: {asked['Subject']}"
        reply["Message-ID"] = f"<{self._sent}@mail.shop.test>"
        reply["In-Reply-To"] = asked["Message-ID"]
        reply["References"] = f"{asked.get('References', '')} {asked['Message-ID']}".strip()
        history = "\n".join(f"> {line}" for line in quoted.splitlines())
        reply.set_content(f"{text}\n\n21.11.2026, 15:30, Бот <{BOT}>:\n{history}\n")
        for file in files:
            main, _, sub = file.mime.partition("/")
            reply.add_attachment(file.data, maintype=main, subtype=sub, filename=file.name)
        self._server.deliver(BOT, reply.as_bytes(), sender=AGENT)

    async def agent_note(self, ticket: TicketRef, text: str) -> None:
        await self.agent_reply(ticket, f"/note {text}")

    async def agent_close(self, ticket: TicketRef) -> None:
        await self.agent_reply(ticket, "/close")

    async def agent_reopen(self, ticket: TicketRef) -> None:
        await self.agent_reply(ticket, "/open")

    async def is_open(self, ticket: TicketRef) -> bool:
        kinds = [str(mail["X-OptFM-Kind"]) for mail in self._mails(ticket)]
        return [kind for kind in kinds if kind != "note"][-1] != "closed"

    def fault(self, name: str) -> AbstractAsyncContextManager[None]:
        return self._fault(name)

    @asynccontextmanager
    async def _fault(self, name: str) -> AsyncIterator[None]:
        server = self._server
        match name:
            case "revoked":
                server.accounts[BOT].password = "another"
            case "busy":
                server.faults.append(Fault.BUSY)
            case "down":
                await server.stop()
            case "lost_answer":
                server.faults.append(Fault.LOST_AFTER)
        try:
            yield
        finally:
            server.accounts[BOT].password = PASSWORD
            server.faults.clear()
            if name == "down":
                await server.start()


def settings_of(server: MailServer, **changes: object) -> MailSettings:
    login = {"host": "127.0.0.1", "security": "none", "username": BOT, "password": PASSWORD, "timeout": 5}
    return MailSettings.model_validate(
        {
            "address": BOT,
            "to": STAFF,
            "file_limit": 20_000,
            "smtp": {**login, "port": server.smtp_port},
            "imap": {**login, "port": server.imap_port},
            **changes,
        }
    )


class TestMailHelpdesk(HelpdeskConformance):
    @asynccontextmanager
    async def staged(self) -> AsyncIterator[HelpdeskStage]:
        async with MailServer() as server:
            server.account(BOT, PASSWORD)
            server.account(STAFF, "somebody else's")
            desk = MailHelpdesk(settings_of(server), HelpdeskContext(instance="mail", clock=steady))
            await desk.open()
            try:
                yield MailStage(desk, server)
            finally:
                await desk.close()
            assert server.broken_rules == []
