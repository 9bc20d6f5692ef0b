"""A fake as a process of its own: it says where it listens in one line of JSON, and a signal ends it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import orjson


async def serve(server: AbstractAsyncContextManager[Any], about: Callable[[], Mapping[str, Any]]) -> None:
    """Keep a fake open until SIGTERM or SIGINT; `about` is asked once it listens, and said with the process id."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with server:
        sys.stdout.buffer.write(orjson.dumps({**about(), "pid": os.getpid()}) + b"\n")
        sys.stdout.buffer.flush()
        await ended.wait()
