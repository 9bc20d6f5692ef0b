"""The terminal channel: a line typed is a message, an answer is printed. The example of a small channel."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from channels.console.keyboard import KeyboardReader
from channels.console.spec import SPEC, ConsoleSettings
from channels.contract import Batch, Channel, ChannelContext, ChannelSpec, Cursor, Polling
from channels.errors import BadPayload, Gone
from channels.model import ChatRef, Inbound, RawUpdate, Receipt, Rendered, SenderRef, StartIn, TextIn
from channels.phrase import phrase

POLL_SECONDS = 25.0


class ConsoleChannel(Channel, Polling):
    """One person at one terminal.

    `read` gives the next line, or "" at the end of input; `write` prints. Once the input has ended, `ended`
    is set and nothing more arrives.
    """

    spec: ClassVar[ChannelSpec] = SPEC
    settings: ConsoleSettings

    def __init__(
        self,
        settings: ConsoleSettings,
        context: ChannelContext,
        *,
        read: Callable[[], Awaitable[str]] | None = None,
        write: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__(settings, context)
        self._read = read or KeyboardReader().line
        self._write = write or _print
        self._chat = ChatRef(channel=self.instance, chat_id=settings.person)
        self._started = f"{self.clock():%Y%m%dT%H%M%S.%f}"  # line 1 of today is not line 1 of yesterday
        self._count = 0
        self._waiting: tuple[RawUpdate, ...] = ()
        self.ended = asyncio.Event()

    async def fetch(self, cursor: Cursor | None) -> Batch:
        """Wait for a line. Until `confirm`, the same line is given again."""
        if not self._waiting:
            self._waiting = await self._next_line()
        return Batch(updates=self._waiting, cursor=cursor)

    async def confirm(self, batch: Batch) -> None:
        """Forget the line: it is safe with the house."""
        self._waiting = tuple(update for update in self._waiting if update not in batch.updates)

    def parse(self, raw: RawUpdate) -> Sequence[Inbound]:
        """Read a line: `/start` begins the talk, anything else is a text."""
        line, at = raw.payload.get("line"), raw.payload.get("at")
        if not isinstance(line, str) or not isinstance(at, (int, float)) or not 0 <= at < 1e11:  # noqa: PLR2004 - the year 5138
            raise BadPayload("this is no line of the terminal")
        event: dict[str, Any] = {
            "event_id": raw.key,
            "raw_ref": raw.key,
            "message_id": raw.key,
            "chat": self._chat,
            "sender": SenderRef(external_id=self.settings.person, locale=self.settings.locale),
            "at": datetime.fromtimestamp(at, UTC),
        }
        command, _, payload = line.partition(" ")
        return (StartIn(**event, payload=payload),) if command == "/start" else (TextIn(**event, text=line),)

    async def deliver(self, message: Rendered) -> Receipt:
        """Print the answer. Raises `Gone` when nobody can read it any more."""
        try:
            self._write(f"{self.settings.prompt}{message.text}\n")
        except (
            BrokenPipeError,
            ValueError,
        ) as error:  # the reader of the pipe has left, or the file is closed
            raise Gone(phrase("console.closed", "the terminal is closed")) from error
        self._count += 1
        return Receipt(external_ids=(f"{self._started}-out-{self._count}",), sent_at=self.clock())

    async def _next_line(self) -> tuple[RawUpdate, ...]:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                if self.ended.is_set():
                    await asyncio.Event().wait()
                line = await self._read()
        except TimeoutError:
            return ()
        if not line:
            self._write("\n")  # the shell's prompt begins on a line of its own
            self.ended.set()
            return ()
        if not line.strip():
            return ()
        self._count += 1
        payload = {"line": line.strip(), "at": self.clock().timestamp()}
        return (RawUpdate(key=f"{self._started}-{self._count}", lane=str(self._chat), payload=payload),)


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
