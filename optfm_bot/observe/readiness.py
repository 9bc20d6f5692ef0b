"""Whether the house can work: a judgement that turns red before harm is done, and does not flap.

All of it is pure: what is known is passed in as data, time as seconds that only grow. A platform that is down never
makes the house unready: neither a restart nor another process would help.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from channels.phrase import phrase

_MB = 1024 * 1024
_RISE = 10.0
"""Seconds for which something must be worse before it is said; a spike is no trouble."""

_FALL = 30.0
"""Seconds for which it must be better before that is said."""

_STEP = 10.0
"""The longest time that one look may stand for: who was stopped for an hour has not seen an hour of trouble."""

_TREND = 60.0
"""Seconds over which a queue must not have become shorter to be stuck. Retries may hold one up for half of that."""

_SILENT = 60.0
_CALM = 0.8
"""What is over its limit counts as over it until it is below this share of it."""

_ROOMY = 5
"""A disk with less than so many times its limit is worth a word."""

_NOTABLE = 1 / 8
"""A loop that is late by this share of its limit is worth a word."""

_FULL = 0.95


class Level(IntEnum):
    """How bad a problem is: `DEGRADED` is shown and changes nothing, `UNAVAILABLE` says: send no work here."""

    FINE = 0
    DEGRADED = 1
    UNAVAILABLE = 2


_NOBODY = {
    "worker": phrase(
        "ready.no_worker",
        "no process with the role worker is there: what comes is stored, and nobody answers",
    ),
    "poller": phrase(
        "ready.no_poller", "no process with the role poller is there: nobody polls, and nobody sets webhooks"
    ),
}
"""What is said of a role that no process has."""

_STATUS = {Level.FINE: "ok", Level.DEGRADED: "degraded", Level.UNAVAILABLE: "unavailable"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong: its name in the metrics, how bad it is, and a sentence without anything personal."""

    name: str
    level: Level
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessLimits:
    """Where trouble begins; 0 switches a limit off. Seconds, messages and bytes."""

    queue_age: float = 60.0
    queue_depth: int = 20_000
    outbox_depth: int = 20_000
    disk_free: int = 200 * _MB
    wal: int = 256 * _MB
    loop_lag: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Essentials:
    """What must be so at the very moment of asking. `store` and `schema` say what is wrong with them, None is well."""

    stopping: bool = False
    store: str | None = None
    schema: str | None = None
    entries: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits in one channel.

    `oldest` is the age in seconds of the oldest update that could be handled by now: not of one that waits for its
    retry, nor of a person who is slowed down for flooding. `held_back` is true while the platform is the reason for
    waiting: it is not connected, or its outbox is full.
    """

    waiting: int = 0
    oldest: float = 0.0
    unsent: int = 0
    held_back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What was measured at one look. None: there is no such thing here.

    `loop_lag` in seconds as `LagMonitor.lag` gives it, `memory` the used share (0 to 1) of the room for updates,
    `missing` the roles that no process has.
    """

    channels: Mapping[str, Backlog] = field(default_factory=dict)
    disk_free: int | None = None
    wal: int | None = None
    loop_lag: float = 0.0
    memory: float = 0.0
    missing: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The problems, the worst first."""

    problems: Sequence[Problem]

    @property
    def ready(self) -> bool:
        """Whether work may be sent here."""
        return all(problem.level < Level.UNAVAILABLE for problem in self.problems)

    @property
    def status(self) -> str:
        """`ok`, `degraded` or `unavailable`."""
        return _STATUS[max((problem.level for problem in self.problems), default=Level.FINE)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is said of one limit; `contrary` tells for how long something else, `worse` or not, has been measured."""

    said: Level = Level.FINE
    contrary: float | None = None
    worse: bool = False


def stepped(standing: Standing, measured: Level, elapsed: float, *, rise: float = _RISE) -> Standing:
    """Give what is to be said after another look, `elapsed` seconds after the last one."""
    if measured == standing.said:
        return Standing(said=measured)
    worse = measured > standing.said
    went_on = standing.contrary is not None and standing.worse == worse
    contrary = (standing.contrary or 0.0) + elapsed if went_on else 0.0
    if contrary >= (rise if worse else _FALL):
        return Standing(said=measured)
    return Standing(said=standing.said, contrary=contrary, worse=worse)


class Trend:
    """Whether a queue is being caught up with: within a minute its oldest became younger, or it became shorter.

    Before a minute was seen nobody knows, and the answer is yes.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float, int]] = deque()
        self._now = 0.0

    def add(self, oldest: float, waiting: int, elapsed: float) -> bool:
        """Take the age in seconds and the length of another look; gives whether it is being caught up with."""
        self._now += elapsed
        self._seen.append((self._now, oldest, waiting))
        while len(self._seen) > 1 and self._seen[1][0] <= self._now - _TREND:
            self._seen.popleft()
        since, older, longer = self._seen[0]
        return self._now - since < _TREND or oldest < older or waiting < longer


class Readiness:
    """Remembers enough of the past to judge steadily. Call `observe` at every look and `verdict` when somebody asks.

    `now` is monotonic time in seconds. Looks are meant to come every few seconds; if none came for a minute, that is a
    problem of its own, since nobody knows any more.
    """

    def __init__(self, limits: ReadinessLimits | None = None) -> None:
        self._limits = limits or ReadinessLimits()
        self._standings: dict[tuple[str, str], Standing] = {}
        self._trends: dict[str, Trend] = {}
        self._problems: list[Problem] = []
        self._seen_at: float | None = None
        self._elapsed = 0.0

    def observe(self, vitals: Vitals, now: float) -> None:
        """Take what was measured."""
        passed = now - self._seen_at if self._seen_at is not None else 0.0
        if passed > _STEP:  # we were stopped: what comes now has waited for us and has to be given its minute
            self._trends.clear()
        self._elapsed = min(_STEP, max(0.0, passed))
        self._seen_at = now
        self._problems = []
        for channel, backlog in vitals.channels.items():
            self._queue(channel, backlog)
        self._machine(vitals)

    def verdict(self, essentials: Essentials, now: float) -> Verdict:
        """Judge: what is so at this moment, and what the looks have shown."""
        problems = [*essential_problems(essentials), *self._problems]
        if self._seen_at is not None and now - self._seen_at > _SILENT:
            text = phrase(
                "ready.unmeasured",
                "nothing has been measured for {seconds} s",
                seconds=f"{now - self._seen_at:.0f}",
            )
            problems.append(Problem(name="unmeasured", level=Level.DEGRADED, text=text))
        return Verdict(sorted(problems, key=lambda problem: -problem.level))

    # -- limits -------------------------------------------------------------------------------------------

    def _queue(self, channel: str, backlog: Backlog) -> None:
        limits = self._limits
        if backlog.held_back:
            # What a queue was like during an outage says nothing of the time after it.
            self._trends.pop(channel, None)
            level, why = Level.DEGRADED, phrase("ready.held_up", "; the platform holds them up")
        elif self._trends.setdefault(channel, Trend()).add(backlog.oldest, backlog.waiting, self._elapsed):
            level, why = Level.DEGRADED, phrase("ready.caught_up", "; they are being caught up with")
        else:
            level, why = Level.UNAVAILABLE, phrase("ready.no_better", ", and it does not get better")
        over = self._over("queue_age", channel, backlog.oldest, limits.queue_age)
        text = phrase(
            "ready.queue_age",
            "{channel}: updates have been waiting for {seconds} s (limit {limit} s){why}",
            channel=channel,
            seconds=f"{backlog.oldest:.0f}",
            limit=f"{limits.queue_age:g}",
            why=why,
        )
        self._say("queue_age", channel, level if over else Level.FINE, text)
        over = self._over("queue_depth", channel, backlog.waiting, limits.queue_depth)
        text = phrase(
            "ready.queue_depth",
            "{channel}: {waiting} updates wait (limit {limit}){why}",
            channel=channel,
            waiting=backlog.waiting,
            limit=limits.queue_depth,
            why=why,
        )
        self._say("queue_depth", channel, level if over else Level.FINE, text)
        over = self._over("outbox_depth", channel, backlog.unsent, limits.outbox_depth)
        text = phrase(
            "ready.outbox_depth",
            "{channel}: {unsent} messages wait to be sent (limit {limit})",
            channel=channel,
            unsent=backlog.unsent,
            limit=limits.outbox_depth,
        )
        self._say("outbox_depth", channel, Level.DEGRADED if over else Level.FINE, text)

    def _machine(self, vitals: Vitals) -> None:
        limits = self._limits
        if vitals.disk_free is not None and limits.disk_free:
            text = phrase(
                "ready.disk",
                "the disk of the database has {free} MB left (limit {limit} MB): free some space",
                free=vitals.disk_free // _MB,
                limit=limits.disk_free // _MB,
            )
            # A disk fills without warning, and a full one cannot even be written to mend it: this is said at once.
            self._say("disk", "", self._disk(vitals.disk_free), text, rise=0.0)
        if vitals.wal is not None:
            over = self._over("wal", "", vitals.wal, limits.wal)
            text = phrase(
                "ready.wal",
                "the write-ahead file of the database has {size} MB (limit {limit} MB):"
                " another program holds a long transaction",
                size=vitals.wal // _MB,
                limit=limits.wal // _MB,
            )
            self._say("wal", "", Level.DEGRADED if over else Level.FINE, text)
        late, most = vitals.loop_lag, limits.loop_lag
        level = (
            Level.UNAVAILABLE if self._over("loop_lag", "", late, most, Level.UNAVAILABLE) else Level.DEGRADED
        )
        notable = self._over("loop_lag", "", late, most * _NOTABLE)
        text = phrase(
            "ready.loop_lag",
            "everything is late by {late} s (limit {limit} s): the processor is too busy, or something blocks",
            late=f"{late:.1f}",
            limit=f"{most:g}",
        )
        self._say("loop_lag", "", level if notable else Level.FINE, text)
        text = phrase("ready.memory", "the memory for updates is full: new ones wait in the database")
        self._say("memory", "", Level.DEGRADED if vitals.memory >= _FULL else Level.FINE, text)
        # Never more than degraded: what comes is stored here as well as anywhere, and kept until somebody is there.
        for role, nobody in _NOBODY.items():
            self._say("roles", role, Level.DEGRADED if role in vitals.missing else Level.FINE, nobody)

    def _disk(self, free: int) -> Level:
        said, limit = self._standing("disk", "").said, self._limits.disk_free
        # Room that is only just enough again is not enough: mind the way back up.
        if free <= (limit / _CALM if said is Level.UNAVAILABLE else limit):
            return Level.UNAVAILABLE
        roomy = limit * _ROOMY
        return Level.DEGRADED if free <= (roomy / _CALM if said else roomy) else Level.FINE

    def _over(
        self, name: str, channel: str, value: float, limit: float, level: Level = Level.DEGRADED
    ) -> bool:
        said = self._standing(name, channel).said
        return limit > 0 and value > (limit * _CALM if said >= level else limit)

    # -- memory -------------------------------------------------------------------------------------------

    def _standing(self, name: str, channel: str) -> Standing:
        return self._standings.get((name, channel), Standing())

    def _say(self, name: str, channel: str, measured: Level, text: str, *, rise: float = _RISE) -> None:
        standing = stepped(self._standing(name, channel), measured, self._elapsed, rise=rise)
        self._standings[name, channel] = standing
        if standing.said:
            self._problems.append(Problem(name=name, level=standing.said, text=text))


def essential_problems(essentials: Essentials) -> Sequence[Problem]:
    """What keeps the house from working at this moment."""
    found = {
        "stopping": phrase("ready.stopping", "stopping") if essentials.stopping else None,
        "store": essentials.store,
        "schema": essentials.schema,
        "knowledge": None
        if essentials.entries
        else phrase("ready.no_knowledge", "the knowledge base is empty"),
    }
    return [Problem(name=name, level=Level.UNAVAILABLE, text=text) for name, text in found.items() if text]
