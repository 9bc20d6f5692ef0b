"""The web chat in several processes on PostgreSQL: pages follow in one what is said and answered in another."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.chat_processes import ChatBot
from tests.e2e.processes import PATIENCE, eventually
from tests.faults.database import Database, own_database

pytestmark = pytest.mark.e2e

LIMIT = 120
SESSION = "a-talk-in-two-processes"


@pytest.fixture
def database(postgresql_address: str) -> Iterator[Database]:
    """A database that processes share."""
    with own_database(postgresql_address) as made:
        yield made


@pytest.fixture
def pair(tmp_path: Path, database: Database) -> Iterator[tuple[ChatBot, ChatBot]]:
    """A process that serves pages and answers nobody, and one that does everything. Each knows of the other."""
    with ExitStack() as stack:
        bots = []
        for role in ("web", "all"):
            bot = stack.enter_context(ChatBot(tmp_path / role))
            bot.sections["database"] = {"url": database.url}
            bot.arguments = ("--role", role)
            bots.append(bot.start())

        def acquainted() -> bool:
            [(beating,)] = database.rows(
                "SELECT count(*) FROM members WHERE seen_at > (SELECT max(joined_at) FROM members)"
            )
            return bool(beating == len(bots))

        eventually(acquainted, "both are members and have seen each other")
        yield bots[0], bots[1]


@asynccontextmanager
async def page(bot: ChatBot) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A page that follows the talk and writes nothing."""
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{bot.base}/chat/web/socket", origin=bot.base) as socket,
    ):
        await socket.send_json({"type": "hello", "session": SESSION})
        yield socket


async def message(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    """The next message that the page is shown."""
    async with asyncio.timeout(PATIENCE):
        while (event := await socket.receive_json())["type"] != "message":
            pass
    return dict(event)


async def test_a_page_sees_what_another_tab_says_in_another_process(pair: tuple[ChatBot, ChatBot]) -> None:
    """This page asks nothing, so it has no reason to look: it sees only what it is told of."""
    here, there = pair
    async with page(here) as idle:
        assert (await idle.receive_json())["messages"] == []
        for number in range(3):
            assert await asyncio.to_thread(there.says, SESSION, "почём доставка", f"m{number}") == 200
            seen = {one["author"]: one for one in (await message(idle), await message(idle))}
            assert seen["visitor"]["id"] == f"m{number}"
            assert "300" in seen["bot"]["html"]
    async with page(there) as other:
        history = (await other.receive_json())["messages"]
    assert [one["author"] for one in history] == ["visitor", "bot"] * 3
    assert history[-1]["id"] == seen["bot"]["id"]


def test_visitors_of_one_process_are_answered_by_another(tmp_path: Path, postgresql_address: str) -> None:
    command = (
        *(sys.executable, "-m", "optfm_bot", "bench", "--lang", "en", "--channel", "web"),
        *("--database", postgresql_address, "--roles", "web,worker"),
        *("--rate", "20", "--seconds", "2", "--chats", "10", "--output", "found.json"),
    )
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = json.loads((tmp_path / "found.json").read_text("utf-8"))
    assert (found["offered"], found["answered"]) == (40, 40)
    assert (found["lost"], found["doubled"], found["out_of_order"]) == (0, 0, 0)
