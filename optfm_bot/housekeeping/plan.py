"""When what is to be done: which rows are too old, which chores are due. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum

from optfm_bot.store.retention import Cutoff, Kind

DAY_MS = 24 * 60 * 60 * 1000
SWEEP_SECONDS = 60 * 60.0
TEND_SECONDS = 24 * 60 * 60.0
AGAIN_SECONDS = 15 * 60.0
"""How long a backup that failed is left alone: what hindered it is seldom over in a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """For how many days finished things are kept; 0 is for ever."""

    updates: int = 7
    parked: int = 180
    messages: int = 180
    misses: int = 180
    idempotency: int = 30
    tickets: int = 365
    requests: int = 0


def cutoffs(keep: Keep, now: int) -> Sequence[Cutoff]:
    """What may go at that moment (ms since 1970), in the order in which it has to go."""
    days = {
        Kind.UPDATES: keep.updates,
        Kind.PARKED: keep.parked,
        Kind.OUTBOX: keep.messages,
        Kind.FEEDBACK: keep.messages,
        Kind.TURNS: keep.messages,
        Kind.MISSES: keep.misses,
        Kind.PROPOSALS: keep.misses,
        Kind.TICKETS: keep.tickets,
        Kind.REQUESTS: keep.requests,
        Kind.IDEMPOTENCY: keep.idempotency,
        Kind.VERSIONS: keep.messages,
    }
    return [Cutoff(kind=kind, before=now - days[kind] * DAY_MS) for kind in Kind if days[kind]]


class Chore(StrEnum):
    """What is done from time to time, by the names that metrics have for it."""

    SWEEP = "retention"
    TEND = "vacuum"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diary:
    """When each was last done, and when a backup last failed; None: never by this process.

    In seconds of a clock that only grows.
    """

    swept: float | None = None
    tended: float | None = None
    not_backed_up: float | None = None


def due(diary: Diary, seconds: float) -> Sequence[Chore]:
    """The chores that are due at that moment of the same clock; whether a day lacks its backup is asked apart."""
    found = []
    for chore, last, interval in (
        (Chore.SWEEP, diary.swept, SWEEP_SECONDS),
        (Chore.TEND, diary.tended, TEND_SECONDS),
        (Chore.BACKUP, diary.not_backed_up, AGAIN_SECONDS),
    ):
        if last is None or seconds - last >= interval:
            found.append(chore)
    return found


def backup_is_due(made: Sequence[datetime], now: datetime, *, at: time, zone: tzinfo) -> bool:
    """Whether no backup has been made since the last time of day `at` in that zone.

    `made` are the moments of those that there are. One from the future was made by a clock that was wrong and counts
    for nothing.
    """
    local = now.astimezone(zone)
    moment = datetime.combine(local.date(), at, tzinfo=zone)
    if moment > local:
        moment = datetime.combine(local.date() - timedelta(days=1), at, tzinfo=zone)
    return not any(moment <= one <= now for one in made)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Of how many days, weeks and months the last backup is kept."""

    daily: int = 7
    weekly: int = 4
    monthly: int = 6


def spare(made: Sequence[datetime], rotation: Rotation, zone: tzinfo) -> Sequence[datetime]:
    """The backups that may go, oldest first. The newest one always stays."""
    newest_first = sorted(made, reverse=True)
    kept = set(newest_first[:1])
    for number, period in (
        (rotation.daily, "%Y-%m-%d"),
        (rotation.weekly, "%G-%V"),
        (rotation.monthly, "%Y-%m"),
    ):
        last: dict[str, datetime] = {}
        for one in newest_first:
            last.setdefault(one.astimezone(zone).strftime(period), one)
        kept |= set(list(last.values())[:number])
    return [one for one in reversed(newest_first) if one not in kept]
