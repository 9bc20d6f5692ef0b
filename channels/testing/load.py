"""Many messages: all at once, or at a steady rate. Every fake of a platform makes them so."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Sequence

Write = Callable[[str, int], object]
"""Lets a person write: the text, and the number of the chat."""


class Load:
    """Lets the people of `chats` conversations write, in turn; the conversations are numbered from `first_chat` on.

    `write` is used where a call names no other. `{n}` in a text is the number of the message.
    """

    def __init__(self, clock: Callable[[], float], write: Write, *, first_chat: int = 1) -> None:
        self._clock = clock
        self._write = write
        self._first_chat = first_chat
        self.offered = array("d")
        """When each message was written, by the clock, in order."""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> bool:
        """Whether a rate is still being pushed."""
        return bool(self._tasks)

    def burst(
        self,
        messages: int,
        *,
        chats: int = 1,
        texts: Sequence[str] = ("hello",),
        first_chat: int | None = None,
        start: int = 0,
        write: Write | None = None,
    ) -> int:
        """Write this many messages now; returns how many."""
        first = self._first_chat if first_chat is None else first_chat
        for index in range(start, start + messages):
            words = texts[index % len(texts)].replace("{n}", str(index))
            self.offered.append(self._clock())
            (write or self._write)(words, first + index % chats)
        return messages

    def rate(
        self,
        per_second: float,
        *,
        seconds: float,
        chats: int = 1,
        texts: Sequence[str] = ("hello",),
        first_chat: int | None = None,
        start: int = 0,
        write: Write | None = None,
    ) -> int:
        """Begin to write at this rate, in the background; returns how many messages there will be."""
        total = round(per_second * seconds)

        async def push() -> None:
            begun = self._clock()
            done = 0
            while done < total:
                due = min(total, int((self._clock() - begun) * per_second) + 1)
                self.burst(
                    due - done,
                    chats=chats,
                    texts=texts,
                    first_chat=first_chat,
                    start=start + done,
                    write=write,
                )
                done = due
                await asyncio.sleep(max(0.0, begun + done / per_second - self._clock()))

        task = asyncio.get_running_loop().create_task(push())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return total

    def hush(self) -> None:
        """Push nothing more from now on."""
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """Stop pushing."""
        self.hush()
        await asyncio.gather(*self._tasks, return_exceptions=True)
