"""Fakes as processes for tests of asyncio: each announces itself, and is steered over HTTP."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

Control = Callable[..., Awaitable[dict[str, Any]]]


@asynccontextmanager
async def process(*command: str, **options: Any) -> AsyncIterator[Process]:
    """Run a program; whatever happens, the process is gone afterwards."""
    running = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, **options)
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.communicate()


@asynccontextmanager
async def fake(module: str, *arguments: str) -> AsyncIterator[tuple[Process, dict[str, Any], Control]]:
    """Run `channels.testing.<module>`: gives the process, the line in which it announces itself, its control."""
    command = (sys.executable, "-m", f"channels.testing.{module}", "--port", "0", *arguments)
    async with process(*command) as running, aiohttp.ClientSession() as client:
        assert running.stdout is not None
        line = json.loads(await asyncio.wait_for(running.stdout.readline(), 20))

        async def control(command: str, *, status: int = 200, **given: Any) -> dict[str, Any]:
            async with client.post(f"{line['base_url']}/_control/{command}", json=given) as answer:
                found = await answer.json()
                assert answer.status == status, found
                return dict(found)

        yield running, line, control
