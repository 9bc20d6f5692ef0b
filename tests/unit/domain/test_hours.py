"""Hours: open or not, and when next, through breaks, nights, holidays, moved days and changes of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optfm_bot.domain.hours import Hours, Interval, opening_words
from optfm_bot.i18n.catalogue import Catalogue

WORDS = Catalogue.load()
MOSCOW = ZoneInfo("Europe/Moscow")
BERLIN = ZoneInfo("Europe/Berlin")
DAY = Interval(9 * 60, 18 * 60)
WEEKDAYS = ((DAY,),) * 5 + ((), ())
SHOP = Hours(zone=MOSCOW, week=WEEKDAYS, country="RU")
SHIFTS = Hours(zone=MOSCOW, week=((Interval(9 * 60, 13 * 60), Interval(14 * 60, 18 * 60)),) * 5 + ((), ()))
NIGHT = Hours(zone=MOSCOW, week=((),) * 4 + ((Interval(22 * 60, 6 * 60),), (), ()))


def moment(text: str, zone: ZoneInfo = MOSCOW) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def opens(hours: Hours, text: str) -> str | None:
    found = hours.next_opening(moment(text, hours.zone))
    return None if found is None else f"{found.astimezone(hours.zone):%Y-%m-%d %H:%M}"


def test_nothing_configured_is_always_open() -> None:
    hours = Hours(zone=MOSCOW)

    assert hours.open_at(moment("2026-01-01 03:00"))
    assert moment("2026-01-01 03:00") == hours.next_opening(moment("2026-01-01 03:00"))


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ("2026-11-23 08:59:59", False),
        ("2026-11-23 09:00", True),
        ("2026-11-23 12:59:59", True),
        ("2026-11-23 13:30", False),
        ("2026-11-23 14:00", True),
        ("2026-11-23 18:00", False),
        ("2026-11-22 12:00", False),
    ],
)
def test_a_week_with_a_break(text: str, is_open: bool) -> None:  # noqa: FBT001 - a value of the table
    assert is_open is SHIFTS.open_at(moment(text))


def test_the_zone_is_that_of_the_hours() -> None:
    assert SHIFTS.open_at(datetime(2026, 11, 23, 6, 0, tzinfo=UTC))
    assert not SHIFTS.open_at(datetime(2026, 11, 23, 5, 59, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ("2026-11-20 21:59", False),
        ("2026-11-20 22:00", True),
        ("2026-11-21 05:59", True),
        ("2026-11-21 06:00", False),
        ("2026-11-19 23:00", False),
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins(text: str, is_open: bool) -> None:  # noqa: FBT001 - as above
    assert is_open is NIGHT.open_at(moment(text))


@pytest.mark.parametrize(
    ("day", "works"),
    [
        # The calendar of 2026 as the government has it: 3 January is moved to 9 January, 4 January to 31 December.
        ("2025-12-31", False),
        ("2026-01-01", False),
        ("2026-01-08", False),
        ("2026-01-09", False),
        ("2026-01-12", True),
        ("2026-02-23", False),
        ("2026-03-09", False),
        ("2026-05-01", False),
        ("2026-05-11", False),
        ("2026-06-12", False),
        ("2026-11-03", True),
        ("2026-11-04", False),
        ("2026-11-07", False),
        ("2026-12-30", True),
        ("2026-12-31", False),
        # 2025 and 2027 have a Saturday that works.
        ("2025-11-01", True),
        ("2025-11-03", False),
        ("2025-11-08", False),
        ("2027-02-20", True),
        ("2027-02-22", False),
    ],
)
def test_russian_holidays_and_moved_days(day: str, works: bool) -> None:  # noqa: FBT001 - as above
    assert works is SHOP.works(date.fromisoformat(day))
    assert works is SHOP.open_at(moment(f"{day} 12:00"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20 12:00", "2026-11-20 12:00"),
        ("2026-11-20 07:00", "2026-11-20 09:00"),
        ("2026-11-20 18:00", "2026-11-23 09:00"),
        ("2026-11-03 20:00", "2026-11-05 09:00"),
        ("2025-12-30 18:30", "2026-01-12 09:00"),
        ("2026-04-30 18:30", "2026-05-04 09:00"),
        ("2025-10-31 18:30", "2025-11-01 09:00"),
    ],
)
def test_the_next_opening_passes_over_what_is_closed(text: str, expected: str) -> None:
    assert expected == opens(SHOP, text)


def test_the_break_ends_on_the_same_day() -> None:
    assert "2026-11-23 14:00" == opens(SHIFTS, "2026-11-23 13:10")


def test_the_owners_days_win_over_the_country_and_the_week() -> None:
    hours = Hours(
        zone=MOSCOW,
        week=WEEKDAYS,
        country="RU",
        days_off=frozenset({date(2026, 11, 24), date(2027, 2, 20)}),
        working_days=frozenset({date(2026, 11, 7), date(2026, 11, 4)}),
    )

    assert not hours.works(date(2026, 11, 24))
    assert not hours.works(date(2027, 2, 20))
    assert hours.open_at(moment("2026-11-04 12:00"))
    assert hours.open_at(moment("2026-11-07 09:00"))
    assert not hours.open_at(moment("2026-11-07 18:00"))


def test_a_weekend_that_works_has_the_hours_of_the_weekday_before() -> None:
    week = ((DAY,),) * 4 + ((Interval(9 * 60, 16 * 60),), (), ())
    hours = Hours(zone=MOSCOW, week=week, working_days=frozenset({date(2026, 11, 8)}))

    assert hours.open_at(moment("2026-11-08 15:59"))
    assert not hours.open_at(moment("2026-11-08 16:00"))


def test_without_a_week_only_holidays_and_days_off_are_closed() -> None:
    hours = Hours(zone=MOSCOW, country="RU", days_off=frozenset({date(2026, 11, 5)}))

    assert "2026-11-06 00:00" == opens(hours, "2026-11-04 00:00")
    assert hours.open_at(moment("2026-11-07 03:00"))


def test_what_never_opens_has_no_next_opening() -> None:
    assert opens(Hours(zone=MOSCOW, week=((),) * 7), "2026-11-20 12:00") is None


def test_a_night_through_the_change_of_the_clocks_is_shorter_or_longer() -> None:
    hours = Hours(zone=BERLIN, week=((Interval(22 * 60, 6 * 60),),) * 7)
    for day, length in (("2026-03-28", 7), ("2026-10-24", 9), ("2026-11-20", 8)):
        start = moment(f"{day} 22:00", BERLIN).astimezone(UTC)
        assert hours.open_at(start)
        assert hours.open_at(start + timedelta(hours=length, seconds=-1))
        assert not hours.open_at(start + timedelta(hours=length))


def test_an_opening_in_the_hour_that_is_left_out_is_an_hour_later() -> None:
    hours = Hours(zone=BERLIN, week=((Interval(2 * 60 + 30, 5 * 60),),) * 7)

    assert datetime(2026, 3, 29, 1, 30, tzinfo=UTC) == hours.next_opening(moment("2026-03-29 00:00", BERLIN))


@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 1)),  # noqa: DTZ001 - the zone comes in the next line
    st.sampled_from([SHOP, SHIFTS, NIGHT, Hours(zone=BERLIN, week=((Interval(60, 180),),) * 7)]),
)
def test_it_is_open_at_the_next_opening_and_not_before(when: datetime, hours: Hours) -> None:
    now = when.replace(tzinfo=UTC)
    found = hours.next_opening(now)

    assert found is not None
    assert found >= now
    assert hours.open_at(found)
    if found > now:
        assert not hours.open_at(found - timedelta(seconds=1))
        assert not hours.open_at(now + (found - now) / 2)


@pytest.mark.parametrize(
    ("now", "opening", "ru", "en"),
    [
        ("2026-11-20 07:00", "2026-11-20 09:00", "сегодня в 09:00", "today at 09:00"),
        ("2026-11-20 23:59", "2026-11-21 00:00", "завтра в 00:00", "tomorrow at 00:00"),
        (
            "2026-11-20 20:00",
            "2026-11-23 09:00",
            "в понедельник, 23 ноября, в 09:00",
            "on Monday, 23 November, at 09:00",
        ),
        (
            "2025-12-30 20:00",
            "2026-01-12 09:30",
            "в понедельник, 12 января, в 09:30",
            "on Monday, 12 January, at 09:30",
        ),
        ("2026-09-01 20:00", "2026-09-08 10:00", "во вторник, 8 сентября, в 10:00", None),
    ],
)
def test_the_next_opening_in_words(now: str, opening: str, ru: str, en: str | None) -> None:
    said = [
        opening_words(
            moment(opening).astimezone(UTC), now=moment(now), zone=MOSCOW, words=WORDS, language=language
        )
        for language in ("ru", "en")
    ]

    assert ru == said[0]
    assert en in {None, said[1]}
