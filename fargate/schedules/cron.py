"""EventBridge's cron expressions: six fields, in UTC.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html. The syntax is that of Quartz, whose
rules hold where that page says nothing: ranges that wrap (`FRI-MON`), `LW`, `L-3`.
"""

import bisect
import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain

DayRule = Callable[[date], bool]

ANY = "?"
SATURDAY = 7
MOST_OFFSET = 30
WEEKS = range(1, 6)
"""Of one weekday in a month."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its values, and their names."""

    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()
    wraps: bool = True  # a range may end before its start

    def values(self, text: str) -> frozenset[int]:
        """Return the values of a list such as `1,5-7,10/5`.

        Raises:
            ValueError: it is malformed; the message says what is wrong.
        """
        return frozenset(chain.from_iterable(map(self._part, text.split(","))))

    def number(self, text: str) -> int:
        """Return the number of a value or of its name.

        Raises:
            ValueError: it is neither.
        """
        if text.upper() in self.names:
            return self.first + self.names.index(text.upper())
        number = _whole(text)
        if number is None or not self.first <= number <= self.last:
            names = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
            raise ValueError(f"{self.name}: {text!r} is not {self.first} to {self.last}{names}")
        return number

    def _part(self, text: str) -> list[int]:
        span, slash, step = text.partition("/")
        low, dash, high = span.partition("-")
        if span == "*":
            return self._steps(self.first, self.last, step if slash else "1")
        first = self.number(low)
        if dash:
            return self._steps(first, self.number(high), step if slash else "1")
        return self._steps(first, self.last, step) if slash else [first]

    def _steps(self, first: int, last: int, step: str) -> list[int]:
        """Return every `step`-th value."""
        size = self.last - self.first + 1
        every = _whole(step)
        if not every or every > size:
            raise ValueError(f"{self.name}: a step of {step!r} is not 1 to {size}")
        if first > last and not self.wraps:
            raise ValueError(f"{self.name}: {first}-{last} ends before its start")
        end = last if first <= last else last + size
        return [(value - self.first) % size + self.first for value in range(first, end + 1, every)]


MINUTES = Field("minutes", 0, 59)
HOURS = Field("hours", 0, 23)
DAYS = Field("day-of-month", 1, 31)
MONTHS = Field("month", 1, 12, ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"))
WEEKDAYS = Field("day-of-week", 1, 7, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))
YEARS = Field("year", 1970, 2199, wraps=False)
FIELDS = (MINUTES, HOURS, DAYS, MONTHS, WEEKDAYS, YEARS)


@dataclass(frozen=True, slots=True)
class Cron:
    """When a cron expression is due. All members are sorted."""

    times: tuple[time, ...]  # of a day
    is_due_on: DayRule
    months: tuple[int, ...]
    years: tuple[int, ...]

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first time that is due after a moment; None if there is none."""
        for day in self._days_from(moment.date()):
            earlier = bisect.bisect_right(self.times, moment.time()) if day == moment.date() else 0
            if earlier < len(self.times):
                return datetime.combine(day, self.times[earlier], UTC)
        return None

    def _days_from(self, first: date) -> Iterator[date]:
        for year in self.years[bisect.bisect_left(self.years, first.year) :]:
            for month in self.months:
                if (year, month) >= (first.year, first.month):
                    yield from (day for day in _month_of(year, month) if day >= first and self.is_due_on(day))


def parse_cron(fields: str) -> Cron:
    """Read what is between the brackets of `cron(...)`.

    Raises:
        ValueError: it is malformed; the message says what is wrong.
    """
    texts = fields.split()
    if len(texts) != len(FIELDS):
        names = ", ".join(field.name for field in FIELDS)
        raise ValueError(f"it has {len(texts)} fields, not {len(FIELDS)}: {names}")
    minutes, hours, day_of_month, months, day_of_week, years = texts
    if (day_of_month == ANY) == (day_of_week == ANY):
        raise ValueError("one of day-of-month and day-of-week has to be ?, and the other must not be")
    rule = _day_of_week(day_of_week) if day_of_month == ANY else _day_of_month(day_of_month)
    times = (time(hour, minute) for hour in HOURS.values(hours) for minute in MINUTES.values(minutes))
    return Cron(tuple(sorted(times)), rule, _sorted(MONTHS, months), _sorted(YEARS, years))


def _day_of_month(text: str) -> DayRule:
    rule = text.upper()
    if rule == "LW":
        return lambda day: day.day == _nearest_weekday(day, _last(day))
    if rule == "L":
        return lambda day: day.day == _last(day)
    if match := re.fullmatch(r"L-(.*)", rule):
        offset = _whole(match[1])
        if offset is None or offset > MOST_OFFSET:
            raise ValueError(f"{DAYS.name}: {text!r} is not L-0 to L-{MOST_OFFSET}")
        return lambda day: day.day == _last(day) - offset
    if match := re.fullmatch(r"([^,]*)W", rule):
        number = DAYS.number(match[1])
        return lambda day: number <= _last(day) and day.day == _nearest_weekday(day, number)
    days = DAYS.values(text)
    return lambda day: day.day in days


def _day_of_week(text: str) -> DayRule:
    if text.upper() == "L":
        return lambda day: _weekday(day) == SATURDAY
    if match := re.fullmatch(r"([^,]+)[Ll]", text):
        last = WEEKDAYS.number(match[1])
        return lambda day: _weekday(day) == last and day.day > _last(day) - 7
    if match := re.fullmatch(r"([^,]*)#([^,]*)", text):
        weekday, week = WEEKDAYS.number(match[1]), _whole(match[2])
        if week not in WEEKS:
            raise ValueError(f"{WEEKDAYS.name}: {match[2]!r} after # is not {WEEKS[0]} to {WEEKS[-1]}")
        return lambda day: _weekday(day) == weekday and (day.day + 6) // 7 == week
    days = WEEKDAYS.values(text)
    return lambda day: _weekday(day) in days


def _sorted(field: Field, text: str) -> tuple[int, ...]:
    return tuple(sorted(field.values(text)))


def _month_of(year: int, month: int) -> Iterator[date]:
    first = date(year, month, 1)
    return (first + timedelta(days) for days in range(_last(first)))


def _last(day: date) -> int:
    """Return the number of the last day of a day's month."""
    return calendar.monthrange(day.year, day.month)[1]


def _weekday(day: date) -> int:
    """Return 1 for Sunday to 7 for Saturday."""
    return day.isoweekday() % 7 + 1


def _nearest_weekday(day: date, number: int) -> int:
    """Return the number of the weekday that is nearest to a day of a day's month, in that month."""
    weekday = day.replace(day=number).isoweekday()
    if weekday == 6:  # Saturday
        return number - 1 if number > 1 else number + 2
    if weekday == 7:  # Sunday
        return number + 1 if number < _last(day) else number - 2
    return number


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None
