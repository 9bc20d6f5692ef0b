"""Mail servers that refuse, break off or are not there; and a mailbox in which more lies than answers."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest

from channels.contract import HealthState
from channels.errors import (
    ChannelError,
    Gone,
    Rejected,
    RetryLater,
    TooLarge,
    Unauthorized,
    Unreachable,
)
from optfm_bot.helpdesk.contract import (
    AgentFile,
    AgentReplied,
    Customer,
    DeskMessage,
    HelpdeskContext,
    TicketDraft,
    TicketRef,
)
from optfm_bot.helpdesk.mail.helpdesk import MailHelpdesk
from optfm_bot.helpdesk.mail.spec import MailSettings
from optfm_bot.testing.mail_server import Fault, MailServer

BOT, STAFF, AGENT = "bot@shop.test", "staff@shop.test", "olga@shop.test"
PASSWORD = "canary-пароль-4711"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def desk_of(server: MailServer, **changes: Any) -> MailHelpdesk:
    login = {"host": "127.0.0.1", "security": "none", "username": BOT, "password": PASSWORD, "timeout": 5}
    login |= changes.pop("login", {})
    settings = MailSettings.model_validate(
        {
            "address": BOT,
            "to": STAFF,
            "smtp": {**login, "port": server.smtp_port},
            "imap": {**login, "port": server.imap_port, **changes.pop("imap", {})},
            **changes,
        }
    )
    return MailHelpdesk(settings, HelpdeskContext(instance="mail", clock=lambda: NOW))


def draft(key: str = "t") -> TicketDraft:
    customer = Customer(ref="max:1", name="Анна", channel="MAX")
    message = DeskMessage(key=key, text="Где заказ?")
    return TicketDraft(key=key, subject="доставка", customer=customer, customer_id=None, message=message)


def message(key: str = "m") -> DeskMessage:
    return DeskMessage(key=key, text="Ещё вопрос")


def answer(ticket: TicketRef, text: str, **headers: str) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = headers.pop("From", AGENT)
    mail["Subject"] = headers.pop("Subject", f"Re: [#{ticket.id}] доставка")
    mail["Message-ID"] = f"<{abs(hash(text))}@mail.test>"
    for name, value in headers.items():
        mail[name] = value
    mail.set_content(text)
    return mail.as_bytes()


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer() as made:
        made.account(BOT, PASSWORD)
        made.account(STAFF, "another")
        yield made
    assert made.broken_rules == []


# -- sending -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "reaction", "maybe_sent"),
    [
        (Fault.BUSY, RetryLater, None),
        (Fault.SPAM, Rejected, None),
        (Fault.TOO_LARGE, TooLarge, None),
        (Fault.LOST_BEFORE, Unreachable, True),
        (Fault.LOST_AFTER, Unreachable, True),
    ],
)
async def test_a_mail_that_is_not_taken(
    server: MailServer, fault: Fault, reaction: type[ChannelError], maybe_sent: object
) -> None:
    desk = desk_of(server)
    server.faults.append(fault)

    with pytest.raises(reaction) as caught:
        await desk.open_ticket(draft())

    assert getattr(caught.value, "maybe_sent", None) is maybe_sent
    found = await desk.find_ticket(draft(), since=NOW, known=())
    assert (found is not None) is (fault is Fault.LOST_AFTER)


@pytest.mark.parametrize(
    ("answer_", "reaction"), [("550 5.1.1 no such user", Unauthorized), ("450 4.2.1 greylisted", RetryLater)]
)
async def test_a_refused_recipient(server: MailServer, answer_: str, reaction: type[ChannelError]) -> None:
    server.refused[STAFF] = answer_

    with pytest.raises(reaction, match=r"5\.1\.1|4\.2\.1"):
        await desk_of(server).open_ticket(draft())

    assert server.accepted == []


async def test_a_refused_copy_does_not_hold_the_mail_back(server: MailServer) -> None:
    server.refused[BOT] = "550 5.1.1 no such user"

    await desk_of(server).open_ticket(draft())

    assert [one.to for one in server.accepted] == [(STAFF,)]


async def test_a_foreign_sender_is_for_a_person_to_correct(server: MailServer) -> None:
    with pytest.raises(Unauthorized, match="not your address"):
        await desk_of(server, address="other@shop.test").open_ticket(draft())


async def test_the_copy_goes_to_us_and_not_into_the_header(server: MailServer) -> None:
    await desk_of(server).open_ticket(draft())

    [mail] = server.accepted
    assert mail.to == (STAFF, BOT)
    assert b"Bcc" not in mail.data


async def test_a_shared_mailbox_gets_one_mail_and_keeps_it_unread(server: MailServer) -> None:
    desk = desk_of(server, to=BOT)
    _, cursor = await desk.changes(None)

    ticket = await desk.open_ticket(draft())

    assert [one.to for one in server.accepted] == [(BOT,)]
    server.deliver(BOT, answer(ticket, "Да", From=BOT))
    assert (await desk.changes(cursor))[0] == [ticket.id]
    assert [mail.flags for mail in server.accounts[BOT].inbox.mails] == [set(), set()]
    [reply] = await desk.read(ticket.id, None)
    assert isinstance(reply, AgentReplied)


async def test_a_copy_that_never_arrives_cannot_be_found(server: MailServer) -> None:
    """The window that the documentation tells of: then the mail is sent again, under the same Message-ID."""
    server.swallowing.add(BOT)
    desk = desk_of(server)
    server.faults.append(Fault.LOST_AFTER)
    with pytest.raises(Unreachable):
        await desk.open_ticket(draft())
    assert await desk.find_ticket(draft(), since=NOW, known=()) is None

    await desk.open_ticket(draft())

    ids = [mail.header("Message-ID") for mail in server.accounts[STAFF].inbox.mails]
    assert len(ids) == 2
    assert ids[0] == ids[1]


async def test_a_mail_keeps_the_subject_of_its_ticket_after_a_restart(server: MailServer) -> None:
    ticket = await desk_of(server).open_ticket(draft())

    await desk_of(server).add_customer_message(ticket, message())

    assert server.accounts[STAFF].inbox.mails[-1].header("Subject") == f"Re: [#{ticket.id}] доставка"


async def test_a_mail_leaves_even_if_its_subject_cannot_be_looked_up(server: MailServer) -> None:
    ticket = await desk_of(server).open_ticket(draft())

    await desk_of(server, imap={"password": "wrong"}).add_customer_message(ticket, message())

    assert server.accounts[STAFF].inbox.mails[-1].header("Subject") == f"Re: [#{ticket.id}]"


# -- reading -----------------------------------------------------------------------------------------------


async def test_only_answers_are_changes_and_our_copies_are_marked_as_read(server: MailServer) -> None:
    desk = desk_of(server)
    _, cursor = await desk.changes(None)
    ticket = await desk.open_ticket(draft())
    server.deliver(BOT, answer(ticket, "реклама", From="x@elsewhere.test"))
    server.deliver(BOT, answer(ticket, "в отпуске", **{"Auto-Submitted": "auto-replied"}))
    server.deliver(BOT, answer(ticket, "рассылка", Subject="Здравствуйте"))

    changed, cursor = await desk.changes(cursor)

    assert changed == []
    assert [sorted(mail.flags) for mail in server.accounts[BOT].inbox.mails] == [[r"\Seen"], [], [], []]
    assert await desk.changes(cursor) == ([], cursor)
    server.deliver(BOT, answer(ticket, "Да"))
    server.deliver(BOT, answer(ticket, "И ещё"))
    assert (await desk.changes(cursor))[0] == [ticket.id]
    assert len(await desk.read(ticket.id, None)) == 2


async def test_changes_begin_now(server: MailServer) -> None:
    desk = desk_of(server)
    ticket = await desk.open_ticket(draft())
    server.deliver(BOT, answer(ticket, "Да"))

    changed, cursor = await desk.changes(None)
    assert list(changed) == []
    assert (await desk.changes(cursor))[0] == []


async def test_a_server_that_does_not_tell_the_next_number(server: MailServer) -> None:
    server.tells_next_uid = False
    desk = desk_of(server)
    _, cursor = await desk.changes(None)
    ticket = await desk.open_ticket(draft())
    server.deliver(BOT, answer(ticket, "Да"))

    assert (await desk.changes(cursor))[0] == [ticket.id]


async def test_a_mailbox_that_was_numbered_anew_is_looked_through_again(server: MailServer) -> None:
    server.clock = lambda: NOW
    desk = desk_of(server)
    ticket = await desk.open_ticket(draft())
    server.deliver(BOT, answer(ticket, "Да"))
    [reply] = await desk.read(ticket.id, None)
    _, cursor = await desk.changes(None)
    server.accounts[BOT].inbox.renumber()

    changed, after = await desk.changes(cursor)

    assert changed == [ticket.id]
    assert (await desk.changes(after))[0] == []
    [again] = await desk.read(ticket.id, None)
    assert again.key == reply.key


async def test_a_long_row_of_mails_is_read_in_pieces(server: MailServer) -> None:
    desk = desk_of(server)
    ticket = await desk.open_ticket(draft())
    _, cursor = await desk.changes(None)
    for _ in range(200):
        server.deliver(BOT, b"Subject: x\r\n\r\nx")
    server.deliver(BOT, answer(ticket, "Да"))

    changed, cursor = await desk.changes(cursor)
    assert changed == []
    assert (await desk.changes(cursor))[0] == [ticket.id]


@pytest.mark.parametrize("file_id", ["", "1.2", "1.99.0", "1.2.99", "2.2.0", "1.0.0"])
async def test_a_file_that_is_not_there_is_gone(server: MailServer, file_id: str) -> None:
    desk = desk_of(server)
    ticket = await desk.open_ticket(draft())
    server.deliver(BOT, answer(ticket, "Да"))

    with pytest.raises(Gone):
        await desk.fetch(AgentFile(id=file_id, name="a"), limit=100)


@pytest.mark.parametrize("ticket_id", ["", "nonsense", '"a" ALL', "abcdefgh22"])
async def test_a_ticket_that_nobody_knows_has_no_news(server: MailServer, ticket_id: str) -> None:
    assert list(await desk_of(server).read(ticket_id, None)) == []


async def test_a_second_closing_after_an_answer_is_told_again(server: MailServer) -> None:
    desk = desk_of(server)
    ticket = await desk.open_ticket(draft())
    await desk.close_ticket(ticket)
    await desk.close_ticket(ticket)
    assert len(server.accepted) == 2
    server.deliver(BOT, answer(ticket, "Ещё не всё"))

    await desk.close_ticket(ticket)

    assert len(server.accepted) == 3


# -- logging in --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["smtp", "imap"])
async def test_a_wrong_password_is_told(server: MailServer, part: str) -> None:
    desk = desk_of(server)
    settings = getattr(desk.settings, part).model_dump() | {"password": "canary-wrong"}
    wrong = MailSettings.model_validate(
        {"address": BOT, "to": STAFF, "smtp": desk.settings.smtp, "imap": desk.settings.imap, part: settings}
    )
    health = await MailHelpdesk(wrong, HelpdeskContext(instance="mail", clock=lambda: NOW)).probe()

    assert health.state is HealthState.BAD_CREDENTIALS
    assert part in health.hint
    assert "canary" not in repr(health)


async def test_a_mailbox_that_is_busy_is_asked_later(server: MailServer) -> None:
    server.imap_refusal = "[UNAVAILABLE] Too many simultaneous connections"
    desk = desk_of(server)

    with pytest.raises(RetryLater):
        await desk.changes(None)
    assert (await desk.probe()).state is HealthState.DEGRADED


async def test_a_folder_that_is_not_there_is_told(server: MailServer) -> None:
    with pytest.raises(Unauthorized, match="Answers"):
        await desk_of(server, imap={"folder": "Answers"}).changes(None)


async def test_without_authenticate_a_plain_login_is_used() -> None:
    async with MailServer(authenticate=False) as server:
        server.account(BOT, 'with "quotes" \\ and spaces')
        desk = desk_of(server, login={"password": 'with "quotes" \\ and spaces'})

        assert (await desk.probe()).state is HealthState.OK
        with pytest.raises(Unauthorized, match="Latin"):
            await desk_of(server, imap={"password": "пароль"}).changes(None)


async def test_a_server_that_says_nothing_is_given_up() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the other side gives up
        writer.close()

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    server = MailServer()
    server.smtp_port = server.imap_port = port
    desk = desk_of(server, login={"timeout": 1})
    try:
        with pytest.raises(Unreachable) as caught:
            await desk.open_ticket(draft())
        assert not caught.value.maybe_sent
        with pytest.raises(Unreachable):
            await desk.changes(None)
    finally:
        listener.close()


async def test_a_visit_that_is_cancelled_lets_its_thread_go(server: MailServer) -> None:
    started, ended = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    desk = desk_of(server)

    def work(visit: Any) -> None:
        try:
            loop.call_soon_threadsafe(started.set)
            visit._client.sock.recv(1)  # the server has nothing to say
            raise ConnectionError("cut")
        finally:
            loop.call_soon_threadsafe(ended.set)

    task = asyncio.create_task(desk._mailbox.visit(work))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(3):
        await ended.wait()


# -- encryption --------------------------------------------------------------------------------------------


_SELF_SIGNED = (
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    " -subj /CN=localhost -addext subjectAltName=DNS:localhost"
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("makes its certificate with openssl")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [openssl, *_SELF_SIGNED.split(), "-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
        timeout=30,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_encrypted(certificate: tuple[Path, ssl.SSLContext], security: str) -> None:
    cert, context = certificate
    login = {"host": "localhost", "security": security}
    async with MailServer(tls=context, tls_first=security == "tls") as server:
        server.account(BOT, PASSWORD)
        health = await desk_of(server, login={**login, "ca_file": str(cert)}).probe()
        assert health.state is HealthState.OK, health.hint

        server.logins = 0
        stranger = desk_of(server, login=login)
        assert (await stranger.probe()).state is HealthState.DOWN
        with pytest.raises(Unreachable):
            await stranger.changes(None)
        assert server.logins == 0


async def test_a_password_is_not_sent_to_a_server_that_does_not_encrypt(server: MailServer) -> None:
    desk = desk_of(server, login={"host": "localhost", "security": "starttls"})

    with pytest.raises(Unauthorized, match="does not offer"):
        await desk.open_ticket(draft())
    with pytest.raises(Unauthorized, match="STARTTLS"):
        await desk.changes(None)

    assert server.logins == 0


async def test_an_unreadable_ca_file_is_named(server: MailServer, tmp_path: Path) -> None:
    path = tmp_path / "none.pem"
    desk = desk_of(server, login={"security": "tls", "ca_file": str(path)})

    assert str(path) in (await desk.probe()).hint
