"""What is too old, what is due, which backups may go: all of it from data."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from optfm_bot.housekeeping.plan import (
    AGAIN_SECONDS,
    DAY_MS,
    SWEEP_SECONDS,
    TEND_SECONDS,
    Chore,
    Diary,
    Keep,
    Rotation,
    backup_is_due,
    cutoffs,
    due,
    spare,
)
from optfm_bot.store.retention import Kind

MOSCOW = ZoneInfo("Europe/Moscow")
NOON = datetime(2026, 8, 15, 9, 0, tzinfo=UTC)
AT = time(3, 10)


def test_each_kind_has_its_days() -> None:
    found = {cutoff.kind: cutoff.before for cutoff in cutoffs(Keep(requests=900), 1000 * DAY_MS)}

    assert found.keys() == set(Kind)
    assert (found[Kind.UPDATES], found[Kind.PARKED]) == (993 * DAY_MS, 820 * DAY_MS)
    assert (
        found[Kind.OUTBOX]
        == found[Kind.TURNS]
        == found[Kind.FEEDBACK]
        == found[Kind.VERSIONS]
        == 820 * DAY_MS
    )
    assert found[Kind.IDEMPOTENCY] == 970 * DAY_MS
    assert found[Kind.MISSES] == found[Kind.PROPOSALS] == 820 * DAY_MS
    assert (found[Kind.TICKETS], found[Kind.REQUESTS]) == (635 * DAY_MS, 100 * DAY_MS)


def test_requests_are_kept_for_ever_unless_it_is_said_otherwise() -> None:
    assert Kind.REQUESTS not in {cutoff.kind for cutoff in cutoffs(Keep(), 1000 * DAY_MS)}


def test_zero_days_are_for_ever() -> None:
    nothing = Keep(updates=0, parked=0, messages=0, misses=0, idempotency=0, tickets=0)
    assert not cutoffs(nothing, 1000 * DAY_MS)
    assert [c.kind for c in cutoffs(replace(nothing, updates=1), 0)] == [Kind.UPDATES]


def test_references_go_before_what_they_refer_to() -> None:
    kinds = [cutoff.kind for cutoff in cutoffs(Keep(), 0)]

    assert kinds.index(Kind.FEEDBACK) < kinds.index(Kind.TURNS) < kinds.index(Kind.VERSIONS)


def test_chores_come_at_their_intervals() -> None:
    assert set(due(Diary(), 0)) == set(Chore)
    diary = Diary(swept=0, tended=0, not_backed_up=0)
    assert not due(diary, min(SWEEP_SECONDS, AGAIN_SECONDS) - 1)
    assert set(due(diary, AGAIN_SECONDS)) == {Chore.BACKUP}
    assert set(due(diary, SWEEP_SECONDS)) == {Chore.SWEEP, Chore.BACKUP}
    assert set(due(diary, TEND_SECONDS)) == set(Chore)


@pytest.mark.parametrize(
    ("made", "is_due"),
    [
        ([], True),
        (["2026-08-14T03:10:00"], True),
        (["2026-08-15T03:09:59"], True),
        (["2026-08-15T03:10:00"], False),
        (["2026-08-15T11:59:00"], False),
        (["2026-08-15T12:00:01"], True),  # from the future: that clock was wrong
    ],
)
def test_a_day_has_one_backup_after_its_time(made: list[str], is_due: bool) -> None:  # noqa: FBT001 - a column of the table
    moments = [datetime.fromisoformat(one).replace(tzinfo=MOSCOW) for one in made]

    assert backup_is_due(moments, NOON, at=AT, zone=MOSCOW) is is_due


def test_before_its_time_the_day_before_counts() -> None:
    night = datetime(2026, 8, 15, 3, 0, tzinfo=MOSCOW)

    assert not backup_is_due([night - timedelta(hours=23)], night, at=AT, zone=MOSCOW)
    assert backup_is_due([night - timedelta(hours=24)], night, at=AT, zone=MOSCOW)


def test_a_night_without_that_time_has_its_backup_all_the_same() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    morning = datetime(2026, 3, 29, 8, 0, tzinfo=berlin)  # at two o'clock it was three

    assert backup_is_due([morning - timedelta(days=1)], morning, at=time(2, 30), zone=berlin)
    assert not backup_is_due([morning - timedelta(hours=2)], morning, at=time(2, 30), zone=berlin)


def test_days_weeks_and_months_keep_their_last_backup() -> None:
    made = [NOON - timedelta(days=number) for number in range(400)]

    kept = sorted(set(made) - set(spare(made, Rotation(daily=7, weekly=4, monthly=6), MOSCOW)), reverse=True)

    shown = [one.astimezone(MOSCOW).date().isoformat() for one in kept]
    assert shown[:7] == [(NOON - timedelta(days=number)).date().isoformat() for number in range(7)]
    assert shown[7:] == [
        "2026-08-02",  # the Sundays of four weeks, two of which are among the seven days
        "2026-07-31",
        "2026-07-26",
        "2026-06-30",
        "2026-05-31",
        "2026-04-30",
        "2026-03-31",
    ]


def test_of_several_backups_of_a_day_the_last_one_stays() -> None:
    made = [NOON, NOON - timedelta(hours=2), NOON - timedelta(hours=4)]

    assert spare(made, Rotation(daily=7, weekly=0, monthly=0), MOSCOW) == made[:0:-1]


def test_the_newest_backup_always_stays() -> None:
    assert not spare([NOON], Rotation(daily=0, weekly=0, monthly=0), MOSCOW)
    assert not spare([], Rotation(), MOSCOW)
