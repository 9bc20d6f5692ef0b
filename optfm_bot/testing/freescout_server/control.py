"""The remote control: `/_control/<command>` with JSON in and out, for tests whose fake is another process.

| command | fields | what it does |
| --- | --- | --- |
| reply, note | `conversation`, `html`, `files` (name, mime, base64 `data` each), `user`, `status` | an agent writes |
| draft | `conversation`, `html` | an agent begins an answer |
| start | `customer`, `html` | an agent begins a conversation |
| undo | `conversation`, `thread` | takes a reply back |
| close, reopen, spam, delete, restore, delete_forever | `conversation` | |
| assign | `conversation`, `to` (a user or null) | |
| move | `conversation`, `mailbox` | |
| merge | `conversation`, `into` | |
| dump | | every conversation with its threads, oldest first |
| doubles | | how many conversations, threads and customers are there twice |
| customers | | everybody who ever wrote |
| state | | counters |
| subscribe | `url`, `events`, `mailboxes` | webhooks go there too |
| deliver | `everything`, `backwards`, `times` | sends webhooks that are due; gives their statuses |
| repeat, freeze | | sends all of them again; makes what waits old news |
| fail | `fault` (a `FaultKind`) and the fields of `Fault` | adds a fault |
| heal | | removes all faults |

A mistake answers 400 with its reason.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Final

import orjson

from optfm_bot.testing.freescout_server import shape
from optfm_bot.testing.freescout_server.refusal import ApiError

if TYPE_CHECKING:
    from optfm_bot.testing.freescout_server.server import FreeScoutServer

ACTS: Final = frozenset({
    "reply", "note", "draft", "start", "undo", "close", "reopen", "spam", "delete", "restore", "delete_forever",
    "assign", "move", "merge",
})  # fmt: skip
Given = dict[str, Any]


class Control:
    """Commands over one server."""

    def __init__(self, server: FreeScoutServer) -> None:
        self.server = server
        self._commands: Mapping[str, Callable[[Given], Any | Awaitable[Any]]] = {
            "dump": lambda _: {"conversations": server.dump()},
            "doubles": lambda _: server.world.doubles(),
            "customers": lambda _: {
                "customers": [shape.customer(one) for one in server.world.customers.values()]
            },
            "state": lambda _: server.state(),
            "subscribe": lambda given: {"id": server.subscribe(**given).id},
            "deliver": self._deliver,
            "repeat": self._repeat,
            "freeze": lambda _: server.webhooks.freeze(),
            "fail": lambda given: server.fail(given.pop("fault"), **given).as_json(),
            "heal": lambda _: server.faults.rules.clear(),
        }

    async def handle(self, command: str, query: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        """Do one command; gives the HTTP status and the answer."""
        try:
            given: Given = {name: int(value) if value.isdigit() else value for name, value in query.items()}
            given |= orjson.loads(body) if body else {}
            if command in ACTS:
                return 200, {"id": self._act(command, given)}
            if command not in self._commands:
                return 404, {"error": f"no command {command!r}", "commands": sorted({*ACTS, *self._commands})}
            found = self._commands[command](given)
            if isawaitable(found):
                found = await found
        except (TypeError, ValueError, LookupError, ApiError) as error:
            return 400, {"error": f"{type(error).__name__}: {error}"}
        return 200, found if isinstance(found, dict) else {"ok": True}

    def _act(self, command: str, given: Given) -> Any:
        if "files" in given:
            given["files"] = [
                (file["name"], file.get("mime", "application/octet-stream"), base64.b64decode(file["data"]))
                for file in given["files"]
            ]
        return getattr(self.server.agents, command)(**given)

    async def _deliver(self, given: Given) -> Given:
        return {"statuses": await self.server.deliver_webhooks(**given)}

    async def _repeat(self, _given: Given) -> Given:
        return {"statuses": await self.server.webhooks.repeat()}
