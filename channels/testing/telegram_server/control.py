"""The remote control of the fake: what `channels.testing.steering` knows, and what is Telegram's own.

| command | fields | what it does |
| --- | --- | --- |
| push | `kind` (a method of `Inbound`), `args`, and its keyword fields | puts an update into the queue |
| sent, edits | `since` (seq), `chat_id` | the messages and edits that reached people |
| calls | `method` | the calls of the bot |
| answers | `since` (seq) | what people saw, short: `[seq, chat, words, seconds]` each |
| stats, reset_stats | | latencies and throughput; forgets them |
| revoke, duplicate | `count` | 401 from now on; the next updates come twice |
| limits | `per_chat`, `per_bot`, `burst` | flood limits |
| standing, topic | `chat`, `standing`; `chat`, `topic`, `closed` | what the bot may do where |
| forum | `chat`, `manages` | makes a supergroup a forum, where the bot may manage topics or not |
| person, chat | `id` and names | gives names to people and groups |
| expire_presses | | makes earlier presses too old |
| balance | `processes` | webhook requests go to these addresses in turn; none ends that |

`wait` knows `answered`, too: how many messages of a load were answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from channels.testing.steering import Control, answers, calls, pushed, records

if TYPE_CHECKING:
    from channels.testing.telegram_server.server import TelegramServer

PUSHES: Final = frozenset({
    "text", "poison", "photo", "album", "voice", "document", "sticker", "contact", "location", "edited",
    "press", "callback", "membership", "migrated", "topic_changed", "unknown", "raw",
})  # fmt: skip


def control_of(server: TelegramServer) -> Control:
    """Make the remote control of a server."""
    return Control(
        server,
        {
            "push": lambda given: pushed(server.push, PUSHES, given),
            "sent": lambda given: records(server.sent, given),
            "edits": lambda given: records(server.edits, given),
            "calls": lambda given: calls(server.call_log, given),
            "answers": lambda given: answers(server.sent, given),
            "stats": lambda _: server.latencies.as_json(),
            "reset_stats": lambda _: server.latencies.clear(),
            "revoke": lambda _: server.revoke_token(),
            "duplicate": lambda given: server.duplicate_next(given.get("count", 1)),
            "limits": lambda given: server.limits.set(**given),
            "standing": lambda given: server.set_standing(**given),
            "topic": lambda given: server.set_topic(**given),
            "forum": lambda given: server.set_forum(**given),
            "person": lambda given: server.world.person(given.pop("id"), **given),
            "chat": lambda given: server.world.chat(given.pop("id"), **given).about,
            "expire_presses": lambda _: server.expire_presses(),
            "balance": lambda given: server.pusher.balancer.share(given["processes"]),
        },
        {"answered": lambda wanted: server.latencies.answered >= wanted},
    )
