"""When an expression is due: EventBridge's own examples, what is refused, and a definition minute by minute."""

import calendar
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fargate.schedules.expressions import parse_expression

NOW = datetime(2026, 11, 28, 21, 50, 3, tzinfo=UTC)  # a Saturday
HORIZON_DAYS = 800
FIRST = {59: 0, 23: 0, 2199: 1970}
"""The first value of a field by its last, if not 1."""
MONTHS = [each.upper() for each in calendar.month_abbr[1:]]
WEEKDAYS = [calendar.day_abbr[number - 1].upper() for number in range(7)]


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("cron(0 10 * * ? *)", "2026-11-29 10:00"),
        ("cron(15 12 * * ? *)", "2026-11-29 12:15"),
        ("cron(0 18 ? * MON-FRI *)", "2026-11-30 18:00"),
        ("cron(0 8 1 * ? *)", "2026-12-01 08:00"),
        ("cron(0/15 * * * ? *)", "2026-11-28 22:00"),
        ("cron(0/10 * ? * MON-FRI *)", "2026-11-30 00:00"),
        ("cron(0/5 8-17 ? * mon-fri *)", "2026-11-30 08:00"),
        ("cron(0/30 20-2 ? * MON-FRI *)", "2026-11-30 00:00"),
        ("cron(51 21 * * ? *)", "2026-11-28 21:51"),
        ("cron(50 21 * * ? *)", "2026-11-29 21:50"),
        ("cron(0 12 ? * 1 *)", "2026-11-29 12:00"),  # 1 is Sunday
        ("cron(0 12 ? * FRI-MON *)", "2026-11-29 12:00"),
        ("cron(0 12 ? * 3#2 *)", "2026-12-08 12:00"),
        ("cron(0 12 ? * TUE#5 *)", "2026-12-29 12:00"),
        ("cron(0 12 ? * 6L *)", "2026-12-25 12:00"),
        ("cron(0 12 ? * L *)", "2026-12-05 12:00"),
        ("cron(0 12 L * ? *)", "2026-11-30 12:00"),
        ("cron(0 12 L-1 * ? *)", "2026-11-29 12:00"),
        ("cron(0 12 LW 1 ? *)", "2027-01-29 12:00"),  # the 31st is a Sunday
        ("cron(0 12 1W 5 ? *)", "2027-05-03 12:00"),  # the 1st is a Saturday: not the 30th of April
        ("cron(0 12 15W 5 ? *)", "2027-05-14 12:00"),
        ("cron(0 12 16W 5 ? *)", "2027-05-17 12:00"),
        ("cron(0 12 31W * ? *)", "2026-12-31 12:00"),  # not in November, which ends on the 30th
        ("cron(0 12 29 FEB ? *)", "2028-02-29 12:00"),
        ("cron(0 12 1 1 ? 2030/2)", "2030-01-01 12:00"),
        ("rate(1 minute)", "2026-11-28 21:51"),
        ("rate(5 minutes)", "2026-11-28 21:55"),
        ("rate(1 hour)", "2026-11-28 22:00"),
        ("rate(1 day)", "2026-11-29 00:00"),
        ("rate(7 days)", "2026-12-03 00:00"),  # 1970 began on a Thursday
    ],
)
def test_a_schedule_is_due(expression: str, due: str) -> None:
    assert parse_expression(expression).next_after(NOW) == datetime.fromisoformat(f"{due}+00:00")


@pytest.mark.parametrize("expression", ["cron(0 0 31 4 ? *)", "cron(* * * * ? 2020)", "rate(999999999 days)"])
def test_a_schedule_can_be_due_never_again(expression: str) -> None:
    assert parse_expression(expression).next_after(NOW) is None


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("every day", "neither cron"),
        ("at(2026-11-28T22:00:00)", "EventBridge Scheduler"),
        ("cron(0 4 * * ?)", "5 fields, not 6"),
        ("cron(0 4 * * * *)", "has to be ?"),
        ("cron(0 4 ? * ? *)", "has to be ?"),
        ("cron(60 4 * * ? *)", "minutes: '60' is not 0 to 59"),
        ("cron(0 24 * * ? *)", "hours: '24'"),
        ("cron(0 4 0 * ? *)", "day-of-month: '0'"),
        ("cron(0 4 * 13 ? *)", "month: '13' is not 1 to 12 or JAN to DEC"),
        ("cron(0 4 ? * 0 *)", "day-of-week: '0' is not 1 to 7 or SUN to SAT"),
        ("cron(0 4 * * ? 1969)", "year: '1969'"),
        ("cron(0 4 * * ? 2030-2026)", "ends before its start"),
        ("cron(0/0 4 * * ? *)", "a step of '0'"),
        ("cron(0/90 4 * * ? *)", "a step of '90' is not 1 to 60"),
        ("cron(1, 4 * * ? *)", "minutes: ''"),
        ("cron(? 4 * * ? *)", "minutes: '?'"),
        ("cron(L 4 * * ? *)", "minutes: 'L'"),
        ("cron(0 4 32W * ? *)", "day-of-month: '32'"),
        ("cron(0 4 1,15W * ? *)", "day-of-month: '15W'"),
        ("cron(0 4 L-31 * ? *)", "L-0 to L-30"),
        ("cron(0 4 ? * 2#6 *)", "'6' after #"),
        ("cron(0 4 ? * 2#1,3#1 *)", "day-of-week: '2#1'"),
        ("cron(0 4 ? * 2W *)", "day-of-week: '2W'"),
        ("rate(1 minutes)", "singular"),
        ("rate(5 minute)", "singular"),
        ("rate(0 minutes)", "positive number"),
        ("rate(1.5 hours)", "positive number"),
        ("rate(5 weeks)", "minute, minutes, hour"),
        ("rate(5)", "minute, minutes, hour"),
    ],
)
def test_what_eventbridge_refuses_is_refused(expression: str, fault: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fault)):
        parse_expression(expression)


def numbers(first: int, last: int, names: "list[str] | tuple[()]" = ()) -> st.SearchStrategy[str]:
    """Return lists of values, ranges and steps of a field."""
    value = st.integers(first, last).map(lambda each: names[each - first] if names and each % 2 else str(each))
    step = st.integers(1, last - first + 1)
    rising = st.tuples(value, value).filter(lambda pair: number_of(pair[0], names) <= number_of(pair[1], names))
    part = st.one_of(
        value,
        rising.map("-".join),
        st.tuples(value, step).map(lambda pair: f"{pair[0]}/{pair[1]}"),
        step.map(lambda each: f"*/{each}"),
        st.just("*"),
    )
    return st.lists(part, min_size=1, max_size=3).map(",".join)


def number_of(text: str, names: "list[str] | tuple[()]" = ()) -> int:
    return names.index(text) + 1 if text in names else int(text)


month_days = st.one_of(
    numbers(1, 31),
    st.sampled_from(["L", "LW"]),
    st.integers(0, 30).map("L-{}".format),
    st.integers(1, 31).map("{}W".format),
)
week_days = st.one_of(
    numbers(1, 7, WEEKDAYS),
    st.just("L"),
    st.integers(1, 7).map("{}L".format),
    st.tuples(st.integers(1, 7), st.integers(1, 5)).map(lambda pair: f"{pair[0]}#{pair[1]}"),
)
days = st.one_of(month_days.map(lambda each: (each, "?")), week_days.map(lambda each: ("?", each)))


def is_in(text: str, value: int, last: int, names: "list[str] | tuple[()]" = ()) -> bool:
    """Say whether a list has a value."""
    for part in text.split(","):
        span, _, step = part.partition("/")
        low, dash, high = span.partition("-")
        begin = FIRST.get(last, 1) if span == "*" else number_of(low, names)
        end = number_of(high, names) if dash else last if step or span == "*" else begin
        if begin <= value <= end and (value - begin) % int(step or 1) == 0:
            return True
    return False


def is_weekday(day: datetime) -> bool:
    return day.weekday() < 5


def is_on(day_of_month: str, day_of_week: str, day: datetime) -> bool:
    """Say whether a day is meant, by the words of EventBridge's page."""
    last = calendar.monthrange(day.year, day.month)[1]
    month = [day.replace(day=each + 1) for each in range(last)]
    if day_of_week == "?":
        if day_of_month == "LW":
            return day == [each for each in month if is_weekday(each)][-1]
        if day_of_month.startswith("L"):
            return day.day == last - int(day_of_month[2:] or 0)
        if day_of_month.endswith("W"):
            wanted = int(day_of_month[:-1])
            near = sorted((abs(each.day - wanted), each) for each in month if is_weekday(each))
            return wanted <= last and day == near[0][1]
        return is_in(day_of_month, day.day, 31)
    weekday = (day.weekday() + 1) % 7 + 1
    same = [each for each in month if each.weekday() == day.weekday()]
    if day_of_week == "L":
        return weekday == 7
    if day_of_week.endswith("L"):
        return weekday == int(day_of_week[:-1]) and day == same[-1]
    if "#" in day_of_week:
        wanted, number = map(int, day_of_week.split("#"))
        return weekday == wanted and same.index(day) + 1 == number
    return is_in(day_of_week, weekday, 7, WEEKDAYS)


def first_due(fields: "tuple[str, str, tuple[str, str], str, str]", after: datetime) -> datetime | None:
    """Look at every minute after a moment, for some years."""
    minutes, hours, (day_of_month, day_of_week), months, years = fields
    for offset in range(HORIZON_DAYS):
        day = after.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=offset)
        if not (is_in(months, day.month, 12, MONTHS) and is_in(years, day.year, 2199)):
            continue
        if not is_on(day_of_month, day_of_week, day):
            continue
        for hour in (hour for hour in range(24) if is_in(hours, hour, 23)):
            for minute in (minute for minute in range(60) if is_in(minutes, minute, 59)):
                if (due := day + timedelta(hours=hour, minutes=minute)) > after:
                    return due
    return None


@settings(max_examples=80)
@given(
    fields=st.tuples(
        numbers(0, 59), numbers(0, 23), days, numbers(1, 12, MONTHS), st.sampled_from(["*", "2027-2030", "2026/3"])
    ),
    after=st.datetimes(datetime(2026, 1, 1), datetime(2029, 12, 31), timezones=st.just(UTC)),
)
@example(("59", "23", ("31W", "?"), "JAN", "*"), datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
def test_the_next_time_is_the_first_minute_that_fits(
    fields: "tuple[str, str, tuple[str, str], str, str]", after: datetime
) -> None:
    minutes, hours, (day_of_month, day_of_week), months, years = fields
    found = parse_expression(f"cron({minutes} {hours} {day_of_month} {months} {day_of_week} {years})").next_after(after)
    expected = first_due(fields, after)
    if expected is None:
        assert found is None or found >= after.replace(hour=0, minute=0) + timedelta(days=HORIZON_DAYS - 1)
    else:
        assert found == expected


@given(
    count=st.integers(2, 10_000),
    unit=st.sampled_from(["minutes", "hours", "days"]),
    after=st.datetimes(datetime(2026, 1, 1), datetime(2029, 12, 31), timezones=st.just(UTC)),
)
def test_a_rate_is_due_at_its_interval_wherever_one_begins_to_count(count: int, unit: str, after: datetime) -> None:
    rate, interval = parse_expression(f"rate({count} {unit})"), timedelta(**{unit: count})
    due = rate.next_after(after)
    assert due is not None
    assert after < due <= after + interval
    assert rate.next_after(due) == due + interval
    assert rate.next_after(due - timedelta(microseconds=1)) == due
