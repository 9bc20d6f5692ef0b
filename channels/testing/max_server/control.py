"""The remote control of the fake: what `channels.testing.steering` knows, and what is MAX's own.

| command | fields | what it does |
| --- | --- | --- |
| push | `kind` (a method of `Inbound`), `args`, and its keyword fields | puts an update into the queue |
| sent, edits | `since` (seq), `chat_id` | the messages and edits that reached people |
| removed, presses, actions | | ids of removed messages; presses and their answers; typing and the like |
| calls | `method` | the calls of the bot |
| answers | `since` (seq) | what people saw, short: `[seq, chat, words, seconds]` each |
| stats, reset_stats | | latencies and throughput; forgets them |
| revoke, duplicate, reorder | `count` | 401 from now on; the next updates come twice, or last one first |
| limits | `per_chat`, `per_bot`, `polls`, `retry_after`; or `official` | rate limits |
| quirks | fields of `Quirks` | answers where the sources disagree; gives all |
| lose | `url` | subscriptions vanish, one or all |
| standing | `chat`, `standing` | what the bot may do where |
| person, chat | `id` and names | gives names to people and groups; `kind` makes a dialog or a channel |
| age | `seconds` | makes every message so far that much older |
| balance | `processes` | webhook requests go to these addresses in turn; none ends that |

`wait` knows more measures: `answered` (messages of a load), `presses` (answered ones), `subscriptions` and `accepted`
(by webhooks).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from channels.testing.steering import Control, Found, answers, calls, pushed, records

if TYPE_CHECKING:
    from channels.testing.max_server.server import MaxServer

PUSHES: Final = frozenset({
    "text", "poison", "photo", "video", "voice", "document", "sticker", "contact", "location", "share",
    "edited", "removed", "press", "callback", "started", "stopped", "membership", "event", "unknown", "raw",
})  # fmt: skip


def control_of(server: MaxServer) -> Control:
    """Make the remote control of a server."""
    return Control(
        server,
        {
            "push": lambda given: pushed(server.push, PUSHES, given),
            "sent": lambda given: records(server.sent, given),
            "edits": lambda given: records(server.edits, given),
            "removed": lambda _: {"removed": list(server.world.removed)},
            "presses": lambda _: {"presses": [one.as_json() for one in server.world.press_log]},
            "actions": lambda _: {"actions": list(server.world.actions)},
            "calls": lambda given: calls(server.call_log, given),
            "answers": lambda given: answers(server.sent, given),
            "stats": lambda _: server.latencies.as_json(),
            "reset_stats": lambda _: server.latencies.clear(),
            "revoke": lambda _: server.revoke_token(),
            "duplicate": lambda given: server.duplicate_next(given.get("count", 1)),
            "reorder": lambda given: server.reorder_next(given.get("count", 2)),
            "limits": lambda given: _limit(server, given),
            "quirks": lambda given: server.quirks.set(**given),
            "lose": lambda given: {"lost": server.feed.lose(given.get("url"))},
            "standing": lambda given: server.set_standing(**given),
            "person": lambda given: server.world.person(given.pop("id"), **given),
            "chat": lambda given: {"chat_id": server.world.chat(given.pop("id"), **given).id},
            "age": lambda given: server.age_messages(float(given["seconds"])),
            "balance": lambda given: server.pusher.balancer.share(given["processes"]),
        },
        {
            "answered": lambda wanted: server.latencies.answered >= wanted,
            "presses": lambda wanted: sum(one.answered for one in server.world.press_log) >= wanted,
            "subscriptions": lambda wanted: len(server.pusher.subscriptions) >= wanted,
            "accepted": lambda wanted: server.pusher.counts["accepted"] >= wanted,
        },
    )


def _limit(server: MaxServer, given: Found) -> None:
    if given.pop("official", False):
        server.limits.official(**given)
    else:
        server.limits.set(**given)
