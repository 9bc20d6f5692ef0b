"""Sending mail by SMTP: one connection for each mail, every failure told by reaction."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NoReturn

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from channels.errors import ChannelError, Rejected, RetryLater, TooLarge, Unauthorized, Unreachable
from channels.http import Redactor
from channels.phrase import phrase
from optfm_bot.helpdesk.mail.spec import Security, SmtpSettings

_AT_ONCE = 4
"""Connections at a time: mail services refuse those who open many."""
_LONGEST_LOGIN, _LONGEST_MAIL = 3.0, 10.0
"""How many times `timeout` logging in, and sending one mail, may last as a whole."""
_SPELLED = 200


class Post:
    """The server that takes our mail.

    Raises `Unauthorized` for what a person has to correct (the password, an address that the server refuses),
    `RetryLater` for 4xx, `TooLarge` and `Rejected` for a mail that it will not have, `Unreachable` else: `maybe_sent`
    is true from the moment at which the mail itself is written.
    """

    def __init__(self, settings: SmtpSettings, *, domain: str) -> None:
        self._settings = settings
        self._domain = domain
        self._redact = Redactor([settings.password.reveal()])
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def send(self, data: bytes, *, sender: str, to: str, copies: Sequence[str] = ()) -> None:
        """Send one mail to `to`, and to `copies` as far as the server takes them. Raises by reaction."""
        async with self._connected() as client:
            written = False
            try:
                async with asyncio.timeout(self._settings.timeout * _LONGEST_MAIL):
                    await client.mail(sender)
                    await client.rcpt(to)
                    for copy in copies:
                        with suppress(SMTPRecipientRefused):
                            await client.rcpt(copy)
                    written = True
                    await client.data(data)
            except (SMTPException, OSError) as error:
                failure = self._failure(error, maybe_sent=written)
            else:
                return
        raise failure

    async def check(self) -> None:
        """Log in and leave. Raises by reaction."""
        async with self._connected():
            pass

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[SMTP]:
        settings = self._settings
        async with self._gate:
            client = SMTP(
                hostname=settings.host,
                port=settings.port,
                timeout=settings.timeout,
                use_tls=settings.security is Security.TLS,
                start_tls=settings.security is Security.STARTTLS,
                tls_context=None if settings.security is Security.NONE else await self._tls(),
                # The name of this machine is nobody's business.
                local_hostname=self._domain,
            )
            try:
                failure: ChannelError | None = None
                try:
                    async with asyncio.timeout(settings.timeout * _LONGEST_LOGIN):
                        await client.connect()
                        if settings.username:
                            await self._log_in(client)
                except (SMTPException, OSError) as error:
                    failure = self._failure(error, maybe_sent=False)
                if failure is not None:
                    raise failure
                yield client
                with suppress(SMTPException, OSError):
                    await client.quit()  # the mail is accepted; how we part changes nothing
            finally:
                client.close()

    async def _log_in(self, client: SMTP) -> None:
        # As bytes, so that a password of other letters than ours goes through; the library takes ASCII text only.
        username, password = self._settings.username.encode(), self._settings.password.reveal().encode()
        await client.login(username, password)

    async def _tls(self) -> ssl.SSLContext:
        return await asyncio.to_thread(tls_context, self._settings.ca_file)

    def _failure(self, error: SMTPException | OSError, *, maybe_sent: bool) -> ChannelError:
        host = f"{self._settings.host}:{self._settings.port}"
        if isinstance(error, SMTPResponseException):
            answer = phrase(
                "mail.answered",
                "{host} answered {status}: {why}",
                host=host,
                status=error.code,
                why=self._spelled(error.message),
            )
            return _reaction(error, answer, maybe_sent=maybe_sent)
        if isinstance(error, OSError):
            return Unreachable(
                phrase("mail.no_answer", "{host} did not answer: {why}", host=host, why=self._spelled(error)),
                maybe_sent=maybe_sent,
            )
        # The server cannot do what the settings ask for, encryption or logging in: nothing was sent.
        return Unauthorized(
            phrase(
                "mail.not_offered",
                "{host} does not offer what the settings ask for: {why}",
                host=host,
                why=self._spelled(error),
            )
        )

    def _spelled(self, said: object) -> str:
        return self._redact(" ".join(str(said).split()))[:_SPELLED]


def _reaction(error: SMTPResponseException, answer: str, *, maybe_sent: bool) -> ChannelError:
    """What follows from an answer of the server."""
    if error.code == 552 or "5.3.4" in error.message:  # noqa: PLR2004 - RFC 5321: over the limit
        return TooLarge(answer)
    if error.code < 500:  # noqa: PLR2004 - 4xx: later
        return RetryLater(answer, whole_bot=not isinstance(error, SMTPDataError))
    match error:
        case SMTPDataError():
            return Rejected(answer)
        case SMTPAuthenticationError():
            return Unauthorized(
                phrase(
                    "mail.smtp_password",
                    "smtp: the username or the password is wrong; {answer}",
                    answer=answer,
                )
            )
        case SMTPSenderRefused() | SMTPRecipientRefused():
            return Unauthorized(
                phrase(
                    "mail.address_refused",
                    "the server refuses an address of the settings; {answer}",
                    answer=answer,
                )
            )
    return Unreachable(answer, maybe_sent=maybe_sent)


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Give a context that checks certificates, against `ca_file` too. Raises `Unauthorized` if that cannot be read."""
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            _unreadable(ca_file, error)
    return context


def _unreadable(ca_file: str, error: Exception) -> NoReturn:
    raise Unauthorized(
        phrase(
            "mail.ca_unreadable",
            "the certificates in {ca_file} cannot be read: {why}",
            ca_file=ca_file,
            why=error,
        )
    ) from error
