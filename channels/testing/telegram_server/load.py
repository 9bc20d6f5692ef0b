"""Many messages for benchmarks: all at once, or at a steady rate."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Sequence

from channels.testing.telegram_server.inbound import Inbound


class Load:
    """Pushes texts of `chats` people, in turn, ids from `first_chat` on."""

    def __init__(self, inbound: Inbound, clock: Callable[[], float]) -> None:
        self.inbound = inbound
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
        messages: int,
        *,
        chats: int = 1,
        texts: Sequence[str] = ("hello",),
        first_chat: int = 1,
        start: int = 0,
    ) -> int:
        """Put this many messages into the queue now; returns how many."""
        for index in range(start, start + messages):
            self.offered.append(self.clock())
            self.inbound.text(texts[index % len(texts)], chat=first_chat + index % chats)
        return messages

    def rate(
        self,
        per_second: float,
        *,
        seconds: float,
        chats: int = 1,
        texts: Sequence[str] = ("hello",),
        first_chat: int = 1,
    ) -> int:
        """Begin to push at this rate, in the background; returns how many messages there will be."""
        total = round(per_second * seconds)
        task = asyncio.create_task(self._push(total, per_second, chats, texts, first_chat))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return total

    async def _push(
        self, total: int, per_second: float, chats: int, texts: Sequence[str], first_chat: int
    ) -> None:
        begun = self.clock()
        done = 0
        while done < total:
            due = min(total, int((self.clock() - begun) * per_second) + 1)
            self.burst(due - done, chats=chats, texts=texts, first_chat=first_chat, start=done)
            done = due
            await asyncio.sleep(max(0.0, begun + done / per_second - self.clock()))

    def hush(self) -> None:
        """Push nothing more from now on."""
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """Stop pushing."""
        self.hush()
        await asyncio.gather(*self._tasks, return_exceptions=True)
