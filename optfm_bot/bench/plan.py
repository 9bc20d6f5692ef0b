"""What is to be measured, and whether that makes sense. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from optfm_bot.bench.load import Load

MESSENGERS = ("telegram", "max", "green_api")
WEB = "web"
CHANNELS = (*MESSENGERS, WEB)
ROLES = ("all", "web", "worker", "poller")
"""What `optfm-bot run --role` takes."""

_ANSWERING = frozenset({"all", "worker"})
_SERVING = frozenset({"all", "web"})
_POLLING = frozenset({"all", "poller"})


class Misfit(StrEnum):
    """Why a plan makes no sense; the command line has a sentence for each."""

    WEB_POLLS = "web_polls"
    WEB_LATENCY = "web_latency"
    SQLITE_ALONE = "sqlite_alone"
    ROLES_COUNT = "roles_count"
    NOBODY_ANSWERS = "nobody_answers"
    NOBODY_SERVES = "nobody_serves"
    NOBODY_POLLS = "nobody_polls"
    KILLS_IN_BURST = "kills_in_burst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One measurement.

    `database` None is a temporary SQLite file, `roles` gives each process its own (none: plain `run`), `latency` is of
    the platform and `kill_every` between two kills, both in seconds. `knowledge` is loaded beside the bench's own base.
    """

    channel: str
    webhook: bool
    load: Load
    database: URL | None = None
    processes: int = 1
    roles: Sequence[str] = ()
    latency: float = 0.0
    knowledge: Path | None = None
    kill_every: float | None = None

    @property
    def engine(self) -> str:
        """Which database: `sqlite` or `postgresql`."""
        return "sqlite" if self.database is None else self.database.get_backend_name()

    def misfits(self) -> Iterator[Misfit]:
        """Everything that does not go together."""
        roles = frozenset(self.roles or ("all",))
        if self.channel == WEB and not self.webhook:
            yield Misfit.WEB_POLLS
        if self.channel == WEB and self.latency:
            yield Misfit.WEB_LATENCY
        if self.processes > 1 and self.engine == "sqlite":
            yield Misfit.SQLITE_ALONE
        if self.roles and len(self.roles) != self.processes:
            yield Misfit.ROLES_COUNT
        if not roles & _ANSWERING:
            yield Misfit.NOBODY_ANSWERS
        if self.webhook and not roles & _SERVING:
            yield Misfit.NOBODY_SERVES
        if not self.webhook and not roles & _POLLING:
            yield Misfit.NOBODY_POLLS
        if self.kill_every is not None and not self.load.per_second:
            yield Misfit.KILLS_IN_BURST

    def as_json(self) -> dict[str, Any]:
        """What was run, without an address of a database: it may hold a password."""
        return {
            "channel": self.channel,
            "mode": "webhook" if self.webhook else "polling",
            "chats": self.load.chats,
            "messages": self.load.messages,
            "per_second": self.load.per_second or None,
            "seconds": round(self.load.seconds, 3) or None,
            "database": self.engine,
            "processes": self.processes,
            "roles": list(self.roles),
            "platform_latency_s": self.latency,
            "own_knowledge": self.knowledge is not None,
            "kill_every_s": self.kill_every,
        }


def settings(*, database: URL, knowledge: Path, channels: Mapping[str, Any]) -> dict[str, Any]:
    """The bot's settings: nothing waits and nothing is limited, everything is stored as always."""
    return {
        "database": {"url": database.render_as_string(hide_password=False)},
        "faq": {"path": str(knowledge)},
        "conversation": {"join_window": 0},
        "limits": {"person_per_minute": 0},
        "delivery": {"per_chat_per_second": 0, "per_bot_per_second": 0},
        "log": {"format": "json", "level": "warning"},
        "channels": dict(channels),
    }
