"""The remote control: `/_control/<command>` with JSON in and out, for tests whose fake is another process.

Every command takes `instance` (its id); without it the first one is meant.

| command | fields | what it does |
| --- | --- | --- |
| push | `kind` (a method of `Inbound`), `args`, and its keyword fields | somebody does something |
| sent, edits | `since` (seq), `chat_id` | the messages and edits that reached people |
| waiting | | the messages that wait to leave |
| calls | `method` | the calls of the bot |
| state | | counters |
| wait | any of the measures below; `timeout` | returns when all hold |
| fail | `fault` (a `FaultKind`) and the fields of `Fault` | adds a fault |
| faults, heal | | lists the faults; removes them all |
| instance_state | `state`, `until`, `refuse_sends` | changes the state of the account |
| scan | `code`, `password` | the QR code is scanned; `password` sets whether the account has one |
| qr | `kind`, `lifetime`, `broken` | how QR codes are given |
| settings | names of settings | changes settings at once, without a restart |
| listen | | switches every kind of notification on |
| add_instance | `network`, `id_instance`, `token` | makes one more |
| person, group | `id` and names | makes somebody known, gives names |
| members | `id`, `members` (id to true for administrators) | who is in a group |
| duplicate, reorder | `count` | the next notifications come twice; in reverse |
| webhook | `connections`, `scheme` | how notifications are posted |
| empty | `answer` | how an empty queue is told |
| journal | `lag` | how many seconds journals are behind |
| latency | `seconds` | slow sends |
| limits | `on` | rate limits |
| tariff | `correspondents`, `checks`, `look_ups` | quotas |
| groups | `parameters`, `interval` | names a group's id may have; seconds between two new groups |
| echo | `kind` | what the echo of a text says it is |
| pace | `delay`, `restart` | the factor on the sending delay; seconds of a restart |
| answers | `since` (seq) | what people saw, short: `[seq, chat, words, seconds]` each |
| counts | | the counters that a load is followed by, cheap to ask for |
| offered | `since` (how many to leave out) | when the messages of `burst` and `rate` were written, in order |
| balance | `processes` | webhook requests go to these addresses in turn; none ends that |
| burst | `messages`, `chats`, `text` or `texts`, `first_chat`, `start` | many messages now |
| rate | `per_second`, `seconds`, and as in burst | many messages steadily |
| hush | | ends every `rate` |
| reset | | forgets everything |

In `wait`, the counts of `sent`, `edits` and `calls` are reached from below, those of `pending`, `outgoing` and
`in_flight` from above; `idle` means that no load is being pushed. A wait that fails answers 408 with the state; any
other mistake answers 400 with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import orjson

from channels.testing.green_server.inbound import Pushed
from channels.testing.green_server.qr import PNG_KINDS
from channels.testing.green_server.queues import EMPTY_ANSWERS
from channels.testing.green_server.webhook import SCHEMES

if TYPE_CHECKING:
    from channels.testing.green_server.instance import Instance
    from channels.testing.green_server.server import GreenServer

PUSHES: Final = frozenset({
    "text", "link", "forwarded", "reaction", "file", "sticker", "location", "contact", "unknown_message",
    "owner", "edited", "deleted", "status", "quota", "unknown", "raw",
})  # fmt: skip
Found = dict[str, Any]
Command = Callable[["Instance", Found], Any]


class Control:
    """Commands over one server."""

    def __init__(self, server: GreenServer) -> None:
        self.server = server
        self.commands: Mapping[str, Command] = {
            "push": self._push,
            "sent": lambda one, given: self._records(one.book.sent, given),
            "edits": lambda one, given: self._records(one.book.edits, given),
            "waiting": lambda one, _: {"messages": one.outgoing.show()},
            "calls": self._calls,
            "answers": self._answers,
            "counts": lambda _, __: self._counts(),
            "offered": lambda _, given: {"at": list(server.load.offered[given.get("since", 0) :])},
            "balance": lambda one, given: one.pusher.balancer.share(given["processes"]),
            "state": lambda _, __: server.state(),
            "fail": lambda _, given: server.fail(given.pop("fault"), **given).as_json(),
            "faults": lambda _, __: {"faults": [rule.as_json() for rule in server.faults.rules]},
            "heal": lambda _, __: server.faults.clear(),
            "instance_state": self._state,
            "scan": self._scan,
            "qr": self._qr,
            "settings": lambda one, given: one.configure(**given),
            "listen": lambda one, _: one.listen(),
            "add_instance": self._add_instance,
            "person": lambda one, given: asdict(one.book.person(given.pop("id"), **given)),
            "group": lambda one, given: asdict(one.book.group(given.pop("id"), **given)),
            "members": self._members,
            "duplicate": self._duplicate,
            "reorder": self._reorder,
            "webhook": self._webhook,
            "empty": self._empty,
            "journal": lambda one, given: setattr(one.journals, "lag", float(given["lag"])),
            "latency": lambda _, given: setattr(server, "latency", float(given["seconds"])),
            "limits": lambda one, given: setattr(one.limits, "on", bool(given["on"])),
            "tariff": lambda one, given: one.tariff.set(**given),
            "groups": self._groups,
            "echo": lambda one, given: setattr(one.outgoing, "echo_kind", str(given["kind"])),
            "pace": self._pace,
            "burst": lambda one, given: {"pushed": server.load.burst(one.push, **_with_texts(given))},
            "rate": lambda one, given: {"to_push": server.load.rate(one.push, **_with_texts(given))},
            "hush": lambda _, __: server.load.hush(),
            "reset": lambda _, __: server.reset(),
        }

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
            name = given.pop("instance", None)
            one = self.server.instance if name is None else self.server.instances[str(name)]
            return 200, _as_json(self.commands[command](one, given))
        except TimeoutError as error:
            return 408, {"error": str(error), "state": self.server.state()}
        except (TypeError, ValueError, LookupError) as error:
            return 400, {"error": f"{type(error).__name__}: {error}"}

    @staticmethod
    def _push(one: Instance, given: Found) -> Any:
        kind = given.pop("kind", None)
        if kind not in PUSHES:
            raise ValueError(f"kind is one of {', '.join(sorted(PUSHES))}, not {kind!r}")
        return getattr(one.push, kind)(*given.pop("args", ()), **given)

    @staticmethod
    def _records(records: Any, given: Found) -> Found:
        since, chat = given.get("since", 0), given.get("chat_id")
        chosen = [one for one in records if one.seq > since and (chat is None or one.chat_id == str(chat))]
        return {"messages": [one.as_json() for one in chosen]}

    @staticmethod
    def _answers(one: Instance, given: Found) -> Found:
        since = given.get("since", 0)
        found = [sent for sent in one.book.sent if sent.seq > since]
        return {"answers": [[sent.seq, sent.chat_id, sent.plain, sent.reached_at] for sent in found]}

    def _counts(self) -> Found:
        server = self.server
        return {
            "sent": server.sent_count,
            "offered": len(server.load.offered),
            "pending": server.pending,
            "in_flight": server.in_flight,
            "load_running": server.load.running,
        }

    def _calls(self, one: Instance, given: Found) -> Found:
        method = given.get("method")
        chosen = [
            call
            for call in self.server.call_log
            if call.instance == one.id and (method is None or call.method == method)
        ]
        return {"calls": [call.as_json() for call in chosen]}

    @staticmethod
    def _state(one: Instance, given: Found) -> None:
        if "refuse_sends" in given:
            one.account.refuse_unready = bool(given["refuse_sends"])
        if "state" in given:
            one.account.become(given["state"], until=given.get("until", 0.0))

    @staticmethod
    def _scan(one: Instance, given: Found) -> None:
        if "password" in given:
            one.account.has_password = bool(given["password"])
        one.account.scan(given.get("code"))

    @staticmethod
    def _qr(one: Instance, given: Found) -> Found:
        if (kind := given.get("kind", one.account.qr_kind)) not in PNG_KINDS:
            raise ValueError(f"kind is one of {', '.join(PNG_KINDS)}, not {kind!r}")
        one.account.qr_kind = kind
        one.account.qr_lifetime = float(given.get("lifetime", one.account.qr_lifetime))
        one.account.qr_broken = bool(given.get("broken", one.account.qr_broken))
        return {"code": one.account.qr_text}

    def _add_instance(self, _one: Instance, given: Found) -> Found:
        made = self.server.add_instance(**given)
        return {"id_instance": made.id, "token": made.token, "network": made.network}

    @staticmethod
    def _members(one: Instance, given: Found) -> None:
        group = one.book.group(given["id"])
        group.members = {str(ident): bool(admin) for ident, admin in given["members"].items()}

    @staticmethod
    def _duplicate(one: Instance, given: Found) -> None:
        one.notifications.duplicates_left += given.get("count", 1)

    @staticmethod
    def _reorder(one: Instance, given: Found) -> None:
        one.notifications.reorder_left = given.get("count", 2)

    @staticmethod
    def _webhook(one: Instance, given: Found) -> None:
        if (scheme := given.get("scheme", one.pusher.scheme)) not in SCHEMES:
            raise ValueError(f"scheme is one of {', '.join(SCHEMES)}, not {scheme!r}")
        one.pusher.scheme = scheme
        one.pusher.connections = int(given.get("connections", one.pusher.connections))
        one.pusher.pump()

    @staticmethod
    def _empty(one: Instance, given: Found) -> None:
        if (answer := str(given["answer"])) not in EMPTY_ANSWERS:
            raise ValueError(f"answer is one of {', '.join(EMPTY_ANSWERS)}, not {answer!r}")
        one.queues.empty_answer = answer

    @staticmethod
    def _groups(one: Instance, given: Found) -> None:
        one.group_parameters = tuple(given.get("parameters", one.group_parameters))
        one.groups.interval = float(given.get("interval", one.groups.interval))

    @staticmethod
    def _pace(one: Instance, given: Found) -> None:
        one.outgoing.delay_scale = float(given.get("delay", one.outgoing.delay_scale))
        one.account.restart_seconds = float(given.get("restart", one.account.restart_seconds))

    async def _wait(self, given: Found) -> Found:
        server = self.server
        limit = float(given.pop("timeout", 10.0))
        measures: Mapping[str, Callable[[int], bool]] = {
            "sent": lambda wanted: server.sent_count >= wanted,
            "edits": lambda wanted: server.state()["edits"] >= wanted,
            "calls": lambda wanted: server.call_count >= wanted,
            "pending": lambda wanted: server.pending <= wanted,
            "outgoing": lambda wanted: server.outgoing <= wanted,
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
    return found if isinstance(found, dict) else {"ok": True}
