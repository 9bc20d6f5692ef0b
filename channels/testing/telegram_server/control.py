"""The remote control: `/_control/<command>` with JSON in and out, for tests whose fake is another process.

| command | fields | what it does |
| --- | --- | --- |
| push | `kind` (a method of `Inbound`), `args`, and its keyword fields | puts an update into the queue |
| sent, edits | `since` (seq), `chat_id` | the messages and edits that reached people |
| calls | `method` | the calls of the bot |
| state, stats | | counters; latencies and throughput |
| wait | any of the measures below; `timeout` | returns when all hold |
| fail | `fault` (a `FaultKind`) and the fields of `Fault` | adds a fault |
| faults, heal | | lists the faults; removes them all |
| revoke, duplicate | `count` | 401 from now on; the next updates come twice |
| latency, limits | `seconds`; `per_chat`, `per_bot`, `burst` | slow sends; flood limits |
| standing, topic | `chat`, `standing`; `chat`, `topic`, `closed` | what the bot may do where |
| forum | `chat`, `manages` | makes a supergroup a forum, where the bot may manage topics or not |
| person, chat | `id` and names | gives names to people and groups |
| expire_presses | | makes earlier presses too old |
| answers | `since` (seq) | what people saw, short: `[seq, chat, words, seconds]` each |
| counts | | the counters that a load is followed by, cheap to ask for |
| offered | `since` (how many to leave out) | when the messages of `burst` and `rate` were written, in order |
| balance | `processes` | webhook requests go to these addresses in turn; none ends that |
| burst | `messages`, `chats`, `text` or `texts`, `first_chat` | many messages now |
| rate | `per_second`, `seconds`, and as in burst | many messages steadily |
| hush | | ends every `rate` |
| reset, reset_stats | | forgets everything; only the measurement |

In `wait`, the counts of `sent`, `edits`, `calls` and `answered` are reached from below, those of `pending`
and `in_flight` from above; `idle` means that no load is being pushed. A wait that fails answers 408 with the
state; any other mistake answers 400 with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import orjson

from channels.testing.telegram_server.inbound import Pushed

if TYPE_CHECKING:
    from channels.testing.telegram_server.server import TelegramServer

PUSHES: Final = frozenset({
    "text", "poison", "photo", "album", "voice", "document", "sticker", "contact", "location", "edited",
    "press", "callback", "membership", "migrated", "topic_changed", "unknown", "raw",
})  # fmt: skip
Found = dict[str, Any]


class Control:
    """Commands over one server."""

    def __init__(self, server: TelegramServer) -> None:
        self.server = server
        self.commands: Mapping[str, Callable[[Found], Any]] = {
            "push": self._push,
            "sent": lambda given: self._records(server.sent, given),
            "edits": lambda given: self._records(server.edits, given),
            "calls": self._calls,
            "state": lambda _: server.state(),
            "stats": lambda _: server.latencies.as_json(),
            "answers": self._answers,
            "counts": self._counts,
            "offered": lambda given: {"at": list(server.load.offered[given.get("since", 0) :])},
            "balance": lambda given: server.pusher.balancer.share(given["processes"]),
            "fail": self._fail,
            "faults": lambda _: {"faults": [rule.as_json() for rule in server.faults.rules]},
            "heal": lambda _: server.faults.clear(),
            "revoke": lambda _: server.revoke_token(),
            "duplicate": lambda given: server.duplicate_next(given.get("count", 1)),
            "latency": self._latency,
            "limits": lambda given: server.limits.set(**given),
            "standing": lambda given: server.set_standing(**given),
            "topic": lambda given: server.set_topic(**given),
            "forum": lambda given: server.set_forum(**given),
            "person": lambda given: server.world.person(given.pop("id"), **given),
            "chat": lambda given: server.world.chat(given.pop("id"), **given).about,
            "expire_presses": lambda _: server.expire_presses(),
            "burst": lambda given: {"pushed": server.load.burst(**_with_texts(given))},
            "rate": lambda given: {"to_push": server.load.rate(**_with_texts(given))},
            "hush": lambda _: server.load.hush(),
            "reset": lambda _: server.reset(),
            "reset_stats": lambda _: server.latencies.clear(),
        }

    async def handle(self, command: str, query: str, body: bytes) -> tuple[int, Found]:
        """Do one command; returns the HTTP status and the answer."""
        try:
            given = {name: _number(value) for name, value in parse_qsl(query)}
            if body:
                given |= orjson.loads(body)
            if command == "wait":
                return 200, await self._wait(given)
            if command not in self.commands:
                return 404, {"error": f"no command {command!r}", "commands": ["wait", *self.commands]}
            return 200, _as_json(self.commands[command](given))
        except TimeoutError as error:
            return 408, {"error": str(error), "state": self.server.state()}
        except (TypeError, ValueError, LookupError) as error:
            return 400, {"error": f"{type(error).__name__}: {error}"}

    def _push(self, given: Found) -> Any:
        kind = given.pop("kind", None)
        if kind not in PUSHES:
            raise ValueError(f"kind is one of {', '.join(sorted(PUSHES))}, not {kind!r}")
        return getattr(self.server.push, kind)(*given.pop("args", ()), **given)

    @staticmethod
    def _records(records: Any, given: Found) -> Found:
        since, chat = given.get("since", 0), given.get("chat_id")
        chosen = [one for one in records if one.seq > since and (chat is None or one.chat_id == chat)]
        return {"messages": [one.as_json() for one in chosen]}

    def _answers(self, given: Found) -> Found:
        since = given.get("since", 0)
        found = [one for one in self.server.sent if one.seq > since]
        return {"answers": [[one.seq, str(one.chat_id), one.plain, one.received_at] for one in found]}

    def _counts(self, _given: Found) -> Found:
        server = self.server
        return {
            "sent": server.world.sent_count,
            "offered": len(server.load.offered),
            "pending": server.pending,
            "in_flight": server.in_flight,
            "load_running": server.load.running,
        }

    def _calls(self, given: Found) -> Found:
        method = given.get("method")
        chosen = [one for one in self.server.call_log if method is None or one.method == method]
        return {"calls": [one.as_json() for one in chosen]}

    def _fail(self, given: Found) -> Found:
        return self.server.fail(given.pop("fault"), **given).as_json()

    def _latency(self, given: Found) -> None:
        self.server.latency = float(given["seconds"])

    async def _wait(self, given: Found) -> Found:
        server = self.server
        limit = float(given.pop("timeout", 10.0))
        measures: Mapping[str, Callable[[int], bool]] = {
            "sent": lambda wanted: server.world.sent_count >= wanted,
            "edits": lambda wanted: len(server.edits) >= wanted,
            "calls": lambda wanted: server.call_count >= wanted,
            "answered": lambda wanted: server.latencies.answered >= wanted,
            "pending": lambda wanted: server.pending <= wanted,
            "in_flight": lambda wanted: server.in_flight <= wanted,
            "idle": lambda _: not server.load.running,
        }
        if not given or given.keys() - measures.keys():
            raise ValueError(f"wait for one of {', '.join(measures)}")
        await server.wait(
            lambda: all(measures[name](wanted) for name, wanted in given.items()), timeout=limit
        )
        return server.state()


def _number(value: str) -> int | float | str:
    """A value from an address, as a number where it is one."""
    for read in (int, float):
        try:
            return read(value)
        except ValueError:
            continue
    return value


def _with_texts(given: Found) -> Found:
    if "text" in given:
        given["texts"] = [given.pop("text")]
    return given


def _as_json(found: Any) -> Found:
    if isinstance(found, Pushed):
        return asdict(found)
    if isinstance(found, list):
        return {"pushed": [asdict(one) for one in found]}
    return found if isinstance(found, dict) else {"ok": True}
