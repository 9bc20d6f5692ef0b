"""One connection of a mail program: lines in and out, encryption on request. Strict about line ends and lengths."""

from __future__ import annotations

import asyncio
import base64
import binascii
import ssl

LONGEST_LINE = 8000


class ProtocolError(Exception):
    """The mail program broke the rules; the text is the answer it gets."""


class Hangup(Exception):
    """The connection ends here."""


class Wire:
    """A connection, read line by line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def encrypted(self) -> bool:
        """Whether nobody on the way can read along."""
        return self._writer.get_extra_info("ssl_object") is not None

    async def line(self) -> bytes:
        """Read a line without its end. Raises `Hangup` at the end, `ProtocolError` unless it ends with CR LF."""
        try:
            line = await self._reader.readuntil(b"\n")
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Hangup from error
        except asyncio.LimitOverrunError as error:
            raise ProtocolError("line too long") from error
        if not line.endswith(b"\r\n") or b"\r" in line[:-2] or b"\0" in line:
            raise ProtocolError("a line ends with CR LF and has neither alone")
        return line[:-2]

    async def exactly(self, count: int) -> bytes:
        """Read so many bytes. Raises `Hangup`."""
        try:
            return await self._reader.readexactly(count)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Hangup from error

    async def write(self, *lines: str | bytes) -> None:
        """Write lines."""
        data = b"".join((line.encode() if isinstance(line, str) else line) + b"\r\n" for line in lines)
        self._writer.write(data)
        try:
            await self._writer.drain()
        except ConnectionError as error:
            raise Hangup from error

    async def encrypt(self, context: ssl.SSLContext) -> None:
        """Go on encrypted. Raises `Hangup` if that fails."""
        try:
            await self._writer.start_tls(context)
        except (OSError, ssl.SSLError) as error:
            raise Hangup from error

    def cut(self) -> None:
        """Break off without a word."""
        self._writer.transport.abort()


def plain_login(text: bytes) -> tuple[str, str]:
    """Read name and password of AUTH PLAIN. Raises `ProtocolError`."""
    try:
        _, name, password = base64.b64decode(text, validate=True).decode().split("\0")
    except (binascii.Error, ValueError) as error:
        raise ProtocolError("not a PLAIN login") from error
    return name, password
