"""Reads the standard input line by line without blocking the event loop or the end of the process."""

from __future__ import annotations

import asyncio
import io
from threading import Thread


class KeyboardReader:
    """Gives the lines of the standard input, one per call, and "" at its end and ever after.

    A thread does the waiting, because not every kind of input can be waited for by an event loop (a plain
    file, the console of Windows). It starts with the first call. A cancelled call loses no line.
    """

    def __init__(self, descriptor: int = 0) -> None:
        self._descriptor = descriptor
        self._lines: asyncio.Queue[str] | None = None

    async def line(self) -> str:
        """Wait for the next line, with its line end; "" when there are no more."""
        if self._lines is None:
            self._lines = asyncio.Queue()
            # A daemon on a raw file: the process must be able to end while the thread waits for a key.
            Thread(target=self._pump, args=(self._lines, asyncio.get_running_loop()), daemon=True).start()
        line = await self._lines.get()
        if not line:
            self._lines.put_nowait("")
        return line

    def _pump(self, lines: asyncio.Queue[str], loop: asyncio.AbstractEventLoop) -> None:
        with io.FileIO(self._descriptor, closefd=False) as source:
            while True:
                line = source.readline()
                try:
                    loop.call_soon_threadsafe(lines.put_nowait, line.decode(errors="replace"))
                except RuntimeError:  # the loop has closed: nobody asks any more
                    return
                if not line:
                    return
