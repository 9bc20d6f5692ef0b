"""A scripted MAX: it says what a test told it to say, and writes down what it was asked."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from aiohttp import web

ME = {
    "user_id": 700000001,
    "first_name": "OptFM",
    "username": "optfm_bot",
    "is_bot": True,
    "last_activity_time": 1795000000000,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.raw)


@dataclass(slots=True)
class Script:
    """`says(call, answer…)` queues answers to `METHOD /path`; the last one is repeated."""

    base: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: dict[str, deque[tuple[int, Any, Mapping[str, str]]]] = field(default_factory=dict)
    held: str = ""
    """A call that gets no answer until `release` is set."""
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    def says(
        self, call: str, *contents: Any, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        self.answers[call] = deque((status, content, headers or {}) for content in contents)

    def then(self, call: str, content: Any, status: int = 200) -> None:
        self.answers[call].append((status, content, {}))

    def calls(self, call: str) -> list[Asked]:
        return [asked for asked in self.asked if f"{asked.method} {asked.path}" == call]

    async def reply(self, request: web.Request) -> web.Response:
        self.asked.append(
            Asked(
                request.method, request.path, dict(request.query), dict(request.headers), await request.read()
            )
        )
        call = f"{request.method} {request.path}"
        if call == self.held:
            self.reached.set()
            await self.release.wait()
        queue = self.answers.get(call)
        if not queue:
            return web.json_response({"code": "not.scripted", "message": request.path}, status=400)
        status, content, headers = queue.popleft() if len(queue) > 1 else queue[0]
        body = content if isinstance(content, bytes) else orjson.dumps(content)
        return web.Response(status=status, body=body, headers=headers)


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    """A scripted server that knows the bot and has no subscriptions."""
    made = Script()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", made.reply)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    made.says("GET /me", ME)
    made.says("GET /subscriptions", {"subscriptions": []})
    try:
        yield made
    finally:
        made.release.set()
        await runner.cleanup()
