"""The fake mail server is strict: the clients of the standard library get along with it, sloppy ones do not."""

from __future__ import annotations

import asyncio
import imaplib
import smtplib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from optfm_bot.testing.mail_server import Fault, MailServer

BOT = "bot@shop.test"
MAIL = b"Subject: =?utf-8?b?0JTQsA==?=\r\nMessage-ID: <1@x>\r\n\r\nhello\r\n.dot\r\n"


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer() as made:
        made.account(BOT, "secret")
        yield made


def sending(port: int) -> smtplib.SMTP:
    client = smtplib.SMTP("127.0.0.1", port, timeout=5)
    client.login(BOT, "secret")
    return client


async def test_mail_of_an_independent_client_goes_around(server: MailServer) -> None:
    def round_trip() -> list[Any]:
        with sending(server.smtp_port) as smtp:
            smtp.sendmail(BOT, [BOT, "far@away.test"], MAIL)
        with imaplib.IMAP4("127.0.0.1", server.imap_port, timeout=5) as imap:
            imap.login(BOT, "secret")
            imap.select("INBOX")
            found = [imap.uid("SEARCH", *keys)[1] for keys in KEYS]
            imap.uid("STORE", "1", "+FLAGS", r"(\Seen)")
            found.append(imap.uid("SEARCH", "UNSEEN")[1])
            imap.append("INBOX", r"(\Seen)", None, b"Subject: two\r\n\r\ntwo")
            found.append(imap.uid("FETCH", "9:*", "(UID FLAGS BODY.PEEK[])")[1])
            return found

    found = await asyncio.to_thread(round_trip)

    assert [b"1"] * 4 == [one[0] for one in found[:4]]
    assert found[4:6] == [[b""], [b""]]
    assert found[6][0][1] == b"Subject: two\r\n\r\ntwo"
    assert rb"UID 2 FLAGS (\Seen)" in found[6][0][0]
    assert server.accepted[0].to == (BOT, "far@away.test")
    assert server.accounts[BOT].inbox.mails[0].data.endswith(b"hello\r\n.dot\r\n")
    assert server.broken_rules == []


KEYS = [
    ("ALL",),
    ("HEADER", "Message-ID", '"<1@x>"'),
    ("OR", "SUBJECT", '"nothing"', "UID", "1:*"),
    ("NOT", "SEEN", "SINCE", "1-Jan-2026"),
    ("HEADER", "Message-ID", "<2@x>"),
]


@pytest.mark.parametrize(("fault", "code"), [(Fault.BUSY, 451), (Fault.SPAM, 554), (Fault.TOO_LARGE, 552)])
async def test_a_fault_is_answered_once(server: MailServer, fault: Fault, code: int) -> None:
    server.faults.append(fault)

    def send() -> None:
        with sending(server.smtp_port) as smtp:
            smtp.sendmail(BOT, [BOT], MAIL)

    with pytest.raises(smtplib.SMTPDataError) as caught:
        await asyncio.to_thread(send)
    assert caught.value.smtp_code == code
    await asyncio.to_thread(send)
    assert len(server.accepted) == 1


@pytest.mark.parametrize(("fault", "taken"), [(Fault.LOST_BEFORE, 0), (Fault.LOST_AFTER, 1)])
async def test_a_lost_answer(server: MailServer, fault: Fault, taken: int) -> None:
    server.faults.append(fault)

    def send() -> None:
        smtp = sending(server.smtp_port)
        try:
            smtp.sendmail(BOT, [BOT], MAIL)
        finally:
            smtp.close()

    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        await asyncio.to_thread(send)
    assert len(server.accepted) == taken


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([b"MAIL FROM:<bot@shop.test>"], b"500"),
        ([b"EHLO me", b"MAIL FROM:<bot@shop.test>"], b"530"),
        ([b"EHLO me", b"AUTH PLAIN AGJvdAB3cm9uZw=="], b"535"),
        ([b"EHLO me", b"AUTH PLAIN nonsense"], b"500"),
        ([b"EHLO me", b"AUTH LOGIN"], b"504"),
        ([b"EHLO me", b"DATA"], b"500"),
        ([b"EHLO me", b"RCPT TO:<a@b.test>"], b"500"),
        ([b"EHLO"], b"500"),
        (["EHLO я".encode()], b"500"),
        ([b"EHLO me\nQUIT"], b"500"),
    ],
)
async def test_smtp_in_the_wrong_order_is_refused(
    server: MailServer, lines: list[bytes], code: bytes
) -> None:
    assert (await spoken(server.smtp_port, lines))[-1].startswith(code)


@pytest.mark.parametrize(
    "lines",
    [
        [b"nonsense"],
        [b"1 SELECT INBOX"],
        [b"1 LOGIN bot@shop.test secret", b"2 UID SEARCH ALL"],
        [b"1 LOGIN bot@shop.test secret", b"2 EXAMINE INBOX", b"3 UID STORE 1 +FLAGS (\\Seen)"],
        [b"1 LOGIN bot@shop.test secret", b"2 SELECT INBOX", b"3 UID SEARCH NONSENSE"],
        [b"1 LOGIN bot@shop.test secret", b"2 SELECT INBOX", b"3 UID SEARCH UID 0"],
        [b"1 LOGIN bot@shop.test secret", b'2 SELECT "INBOX'],
    ],
)
async def test_imap_in_the_wrong_order_is_refused(server: MailServer, lines: list[bytes]) -> None:
    assert b" BAD " in (await spoken(server.imap_port, lines))[-1]
    assert server.broken_rules


async def spoken(port: int, lines: list[bytes]) -> list[bytes]:
    """Say lines one after the other; gives the last line of each answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    try:
        async with asyncio.timeout(5):
            await reader.readline()
            for line in lines:
                writer.write(line + b"\r\n")
                answer = await reader.readline()
                while (answer[:2] == b"* " and b" BAD " not in answer) or answer[3:4] == b"-":
                    answer = await reader.readline()
                answers.append(answer)
    finally:
        writer.close()
        await writer.wait_closed()
    return answers
