"""Reading a mailbox by IMAP: a visit is one connection in a thread, every failure told by reaction.

The standard library's client is used: it is kept as well as Python is, while the asynchronous one is under a licence
that ours does not go with.
"""

from __future__ import annotations

import asyncio
import imaplib
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from channels.errors import ChannelError, RetryLater, Unauthorized, Unreachable
from channels.http import Redactor
from channels.phrase import phrase
from optfm_bot.helpdesk.mail.post import tls_context
from optfm_bot.helpdesk.mail.spec import ImapSettings, Security

T = TypeVar("T")

_AT_ONCE = 2
"""Visits at a time: mail services count connections, and each holds a thread."""
_LONGEST_VISIT = 4.0
"""How many times `timeout` a whole visit may last."""
_SPELLED = 200
_AT_A_TIME = 100
_BUSY = re.compile(
    r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG|THROTTLED)\]|too many|simultaneous|try again|temporar",
    re.IGNORECASE,
)
_UID = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A mail in the mailbox, or the beginning of it; `size` is that of the whole, `at` when it came."""

    uid: int
    at: datetime
    size: int
    data: bytes = field(repr=False)

    @property
    def whole(self) -> bool:
        """Whether `data` is all of it."""
        return len(self.data) >= self.size


class Visit:
    """One connection with the folder chosen. Its methods block: they are called in the thread of the visit."""

    def __init__(self, client: imaplib.IMAP4, validity: int, following: int | None) -> None:
        self._client = client
        self.validity = validity
        """Uids mean something only as long as this number stays the same."""
        self._following = following

    @property
    def last(self) -> int:
        """The largest uid that was ever given; 0 in a folder that never had a mail."""
        if self._following is not None:
            return self._following - 1
        return max(self.search("ALL"), default=0)

    def search(self, *criteria: str) -> list[int]:
        """Give the uids of the mails that fit, in their order."""
        found = self._ask("SEARCH", *criteria)
        words = (word for line in found if isinstance(line, bytes) for word in line.split())
        return sorted({int(word) for word in words if word.isdigit()})

    def heads(self, uids: Sequence[int]) -> list[Found]:
        """Give the headers of mails, in their order."""
        starts = range(0, len(uids), _AT_A_TIME)
        return [one for at in starts for one in self._fetch(uids[at : at + _AT_A_TIME], "BODY.PEEK[HEADER]")]

    def mail(self, uid: int, *, most: int) -> Found | None:
        """Give a mail up to `most` bytes of it, or None if it is not there any more."""
        return next(iter(self._fetch([uid], f"BODY.PEEK[]<0.{most}>")), None)

    def mark_seen(self, uids: Sequence[int]) -> None:
        """Mark mails as read."""
        if uids:
            self._ask("STORE", _set(uids), "+FLAGS.SILENT", r"(\Seen)")

    def _fetch(self, uids: Sequence[int], what: str) -> list[Found]:
        if not uids:
            return []
        found: dict[int, Found] = {}
        answer = self._ask("FETCH", _set(uids), f"(UID INTERNALDATE RFC822.SIZE {what})")
        for place, line in enumerate(answer):
            if not isinstance(line, tuple):
                continue
            after = answer[place + 1] if place + 1 < len(answer) else b""
            described = line[0] + (after if isinstance(after, bytes) else b"")
            uid, size = _UID.search(described), _SIZE.search(described)
            if uid is not None:
                number = int(uid[1])
                found[number] = Found(
                    uid=number,
                    at=_moment(described),
                    size=int(size[1]) if size else len(line[1]),
                    data=line[1],
                )
        return [found[uid] for uid in sorted(found)]

    def _ask(self, command: str, *arguments: str) -> list[bytes | tuple[bytes, bytes] | None]:
        state, answer = self._client.uid(command, *arguments)
        if state != "OK":
            raise imaplib.IMAP4.error(_words(answer))
        return list(answer)


class Mailbox:
    """The mailbox where answers arrive."""

    def __init__(self, settings: ImapSettings) -> None:
        self._settings = settings
        self._redact = Redactor([settings.password.reveal()])
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def visit(self, work: Callable[[Visit], T], *, change: bool = False) -> T:
        """Run `work` in a thread with the folder open, for reading unless `change`. Raises by reaction."""
        call = _Call()
        async with self._gate:
            try:
                async with asyncio.timeout(self._settings.timeout * _LONGEST_VISIT):
                    return await asyncio.to_thread(self._run, call, work, change)
            except TimeoutError:
                raise Unreachable(
                    phrase("mail.too_long", "{host} took too long", host=self._host), maybe_sent=False
                ) from None
            finally:
                call.abort()

    @property
    def _host(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _run(self, call: _Call, work: Callable[[Visit], T], change: bool) -> T:  # noqa: FBT001 - from `visit` alone
        failure: ChannelError
        try:
            with self._connected(call) as client:
                return work(self._enter(client, change=change))
        except (imaplib.IMAP4.error, OSError, EOFError) as error:
            failure = self._failure(error)
        raise failure

    @contextmanager
    def _connected(self, call: _Call) -> Iterator[imaplib.IMAP4]:
        settings = self._settings
        tls = None if settings.security is Security.NONE else tls_context(settings.ca_file)
        client: imaplib.IMAP4
        if settings.security is Security.TLS:
            client = imaplib.IMAP4_SSL(
                settings.host, settings.port, ssl_context=tls, timeout=settings.timeout
            )
        else:
            client = imaplib.IMAP4(settings.host, settings.port, timeout=settings.timeout)
        try:
            call.begin(client)
            if settings.security is Security.STARTTLS:
                if "STARTTLS" not in client.capabilities:
                    raise Unauthorized(
                        phrase(
                            "mail.no_starttls",
                            "{host} does not offer STARTTLS, as the settings ask for",
                            host=self._host,
                        )
                    )
                client.starttls(tls)
            self._log_in(client)
            yield client
            with suppress(imaplib.IMAP4.error, OSError):
                client.logout()
        finally:
            call.end()
            with suppress(OSError):
                client.shutdown()

    def _log_in(self, client: imaplib.IMAP4) -> None:
        name, password = self._settings.username, self._settings.password.reveal()
        try:
            if "AUTH=PLAIN" in client.capabilities:
                client.authenticate("PLAIN", lambda _: f"\0{name}\0{password}".encode())
            elif f"{name}{password}".isascii():
                client.login(name, password)
            else:
                raise Unauthorized(
                    phrase(
                        "mail.latin_password", "{host} takes passwords of Latin letters only", host=self._host
                    )
                )
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            reason = self._spelled(error)
        else:
            return
        # Outside of the handler: what the library raises may quote what we wrote.
        if _BUSY.search(reason):
            raise RetryLater(f"{self._host}: {reason}", whole_bot=True)  # the server's words alone
        raise Unauthorized(
            phrase(
                "mail.imap_password",
                "imap: the username or the password is wrong; {host} answered: {reason}",
                host=self._host,
                reason=reason,
            )
        )

    def _enter(self, client: imaplib.IMAP4, *, change: bool) -> Visit:
        folder = self._settings.folder.replace("\\", "\\\\").replace('"', '\\"')
        state, answer = client.select(f'"{folder}"', readonly=not change)
        if state != "OK":
            raise Unauthorized(
                phrase(
                    "mail.no_folder",
                    "{host} has no folder {folder}: {answer}",
                    host=self._host,
                    folder=repr(self._settings.folder),
                    answer=_words(answer)[:_SPELLED],
                )
            )
        validity, following = client.response("UIDVALIDITY")[1], client.response("UIDNEXT")[1]
        return Visit(client, _number(validity) or 0, _number(following))

    def _failure(self, error: Exception) -> ChannelError:
        reason = self._spelled(error)
        if isinstance(error, imaplib.IMAP4.error) and not isinstance(error, imaplib.IMAP4.abort):
            return RetryLater(
                phrase("mail.refused", "{host} refused: {reason}", host=self._host, reason=reason)
            )
        return Unreachable(
            phrase("mail.silent", "{host} did not answer: {reason}", host=self._host, reason=reason),
            maybe_sent=False,
        )

    def _spelled(self, error: Exception) -> str:
        text = _words(error.args) if error.args else type(error).__name__
        return self._redact(text)[:_SPELLED]


class _Call:
    """A visit as seen from the loop: it can be ended while its thread waits for the server."""

    def __init__(self) -> None:
        self._client: imaplib.IMAP4 | None = None
        self._aborted = False

    def begin(self, client: imaplib.IMAP4) -> None:
        self._client = client
        if self._aborted:
            raise imaplib.IMAP4.abort("given up")

    def end(self) -> None:
        self._client = None

    def abort(self) -> None:
        self._aborted = True
        client, self._client = self._client, None
        if client is not None:
            with suppress(OSError):
                client.sock.shutdown(socket.SHUT_RDWR)


def _set(uids: Sequence[int]) -> str:
    return ",".join(map(str, uids))


def _moment(described: bytes) -> datetime:
    """When a mail came, as its description says; the beginning of time if it does not."""
    try:
        told = imaplib.Internaldate2tuple(described)
        return datetime.fromtimestamp(time.mktime(told) if told else 0, UTC)
    except (ValueError, OverflowError):
        return datetime.fromtimestamp(0, UTC)


def _number(answer: object) -> int | None:
    first = answer[0] if isinstance(answer, list) and answer else None
    return int(first) if isinstance(first, bytes) and first.isdigit() else None


def _words(parts: object) -> str:
    """What a server said, in one line."""
    told = parts if isinstance(parts, list | tuple) else [parts]
    words = [
        part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in told if part
    ]
    return " ".join(" ".join(words).split())
