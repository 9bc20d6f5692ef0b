"""Many messages: all at once, or at a steady rate."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Sequence

from channels.testing.green_server.inbound import Inbound


class Load:
    """Pushes texts into `chats` conversations, in turn, ids from `first_chat` on; a negative one means groups."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.offered = array("d")
        """When each message was written, by the clock, in order."""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> bool:
        """Whether a rate is still being pushed."""
        return bool(self._tasks)

    def burst(
        self,
        inbound: Inbound,
        messages: int,
        *,
        chats: int = 1,
        texts: Sequence[str] = ("hello",),
        first_chat: int = 20_000_000,
        start: int = 0,
    ) -> int:
        """Write this many messages now; returns how many. `{n}` in a text is the message's number."""
        for index in range(start, start + messages):
            words = texts[index % len(texts)].replace("{n}", str(index))
            self.offered.append(self.clock())
            inbound.text(words, chat=first_chat + index % chats)
        return messages

    def rate(
        self,
        inbound: Inbound,
        per_second: float,
        *,
        seconds: float,
        chats: int = 1,
        texts: Sequence[str] = ("hello",),
        first_chat: int = 20_000_000,
        start: int = 0,
    ) -> int:
        """Begin to write at this rate, in the background; returns how many messages there will be."""
        total = round(per_second * seconds)

        async def push() -> None:
            begun = self.clock()
            done = 0
            while done < total:
                due = min(total, int((self.clock() - begun) * per_second) + 1)
                self.burst(
                    inbound,
                    due - done,
                    chats=chats,
                    texts=texts,
                    first_chat=first_chat,
                    start=start + done,
                )
                done = due
                await asyncio.sleep(max(0.0, begun + done / per_second - self.clock()))

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
