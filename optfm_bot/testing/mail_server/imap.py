"""The half that shows mail: the part of IMAP4rev1 that reading a mailbox needs, literals in both directions."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from optfm_bot.testing.mail_server.folders import Account, Folder, SearchError, Stored
from optfm_bot.testing.mail_server.wire import Hangup, ProtocolError, Wire, plain_login

if TYPE_CHECKING:
    from optfm_bot.testing.mail_server.server import MailServer

_COMMAND = re.compile(r"([A-Za-z0-9.]+) ([A-Za-z]+)(?: (.*))?", re.DOTALL)
_LITERAL = re.compile(rb"\{(\d{1,9})\}$")
_WORD = re.compile(r'\s*(?:"((?:[^"\\]|\\["\\])*)"|([()])|\x00(\d+)\x00|([^\s"(){}]+))')
_ITEM = re.compile(r"BODY\.PEEK\[(HEADER)?\](?:<(\d+)\.(\d+)>)?", re.IGNORECASE)


class ImapTalk:
    """One talk with a mail program."""

    def __init__(self, server: MailServer, wire: Wire) -> None:
        self._server = server
        self._wire = wire
        self._account: Account | None = None
        self._folder: Folder | None = None
        self._readonly = True
        self._literals: list[bytes] = []

    async def run(self) -> None:
        """Answer until the program leaves."""
        await self._wire.write("* OK IMAP4rev1 ready")
        while True:
            command = await self._read()
            found = _COMMAND.fullmatch(command)
            if found is None:
                self._server.broken_rules.append("a command without a tag or a name")
                await self._wire.write("* BAD a command has a tag and a name")
                continue
            try:
                await self._answer(found[1], found[2].upper(), self._words(found[3] or ""))
            except (ProtocolError, SearchError) as error:
                self._server.broken_rules.append(str(error))
                await self._wire.write(f"{found[1]} BAD {error}")

    async def _read(self) -> str:
        """Read a command; literals in it are left as their numbers between two NULs."""
        self._literals = []
        text = ""
        while True:
            line = await self._wire.line()
            found = _LITERAL.search(line)
            if found is None:
                return text + line.decode("ascii", "replace")
            await self._wire.write("+ go on")
            self._literals.append(await self._wire.exactly(int(found[1])))
            text += f"{line[: found.start()].decode('ascii', 'replace')}\0{len(self._literals) - 1}\0"

    def _words(self, text: str) -> list[str]:
        words, place = [], 0
        while text[place:].strip():
            found = _WORD.match(text, place)
            if found is None:
                raise ProtocolError("arguments cannot be read")
            quoted, bracket, literal, atom = found.groups()
            if literal is not None:
                words.append(self._literals[int(literal)].decode("latin-1"))
            else:
                words.append(re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bracket or atom)
            place = found.end()
        return words

    async def _answer(self, tag: str, name: str, words: list[str]) -> None:
        match name, words:
            case "CAPABILITY", []:
                await self._wire.write(f"* CAPABILITY {self._offers()}", f"{tag} OK done")
            case "NOOP", []:
                await self._wire.write(f"{tag} OK done")
            case "LOGOUT", []:
                await self._wire.write("* BYE see you", f"{tag} OK done")
                raise Hangup
            case "STARTTLS", [] if self._server.tls is not None and not self._wire.encrypted:
                await self._wire.write(f"{tag} OK begin")
                await self._wire.encrypt(self._server.tls)
            case "LOGIN", [name_, password] if self._account is None and self._open_to_passwords():
                await self._login(tag, name_, password)
            case "AUTHENTICATE", [mechanism] if mechanism.upper() == "PLAIN" and self._open_to_passwords():
                await self._wire.write("+ ")
                await self._login(tag, *plain_login(await self._wire.line()))
            case (("SELECT" | "EXAMINE"), [folder]) if self._account is not None:
                await self._select(tag, folder, readonly=name == "EXAMINE")
            case "APPEND", [folder, *flags, data] if self._account is not None:
                await self._append(tag, folder, flags, data)
            case "UID", [command, *rest] if self._folder is not None:
                await self._uid(tag, command.upper(), rest, self._folder)
            case _:
                raise ProtocolError(f"{name} is not expected here")

    def _offers(self) -> str:
        offers = ["IMAP4rev1"]
        if self._server.tls is not None and not self._wire.encrypted:
            offers += ["STARTTLS", "LOGINDISABLED"]
        elif self._server.authenticate:
            offers.append("AUTH=PLAIN")
        return " ".join(offers)

    def _open_to_passwords(self) -> bool:
        return self._server.tls is None or self._wire.encrypted

    async def _login(self, tag: str, name: str, password: str) -> None:
        if self._server.imap_refusal:
            await self._wire.write(f"{tag} NO {self._server.imap_refusal}")
        elif self._server.allows(name, password):
            self._account = self._server.accounts[name.lower()]
            await self._wire.write(f"{tag} OK [CAPABILITY {self._offers()}] welcome")
        else:
            await self._wire.write(f"{tag} NO [AUTHENTICATIONFAILED] Invalid credentials")

    async def _select(self, tag: str, name: str, *, readonly: bool) -> None:
        folder = self._account.folders.get(name) if self._account else None
        self._folder, self._readonly = folder, readonly
        if folder is None:
            await self._wire.write(f"{tag} NO [NONEXISTENT] no such folder")
            return
        lines = [f"* {len(folder.mails)} EXISTS", f"* OK [UIDVALIDITY {folder.validity}] valid"]
        if self._server.tells_next_uid:
            lines.append(f"* OK [UIDNEXT {folder.next_uid}] next")
        await self._wire.write(*lines, f"{tag} OK [{'READ-ONLY' if readonly else 'READ-WRITE'}] done")

    async def _append(self, tag: str, name: str, flags: list[str], data: str) -> None:
        folder = self._account.folders.get(name) if self._account else None
        if folder is None:
            await self._wire.write(f"{tag} NO [TRYCREATE] no such folder")
            return
        kept = [flag for flag in flags if flag.startswith("\\")]
        folder.add(data.encode("latin-1"), self._server.clock(), kept)
        await self._wire.write(f"{tag} OK done")

    async def _uid(self, tag: str, command: str, words: list[str], folder: Folder) -> None:
        match command, words:
            case "SEARCH", [_, *_]:
                found = "".join(f" {uid}" for uid in folder.search(words))
                await self._wire.write(f"* SEARCH{found}", f"{tag} OK done")
            case "FETCH", [numbers, "(", *items, ")"]:
                for mail in folder.within(numbers):
                    await self._wire.write(self._described(folder, mail, items))
                await self._wire.write(f"{tag} OK done")
            case "STORE", [numbers, ("+FLAGS" | "+FLAGS.SILENT"), "(", *flags, ")"] if not self._readonly:
                for mail in folder.within(numbers):
                    mail.flags |= set(flags)
                await self._wire.write(f"{tag} OK done")
            case _:
                raise ProtocolError(f"UID {command} is not expected here")

    @staticmethod
    def _described(folder: Folder, mail: Stored, items: list[str]) -> bytes:
        parts: list[bytes] = []
        for item in items:
            match item.upper():
                case "UID":
                    parts.append(f"UID {mail.uid}".encode())
                case "FLAGS":
                    parts.append(f"FLAGS ({' '.join(sorted(mail.flags))})".encode())
                case "INTERNALDATE":
                    parts.append(f'INTERNALDATE "{_date(mail.at)}"'.encode())
                case "RFC822.SIZE":
                    parts.append(f"RFC822.SIZE {len(mail.data)}".encode())
                case _:
                    parts.append(_body(mail, item))
        number = folder.mails.index(mail) + 1
        return f"* {number} FETCH (".encode() + b" ".join(parts) + b")"


def _body(mail: Stored, item: str) -> bytes:
    found = _ITEM.fullmatch(item)
    if found is None:
        raise ProtocolError(f"unknown item {item}")
    data = mail.head if found[1] else mail.data
    start = ""
    if found[2] is not None:
        data = data[int(found[2]) : int(found[2]) + int(found[3])]
        start = f"<{int(found[2])}>"
    return f"BODY[{found[1] or ''}]{start} {{{len(data)}}}\r\n".encode() + data


def _date(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%d-%b-%Y %H:%M:%S +0000")
