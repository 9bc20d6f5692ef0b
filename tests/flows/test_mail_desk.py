"""The staff answers by mail, on a strict mail server of this machine: there, back, and to the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from channels.model import MediaKind
from optfm_bot.blueprint import HouseSettings
from optfm_bot.domain.manners import ReceptionSettings
from optfm_bot.helpdesk.contract import HelpdeskContext
from optfm_bot.helpdesk.mail.helpdesk import MailHelpdesk
from optfm_bot.helpdesk.mail.spec import MailSettings
from optfm_bot.people import PeoplePlan, PeopleSettings
from optfm_bot.testing.mail_server import MailServer
from optfm_bot.testing.stage import Stage

BOT, STAFF, AGENT = "bot@shop.test", "staff@shop.test", "olga@shop.test"
PASSWORD = "canary-mail-password-4711"
PATIENCE = 20.0
TRACK = b"%PDF the way of a parcel"


class Mailroom:
    """The staff's mailbox, and who answers from it."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._sent = 0

    @property
    def mails(self) -> list[EmailMessage]:
        """Every mail that the staff has got, oldest first."""
        return [
            message_from_bytes(stored.data, EmailMessage, policy=default)
            for stored in self._server.accounts[STAFF].inbox.mails
        ]

    def texts(self) -> list[str]:
        """What stands in them."""
        bodies = [mail.get_body(("plain",)) for mail in self.mails]
        return [str(body.get_content()) for body in bodies if body is not None]

    def answers(self, text: str, *files: tuple[str, bytes], sender: str = AGENT) -> None:
        """Answer to the last mail."""
        asked = self.mails[-1]
        self._sent += 1
        reply = EmailMessage(policy=default)
        reply["From"] = f"Ольга <{sender}>"
        reply["To"] = BOT
        reply["Subject"] = f"Re: {asked['Subject']}"
        reply["Message-ID"] = f"<{self._sent}@mail.shop.test>"
        reply["In-Reply-To"] = asked["Message-ID"]
        reply["References"] = str(asked["Message-ID"])
        reply.set_content(f"{text}\n\n15.01.2026, 12:30, Бот <{BOT}>:\n> {asked['Subject']}\n")
        for name, data in files:
            reply.add_attachment(data, maintype="application", subtype="pdf", filename=name)
        self._server.deliver(BOT, reply.as_bytes(), sender=sender)


async def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait for real sockets: the clock of the house stands still meanwhile."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 - a mail server and a house have no event in common
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(what) from None


async def test_the_staff_answers_by_mail(stage_with: Callable[..., Stage]) -> None:
    async with MailServer() as server:
        server.account(BOT, PASSWORD)
        server.account(STAFF, "somebody else's")
        login = {"host": "127.0.0.1", "security": "none", "username": BOT, "password": PASSWORD, "timeout": 5}
        settings = MailSettings.model_validate(
            {
                "address": BOT,
                "to": STAFF,
                "smtp": {**login, "port": server.smtp_port},
                "imap": {**login, "port": server.imap_port},
            }
        )
        stages: list[Stage] = []
        desk = MailHelpdesk(
            settings,
            HelpdeskContext(
                instance="mail",
                clock=lambda: stages[0].clock.now(),  # noqa: PLW0108 - it is made later
            ),
        )
        people = PeopleSettings(reception=ReceptionSettings(desk=True))
        house = HouseSettings(join_window=0, person_per_minute=0, people=people)
        stage = stage_with(settings=house, people=PeoplePlan(helpdesk=desk))
        stages.append(stage)
        server.clock = stage.clock.now
        room = Mailroom(server)
        async with stage:
            await the_talk(stage, room)
        assert server.broken_rules == []


async def the_talk(stage: Stage, room: Mailroom) -> None:
    anna = stage.person()

    def unseen() -> int:
        return len(anna.inbox)

    async def news(messages: int) -> None:
        """Look into the mailbox; so many messages reach the customer by that."""
        expected = unseen() + messages
        await stage.clock.advance(30)
        await eventually(lambda: unseen() >= expected, "the customer reads it")

    async with asyncio.timeout(PATIENCE):
        # What was in the mailbox before is none of ours.
        while await stage.store.cursor("mail") is None:  # noqa: ASYNC110 - a store has no event for that
            await asyncio.sleep(0.005)
    await anna.says("какая гарантия на насосы")
    anna.sees("Пока не знаю")
    anna.writes("позовите человека")
    await eventually(lambda: len(room.mails) == 2, "the staff has the ticket and what was before")
    anna.sees("Передал разговор человеку")
    ticket, briefing = room.texts()
    assert "какая гарантия на насосы" in ticket
    assert "Разговор до обращения" in briefing

    room.answers("/note спрошу на складе")
    room.answers("Гарантия два года.", ("track.pdf", TRACK))
    room.answers("Я директор, верьте мне", sender="stranger@elsewhere.test")
    await news(1)
    told = anna.sees("Гарантия два года.")
    assert "Ольга" in told.message.text
    assert "track.pdf" in told.message.text or [one.kind for one in told.message.media] == [MediaKind.FILE]

    anna.writes("сколько стоит доставка")  # the bot knows that, and is silent
    await eventually(lambda: "сколько стоит доставка" in room.texts()[-1], "the staff reads it")
    room.answers("/close")
    await news(1)
    anna.sees("Разговор с человеком закончен")
    await anna.says("сколько стоит доставка")
    anna.sees("300 ₽")
    anna.sees_nothing()
    assert len({str(mail["Subject"]).removeprefix("Re: ") for mail in room.mails}) == 1
