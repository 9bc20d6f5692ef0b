"""The remote control of a fake: `/_control/<command>` with JSON in and out, for tests whose fake is another process.

Every fake of a platform knows these commands, and adds its own:

| command | fields | what it does |
| --- | --- | --- |
| state | | counters |
| counts | | the counters that a load is followed by, cheap to ask for |
| wait | any of the measures; `timeout` | returns when all hold |
| fail | `fault` (a `FaultKind`) and the fields of `Fault` | adds a fault |
| faults, heal | | lists the faults; removes them all |
| latency | `seconds` | slow sends |
| offered | `since` (how many to leave out) | when the messages of `burst` and `rate` were written, in order |
| burst | `messages`, `chats`, `text` or `texts`, `first_chat`, `start` | many messages now |
| rate | `per_second`, `seconds`, and as in burst | many messages steadily |
| hush | | ends every `rate` |
| reset | | forgets everything |

In `wait`, the counts of `sent`, `edits` and `calls` are reached from below, those of `pending` and `in_flight` from
above; `idle` means that no load is being pushed. A wait that fails answers 408 with the state; any other mistake
answers 400 with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from channels.testing.load import Load

PREFIX = "/_control/"
Found = dict[str, Any]
Command = Callable[[Found], Any]
Measure = Callable[[int], bool]
_JSON = {"Content-Type": "application/json"}


class _Shown(Protocol):
    def as_json(self) -> Found: ...


class _Faults(Protocol):
    @property
    def rules(self) -> Iterable[_Shown]: ...

    def clear(self) -> None: ...


class Steered(Protocol):
    """What a fake has to have to be steered."""

    latency: float
    load: Load
    call_count: int
    in_flight: int

    @property
    def faults(self) -> _Faults:
        """The faults in force."""

    @property
    def sent_count(self) -> int:
        """How many messages reached people since the last reset."""

    @property
    def pending(self) -> int:
        """How many updates the bot has not confirmed."""

    def state(self) -> Found:
        """Everything countable, as plain JSON."""

    def reset(self) -> None:
        """Forget everything."""

    def fail(self, kind: str, method: str = "*", **about: Any) -> _Shown:
        """Let calls go wrong."""

    async def wait(self, condition: Callable[[], bool], *, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - callers read better so
        """Return as soon as the condition holds. Raises `TimeoutError` if it does not."""


class Control:
    """The commands of one fake: those of every fake, and its own; likewise the measures of `wait`."""

    def __init__(
        self, server: Steered, commands: Mapping[str, Command], measures: Mapping[str, Measure]
    ) -> None:
        self._server = server
        self.commands: Mapping[str, Command] = {
            "state": lambda _: server.state(),
            "counts": self._counts,
            "fail": lambda given: server.fail(given.pop("fault"), **given).as_json(),
            "faults": lambda _: {"faults": [rule.as_json() for rule in server.faults.rules]},
            "heal": lambda _: server.faults.clear(),
            "latency": self._latency,
            "offered": lambda given: {"at": list(server.load.offered[given.get("since", 0) :])},
            "burst": lambda given: {"pushed": server.load.burst(**with_texts(given))},
            "rate": lambda given: {"to_push": server.load.rate(**with_texts(given))},
            "hush": lambda _: server.load.hush(),
            "reset": lambda _: server.reset(),
            **commands,
        }
        self._measures: Mapping[str, Measure] = {
            "sent": lambda wanted: server.sent_count >= wanted,
            "edits": lambda wanted: server.state()["edits"] >= wanted,
            "calls": lambda wanted: server.call_count >= wanted,
            "pending": lambda wanted: server.pending <= wanted,
            "in_flight": lambda wanted: server.in_flight <= wanted,
            "idle": lambda _: not server.load.running,
            **measures,
        }

    async def answer(self, request: web.BaseRequest, path: str, query: str) -> web.Response:
        """Do what a request to an address below `PREFIX` asks for."""
        status, found = await self.handle(path.removeprefix(PREFIX), query, await request.read())
        return web.Response(status=status, body=orjson.dumps(found, default=str), headers=_JSON)

    async def handle(self, command: str, query: str, body: bytes) -> tuple[int, Found]:
        """Do one command; returns the HTTP status and the answer."""
        try:
            given: Found = {name: _number(value) for name, value in parse_qsl(query)}
            if body:
                given |= orjson.loads(body)
            if command == "wait":
                return 200, await self._wait(given)
            if command not in self.commands:
                return 404, {"error": f"no command {command!r}", "commands": ["wait", *self.commands]}
            return 200, _as_json(self.commands[command](given))
        except TimeoutError as error:
            return 408, {"error": str(error), "state": self._server.state()}
        except (TypeError, ValueError, LookupError) as error:
            return 400, {"error": f"{type(error).__name__}: {error}"}

    def _counts(self, _given: Found) -> Found:
        server = self._server
        return {
            "sent": server.sent_count,
            "offered": len(server.load.offered),
            "pending": server.pending,
            "in_flight": server.in_flight,
            "load_running": server.load.running,
        }

    def _latency(self, given: Found) -> None:
        self._server.latency = float(given["seconds"])

    async def _wait(self, given: Found) -> Found:
        limit = float(given.pop("timeout", 10.0))
        measures = self._measures
        if not given or given.keys() - measures.keys():
            raise ValueError(f"wait for one of {', '.join(measures)}")
        await self._server.wait(
            lambda: all(measures[name](wanted) for name, wanted in given.items()), timeout=limit
        )
        return self._server.state()


def pushed(inbound: object, kinds: Iterable[str], given: Found) -> Any:
    """Let somebody do one of the `kinds` of things, which are methods of `inbound`. Raises `ValueError`."""
    kind = given.pop("kind", None)
    if kind not in kinds:
        raise ValueError(f"kind is one of {', '.join(sorted(kinds))}, not {kind!r}")
    return getattr(inbound, kind)(*given.pop("args", ()), **given)


def records(kept: Iterable[Any], given: Found) -> Found:
    """The messages after number `since`, of one chat if `chat_id` is given."""
    since, chat = given.get("since", 0), given.get("chat_id")
    chosen = [one for one in kept if one.seq > since and (chat is None or str(one.chat_id) == str(chat))]
    return {"messages": [one.as_json() for one in chosen]}


def answers(kept: Iterable[Any], given: Found, *, at: str = "received_at") -> Found:
    """What people saw after number `since`, short: `[seq, chat, words, seconds]` each; `at` names the seconds."""
    since = given.get("since", 0)
    found = [[one.seq, str(one.chat_id), one.plain, getattr(one, at)] for one in kept if one.seq > since]
    return {"answers": found}


def calls(log: Iterable[Any], given: Found) -> Found:
    """The calls of the bot, of one method if `method` is given."""
    method = given.get("method")
    return {"calls": [one.as_json() for one in log if method is None or one.method == method]}


def with_texts(given: Found) -> Found:
    """`text` is a short way to write `texts`."""
    if "text" in given:
        given["texts"] = [given.pop("text")]
    return given


def _number(value: str) -> int | float | str:
    """A value from an address, as a number where it is one."""
    for read in (int, float):
        try:
            return read(value)
        except ValueError:
            continue
    return value


def _as_json(found: Any) -> Found:
    if is_dataclass(found) and not isinstance(found, type):
        return asdict(found)
    if isinstance(found, list):
        return {"pushed": [asdict(one) for one in found]}
    return found if isinstance(found, dict) else {"ok": True}
