"""Several processes of one bot on one PostgreSQL database, and the load that they are broken under."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import orjson

from tests.e2e.processes import PATIENCE, Bot, Platform, eventually, free_port
from tests.faults.database import Database
from tests.faults.load import LATENCY, SENDING, UNCERTAIN, Load

AWAY = (
    "receive.store_unavailable",
    "webhook.store_unavailable",
    "alarms.store_unavailable",
    "dispatch.store_unavailable",
    "outbox.store_unavailable",
    "store.unavailable",
    "cluster.unreachable",
    "cluster.not_followed",
)
"""What may be said while the database is away; each of these is tried again."""


class Member(Bot):
    """One process of a bot. It has a role, and joins the others whenever it is started."""

    def __init__(self, role: str, folder: Path, platform: Platform, **settings: Any) -> None:
        super().__init__(folder, platform, **settings)
        self.role = role
        self.port = settings["server"]["port"]
        self.arguments = ("--role", role)
        self._read = 0

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the process and wait for nothing."""
        log = self._output("stdout")
        self._read = log.stat().st_size if log.exists() else 0
        return super().launch()

    def said(self) -> str:
        """Its log since it was started last."""
        with self._output("stdout").open("rb") as log:
            log.seek(self._read)
            return log.read().decode(errors="replace")

    @property
    def tenure(self) -> int | None:
        """Its number among the members, the last one of this life; None if it has not joined."""
        joined = [json.loads(line) for line in self.said().splitlines() if '"cluster.joined"' in line]
        return int(joined[-1]["member"]) if joined else None

    def up(self) -> bool:
        """Whether it says that it has begun."""
        return "Ctrl+C" in self.output("stderr")[self._begun :]

    def start(self) -> Self:
        """Start the process and wait until it is one of the members."""
        self.launch()
        self.has_joined()
        return self

    def has_joined(self) -> int:
        """Wait until it is one of the members; gives its number."""
        return int(
            eventually(
                lambda: self.up() and self.tenure,
                f"{self.role} joins; it said: {self.output()}",
                seconds=2 * PATIENCE,
                alive=self.alive,
            )
        )


class Fleet:
    """All processes of one bot. To a load it looks like a single one."""

    def __init__(
        self,
        folder: Path,
        platform: Platform,
        database: Database,
        roles: Sequence[str],
        mode: str,
        *,
        url: str,
        **sections: Any,
    ) -> None:
        self.platform = platform
        self.database = database
        ports = [free_port() for _ in roles]
        settings = {"log": {"format": "json", "level": "info"}, "database": {"url": url}, **sections}
        public = f"http://127.0.0.1:{ports[0]}"
        self.members = [
            Member(
                role,
                folder / f"{number}-{role}",
                platform,
                mode=mode,
                server={"port": port, "public_url": public},
                **settings,
            )
            for number, (role, port) in enumerate(zip(roles, ports, strict=True), start=1)
        ]
        self.webs = [one for one in self.members if one.role in {"web", "all"}]
        if mode == "webhook":
            platform.control("balance", processes=[f"http://127.0.0.1:{one.port}" for one in self.webs])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with ExitStack() as stack:
            for one in self.members:
                stack.callback(one.close, judge=kind is None)

    def expect(self, *events: str) -> None:
        """These may be in the logs as errors."""
        for one in self.members:
            one.expected.update(events)

    def start(self) -> Self:
        """Start all and wait until each is a member, every shard is somebody's, and the platform reaches them."""
        for one in self.members:
            one.launch()
        for one in self.members:
            one.has_joined()
        self.settled()
        eventually(self._receives, "the platform reaches them", alive=self.alive)
        return self

    def _receives(self) -> bool:
        state = self.platform.state()
        return bool(state["webhook"] or state["polling"])

    def settled(self) -> None:
        """Wait until the shards are divided evenly among those who answer."""
        workers = sum(one.role in {"all", "worker"} for one in self.members)

        def divided() -> bool:
            shares = self.database.rows(
                "SELECT count(*) FROM leases WHERE name LIKE 'shard:%' AND member IN (SELECT id FROM members)"
                " GROUP BY member"
            )
            numbers = [number for (number,) in shares]
            return sum(numbers) == 64 and len(numbers) == workers and max(numbers) - min(numbers) <= 1

        eventually(divided, "the shards are divided", seconds=2 * PATIENCE, alive=self.alive)

    # -- what a load asks of a bot -----------------------------------------------------------------

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the database."""
        return self.database.rows(statement, *values)

    def count(self, table: str, where: str = "true", *values: Any) -> int:
        """Count rows."""
        return self.database.count(table, where, *values)

    def alive(self) -> None:
        """Fail if one of them has ended."""
        for one in self.members:
            if one.process is not None:
                one.alive()

    def log(self, event: str | None = None) -> list[dict[str, Any]]:
        """The lines of all their logs, or those of one event."""
        return [line for one in self.members for line in one.log(event)]


class SharedLoad(Load):
    """A load on a fleet."""

    bot: Fleet  # type: ignore[assignment]

    def has_tables(self) -> bool:
        """Whether some process has lived long enough to make the tables."""
        return self.bot.rows("SELECT to_regclass('outbox')")[0][0] is not None

    def question_of(self) -> dict[int, int]:
        """The message id of each stored update, by its number in the inbox."""
        rows = self.bot.rows("SELECT id, payload FROM inbox")
        return {number: int(orjson.loads(payload)["message"]["message_id"]) for number, payload in rows}

    def answered_after(self, moment: float) -> float:
        """Seconds from that moment (of `time.time()`) to the first answer after it."""
        seen = eventually(
            lambda: [one[3] for one in self.platform.control("answers")["answers"] if one[3] > moment],
            f"an answer (seed {self.seed})",
            seconds=2 * PATIENCE,
            alive=self.bot.alive,
        )
        return float(min(seen)) - moment

    def held_by(self, tenure: int) -> set[int]:
        """The questions whose answers this member was sending.

        Ask when it is dead and its connections are gone: a commit that was under way may still come true.
        """
        rows = self.bot.rows(
            "SELECT o.inbox_id FROM outbox o JOIN leases l ON l.name = 'shard:' || lpad(o.shard::text, 2, '0')"
            " WHERE o.state = ? AND l.member = ?",
            SENDING,
            tenure,
        )
        questions = self.question_of()
        return {questions[number] for (number,) in rows}

    def disconnected(self, tenure: int) -> bool:
        """Whether the server has noticed that a member's connections are gone, or nobody knows the member any more."""
        return not self.bot.count(
            "pg_stat_activity", "application_name = (SELECT name FROM members WHERE id = ?)", tenure
        )

    def verdict(self, offered: int, *, in_flight: Collection[int] = ()) -> None:
        """Fail unless every question was stored and answered once, in order; `in_flight` may have stayed in doubt."""
        what = f"seed {self.seed}"
        stored = self.question_of()
        answers, uncertain = self.answers(), self.questions_in(UNCERTAIN)
        try:
            assert len(stored) == len(set(stored.values())) == offered, what
            assert [question for question, times in answers.items() if times > 1] == [], what
            assert set(stored.values()) - answers.keys() - uncertain == set(), what
            assert uncertain <= set(in_flight), what
            assert self.disorder() == [], what
            assert self.troubled(UNCERTAIN) == 0, what
            assert self.bot.count("outbox") == offered, what
        except AssertionError as error:
            error.add_note(
                f"in the cluster: {[line for line in self.bot.log() if 'cluster' in line['logger']]}"
            )
            raise


def fleet_on(
    stack: ExitStack,
    database: Database,
    folder: Path,
    seed: int,
    roles: Sequence[str],
    mode: str,
    *,
    through: str | None = None,
    **sections: Any,
) -> SharedLoad:
    """Make processes, a platform and a load; the processes reach the database `through` an address of their own."""
    platform = stack.enter_context(Platform("--latency", str(LATENCY), "--seed", str(seed)))
    url = through or database.url
    fleet = stack.enter_context(Fleet(folder, platform, database, roles, mode, url=url, **sections))
    return SharedLoad(platform, fleet, seed)  # type: ignore[arg-type]
