"""The half that takes mail: SMTP with AUTH PLAIN and STARTTLS, in the order that RFC 5321 wants."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from optfm_bot.testing.mail_server.wire import Hangup, ProtocolError, Wire, plain_login

if TYPE_CHECKING:
    from optfm_bot.testing.mail_server.server import MailServer

_MAIL = re.compile(r"FROM:<([^<>\s]*)>(?: (.+))?", re.IGNORECASE)
_RCPT = re.compile(r"TO:<([^<>\s]+)>", re.IGNORECASE)
_LONGEST = 998


class SmtpTalk:
    """One talk with a mail program."""

    def __init__(self, server: MailServer, wire: Wire) -> None:
        self._server = server
        self._wire = wire
        self._greeted = False
        self._login = ""
        self._sender = ""
        self._to: list[str] = []

    async def run(self) -> None:
        """Answer until the program leaves."""
        await self._wire.write("220 mail.test ESMTP")
        while True:
            try:
                await self._command((await self._wire.line()).decode("ascii"))
            except ProtocolError as error:
                self._server.broken_rules.append(str(error))
                await self._wire.write(f"500 5.5.2 {error}")
            except UnicodeDecodeError:
                self._server.broken_rules.append("a command that is not ASCII")
                await self._wire.write("500 5.5.2 commands are ASCII")

    async def _command(self, line: str) -> None:
        verb, _, rest = line.partition(" ")
        match verb.upper():
            case "EHLO" if rest:
                await self._hello()
            case "STARTTLS" if self._server.tls is not None and not self._wire.encrypted:
                await self._wire.write("220 2.0.0 go ahead")
                await self._wire.encrypt(self._server.tls)
                self._greeted = False
            case "AUTH" if self._greeted and not self._login:
                await self._auth(rest)
            case "MAIL" if self._greeted and not self._sender:
                await self._mail(rest)
            case "RCPT" if self._sender:
                await self._rcpt(rest)
            case "DATA" if self._to and not rest:
                await self._data()
            case "QUIT":
                await self._wire.write("221 2.0.0 bye")
                raise Hangup
            case _:
                raise ProtocolError(f"{verb[:10]} is not expected here")

    async def _hello(self) -> None:
        self._greeted, self._sender, self._to = True, "", []
        offers = ["mail.test", "SIZE 30000000", "8BITMIME"]
        if self._server.tls is not None and not self._wire.encrypted:
            offers.append("STARTTLS")
        else:
            offers.append("AUTH PLAIN")
        await self._wire.write(*(f"250-{offer}" for offer in offers[:-1]), f"250 {offers[-1]}")

    async def _auth(self, rest: str) -> None:
        mechanism, _, initial = rest.partition(" ")
        if mechanism.upper() != "PLAIN":
            await self._wire.write("504 5.5.4 PLAIN only")
            return
        if not initial:
            await self._wire.write("334 ")
            initial = (await self._wire.line()).decode("ascii")
        name, password = plain_login(initial.encode())
        if not self._server.allows(name, password):
            await self._wire.write("535 5.7.8 Authentication failed")
            return
        self._login = name
        await self._wire.write("235 2.7.0 welcome")

    async def _mail(self, rest: str) -> None:
        found = _MAIL.fullmatch(rest)
        if found is None:
            raise ProtocolError("MAIL FROM:<address>")
        if not self._login:
            await self._wire.write("530 5.7.0 log in first")
        elif found[1].lower() != self._login.lower():
            await self._wire.write("553 5.7.1 not your address")
        else:
            self._sender, self._to = found[1], []
            await self._wire.write("250 2.1.0 ok")

    async def _rcpt(self, rest: str) -> None:
        found = _RCPT.fullmatch(rest)
        if found is None:
            raise ProtocolError("RCPT TO:<address>")
        if refusal := self._server.refused.get(found[1].lower()):
            await self._wire.write(refusal)
        else:
            self._to.append(found[1])
            await self._wire.write("250 2.1.5 ok")

    async def _data(self) -> None:
        await self._wire.write("354 end with a dot")
        lines: list[bytes] = []
        while (line := await self._wire.line()) != b".":
            line = line.removeprefix(b".")
            if len(line) > _LONGEST:
                raise ProtocolError("a line of a mail is too long")
            if not line.isascii():
                raise ProtocolError("eight bits without being asked for")
            lines.append(line)
        data = b"\r\n".join([*lines, b""])
        sender, to, self._sender, self._to = self._sender, self._to, "", []
        answer = self._server.take(sender, to, data)
        if answer is None:
            self._wire.cut()
            raise Hangup
        await self._wire.write(answer)
