"""The remote control of the fake: what `channels.testing.steering` knows, and what is the gateway's own.

Every command of its own takes `instance` (its id), and so do `burst` and `rate`; without it the first one is meant.

| command | fields | what it does |
| --- | --- | --- |
| push | `kind` (a method of `Inbound`), `args`, and its keyword fields | somebody does something |
| sent, edits | `since` (seq), `chat_id` | the messages and edits that reached people |
| waiting | | the messages that wait to leave |
| calls | `method` | the calls of the bot |
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
| limits | `on` | rate limits |
| tariff | `correspondents`, `checks`, `look_ups` | quotas |
| groups | `parameters`, `interval` | names a group's id may have; seconds between two new groups |
| echo | `kind` | what the echo of a text says it is |
| pace | `delay`, `restart` | the factor on the sending delay; seconds of a restart |
| answers | `since` (seq) | what people saw, short: `[seq, chat, words, seconds]` each |
| balance | `processes` | webhook requests go to these addresses in turn; none ends that |

`wait` knows `outgoing`, too: the messages that wait to leave, reached from above.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from channels.testing.green_server.qr import PNG_KINDS
from channels.testing.green_server.queues import EMPTY_ANSWERS
from channels.testing.green_server.webhook import SCHEMES
from channels.testing.steering import Control, Found, answers, calls, pushed, records, with_texts

if TYPE_CHECKING:
    from channels.testing.green_server.instance import Instance
    from channels.testing.green_server.server import GreenServer

PUSHES: Final = frozenset({
    "text", "link", "forwarded", "reaction", "file", "sticker", "location", "contact", "unknown_message",
    "owner", "edited", "deleted", "status", "quota", "unknown", "raw",
})  # fmt: skip


def control_of(server: GreenServer) -> Control:
    """Make the remote control of a server."""
    own: Mapping[str, Callable[[Instance, Found], Any]] = {
        "push": lambda one, given: pushed(one.push, PUSHES, given),
        "sent": lambda one, given: records(one.book.sent, given),
        "edits": lambda one, given: records(one.book.edits, given),
        "waiting": lambda one, _: {"messages": one.outgoing.show()},
        "calls": lambda one, given: calls(
            (call for call in server.call_log if call.instance == one.id), given
        ),
        "answers": lambda one, given: answers(one.book.sent, given, at="reached_at"),
        "balance": lambda one, given: one.pusher.balancer.share(given["processes"]),
        "instance_state": _state,
        "scan": _scan,
        "qr": _qr,
        "settings": lambda one, given: one.configure(**given),
        "listen": lambda one, _: one.listen(),
        "person": lambda one, given: asdict(one.book.person(given.pop("id"), **given)),
        "group": lambda one, given: asdict(one.book.group(given.pop("id"), **given)),
        "members": _members,
        "duplicate": _duplicate,
        "reorder": _reorder,
        "webhook": _webhook,
        "empty": _empty,
        "journal": lambda one, given: setattr(one.journals, "lag", float(given["lag"])),
        "limits": lambda one, given: setattr(one.limits, "on", bool(given["on"])),
        "tariff": lambda one, given: one.tariff.set(**given),
        "groups": _groups,
        "echo": lambda one, given: setattr(one.outgoing, "echo_kind", str(given["kind"])),
        "pace": _pace,
        "burst": lambda one, given: {"pushed": server.load.burst(**with_texts(given), write=one.says)},
        "rate": lambda one, given: {"to_push": server.load.rate(**with_texts(given), write=one.says)},
    }

    def of_instance(command: Callable[[Instance, Found], Any], given: Found) -> Any:
        name = given.pop("instance", None)
        return command(server.instance if name is None else server.instances[str(name)], given)

    return Control(
        server,
        {
            **{name: partial(of_instance, command) for name, command in own.items()},
            "add_instance": lambda given: _made(server.add_instance(**given)),
        },
        {"outgoing": lambda wanted: server.outgoing <= wanted},
    )


def _made(instance: Instance) -> Found:
    return {"id_instance": instance.id, "token": instance.token, "network": instance.network}


def _state(one: Instance, given: Found) -> None:
    if "refuse_sends" in given:
        one.account.refuse_unready = bool(given["refuse_sends"])
    if "state" in given:
        one.account.become(given["state"], until=given.get("until", 0.0))


def _scan(one: Instance, given: Found) -> None:
    if "password" in given:
        one.account.has_password = bool(given["password"])
    one.account.scan(given.get("code"))


def _qr(one: Instance, given: Found) -> Found:
    if (kind := given.get("kind", one.account.qr_kind)) not in PNG_KINDS:
        raise ValueError(f"kind is one of {', '.join(PNG_KINDS)}, not {kind!r}")
    one.account.qr_kind = kind
    one.account.qr_lifetime = float(given.get("lifetime", one.account.qr_lifetime))
    one.account.qr_broken = bool(given.get("broken", one.account.qr_broken))
    return {"code": one.account.qr_text}


def _members(one: Instance, given: Found) -> None:
    group = one.book.group(given["id"])
    group.members = {str(ident): bool(admin) for ident, admin in given["members"].items()}


def _duplicate(one: Instance, given: Found) -> None:
    one.notifications.duplicates_left += given.get("count", 1)


def _reorder(one: Instance, given: Found) -> None:
    one.notifications.reorder_left = given.get("count", 2)


def _webhook(one: Instance, given: Found) -> None:
    if (scheme := given.get("scheme", one.pusher.scheme)) not in SCHEMES:
        raise ValueError(f"scheme is one of {', '.join(SCHEMES)}, not {scheme!r}")
    one.pusher.scheme = scheme
    one.pusher.connections = int(given.get("connections", one.pusher.connections))
    one.pusher.pump()


def _empty(one: Instance, given: Found) -> None:
    if (answer := str(given["answer"])) not in EMPTY_ANSWERS:
        raise ValueError(f"answer is one of {', '.join(EMPTY_ANSWERS)}, not {answer!r}")
    one.queues.empty_answer = answer


def _groups(one: Instance, given: Found) -> None:
    one.group_parameters = tuple(given.get("parameters", one.group_parameters))
    one.groups.interval = float(given.get("interval", one.groups.interval))


def _pace(one: Instance, given: Found) -> None:
    one.outgoing.delay_scale = float(given.get("delay", one.outgoing.delay_scale))
    one.account.restart_seconds = float(given.get("restart", one.account.restart_seconds))
