"""A running fake of MAX, a plain HTTP client for it, and addresses that it can push to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from channels.testing.max_server import MaxServer

Call = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]
Handler = Callable[[web.Request], Awaitable[web.Response]]


@pytest.fixture
async def server() -> AsyncIterator[MaxServer]:
    """A fake whose waits between webhook attempts begin with 6 ms."""
    async with MaxServer(retry_scale=0.0001) as running:
        yield running


@pytest.fixture
async def call(server: MaxServer) -> AsyncIterator[Call]:
    """Call `"POST /messages"` with query parameters by name; gives the HTTP status and the JSON."""
    async with aiohttp.ClientSession() as session:

        async def do(what: str, body: Any = None, **query: Any) -> tuple[int, dict[str, Any]]:
            verb, path = what.split()
            async with session.request(
                verb,
                f"{server.base_url}{path}",
                params=query,
                json=body,
                headers={"Authorization": server.token},
            ) as answer:
                return answer.status, await answer.json()

        yield do


@pytest.fixture
async def hook() -> AsyncIterator[Callable[[Handler], Awaitable[str]]]:
    """Serve a plain handler and return its address."""
    async with AsyncExitStack() as stack:

        async def serve(handler: Handler) -> str:
            app = web.Application()
            app.router.add_post("/hook", handler)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            return f"http://{host}:{port}/hook"

        yield serve
