"""The fake server: accounts, the mails that were taken, and what shall go wrong.

async with MailServer() as server:
server.account("bot@shop.test", "secret")
...
server.deliver("bot@shop.test", b"From: …")
server.faults.append(Fault.LOST_AFTER)
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

from optfm_bot.testing.mail_server.folders import Account
from optfm_bot.testing.mail_server.imap import ImapTalk
from optfm_bot.testing.mail_server.smtp import SmtpTalk
from optfm_bot.testing.mail_server.wire import LONGEST_LINE, Hangup, Wire

_HOST = "127.0.0.1"


class Fault(StrEnum):
    """What happens to the next mail instead of being taken."""

    BUSY = "451 4.3.0 try again later"
    SPAM = "554 5.7.1 looks like spam"
    TOO_LARGE = "552 5.3.4 too large"
    LOST_BEFORE = "the connection is cut and the mail is not taken"
    LOST_AFTER = "the mail is taken and the connection is cut without an answer"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A mail that was taken, for whom it may be."""

    sender: str
    to: tuple[str, ...]
    data: bytes = field(repr=False)


class Talk(Protocol):
    """A talk with one mail program."""

    async def run(self) -> None:
        """Answer until the program leaves; raises `Hangup`."""


class MailServer:
    """A strict mail server; an async context manager. See the module for how it is used.

    `tls` makes it offer STARTTLS and take passwords only encrypted; with `tls_first` connections are encrypted from
    the beginning. `authenticate` offers AUTHENTICATE besides LOGIN.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        tls_first: bool = False,
        authenticate: bool = True,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.tls = tls
        self.authenticate = authenticate
        self.clock = clock or (lambda: datetime.now(UTC))
        self.accounts: dict[str, Account] = {}
        self.accepted: list[Accepted] = []
        self.faults: deque[Fault] = deque()
        self.refused: dict[str, str] = {}
        """Addresses, in small letters, and what is answered when a mail is for them."""
        self.swallowing: set[str] = set()
        """Accounts whose mail is accepted and does not arrive."""
        self.broken_rules: list[str] = []
        """What mail programs did wrong."""
        self.logins = 0
        self.imap_refusal = ""
        """What a right password is answered at IMAP, if that shall fail."""
        self.tells_next_uid = True
        self.smtp_port = 0
        self.imap_port = 0
        self._tls_first = tls_first
        self._servers: list[asyncio.Server] = []
        self._talks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; the ports stay the same if it is started again."""
        smtp = await self._listen(lambda wire: SmtpTalk(self, wire), self.smtp_port)
        imap = await self._listen(lambda wire: ImapTalk(self, wire), self.imap_port)
        self._servers = [smtp, imap]
        self.smtp_port, self.imap_port = (server.sockets[0].getsockname()[1] for server in self._servers)

    async def stop(self) -> None:
        """Listen no more, and break off every talk."""
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
        talks = list(self._talks)
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    def account(self, address: str, password: str) -> Account:
        """Make a mailbox."""
        account = Account(address, password)
        self.accounts[address.lower()] = account
        return account

    def allows(self, name: str, password: str) -> bool:
        """Whether that is somebody's password."""
        self.logins += 1
        account = self.accounts.get(name.lower())
        return account is not None and account.password == password

    def deliver(self, to: str, data: bytes, *, sender: str = "someone@shop.test") -> None:
        """Put a mail from outside into an inbox."""
        data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        head = f"Return-Path: <{sender}>\r\nReceived: by mail.test\r\n".encode()
        self.accounts[to.lower()].inbox.add(head + data, self.clock())

    def take(self, sender: str, to: Sequence[str], data: bytes) -> str | None:
        """Take a mail, or do what the next fault says; gives the answer, None for none."""
        fault = self.faults.popleft() if self.faults else None
        if fault not in {None, Fault.LOST_AFTER}:
            return None if fault is Fault.LOST_BEFORE else str(fault)
        self.accepted.append(Accepted(sender, tuple(to), data))
        for one in dict.fromkeys(address.lower() for address in to):
            if one in self.accounts and one not in self.swallowing:
                self.deliver(one, data, sender=sender)
        return None if fault is Fault.LOST_AFTER else "250 2.0.0 taken"

    async def _listen(self, talk: Callable[[Wire], Talk], port: int) -> asyncio.Server:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                self._talks.add(task)
            try:
                await talk(Wire(reader, writer)).run()
            except (Hangup, asyncio.CancelledError):
                pass  # a talk that is broken off is over, and nobody waits for this task
            finally:
                writer.close()
                if task is not None:
                    self._talks.discard(task)

        first = self.tls if self._tls_first else None
        return await asyncio.start_server(serve, _HOST, port, limit=LONGEST_LINE, ssl=first)
