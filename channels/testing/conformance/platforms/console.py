"""A keyboard and a screen in the hands of the checks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from channels.testing.conformance.platform import Answered, Asked, Platform, Sent, Update, reply


class TerminalPlatform(Platform):
    """One person at one terminal: what they type are lines, what they read is what was printed."""

    remote = False

    def __init__(self, *, prompt: str = "› ") -> None:
        self._prompt = prompt
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._sent: list[Sent] = []

    async def read(self) -> str:
        """The next line, as the channel reads it."""
        return await self._lines.get()

    def write(self, text: str) -> None:
        """Print, as the channel does."""
        if text.startswith(self._prompt):
            words = text.removeprefix(self._prompt).removesuffix("\n")
            self._sent.append(Sent(id=str(len(self._sent) + 1), chat="console", text=words))

    async def answer(self, asked: Asked) -> Answered:
        """Nobody asks a terminal anything over the network."""
        return reply({"asked": asked.path}, status=404)

    def put(self, update: Update) -> None:
        """Type the line of an update; a keyboard has no other updates."""
        line = update.get("line")
        if isinstance(line, str):
            self._lines.put_nowait(f"{line}\n")

    def take(self) -> Sequence[Update]:
        """Nothing is pushed."""
        return ()

    def writes(self, chat: str, words: str) -> None:
        """Type a line."""
        del chat
        self._lines.put_nowait(f"{words}\n")

    def starts(self, chat: str) -> None:
        """Type the command."""
        self.writes(chat, "/start")

    def sent(self) -> Sequence[Sent]:
        """What was printed."""
        return tuple(self._sent)
