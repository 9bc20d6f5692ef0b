"""When people of ours are there: a week of hours, holidays of a country, days that were moved. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from optfm_bot.domain.words import Words

MINUTES = 24 * 60
"""The end of a day, in minutes from its beginning."""

_AHEAD = 400
"""Days in which an opening is looked for: more than a year without one means never."""

_ONE_DAY = timedelta(days=1)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """Open from `start` to before `end`, in minutes of the day; an end that is not later is on the next day."""

    start: int
    end: int

    @property
    def until(self) -> int:
        """The end in minutes from the beginning of the day on which it starts."""
        return self.end if self.end > self.start else self.end + MINUTES


Week = tuple[tuple[Interval, ...], ...]
"""The intervals of each day, Monday first; a day without any is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Opening hours in one time zone.

    Without `week` it is open at all times, but on holidays and `days_off`. `country` is a code whose public holidays
    are closed, and whose moved working days are open. `working_days` and `days_off` are the owner's own, and win, the
    former first. A day that works though its weekday does not has the hours of the nearest weekday before that has any.
    """

    zone: ZoneInfo
    week: Week = ()
    country: str | None = None
    days_off: frozenset[date] = frozenset()
    working_days: frozenset[date] = frozenset()

    @property
    def always(self) -> bool:
        """Whether it never closes."""
        return not self.week and self.country is None and not self.days_off

    def open_at(self, moment: datetime) -> bool:
        """Whether it is open at an aware moment."""
        if self.always:
            return True
        today = moment.astimezone(self.zone).date()
        return any(
            start <= moment < end for day in (today - _ONE_DAY, today) for start, end in self._opened(day)
        )

    def next_opening(self, moment: datetime) -> datetime | None:
        """The moment itself if it is open then, else when it opens next, in UTC; None if it never does."""
        if self.open_at(moment):
            return moment.astimezone(UTC)
        today = moment.astimezone(self.zone).date()
        for ahead in range(_AHEAD):
            for start, _ in self._opened(today + ahead * _ONE_DAY):
                if start > moment:
                    return start
        return None

    def works(self, day: date) -> bool:
        """Whether there are hours that begin on that day."""
        return bool(self._intervals(day))

    def _opened(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """The spans that begin on a day, in UTC: a change of the clocks makes them shorter or longer."""
        for interval in self._intervals(day):
            start, end = self._instant(day, interval.start), self._instant(day, interval.until)
            if start < end:
                yield start, end

    def _instant(self, day: date, minutes: int) -> datetime:
        days, rest = divmod(minutes, MINUTES)
        local = datetime.combine(day + days * _ONE_DAY, time(rest // 60, rest % 60), self.zone)
        return local.astimezone(UTC)

    def _intervals(self, day: date) -> tuple[Interval, ...]:
        calendar = _calendar(self.country) if self.country is not None else None
        if day in self.working_days:
            return self._working(day)
        if day in self.days_off:
            return ()
        if calendar is not None:
            if day in calendar:  # asked first: it reads the year
                return ()
            if day in calendar.weekend_workdays:
                return self._working(day)
        return self._usual(day.weekday())

    def _working(self, day: date) -> tuple[Interval, ...]:
        backwards = ((day.weekday() - back) % 7 for back in range(7))
        return next((found for weekday in backwards if (found := self._usual(weekday))), ())

    def _usual(self, weekday: int) -> tuple[Interval, ...]:
        return self.week[weekday] if self.week else _WHOLE_DAY


_WHOLE_DAY = (Interval(0, MINUTES),)


class _Calendar(Container[date]):
    """The public holidays of a country; a year is read when a day of it is asked for."""

    def __init__(self, country: str) -> None:
        import holidays  # noqa: PLC0415 - a quarter of a second that only those owe who name a country

        self._days: Any = holidays.country_holidays(country)

    def __contains__(self, day: object) -> bool:
        return day in self._days

    @property
    def weekend_workdays(self) -> Container[date]:
        """Days of the weekend that work in the years that were asked for."""
        found: Container[date] = getattr(self._days, "weekend_workdays", ())
        return found


@lru_cache(maxsize=32)
def _calendar(country: str) -> _Calendar:
    return _Calendar(country)


def opening_words(opening: datetime, *, now: datetime, zone: ZoneInfo, words: Words, language: str) -> str:
    """Say when it opens, as it goes into a sentence: «завтра в 09:00», «в понедельник, 23 ноября, в 09:00»."""
    there, here = opening.astimezone(zone), now.astimezone(zone)
    clock = f"{there:%H:%M}"
    days = (there.date() - here.date()).days
    if days in _NEAR:
        return words.label(_NEAR[days], language, time=clock)
    return words.label(
        "hours.on_day",
        language,
        weekday=words.label(f"hours.weekday_{_WEEKDAYS[there.weekday()]}", language),
        day=there.day,
        month=words.label(f"hours.month_{there:%m}", language),
        time=clock,
    )


_NEAR: Mapping[int, str] = {0: "hours.today", 1: "hours.tomorrow"}
